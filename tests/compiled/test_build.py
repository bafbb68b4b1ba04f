"""A compiled nacd does what the source says: its own tests are asked of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.sources import HOME
from tools.compiled import build as builder
from tools.compiled.modules import MODULES

slow = pytest.mark.slow

ROOMS = ("radius", "eap", "identity", "compliance", "policy", "vendor", "audit", "overload", "session")
SPINES = ("authorize", "authorize_sessions", "account", "admit", "reassess", "values", "sessions", "steps", "given")
SHELLS = ("server/test_worker.py", "server/test_worker_sessions.py", "server/test_listener.py", "store/trail")
PEERS = ("eapol", "radclient", "tshark", "closed_loop", "message_authenticator")
NOT_ASKED = (
    "session/macs/test_machines.py::test_whoever_makes_up_macs_pushes_out_his_own_and_all_are_bounded",
    "eap/tls/test_notes.py::test_a_note_that_cannot_be_taken_lets_nobody_in",
    "server/test_listener.py::test_an_error_at_the_end_of_a_slice_silences_nobody_after_it",
)
"""Tests that put something else in the place of a constant or a method: in compiled code nothing can be put there."""


def asked(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Ask it of a Python, and of all that this one starts, that finds the copy before the source."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"}
    return subprocess.run(
        [sys.executable, *words], cwd=HOME, env=environment, capture_output=True, text=True, check=False
    )


def put_to(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    plain = ["-q", "--no-header", "--tb=short", "-o", f"pythonpath={folder}", "-p", "no:cacheprovider"]
    return asked(folder, "-m", "pytest", *plain, *words)


def put_to_rooms(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return put_to(folder, "-m", "not slow and not peer and not netns", *words)


def passed(done: subprocess.CompletedProcess[str]) -> int:
    assert done.returncode == 0, done.stdout[-6000:]
    found = re.search(r"(\d+) passed", done.stdout)
    assert found is not None
    return int(found[1])


@slow
def test_the_same_source_is_compiled_into_the_same_octets(compiled_copy: Path, tmp_path: Path) -> None:
    few = ("nacd/radius/ledger.py", "nacd/overload/rates.py", "nacd/values.py")
    for name in ("one", "other"):
        builder.build(tmp_path / name, few)
    one, other = tmp_path / "one", tmp_path / "other"
    assert len(builder.extensions(one)) == len(few) + 1
    assert builder.extensions(one) == builder.extensions(other)
    assert [(one / path).read_bytes() for path in builder.extensions(one)] == [
        (other / path).read_bytes() for path in builder.extensions(other)
    ]


@slow
def test_machine_code_names_no_folder_of_the_machine_that_made_it_and_loads_no_library_from_one(
    compiled_copy: Path,
) -> None:
    paths = builder.extensions(compiled_copy)
    assert paths
    for path in paths:
        octets = (compiled_copy / path).read_bytes()
        for folder in (sys.base_prefix, str(HOME), str(Path.home()), tempfile.gettempdir()):
            assert folder == "/usr" or folder.encode() + b"/" not in octets, f"{path} names {folder}"
    done = subprocess.run(
        ["readelf", "--dynamic", *paths], cwd=compiled_copy, capture_output=True, text=True, check=True
    )
    assert done.stdout.count("BIND_NOW") == len(paths)
    assert not re.search(r"\((RPATH|RUNPATH|TEXTREL)\)", done.stdout)


_SLICES = """
def octets(text: bytes, start: int, end: int) -> tuple[bytes, bytes, bytes]:
    return text[start:end], text[start:], text[:end]
def array(text: bytearray, start: int, end: int) -> tuple[bytearray, bytearray, bytearray]:
    return text[start:end], text[start:], text[:end]
def text(text: str, start: int, end: int) -> tuple[str, str, str]:
    return text[start:end], text[start:], text[:end]
def row(row: list[int], start: int, end: int) -> tuple[list[int], list[int], list[int]]:
    return row[start:end], row[start:], row[:end]
