"""What NASes were asked, counted."""

from __future__ import annotations

from nacd.server.metrics.tally import Tally
from nacd.sessions import Meaning, Outcome, Verb


def test_requests_are_counted_by_verb_and_outcomes_by_verb_and_meaning() -> None:
    tally = Tally()
    for verb in (Verb.PUSH, Verb.DISCONNECT, Verb.DISCONNECT):
        tally.asked(verb)
    tally.answered(Verb.DISCONNECT, Outcome(meaning=Meaning.GONE, error_cause=503))
    tally.answered(Verb.DISCONNECT, Outcome(meaning=Meaning.UNANSWERED, tries=5))
    assert dict(tally.requests) == {"push": 1, "disconnect": 2}
    assert dict(tally.outcomes) == {("disconnect", "gone"): 1, ("disconnect", "unanswered"): 1}


def test_seconds_add_up_and_a_clock_that_was_set_back_takes_none_away() -> None:
    tally = Tally()
    for took_s in (1.5, -3600.0, 2.0):
        tally.converged(took_s)
    assert (tally.changes, tally.took.total) == (3, 3.5)
