"""Who is asked about next: budgets, ranks, polls, throttling."""

from __future__ import annotations

import asyncio

from nacd.compliance.question import Question
from nacd.values import ComplianceState, MacAddress
from tests.server.door import until
from tests.server.house import Register
from tests.server.lookups.bench import DEADLINE_S, Bench, device, from_port

UNAVAILABLE = ComplianceState.UNAVAILABLE


def mac(number: int) -> Question:
    subject = MacAddress(f"00-11-85-00-00-{number:02X}")
    return Question(tenant="intune", key=f"mac:{subject.hex12}", subject=subject)


def test_no_more_questions_a_second_than_the_budget_allows() -> None:
    bench = Bench(per_s=5.0)
    calls, errands = bench.register.calls, bench.lookup.errands

    async def story() -> None:
        began = bench.clock().monotonic
        asking = [asyncio.ensure_future(bench.ask(number + 1)) for number in range(20)]
        await bench.until(lambda: len(calls) >= 5 and not errands.under_way)
        took_s = bench.clock().monotonic - began
        bench.passes(DEADLINE_S + 0.1)
        answers = await asyncio.gather(*asking)
        # A second's worth at once, and one more each fifth of a second.
        assert 5 <= len(calls) <= 5 + 5 * took_s
        assert sum(answer.state is UNAVAILABLE for answer in answers) == 20 - len(bench.register.calls)

    bench.run(story)


def test_what_waited_beyond_its_deadline_is_not_asked_any_more() -> None:
    bench = Bench(threads=1)

    async def story() -> None:
        bench.register.open.clear()
        answers = await asyncio.gather(bench.missed(1), *(bench.ask(number) for number in range(2, 6)))
        assert {answer.state for answer in answers} == {UNAVAILABLE}
        bench.register.open.set()
        await bench.landed()
        assert len(bench.register.calls) == 1
        assert (await bench.ask(1)).state is ComplianceState.COMPLIANT  # the late answer was kept

    bench.run(story)


def test_certificates_go_before_macs() -> None:
    bench = Bench(threads=1)

    async def story() -> None:
        bench.register.open.clear()
        first = asyncio.ensure_future(bench.ask(1))
        await bench.until(lambda: len(bench.register.calls) == 1)
        by_mac = asyncio.ensure_future(bench.lookup.compliance(mac(1), from_port()))
        await bench.until(lambda: bench.lookup.errands.waiting == 1)
        by_certificate = asyncio.ensure_future(bench.ask(2))
        await bench.until(lambda: bench.lookup.errands.waiting == 2)
        bench.register.open.set()
        await asyncio.gather(first, by_mac, by_certificate)
        assert bench.register.calls[1:] == [str(device(2).subject), str(mac(1).subject)]

    bench.run(story)


def test_a_nas_that_asks_much_does_not_go_before_one_that_asks_little() -> None:
    bench = Bench(threads=1)

    async def story() -> None:
        bench.register.open.clear()
        asking = [asyncio.ensure_future(bench.ask(1))]
        await bench.until(lambda: len(bench.register.calls) == 1)
        asking += [asyncio.ensure_future(bench.ask(number)) for number in range(2, 12)]
        await bench.until(lambda: bench.lookup.errands.waiting == 10)
        other = asyncio.ensure_future(bench.lookup.compliance(device(99), from_port(source="10.0.0.2")))
        await bench.until(lambda: bench.lookup.errands.waiting == 11)
        bench.register.open.set()
        await asyncio.gather(*asking, other)
        assert str(device(99).subject) in bench.register.calls[1:3]

    bench.run(story)


def test_polls_leave_half_of_the_threads_to_logins() -> None:
    bench = Bench(threads=4)

    async def story() -> None:
        bench.register.open.clear()
        assert all(bench.lookup.poll(device(number)) for number in range(1, 11))
        await bench.until(lambda: len(bench.register.calls) == 2)
        login = asyncio.ensure_future(bench.ask(50))
        await bench.until(lambda: len(bench.register.calls) == 3)
        assert bench.register.calls[-1] == str(device(50).subject)
        bench.register.open.set()
        await login
        await bench.landed()
        assert len(bench.register.calls) == 11
        assert bench.lookup.counts.polled == 10

    bench.run(story)


def test_a_poll_of_what_a_login_is_asking_about_asks_nothing() -> None:
    bench = Bench()

    async def story() -> None:
        bench.register.open.clear()
        login = asyncio.ensure_future(bench.ask(1))
        await bench.until(lambda: len(bench.register.calls) == 1)
        bench.lookup.poll(device(1))
        await asyncio.sleep(0.02)
        bench.register.open.set()
        await login
        await bench.landed()
        assert len(bench.register.calls) == 1

    bench.run(story)


def test_throttling_halves_both_budgets() -> None:
    bench = Bench(per_s=40.0)

    async def story() -> None:
        bench.register.throttled = 1
        await bench.ask(1)
        assert (bench.lookup.errands.logins.rate, bench.lookup.errands.polling.rate) == (20.0, 20.0)
        await bench.ask(2)
        assert bench.lookup.errands.logins.rate == 20.0

    bench.run(story)


def test_with_nobody_logging_in_a_poll_is_the_probe_that_closes_the_breaker() -> None:
    bench = Bench(failures_to_open=1)

    async def story() -> None:
        bench.fail()
        await bench.ask(1)
        bench.lookup.poll(device(2))
        await asyncio.sleep(0.02)
        assert len(bench.register.calls) == 1
        bench.heal()
        bench.clock.ahead_s += 6
        bench.lookup.poll(device(3))
        await bench.landed()
        assert len(bench.register.calls) == 3
        assert bench.breaker.state == "closed"

    bench.run(story)


def test_another_source_is_asked_from_now_on_and_answers_under_way_count() -> None:
    bench = Bench()
    other = Register(state=ComplianceState.NONCOMPLIANT, throttled=7)

    async def story() -> None:
        bench.register.open.clear()
        first = asyncio.ensure_future(bench.ask(1))
        await until(lambda: bool(bench.register.calls))
        bench.lookup.errands.ask_another(other)
        assert (await bench.ask(2)).state is ComplianceState.NONCOMPLIANT
        bench.register.open.set()
        assert (await first).state is ComplianceState.COMPLIANT
        assert len(other.calls) == 1

    bench.run(story)
