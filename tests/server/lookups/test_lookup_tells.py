"""Whoever listens hears of every verdict that begins to count, when a restart would not forget it any more."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future

import pytest

from nacd.compliance.question import Question
from nacd.server import log
from nacd.server.lookups.bulk import BulkRuns
from nacd.values import Compliance, ComplianceSource, ComplianceState
from tests.server.lookups.bench import Bench, Drawer, device
from tests.server.lookups.test_bulk import Lists, Windows, listing, once, runs

COMPLIANT, NONCOMPLIANT = ComplianceState.COMPLIANT, ComplianceState.NONCOMPLIANT


def heard(bench: Bench) -> list[tuple[Question, ComplianceState, ComplianceSource]]:
    return [(question, verdict.state, verdict.source) for question, verdict in bench.told]


def test_the_answer_to_a_login_and_to_a_poll_is_told() -> None:
    bench = Bench()

    async def story() -> None:
        answer = await bench.ask(1)
        assert bench.told == [(device(1), answer)]
        bench.register.state = NONCOMPLIANT
        bench.lookup.poll(device(1))
        await bench.landed()
        await bench.ask(1)
        assert heard(bench) == [
            (device(1), COMPLIANT, ComplianceSource.LIVE),
            (device(1), NONCOMPLIANT, ComplianceSource.LIVE),
        ]

    bench.run(story)


def test_an_answer_that_comes_too_late_for_its_login_is_told() -> None:
    bench = Bench()

    async def story() -> None:
        bench.register.open.clear()
        assert (await bench.missed(1)).state is ComplianceState.UNAVAILABLE
        assert bench.told == []
        bench.register.open.set()
        await bench.until(lambda: bool(bench.told))
        assert heard(bench) == [(device(1), COMPLIANT, ComplianceSource.LIVE)]

    bench.run(story)


def test_that_nobody_could_be_asked_is_not_told() -> None:
    bench = Bench()

    async def story() -> None:
        await bench.ask(1)
        bench.fail()
        bench.lookup.poll(device(1))
        await bench.landed()
        await bench.ask(2)
        assert heard(bench) == [(device(1), COMPLIANT, ComplianceSource.LIVE)]

    bench.run(story)


def test_what_is_known_already_is_not_told_again() -> None:
    shelf = Drawer()
    bench = Bench(shelf=shelf)
    shelf.kept[f"intune/{device(1).key}"] = Compliance(
        state=COMPLIANT, as_of=bench.clock().wall, source=ComplianceSource.LIVE
    )

    async def story() -> None:
        await bench.ask(1)
        await bench.ask(1)
        assert bench.told == []

    bench.run(story)


class Slow(Drawer):
    """A disk that has written only when it says so."""

    def __init__(self) -> None:
        super().__init__()
        self.writing: list[Future[bool]] = []

    def put(self, tenant: str, key: str, compliance: Compliance, *, newest: bool = False) -> Future[bool]:
        super().put(tenant, key, compliance, newest=newest)
        self.writing.append(Future())
        return self.writing[-1]


def test_it_is_told_when_it_is_on_disk_and_not_before() -> None:
    shelf = Slow()
    bench = Bench(shelf=shelf)

    async def story() -> None:
        asked = asyncio.ensure_future(bench.ask(1))
        await bench.until(lambda: bool(shelf.writing))
        assert bench.told == []
        shelf.writing[0].set_result(True)
        await asked
        assert heard(bench) == [(device(1), COMPLIANT, ComplianceSource.LIVE)]

    bench.run(story)


def test_an_answer_that_a_newer_one_overtook_is_not_told() -> None:
    bench = Bench()

    async def story() -> None:
        bench.register.open.clear()
        asked = asyncio.ensure_future(bench.ask(1))
        await bench.until(lambda: bool(bench.register.calls))
        epoch, now = bench.cache.ask(), bench.clock()
        newer = Compliance(state=NONCOMPLIANT, as_of=now.wall, source=ComplianceSource.LIVE)
        assert bench.cache.replace(device(1).key, newer, epoch, now)
        bench.register.open.set()
        assert (await asked).state is NONCOMPLIANT
        assert bench.told == []

    bench.run(story)


def test_an_answer_that_is_overtaken_while_it_is_written_is_not_told() -> None:
    shelf = Slow()
    bench = Bench(shelf=shelf)

    async def story() -> None:
        asked = asyncio.ensure_future(bench.ask(1))
        await bench.until(lambda: bool(shelf.writing))
        epoch, now = bench.cache.ask(), bench.clock()
        newer = Compliance(state=NONCOMPLIANT, as_of=now.wall, source=ComplianceSource.LIVE)
        assert bench.cache.replace(device(1).key, newer, epoch, now)
        shelf.writing[0].set_result(True)
        await asked
        assert bench.told == []

    bench.run(story)


def test_an_answer_for_which_memory_has_no_room_is_told_all_the_same() -> None:
    bench = Bench()

    async def story() -> None:
        bench.register.open.clear()
        asked = asyncio.ensure_future(bench.ask(1))
        await bench.until(lambda: bool(bench.register.calls))
        bench.cache._shelf.evicted_epoch = bench.cache.ask()
        bench.register.open.set()
        await asked
        assert heard(bench) == [(device(1), COMPLIANT, ComplianceSource.LIVE)]

    bench.run(story)


def test_a_listener_that_fails_spoils_no_answer_and_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    log.start(as_json=True)
    bench = Bench()

    def fail(question: Question, _verdict: Compliance) -> None:
        raise ZeroDivisionError(f"his own bug with {question.key}")

    bench.ears = fail

    async def story() -> None:
        assert (await bench.ask(1)).state is COMPLIANT
        bench.lookup.poll(device(2))
        await bench.until(lambda: len(bench.told) == 2)
        bench.lookup.took_away(device(3), Compliance(state=NONCOMPLIANT, as_of=1.0, source=ComplianceSource.BULK))
        await bench.until(lambda: len(bench.told) == 3)
        assert bench.lookup.errands.breaker.state == "closed"
        assert bench.lookup.counts.asked == 2

    bench.run(story)
    said = capsys.readouterr().err
    for number in (1, 2, 3):
        assert said.count(f"ZeroDivisionError: his own bug with {device(number).key}") == 1


def test_verdicts_are_told_in_their_order_and_before_whoever_waited_goes_on() -> None:
    bench = Bench()

    async def story() -> None:
        order: list[str] = []
        bench.ears = lambda question, _: order.append(f"told {question.key}")

        async def ask(number: int) -> None:
            await bench.ask(number)
            order.append(f"answered {device(number).key}")

        for number in range(1, 6):
            await ask(number)
        assert order == [f"{what} {device(number).key}" for number in range(1, 6) for what in ("told", "answered")]

    bench.run(story)


def test_what_the_bulk_list_took_away_is_told_also_of_what_is_on_disk_alone() -> None:
    bench = Bench(shelf=Drawer())

    async def story() -> None:
        await bench.ask(1)
        await bench.ask(2)
        bench.told.clear()
        bench.fail()
        bench.clock.ahead_s += 1
        lists = Lists(Windows(good=(device(3).key,)), listing(bench, 1, 3, 7))
        await once(runs(bench, lists), lists, bench)
        bulk = ComplianceSource.BULK
        assert sorted(heard(bench), key=str) == [(device(1), NONCOMPLIANT, bulk), (device(3), NONCOMPLIANT, bulk)]

    bench.run(story)


def test_the_list_does_not_talk_over_an_answer_that_came_meanwhile() -> None:
    shelf = Slow()
    bench = Bench(shelf=shelf)

    async def story() -> None:
        await bench.ask(1)  # a disk that does not answer is waited for only so long
        bench.clock.ahead_s += 1
        lists = Lists(Windows(), listing(bench, 1))
        bulk: BulkRuns = runs(bench, lists)
        task = asyncio.create_task(bulk.run())
        await bench.until(lambda: len(shelf.writing) == 2)
        bench.told.clear()
        await bench.lookup.refresh(device(1), 2.0)
        assert heard(bench) == [(device(1), COMPLIANT, ComplianceSource.LIVE)]
        shelf.writing[1].set_result(True)
        await bench.until(lambda: "1 of them held compliant" in bulk.last or len(bench.told) > 1)
        await bench.landed()
        task.cancel()
        assert NONCOMPLIANT not in [verdict.state for _, verdict in bench.told]

    bench.run(story)
