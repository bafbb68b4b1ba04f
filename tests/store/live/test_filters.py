"""What can be asked of the sessions, page by page."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from nacd.session.table import NO_SESSION
from nacd.sessions import Grounds, Pending, Phase, Session
from nacd.store.live import rows
from nacd.store.live.filters import EVERYTHING, Filter, page
from nacd.values import Unidentified
from tests.store.live import stage

NOW = stage.NOW


def made(number: int) -> Session:
    """Ten sessions, each different in what can be asked for."""
    session = stage.apply(NO_SESSION, stage.authorized(number, where=stage.place(number, nas=f"sw-{number % 2}")))
    assert isinstance(session, Session)
    return replace(
        session,
        phase=list(Phase)[number % 4],
        grounds=stage.grounds(number, user=f"user-{number % 3}"),
        standing=stage.standing("quarantine" if number == 7 else "corporate"),
        wish=Pending(wanted=stage.standing(), since=NOW) if number in (2, 5) else session.wish,
        seen_at=NOW + number,
    )


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript("".join(rows.SCHEMA.steps))
        connection.executemany(rows.INSERT, [rows.parameters(made(number)) for number in range(10)])
        yield connection


def numbers(db: sqlite3.Connection, wanted: Filter, limit: int = 100, after: int = 0) -> list[int]:
    asked = page(wanted, limit, after)
    return [rows.session(row).id - 1 for row in db.execute(asked.sql, asked.parameters)]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (EVERYTHING, list(range(10))),
        (Filter(device=f"guid:{stage.guid(3)}"), [3]),
        (Filter(device=f"guid:{stage.guid(3)}", tenant="other"), []),
        (Filter(tenant="campus", nas="sw-1"), [1, 3, 5, 7, 9]),
        (Filter(mac=stage.mac(4)), [4]),
        (Filter(user="user-0"), [0, 3, 6, 9]),
        (Filter(phase=Phase.LIVE), [1, 5, 9]),
        (Filter(phase=Phase.LIVE, nas="sw-0"), []),
        (Filter(profile="quarantine"), [7]),
        (Filter(pending=True), [2, 5]),
        (Filter(open=True), [0, 1, 4, 5, 8, 9]),
        (Filter(open=True, quiet_since=NOW + 5), [0, 1, 4]),
        (Filter(pending=True, phase=Phase.LIVE), [5]),
        (Filter(mac="\ud800"), []),
    ],
)
def test_all_that_is_named_must_fit(db: sqlite3.Connection, wanted: Filter, expected: list[int]) -> None:
    assert numbers(db, wanted) == expected


def test_a_device_is_found_though_nobody_was_asked_about_it(db: sqlite3.Connection) -> None:
    let_in = made(10)
    assert isinstance(let_in.grounds, Grounds)
    unasked = replace(let_in, grounds=replace(let_in.grounds, key=""))
    by_mac = replace(let_in, grounds=replace(let_in.grounds, identity=Unidentified(reason="a test"), key="mac:02"))
    db.executemany(rows.INSERT, [rows.parameters(unasked), rows.parameters(by_mac)])
    assert numbers(db, Filter(device=f"guid:{stage.guid(10)}", tenant="campus")) == [10]
    assert numbers(db, Filter(device="mac:02")) == [11], "where none has proved itself, what was asked about"


@pytest.mark.parametrize("wanted", [EVERYTHING, Filter(open=True), Filter(pending=True), Filter(user="user-0")])
def test_pages_follow_each_other_without_gap_or_repeat(db: sqlite3.Connection, wanted: Filter) -> None:
    found: list[int] = []
    while more := numbers(db, wanted, limit=2, after=found[-1] + 1 if found else 0):
        assert len(more) <= 2
        found += more
    assert found == numbers(db, wanted)


@pytest.mark.parametrize(
    ("wanted", "plan"),
    [
        (EVERYTHING, "USING INTEGER PRIMARY KEY"),
        (Filter(open=True), "USING INTEGER PRIMARY KEY"),
        (Filter(phase=Phase.LIVE), "USING INTEGER PRIMARY KEY"),
        (Filter(pending=True), "by_pending"),
        (Filter(phase=Phase.LIVE, nas="sw-1"), "by_phase"),
        (Filter(mac="x"), "by_mac"),
        (Filter(user="x"), "by_user"),
        (Filter(device="x", tenant="y"), "by_device"),
    ],
)
def test_no_page_is_sorted_out_of_all_rows(db: sqlite3.Connection, wanted: Filter, plan: str) -> None:
    asked = page(wanted, 10, 0)
    told = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {asked.sql}", asked.parameters)]
    assert len(told) == 1, told
    assert plan in told[0]
