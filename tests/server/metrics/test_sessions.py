"""Sessions and the change of them, in numbers: each from where it lives, and none of them missing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from nacd.server.dac.lanes import LaneStatus
from nacd.server.metrics import pages, sessions
from nacd.server.metrics.metric import Readings
from nacd.server.metrics.requests.histogram import Observed
from nacd.server.metrics.serving.page import Asked
from nacd.server.metrics.tally import Tally
from nacd.session.guard import Count, Flip, Guard
from nacd.session.ladder import State
from nacd.sessions import Meaning, Outcome, Phase, Verb

QUIET = Count(passed=0, limit=50, held=0, holding_until=0.0)
COUNTED = {"authorized": 4, "live": 30, "ended": 200, "aged": 1, "pending": 3}


@dataclass(frozen=True, kw_only=True)
class Status:
    climbs: Mapping[str, int] = field(default_factory=dict)
    guards: Mapping[str, Count] = field(default_factory=lambda: {"down": QUIET, "up": QUIET})
    lanes: Sequence[LaneStatus] = ()
    queued: int = 0


@dataclass(frozen=True, kw_only=True)
class Book:
    problem: str = ""
    waiting: int = 0


def lane(**fields: Any) -> LaneStatus:
    plain = {"nas": "campus", "host": "192.0.2.1", "port": 1700, "waiting": 0, "in_flight": 0, "unanswered": 0}
    return LaneStatus(**{**plain, **fields})


def numbers(
    status: Status | None = None,
    tally: Tally | None = None,
    counted: Mapping[str, int] = COUNTED,
    book: Book | None = None,
    dropped: Mapping[str, int] | None = None,
) -> dict[tuple[str, ...], float]:
    """By name and labels; no number is there twice."""
    known = dropped or {}
    samples = list(
        sessions.read(
            status or Status(), tally or Tally(), counted, book or Book(), lambda reason: known.get(reason, 0)
        )
    )
    found: dict[tuple[str, ...], float] = {}
    for sample in samples:
        value = sample.value
        key = (sample.metric.name, *sample.labels)
        assert key not in found
        found[key] = value.total if isinstance(value, Observed) else float(value)
    return found


def of(found: Mapping[tuple[str, ...], float], name: str) -> dict[tuple[str, ...], float]:
    return {labels: value for (metric, *rest), value in found.items() if metric == name for labels in [tuple(rest)]}


def test_every_metric_of_the_table_is_read() -> None:
    assert {name for name, *_ in numbers()} == {metric.name for metric in sessions.TABLE}


@pytest.mark.peer
def test_promtool_finds_nothing_to_complain_of(peer: Callable[[str], Any]) -> None:
    readings = Readings(
        sessions.TABLE, lambda: sessions.read(Status(lanes=(lane(),)), Tally(), COUNTED, Book(), lambda _: 1)
    )
    text = asyncio.run(pages.pages(readings)["/metrics"](Asked())).body.decode()
    assert "nacd_guard_held" in text
    judged = peer("promtool").run(["check", "metrics"], input=text)
    assert (judged.returncode, judged.stdout, judged.stderr) == (0, "", "")


def test_what_is_counted_now_and_then_is_left_out_until_it_was() -> None:
    missing = {metric.name for metric in sessions.TABLE} - {name for name, *_ in numbers(counted={})}
    assert missing == {"nacd_sessions", "nacd_sessions_pending"}


def test_sessions_are_shown_by_phase_and_every_phase_is() -> None:
    found = numbers()
    assert of(found, "nacd_sessions") == {("authorized",): 4, ("live",): 30, ("ended",): 200, ("aged",): 1}
    assert found[("nacd_sessions_pending",)] == 3
    assert set(of(found, "nacd_sessions")) == {(phase.value,) for phase in Phase}


@pytest.mark.parametrize(("problem", "ok"), [("", 1), ("the disk is full", 0)])
def test_a_database_that_takes_nothing_is_a_zero(problem: str, ok: int) -> None:
    found = numbers(book=Book(problem=problem, waiting=17))
    assert found[("nacd_sessions_store_ok",)] == ok
    assert found[("nacd_sessions_writes_waiting",)] == 17


def test_accounting_that_was_not_answered_says_what_was_missing() -> None:
    found = numbers(dropped={"accounting_not_stored": 7, "accounting_not_recorded": 2, "too_short": 99})
    assert of(found, "nacd_accounting_unanswered_total") == {("session",): 7, ("record",): 2}


def test_wanted_changes_are_shown_by_state_and_every_state_is() -> None:
    found = numbers(Status(climbs={"asked": 5, "resting": 1}, queued=9))
    assert of(found, "nacd_session_changes_under_way") == {
        ("ready",): 0,
        ("asked",): 5,
        ("acknowledged",): 0,
        ("resting",): 1,
    }
    assert len(State) == 4
    assert found[("nacd_sessions_queued",)] == 9


def test_the_guard_is_shown_both_ways_and_holds_as_long_as_it_says_so() -> None:
    down = Guard(max_flips=2, max_flip_percent=100, window_s=300, hold_s=3600, confirmed_per_s=1)
    up = Guard(max_flips=9, max_flip_percent=100, window_s=300, hold_s=3600, confirmed_per_s=1)
    down.ask_all([Flip(id=number, down=True) for number in range(5)], 1000, 1.0)
    up.ask(Flip(id=9, down=False), 1000, 1.0)
    found = numbers(Status(guards={"down": down.count(2.0), "up": up.count(2.0)}))
    assert of(found, "nacd_guard_held") == {("down",): 1, ("up",): 0}
    assert of(found, "nacd_guard_waiting") == {("down",): 5, ("up",): 0}
    assert of(found, "nacd_guard_passed") == {("down",): 0, ("up",): 1}
    assert of(found, "nacd_guard_limit") == {("down",): 2, ("up",): 9}
    assert of(numbers(Status(guards={"down": down.count(4000.0)})), "nacd_guard_held") == {("down",): 0}


def test_what_was_asked_and_what_came_of_it_begins_at_nought() -> None:
    tally = Tally()
    assert set(of(numbers(tally=tally), "nacd_coa_requests_total").values()) == {0.0}
    assert len(of(numbers(tally=tally), "nacd_coa_outcomes_total")) == len(Verb) * len(Meaning)
    tally.asked(Verb.DISCONNECT)
    tally.answered(Verb.DISCONNECT, Outcome(meaning=Meaning.UNANSWERED, tries=5))
    tally.converged(2.5)
    found = numbers(tally=tally)
    assert {labels: count for labels, count in of(found, "nacd_coa_requests_total").items() if count} == {
        ("disconnect",): 1
    }
    assert {labels: count for labels, count in of(found, "nacd_coa_outcomes_total").items() if count} == {
        ("disconnect", "unanswered"): 1
    }
    assert found[("nacd_session_changes_converged_total",)] == 1
    assert found[("nacd_session_changes_converged_seconds",)] == 2.5


def test_lanes_are_added_up_and_name_no_nas() -> None:
    lanes = (lane(waiting=3, in_flight=8, unanswered=4), lane(host="192.0.2.2", in_flight=1), lane(unanswered=1))
    found = numbers(Status(lanes=lanes))
    assert found[("nacd_coa_waiting",)] == 3
    assert found[("nacd_coa_under_way",)] == 9
    assert found[("nacd_coa_silent_addresses",)] == 2
    assert not any("campus" in name or "192.0.2.2" in name for name in found)
