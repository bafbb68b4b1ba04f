"""The plan for the list of noncompliant devices, against Microsoft's rule as this file understands it."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nacd.compliance import bulk_plan
from nacd.compliance.bulk_plan import INTERVAL_S, SHORTEST_INTERVAL_S, WINDOW_S, BulkWindow

MINUTE, HOUR = 60.0, 3600.0
NOW = 1_800_000_000.0


class Microsoft:
    """A window of four hours opens with the first call that arrives; calls in its first hour are free."""

    def __init__(self) -> None:
        self.opened = -1e9

    def call(self, now: float) -> bool:
        """Whether the list is given; False for 503."""
        if now >= self.opened + 4 * HOUR:
            self.opened = now
        return now < self.opened + HOUR


def test_what_was_never_tried_is_tried_at_once() -> None:
    assert bulk_plan.next_run(BulkWindow(), NOW) <= NOW


def test_the_run_after_a_success_is_one_interval_later() -> None:
    window = bulk_plan.succeeded(bulk_plan.tried(BulkWindow(), NOW), NOW + 30)
    assert window == BulkWindow(opened_at=NOW, last_try_at=NOW, last_success_at=NOW + 30)
    assert bulk_plan.next_run(window, NOW + 30) == NOW + INTERVAL_S
    assert bulk_plan.next_run(window, NOW + 30, 6 * HOUR) == NOW + 6 * HOUR


def test_an_interval_that_the_quota_forbids_is_raised() -> None:
    window = bulk_plan.succeeded(bulk_plan.tried(BulkWindow(), NOW), NOW)
    assert bulk_plan.next_run(window, NOW, HOUR) == NOW + SHORTEST_INTERVAL_S > NOW + WINDOW_S


def repeats(window: BulkWindow, took_s: float) -> list[float]:
    """Minutes into the window at which a run that always fails after so long is begun, until the next window."""
    begun, now = [], NOW
    while now < NOW + WINDOW_S:
        begun.append((now - NOW) / MINUTE)
        window = bulk_plan.tried(window, now)
        now += took_s
        window = bulk_plan.failed(window, now)
        now = max(now, bulk_plan.next_run(window, now))
    return begun


def test_a_failed_run_is_repeated_in_the_free_hour_with_growing_pauses() -> None:
    assert repeats(BulkWindow(), 0.0) == [0, 1, 3, 8, 18, 38]


def test_the_pause_counts_from_the_failure_not_from_the_beginning() -> None:
    assert repeats(BulkWindow(), 2 * MINUTE) == [0, 4, 11, 23, 45]


def test_after_the_free_hour_a_failed_run_waits_for_the_next_window() -> None:
    window = BulkWindow(opened_at=NOW, last_try_at=NOW + 38 * MINUTE)
    assert bulk_plan.next_run(window, NOW + 39 * MINUTE) == NOW + 38 * MINUTE + INTERVAL_S


def test_a_daemon_that_died_in_the_call_repeats_it_as_if_it_had_failed() -> None:
    window = bulk_plan.tried(BulkWindow(), NOW)
    assert bulk_plan.next_run(window, NOW + 5) == NOW + MINUTE


def test_a_repeat_that_was_missed_does_not_fall_behind_the_free_hour() -> None:
    window = bulk_plan.tried(BulkWindow(), NOW)
    assert bulk_plan.next_run(window, NOW + 50 * MINUTE) == NOW + MINUTE, "at once, there is time"
    assert bulk_plan.next_run(window, NOW + 51 * MINUTE) == NOW + INTERVAL_S


def test_a_refusal_for_the_quota_ends_the_repeats_for_a_whole_interval() -> None:
    window = bulk_plan.refused_for_quota(bulk_plan.tried(BulkWindow(), NOW), NOW + 1)
    assert bulk_plan.next_run(window, NOW + 2) == NOW + 1 + INTERVAL_S
    later = NOW + 1 + INTERVAL_S
    again = bulk_plan.failed(bulk_plan.tried(window, later), later)
    assert bulk_plan.next_run(again, later) == later + MINUTE, "a window of our own has a free hour of its own"


def test_a_window_that_is_not_surely_over_stays_the_same_window() -> None:
    # The first try may have got lost, and the second one have opened it.
    again, forced = NOW + 38 * MINUTE, NOW + WINDOW_S + MINUTE
    window = bulk_plan.failed(bulk_plan.tried(bulk_plan.tried(BulkWindow(), NOW), again), again)
    window = bulk_plan.failed(bulk_plan.tried(window, forced), forced)
    assert window.opened_at == NOW
    assert bulk_plan.next_run(window, forced) == forced + INTERVAL_S, "nothing is free in it"
    late = bulk_plan.tried(window, forced + WINDOW_S)
    assert late.opened_at == forced + WINDOW_S


def test_a_window_that_lies_ahead_is_taken_to_be_used_up_now() -> None:
    ahead = bulk_plan.succeeded(bulk_plan.tried(BulkWindow(), NOW), NOW + 30)
    window = bulk_plan.settled(ahead, NOW - 365 * 24 * HOUR)
    assert window.last_success_at == window.opened_at == NOW - 365 * 24 * HOUR
    assert bulk_plan.next_run(window, NOW - 365 * 24 * HOUR + 7) == NOW - 365 * 24 * HOUR + INTERVAL_S
    assert bulk_plan.settled(window, NOW - 365 * 24 * HOUR + 7) is window, "it is settled once, so the wait ends"


@pytest.mark.parametrize("step", [bulk_plan.succeeded, bulk_plan.failed, bulk_plan.refused_for_quota])
def test_a_clock_set_back_during_a_run_leaves_nothing_ahead_and_no_repeats(step: object) -> None:
    assert callable(step)
    window = step(bulk_plan.tried(BulkWindow(), NOW), NOW - HOUR)
    assert bulk_plan.next_run(window, NOW - HOUR) == NOW - HOUR + INTERVAL_S


OUTCOMES = st.sampled_from(["fine", "lost on the way", "answer lost", "answered 500", "daemon died"])


@example(runs=[("answer lost", 0.0, HOUR), *[("fine", 0.0, 0.0)] * 4], steps_back=[-HOUR])
@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(OUTCOMES, st.floats(0, 900), st.floats(0, 7200)), min_size=5, max_size=40),
    st.lists(st.floats(-10 * 24 * HOUR, 0), max_size=2),
)
def test_whatever_fails_no_call_is_ever_refused_and_a_list_comes_within_an_interval_of_the_trouble(
    runs: list[tuple[str, float, float]], steps_back: list[float]
) -> None:
    """Each run: its outcome, how long it took, and how long the daemon was down then. A few times between runs the
    clock is set back; time passes as before."""
    microsoft, window = Microsoft(), BulkWindow()
    true, wall_ahead, trouble_until = NOW, 0.0, NOW
    back_at = {len(runs) // (position + 2): step for position, step in enumerate(steps_back)}
    for number, (outcome, took_s, down_s) in enumerate([*runs, ("fine", 0.0, 0.0)]):
        # Set back by less than the time that passed meanwhile, it looks as if less time had passed: nobody can tell.
        if number in back_at and true + wall_ahead + back_at[number] < window.last_try_at:
            wall_ahead += back_at[number]
            trouble_until = true
        window = bulk_plan.settled(window, true + wall_ahead)
        due = bulk_plan.next_run(window, true + wall_ahead)
        true = max(true, due - wall_ahead)
        assert true <= trouble_until + INTERVAL_S + 1e-3
        window = bulk_plan.tried(window, true + wall_ahead)
        if outcome != "lost on the way":
            assert microsoft.call(true), "a call that was planned is refused"
        true += took_s
        if outcome == "fine":
            window = bulk_plan.succeeded(window, true + wall_ahead)
        elif outcome != "daemon died":
            window = bulk_plan.failed(window, true + wall_ahead)
        true += down_s
        trouble_until = true


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 6 * HOUR), max_size=8), st.lists(OUTCOMES, min_size=3, max_size=12))
def test_when_others_use_the_quota_a_refusal_is_followed_by_a_whole_interval(
    others: list[float], outcomes: list[str]
) -> None:
    microsoft, window, now, refused_at = Microsoft(), BulkWindow(), NOW, -1e9
    for outcome in outcomes:
        due = max(now, bulk_plan.next_run(window, now))
        if others and now + others[-1] < due:
            microsoft.call(now + others.pop())
        now = due
        assert now >= refused_at + INTERVAL_S
        window = bulk_plan.tried(window, now)
        if outcome != "lost on the way" and not microsoft.call(now):
            refused_at = now
            window = bulk_plan.refused_for_quota(window, now)
        elif outcome == "fine":
            window = bulk_plan.succeeded(window, now)
        elif outcome != "daemon died":
            window = bulk_plan.failed(window, now)
