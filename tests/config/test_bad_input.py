"""Files that nobody meant: bombs, garbage, pipes, devices, far too much of everything.

Each is checked by a process of its own, with little memory and little time: it ends by itself, with a sentence that
names the file, and the line and column where there are any.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.config.conftest import SECRET, Site

HOME = Path(__file__).resolve().parents[2]
MEMORY = 1 << 30
"""Octets of address space: Python with all its libraries has a third of it before it reads anything."""
WITHIN_S = 30.0
CERTIFICATE = (
    "eap:\n  certificate: cert.pem\n  private_key: file:key.pem\n  client_cas: [{file: ca.pem, may_assert: []}]\n"
)


@dataclass(frozen=True, slots=True)
class Checked:
    code: int
    said: str

    def must(self, *wanted: str) -> None:
        """It was refused, with these words in one line each."""
        assert self.code == 1, self.said
        assert "Traceback" not in self.said, self.said
        for each in wanted:
            assert any(re.search(each, line) for line in self.said.splitlines()), f"{each} is not in {self.said}"


Check = Callable[..., Checked]


@pytest.fixture
def check(site: Site) -> Check:
    """``check("test")``: ``nacd check`` (or another command) of the site, under limits."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    def run(*words: str) -> Checked:
        done = subprocess.run(
            [sys.executable, "-m", "nacd", *(words or ("check",)), "--config", str(site.folder / "nacd.yaml")],
            cwd=HOME,
            env={**os.environ, **site.environment, "COLUMNS": "400"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=WITHIN_S,
            preexec_fn=limited,
            check=False,
        )
        assert SECRET not in done.stdout
        return Checked(done.returncode, done.stdout)

    return run


def test_the_site_itself_is_fine_under_these_limits(check: Check) -> None:
    assert check().code == 0


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(f'*{before}' for _ in range(9))}]\n"
    for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)
ROW = "  - {{name: r{}, when: {{mac: AA-BB-CC-00-00-01}}, then: deny}}\n"
WRONG: dict[str, tuple[bytes, str]] = {
    "bomb": (BOMB.encode(), r":1:4: anchors \(`&`\) are not used here"),
    "merge": (b"a: {b: 1}\nc:\n  <<: *a\n", r":3:\d+: .*(merges nothing|aliases)"),
    "twice": (b"state: a\nstate: b\n", r":2:1: `state` is set twice, first in line 1"),
    "tab": (b"audit:\n\tfile: a\n", r":2:1: a tab indents this line"),
    "deep list": (b"a: " + b"[" * 100_000, r":1:\d+: nested more than 32 deep"),
    "deep mapping": (b"".join(b" " * depth + b"a:\n" for depth in range(3_000)), r":\d+:\d+: nested more than 32 deep"),
    "deep flow": (b"a: " + b"{a: " * 50_000, r":1:\d+: nested more than 32 deep"),
    "latin-1": ("audit: {file: a}\nstate: café\n".encode("latin-1"), r":2:11: octet 0xe9 is not UTF-8"),
    "utf-16": ("state: a\n".encode("utf-16"), r":1:1: the file is UTF-16: save it as UTF-8"),
    "utf-16 without its mark": ("state: a\n".encode("utf-16-le"), r":1:2: invisible or control character U\+0000"),
    "nul": (b"state: a\0b\n", r":1:9: invisible or control character U\+0000"),
    "bom inside": ("state: a\ufeffb\n".encode(), r":1:9: invisible or control character U\+FEFF"),
    "escape": (b"state: \x1b[2J\n", r":1:8: invisible or control character U\+001B"),
    "right to left": ("state: a\u202eb\n".encode(), r":1:9: invisible or control character U\+202E"),
    "surrogate": (b"state: \xed\xa0\x80\n", r":1:8: octet 0xed is not UTF-8"),
    "empty": (b"", r":1:1: the file is empty"),
    "blank": (b" \n\n# nothing\n", r":1:1: the file is empty"),
    "list": (b"- a\n", r":1:1: the file must consist of `key: value` lines, this is a list"),
    "text": (b"hello\n", r":1:1: the file must consist of `key: value` lines, this is a single value"),
    "two documents": (b"state: a\n---\nstate: b\n", r":2:1: a second document begins here"),
    "tag": (b"state: !!python/object/apply:os.system [id]\n", r":1:8: tags \(`!`\) are not used here"),
    "open": (b"state: [a\n", r":\d+:\d+: .* of line 1 is not closed|:\d+:\d+: this is not YAML"),
    "huge scalar": (b"state: " + b"x" * (9 << 20) + b"\n", r":1:\d+: "),
    "huge key": (b"x" * (9 << 20) + b": 1\n", r":1:\d+: |this is not YAML"),
    "huge quoted": (b'state: "' + b"\\x41" * (2 << 20) + b'"\n', r":1:\d+: "),
    "too large": (b"#" * ((10 << 20) + 1), r"is larger than 10 MiB"),
    "many values": (b"a: [" + b"1," * 300_000 + b"1]\n", r":1:\d+: the file has more than 200,000 values"),
    "many documents": (b"---\n" * 500_000, r":\d+:1: "),
    "many lines": (b"\n" * (9 << 20), r":1:1: the file is empty"),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "kind"),
    [
        *(("nacd.yaml", kind) for kind in sorted(WRONG)),
        *(("policy.yaml", kind) for kind in ("bomb", "nul", "too large")),
    ],
)
def test_what_is_no_configuration_is_told_with_its_place(check: Check, site: Site, file: str, kind: str) -> None:
    octets, said = WRONG[kind]
    site.write(file, octets)
    done = check()
    done.must(f"{re.escape(file)}.*{said}" if not said.startswith(":") else f"{re.escape(file)}({said})")
    assert len(done.said) < 200_000


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bomb", "latin-1", "too large"])
def test_cases_are_told_with_their_place_too(check: Check, site: Site, kind: str) -> None:
    octets, said = WRONG[kind]
    site.write("policy-cases.yaml", octets)
    done = check("test")
    assert done.code == 2, done.said
    assert re.search(said, done.said), done.said
    assert "Traceback" not in done.said


