"""One question, one call; never later than the deadline; no answer is thrown away."""

from __future__ import annotations

import asyncio
import json

import pytest

from nacd.compliance.breaker import BreakerState
from nacd.compliance.cache import Lifetimes, VerdictCache
from nacd.compliance.question import Question
from nacd.intune.nac.answers import about_device
from nacd.server import log
from nacd.server.lookups import lookup as lookup_module
from nacd.values import Compliance, ComplianceSource, ComplianceState, MacAddress
from tests.server.lookups.bench import Bench, device, from_port

COMPLIANT, NONCOMPLIANT, UNAVAILABLE = (
    ComplianceState.COMPLIANT,
    ComplianceState.NONCOMPLIANT,
    ComplianceState.UNAVAILABLE,
)


def test_a_hundred_requests_for_one_device_make_one_call() -> None:
    bench = Bench()

    async def story() -> None:
        bench.register.open.clear()
        asking = [asyncio.ensure_future(bench.ask()) for _ in range(100)]
        await asyncio.sleep(0.02)
        bench.register.open.set()
        answers = await asyncio.gather(*asking)
        assert {(answer.state, answer.source) for answer in answers} == {(COMPLIANT, ComplianceSource.LIVE)}
        assert len(bench.register.calls) == 1

    bench.run(story)


def test_at_the_level_debug_each_question_and_each_answer_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    bench = Bench()
    log.start(as_json=True, level="info,lookup=debug")
    bench.run(bench.ask)
    log.start(as_json=True)
    asked, answered = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (asked["event"], asked["key"], asked["polled"]) == ("intune is asked", device(1).key, False)
    assert (answered["event"], answered["key"], answered["state"]) == ("intune answered", device(1).key, "compliant")


def test_what_is_fresh_is_not_asked_again() -> None:
    bench = Bench()

    async def story() -> None:
        assert bench.lookup.known(device(1), bench.clock()) is None
        first = await bench.ask()
        again = await bench.ask()
        assert again.source is ComplianceSource.CACHE
        assert again.as_of == first.as_of
        assert len(bench.register.calls) == 1

    bench.run(story)


def test_past_the_deadline_it_is_unavailable_and_the_late_answer_serves_the_next_request() -> None:
    bench = Bench()

    async def story() -> None:
        bench.register.open.clear()
        late = await bench.missed()
        assert (late.state, late.detail) == (UNAVAILABLE, "no answer within 2 s")
        bench.register.open.set()
        await bench.landed()
        known = await bench.ask()
        assert (known.state, known.source) == (COMPLIANT, ComplianceSource.CACHE)
        assert len(bench.register.calls) == 1

    bench.run(story)


def test_who_comes_after_the_deadline_joins_the_call_that_is_still_under_way() -> None:
    bench = Bench()

    async def story() -> None:
        bench.register.open.clear()
        await bench.missed()
        second = asyncio.ensure_future(bench.ask())
        await bench.until(lambda: bench.lookup.counts.coalesced == 1)
        bench.register.open.set()
        assert (await second).state is COMPLIANT
        assert len(bench.register.calls) == 1

    bench.run(story)


def test_a_device_that_failed_a_moment_ago_is_not_asked_about_again_at_once() -> None:
    bench = Bench()

    async def story() -> None:
        bench.fail()
        assert (await bench.ask()).detail == "status 503"
        assert (await bench.ask()).detail == "status 503"
        assert len(bench.register.calls) == 1
        bench.clock.ahead_s += 4
        await bench.ask()
        assert len(bench.register.calls) == 2

    bench.run(story)


def test_the_breaker_opens_after_failures_in_a_row_and_one_probe_closes_it() -> None:
    bench = Bench()

    async def story() -> None:
        bench.fail()
        for number in range(5):
            await bench.ask(number + 1)
        refused = await bench.ask(6)
        assert (refused.state, len(bench.register.calls)) == (UNAVAILABLE, 5)
        assert "breaker open" in refused.detail

        bench.clock.ahead_s += 6
        bench.heal()
        bench.register.open.clear()
        crowd = [asyncio.ensure_future(bench.ask(number)) for number in range(10, 30)]
        await bench.until(lambda: sum(each.done() for each in crowd) == 19)
        await bench.until(lambda: len(bench.register.calls) == 6)
        bench.register.open.set()
        states = [answer.state for answer in await asyncio.gather(*crowd)]
        assert (states.count(COMPLIANT), states.count(UNAVAILABLE)) == (1, 19)

        assert (await bench.ask(40)).state is COMPLIANT
        assert bench.breaker.state is BreakerState.CLOSED

    bench.run(story)


