"""Which accounting records were stored a while ago."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from nacd.store.live import records as module
from nacd.store.live import rows
from nacd.store.live.records import DIGEST_OCTETS, KEPT_S, Records, short

NOW = 1_700_000_000.0


def test_what_was_added_is_known_and_nothing_else() -> None:
    records = Records()
    records.add([short("one"), short("two")], NOW)
    assert short("one") in records
    assert short("three") not in records
    assert len(records) == 2


def test_a_digest_is_short_whatever_the_record_is() -> None:
    assert {len(short(text)) for text in ("", "a", "\ud800", "x" * 1000)} == {DIGEST_OCTETS}


def test_a_record_is_known_for_half_of_the_time_at_least_and_not_much_longer_than_all_of_it() -> None:
    records = Records()
    records.add([short("one")], NOW)
    for second in range(0, int(KEPT_S * 2), 10):
        records.add([short(f"other {second}")], NOW + second)
        if second <= KEPT_S / 2:
            assert short("one") in records
        if second > KEPT_S + 10:
            assert short("one") not in records
    assert len(records) <= 2 * KEPT_S / 10


def test_a_clock_that_is_set_back_forgets_at_most_one_generation() -> None:
    records = Records()
    records.add([short("one")], NOW)
    records.add([short("two")], NOW - 86_400)
    assert short("one") in records
    records.add([short("three")], NOW - 86_400 + 1)
    assert short("one") in records


def test_memory_is_bounded_however_many_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 100)
    records = Records()
    for number in range(1_000):
        records.add([short(str(number))], NOW)
    assert len(records) <= 200
    assert short("999") in records


def test_the_file_knows_them_after_a_restart_but_for_those_that_are_too_old() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript("".join(rows.SCHEMA.steps))
        before = Records()
        for at in (NOW - KEPT_S - 1, NOW - 5, NOW):
            for sql, parameters in before.statements([short(f"{at} one"), short(f"{at} two")], at):
                connection.executemany(sql, parameters)
        connection.execute("INSERT INTO records (at, digests) VALUES (?, x'0102')", (NOW,))
        after = Records()
        after.read(connection, NOW)
        assert len(after) == 4
        assert short(f"{NOW} two") in after
        assert short(f"{NOW - KEPT_S - 1} one") not in after


def test_the_file_forgets_in_time() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript("".join(rows.SCHEMA.steps))
        records = Records()
        for second in range(3_000):
            for sql, parameters in records.statements([short(str(second))], NOW + second):
                connection.executemany(sql, parameters)
        (kept,) = connection.execute("SELECT count(*) FROM records").fetchone()
        assert KEPT_S <= kept <= KEPT_S + 100
