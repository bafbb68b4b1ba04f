"""Live devices are asked about one by one, evenly spread, and an interval that cannot be met is said."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from math import inf

import pytest

from nacd.compliance.question import Question
from nacd.server.lookups import watch as module
from nacd.server.lookups.tenants import Lookups
from nacd.server.lookups.watch import HowOften, LiveDevices
from nacd.sessions import AccountingKind, Phase
from nacd.store.sessions import LiveKey
from nacd.values import AccessRequest, ComplianceState, Instant, Nas
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


# -- how often -----------------------------------------------------------------------------------------


def test_the_most_watchful_nas_of_a_device_says_how_often() -> None:
    bench = Bench()
    live, callers = devices(HowOften(each=100.0, by_nas={"vpn": 10.0}), bench.clock)

    async def story() -> None:
        callers.came(1, bench.clock())
        vpn = callers.came(1, bench.clock(), nas="vpn")
        await ticking(bench, live, 100)
        assert 9 <= len(bench.register.calls) <= 11
        callers.left(vpn, bench.clock())
        await ticking(bench, live, 101)
        assert 10 <= len(bench.register.calls) <= 13

    bench.run(story)


def test_a_verdict_may_be_so_old_for_a_device_with_a_session_and_any_age_for_others() -> None:
    live, callers = devices(HowOften(each=100.0, again=3600.0))
    assert live.at_most_s(device(1), NOW) == inf
    session = callers.came(1, NOW)
    assert live.at_most_s(device(1), NOW) == 3600.0
    assert live.at_most_s(device(2), NOW) == inf
    callers.left(session, NOW)
    assert live.at_most_s(device(1), NOW) == inf


def test_an_interval_that_the_budget_cannot_meet_is_said_with_the_one_that_it_can() -> None:
    bench = Bench(per_s=2.0)
    live, callers = devices(HowOften(each=10.0), bench.clock)
    lookups = Lookups({"intune": bench.lookup})

    async def story() -> None:
        for number in range(1, 21):
            callers.came(number, bench.clock())
        assert live.too_slow(lookups, bench.clock()) == ()
        callers.came(21, bench.clock())
        callers.came(22, bench.clock())
        (slow,) = live.too_slow(lookups, bench.clock())
        assert slow.devices == 22
        assert slow.possible_s == pytest.approx(11.0)
        assert "set `poll.interval` to 11s or more, or raise `budget.polling`" in str(slow)

    bench.run(story)


def test_the_shorter_intervals_of_some_count_for_what_the_budget_can_do() -> None:
    bench = Bench(per_s=2.0)
    live, callers = devices(HowOften(each=10.0, by_nas={"vpn": 5.0}), bench.clock)
    lookups = Lookups({"intune": bench.lookup})

    async def story() -> None:
        for number in range(1, 11):
            callers.came(number, bench.clock(), nas="vpn")
        assert live.too_slow(lookups, bench.clock()) == ()
        callers.came(11, bench.clock())
        (slow,) = live.too_slow(lookups, bench.clock())
        assert slow.possible_s == pytest.approx(10.5)

    bench.run(story)


def test_an_intune_that_answers_too_slowly_is_told_from_a_budget_that_is_too_small() -> None:
    bench = Bench()
    live, callers = devices(HowOften(each=10.0), bench.clock)
    lookups = Lookups({"intune": bench.lookup})

    async def story() -> None:
        callers.came(1, bench.clock())
        bench.clock.ahead_s += 8
        assert live.too_slow(lookups, bench.clock()) == ()
        bench.clock.ahead_s += 12
        (slow,) = live.too_slow(lookups, bench.clock())
        assert slow.late_s == pytest.approx(20, abs=1.5)
        assert "was not asked about for" in str(slow)

    bench.run(story)


def test_while_intune_throttles_nobody_is_told_to_ask_more() -> None:
    bench = Bench(per_s=2.0)
    live, callers = devices(HowOften(each=10.0), bench.clock)

    async def story() -> None:
        for number in range(1, 16):
            callers.came(number, bench.clock())
        bench.lookup.errands.polling.throttled(bench.clock())
        (slow,) = live.too_slow(Lookups({"intune": bench.lookup}), bench.clock())
        assert "intune throttles" in str(slow)
        assert "raise" not in str(slow)

    bench.run(story)


def test_the_age_of_the_oldest_verdict_grows_though_questions_are_put() -> None:
    live, callers = devices()
    assert live.oldest_verdict_s("intune", NOW) == 0.0
    first = callers.came(1, NOW, as_of=NOW.wall - 60)
    callers.came(2, NOW, state=UNAVAILABLE)
    callers.came(mac(1), NOW, as_of=NOW.wall - 500, state=NOT_MANAGED)
    later = Instant(wall=NOW.wall + 100, monotonic=NOW.monotonic + 100)
    assert live.oldest_verdict_s("intune", later) == 160
    live.verdict(device(1), said(ComplianceState.COMPLIANT, later.wall - 5))
    assert live.oldest_verdict_s("intune", later) == 100
    live.verdict(device(2), said(ComplianceState.COMPLIANT, later.wall - 3))
    assert live.oldest_verdict_s("intune", later) == 5
    callers.left(first, later)
    assert live.oldest_verdict_s("intune", later) == 3


# -- after a restart -------------------------------------------------------------------------------------


def rows(*numbers: int, nas: str = "switch", tenant: str = "intune") -> Iterator[LiveKey]:
    return iter([(number, tenant, device(number).key, "AA", nas) for number in numbers])


def test_after_a_restart_all_are_watched_again_and_not_asked_about_at_once() -> None:
    bench = Bench()
    live, _ = devices(clock=bench.clock)

    async def story() -> None:
        await live.resume(rows(*range(1, 12_001)))
        assert live.counts("intune", bench.clock())[0] == 12_000
        assert bench.register.calls == []
        for seconds in (1, 2):
            bench.clock.ahead_s += 1
            live.tick(Lookups({"intune": bench.lookup}), bench.clock())
            await bench.landed()
            assert len(set(bench.register.calls)) <= 130 * seconds

    bench.run(story)


def test_what_happens_while_the_rows_are_read_counts_more_than_they_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAGE", 1)
    live, callers = devices()

    async def story() -> None:
        first, second = callers.came(7, NOW), callers.came(8, NOW)
        assert (first, second) == (1, 2)

        def read() -> Iterator[LiveKey]:
            yield from rows(1, 2, 3, 4)  # as they were before: the first two were other devices'

        ended = asyncio.ensure_future(live.resume(read()))
        await asyncio.sleep(0)
        callers.left(second, NOW)
        callers.restarted((3,), NOW)
        await ended
        assert watched(live) == 2
        callers.left(first, NOW)
        assert watched(live) == 1
        callers.restarted((4,), NOW)
        assert watched(live) == 0

    asyncio.run(story())


def test_a_row_whose_key_is_none_and_a_tenant_that_is_no_more_hurt_nobody() -> None:
    bench = Bench()
    live, _ = devices(clock=bench.clock)

    async def story() -> None:
        await live.resume(iter([(1, "intune", "nonsense", "AA", "switch"), *rows(2, tenant="gone"), *rows(3)]))
        await ticking(bench, live, 101)
        assert bench.register.calls == [str(device(3).subject)]
        assert live.too_slow(Lookups({"intune": bench.lookup}), bench.clock()) == ()

    bench.run(story)


def test_a_stranger_is_asked_about_once_after_a_restart_and_left_alone_then() -> None:
    bench = Bench()
    live, _ = devices(clock=bench.clock)
    bench.ears = live.verdict
    bench.heal(NOT_MANAGED)

    async def story() -> None:
        await live.resume(rows(1))
        await ticking(bench, live, 301)
        assert len(bench.register.calls) == 1

    bench.run(story)


# -- stations ----------------------------------------------------------------------------------------------


def at(station: str = "", *, nas: str = "10.0.0.1", port: str = "", eap: bool = True) -> AccessRequest:
    return AccessRequest(
        nas=Nas(name="switch", vendor="generic"),
        source=nas,
        source_port=1,
        calling_station_id=station,
        nas_port_id=port,
        has_eap=eap,
    )


def test_who_comes_back_is_guessed_by_where_he_was_seen_last() -> None:
    live, _ = devices()
    live.seen(device(1), at("dock"))
    assert live.guess("dock") == device(1)
    assert live.guess("radio") is None
    live.seen(device(2), at("dock"))
    assert live.guess("dock") == device(2)


def test_nothing_is_guessed_for_whoever_does_not_speak_eap_or_has_no_station() -> None:
    live, _ = devices()
    live.seen(device(1), at("dock", eap=False))
    live.seen(device(1), at("00-00-00-00-00-00"))
    assert live.guess("dock") is None
    assert live.guess("00-00-00-00-00-00") is None


def test_one_port_that_changes_stations_does_not_push_out_those_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_STATIONS", 200)
    monkeypatch.setattr(module, "_MOST_STATIONS_OF_NAS", 100)
    live, _ = devices()
    live.seen(device(1), at("real", port="Gi1/0/1"))
    for number in range(1_000):
        live.seen(device(2), at(f"P{number}", port="Gi1/0/2"))
    for number in range(1_000):
        live.seen(device(3), at(f"W{number}", nas="10.0.0.2"))
    assert live.guess("real") == device(1)
    assert [station for station in ("P0", "P935", "W0", "W899") if live.guess(station) is not None] == []
    assert live.guess("P999") == device(2)
    assert live.guess("W999") == device(3)


def test_stations_are_bounded_over_all_ports_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_STATIONS", 50)
    live, _ = devices()
    for number in range(100):
        live.seen(device(number), at(f"S{number}", port=f"Gi1/0/{number}"))
    assert [live.guess(f"S{number}") is not None for number in (0, 49, 50, 99)] == [False, False, True, True]
