"""Boots and clocks of NASes, on the disk and in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from nacd.store.live import nases as module
from nacd.store.live import rows
from nacd.store.live.nases import Nases
from nacd.store.live.records import short

NOW = 1_700_000_000.0
SLOW = ("campus", "192.0.2.1", "sw\u00fc", "")


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript("".join(rows.SCHEMA.steps))
        yield connection


def write(db: sqlite3.Connection, nases: Nases, boots: dict[bytes, float]) -> None:
    for sql, parameters in nases.statements(boots):
        db.executemany(sql, parameters)
    nases.add(boots)


def read(db: sqlite3.Connection) -> Nases:
    nases = Nases()
    nases.read(db)
    return nases


def test_a_boot_is_known_after_a_restart_with_the_time_it_was_told_last(db: sqlite3.Connection) -> None:
    nases = Nases()
    write(db, nases, {short("one"): NOW, short("two"): NOW})
    write(db, nases, {short("one"): NOW + 9})
    for each in (nases, read(db)):
        assert (each.told_at(short("one")), each.told_at(short("two"))) == (NOW + 9, NOW)
        assert each.told_at(short("three")) is None


def test_what_was_learnt_of_a_clock_is_known_after_a_restart_until_it_is_right(db: sqlite3.Connection) -> None:
    nases = Nases()
    nases.clocks.heard(SLOW, NOW + 7200, NOW)
    write(db, nases, {})
    assert nases.statements({}) == [], "it is written once"
    after = read(db)
    assert after.clocks.behind_s(SLOW) == -7200.0
    after.clocks.heard(SLOW, NOW, NOW)
    write(db, after, {})
    assert read(db).clocks.behind_s(SLOW) == 0.0


def test_of_too_many_boots_the_oldest_are_forgotten_in_memory_and_on_disk(
    db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BOOTS", 10)
    nases = Nases()
    for number in range(25):
        write(db, nases, {short(str(number)): NOW + number})
    assert len(nases) == len(read(db)) == 10
    assert nases.told_at(short("24")) == NOW + 24
    assert nases.told_at(short("14")) is None


def test_a_new_file_is_told_all_that_is_known(db: sqlite3.Connection) -> None:
    nases = Nases()
    nases.add({short("one"): NOW})
    for sql, parameters in nases.held():
        db.executemany(sql, parameters)
    assert read(db).told_at(short("one")) == NOW
    assert Nases().held() == []


def test_rows_that_nacd_did_not_write_are_left_out(db: sqlite3.Connection) -> None:
    db.execute("INSERT INTO boots VALUES (x'0102', 1.0), (x'0102030405060708', 9e999)")
    db.execute("INSERT INTO clocks VALUES (CAST(x'ff' AS TEXT), '', '', '', 1.0), ('a', '', '', '', 9e999)")
    nases = read(db)
    assert len(nases) == 0
    assert nases.clocks.behind_s(("a", "", "", "")) == 0.0
