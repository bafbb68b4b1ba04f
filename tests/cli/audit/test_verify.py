"""``nacd audit verify`` over files on disk, as a security team would call it."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nacd.cli.audit import parts, verify
from tests.store.trail.written import Written, members, trail


@pytest.fixture
def live(tmp_path: Path, made: Written) -> Path:
    folder = tmp_path / "log"
    folder.mkdir()
    return made.lay(folder, packed=[made.files[0][0]])


def test_a_whole_trail_is_proved_by_anchors_and_exits_with_0(
    nacd: Any, live: Path, anchors: Path, public: Path
) -> None:
    done = nacd("audit", "verify", live, "--anchors", anchors, "--key", public)
    assert done.exit_code == 0
    assert "41 records in 3 files" in done.stdout
    assert "Up to record 41 (2026-11-22T19:21:41.000Z at the latest) anchors prove it" in done.stdout
    assert "WHOLE" in done.stdout
    assert done.stderr == ""


def test_without_anchors_it_says_plainly_what_that_is_worth(nacd: Any, live: Path, public: Path) -> None:
    done = nacd("audit", "verify", live, "--key", public)
    assert done.exit_code == 0
    assert "whoever had the key and the file (root on this host) could have written all of it anew" in done.stdout


@pytest.mark.parametrize("part_octets", [700, 64 << 20])
def test_a_changed_record_is_named_and_exits_with_1(
    nacd: Any, live: Path, made: Written, monkeypatch: pytest.MonkeyPatch, part_octets: int
) -> None:
    monkeypatch.setattr(parts, "PART_OCTETS", part_octets)
    path = live.with_name(made.files[1][0])
    path.write_bytes(path.read_bytes().replace(b'"seq":20,', b'"seq":02,', 1))
    done = nacd("audit", "verify", live)
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    at = lines.index(f"         {path}")
    assert lines[at - 1] == "FAULT    no record: this line is no record of the trail; record 20 belongs here"
    assert lines[at + 1].startswith("         line 8, octet 1,6")
    assert lines[at + 2].startswith("         the last good record before it: 19 of 2026-11-22T19:21:19.000Z, line 7")
    assert "NOT WHOLE" in lines


def test_a_reader_who_has_seen_enough_does_not_make_a_whole_trail_look_like_a_fault(live: Path) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    words = [sys.executable, "-m", "nacd", "audit", "verify", str(live), "--config", str(live.with_name("none"))]
    done = subprocess.run(words, stdout=writes, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    os.close(writes)
    assert (done.returncode, done.stderr) == (0, "")


def test_programs_get_one_object(nacd: Any, live: Path, anchors: Path) -> None:
    done = nacd("audit", "verify", live, "--anchors", anchors, "--json")
    found = json.loads(done.stdout)
    assert (found["whole"], found["records"], found["files"], found["anchored"]["seq"]) == (True, 41, 3, 41)


def test_a_syslog_file_with_anchors_may_be_compressed(nacd: Any, live: Path, tmp_path: Path, made: Written) -> None:
    text = b"".join(b"<110>1 2026-11-22T19:21:12Z radius1 nacd 1 - - " + line for line in made.anchors)
    (tmp_path / "syslog.1.gz").write_bytes(gzip.compress(b"something else\n" + text))
    done = nacd("audit", "verify", live, "--anchors", tmp_path / "syslog.1.gz")
    assert "Up to record 41" in done.stdout


def test_an_end_that_is_cut_off_is_found_by_anchors(nacd: Any, live: Path, anchors: Path) -> None:
    lines = live.read_bytes().splitlines(keepends=True)
    live.write_bytes(b"".join(lines[:-2]))
    assert nacd("audit", "verify", live).exit_code == 0
    done = nacd("audit", "verify", live, "--anchors", anchors)
    assert done.exit_code == 1
    assert "FAULT    cut: the trail ends here" in done.stdout


def test_one_full_file_and_a_folder_can_be_looked_at(nacd: Any, live: Path, made: Written, anchors: Path) -> None:
    done = nacd("audit", "verify", live.with_name(f"{made.files[0][0]}.gz"), "--anchors", anchors)
    assert "12 records in 1 file" in done.stdout
    done = nacd("audit", "verify", live.with_name(made.files[1][0]))
    assert done.exit_code == 0
    assert "Only a part of the trail was looked at" in done.stdout
    assert "begins with record 13" in done.stdout
    assert "41 records in 3 files" in nacd("audit", "verify", live.parent).stdout


def test_files_that_were_full_by_then_are_left_out(nacd: Any, live: Path) -> None:
    done = nacd("audit", "verify", live, "--since", "2026-11-22T19:21:36Z")
    assert done.exit_code == 0
    assert "7 records in 1 file" in done.stdout
    assert "29 records in 2 files" in nacd("audit", "verify", live, "--since", "2026-11-22T19:21:20Z").stdout
    assert nacd("audit", "verify", live, "--since", "soon").exit_code == 2


CONFIG = "audit: {{file: log/audit.jsonl, key: 'file:audit.key'}}\nstate: state\nclients: {}\n"


def test_a_clock_that_was_set_back_leaves_no_hole_where_older_files_are_left_out(nacd: Any, tmp_path: Path) -> None:
    made = Written()
    made.begin()
    for second in (100, 200, 50, 300):  # each file is begun then
        made.some(3)
        made.second = second
        made.turn_over()
    made.some(3)
    done = nacd("audit", "verify", made.lay(tmp_path), "--since", "2026-11-22T19:22:10Z")
    assert done.exit_code == 0, done.stdout
    assert "20 records in 5 files" in done.stdout


@pytest.fixture
def config(tmp_path: Path, live: Path) -> Path:
    path = tmp_path / "nacd.yaml"
    path.write_text(CONFIG.format("[]"))
    return path


def head(folder: Path, made: Written, **changed: object) -> None:
    told = {"writer": made.writer, "seq": made.seq, "link": made.link, "file": "x", "octets": 1, "key": ""}
    (folder / "state" / "audit").mkdir(parents=True, exist_ok=True)
    (folder / "state" / "audit" / "head.json").write_text(json.dumps({**told, **changed}))


def test_the_configuration_names_the_trail_its_key_and_its_head(
    nacd: Any, config: Path, public: Path, made: Written
) -> None:
    public.rename(config.parent / "audit.key.pub")
    head(config.parent, made)
    done = nacd("audit", "verify", "--config", config)
    assert done.exit_code == 0
    assert "signatures of key" in done.stdout
    assert f"The key was taken from `{config.parent / 'audit.key.pub'}` on this host" in done.stdout
    head(config.parent, made, seq=made.seq + 3)
    done = nacd("audit", "verify", "--config", config)
    assert done.exit_code == 1
    assert "`head.json` knows record 44: 3 records are cut off" in done.stdout
    head(config.parent, made, link="0" * 64)
    assert nacd("audit", "verify", "--config", config).exit_code == 1


def test_what_cannot_be_looked_at_exits_with_2(nacd: Any, tmp_path: Path, live: Path, public: Path) -> None:
    for words in (
        (tmp_path / "none.jsonl",),
        ("--config", tmp_path / "none.yaml"),
        (live, "--anchors", tmp_path / "none"),
        (live, "--key", tmp_path / "none"),
        (live, "--key", live),
        (live, "--anchors", live.parent),
    ):
        done = nacd("audit", "verify", *words)
        assert (done.exit_code, done.stdout) == (2, "")
        assert done.stderr.count("\n") == 1


def test_links_and_pipes_in_the_folder_are_named_and_left_alone(nacd: Any, live: Path) -> None:
    os.mkfifo(live.with_name("audit.jsonl.1"))
    live.with_name("audit.jsonl.2").symlink_to(live)
    done = nacd("audit", "verify", live)
    assert done.exit_code == 0
    assert done.stdout.count("has the name of a file of this trail and is none") == 2


def test_a_compressed_file_that_was_cut_broken_or_added_to_is_a_fault(nacd: Any, live: Path, made: Written) -> None:
    path = live.with_name(f"{made.files[0][0]}.gz")
    octets = path.read_bytes()
    middle = len(octets) // 2
    for bad in (
        octets[:-30],
        octets[:middle] + bytes([octets[middle] ^ 0xFF]) + octets[middle + 1 :],
        octets + b"garbage",
        b"",
        b"\0" * 100,
        octets[: octets.rindex(b"\x1f\x8b\x08")],
        gzip.compress(gzip.decompress(octets)[:-30]),
    ):
        path.write_bytes(bad)
        done = nacd("audit", "verify", live)
        assert done.exit_code == 1, bad
    path.write_bytes(octets + bytes(512))
    assert nacd("audit", "verify", live).exit_code == 0


def test_a_line_of_64_mebibytes_is_a_fault(nacd: Any, live: Path) -> None:
    lines = live.read_bytes().splitlines(keepends=True)
    live.write_bytes(b"".join([*lines[:3], b"x" * (64 << 20) + b"\n", *lines[3:]]))
    done = nacd("audit", "verify", live)
    assert done.exit_code == 1
    assert "unreadable: a line is longer than any record can be" in done.stdout
    assert "line 4," in done.stdout


def test_a_log_from_before_the_trail_is_no_fault(nacd: Any, live: Path) -> None:
    live.with_name("audit.jsonl.9").write_bytes(b'{"code":"A1001I","time":"2026-01-01T00:00:00.000Z"}\n' * 5)
    done = nacd("audit", "verify", live)
    assert done.exit_code == 0
    assert "5 lines are older than the trail: nothing vouches for them" in done.stdout


def test_a_file_that_is_compressed_while_it_is_looked_at_is_looked_at_again(
    nacd: Any, live: Path, made: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "PART_OCTETS", 700)
    cut: Callable[..., Any] = parts.cut
    name, lines = made.files[1]

    def compressing(found: Any) -> Any:
        made_parts = cut(found)
        if live.with_name(name).exists():
            live.with_name(f"{name}.gz").write_bytes(members(lines))
            live.with_name(name).unlink()
        return made_parts

    monkeypatch.setattr(parts, "cut", compressing)
    question = verify.Question(trail=live, config=Path("/nowhere"))
    assert verify.run(question, processes=1) == 0


def test_two_processes_find_what_one_finds(tmp_path: Path, live: Path, capsys: pytest.CaptureFixture[str]) -> None:
    live.write_bytes(live.read_bytes().replace(b'"seq":38,', b'"seq":83,'))
    said = []
    for processes in (1, 2):
        question = verify.Question(trail=live, config=Path("/nowhere"), as_json=True)
        assert verify.run(question, processes) == 1
        said.append({**json.loads(capsys.readouterr().out), "seconds": 0})
    assert said[0] == said[1]


class _Terminal:
    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        """Nothing is kept back."""


def test_a_terminal_is_told_how_far_it_has_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "_EVERY_S", 0.0)
    terminal = _Terminal()
    progress = verify._Progress(200, terminal)  # type: ignore[arg-type]
    progress.on(50, 1000)
    assert terminal.text.startswith("\r 25 %  1,000 records  ")
    assert "s left" in terminal.text
    progress.clear()
    assert terminal.text.endswith("\r\x1b[K")


def test_a_rotated_key_is_followed(nacd: Any, tmp_path: Path, public: Path, key: Ed25519PrivateKey) -> None:
    folder = tmp_path / "rotated"
    folder.mkdir()
    live = trail(lambda made: made.change_key(Ed25519PrivateKey.generate()) and None, key=key).lay(folder)
    done = nacd("audit", "verify", live, "--key", public)
    assert done.exit_code == 0
    assert "hands over to" in done.stdout


def test_a_process_that_is_ended_is_no_fault_of_the_trail(
    live: Path, public: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(parts, "verified", lambda *_: os._exit(9))  # as if the kernel did, for want of memory
    asked = verify.Question(trail=live, config=tmp_path / "none.yaml", keys=(public,))
    assert verify.run(asked, processes=2) == 2
    assert "a process of it was ended" in capsys.readouterr().err
