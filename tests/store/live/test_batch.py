"""Which session a change is about, and what becomes of its row."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from nacd.session.table import NO_SESSION, Found, Ignored, apply
from nacd.session.tie import again, tie
from nacd.sessions import AccountingKind, CameAgain, Change, Entry, Gone, NotOurs, Pending, Phase, Session, Wished
from nacd.store.live import rows
from nacd.store.live.batch import Batch, Rules
from nacd.store.live.hot import Hot
from nacd.store.live.outcome import Applied
from nacd.store.live.records import Records
from tests.store.live import stage

NOW = stage.NOW
START, INTERIM, STOP = AccountingKind.START, AccountingKind.INTERIM, AccountingKind.STOP
RULES = Rules(apply=apply, tie=tie, again=again)


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript("".join(rows.SCHEMA.steps))
        yield connection


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def do(db: sqlite3.Connection, said: list[str]) -> Callable[[Change], Applied]:
    batch = Batch(db, RULES, Records(), Hot(), lambda _, sentence: said.append(sentence))
    return batch.carry_out


def all_of(db: sqlite3.Connection) -> list[Session]:
    return [rows.session(row) for row in db.execute(rows.select("id > 0 ORDER BY id")).fetchall()]


def number(applied: Applied) -> int:
    assert applied.stored, applied.why
    assert isinstance(applied.session, Session)
    return applied.session.id


def test_an_accept_is_a_new_row_and_what_is_told_of_it_is_what_is_in_it(
    db: sqlite3.Connection, do: Callable[[Change], Applied]
) -> None:
    done = do(stage.authorized(1))
    assert (done.changed, number(done)) == (True, 1)
    assert all_of(db) == [done.session]


@pytest.mark.parametrize(
    "names",
    [
        {"token": stage.token(2)},
        {"audit_session_id": "AU2", "acct_session_id": "new"},
        {"acct_session_id": "A2"},
        {"token": stage.token(99), "audit_session_id": "", "acct_session_id": "A2"},
    ],
)
def test_a_record_is_about_the_session_it_names(do: Callable[[Change], Applied], names: dict[str, str]) -> None:
    for each in (1, 2, 3):
        told = {"acct_session_id": f"A{each}", "audit_session_id": f"AU{each}"}
        if names.get("token", "") == stage.token(99):
            told["token"] = ""
        do(stage.authorized(each, **told))
    done = do(stage.accounted(2, START, where=stage.place(2, calling_station_id=""), **names))
    assert number(done) == 2
    assert isinstance(done.session, Session)
    assert done.session.phase is Phase.LIVE


def test_an_acct_session_id_means_nothing_on_another_nas_or_from_another_address(
    do: Callable[[Change], Applied],
) -> None:
    do(stage.authorized(1, acct_session_id="A1"))
    for where in (
        stage.place(1, nas="sw-2"),
        stage.place(1, source="192.0.2.9"),
        stage.place(1, nas_identifier="another"),
    ):
        done = do(stage.accounted(1, START, where=where, acct_session_id="A1"))
        assert isinstance(done.session, Session)
        assert done.session.grounds == NotOurs()


def test_a_record_without_a_name_is_about_the_accept_of_a_moment_ago_on_its_port(
    do: Callable[[Change], Applied],
) -> None:
    do(stage.authorized(1))
    do(stage.authorized(1, where=stage.place(1, port="77"), token="ab" * 16))
    assert number(do(stage.accounted(1, START, acct_session_id="new"))) == 1


def test_of_sessions_with_one_token_the_one_of_this_number_is_meant(do: Callable[[Change], Applied]) -> None:
    do(stage.authorized(1))
    first = number(do(stage.accounted(1, START, at=NOW + 1, token=stage.token(1), acct_session_id="A1")))
    second = number(do(stage.accounted(1, START, at=NOW + 9, token=stage.token(1), acct_session_id="B1")))
    assert first != second
    assert number(do(stage.accounted(1, INTERIM, at=NOW + 20, token=stage.token(1), acct_session_id="A1"))) == first
    assert number(do(stage.accounted(1, INTERIM, at=NOW + 20, token=stage.token(1), acct_session_id="B1"))) == second


def test_a_number_that_is_used_again_after_a_stop_is_a_new_row(
    db: sqlite3.Connection, do: Callable[[Change], Applied]
) -> None:
    for at, kind in ((1, START), (2, STOP), (500, START)):
        do(stage.accounted(1, kind, at=NOW + at, acct_session_id="A1"))
    assert [each.phase for each in all_of(db)] == [Phase.ENDED, Phase.LIVE]


@pytest.mark.parametrize(
    "names", [{"audit_session_id": "AU1"}, {"acct_session_id": "A1"}, {"token": "cd" * 16}], ids=str
)
def test_a_reauthentication_is_the_same_row(
    db: sqlite3.Connection, do: Callable[[Change], Applied], names: dict[str, str]
) -> None:
    do(stage.authorized(1, audit_session_id="AU1", acct_session_id="A1"))
    do(stage.accounted(1, START))
    done = do(stage.authorized(1, at=NOW + 60, **names))
    assert number(done) == 1
    assert len(all_of(db)) == 1


def test_a_record_that_came_before_is_stored_and_changes_nothing(
    db: sqlite3.Connection, do: Callable[[Change], Applied]
) -> None:
    assert do(stage.accounted(1, START, record="r")).changed
    before = all_of(db)
    assert do(stage.accounted(1, STOP, at=NOW + 5, record="r")) == Applied(why="this record is stored already")
    assert all_of(db) == before


def test_a_restart_of_a_nas_ends_what_began_before_on_it_and_nothing_else(
    db: sqlite3.Connection, do: Callable[[Change], Applied]
) -> None:
    do(stage.authorized(1))
    do(stage.authorized(2))
    do(stage.accounted(2, START))
    do(stage.authorized(3, where=stage.place(3, nas="sw-2")))
    do(stage.authorized(4, where=stage.place(4, source="192.0.2.9")))
    do(stage.authorized(5, where=stage.place(5, nas_identifier="another")))
    do(stage.authorized(6, at=NOW + 100))
    done = do(stage.restarted(at=NOW + 50, nas_identifier="sw-1"))
    assert (done.changed, done.ended, done.stored) == (True, (1, 2), True)
    assert [each.id for each in all_of(db) if each.phase is Phase.ENDED] == [1, 2]
    again_told = do(stage.restarted(at=NOW + 50, nas_identifier="sw-1"))
    assert (again_told.changed, again_told.ended, again_told.stored) == (False, (), True)


def test_a_boot_that_is_told_again_long_after_without_a_time_may_be_a_replay(
    db: sqlite3.Connection, do: Callable[[Change], Applied]
) -> None:
    boot = stage.restarted(at=NOW)
    do(boot)
    do(stage.authorized(1, at=NOW + 20))
    assert do(replace(boot, at=NOW + 30, happened_at=NOW + 30)).why == "this record is stored already"
    again_told = do(replace(boot, at=NOW + 90, happened_at=NOW + 90))
    assert (again_told.changed, again_told.ended) == (True, ())
    assert [(each.phase, each.ended_at) for each in all_of(db)] == [(Phase.AGED, 0.0)]


def test_a_boot_that_bears_its_time_is_told_once(db: sqlite3.Connection, do: Callable[[Change], Applied]) -> None:
    boot = replace(stage.restarted(at=NOW), said_at=NOW)
    do(boot)
    do(stage.authorized(1, at=NOW + 20))
    again_told = do(replace(boot, at=NOW + 86_400 * 500, happened_at=NOW + 86_400 * 500))
    assert again_told == Applied(why="this record is stored already")
    assert [each.phase for each in all_of(db)] == [Phase.AUTHORIZED]


def test_what_was_wanted_when_its_nas_booted_is_wanted(db: sqlite3.Connection, do: Callable[[Change], Applied]) -> None:
    do(stage.authorized(1))
    do(stage.authorized(2))
    wish = Pending(wanted=stage.standing("quarantine"), since=NOW)
    do(Wished(id=2, wish=wish, at=NOW))
    assert do(stage.restarted(at=NOW + 50)).ended == (1,)
    assert [(each.phase, each.wish == wish) for each in all_of(db)] == [(Phase.ENDED, False), (Phase.AGED, True)]


def test_a_nas_behind_the_same_proxy_that_boots_ends_only_its_own(do: Callable[[Change], Applied]) -> None:
    for each in (1, 2):
        do(stage.authorized(each, where=stage.place(each, nas_identifier="", nas_address=f"10.9.9.{each}")))
    assert do(replace(stage.restarted(at=NOW + 50), nas_address="10.9.9.2")).ended == (2,)


def test_a_clock_that_is_known_to_be_a_day_slow_loses_no_stop(
    db: sqlite3.Connection, do: Callable[[Change], Applied]
) -> None:
    day = 86_400.0
    for minute in range(0, 70, 5):  # others on this NAS
        at = NOW + minute * 60
        do(replace(stage.accounted(9, INTERIM, at=at, acct_session_id="9"), happened_at=at - day, said_at=at - day))
    at = NOW + 5_000
    do(stage.authorized(1, at=at, token="", acct_session_id="A1"))
    for kind, later in ((START, 1), (STOP, 600)):
        record = stage.accounted(1, kind, at=at + later, acct_session_id="A1")
        do(replace(record, happened_at=record.at - day, said_at=record.at - day))
    (ours,) = [each for each in all_of(db) if each.names.acct_session_id == "A1"]
    assert (ours.phase, ours.started_at, ours.ended_at) == (Phase.ENDED, at + 1, at + 600)


def test_a_restart_ends_thousands(db: sqlite3.Connection, do: Callable[[Change], Applied]) -> None:
    for each in range(1_203):
        do(stage.authorized(each))
    assert len(set(do(stage.restarted(at=NOW + 50)).ended)) == 1_203
    assert {each.phase for each in all_of(db)} == {Phase.ENDED}


def test_a_wish_and_an_end_are_about_the_session_of_their_number(
    db: sqlite3.Connection, do: Callable[[Change], Applied]
) -> None:
    do(stage.authorized(1))
    do(stage.authorized(2))
    wish = Pending(wanted=stage.standing("quarantine"), since=NOW)
    assert do(Wished(id=2, wish=wish, at=NOW)).changed
    assert [each.wish == wish for each in all_of(db)] == [False, True]
    assert do(Gone(id=1, phase=Phase.ENDED, at=NOW + 9, cause="an admin")).changed
    assert [each.phase for each in all_of(db)] == [Phase.ENDED, Phase.AUTHORIZED]


@pytest.mark.parametrize("unknown", [0, -1, 7, 2**63, 2**80])
def test_a_number_that_nobody_has_changes_nothing(do: Callable[[Change], Applied], unknown: int) -> None:
    done = do(Gone(id=unknown, phase=Phase.ENDED, at=NOW, cause="an admin"))
    assert (done.session, done.changed, done.stored) == (NO_SESSION, False, True)
    assert done.why


def test_a_row_that_cannot_be_read_counts_as_not_ours_and_is_reported(
    db: sqlite3.Connection, do: Callable[[Change], Applied], said: list[str]
) -> None:
    do(stage.authorized(1))
    db.execute("UPDATE sessions SET rest = x'00'")
    done = do(stage.accounted(1, START))
    assert number(done) == 1
    assert isinstance(done.session, Session)
    assert (done.session.grounds, done.session.standing) == (NotOurs(), NotOurs())
    assert done.session.phase is Phase.LIVE
    assert all_of(db) == [done.session], "and from now on it can be read"
    assert "session 1 cannot be read" in said[0]


def bug(*_: Any) -> Any:
    raise ZeroDivisionError("nobody thought of this")


@pytest.mark.parametrize("broken", [replace(RULES, apply=bug), replace(RULES, tie=bug), replace(RULES, again=bug)])
def test_a_bug_in_a_rule_is_not_stored_and_the_next_change_is(
    db: sqlite3.Connection, do: Callable[[Change], Applied], said: list[str], broken: Rules
) -> None:
    do(stage.authorized(1, audit_session_id="AU1"))
    do(stage.accounted(1, START))
    before = all_of(db)
    batch = Batch(db, broken, Records(), Hot(), lambda _, sentence: said.append(sentence))
    lost = [
        batch.carry_out(stage.accounted(1, INTERIM, at=NOW + 60)),
        batch.carry_out(stage.authorized(1, at=NOW + 60, audit_session_id="AU1")),
    ]
    assert not all(each.stored for each in lost)
    assert all("nobody thought of this" in each.why for each in lost if not each.stored)
    assert said
    if broken.apply is bug:
        assert all_of(db) == before
        assert not batch.digests, "it may come again"
    assert do(stage.accounted(1, INTERIM, at=NOW + 99)).changed


def test_what_cannot_be_written_down_is_not_stored(
    db: sqlite3.Connection, do: Callable[[Change], Applied], said: list[str]
) -> None:
    standing = replace(stage.standing(), session_timeout_s=2**70)
    done = do(replace(stage.authorized(1), standing=standing))
    assert not done.stored
    assert "64-bit" in done.why
    assert all_of(db) == []


def test_rules_that_make_one_session_out_of_another_are_a_bug(
    db: sqlite3.Connection, said: list[str], do: Callable[[Change], Applied]
) -> None:
    do(stage.authorized(1))

    def mixed_up(found: Found, change: Change) -> Session | Ignored:
        assert isinstance(found, Session)
        return replace(found, id=found.id + 1, cause="mixed up")

    batch = Batch(db, replace(RULES, apply=mixed_up), Records(), Hot(), lambda _, sentence: said.append(sentence))
    assert not batch.carry_out(stage.accounted(1, START)).stored
    assert "out of another" in said[0]


def test_a_login_that_says_nothing_new_is_written_without_reading(
    db: sqlite3.Connection, do: Callable[[Entry], Applied]
) -> None:
    login = stage.authorized(1)
    number(do(login))
    (before,) = all_of(db)
    again = CameAgain(id=1, login=replace(login, at=login.at + 60, ends_at=login.at + 90))
    assert do(again) == Applied()
    made = apply(before, again)
    assert all_of(db) == [made]
    assert made != before


@pytest.mark.parametrize("became", ["ended", "wanted", "another decision"])
def test_a_login_of_which_something_has_become_meanwhile_is_one_like_any_other(
    db: sqlite3.Connection, do: Callable[[Entry], Applied], became: str
) -> None:
    login = stage.authorized(1)
    number(do(login))
    (before,) = all_of(db)
    other = replace(login.standing, profile="another")
    if became == "ended":
        do(Gone(id=1, phase=Phase.ENDED, at=login.at + 1, cause="gone"))
    elif became == "wanted":
        do(Wished(id=1, wish=Pending(wanted=other, since=login.at + 1), at=login.at + 1))
    else:
        do(Wished(id=1, wish=before.wish, at=login.at + 1, standing=other))
    done = do(CameAgain(id=1, login=replace(login, at=login.at + 60)))
    assert done.changed
    assert number(done) == (2 if became == "ended" else 1)
    assert isinstance(done.session, Session)
    assert done.session.standing == login.standing
    assert done.session.seen_at == login.at + 60
