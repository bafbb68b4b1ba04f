"""Ways to starve, to wait for ever and to hear something old, each found once and not to come back."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from nacd.compliance.question import Question
from nacd.server.lookups import threads
from nacd.server.lookups.threads import Threads
from nacd.values import Compliance, ComplianceSource, ComplianceState, MacAddress
from tests.server.lookups.bench import DEADLINE_S, Bench, Drawer, device, from_port

COMPLIANT, NONCOMPLIANT, UNAVAILABLE = (
    ComplianceState.COMPLIANT,
    ComplianceState.NONCOMPLIANT,
    ComplianceState.UNAVAILABLE,
)


def mac(number: int) -> Question:
    subject = MacAddress(f"00-11-85-00-00-{number:02X}")
    return Question(tenant="intune", key=f"mac:{subject.hex12}", subject=subject)


def test_what_lay_on_disk_does_not_go_before_an_answer_that_is_under_way() -> None:
    shelf, gate = Drawer(), threading.Event()
    bench = Bench(shelf=shelf)
    old = Compliance(state=COMPLIANT, as_of=bench.clock().wall - 60, source=ComplianceSource.LIVE)
    shelf.kept[f"intune/{device(1).key}"] = old
    shelf.wait = lambda: bool(gate.wait(5)) or None

    async def story() -> None:
        bench.register.open.clear()
        bench.heal(NONCOMPLIANT)
        first = asyncio.ensure_future(bench.ask())  # gives the disk up, and asks
        await bench.until(lambda: bench.lookup.errands.under_way == 1)
        gate.set()
        await bench.until(lambda: bench.lookup.knowledge.recalled == 1)
        bench.register.open.set()
        assert (await first).state is NONCOMPLIANT
        assert (await bench.ask()).state is NONCOMPLIANT
        assert shelf.kept[f"intune/{device(1).key}"].state is NONCOMPLIANT

    bench.run(story)


def test_polls_about_macs_leave_macs_that_log_in_their_thread() -> None:
    bench = Bench(threads=8)

    async def story() -> None:
        bench.register.open.clear()
        for number in range(4):
            bench.lookup.poll(mac(number))
        await bench.until(lambda: len(bench.register.calls) == 4)
        login = asyncio.ensure_future(bench.lookup.compliance(mac(100), from_port()))
        await bench.until(lambda: len(bench.register.calls) == 5)
        bench.register.open.set()
        assert (await login).state is COMPLIANT

    bench.run(story)


def test_a_later_alarm_does_not_hide_an_earlier_one() -> None:
    bench = Bench(per_s=5.0, deadline_s=1.5, failures_to_open=1)

    async def story() -> None:
        bench.fail()
        await bench.ask(1)
        bench.lookup.poll(device(2))  # waits for the breaker, seconds ahead
        await asyncio.sleep(0.01)
        bench.heal()
        bench.clock.ahead_s += 6
        await bench.ask(3)
        answers = await asyncio.gather(*(bench.ask(number) for number in range(10, 18)))
        assert {answer.state for answer in answers} == {COMPLIANT}

    bench.run(story)


def test_a_poll_that_joins_a_question_does_not_keep_the_probes_place() -> None:
    bench = Bench(failures_to_open=1)

    async def story() -> None:
        bench.register.open.clear()
        slow = asyncio.ensure_future(bench.ask(1))
        await bench.until(lambda: bench.lookup.errands.under_way == 1)
        bench.breaker.failed(bench.clock(), 1)  # another call's failure
        bench.clock.ahead_s += 6
        bench.lookup.poll(device(1))
        assert bench.breaker.state == "open"
        bench.register.open.set()
        await slow
        assert (await bench.ask(2)).state is COMPLIANT

    bench.run(story)


def test_who_joins_a_question_that_waits_has_a_deadline_of_his_own() -> None:
    bench = Bench(threads=1)

    async def story() -> None:
        bench.register.open.clear()
        busy = asyncio.ensure_future(bench.ask(1))
        await bench.until(lambda: len(bench.register.calls) == 1)
        first = asyncio.ensure_future(bench.ask(2))
        await bench.until(lambda: bench.lookup.errands.waiting == 1)
        bench.passes(0.75 * DEADLINE_S)
        second = asyncio.ensure_future(bench.ask(2))
        await bench.until(lambda: bench.lookup.counts.coalesced == 1)
        bench.passes(0.5 * DEADLINE_S)
        assert (await first).state is UNAVAILABLE
        bench.register.open.set()
        assert (await second).state is COMPLIANT
        await busy

    bench.run(story)


def test_a_guess_does_not_keep_whoever_proves_it_behind_the_macs() -> None:
    bench = Bench(threads=1)

    async def story() -> None:
        bench.register.open.clear()
        busy = asyncio.ensure_future(bench.ask(1))
        await bench.until(lambda: len(bench.register.calls) == 1)
        by_mac = asyncio.ensure_future(bench.lookup.compliance(mac(1), from_port()))
        await bench.until(lambda: bench.lookup.errands.waiting == 1)
        bench.lookup.start(device(2), from_port(), guess=True)
        await bench.until(lambda: bench.lookup.errands.waiting == 2)
        proved = asyncio.ensure_future(bench.ask(2))
        await bench.until(lambda: bench.lookup.counts.coalesced == 1)
        bench.register.open.set()
        await asyncio.gather(busy, by_mac, proved)
        assert bench.register.calls[1:] == [str(device(2).subject), str(mac(1).subject)]

    bench.run(story)


def test_many_short_reads_are_not_a_slow_disk() -> None:
    shelf = Drawer()
    bench = Bench(shelf=shelf)
    for number in range(100):
        kept = Compliance(state=COMPLIANT, as_of=bench.clock().wall - 60, source=ComplianceSource.LIVE)
        shelf.kept[f"intune/{device(number + 1).key}"] = kept
    shelf.wait = lambda: time.sleep(0.01)

    async def story() -> None:
        bench.fail()
        answers = await asyncio.gather(*(bench.ask(number + 1) for number in range(100)))
        assert all(answer.state is COMPLIANT for answer in answers), bench.lookup.knowledge.recalled

    bench.run(story)


def test_a_device_on_the_bulk_list_is_asked_about_again_though_a_question_is_under_way() -> None:
    bench = Bench()

    async def story() -> None:
        await bench.ask()
        bench.clock.ahead_s += 3601
        bench.register.open.clear()
        asking = asyncio.ensure_future(bench.ask())
        await bench.until(lambda: bench.lookup.errands.under_way == 1)
        now = bench.clock()
        listed = Compliance(state=NONCOMPLIANT, as_of=now.wall, source=ComplianceSource.BULK)
        bench.cache.downgrade(device(1).key, listed, now)
        assert bench.lookup.poll(device(1), anew=True)
        bench.register.open.set()
        assert (await asking).state is NONCOMPLIANT
        await bench.landed()
        assert (await bench.ask()).state is COMPLIANT
        assert len(bench.register.calls) == 3

    bench.run(story)


def test_polls_of_one_device_wait_as_one() -> None:
    bench = Bench(failures_to_open=1)

    async def story() -> None:
        bench.fail()
        await bench.ask(1)
        for _ in range(50):
            bench.lookup.poll(device(2))
        assert bench.lookup.errands.polls_waiting == 1

    bench.run(story)


def test_the_reason_of_the_failures_is_told_while_the_breaker_is_open() -> None:
    bench = Bench(failures_to_open=1)

    async def story() -> None:
        bench.fail()
        await bench.ask(1)
        assert (await bench.ask(2)).detail == "breaker open: intune has been failing (status 503)"

    bench.run(story)


def test_a_thread_that_cannot_be_started_leaves_the_work_to_those_that_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Refused(threading.Thread):
        def start(self) -> None:
            raise RuntimeError("can't start new thread")

    async def story() -> None:
        pool, gate = Threads(3, "test"), threading.Event()
        first = pool.run(lambda: gate.wait(5))
        monkeypatch.setattr(threads.threading, "Thread", Refused)
        second = pool.run(lambda: "done by the first")
        gate.set()
        assert await second == "done by the first"
        await first
        with pytest.raises(RuntimeError):
            Threads(1, "other").run(lambda: None)
        pool.close()

    asyncio.run(story())
