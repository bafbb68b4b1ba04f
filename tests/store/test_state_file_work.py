"""Work in one transaction: all of it or nothing, in the file that is there at the end."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from nacd.store.sqlite_file import Schema
from nacd.store.state_file import StateFile

SCHEMA = Schema(application_id=0x1234, steps=("CREATE TABLE notes (word TEXT NOT NULL) STRICT;",), log_pages=123)
NOTE = "INSERT INTO notes VALUES (?)"
WORDS = "SELECT word FROM notes ORDER BY word"


@pytest.fixture
def file(tmp_path: Path) -> Iterator[StateFile]:
    made = StateFile(tmp_path / "notes.sqlite", SCHEMA, report=lambda _: None, durable=True)
    yield made
    made.close()


def test_what_the_work_wrote_is_there_when_it_is_done(file: StateFile) -> None:
    def work(connection: sqlite3.Connection) -> None:
        connection.execute(NOTE, ("one",))
        assert connection.execute(WORDS).fetchall() == [("one",)]
        assert file.ask(WORDS) == [], "nobody else sees it yet"

    assert file.transact(work)
    assert file.ask(WORDS) == [("one",)]


def test_a_bug_in_the_work_is_raised_and_nothing_of_it_stays(file: StateFile) -> None:
    def work(connection: sqlite3.Connection) -> None:
        connection.execute(NOTE, ("one",))
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError):
        file.transact(work)
    assert file.ask(WORDS) == []
    assert file.write([(NOTE, [("two",)])]), "and the file can be written"
    assert file.problem == ""


def test_work_is_done_once_more_when_the_file_was_found_bad_by_it(file: StateFile) -> None:
    seen: list[sqlite3.Connection] = []

    def work(connection: sqlite3.Connection) -> None:
        seen.append(connection)
        connection.execute(NOTE, ("one",))
        if len(seen) == 1:
            error = sqlite3.DatabaseError("database disk image is malformed")
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise error

    assert file.transact(work)
    assert len(seen) == 2
    assert seen[0] is not seen[1]
    assert file.ask(WORDS) == [("one",)]


@pytest.mark.parametrize(("durable", "expected"), [(True, 2), (False, 1)])
def test_a_durable_file_waits_for_the_disk_at_every_commit(tmp_path: Path, durable: bool, expected: int) -> None:
    made = StateFile(tmp_path / "other.sqlite", SCHEMA, report=pytest.fail, durable=durable)
    told: list[int] = []

    def work(connection: sqlite3.Connection) -> None:
        told.extend(connection.execute("PRAGMA synchronous").fetchone())
        told.extend(connection.execute("PRAGMA wal_autocheckpoint").fetchone())

    for _ in range(2):
        assert made.transact(work)
        assert made.write([(NOTE, [("one",)])], durable=True), "which changes nothing for those after it"
    assert told == [expected, 123] * 2
    made.close()
