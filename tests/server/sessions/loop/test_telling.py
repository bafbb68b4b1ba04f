"""What the closed loop says of its work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from nacd.sessions import Meaning, Outcome, Session, Verb
from nacd.values import Instant
from tests.server.sessions.loop.desk import Desk, desk
from tests.server.sessions.nases import NOW, pending, session, standing

T = Instant(wall=NOW, monotonic=0.0)


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path) as made:
        yield made


def one(name: str = "cisco-ios", id: int = 1) -> Session:
    return session(name, id=id, wish=pending("fix"))


def at(seconds: float) -> Instant:
    return Instant(wall=NOW + seconds, monotonic=seconds)


def test_every_step_is_a_record_in_the_order_it_happened(told: Desk) -> None:
    each = one()
    step = replace(pending("fix"), verb=Verb.REAUTHENTICATE, step=0, tries=2)
    told.telling.wanted(each, standing("fix"), "poll", ("rule `r`",), T)
    told.telling.held(each, "its window is closed", 0.0, T)
    told.telling.asked(each, step, "coa", "10.0.0.7", 3799, (), T)
    told.telling.answered(each, Verb.REAUTHENTICATE, Outcome(meaning=Meaning.ACKNOWLEDGED), T)
    told.telling.converged(each, standing("fix"), "it logged in again", NOW - 5, T)
    told.telling.withdrawn(each, standing("fix"), "it is healed", NOW - 5, T)
    told.telling.ended(each, "gone", T)
    assert told.names() == [
        "session.change_wanted",
        "session.held",
        "session.asked",
        "session.answered",
        "session.converged",
        "session.withdrawn",
        "session.ended",
    ]
    assert told.records()[2]["asked"]["tries"] == 2


def test_what_is_recorded_of_requests_is_counted_by_hand_too(told: Desk) -> None:
    step = replace(pending("fix"), verb=Verb.PUSH)
    told.telling.asked(one(), step, "coa", "10.0.0.7", 3799, (), T)
    told.telling.asked_by_hand(one(), Verb.DISCONNECT, "disconnect", "10.0.0.7", 3799, (), T)
    told.telling.answered(one(), Verb.DISCONNECT, Outcome(meaning=Meaning.GONE), T)
    assert told.tally.requests == {"push": 1, "disconnect": 1}
    assert told.tally.outcomes == {("disconnect", "gone"): 1}
    told.telling.converged(one(), standing("fix"), "it ended", NOW - 5, T)
    told.telling.converged(one(), standing("fix"), "the clock was set back", NOW + 500, T)
    told.telling.withdrawn(one(), standing("fix"), "it is healed", NOW - 5, T)
    assert (told.tally.changes, told.tally.took.total) == (2, 5.0)


def test_a_nas_that_cannot_be_asked_is_recorded_once_and_named_again_after_a_while(told: Desk) -> None:
    with capture_logs() as said:
        for id, name, seconds in ((1, "aruba-cx", 0), (2, "aruba-cx", 1), (3, "generic", 2), (4, "aruba-cx", 601)):
            told.telling.not_askable(one(name, id), "`dynauth` is not configured", at(seconds))
    assert [each["nacd_session"] for each in told.records()] == [1, 3]
    assert [each["nas"] for each in said] == ["aruba-cx", "generic", "aruba-cx"]


def test_every_alarm_is_recorded_and_a_person_hears_of_each_nas_now_and_then(told: Desk) -> None:
    with capture_logs() as said:
        for id, name in ((1, "aruba-cx"), (2, "aruba-cx"), (3, "generic")):
            told.telling.alarm(one(name, id), "it refuses `push`", T)
    assert told.names() == ["session.alarm"] * 3
    assert [(each["nas"], each["session"]) for each in said] == [("aruba-cx", 1), ("generic", 3)]


def test_a_guard_says_what_to_do_about_it(told: Desk) -> None:
    with capture_logs() as said:
        told.telling.guard_held("down", 40, 5, NOW + 3600, T)
        told.telling.guard_released("down", 40, "anna", T)
        told.telling.guard_discarded("up", 3, "anna", T)
        told.telling.warn("disk", "the disk is full", T)
        told.telling.warn("disk", "the disk is full", T)
    assert told.names() == ["guard.held", "guard.released", "guard.discarded"]
    assert ["nacd coa release" in each["event"] for each in said] == [True, False]
