"""What is asked of a NAS next, until it worked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from nacd.session.ladder import (
    Ask,
    Climb,
    Converged,
    Ended,
    Event,
    Move,
    NoSuchSession,
    Seen,
    State,
    Terms,
    TimePassed,
    Wait,
    resume,
    step,
    want,
)
from nacd.sessions import Meaning, NotOurs, Outcome, Pending, Settled, Verb
from nacd.values import Effect
from tests.session.making import T, standing

RUNGS = (Verb.REAUTHENTICATE, Verb.DISCONNECT, Verb.BOUNCE)
TERMS = Terms(bounce=True)
QUARANTINE, CORPORATE = standing("quarantine"), standing("corporate")
WISH = Pending(wanted=QUARANTINE, since=T)
TICK = TimePassed()


class Course:
    """One climb, told step by step."""

    def __init__(self, rungs: tuple[Verb, ...] = RUNGS, terms: Terms = TERMS, pending: Pending = WISH) -> None:
        self.rungs, self.terms, self.now = rungs, terms, T
        self.climb = resume(pending, terms)
        self.alarms: list[str] = []

    def comes(self, event: Event, after_s: float = 0.0) -> Any:
        self.now += after_s
        move: Move = step(self.climb, event, self.rungs, self.terms, self.now)
        self.climb = move.climb
        self.alarms += [move.alarm] if move.alarm else []
        return move.do

    def said(self, meaning: Meaning, after_s: float = 1.0) -> Any:
        return self.comes(Outcome(meaning=meaning, detail=f"said {meaning}"), after_s)


def asked(**more: Any) -> Course:
    course = Course(**more)
    assert course.comes(TICK) == Ask(verb=course.rungs[0])
    return course


def test_an_acknowledgment_waits_for_the_login_and_the_login_converges() -> None:
    course = asked()
    assert course.said(Meaning.ACKNOWLEDGED) == Wait(until=T + 31)
    assert isinstance(course.comes(Seen(standing=QUARANTINE), 5), Converged)


def test_an_acknowledgment_without_a_login_is_the_next_rung() -> None:
    course = asked()
    course.said(Meaning.ACKNOWLEDGED)
    assert course.comes(TICK, 29.9) == Wait(until=T + 31)
    assert course.comes(TICK, 0.1) == Ask(verb=Verb.DISCONNECT)
    assert course.said(Meaning.ACKNOWLEDGED) == Wait(until=course.now + 60)
    assert course.comes(TICK, 60) == Ask(verb=Verb.BOUNCE)
    assert not course.alarms


def test_a_login_with_another_decision_does_not_converge() -> None:
    course = asked()
    course.said(Meaning.ACKNOWLEDGED)
    assert course.comes(Seen(standing=CORPORATE), 1) == Wait(until=T + 31)
    assert course.comes(TICK, 30) == Ask(verb=Verb.DISCONNECT)


def test_a_verified_end_converges_in_every_state() -> None:
    course = asked()
    for prepare in (lambda: None, lambda: course.said(Meaning.ACKNOWLEDGED), lambda: course.comes(TICK, 1000)):
        prepare()
        assert isinstance(step(course.climb, Ended(why="User-Request"), RUNGS, TERMS, course.now).do, Converged)


def test_an_acknowledged_push_is_the_change() -> None:
    course = asked(rungs=(Verb.PUSH,))
    done = course.said(Meaning.ACKNOWLEDGED)
    assert isinstance(done, Converged)
    assert done.standing == QUARANTINE
    assert Converged(how="by login").standing == NotOurs()


def test_a_reject_is_a_standing_too() -> None:
    course = asked(pending=Pending(wanted=standing("", T), since=T))
    assert isinstance(course.comes(Seen(standing=standing("", T + 9, Effect.DENY))), Converged)


def test_what_the_nas_does_not_know_is_gone() -> None:
    course = asked()
    assert course.said(Meaning.GONE) == NoSuchSession(detail="said gone")


def test_of_one_that_it_never_accounted_for_a_nas_is_asked_in_all_its_words_but_the_port_before_it_is_believed() -> (
    None
):
    course = asked(terms=Terms(bounce=True, accounted=False))
    assert course.said(Meaning.GONE) == Ask(verb=Verb.DISCONNECT)
    assert course.said(Meaning.GONE) == NoSuchSession(detail="said gone")
    only = asked(rungs=(Verb.DISCONNECT,), terms=Terms(accounted=False))
    assert only.said(Meaning.GONE) == NoSuchSession(detail="said gone")


def test_a_verb_it_cannot_do_is_the_next_rung_at_once() -> None:
    course = asked()
    assert course.said(Meaning.NEXT_VERB) == Ask(verb=Verb.DISCONNECT)
    assert course.climb.pending.detail == "said next_verb"
    assert not course.alarms


def test_a_wrong_configuration_alarms_once_for_a_wish() -> None:
    course = asked()
    assert course.said(Meaning.CONFIGURATION) == Ask(verb=Verb.DISCONNECT)
    assert course.said(Meaning.CONFIGURATION) == Ask(verb=Verb.BOUNCE)
    assert len(course.alarms) == 1
    assert "reauthenticate" in course.alarms[0]


def test_a_refusal_alarms_and_is_the_next_rung() -> None:
    course = asked()
    assert course.said(Meaning.ALARM) == Ask(verb=Verb.DISCONNECT)
    assert course.said(Meaning.ALARM) == Ask(verb=Verb.BOUNCE)
    assert len(course.alarms) == 2


def test_when_several_fit_the_same_is_asked_once_more_exactly() -> None:
    course = asked()
    assert course.said(Meaning.NARROW) == Ask(verb=Verb.REAUTHENTICATE, narrow=True)
    assert course.said(Meaning.NARROW) == Ask(verb=Verb.DISCONNECT)


@pytest.mark.parametrize("meaning", [Meaning.LATER, Meaning.UNANSWERED])
def test_what_is_not_possible_now_is_tried_again_with_growing_pauses_then_the_next_rung(meaning: Meaning) -> None:
    course = asked()
    for pause in TERMS.pauses_s:
        assert course.said(meaning) == Wait(until=course.now + pause)
        assert course.comes(TICK, pause - 1) == Wait(until=course.now + 1)
        assert course.comes(TICK, 1) == Ask(verb=Verb.REAUTHENTICATE)
    assert course.said(meaning) == Ask(verb=Verb.DISCONNECT)


def test_at_the_top_there_is_a_person_and_after_ten_minutes_the_first_rung() -> None:
    course = asked()
    for _ in RUNGS[1:]:
        course.said(Meaning.NEXT_VERB)
    assert course.said(Meaning.NEXT_VERB) == Wait(until=course.now + 600)
    assert len(course.alarms) == 1
    assert course.comes(TICK, 599) == Wait(until=course.now + 1)
    assert course.comes(TICK, 1) == Ask(verb=Verb.REAUTHENTICATE)


def test_no_port_bounces_that_is_not_allowed_to() -> None:
    course = asked(terms=Terms(bounce=False))
    assert course.said(Meaning.NEXT_VERB) == Ask(verb=Verb.DISCONNECT)
    assert course.said(Meaning.NEXT_VERB) == Wait(until=course.now + 600)


def test_a_nas_of_which_nothing_may_be_asked_is_an_alarm() -> None:
    course = Course(rungs=(Verb.BOUNCE,), terms=Terms(bounce=False))
    assert course.comes(TICK) == Wait(until=T + 600)
    assert "nothing" in course.alarms[0]


def test_an_outcome_that_never_comes_is_unanswered() -> None:
    course = asked()
    assert course.comes(TICK, 119) == Wait(until=T + 120)
    assert course.comes(TICK, 1) == Wait(until=course.now + 10)


def test_an_answer_that_comes_too_late_changes_nothing() -> None:
    course = asked()
    course.said(Meaning.UNANSWERED)
    before = course.climb
    assert isinstance(course.said(Meaning.GONE), Wait)
    assert course.climb == before


def test_what_is_held_asks_nothing_and_still_converges() -> None:
    course = Course(pending=replace(WISH, held="a hold"))
    assert isinstance(course.comes(TICK), Wait)
    assert isinstance(step(course.climb, Seen(standing=QUARANTINE), RUNGS, TERMS, T).do, Converged)
    course.climb = replace(course.climb, pending=replace(course.climb.pending, held=""))
    assert course.comes(TICK) == Ask(verb=Verb.REAUTHENTICATE)


def test_after_a_restart_what_was_asked_has_its_time_to_show_and_is_then_asked_again() -> None:
    course = Course(pending=asked().climb.pending)
    assert course.comes(TICK, 29) == Wait(until=T + 30)
    assert course.comes(TICK, 1) == Ask(verb=Verb.REAUTHENTICATE)
    assert course.climb.pending.tries == 2


def test_after_a_restart_a_push_is_repeated_at_once() -> None:
    course = Course(rungs=(Verb.PUSH,))
    assert course.comes(TICK) == Ask(verb=Verb.PUSH)
    course.climb = resume(course.climb.pending, TERMS)
    assert course.comes(TICK) == Ask(verb=Verb.PUSH)


def test_after_a_restart_at_the_top_it_rests_on() -> None:
    course = asked(rungs=(Verb.DISCONNECT,))
    course.said(Meaning.NEXT_VERB)
    course.climb = resume(course.climb.pending, TERMS)
    assert course.climb.state is State.RESTING
    assert isinstance(course.comes(TICK, 500), Wait)
    assert course.comes(TICK, 100) == Ask(verb=Verb.DISCONNECT)


def test_a_clock_that_was_set_back_makes_nobody_wait_for_it() -> None:
    course = asked()
    course.said(Meaning.UNANSWERED)
    assert course.comes(TICK, -7200) == Ask(verb=Verb.REAUTHENTICATE)


def test_a_ladder_that_was_shortened_meanwhile_begins_anew() -> None:
    course = Course(
        rungs=(Verb.DISCONNECT,), pending=replace(WISH, step=2, tries=1, verb=Verb.BOUNCE, asked_at=T - 500)
    )
    course.comes(TICK)
    assert course.comes(TICK, 600) == Ask(verb=Verb.DISCONNECT)


# -- wishes ---------------------------------------------------------------------------------------


def test_what_it_has_already_is_not_wanted() -> None:
    assert want(Settled(), CORPORATE, standing("corporate", T + 9), T + 9) == Settled()
    assert want(WISH, CORPORATE, standing("corporate", T + 9), T + 9) == Settled(), "it flipped back"


def test_what_is_wanted_already_stays_on_its_rung() -> None:
    on_its_way = replace(WISH, verb=Verb.DISCONNECT, step=1, tries=1, asked_at=T + 5)
    newer = standing("quarantine", T + 9)
    assert want(on_its_way, CORPORATE, newer, T + 9) == replace(on_its_way, wanted=newer)


def test_another_decision_begins_at_the_first_rung() -> None:
    on_its_way = replace(WISH, verb=Verb.DISCONNECT, step=1, tries=1, asked_at=T + 5)
    guest = standing("guest", T + 9)
    assert want(on_its_way, CORPORATE, guest, T + 9) == Pending(wanted=guest, since=T + 9)
    assert want(Settled(), NotOurs(), guest, T + 9) == Pending(wanted=guest, since=T + 9)


def test_a_push_that_may_have_been_taken_is_pushed_back() -> None:
    pushed = replace(WISH, verb=Verb.PUSH, tries=1, asked_at=T + 5)
    back = standing("corporate", T + 9)
    assert want(pushed, CORPORATE, back, T + 9) == Pending(wanted=back, since=T + 9)


@pytest.mark.parametrize("wrong", [{"lost_s": 0}, {"pauses_s": (1.0, 0.0)}, {"seen_within_s": {Verb.BOUNCE: -1.0}}])
def test_terms_that_are_none_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="positive"):
        Terms(**wrong)


# -- any course of things -------------------------------------------------------------------------


class AnyCourse(RuleBasedStateMachine):
    """Whatever a NAS says, in any order: one request at a time, none in a hurry, and only proof converges."""

    def __init__(self) -> None:
        super().__init__()
        self.terms, self.now = TERMS, T
        self.climb: Climb = resume(WISH, self.terms)
        self.asked: list[float] = []
        self.under_way = False
        self.over = False

    def come(self, event: Event) -> None:
        move = step(self.climb, event, RUNGS, self.terms, self.now)
        self.climb = move.climb
        if isinstance(move.do, Ask):
            assert not self.under_way, "two requests at once"
            assert move.do.verb in RUNGS
            assert self.terms.bounce or move.do.verb is not Verb.BOUNCE
            self.asked.append(self.now)
            self.under_way = True
        elif isinstance(move.do, Wait):
            assert move.do.until <= self.now + 600 or self.climb.state is State.ASKED
        elif isinstance(move.do, Converged):
            assert isinstance(event, Ended) or (isinstance(event, Seen) and event.standing == QUARANTINE)
            self.over = True
        else:
            assert isinstance(event, Outcome)
            assert event.meaning is Meaning.GONE
            self.over = True

    @precondition(lambda self: not self.over)
    @rule(seconds=st.sampled_from([0.0, 1.0, 10.0, 60.0, 119.0, 600.0, 5000.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        if self.climb.state is State.ASKED and self.now >= self.climb.until:
            self.under_way = False
        self.come(TICK)

    @precondition(lambda self: not self.over and self.under_way)
    @rule(meaning=st.sampled_from([each for each in Meaning if each is not Meaning.GONE]))
    def an_outcome_comes(self, meaning: Meaning) -> None:
        self.under_way = False
        self.come(Outcome(meaning=meaning))

    @precondition(lambda self: not self.over)
    @rule()
    def it_logs_in_and_gets_the_old(self) -> None:
        self.come(Seen(standing=CORPORATE))

    @precondition(lambda self: not self.over)
    @rule(bounce=st.booleans())
    def a_call_begins_or_ends(self, bounce: bool) -> None:
        self.terms = replace(TERMS, bounce=bounce)

    @precondition(lambda self: not self.over)
    @rule()
    def nacd_is_restarted(self) -> None:
        self.under_way = False  # nobody hears its answer
        self.climb = resume(self.climb.pending, self.terms)

    @rule(end=st.sampled_from(["seen", "ended"]))
    def it_ends(self, end: str) -> None:
        if not self.over:
            self.come(Seen(standing=QUARANTINE) if end == "seen" else Ended(why="Stop"))
            assert self.over

    @invariant()
    def it_is_not_asked_in_a_hurry(self) -> None:
        assert sum(at >= self.now for at in self.asked) <= 2 * len(RUNGS) + 2


AnyCourse.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestAnyCourse = AnyCourse.TestCase