def fixed(row: tuple[int, ...], start: int, end: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    return row[start:end], row[start:], row[:end]
"""
_SLICED = """
from nacd import slices
assert slices.__file__.endswith(".so"), slices.__file__
edges = (*range(-7, 8), -1 << 40, 1 << 40, -1 << 80, 1 << 80)
whole = {"octets": b"slice", "array": bytearray(b"slice"), "text": "slice", "row": [1, 2, 3], "fixed": (1, 2, 3)}
for kind, given in whole.items():
    for start in edges:
        for end in edges:
            said = getattr(slices, kind)(given, start, end)
            assert said == (given[start:end], given[start:], given[:end]), (kind, start, end, said)
"""


@slow
def test_a_compiled_slice_is_what_pythons_is_wherever_it_begins_and_ends(
    compiled_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    (source / "nacd").mkdir(parents=True)
    (source / "nacd" / "__init__.py").write_text("")
    (source / "nacd" / "slices.py").write_text(_SLICES)
    (source / "typings").mkdir()
    (source / "pyproject.toml").write_text("")
    monkeypatch.setattr(builder, "HOME", source)
    builder.build(tmp_path / "copy", ("nacd/slices.py",))
    done = asked(tmp_path / "copy", "-c", _SLICED)
    assert done.returncode == 0, done.stderr


@slow
def test_a_compiler_whose_runtime_is_another_is_refused(
    compiled_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builder, "_WRONG", "a line that is not there")
    with pytest.raises(builder.NotBuiltError, match="is not the one that is mended here"):
        builder.build(tmp_path / "copy", ("nacd/overload/rates.py",))
    assert not (tmp_path / "copy").exists()


@slow
def test_what_the_fuzzer_found_once_is_found_no_more(compiled_copy: Path) -> None:
    kept = list((HOME / "tests" / "fuzz" / "vectors").iterdir())
    assert passed(put_to(compiled_copy, "tests/fuzz/test_fuzz.py", "-k", "found_once")) == len(kept)


@slow
def test_every_module_named_is_compiled_and_no_other(compiled_copy: Path) -> None:
    ending = re.compile(r"\.cpython[^/]*\.so$")
    made = {ending.sub(".py", str(path.relative_to(compiled_copy))) for path in compiled_copy.glob("nacd/**/*.so")}
    assert made == set(MODULES)
    names = [name.removesuffix(".py").replace("/", ".") for name in MODULES]
    text = f"import importlib; print(*[importlib.import_module(name).__file__ for name in {names!r}], sep='\\n')"
    done = asked(compiled_copy, "-c", text)
    assert done.returncode == 0, done.stderr
    assert all(line.startswith(f"{compiled_copy}/nacd/") and line.endswith(".so") for line in done.stdout.split())


@slow
def test_its_own_tests_pass_on_it(compiled_copy: Path) -> None:
    chosen = [f"tests/{room}" for room in ROOMS] + [f"tests/test_{name}.py" for name in SPINES]
    chosen += [f"tests/{name}" for name in SHELLS]
    done = put_to_rooms(
        compiled_copy, *(word for name in NOT_ASKED for word in ("--deselect", f"tests/{name}")), *chosen
    )
    assert passed(done) > 4_000


@slow
@pytest.mark.peer
def test_real_peers_find_no_fault_with_it(compiled_copy: Path) -> None:
    said = json.loads(asked(compiled_copy, "-m", "nacd", "version", "--json").stdout)
    assert said["compiled"] == len(MODULES)
    chosen = [f"tests/peers/test_{name}.py" for name in PEERS]
    assert passed(put_to(compiled_copy, *chosen)) > 50


@slow
def test_what_is_not_asked_of_it_fails_on_it_so_what_was_asked_was_compiled(compiled_copy: Path) -> None:
    done = put_to_rooms(compiled_copy, *(f"tests/{name}" for name in NOT_ASKED))
    for name in NOT_ASKED:
        assert f"FAILED tests/{name}" in done.stdout
    assert "passed" not in done.stdout


def test_a_copy_is_made_anew_when_a_source_or_its_compilation_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("nacd/eap", "typings", "tools/compiled"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("pyproject.toml", "nacd/eap/fragments.py", "tools/compiled/modules.py", "nacd/eap/profile.yaml"):
        (tmp_path / name).write_text("1\n")
    monkeypatch.setattr(builder, "HOME", tmp_path)
    seen = {builder.made_of()}
    for path in ("nacd/eap/fragments.py", "tools/compiled/modules.py", "pyproject.toml", "nacd/eap/profile.yaml"):
        (tmp_path / path).write_text("2\n")
        seen.add(builder.made_of())
    (tmp_path / "nacd/eap/another.py").write_text("")
    seen.add(builder.made_of())
    assert len(seen) == 6
    (tmp_path / "nacd/eap/fragments.cpython-311.pyc").write_bytes(b"made by Python itself")
    assert builder.made_of() in seen


@slow
def test_how_this_python_and_this_shell_would_compile_has_no_say(
    compiled_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = ("nacd/overload/rates.py",)
    builder.build(tmp_path / "one", few)
    for name in ("LDFLAGS", "LDSHARED"):
        monkeypatch.setenv(name, f"-shared -Wl,-rpath,{tmp_path}")
    monkeypatch.setenv("CFLAGS", "-O0 -g")
    builder.build(tmp_path / "other", few)
    one, other = tmp_path / "one", tmp_path / "other"
    assert [(one / path).read_bytes() for path in builder.extensions(one)] == [
        (other / path).read_bytes() for path in builder.extensions(other)
    ]


def test_a_machine_without_a_compiler_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert builder.missing().endswith("apt-get install gcc")
    with pytest.raises(builder.NotBuiltError, match="no C compiler"):
        builder.ready()
