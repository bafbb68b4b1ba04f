"""State of older nacds: read, brought up to date, or set aside with a word; that of a newer one is left as it is."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from nacd.session.table import apply
from nacd.session.tie import tie
from nacd.store import verdict_rows
from nacd.store.chargeable_key import chargeable_key
from nacd.store.live import inventory, rows
from nacd.store.live.filters import EVERYTHING
from nacd.store.live.guard_file import GuardFile
from nacd.store.sessions import SessionStore
from nacd.store.sqlite_file import Schema, open_for_reading, open_for_writing
from nacd.store.verdicts import VerdictStore

KEPT = Path(__file__).parents[1] / "data" / "state"
FOLDERS = sorted(path.name for path in KEPT.iterdir() if path.is_dir())
VERDICTS, UNSETTLED, FIRST, SECOND = (
    "2026-11-22-verdicts",
    "2026-11-22-first-sessions",
    "2026-11-22-sessions-1",
    "2026-11-22-sessions-2",
)
SCHEMAS = {
    "sessions.sqlite": rows.SCHEMA,
    "verdicts.sqlite": verdict_rows.SCHEMA,
    "inventory.sqlite": inventory.SCHEMA,
}
DEVICE = "guid:2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"


@pytest.fixture
def laid(tmp_path: Path) -> Callable[[str], Path]:
    """A copy of what that nacd left, as it was."""

    def lay(name: str) -> Path:
        for path in (KEPT / name).iterdir():
            target = tmp_path / path.name.removesuffix(".gz")
            if path.suffix == ".gz":
                target.write_bytes(gzip.decompress(path.read_bytes()))
            else:
                shutil.copyfile(path, target)
            target.chmod(0o600)
        return tmp_path

    return lay


def sessions(folder: Path, said: list[str]) -> SessionStore:
    return SessionStore(folder / "sessions.sqlite", apply=apply, tie=tie, report=said.append)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", FOLDERS)
def test_verdicts_of_every_older_nacd_are_found(laid: Callable[[str], Path], name: str) -> None:
    said: list[str] = []
    folder = laid(name)
    with closing(sqlite3.connect(folder / "verdicts.sqlite")) as there:
        ((tenant, key),) = there.execute("SELECT tenant, key FROM verdicts WHERE key = ?", (DEVICE,)).fetchall()
    store = VerdictStore(folder / "verdicts.sqlite", report=said.append)
    found = store.find(tenant, key)
    store.close()
    assert said == []
    assert str(found.state) in ("compliant", "noncompliant")


@pytest.mark.parametrize("name", [FIRST, SECOND])
def test_sessions_of_older_nacds_are_all_there(laid: Callable[[str], Path], name: str) -> None:
    said: list[str] = []
    store = sessions(laid(name), said)
    found = store.find(EVERYTHING, 100)
    numbered = store.session(1)
    store.close()
    assert said == []
    assert [each.id for each in found] == [1, 2, 3, 4, 5]
    assert numbered == found[0]
    assert all(each.place.nas for each in found)


def test_the_file_is_of_the_present_version_afterwards(laid: Callable[[str], Path]) -> None:
    folder = laid(FIRST)
    sessions(folder, []).close()
    open_for_reading(folder / "sessions.sqlite", rows.SCHEMA).close()


def test_a_layout_that_was_never_handed_out_is_set_aside_with_a_word(laid: Callable[[str], Path]) -> None:
    said: list[str] = []
    folder = laid(UNSETTLED)
    before = digest(folder / "sessions.sqlite")
    store = sessions(folder, said)
    assert store.find(EVERYTHING, 100) == ()
    assert store.problem == ""
    store.close()
    (aside,) = folder.glob("sessions.sqlite.bad-*")
    assert "moved aside" in said[0]
    assert digest(aside) == before


def test_what_the_guard_knew_before_its_file_had_a_version_counts(laid: Callable[[str], Path]) -> None:
    said: list[str] = []
    known = GuardFile(laid(FIRST) / "sessions-guard.json", said.append).read()
    assert said == []
    assert known is not None
    assert [number for number, _ in known["down"].passed] == [1]


def test_a_guards_file_is_read_as_it_was_written(laid: Callable[[str], Path]) -> None:
    path = laid(FIRST) / "sessions-guard.json"
    known = GuardFile(path, print).read()
    assert known is not None
    assert GuardFile(path, print).write(known)
    assert path.read_bytes().startswith(b'{"version":1,')
    assert GuardFile(path, print).read() == known


def test_the_key_of_an_older_nacd_is_the_key(laid: Callable[[str], Path]) -> None:
    folder = laid(VERDICTS)
    kept = chargeable_key(folder, bytes)
    assert kept.problem == ""
    assert kept.key.reveal() == (KEPT / VERDICTS / "chargeable.key").read_bytes()


# -- newer than this nacd ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(SCHEMAS))
def test_a_file_of_a_newer_nacd_is_refused_in_words_and_left_as_it_is(laid: Callable[[str], Path], name: str) -> None:
    file = laid(SECOND) / name
    schema = SCHEMAS[name]
    newer = Schema(
        application_id=schema.application_id, steps=(*schema.steps, "CREATE TABLE tomorrow (id INTEGER PRIMARY KEY);")
    )
    open_for_writing(file, newer).close()
    before = digest(file)
    with pytest.raises(OSError, match=f"version {newer.version()}, of a newer nacd, and this one knows"):
        open_for_writing(file, schema)
    with pytest.raises(ValueError, match=f"has version {newer.version()}"):
        open_for_reading(file, schema)
    assert digest(file) == before
    assert list(file.parent.glob("*.bad-*")) == []


def test_a_daemon_that_was_taken_back_keeps_no_sessions_and_says_so(laid: Callable[[str], Path]) -> None:
    said: list[str] = []
    folder = laid(SECOND)
    with closing(sqlite3.connect(folder / "sessions.sqlite")) as there:
        there.execute("PRAGMA user_version = 99")
    before = digest(folder / "sessions.sqlite")
    store = sessions(folder, said)
    assert "version 99, of a newer nacd" in store.problem
    assert "accounting goes unanswered" in said[0]
    store.close()
    assert digest(folder / "sessions.sqlite") == before


def test_what_a_newer_guard_knew_is_kept_aside(laid: Callable[[str], Path]) -> None:
    said: list[str] = []
    path = laid(FIRST) / "sessions-guard.json"
    path.write_bytes(b'{"version":2,"what":"nobody knows yet"}')
    file = GuardFile(path, said.append)
    assert file.read() is None
    assert "of a newer nacd" in said[0]
    assert file.write({})
    assert path.with_name("sessions-guard.json.newer").read_bytes() == b'{"version":2,"what":"nobody knows yet"}'