@pytest.mark.slow
def test_a_mark_at_the_beginning_is_none_of_the_text(check: Check, site: Site) -> None:
    path = site.folder / "nacd.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert check().code == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("audit: 7", r"nacd\.yaml:\d+:8: "),
        ("audit: [file]", r"nacd\.yaml:\d+:8: "),
        ("audit: {file: [a, b]}", r"nacd\.yaml:\d+:15: "),
        ("audit: {file: true}", r"nacd\.yaml:\d+:15: "),
        ("audit: {file: 12:34:56}", r"nacd\.yaml:\d+:15: .*base-60"),
        ("audit: {file: 1e400}", r"nacd\.yaml:\d+:15: "),
        ("audit: {file: a, when_full: 0}", r"nacd\.yaml:\d+:29: "),
        ("audit: {file: a, 7: b}", r"nacd\.yaml:\d+:18: the key `7` is a number"),
        ("audit: {file: a, [x]: b}", r"nacd\.yaml:\d+:18: a key must be a word"),
        ("audit: {? {a: b} : c}", r"nacd\.yaml:\d+:\d+: "),
    ],
)
def test_a_value_of_another_kind_is_told_at_the_value(check: Check, site: Site, written: str, said: str) -> None:
    site.change("audit: {file: audit.jsonl}", written)
    check().must(said)


@pytest.mark.slow
def test_a_hundred_thousand_rules_are_refused_and_not_worked_through(check: Check, site: Site) -> None:
    site.write("policy.yaml", "rules:\n" + "".join(ROW.format(number) for number in range(100_000)))
    check().must(r"policy\.yaml:\d+:\d+: the file has more than 200,000 values")
    site.write("policy.yaml", "rules:\n" + "".join(ROW.format(number) for number in range(12_000)))
    check().must(r"policy\.yaml:10002:\d+: more than 10,000 rules: each costs time in every decision")


@pytest.mark.slow
def test_thousands_of_mistakes_are_not_all_told(check: Check, site: Site) -> None:
    site.write("policy.yaml", "rules:\n" + "".join(f"  - {{name: r{n}, whn: 1, then: x}}\n" for n in range(5_000)))
    done = check()
    done.must(r"more problems not shown")
    assert done.said.count("\n") < 300


# -- what is no file ------------------------------------------------------------------------

NO_FILES: dict[str, str] = {
    "folder": "is a folder",
    "pipe": "pipe",
    "zero": "device",
    "nothing": "no such file|does not exist",
    "link": "too many levels|does not exist",
}


def put(path: Path, kind: str) -> None:
    """In place of what is there."""
    path.unlink(missing_ok=True)
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path, 0o600)
        case "zero":
            path.symlink_to("/dev/zero")
        case "link":
            path.symlink_to(path)


