"""Which nacd this is."""

from __future__ import annotations

import json
import platform
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

from nacd.cli import version
from nacd.store import signing_file
from nacd.store.live import rows

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_it_says_everything_a_report_of_a_fault_needs(nacd: Any) -> None:
    done = nacd("version", "--json")
    assert done.exit_code == 0
    told = json.loads(done.output)
    assert told["python"] == platform.python_version()
    assert told["openssl"]["eap"].startswith("OpenSSL ")
    assert told["formats"]["sessions.sqlite"] == rows.SCHEMA.version()
    assert told["formats"]["signing.json"] == signing_file.VERSION
    assert set(told["libraries"]) == set(version.LIBRARIES)
    assert all(told["libraries"].values())
    assert told["nacd"]


def test_people_get_a_few_lines(nacd: Any) -> None:
    said = nacd("version").output
    assert said.startswith("nacd ")
    assert "formats: configuration 1, sessions.sqlite" in said


def test_compiled_modules_are_counted_where_python_would_take_them(tmp_path: Path) -> None:
    (tmp_path / "eap").mkdir()
    assert version.compiled(tmp_path) == 0
    for name in (f"worker{EXTENSION_SUFFIXES[0]}", f"eap/fragments{EXTENSION_SUFFIXES[0]}"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "eap/message.cpython-27-other.so").write_bytes(b"")  # another Python's: nothing would take it
    assert version.compiled(tmp_path) == 2


def test_the_commit_of_what_was_built_is_the_one_that_was_written_down(tmp_path: Path) -> None:
    (tmp_path / "built.json").write_text(json.dumps({"commit": COMMIT}))
    assert version.commit(tmp_path) == COMMIT


def test_the_commit_of_a_checkout_is_gits(tmp_path: Path) -> None:
    git = tmp_path / ".git"
    (git / "refs/heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "refs/heads/main").write_text(f"{COMMIT}\n")
    assert version.commit(tmp_path / "nacd") == COMMIT


def test_a_packed_branch_and_a_bare_commit_are_found(tmp_path: Path) -> None:
    git = tmp_path / ".git"
    git.mkdir()
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "packed-refs").write_text(f"# pack-refs with: peeled\n{COMMIT} refs/heads/main\n")
    assert version.commit(tmp_path / "nacd") == COMMIT
    (git / "HEAD").write_text(f"{COMMIT}\n")
    assert version.commit(tmp_path / "nacd") == COMMIT


def test_nobody_knows_is_no_error(tmp_path: Path) -> None:
    assert version.commit(tmp_path / "nacd") == ""
    (tmp_path / "built.json").write_text("[]")
    assert version.commit(tmp_path) == ""
