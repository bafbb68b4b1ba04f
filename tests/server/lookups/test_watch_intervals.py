"""How often live devices are asked about, how old their verdicts may be, and an interval that cannot be met."""

from __future__ import annotations

from math import inf

import pytest

from nacd.server.lookups.tenants import Lookups
from nacd.server.lookups.watch import HowOften, TooSlow
from nacd.values import ComplianceState, Instant
from tests.server.lookups.bench import Bench, device
from tests.server.lookups.callers import mac, said
from tests.server.lookups.test_watch import NOT_MANAGED, NOW, UNAVAILABLE, devices, ticking


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


@pytest.mark.parametrize(("possible_s", "advised"), [(60.4, "61s"), (60.0, "60s"), (60.00000001, "60s"), (0.2, "1s")])
def test_whoever_sets_the_interval_that_was_advised_is_not_told_to_set_it_again(
    possible_s: float, advised: str
) -> None:
    slow = TooSlow(tenant="intune", devices=3020, wanted_s=60.0, possible_s=possible_s)
    assert f"set `poll.interval` to {advised} or more" in str(slow)


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
        assert "set `poll.interval` to 11s or more and `poll.groups` longer by as much, or" in str(slow)

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


def test_what_comes_back_from_disk_after_a_restart_has_its_date_and_is_no_news() -> None:
    live, callers = devices()
    callers.came(1, NOW, state=UNAVAILABLE)
    callers.came(mac(1), NOW, state=NOT_MANAGED)
    live.recalled("intune", device(1).key, said(ComplianceState.COMPLIANT, NOW.wall - 7200))
    live.recalled("intune", device(2).key, said(ComplianceState.COMPLIANT, NOW.wall - 9999))
    live.recalled("intune", mac(1).key, said(ComplianceState.COMPLIANT, NOW.wall - 9999))
    live.recalled("nobody", device(1).key, said(ComplianceState.COMPLIANT, NOW.wall - 9999))
    assert live.oldest_verdict_s("intune", NOW) == 7200
    assert live.counts("intune", NOW)[0] == 1
