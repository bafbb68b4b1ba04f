"""The database of sessions: what was submitted, in its order, found again in every way."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any, get_type_hints

import pytest

from nacd.session.overrides import Override
from nacd.session.table import NO_SESSION, Found, Ignored, apply
from nacd.session.tie import tie
from nacd.sessions import AccountingKind, Change, Gone, NotOurs, Pending, Phase, Session, Wished
from nacd.store import sessions as module
from nacd.store.live.filters import EVERYTHING, Filter
from nacd.store.live.outcome import Applied
from nacd.store.sessions import SessionStore
from nacd.store.state_file import RETRY_S
from tests.store.live import stage
from tests.store.live.stage import NOW, PATIENCE_S

START, INTERIM, STOP = AccountingKind.START, AccountingKind.INTERIM, AccountingKind.STOP

Opened = Callable[..., SessionStore]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def opened(tmp_path: Path, said: list[str], clock: Clock) -> Iterator[Opened]:
    made: list[SessionStore] = []

    def open_it(**rules: Any) -> SessionStore:
        for each in made:
            each.close()
        given: dict[str, Any] = {"apply": apply, "tie": tie, **rules}
        made.append(SessionStore(tmp_path / "sessions.sqlite", report=said.append, monotonic=clock, **given))
        return made[-1]

    yield open_it
    for each in made:
        each.close()


@pytest.fixture
def store(opened: Opened) -> SessionStore:
    return opened()


def do(store: SessionStore, change: Change) -> Applied:
    return store.submit(change).result(PATIENCE_S)


def session(applied: Applied) -> Session:
    assert applied.stored, applied.why
    assert isinstance(applied.session, Session)
    return applied.session


def three(store: SessionStore) -> list[Session]:
    """Authorized, live, ended."""
    made = [session(do(store, stage.authorized(each, audit_session_id=f"AU{each}"))) for each in (1, 2, 3)]
    made[1] = session(do(store, stage.accounted(2, START)))
    made[2] = session(do(store, stage.accounted(3, STOP)))
    return made


def test_what_was_submitted_is_there_at_once_and_after_a_restart(store: SessionStore, opened: Opened) -> None:
    made = three(store)
    assert [store.session(each.id) for each in made] == made
    after = opened()
    assert [after.session(each.id) for each in made] == made
    assert after.problem == ""


@pytest.mark.parametrize("number", [0, -1, 4, 2**63, 2**80])
def test_a_number_that_nobody_has_finds_nothing(store: SessionStore, number: int) -> None:
    three(store)
    assert store.session(number) is NO_SESSION


def test_sessions_that_are_present_are_found_by_device_mac_user_and_nas(store: SessionStore) -> None:
    one, two, _ = three(store)
    assert store.by_device("campus", f"guid:{stage.guid(1)}") == (one,)
    assert store.by_device("campus", f"guid:{stage.guid(3)}") == (), "it is over"
    assert store.by_device("other", f"guid:{stage.guid(1)}") == ()
    assert store.by_mac(stage.mac(2)) == (two,)
    assert store.by_mac("") == ()
    assert store.by_user("jane@example.org") == (one, two)
    assert store.by_nas("sw-1") == (one, two)
    assert store.by_nas("sw-2") == ()


def test_sessions_are_found_by_the_names_of_the_nas_also_when_they_are_over(store: SessionStore) -> None:
    one, two, three_ = three(store)
    assert store.by_acct_session_id("sw-1", "A2") == (two,)
    assert store.by_acct_session_id("sw-1", "A3") == (three_,)
    assert store.by_acct_session_id("sw-2", "A3") == ()
    assert store.by_acct_session_id("sw-1", "") == ()
    assert store.by_audit_session_id("AU1") == (one,)


def test_they_are_counted_by_phase(store: SessionStore) -> None:
    assert store.counts() == {"authorized": 0, "live": 0, "ended": 0, "aged": 0, "pending": 0}
    one, *_ = three(store)
    do(store, Wished(id=one.id, wish=Pending(wanted=stage.standing("quarantine"), since=NOW), at=NOW))
    assert store.counts() == {"authorized": 1, "live": 1, "ended": 1, "aged": 0, "pending": 1}


def test_what_is_wanted_is_found_again_after_a_restart_page_by_page(store: SessionStore, opened: Opened) -> None:
    wish = Pending(wanted=stage.standing("quarantine"), since=NOW)
    for each in range(7):
        made = session(do(store, stage.authorized(each)))
        if each != 3:
            do(store, Wished(id=made.id, wish=wish, at=NOW))
    after = opened()
    first = after.pending(4)
    second = after.pending(4, first[-1].id)
    assert [each.id for each in (*first, *second)] == [1, 2, 3, 5, 6, 7]
    assert {each.wish for each in (*first, *second)} == {wish}
    assert after.pending(4, 7) == ()


def test_the_keys_of_all_that_are_present_are_told_one_after_the_other(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    three(store)
    do(store, stage.accounted(9, INTERIM, acct_session_id="stranger"))
    for each in range(20, 30):
        do(store, stage.authorized(each))
    keys = list(store.live_keys())
    present = [1, 2, *range(20, 30)]
    assert [row[1:] for row in keys] == [
        ("campus", f"guid:{stage.guid(each)}", stage.mac(each), "sw-1") for each in present
    ]
    assert [row[0] for row in keys] == [each.id for each in store.find(Filter(open=True, tenant="campus"), 100)]


def test_those_of_which_nothing_was_heard_are_found(store: SessionStore) -> None:
    for each in range(4):
        do(store, stage.authorized(each, at=NOW + each * 100))
    assert [each.id for each in store.quiet(NOW + 150, limit=10)] == [1, 2]
    assert [each.id for each in store.quiet(NOW + 150, limit=10, after=1)] == [2]


def test_a_filter_names_all_that_must_fit(store: SessionStore) -> None:
    made = three(store)
    assert list(store.find(EVERYTHING, 10)) == made
    assert store.find(Filter(phase=Phase.LIVE), 10) == (made[1],)
    assert store.find(Filter(phase=Phase.LIVE, mac=stage.mac(1)), 10) == ()


# -- order, duplicates ---------------------------------------------------------------------------


def test_changes_take_effect_in_the_order_they_were_submitted(store: SessionStore) -> None:
    futures = [store.submit(stage.authorized(each, audit_session_id=f"AU{each}")) for each in range(50)]
    futures += [store.submit(stage.accounted(each, START)) for each in range(50)]
    futures += [store.submit(stage.accounted(each, STOP, at=NOW + 60)) for each in range(50)]
    done = [session(future.result(PATIENCE_S)) for future in futures]
    assert [each.id for each in done] == [*range(1, 51)] * 3
    assert {each.phase for each in done[100:]} == {Phase.ENDED}


def test_changes_of_a_slice_have_one_future_and_each_its_outcome(store: SessionStore) -> None:
    slice_ = [
        stage.authorized(1),
        stage.accounted(1, START),
        stage.accounted(1, START),
        Gone(id=99, phase=Phase.ENDED, at=NOW, cause="an admin"),
    ]
    done = store.submit_all(slice_).result(PATIENCE_S)
    assert [each.changed for each in done] == [True, True, False, False]
    assert all(each.stored for each in done)
    assert store.submit_all([]).result(0) == ()


def test_a_record_is_stored_once_also_over_a_restart(store: SessionStore, opened: Opened) -> None:
    do(store, stage.authorized(1))
    assert do(store, stage.accounted(1, START, record="r")).changed
    expected = Applied(why="this record is stored already")
    assert do(store, stage.accounted(1, STOP, record="r")) == expected
    after = opened()
    assert do(after, stage.accounted(1, STOP, record="r")) == expected
    assert after.counts()["live"] == 1


def test_a_nas_that_was_restarted_closes_its_sessions(store: SessionStore) -> None:
    three(store)
    done = do(store, stage.restarted(at=NOW + 50))
    assert (done.stored, done.ended) == (True, (1, 2))
    assert store.by_nas("sw-1") == ()
    assert store.counts()["ended"] == 3


# -- what nobody waits for ---------------------------------------------------------------------


def test_submitting_never_waits_and_what_is_too_much_is_turned_away(
    opened: Opened, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 10)
    begun, go_on = Event(), Event()

    def slow(found: Found, change: Change) -> Session | Ignored:
        begun.set()
        assert go_on.wait(PATIENCE_S)
        return apply(found, change)

    store = opened(apply=slow)
    first = store.submit(stage.authorized(0))
    assert begun.wait(PATIENCE_S)
    waiting = store.submit_all([stage.authorized(each) for each in range(1, 11)])
    refused, refused_all = store.submit(stage.authorized(11)), store.submit_all([stage.authorized(12)] * 2)
    assert not refused.result(0).stored
    assert [each.stored for each in refused_all.result(0)] == [False, False]
    assert not first.cancel()
    go_on.set()
    assert first.result(PATIENCE_S).stored
    assert all(each.stored for each in waiting.result(PATIENCE_S))
    assert len([sentence for sentence in said if "wait for the disk" in sentence]) == 1


def test_after_the_end_nothing_is_taken_and_nothing_is_found(store: SessionStore) -> None:
    made = three(store)
    waiting = store.submit(stage.authorized(7))
    store.close()
    assert waiting.result(0).stored, "what waited was written"
    late = store.submit(stage.authorized(8)).result(0)
    assert not late.stored
    assert late.why
    assert store.session(made[0].id) is NO_SESSION


def test_a_second_daemon_runs_on_without_the_file(opened: Opened, tmp_path: Path, said: list[str]) -> None:
    three(opened())
    with closing(SessionStore(tmp_path / "sessions.sqlite", apply=apply, tie=tie, report=said.append)) as second:
        assert "another nacd has it" in second.problem
        assert "accounting goes unanswered" in second.problem
        assert not do(second, stage.authorized(9)).stored


# -- upkeep ------------------------------------------------------------------------------------


def test_what_ended_or_aged_out_long_ago_is_forgotten_and_no_number_comes_twice(
    store: SessionStore, opened: Opened
) -> None:
    for each in range(1_100):
        store.submit(stage.authorized(each))
        store.submit(stage.accounted(each, STOP, at=NOW + each + 1))
    aged = session(do(store, stage.authorized(2_000)))
    do(store, Gone(id=aged.id, phase=Phase.AGED, at=NOW + 5_000, cause="silence"))
    live = session(do(store, stage.authorized(3_000)))
    assert store.prune(NOW + 601) == 601, "six hundred that ended, one that was heard of last before that"
    assert store.session(live.id) == live
    assert store.session(aged.id) is NO_SESSION
    assert store.counts()["ended"] == 500
    assert store.prune(NOW + 1e6) == 500
    after = opened()
    assert session(do(after, stage.authorized(4_000))).id == live.id + 1


def test_what_is_wanted_of_a_session_that_aged_out_is_remembered_for_months(
    store: SessionStore, said: list[str]
) -> None:
    wish = Pending(wanted=stage.standing("quarantine"), since=NOW)
    for each in (1, 2):
        made = session(do(store, stage.authorized(each)))
        do(store, Gone(id=made.id, phase=Phase.AGED, at=NOW + 9, cause="silence"))
    do(store, Wished(id=2, wish=wish, at=NOW + 10))
    assert store.prune(NOW + 30 * 86_400) == 1
    assert [each.id for each in store.pending(10)] == [2]
    assert store.prune(NOW + module.PENDING_LONGER_S + 86_400) == 1
    assert store.pending(10) == ()
    assert "1 sessions were forgotten that ought to be under another decision" in said[-1]


def test_a_crowd_is_one_of_one_port_and_one_device(store: SessionStore) -> None:
    def login(number: int, **where: str) -> int:
        place = stage.place(1, **where)
        return session(do(store, stage.authorized(1, where=place, token=stage.token(number)))).id

    first = login(1, port="1")
    for number in range(2, 7):
        login(number, source="192.0.2.9", nas_identifier=f"n{number}")
        login(number + 100, nas_identifier=f"m{number}")
    assert store.crowding(2, 10) == (), "elsewhere it may be as often as it likes"
    there = [login(number, port="1", calling_station_id=f"198.51.100.{number}") for number in (200, 201, 202)]
    assert set(store.crowding(2, 10)) == {first, there[0]}


# -- files that are no good --------------------------------------------------------------------


def test_a_file_of_another_program_is_moved_aside(tmp_path: Path, opened: Opened, said: list[str]) -> None:
    file = tmp_path / "sessions.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE cats (name TEXT)")
    store = opened()
    assert session(do(store, stage.authorized(1))).id == 1
    assert "database of another program" in said[0]
    (aside,) = tmp_path.glob("sessions.sqlite.bad-*")
    assert store.damaged_overrides == (f"orders that stand in `{aside.name}` do not hold any more: put them again",)
    assert any(store.damaged_overrides[0] in each for each in said)


def test_a_file_that_goes_bad_while_it_is_used_makes_room_for_a_new_one_that_gives_no_number_twice(
    store: SessionStore, tmp_path: Path, said: list[str], clock: Clock
) -> None:
    three(store)
    kinds = get_type_hints(Override)
    order = Override(
        id=0,
        subject_kind=kinds["subject_kind"]("mac"),
        subject=stage.mac(1),
        tenant="",
        effect=kinds["effect"]("block"),
        profile="",
        reason="stolen",
        by="root",
        at=NOW,
        until=0.0,
    )
    kept = store.put_override(order)
    assert kept == replace(order, id=1)
    for each in range(10, 400):
        store.submit(stage.authorized(each))
    highest = session(do(store, stage.authorized(400))).id
    with closing(sqlite3.connect(tmp_path / "sessions.sqlite")) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with (tmp_path / "sessions.sqlite").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 200_000)
    outcome = [do(store, stage.authorized(each)) for each in range(1_000, 1_020)]
    clock.now += RETRY_S
    last = session(do(store, stage.authorized(2_000)))
    assert last.id > highest
    assert any(each.stored for each in outcome)
    assert store.session(1) is NO_SESSION
    assert "moved aside" in " ".join(said)
    assert store.overrides() == (kept,)
    assert store.damaged_overrides == (), "all that are in force were in memory"
    assert store.all_overrides(10) == (kept,), "and the new file has it"
    assert store.lift_override(1, NOW + 9, "jane") == replace(kept, lifted_at=NOW + 9, lifted_by="jane")
    assert store.overrides() == ()


def test_a_row_that_rots_while_it_is_used_is_a_session_that_nothing_is_known_of(
    store: SessionStore, tmp_path: Path, said: list[str]
) -> None:
    one, *_ = three(store)
    with closing(sqlite3.connect(tmp_path / "sessions.sqlite")) as other, other:
        other.execute("UPDATE sessions SET rest = x'00', nas = CAST(x'ff' AS TEXT) WHERE id = 1")
    found = store.session(one.id)
    assert isinstance(found, Session)
    assert (found.grounds, found.standing, found.place.nas) == (NotOurs(), NotOurs(), "\ufffd")
    assert found.place.calling_station_id == stage.mac(1)
    assert len([sentence for sentence in said if "session 1 cannot be read" in sentence]) == 1


def test_every_commit_waits_for_the_disk_itself(store: SessionStore) -> None:
    told: list[object] = []
    assert store._file.transact(lambda connection: told.extend(connection.execute("PRAGMA synchronous").fetchone()))
    assert told == [2], "FULL: a machine that loses its power keeps what was answered"
