"""The three warnings, each said once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.intune.expiry import DAY_S, NEVER, STEPS_DAYS, due, words

END = 2_000_000_000.0


@pytest.mark.parametrize(
    ("left_days", "step"),
    [(400, NEVER), (30.01, NEVER), (30, 30), (8, 30), (7, 7), (1.5, 7), (1, 1), (0.01, 1), (0, 0), (-90, 0)],
)
def test_the_step_that_is_reached_is_due(left_days: float, step: int) -> None:
    assert due(END, END - left_days * DAY_S) == step


@pytest.mark.parametrize("said", STEPS_DAYS)
def test_a_step_that_was_said_is_not_said_again_nor_is_an_earlier_one(said: int) -> None:
    assert due(END, END - said * DAY_S, said) == NEVER
    assert due(END, END - 20 * DAY_S, 7) == NEVER


def test_nothing_is_due_when_nobody_knows_the_end() -> None:
    assert due(0.0, END) == NEVER


@given(st.lists(st.floats(min_value=0, max_value=40), min_size=1, max_size=60))
def test_however_often_one_looks_each_step_is_said_at_most_once_and_in_order(days: list[float]) -> None:
    told = []
    said = NEVER
    for left_days in sorted(days, reverse=True):
        step = due(END, END - left_days * DAY_S, said)
        if step != NEVER:
            told.append(step)
            said = step
    assert told == sorted(set(told), reverse=True)
    assert (told[-1] if told else NEVER) == due(END, END - min(days) * DAY_S)


@pytest.mark.parametrize(
    ("left_s", "expected"),
    [
        (40 * DAY_S, "the certificate ends in 40 days"),
        (1.9 * DAY_S, "the certificate ends in 46 hours"),
        (3 * 3600, "the certificate ends in 3 hours"),
        (0, "the certificate has expired"),
        (-DAY_S, "the certificate has expired"),
    ],
)
def test_the_time_left_is_said_in_words(left_s: float, expected: str) -> None:
    assert words("the certificate", END, END - left_s) == expected
