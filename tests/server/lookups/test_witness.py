"""What the audit log is told of asking: each question of a login, each news, and no more than a disk can bear."""

from __future__ import annotations

from nacd.compliance.breaker import BreakerState
from nacd.server.lookups.witness import Witness
from nacd.values import AuditEvent, Compliance, ComplianceSource, ComplianceState, Instant
from tests.server.lookups.bench import Bench, device


def names(bench: Bench) -> list[str]:
    return [str(event.fields["event"]) for event in bench.written]


def verdict(state: ComplianceState) -> Compliance:
    return Compliance(state=state, as_of=1_000.0, source=ComplianceSource.LIVE, detail="")


def test_a_question_for_a_login_is_written_down_with_its_answer() -> None:
    bench = Bench()

    async def story() -> None:
        await bench.ask()
        await bench.ask()  # out of memory: nobody is asked

    bench.run(story)
    (event,) = bench.written
    assert event.fields["event"] == "lookup.answered"
    assert event.fields["lookup"]["id"] == device(1).subject.guid  # type: ignore[index,call-overload,union-attr]
    assert event.fields["compliance"]["state"] == "compliant"  # type: ignore[index,call-overload]


def test_a_poll_is_written_down_only_when_it_brings_news() -> None:
    bench = Bench()

    async def story() -> None:
        await bench.ask()
        for state in (ComplianceState.COMPLIANT, ComplianceState.NONCOMPLIANT):
            bench.heal(state)
            bench.lookup.poll(device(1))
            await bench.landed()

    bench.run(story)
    assert names(bench) == ["lookup.answered", "verdict.changed"]
    changed = bench.written[1].fields["verdict"]
    assert isinstance(changed, dict)
    assert (changed["before"], changed["by"]) == ("compliant", "poll")


def test_an_outage_is_told_by_its_first_failures_its_beginning_and_its_end() -> None:
    bench = Bench(failures_to_open=2)

    async def story() -> None:
        bench.fail()
        for number in range(4):
            await bench.ask(number)
        bench.heal()
        bench.clock.ahead_s += 600.0
        await bench.ask(9)

    bench.run(story)
    assert names(bench) == [
        *("lookup.failed", "lookup.failed", "lookup.suspended"),
        *("lookup.answered", "lookup.resumed"),
    ]
    assert "status 503" in str(bench.written[2].fields["why"])


def test_who_invents_macs_causes_so_many_records_a_minute_and_the_next_one_says_how_many_are_missing() -> None:
    written: list[AuditEvent] = []
    witness = Witness(lambda event, _now: written.append(event), answers=2)
    said = verdict(ComplianceState.NOT_MANAGED)
    for second in (0, 1, 2, 3, 60):
        now = Instant(wall=1_000.0 + second, monotonic=float(second))
        witness.asked(device(second), said, polled=False, took_s=0.1, now=now)
    assert [event.fields["lookup"]["unwritten"] for event in written] == [0, 0, 2]  # type: ignore[index,call-overload]


def test_what_was_not_known_before_is_no_news_and_a_probe_that_fails_is_none() -> None:
    written: list[AuditEvent] = []
    witness = Witness(lambda event, _now: written.append(event))
    now = Instant(wall=1_000.0, monotonic=0.0)
    for before in (ComplianceState.NOT_ASKED, ComplianceState.UNAVAILABLE, ComplianceState.COMPLIANT):
        said = verdict(ComplianceState.COMPLIANT)
        witness.counts_now(device(1), verdict(before), said, by="login", now=now)
    witness.breaker("intune", BreakerState.PROBING, BreakerState.OPEN, "status 503", now)
    witness.breaker("intune", BreakerState.OPEN, BreakerState.PROBING, "", now)
    assert written == []


def test_a_good_verdict_that_the_bulk_list_takes_away_is_news() -> None:
    bench = Bench()

    async def story() -> None:
        bench.lookup.took_away(device(1), verdict(ComplianceState.NONCOMPLIANT))

    bench.run(story)
    (event,) = bench.written
    assert (event.fields["event"], event.fields["verdict"]) == (
        "verdict.changed",
        {"before": "", "as_of_before": "", "by": "bulk"},
    )