@pytest.mark.parametrize("bug", [ValueError("made up"), TimeoutError("made up"), OSError(5, "made up")])
def test_an_exception_in_the_source_never_blocks_the_breaker_for_ever(bug: Exception) -> None:
    bench = Bench(failures_to_open=1)

    async def story() -> None:
        bench.register.bug = bug
        for number in range(3):
            with pytest.raises(type(bug)):
                await bench.ask(number + 1)
            assert bench.breaker.state is BreakerState.OPEN
            bench.clock.ahead_s += 61
        bench.heal()
        assert (await bench.ask(9)).state is COMPLIANT
        assert bench.breaker.state is BreakerState.CLOSED

    bench.run(story)


def test_a_probe_that_is_called_off_gives_its_place_back() -> None:
    bench = Bench(failures_to_open=1)

    async def story() -> None:
        bench.fail()
        await bench.ask(1)
        bench.clock.ahead_s += 6
        bench.register.open.clear()
        bench.lookup.start(device(2), from_port())
        await bench.until(lambda: bench.lookup.errands.under_way == 1)
        (probe,) = bench.lookup.errands._tasks
        probe.cancel()
        await bench.until(lambda: bench.lookup.errands.under_way == 0)
        assert bench.breaker.admit(bench.clock())

    bench.run(story)


def test_one_odd_device_does_not_open_the_breaker_for_everybody() -> None:
    bench = Bench(failures_to_open=1)

    async def story() -> None:
        bench.register.state, bench.register.detail = UNAVAILABLE, about_device("two answers").detail
        await bench.ask(1)
        bench.heal()
        assert (await bench.ask(2)).state is COMPLIANT

    bench.run(story)


def test_a_question_asked_ahead_is_joined_and_not_asked_twice() -> None:
    bench = Bench()

    async def story() -> None:
        bench.lookup.start(device(1), from_port())
        bench.lookup.start(device(1), from_port())
        assert (await bench.ask(1)).state is COMPLIANT
        bench.lookup.start(device(1), from_port())
        await bench.landed()
        assert len(bench.register.calls) == 1

    bench.run(story)


def test_a_burst_beyond_capacity_is_refused_in_part_and_not_as_a_whole() -> None:
    bench = Bench(max_waiting=3)

    async def story() -> None:
        bench.register.open.clear()
        asking = [asyncio.ensure_future(bench.ask(number + 1)) for number in range(9)]
        await bench.until(lambda: sum(each.done() for each in asking) == 2)
        bench.register.open.set()
        answers = await asyncio.gather(*asking)
        # Four threads and three places to wait. Who comes too late is decided by what memory is read first.
        assert sum(answer.state is COMPLIANT for answer in answers) == 7
        refused = [answer.detail for answer in answers if answer.state is UNAVAILABLE]
        assert refused == ["no capacity: the limit `compliance.max_waiting` is reached"] * 2
        assert len(bench.register.calls) == 7

    bench.run(story)


def test_a_slow_answer_does_not_bring_back_an_older_verdict() -> None:
    bench = Bench()

    async def story() -> None:
        await bench.ask()
        bench.clock.ahead_s += 3601
        bench.register.open.clear()
        asking = asyncio.ensure_future(bench.ask())
        await bench.until(lambda: bench.lookup.errands.under_way == 1)
        now = bench.clock()
        listed = Compliance(state=NONCOMPLIANT, as_of=now.wall, source=ComplianceSource.BULK)
        assert bench.cache.downgrade(device(1).key, listed, now)
        bench.register.open.set()
        assert (await asking).state is NONCOMPLIANT

    bench.run(story)


def test_macs_without_number_keep_no_certificate_waiting() -> None:
    """A port that cycles its MAC holds every thread and place that MACs may have, and not one more."""
    bench = Bench(max_waiting=40)

    async def story() -> None:
        bench.register.open.clear()
        macs = [MacAddress(f"00-11-22-33-44-{number:02X}") for number in range(60)]
        asking = [
            asyncio.ensure_future(
                bench.lookup.compliance(Question(tenant="intune", key=f"mac:{mac.hex12}", subject=mac), from_port())
            )
            for mac in macs
        ]
        await bench.until(lambda: sum(each.done() for each in asking) == 49)
        await bench.until(lambda: len(bench.register.calls) == 1)  # one thread of four
        device_asked = asyncio.ensure_future(bench.ask(1))
        await bench.until(lambda: bench.register.calls[-1] == str(device(1).subject))
        bench.register.open.set()
        assert (await device_asked).state is COMPLIANT
        refused = [answer for answer in await asyncio.gather(*asking) if answer.detail.startswith("no capacity")]
        assert len(refused) == 49  # one is asked, a quarter of the places is for MACs

    bench.run(story)


