"""What was read a moment ago is the same as what would be read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from nacd.session.table import NO_SESSION
from nacd.sessions import Phase, Session
from nacd.store.live import hot as module
from nacd.store.live import rows
from nacd.store.live.codec import Unreadable
from nacd.store.live.hot import Hot
from tests.store.live import stage


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript("".join(rows.SCHEMA.steps))
        yield connection


def made(number: int) -> Session:
    session = stage.apply(NO_SESSION, stage.authorized(number))
    assert isinstance(session, Session)
    return session


def row(db: sqlite3.Connection, number: int) -> Any:
    return db.execute(rows.select("id = ?"), (number,)).fetchone()


def test_columns_that_moved_and_a_blob_that_did_not_are_both_told(db: sqlite3.Connection) -> None:
    hot = Hot()
    db.execute(rows.INSERT, rows.parameters(made(1)))
    assert hot.session(row(db, 1)) == replace(made(1), id=1)
    db.execute("UPDATE sessions SET phase = 'live', seen_at = 5.0")
    assert hot.session(row(db, 1)) == replace(made(1), id=1, phase=Phase.LIVE, seen_at=5.0)
    assert len(hot) == 1


def test_two_rows_with_one_blob_are_two_sessions(db: sqlite3.Connection) -> None:
    hot = Hot()
    for _ in range(2):
        db.execute(rows.INSERT, rows.parameters(made(1)))
    assert [hot.session(row(db, number)).id for number in (1, 2)] == [1, 2]


def test_a_rotten_row_is_unreadable_also_when_its_blob_is_known(db: sqlite3.Connection) -> None:
    hot = Hot()
    db.execute(rows.INSERT, rows.parameters(made(1)))
    hot.session(row(db, 1))
    db.execute("UPDATE sessions SET phase = 'alive'")
    with pytest.raises(Unreadable):
        hot.session(row(db, 1))


def test_what_is_remembered_anew_pushes_nobody_out(db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    hot = Hot()
    for number in range(3):
        db.execute(rows.INSERT, rows.parameters(made(number)))
        hot.session(row(db, number + 1))
    hot.keep(row(db, 2)[rows.BLOB], replace(made(1), id=2, phase=Phase.LIVE))
    assert len(hot) == 3


def test_memory_is_bounded_and_what_was_forgotten_is_read_again(
    db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    hot = Hot()
    for number in range(10):
        db.execute(rows.INSERT, rows.parameters(made(number)))
        hot.session(row(db, number + 1))
        assert len(hot) <= 3
    assert hot.session(row(db, 1)) == replace(made(0), id=1)
    hot.keep(b"", made(1))
    assert len(hot) == 3
