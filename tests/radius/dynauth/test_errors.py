"""Error-Cause: every number has a name and asks one thing of us."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.radius.dictionary import load
from nacd.radius.dynauth import errors
from nacd.sessions import Meaning


def test_every_error_cause_of_the_dictionary_is_in_the_table() -> None:
    numbers = load().definition("Error-Cause").names
    assert numbers
    assert set(numbers) <= set(errors.CAUSES)


@pytest.mark.parametrize(
    ("number", "meaning"),
    [
        (201, Meaning.GONE),
        (202, Meaning.ALARM),
        (401, Meaning.CONFIGURATION),
        (402, Meaning.NEXT_VERB),
        (403, Meaning.CONFIGURATION),
        (404, Meaning.CONFIGURATION),
        (405, Meaning.NEXT_VERB),
        (406, Meaning.NEXT_VERB),
        (407, Meaning.CONFIGURATION),
        (501, Meaning.ALARM),
        (502, Meaning.ALARM),
        (503, Meaning.GONE),
        (504, Meaning.NEXT_VERB),
        (505, Meaning.ALARM),
        (506, Meaning.LATER),
        (507, Meaning.LATER),
        (508, Meaning.NARROW),
    ],
)
def test_a_nak_asks_one_thing_of_us(number: int, meaning: Meaning) -> None:
    assert errors.refused(number).meaning is meaning


def test_a_nak_without_error_cause_says_only_that_this_verb_failed() -> None:
    assert errors.refused(errors.NONE).meaning is Meaning.NEXT_VERB


@given(st.integers(1, 0xFFFF_FFFF).filter(lambda number: number not in errors.CAUSES))
def test_an_unknown_error_cause_goes_by_its_hundred_and_is_named(number: int) -> None:
    cause = errors.refused(number)
    assert cause.meaning is (Meaning.CONFIGURATION if number // 100 == 4 else Meaning.ALARM)
    assert str(number) in cause.name


@given(st.integers(0, 0xFFFF_FFFF))
def test_no_nak_is_ever_an_acknowledgement(number: int) -> None:
    assert errors.refused(number).meaning not in {Meaning.ACKNOWLEDGED, Meaning.UNANSWERED}


@given(st.integers(0, 0xFFFF_FFFF).filter(lambda number: number != errors.RESIDUAL_CONTEXT_REMOVED), st.booleans())
def test_an_ack_is_an_ack_whatever_it_carries(number: int, disconnect: bool) -> None:
    assert errors.acknowledged(number, disconnect=disconnect).meaning is Meaning.ACKNOWLEDGED


def test_a_disconnect_ack_that_cleared_remains_away_says_the_session_is_gone() -> None:
    assert errors.acknowledged(201, disconnect=True).meaning is Meaning.GONE
    assert errors.acknowledged(201, disconnect=False).meaning is Meaning.ACKNOWLEDGED
