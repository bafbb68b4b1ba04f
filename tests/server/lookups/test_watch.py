"""Whose sessions are open, and who of them is asked about, one by one and evenly spread."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import pytest

from nacd.compliance.question import Question
from nacd.server.lookups import watch as module
from nacd.server.lookups.tenants import Lookups
from nacd.server.lookups.watch import HowOften, LiveDevices
from nacd.sessions import AccountingKind, Phase
from nacd.values import ComplianceState, Instant
from tests.server.lookups.bench import Bench, device
from tests.server.lookups.callers import Callers, mac, said

NOW = Instant(wall=1e9, monotonic=1000.0)
NOT_MANAGED, UNAVAILABLE = ComplianceState.NOT_MANAGED, ComplianceState.UNAVAILABLE
EVERY_100 = HowOften(each=100.0)


def still() -> Instant:
    return NOW


def devices(often: HowOften = EVERY_100, clock: Callable[[], Instant] = still) -> tuple[LiveDevices, Callers]:
    live = LiveDevices(often, clock)
    return live, Callers(live)


def watched(live: LiveDevices) -> int:
    return live.counts("intune", NOW)[0]


async def ticking(bench: Bench, live: LiveDevices, seconds: int) -> list[int]:
    """Second after second: how many questions there were in each."""
    asked = []
    for _ in range(seconds):
        before = len(bench.register.calls)
        live.tick(Lookups({"intune": bench.lookup}), bench.clock())
        await bench.landed()
        asked.append(len(bench.register.calls) - before)
        bench.clock.ahead_s += 1
    return asked


def test_whoever_was_let_in_is_asked_about_once_an_interval_until_he_leaves() -> None:
    bench = Bench()
    live, callers = devices(clock=bench.clock)

    async def story() -> None:
        sessions = [callers.came(number, bench.clock()) for number in range(1, 11)]
        await ticking(bench, live, 101)
        assert sorted(bench.register.calls) == sorted(str(device(n).subject) for n in range(1, 11))
        callers.left(sessions[0], bench.clock())
        bench.register.calls.clear()
        await ticking(bench, live, 101)
        assert len(set(bench.register.calls)) == 9
        assert str(device(1).subject) not in bench.register.calls
        assert live.counts("intune", bench.clock())[0] == 9

    bench.run(story)


def test_whoever_has_just_logged_in_is_not_asked_about_at_once() -> None:
    bench = Bench()
    live, callers = devices(clock=bench.clock)

    async def story() -> None:
        callers.came(1, bench.clock())
        assert await ticking(bench, live, 10) == [0] * 10

    bench.run(story)


def test_they_do_not_all_come_at_once() -> None:
    bench = Bench()
    live, callers = devices(clock=bench.clock)

    async def story() -> None:
        for number in range(1, 201):
            callers.came(number, bench.clock())
        asked = await ticking(bench, live, 101)
        assert sum(asked) >= 195
        assert max(asked) <= 12

    bench.run(story)


# -- sessions -------------------------------------------------------------------------------------


def test_a_device_with_two_sessions_is_watched_until_both_have_ended() -> None:
    live, callers = devices()
    dock, radio = callers.came(1, NOW), callers.came(1, NOW)
    assert watched(live) == 1
    callers.left(dock, NOW)
    assert watched(live) == 1
    callers.left(radio, NOW)
    assert watched(live) == 0


@pytest.mark.parametrize("phase", [Phase.ENDED, Phase.AGED])
def test_a_session_that_is_gone_or_aged_is_over(phase: Phase) -> None:
    live, callers = devices()
    callers.gone(callers.came(1, NOW), phase, NOW)
    assert watched(live) == 0


def test_a_session_that_is_heard_of_after_it_aged_out_is_watched_again() -> None:
    live, callers = devices()
    session = callers.came(1, NOW)
    callers.gone(session, Phase.AGED, NOW)
    callers.accounted(session, AccountingKind.INTERIM, Instant(wall=NOW.wall + 9, monotonic=NOW.monotonic + 9))
    assert watched(live) == 1


def test_a_nas_that_restarts_takes_its_sessions_along() -> None:
    live, callers = devices()
    sessions = [callers.came(number, NOW) for number in (1, 1, 2, 3)]
    callers.restarted((sessions[0], sessions[2], 99), NOW)
    assert watched(live) == 2
    callers.restarted((sessions[1], sessions[3]), NOW)
    assert watched(live) == 0


def test_a_session_in_which_another_device_logs_in_is_that_devices() -> None:
    live, callers = devices()
    session = callers.came(1, NOW)
    callers.again(session, device(2), NOW, ComplianceState.COMPLIANT)
    assert watched(live) == 1
    assert live.at_most_s(device(1), NOW) == inf
    callers.left(session, NOW)
    assert watched(live) == 0


def test_records_of_a_known_session_change_nothing() -> None:
    live, callers = devices()
    session = callers.came(1, NOW)
    for second in range(1, 9):
        later = Instant(wall=NOW.wall + second, monotonic=NOW.monotonic + second)
        callers.accounted(session, AccountingKind.INTERIM, later)
    assert live.counts("intune", later) == (1, 8.0)


def test_what_is_not_on_disk_is_not_there() -> None:
    live, callers = devices()
    callers.stored = False
    session = callers.came(1, NOW)
    assert watched(live) == 0
    callers.stored = True
    callers.accounted(session, AccountingKind.START, NOW)
    assert watched(live) == 1


def test_a_session_for_which_nobody_was_asked_is_not_watched() -> None:
    live, callers = devices()
    nobody = Question(tenant="intune", key="", subject=device(1).subject)
    session = callers.came(nobody, NOW)
    assert watched(live) == 0
    callers.again(session, device(1), NOW, ComplianceState.COMPLIANT)
    assert watched(live) == 1
    callers.again(session, nobody, NOW, ComplianceState.COMPLIANT)
    assert watched(live) == 0


# -- whom Intune does not know -----------------------------------------------------------------------


@pytest.mark.parametrize("question", [device(1), mac(1)])
def test_whom_intune_does_not_know_is_watched_only_when_it_does(question: Question) -> None:
    live, callers = devices()
    session = callers.came(question, NOW, state=NOT_MANAGED)
    callers.accounted(session, AccountingKind.START, NOW)
    assert watched(live) == 0
    live.verdict(mac(1), said(ComplianceState.NONCOMPLIANT, NOW.wall))
    live.verdict(device(1), said(ComplianceState.NONCOMPLIANT, NOW.wall))
    assert watched(live) == 1
    callers.left(session, NOW)
    assert watched(live) == 0


def test_a_login_that_finds_it_unknown_ends_the_watch() -> None:
    live, callers = devices()
    session = callers.came(1, NOW)
    callers.again(session, device(1), NOW, NOT_MANAGED)
    assert watched(live) == 0
    assert live.at_most_s(device(1), NOW) == EVERY_100.again


def test_one_that_was_known_and_is_no_longer_may_be_enrolled_again_and_stays() -> None:
    live, callers = devices()
    callers.came(1, NOW)
    live.verdict(device(1), said(NOT_MANAGED, NOW.wall))
    assert watched(live) == 1


def test_one_of_whom_nothing_was_known_leaves_when_intune_says_that_it_does_not_know_it() -> None:
    live, callers = devices()
    callers.came(mac(1), NOW, state=UNAVAILABLE)
    assert watched(live) == 1
    live.verdict(mac(1), said(NOT_MANAGED, NOW.wall))
    assert watched(live) == 0
    live.verdict(mac(2), said(ComplianceState.COMPLIANT, NOW.wall))
    assert watched(live) == 0


def test_when_there_is_no_room_strangers_go_first_and_then_nobody_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_SESSIONS", 10)
    live, callers = devices()
    for number in range(1, 9):
        callers.came(number, NOW)
    made_up = [callers.came(mac(number), NOW, state=NOT_MANAGED) for number in range(100)]
    assert (watched(live), live.left_out) == (8, 0)
    first = callers.came(9, NOW)
    callers.came(10, NOW)
    assert (watched(live), live.left_out) == (10, 0)
    callers.came(11, NOW)
    assert (watched(live), live.left_out) == (10, 1)
    for session in made_up:
        callers.left(session, NOW)
    callers.left(first, NOW)
    callers.came(12, NOW)
    assert (watched(live), live.left_out) == (10, 1)
