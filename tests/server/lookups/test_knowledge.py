"""Memory first, the disk once, and no logins that wait for a disk."""

from __future__ import annotations

import threading
from dataclasses import replace

from nacd.compliance.cache import Fresh, Missing, Stale
from nacd.server.lookups.knowledge import NoShelf
from nacd.values import Compliance, ComplianceSource, ComplianceState
from tests.server.lookups.bench import Bench, Drawer, device


def verdict(bench: Bench, state: ComplianceState = ComplianceState.COMPLIANT, age_s: float = 0.0) -> Compliance:
    return Compliance(state=state, as_of=bench.clock().wall - age_s, source=ComplianceSource.LIVE, provider="nac")


def test_what_memory_never_saw_is_read_from_disk_once_and_not_asked() -> None:
    shelf = Drawer()
    bench = Bench(shelf=shelf)
    kept = verdict(bench, age_s=60)
    shelf.kept[f"intune/{device(1).key}"] = kept

    async def story() -> None:
        first, second = await bench.ask(), await bench.ask()
        assert (first.state, first.source, first.as_of) == (kept.state, ComplianceSource.CACHE, kept.as_of)
        assert second.source is ComplianceSource.CACHE
        assert (bench.register.calls, shelf.reads, bench.lookup.knowledge.recalled) == ([], 1, 1)
        assert bench.recalled == [(device(1).key, kept)]
        assert bench.told == []

    bench.run(story)


def test_an_old_verdict_on_disk_serves_an_outage_with_its_own_date() -> None:
    shelf = Drawer()
    bench = Bench(shelf=shelf)
    kept = verdict(bench, age_s=7200)
    shelf.kept[f"intune/{device(1).key}"] = kept

    async def story() -> None:
        bench.fail()
        stale = await bench.ask()
        assert (stale.state, stale.source) == (ComplianceState.COMPLIANT, ComplianceSource.STALE)
        assert (stale.as_of, stale.detail) == (kept.as_of, "status 503")

    bench.run(story)


def test_an_answer_is_on_disk_before_anybody_acts_on_it() -> None:
    shelf = Drawer()
    bench = Bench(shelf=shelf)

    async def story() -> None:
        bench.heal(ComplianceState.NONCOMPLIANT)
        answer = await bench.ask()
        assert shelf.kept[f"intune/{device(1).key}"] == answer

    bench.run(story)


def test_unavailable_is_never_put_on_disk() -> None:
    shelf = Drawer()
    bench = Bench(shelf=shelf)

    async def story() -> None:
        bench.fail()
        await bench.ask()
        assert shelf.kept == {}

    bench.run(story)


def test_a_disk_that_hangs_costs_a_login_a_quarter_of_a_second_and_the_next_one_nothing() -> None:
    shelf, hanging = Drawer(), threading.Event()
    shelf.wait = lambda: bool(hanging.wait(5)) or None
    bench = Bench(shelf=shelf)

    async def story() -> None:
        try:
            assert (await bench.ask(1)).state is ComplianceState.COMPLIANT
            assert (await bench.ask(2)).state is ComplianceState.COMPLIANT
            assert shelf.reads == 1
        finally:
            hanging.set()

    bench.run(story)


def test_a_date_in_the_future_is_not_fresh() -> None:
    shelf = Drawer()
    bench = Bench(shelf=shelf)
    shelf.kept[f"intune/{device(1).key}"] = verdict(bench, age_s=-3600)

    async def story() -> None:
        assert not isinstance(await bench.lookup.knowledge.recall(device(1).key), Fresh)

    bench.run(story)


def test_without_a_disk_nothing_is_kept_and_nobody_is_told_otherwise() -> None:
    bench = Bench()

    async def story() -> None:
        assert NoShelf().put("intune", "guid:x", verdict(bench)).result() is False
        assert isinstance(await bench.lookup.knowledge.recall("guid:x"), Missing)

    bench.run(story)


def test_an_answer_is_dated_as_its_question_and_what_grew_old_on_its_way_is_stale_when_it_comes() -> None:
    bench = Bench()

    async def story() -> None:
        asked = bench.clock()
        epoch = bench.cache.ask()
        bench.clock.ahead_s += 299
        young = (await bench.lookup.knowledge.take(device(1).key, verdict(bench), epoch, asked)).compliance
        assert (young.source, young.as_of) == (ComplianceSource.LIVE, asked.wall)
        bench.clock.ahead_s += 3302
        assert isinstance(bench.cache.find(device(1).key, bench.clock()), Stale)
        epoch = bench.cache.ask()
        bench.clock.ahead_s += 1
        late = verdict(bench, ComplianceState.NONCOMPLIANT)
        old = (await bench.lookup.knowledge.take(device(1).key, late, epoch, asked)).compliance
        assert (old.state, old.source) == (ComplianceState.NONCOMPLIANT, ComplianceSource.STALE)
        assert old.as_of == asked.wall

    bench.run(story)


def test_a_clock_that_is_set_back_does_not_make_a_verdict_on_disk_young_again() -> None:
    shelf = Drawer()
    bench = Bench(shelf=shelf)
    knowledge, key = bench.lookup.knowledge, device(1).key

    async def story() -> None:
        asked = bench.clock()
        await knowledge.take(key, verdict(bench), bench.cache.ask(), asked)
        bench.clock.ahead_s += 3600 + 86_400
        assert isinstance(await knowledge.recall(key), Missing)
        set_back = bench.clock()
        knowledge._clock = lambda: replace(set_back, wall=set_back.wall - 86_400)
        assert isinstance(await knowledge.recall(key), Missing)

    bench.run(story)
