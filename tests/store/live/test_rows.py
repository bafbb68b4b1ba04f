"""Sessions as rows: what is written, what is believed."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from math import inf, nan
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nacd.session.table import NO_SESSION
from nacd.sessions import NotOurs, Pending, Phase, Session
from nacd.store.live import rows
from nacd.store.live.codec import Unreadable
from nacd.values import AccessKind
from tests.store.live import stage

NOW = stage.NOW


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript("".join(rows.SCHEMA.steps))
        yield connection


def made(number: int = 1, **changes: Any) -> Session:
    session = stage.apply(NO_SESSION, stage.authorized(number))
    assert isinstance(session, Session)
    return replace(session, **changes)


def insert(db: sqlite3.Connection, session: Session) -> Session:
    return replace(session, id=db.execute(rows.INSERT, rows.parameters(session)).lastrowid or 0)


def read(db: sqlite3.Connection, number: int = 1) -> Session:
    (row,) = db.execute(rows.select("id = ?"), (number,)).fetchall()
    return rows.session(row)


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
sessions = st.builds(
    Session,
    id=st.just(0),
    **dict.fromkeys(
        ("authorized_at", "started_at", "seen_at", "ended_at", "ends_at"),
        st.floats(allow_nan=False, allow_infinity=False),
    ),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=sessions, after=sessions)
def test_a_session_comes_back_equal_inserted_or_updated(
    db: sqlite3.Connection, before: Session, after: Session
) -> None:
    before = insert(db, before)
    assert read(db, before.id) == before
    after = replace(after, id=before.id)
    step = rows.update(before, after)
    assert bool(step.sql) == (before != after)
    if step.sql:
        db.execute(step.sql, step.parameters)
    assert read(db, before.id) == after
    searched = rows.INSERT.partition("(")[2].partition(")")[0].split(", ")
    row = db.execute(f"SELECT {', '.join(searched)} FROM sessions WHERE id = ?", (before.id,)).fetchone()
    assert row == rows.parameters(after), "what is searched is as true as what is read"


def test_an_interim_writes_one_column() -> None:
    before = made(id=7, phase=Phase.LIVE)
    step = rows.update(before, replace(before, seen_at=NOW + 600))
    assert step.sql == "UPDATE sessions SET seen_at = ? WHERE id = ?"
    assert step.parameters == (NOW + 600, 7)


def test_a_stop_writes_no_blob() -> None:
    before = made(id=7, phase=Phase.LIVE)
    after = replace(before, phase=Phase.ENDED, seen_at=NOW + 600, ended_at=NOW + 600, cause="User-Request")
    assert rows.update(before, after).sql == (
        "UPDATE sessions SET phase = ?, seen_at = ?, ended_at = ?, cause = ? WHERE id = ?"
    )


def test_a_start_that_names_the_session_touches_no_index_but_its_own() -> None:
    before = made(id=7)
    after = replace(before, phase=Phase.LIVE, names=replace(before.names, acct_session_id="A1"))
    assert rows.update(before, after).sql == "UPDATE sessions SET phase = ?, acct_session_id = ?, rest = ? WHERE id = ?"


def test_what_did_not_change_is_not_written() -> None:
    session = made(id=7)
    assert rows.update(session, replace(session)) == rows.NO_UPDATE


def test_of_a_session_that_is_not_ours_the_mac_and_the_user_are_searched(db: sqlite3.Connection) -> None:
    where = stage.place(1, calling_station_id="0200.0000.0001")
    session = made(place=where, grounds=NotOurs(), standing=NotOurs())
    insert(db, replace(session, names=replace(session.names, user_name="jane")))
    assert db.execute("SELECT mac, user, key, device, profile FROM sessions").fetchall() == [
        (stage.mac(1), "jane", "", "", "")
    ]


def test_a_port_is_a_place_by_cable_alone(db: sqlite3.Connection) -> None:
    for port_type in ("", "Ethernet", "Wireless-802.11", "Virtual"):
        insert(db, made(place=stage.place(7, port_type=port_type)))
    known = stage.grounds(1)
    insert(db, made(place=stage.place(7), grounds=replace(known, access=AccessKind.VPN)))
    spots = [spot for (spot,) in db.execute("SELECT spot FROM sessions ORDER BY id")]
    assert spots == ["sw-1\t7", "sw-1\t7", "sw-1\t", "sw-1\t", "sw-1\t"]


def test_half_a_surrogate_pair_is_written_as_a_question_mark(db: sqlite3.Connection) -> None:
    insert(db, made(place=stage.place(1, nas="a\ud800")))
    assert read(db).place.nas == "a?"


@pytest.mark.parametrize("time", [nan, inf])
@pytest.mark.parametrize("name", ["authorized_at", "seen_at", "ends_at"])
def test_a_time_that_is_no_number_is_not_written(name: str, time: float) -> None:
    with pytest.raises(ValueError, match="cannot be written down"):
        rows.parameters(made(**{name: time}))


def test_a_number_that_json_does_not_have_is_not_written() -> None:
    standing = replace(stage.standing(), session_timeout_s=2**64)
    with pytest.raises(ValueError, match="64-bit"):
        rows.parameters(made(standing=standing))


@pytest.mark.parametrize(("number", "is_one"), [(0, False), (-1, False), (1, True), (2**63 - 1, True), (2**63, False)])
def test_a_row_has_a_number_that_sqlite_can_hold(number: int, is_one: bool) -> None:
    assert rows.is_id(number) is is_one


# -- what is not believed --------------------------------------------------------------------------


def test_every_octet_that_changes_in_a_blob_is_noticed(db: sqlite3.Connection) -> None:
    insert(db, made(wish=Pending(wanted=stage.standing("quarantine"), since=NOW)))
    (row,) = db.execute(rows.select("id = 1")).fetchall()
    chance = random.Random(7)
    assert len(row[rows.BLOB]) > 100
    for at in range(len(row[rows.BLOB])):
        rotten = bytearray(row[rows.BLOB])
        rotten[at] ^= 1 << chance.randrange(8)
        with pytest.raises(Unreadable):
            rows.session((*row[: rows.BLOB], bytes(rotten)))


@pytest.mark.parametrize("blob", [b"", b"abc", None, "text", rows.sealed({}), rows.sealed([]), rows.sealed(None)])
def test_a_blob_that_is_no_session_is_unreadable(db: sqlite3.Connection, blob: object) -> None:
    insert(db, made())
    (row,) = db.execute(rows.select("id = 1")).fetchall()
    with pytest.raises(Unreadable):
        rows.session((*row[: rows.BLOB], blob))


@pytest.mark.parametrize(
    "change", ["phase = 'alive'", "phase = CAST(x'ff' AS TEXT)", "seen_at = 9e999", "cause = CAST(x'ff' AS TEXT)"]
)
def test_a_phase_a_time_or_a_cause_that_is_none_is_unreadable(db: sqlite3.Connection, change: str) -> None:
    insert(db, made())
    db.execute(f"UPDATE sessions SET {change}")
    (row,) = db.execute(rows.select("id = 1")).fetchall()
    with pytest.raises(Unreadable):
        rows.session(row)
    assert rows.what_is_left(row, ()).phase in (Phase.AGED, Phase.AUTHORIZED)


def test_of_a_row_that_cannot_be_read_is_left_where_it_is_and_nothing_that_decides(db: sqlite3.Connection) -> None:
    session = insert(db, made(phase=Phase.LIVE))
    db.execute("UPDATE sessions SET rest = x'00', user = CAST(x'ff' AS TEXT)")
    (row,) = db.execute(rows.select("id = 1")).fetchall()
    left = rows.what_is_left(row, db.execute(rows.LEFT, (1,)).fetchall())
    assert left.place.nas == session.place.nas
    assert left.place.calling_station_id == stage.mac(1)
    assert left.names.token == stage.token(1)
    assert left.names.user_name == "\ufffd"
    assert (left.id, left.phase, left.authorized_at) == (1, Phase.LIVE, NOW)
    assert (left.standing, left.grounds) == (NotOurs(), NotOurs())


# -- questions that a million rows must not make slow ----------------------------------------------


@pytest.mark.parametrize(
    ("where", "index"),
    [
        ("token = ? AND token <> ''", "by_token"),
        ("acct_session_id = ? AND nas = ? AND acct_session_id <> ''", "by_acct_session_id"),
        ("audit_session_id = ? AND audit_session_id <> '' AND nas = ?", "by_audit_session_id"),
        ("calling = ? AND nas = ? AND phase <> 'ended'", "by_calling"),
        ("phase = ? AND nas = ? AND source = ? AND id > ?", "by_phase"),
        ("key = ? AND key <> '' AND tenant = ?", "by_key"),
        ("device = ? AND device <> '' AND tenant = ?", "by_device"),
    ],
)
def test_every_look_up_goes_through_an_index(db: sqlite3.Connection, where: str, index: str) -> None:
    sql = f"EXPLAIN QUERY PLAN {rows.select(where)} ORDER BY id DESC LIMIT 8"
    (plan,) = [row[3] for row in db.execute(sql, ("",) * where.count("?"))]
    assert f"USING INDEX {index} " in plan
