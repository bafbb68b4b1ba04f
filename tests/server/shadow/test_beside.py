"""It works when there is time, is counted and bounded, and whatever goes wrong ends there."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from nacd.replay.candidate import Candidate
from nacd.server.shadow.beside import Limits
from nacd.server.shadow.loading import NO_SHADOW
from nacd.values import AuditEvent, Compliance, ComplianceSource, ComplianceState
from tests.replay.conftest import GUID, Login
from tests.replay.test_candidate import LIVE, USUAL, policy
from tests.server.shadow.bench import Bench, Slow, faulty, ready

OPEN_LIVE = policy("live", ("all", (), "corp"))


# -- after the answer -----------------------------------------------------------------------------


def test_a_decision_is_looked_at_by_the_loop_and_not_when_it_is_made(bench: Bench) -> None:
    slow = Slow(bench=bench)
    bench.shadow.adopt(ready(slow))
    bench.decide()
    assert (slow.compared, bench.shadow.waiting, len(bench.planned)) == (0, 1, 1)
    bench.run()
    assert (slow.compared, bench.shadow.waiting, bench.shadow.counts.different) == (1, 0, 1)


def test_many_decisions_of_one_slice_wake_it_once(bench: Bench) -> None:
    for _ in range(50):
        bench.decide()
    assert len(bench.planned) == 1
    bench.run()
    assert bench.shadow.counts.different == 50


@pytest.mark.parametrize("code", ["A1003W", "A1004W", "A1005E", "A1006I", "A2001I"])
def test_what_no_policy_decided_is_not_looked_at(bench: Bench, code: str) -> None:
    bench.shadow.take(AuditEvent(code=code, fields={}))
    assert (bench.shadow.waiting, bench.planned) == (0, [])


@pytest.mark.parametrize("found", [NO_SHADOW, faulty()])
def test_without_a_shadow_nothing_is_kept_of_a_decision(bench: Bench, found: object) -> None:
    bench.shadow.adopt(found)  # type: ignore[arg-type]
    bench.decide()
    assert (bench.shadow.waiting, bench.planned, sum(bench.shadow.totals.values())) == (0, [], 0)


# -- a budget of time -----------------------------------------------------------------------------


def test_it_works_for_its_budget_and_rests_nine_times_as_long(bench: Bench) -> None:
    bench.shadow.adopt(ready(Slow(bench=bench, takes_s=0.0004)))
    for _ in range(10):
        bench.decide()
    took_s = bench.step()
    assert took_s == pytest.approx(0.0012)  # the third began within the millisecond
    assert bench.shadow.waiting == 7
    assert [delay for delay, _ in bench.planned] == [pytest.approx(0.0108)]
    bench.run()
    assert bench.shadow.counts.different == 10


def test_one_that_is_very_slow_is_never_looked_at_twice_in_a_turn(bench: Bench) -> None:
    slow = Slow(bench=bench, takes_s=0.02)
    bench.shadow.adopt(ready(slow))
    for _ in range(5):
        bench.decide()
    assert bench.step() == pytest.approx(0.02)
    assert slow.compared == 1


def test_a_comparison_that_takes_long_is_broken_off_and_gone_on_with(bench: Bench) -> None:
    slow = Slow(bench=bench, takes_s=0.0004, stops=9)
    bench.shadow.adopt(ready(slow))
    bench.decide()
    bench.decide()
    turns = []
    while bench.planned:
        turns.append(bench.step())
    assert max(turns) == pytest.approx(0.0012)
    assert len(turns) == 7 + 1  # twenty steps, three a turn, and the end of the last rest
    assert (slow.compared, bench.shadow.counts.different, bench.shadow.waiting) == (2, 2, 0)


def test_another_shadow_does_not_go_on_with_what_the_old_one_began(bench: Bench) -> None:
    bench.shadow.adopt(ready(Slow(bench=bench, takes_s=0.002, stops=9)))
    bench.decide()
    bench.step()
    assert bench.shadow.waiting == 1
    bench.shadow.adopt(ready(digest="newer"))
    assert bench.shadow.waiting == 0
    bench.run()
    assert bench.shadow.counts.compared == 0


def test_it_takes_a_tenth_of_the_time_at_most_however_decisions_come(bench: Bench) -> None:
    slow = Slow(bench=bench, takes_s=0.005)
    bench.shadow.adopt(ready(slow))
    worked_s = 0.0
    for _ in range(40):
        bench.decide()  # one after each turn, so that the line is never long
        worked_s += bench.step()
    assert worked_s <= 0.1 * (bench.now_s + 9 * 0.005)
    assert worked_s > 0


def test_a_line_that_is_full_is_counted_and_never_waits(login: Callable[..., Login]) -> None:
    bench = Bench(login, Limits(waiting=3))
    for _ in range(8):
        bench.decide()
    assert (bench.shadow.waiting, bench.shadow.totals["overflow"]) == (3, 5)
    bench.run()
    assert (bench.shadow.counts.different, bench.shadow.since_reset["overflow"]) == (3, 5)


# -- whatever goes wrong --------------------------------------------------------------------------


def test_an_error_is_counted_and_the_next_decision_is_compared(bench: Bench) -> None:
    slow = Slow(bench=bench, raises=ZeroDivisionError())
    bench.shadow.adopt(ready(slow))
    bench.decide()
    bench.run()
    slow.raises = None
    bench.decide()
    bench.run()
    assert (bench.shadow.totals["error"], bench.shadow.counts.different, bench.shadow.is_on) == (1, 1, True)


def test_errors_in_a_row_switch_it_off_with_a_record_and_a_log_line(bench: Bench, said: io.StringIO) -> None:
    bench.shadow.adopt(ready(Slow(bench=bench, raises=RecursionError("a secret of a packet"))))
    for _ in range(30):
        bench.decide()
    bench.run()
    assert (bench.shadow.is_on, bench.shadow.totals["error"], bench.shadow.waiting) == (False, 10, 0)
    assert bench.shadow.why_off.startswith("10 errors in a row, the last RecursionError at bench.py:")
    off = bench.written[-1]
    assert off.code == "A5012E"
    assert "a secret" not in str(off.fields)
    assert "the shadow policy is switched off" in said.getvalue()
    bench.decide()
    assert bench.shadow.waiting == 0


def test_errors_that_are_not_in_a_row_leave_it_on(bench: Bench) -> None:
    slow = Slow(bench=bench)
    bench.shadow.adopt(ready(slow))
    for number in range(40):
        slow.raises = ZeroDivisionError() if number % 4 else None
        bench.decide()
        bench.run()
    assert (bench.shadow.is_on, bench.shadow.totals["error"]) == (True, 30)


def test_it_is_on_again_when_it_is_loaded_again(bench: Bench) -> None:
    bench.shadow.adopt(ready(Slow(bench=bench, raises=ZeroDivisionError())))
    for _ in range(10):
        bench.decide()
    bench.run()
    bench.shadow.adopt(ready())
    bench.decide()
    bench.run()
    assert (bench.shadow.is_on, bench.shadow.counts.different, bench.shadow.since_reset["error"]) == (True, 1, 0)


# -- another candidate ----------------------------------------------------------------------------


def test_counts_go_on_over_a_reload_that_changes_neither_policy(bench: Bench) -> None:
    bench.decide()
    bench.run()
    bench.shadow.adopt(ready())
    bench.decide()
    bench.run()
    assert bench.shadow.counts.different == 2
    assert bench.codes().count("A5010I") == 1


@pytest.mark.parametrize("change", [{"digest": "newer"}, {"live": "newer live"}])
def test_counts_begin_anew_with_another_shadow_or_another_live_policy(bench: Bench, change: dict[str, str]) -> None:
    bench.decide()
    bench.run()
    bench.decide()
    bench.now_s += 100.0
    bench.shadow.adopt(ready(**change))
    bench.run()
    assert (bench.shadow.counts.different, bench.shadow.waiting) == (0, 0)
    assert bench.shadow.counts.since == bench.clock().wall
    assert bench.shadow.totals["different"] == 1  # counters of metrics never go back


def test_one_that_is_faulty_is_told_once_with_its_place(bench: Bench, said: io.StringIO) -> None:
    bench.shadow.adopt(faulty())
    bench.shadow.adopt(faulty())
    assert bench.codes() == ["A5010I", "A5011W"]
    assert said.getvalue().count("there is no shadow: next.yaml:3:7: no") == 1
    assert not bench.shadow.is_on


# -- what is written ------------------------------------------------------------------------------


def test_a_kind_of_difference_is_written_once_in_ten_minutes_and_summed_up(bench: Bench) -> None:
    for _ in range(100):
        bench.decide()
    bench.run()
    assert bench.codes() == ["A5010I", "A5001I"]
    bench.now_s += 600.0
    bench.shadow.tick(bench.clock())
    assert bench.codes() == ["A5010I", "A5001I", "A5002I"]
    assert bench.written[-1].fields["count"] == 99


def test_what_was_only_counted_is_written_at_the_end(bench: Bench) -> None:
    bench.decide()
    bench.decide()
    bench.run()
    bench.shadow.close(bench.clock())
    assert bench.codes()[-1] == "A5002I"


def test_however_many_kinds_there_are_a_window_has_a_budget_of_records(bench: Bench) -> None:
    for number in range(200):
        other = policy("open", (f"rule {number}", (), "corp"))
        bench.shadow.found = ready(Candidate(other, USUAL, live_digest="live"))
        bench.decide()
        bench.run()
    bench.shadow.close(bench.clock())
    assert bench.codes().count("A5001I") == 50
    assert bench.written[-1].code == "A5003I"
    assert bench.written[-1].fields["count"] == 150


def test_no_record_goes_to_the_gate_of_refusals(bench: Bench) -> None:
    bench.decide()
    bench.run()
    assert [(event.repeat_key, event.port_key) for event in bench.written] == [("", ""), ("", "")]


# -- compliance -----------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["compliant", "noncompliant"])
def test_what_memory_knows_decides_where_the_live_policy_did_not_ask(bench: Bench, state: str) -> None:
    bench.shadow.adopt(ready(Candidate(LIVE, USUAL, live_digest="live")))
    event = bench.event(live=OPEN_LIVE)
    bench.known[f"guid:{GUID}"] = Compliance(
        state=ComplianceState(state), as_of=1.0, source=ComplianceSource.CACHE, detail=""
    )
    bench.shadow.take(event)
    bench.run()
    assert bench.shadow.totals["different" if state == "noncompliant" else "same_by_another_rule"] == 1
    bench.known.clear()
    bench.shadow.take(event)
    bench.run()
    assert bench.shadow.counts.undecidable == {"good": 1}
    assert [asked.key for asked in bench.asked] == [f"guid:{GUID}"] * 2