def test_a_nas_whose_macs_use_up_their_share_still_asks_about_devices() -> None:
    bench = Bench(per_port=2)

    async def story() -> None:
        bench.register.open.clear()
        macs = [MacAddress(f"00-11-85-00-00-{number:02X}") for number in range(10)]
        asking = [
            asyncio.ensure_future(
                bench.lookup.compliance(Question(tenant="intune", key=f"mac:{mac.hex12}", subject=mac), from_port())
            )
            for mac in macs
        ]
        await asyncio.sleep(0)
        device_asked = asyncio.ensure_future(bench.lookup.compliance(device(1), from_port()))
        await asyncio.sleep(0.02)
        bench.register.open.set()
        assert (await device_asked).state is COMPLIANT
        await asyncio.gather(*asking)

    bench.run(story)


def test_one_port_cannot_use_up_the_lookups_of_the_others() -> None:
    bench = Bench(per_port=2)

    async def story() -> None:
        bench.register.open.clear()
        greedy = [asyncio.ensure_future(bench.lookup.compliance(device(n), from_port("Gi1/0/13"))) for n in range(10)]
        await asyncio.sleep(0)
        honest = asyncio.ensure_future(bench.lookup.compliance(device(99), from_port("Gi1/0/2")))
        await bench.until(lambda: sum(asking.done() for asking in greedy) == 4)  # four threads, two places
        bench.register.open.set()
        assert (await honest).state is COMPLIANT
        refused = [answer for answer in await asyncio.gather(*greedy) if answer.state is UNAVAILABLE]
        assert {answer.detail for answer in refused} == {"no capacity: the limit `compliance.max_per_port` is reached"}
        assert bench.lookup.errands.limited == {"max_per_port": 4}
        await bench.landed()
        assert (await bench.lookup.compliance(device(50), from_port("Gi1/0/13"))).state is COMPLIANT

    bench.run(story)


def test_requests_that_wait_for_one_answer_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup_module, "_MOST_WAITERS", 3)
    bench = Bench()

    async def story() -> None:
        bench.register.open.clear()
        asking = [asyncio.ensure_future(bench.ask()) for _ in range(5)]
        await bench.until(lambda: [each.done() for each in asking] == [False] * 3 + [True] * 2)
        assert asking[4].result().state is UNAVAILABLE
        bench.register.open.set()
        assert {answer.state for answer in await asyncio.gather(*asking[:3])} == {COMPLIANT}
        bench.cache = VerdictCache(Lifetimes())
        assert (await bench.ask(2)).state is COMPLIANT

    bench.run(story)


def test_every_way_of_answering_is_counted() -> None:
    bench = Bench()

    async def story() -> None:
        bench.register.open.clear()
        await asyncio.gather(bench.missed(1), bench.ask(1))
        bench.register.open.set()
        await bench.landed()
        await bench.ask(1)
        bench.clock.ahead_s += 3601
        bench.fail()
        await bench.ask(1)
        counts = bench.lookup.counts
        assert (counts.asked, counts.coalesced, counts.unavailable) == (2, 1, 2)
        assert (counts.hit, counts.miss, counts.stale) == (1, 3, 1)

    bench.run(story)


def test_an_answer_after_the_deadline_is_counted_as_late_and_kept() -> None:
    bench = Bench()

    async def story() -> None:
        bench.register.open.clear()
        await bench.missed(1)
        bench.register.open.set()
        await bench.landed()
        assert bench.lookup.counts.late == 1
        assert (await bench.ask(1)).source is ComplianceSource.CACHE

    bench.run(story)


def test_a_person_whose_question_is_not_put_is_told_why() -> None:
    bench = Bench(failures_to_open=1)

    async def story() -> None:
        bench.fail()
        await bench.ask(1)
        answer = await bench.lookup.refresh(device(2), 0.01)
        assert answer.state is ComplianceState.UNAVAILABLE
        assert "not asked within 0.01 s: breaker open" in answer.detail
        assert "status 503" in answer.detail
        assert "asked in 5 s" in answer.detail

    bench.run(story)


def test_a_person_who_waits_behind_polls_is_told_so() -> None:
    bench = Bench(threads=1)

    async def story() -> None:
        bench.register.open.clear()
        bench.lookup.poll(device(1))
        answer = await bench.lookup.refresh(device(2), 0.01)
        assert "not asked within 0.01 s: intune answers more slowly" in answer.detail

    bench.run(story)


def test_a_person_whose_question_is_under_way_is_told_that_no_answer_came() -> None:
    bench = Bench()

    async def story() -> None:
        bench.register.open.clear()
        assert (await bench.lookup.refresh(device(1), 0.01)).detail == "no answer within 0.01 s"

    bench.run(story)


def test_a_person_who_wants_a_new_answer_gets_one_though_there_is_a_fresh_one() -> None:
    bench = Bench()

    async def story() -> None:
        await bench.ask(1)
        bench.heal(NONCOMPLIANT)
        answer = await bench.lookup.refresh(device(1), 2.0)
        assert (answer.state, answer.source) == (NONCOMPLIANT, ComplianceSource.LIVE)
        assert (await bench.ask(1)).state is NONCOMPLIANT

    bench.run(story)
