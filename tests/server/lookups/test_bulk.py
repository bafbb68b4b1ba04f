"""The list takes good verdicts away and has their devices asked about; its window is kept before it is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import pytest

from nacd.compliance.bulk_plan import INTERVAL_S, BulkWindow
from nacd.compliance.listed import BulkAnswer, ListRefused, NoncompliantList
from nacd.server.lookups.bulk import BulkRuns
from nacd.values import ComplianceSource, ComplianceState
from tests.server.lookups.bench import Bench, Drawer, device

COMPLIANT, NONCOMPLIANT = ComplianceState.COMPLIANT, ComplianceState.NONCOMPLIANT


@dataclass
class Windows:
    """Windows on a disk that can be full, and what is good on it."""

    window: BulkWindow = field(default_factory=BulkWindow)
    full: bool = False
    good: tuple[str, ...] = ()
    kept: list[BulkWindow] = field(default_factory=list)

    def bulk_window(self, tenant: str) -> BulkWindow:
        return self.window

    def keep_bulk_window(self, tenant: str, window: BulkWindow) -> bool:
        if not self.full:
            self.window = window
            self.kept.append(window)
        return not self.full

    def good_among(self, tenant: str, keys: Collection[str], before: float) -> tuple[str, ...]:
        return tuple(key for key in self.good if key in keys)


@dataclass
class Lists:
    """Whoever has the list. window_when_asked: what was on disk at that moment."""

    windows: Windows
    answer: BulkAnswer
    asked: int = 0
    deadline_s: float = 0.0
    window_when_asked: BulkWindow = field(default_factory=BulkWindow)

    def noncompliant(self, deadline_s: float, now: Callable[[], float]) -> BulkAnswer:
        self.asked += 1
        self.deadline_s = deadline_s
        self.window_when_asked = self.windows.window
        return self.answer


def listing(bench: Bench, *numbers: int) -> NoncompliantList:
    guids = frozenset(device(number).key.removeprefix("guid:") for number in numbers)
    return NoncompliantList(guids=guids, as_of=bench.clock().wall)


def runs(bench: Bench, lists: Lists) -> BulkRuns:
    return BulkRuns(
        tenant="intune",
        source=lists,
        shelf=lists.windows,
        lookup=bench.lookup,
        interval_s=INTERVAL_S,
        clock=bench.clock,
    )


async def once(bulk: BulkRuns, lists: Lists, bench: Bench) -> None:
    task = asyncio.create_task(bulk.run())
    await bench.until(lambda: lists.asked == 1 and bulk.last != "not asked yet")
    await bench.landed()
    task.cancel()


def test_a_listed_device_that_was_held_compliant_is_asked_about_and_the_answer_decides() -> None:
    bench = Bench()

    async def story() -> None:
        await bench.ask(1)
        await bench.ask(2)
        bench.heal(NONCOMPLIANT)
        bench.clock.ahead_s += 1
        lists = Lists(Windows(), listing(bench, 1, 7))
        bulk = runs(bench, lists)
        await once(bulk, lists, bench)
        assert bench.register.calls.count(str(device(1).subject)) == 2
        assert str(device(7).subject) not in bench.register.calls  # one we never met
        answer = await bench.ask(1)
        assert (answer.state, answer.source) == (NONCOMPLIANT, ComplianceSource.CACHE)
        assert (await bench.ask(2)).state is COMPLIANT
        assert "2 devices noncompliant, 1 of them held compliant here" in bulk.last

    bench.run(story)


def test_while_intune_does_not_answer_the_list_is_what_is_known_and_it_says_so() -> None:
    bench = Bench(shelf=Drawer())

    async def story() -> None:
        await bench.ask(1)
        bench.fail()
        bench.clock.ahead_s += 1
        lists = Lists(Windows(), listing(bench, 1))
        await once(runs(bench, lists), lists, bench)
        answer = await bench.ask(1)
        assert (answer.state, answer.source) == (NONCOMPLIANT, ComplianceSource.BULK)

    bench.run(story)


def test_an_answer_younger_than_the_list_stands() -> None:
    bench = Bench()

    async def story() -> None:
        listed = listing(bench, 1)
        bench.clock.ahead_s += 1
        await bench.ask(1)
        lists = Lists(Windows(), listed)
        await once(runs(bench, lists), lists, bench)
        assert (await bench.ask(1)).state is COMPLIANT
        assert len(bench.register.calls) == 1

    bench.run(story)


def test_a_device_that_only_the_disk_knows_is_taken_down_there_too() -> None:
    shelf = Drawer()
    bench = Bench(shelf=shelf)

    async def story() -> None:
        bench.fail()
        lists = Lists(Windows(good=(device(3).key,)), listing(bench, 3))
        await once(runs(bench, lists), lists, bench)
        assert shelf.kept[f"intune/{device(3).key}"].state is NONCOMPLIANT

    bench.run(story)


@pytest.mark.parametrize("quota", [True, False])
def test_a_list_that_was_refused_changes_nothing_and_the_quota_is_no_failure(quota: bool) -> None:
    bench = Bench(failures_to_open=1)

    async def story() -> None:
        await bench.ask(1)
        lists = Lists(Windows(), ListRefused(detail="status 503", quota=quota))
        bulk = runs(bench, lists)
        await once(bulk, lists, bench)
        assert (await bench.ask(1)).source is ComplianceSource.CACHE
        assert (bench.breaker.state, bulk.last) == ("closed", "status 503")
        assert bool(lists.windows.window.last_quota_at) is quota

    bench.run(story)


def test_the_window_is_on_disk_before_the_list_is_asked_for_and_a_restart_does_not_ask_again() -> None:
    bench = Bench()

    async def story() -> None:
        lists = Lists(Windows(), listing(bench))
        await once(runs(bench, lists), lists, bench)
        assert lists.window_when_asked.last_try_at > 0
        again = asyncio.create_task(runs(bench, lists).run())
        await asyncio.sleep(0.1)
        again.cancel()
        assert lists.asked == 1

    bench.run(story)


def test_a_run_has_the_ten_minutes_that_the_free_hour_keeps_for_its_pages() -> None:
    bench = Bench()

    async def story() -> None:
        lists = Lists(Windows(), listing(bench, 1))
        await once(runs(bench, lists), lists, bench)
        assert lists.deadline_s == 600.0

    bench.run(story)


def test_with_a_full_disk_a_daemon_that_has_just_started_asks_for_no_list() -> None:
    bench = Bench()

    async def story() -> None:
        lists = Lists(Windows(full=True), listing(bench))
        bulk = runs(bench, lists)
        task = asyncio.create_task(bulk.run())
        await bench.until(lambda: bulk.last.startswith("not asked: its time cannot be kept"))
        task.cancel()
        assert lists.asked == 0

    bench.run(story)
