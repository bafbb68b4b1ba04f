"""A live session that authenticates again: how old its verdict may be, and what happens when it is older."""

from __future__ import annotations

from nacd.server.lookups.tenants import Lookups
from nacd.values import Compliance, ComplianceSource, ComplianceState
from tests.server.lookups.bench import Bench, Drawer, device, from_port

COMPLIANT, NONCOMPLIANT = ComplianceState.COMPLIANT, ComplianceState.NONCOMPLIANT
LIVE, CACHE = ComplianceSource.LIVE, ComplianceSource.CACHE


async def again(bench: Bench, at_most_s: float) -> Compliance:
    return await bench.lookup.compliance(device(1), from_port(), at_most_s)


def test_a_fresh_verdict_is_used_as_long_as_it_is_young_enough() -> None:
    bench = Bench()
    lookups = Lookups({"intune": bench.lookup})

    async def story() -> None:
        await bench.ask()
        bench.clock.ahead_s += 100
        now = bench.clock()
        assert lookups.known(device(1), now, 99) is None
        known = lookups.known(device(1), now, 101)
        assert known is not None
        assert known.source is CACHE
        assert lookups.known(device(1), now) == known
        assert (await again(bench, 101)).source is CACHE
        assert len(bench.register.calls) == 1

    bench.run(story)


def test_an_older_one_is_asked_for_anew() -> None:
    bench = Bench()

    async def story() -> None:
        await bench.ask()
        bench.clock.ahead_s += 100
        bench.heal(NONCOMPLIANT)
        answer = await Lookups({"intune": bench.lookup}).compliance(device(1), from_port(), 99)
        assert (answer.state, answer.source) == (NONCOMPLIANT, LIVE)
        assert len(bench.register.calls) == 2

    bench.run(story)


def test_when_no_answer_comes_soon_the_older_one_is_used_as_what_it_is() -> None:
    bench = Bench(deadline_s=60.0, stale_wait_s=0.05)

    async def story() -> None:
        first = await bench.ask()
        bench.clock.ahead_s += 100
        bench.register.open.clear()
        bench.register.state = NONCOMPLIANT
        answer = await again(bench, 99)
        assert (answer.state, answer.source, answer.as_of) == (COMPLIANT, CACHE, first.as_of)
        bench.register.open.set()
        await bench.until(lambda: len(bench.told) == 2)
        assert (await again(bench, 99)).state is NONCOMPLIANT

    bench.run(story)


def test_when_intune_fails_it_is_used_and_intune_left_alone_for_a_moment() -> None:
    bench = Bench()

    async def story() -> None:
        await bench.ask()
        bench.clock.ahead_s += 100
        bench.fail()
        for _ in range(5):
            answer = await again(bench, 99)
            assert (answer.state, answer.source) == (COMPLIANT, CACHE)
        assert len(bench.register.calls) == 2

    bench.run(story)


def test_its_lifetime_counts_where_that_is_shorter() -> None:
    bench = Bench()

    async def story() -> None:
        await bench.ask()
        bench.clock.ahead_s += 3601
        assert bench.lookup.known(device(1), bench.clock(), 7200) is None
        assert (await again(bench, 7200)).source is LIVE

    bench.run(story)


def test_a_verdict_on_disk_that_is_too_old_is_asked_for_anew_too() -> None:
    shelf = Drawer()
    bench = Bench(shelf=shelf)
    shelf.kept[f"intune/{device(1).key}"] = Compliance(
        state=COMPLIANT, as_of=bench.clock().wall - 100, source=LIVE, provider="nac"
    )

    async def story() -> None:
        bench.heal(NONCOMPLIANT)
        assert (await again(bench, 99)).state is NONCOMPLIANT

    bench.run(story)


def test_it_is_asked_for_ahead_of_the_need() -> None:
    bench = Bench()
    lookups = Lookups({"intune": bench.lookup})

    async def story() -> None:
        await bench.ask()
        bench.clock.ahead_s += 100
        lookups.start(device(1), from_port(), at_most_s=101)
        lookups.start(device(1), from_port())
        await bench.landed()
        assert len(bench.register.calls) == 1
        lookups.start(device(1), from_port(), at_most_s=99)
        await bench.until(lambda: len(bench.told) == 2)
        assert len(bench.register.calls) == 2

    bench.run(story)
