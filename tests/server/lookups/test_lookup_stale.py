"""A verdict past its lifetime: used for want of a better one, with its date, while the question goes on."""

from __future__ import annotations

from nacd.values import ComplianceSource, ComplianceState
from tests.server.lookups.bench import DEADLINE_S, Bench

COMPLIANT, NONCOMPLIANT = ComplianceState.COMPLIANT, ComplianceState.NONCOMPLIANT


def test_a_stale_verdict_is_used_only_when_asking_failed_and_says_so() -> None:
    bench = Bench()

    async def story() -> None:
        first = await bench.ask()
        bench.clock.ahead_s += 3601
        bench.fail()
        stale = await bench.ask()
        assert (stale.state, stale.source) == (COMPLIANT, ComplianceSource.STALE)
        assert stale.as_of == first.as_of
        assert stale.detail == "status 503"
        assert len(bench.register.calls) == 2

        bench.clock.ahead_s += 10
        bench.heal(NONCOMPLIANT)
        asked = await bench.ask()
        assert (asked.state, asked.source) == (NONCOMPLIANT, ComplianceSource.LIVE)

    bench.run(story)


def test_a_stale_verdict_bridges_a_missed_deadline_too() -> None:
    bench = Bench(stale_wait_s=DEADLINE_S)

    async def story() -> None:
        await bench.ask()
        bench.clock.ahead_s += 3601
        bench.register.open.clear()
        stale = await bench.missed()
        assert (stale.state, stale.source) == (COMPLIANT, ComplianceSource.STALE)
        assert "no answer within 2 s" in stale.detail

    bench.run(story)


def test_a_stale_verdict_is_served_with_its_age_while_the_question_goes_on() -> None:
    bench = Bench(stale_wait_s=0.05)

    async def story() -> None:
        first = await bench.ask()
        bench.clock.ahead_s += 3601
        bench.register.open.clear()
        bench.register.state = NONCOMPLIANT
        stale = await bench.ask()
        assert (stale.state, stale.source, stale.as_of) == (COMPLIANT, ComplianceSource.STALE, first.as_of)
        assert stale.detail == "older than its lifetime; intune is being asked again"
        bench.register.open.set()
        await bench.landed()
        assert (await bench.ask()).state is NONCOMPLIANT
        assert len(bench.register.calls) == 2

    bench.run(story)


def test_a_new_answer_that_comes_in_time_goes_before_the_stale_one() -> None:
    bench = Bench(stale_wait_s=1.0)

    async def story() -> None:
        await bench.ask()
        bench.clock.ahead_s += 3601
        bench.heal(NONCOMPLIANT)
        answer = await bench.ask()
        assert (answer.state, answer.source) == (NONCOMPLIANT, ComplianceSource.LIVE)

    bench.run(story)
