"""When a silent session does not count any more."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.session.ageing import Intervals, Patience, aged, quiet_since
from nacd.sessions import Gone, Phase
from tests.session.making import T, after, authorized, interim, start, stop

INTERIMS = Patience(interval_s=600)
SILENT = Patience()


def test_three_missing_interims_age_a_session() -> None:
    live = after(authorized(), start(T), interim(T + 600))
    assert aged(live, INTERIMS, T + 600 + 1800) == ""
    assert "3 intervals" in aged(live, INTERIMS, T + 600 + 1801)


def test_a_session_that_never_began_ages_like_a_silent_one() -> None:
    assert aged(after(authorized()), INTERIMS, T + 1800) == ""
    assert aged(after(authorized()), INTERIMS, T + 1801)


def test_an_interval_shorter_than_a_nas_may_be_asked_for_counts_as_a_minute() -> None:
    assert aged(after(authorized(), start(T)), Patience(interval_s=1), T + 180) == ""


def test_a_session_timeout_ages_after_its_grace_unless_something_was_heard_later() -> None:
    session = after(authorized(ends_at=T + 3600))
    assert aged(session, SILENT, T + 3600 + 600) == ""
    assert "Session-Timeout" in aged(session, SILENT, T + 3600 + 601)
    heard = after(interim(T + 4300), of=session)
    assert aged(heard, SILENT, T + 4400) == ""


def test_without_accounting_the_timeout_counts_else_a_day() -> None:
    assert aged(after(authorized(ends_at=T + 200_000)), SILENT, T + 190_000) == ""
    assert aged(after(authorized()), SILENT, T + 86_400) == ""
    assert "too long" in aged(after(authorized()), SILENT, T + 86_401)


def test_what_has_ended_or_aged_does_not_age() -> None:
    ended = after(authorized(), stop(T + 1))
    old = after(authorized(), Gone(id=1, phase=Phase.AGED, at=T + 9, cause=""))
    assert aged(ended, SILENT, T + 1e9) == aged(old, SILENT, T + 1e9) == ""


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 7200), st.floats(0, 100_000), st.floats(0, 7200), st.floats(0, 200_000))
def test_all_that_has_aged_is_among_those_that_were_quiet(
    interval: float, ends: float, heard: float, now: float
) -> None:
    patience = Patience(interval_s=interval)
    session = after(authorized(T, ends_at=T + ends if ends else 0.0), start(T + 1))
    if heard > 1:
        session = after(interim(T + heard), of=session)
    if aged(session, patience, T + now):
        assert session.seen_at < quiet_since(patience, T + now) + 1e-3


@pytest.mark.parametrize("wrong", [{"interval_s": -1}, {"missed": 0}, {"grace_s": -1}, {"silent_s": 0}])
def test_a_patience_that_is_none_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="positive"):
        Patience(**wrong)  # type: ignore[arg-type]


def test_an_interval_is_learnt_from_the_longer_gaps() -> None:
    intervals = Intervals()
    for gap in (5, 600, 601, 602):
        intervals.heard("switch", gap)
    assert intervals.interval_s("switch") == 0.0, "three are too few, and five seconds were no interval"
    intervals.heard("switch", 300)
    assert intervals.interval_s("switch") == 602
    assert intervals.interval_s("another") == 0.0


def test_one_gap_of_hours_does_not_make_an_interval() -> None:
    intervals = Intervals()
    for gap in [600.0] * 20 + [36_000.0]:
        intervals.heard("switch", gap)
    assert intervals.interval_s("switch") == 600
    for _ in range(40):
        intervals.heard("switch", 300)
    assert intervals.interval_s("switch") == 300, "what is long ago is forgotten"