@pytest.fixture
def everything(site: Site) -> None:
    """Each kind of file that a configuration can name."""
    site.change("policy: policy.yaml", f"{CERTIFICATE}policy: policy.yaml")
    for name in ("cert.pem", "key.pem", "ca.pem"):
        site.write(name, b"-----BEGIN", mode=0o600)
    site.write("printers.csv", "mac\nAA-BB-CC-00-00-01\n")
    site.write("vlans.csv", "device,vlan\n6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11,7\n")
    site.write(
        "policy.yaml",
        "profiles: {corp: {vlan: {list: vlans.csv, default: 3}}}\nrules:\n"
        "  - {name: a, when: {access: mab, mac_in: printers.csv}, then: corp}\n",
    )


@pytest.mark.slow
@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("kind", sorted(NO_FILES))
def test_what_is_no_file_is_named_and_never_waited_for(check: Check, site: Site, kind: str) -> None:
    for name in ("cert.pem", "key.pem", "ca.pem", "secrets/sw", "printers.csv", "vlans.csv"):
        put(site.folder / name, kind)
    done = check()
    for name in ("cert.pem", "key.pem", "ca.pem", "secrets/sw", "printers.csv", "vlans.csv"):
        done.must(rf"{re.escape(name)}.*({NO_FILES[kind]})")
    assert done.said.count("nacd.yaml:") >= 4


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(NO_FILES))
@pytest.mark.parametrize("name", ["nacd.yaml", "policy.yaml"])
def test_a_configuration_that_is_no_file_is_named(check: Check, site: Site, kind: str, name: str) -> None:
    put(site.folder / name, kind)
    done = check()
    assert done.code in (1, 2), done.said
    assert "Traceback" not in done.said
    assert re.search(NO_FILES[kind] + ("|is a directory" if name == "nacd.yaml" else ""), done.said, re.I), done.said


# -- lists ----------------------------------------------------------------------------------

LISTS: dict[str, tuple[bytes, str]] = {
    "latin-1": (b"mac\nAA-BB-CC-00-00-01 caf\xe9\n", r"printers\.csv:2:\d+: octet 0xe9 is not UTF-8"),
    "utf-16": ("mac\nAA-BB-CC-00-00-01\n".encode("utf-16"), r"printers\.csv:1:\d+: octet 0xff is not UTF-8"),
    "nul": (b"mac\nAA-BB-CC\0-00-00-01\n", r"printers\.csv:2:1: "),
    "zip": (b"PK\x03\x04" + bytes(range(256)) * 50, r"printers\.csv:\d+:\d+: octet 0x"),
    "one long line": (b"mac\n" + b"A" * (9 << 20), r"printers\.csv:2:1: "),
    "quotes": (b'mac,note\n"AA-BB-CC-00-00-01,' + b'"' * 100_000 + b"\n", r"printers\.csv:2:2: "),
    "commas": (b"mac\n" + b"," * (5 << 20) + b"\n", r"printers\.csv:2:1: "),
    "garbage": (b"mac\n" + b"x\n" * (2 << 20), r"more than 20 lines are wrong, the rest was not read"),
    "too large": (b"#" * ((10 << 20) + 1), r"printers\.csv`?: the list is larger than 10 MiB"),
    "day": (b"mac,expires\nAA-BB-CC-00-00-01,31.12.2026\n", r"printers\.csv:2:19: `31\.12\.2026` is no day"),
    "far day": (b"mac,expires\nAA-BB-CC-00-00-01,9999-99-99\n", r"printers\.csv:2:19: "),
}


@pytest.mark.slow
@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("kind", sorted(LISTS))
def test_what_is_no_list_is_told_with_its_place(check: Check, site: Site, kind: str) -> None:
    octets, said = LISTS[kind]
    site.write("printers.csv", octets)
    done = check()
    done.must(said)
    assert len(done.said) < 100_000


@pytest.mark.slow
@pytest.mark.usefixtures("everything")
def test_half_a_million_rows_are_a_list(check: Check, site: Site) -> None:
    rows = "".join(f"{n >> 16 & 254:02X}-00-{n >> 24:02X}-{n >> 16 & 255:02X}-{n >> 8 & 255:02X}-{n & 255:02X}\n"
                   for n in range(500_000))  # fmt: skip
    site.write("printers.csv", f"mac\n{rows}")
    assert "printers.csv" not in check().said
