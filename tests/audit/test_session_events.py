"""What a security team reads of a change, sentence by sentence, and what holds for each of its records."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from nacd.audit import session_events
from nacd.audit.line import line
from nacd.audit.session_catalogue import ROWS
from nacd.session.overrides import Override, OverrideEffect
from nacd.sessions import Meaning, Outcome, Pending, Phase, Session, Settled, Standing, Verb
from nacd.values import (
    NOT_ASKED,
    Attribute,
    AuditEvent,
    ComplianceSource,
    ComplianceState,
    Effect,
    Instant,
)

At = Callable[[float], Instant]
WHO = "device 2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954 on port `Gi1/0/1` of NAS `campus` (10.20.0.1): "


def why(event: AuditEvent) -> str:
    """What comes after who and where."""
    said = event.fields["why"]
    assert isinstance(said, str)
    assert said.startswith(WHO)
    return said.removeprefix(WHO)


def ask(session: Session, at: At, **change: Any) -> AuditEvent:
    plain: dict[str, Any] = {
        "verb": Verb.REAUTHENTICATE,
        "request": "coa",
        "host": "10.20.0.1",
        "port": 1700,
        "shown": (Attribute(name="Calling-Station-Id", value="00-50-B6-AA-BB-CC"),),
        "step": 0,
        "tries": 1,
    }
    return session_events.asked(session=session, now=at(0), **{**plain, **change})


def answer(session: Session, at: At, meaning: Meaning, **fields: Any) -> str:
    outcome = Outcome(meaning=meaning, **fields)
    return why(session_events.answered(session=session, verb=Verb.DISCONNECT, outcome=outcome, now=at(0)))


def test_every_event_of_a_session_has_a_builder(session_records: tuple[AuditEvent, ...]) -> None:
    assert {event.code for event in session_records} == {row.code for row in ROWS}


def test_no_step_of_a_change_is_ever_summed_up(session_records: tuple[AuditEvent, ...]) -> None:
    assert all((event.repeat_key, event.port_key) == ("", "") for event in session_records)


def test_every_record_about_a_session_bears_its_number_all_its_names_and_its_place(
    session_records: tuple[AuditEvent, ...],
) -> None:
    about = [event.fields for event in session_records if event.fields.get("nacd_session") == 4711]
    assert len(about) == 8
    for fields in about:
        assert fields["session"] == {
            "acct_session_id": "0000001A",
            "acct_multi_session_id": "0000001B",
            "audit_session_id": "0A140001",
            "class_token": "5e" * 16,
            "user_name_octets": "",
            "phase": "live",
            "authorized_at": "2026-09-21T11:26:40.000Z",
            "started_at": "2026-09-21T11:26:41.000Z",
            "seen_at": "2026-09-21T13:56:40.000Z",
            "voice": False,
        }
        assert fields["nas"] == {
            "name": "campus",
            "vendor": "cisco-ios",
            "source": "10.20.0.1",
            "identifier": "sw-1",
            "address": "10.20.0.1",
            "port": "50101",
            "port_id": "Gi1/0/1",
            "port_type": "Ethernet",
        }


# -- wanted -----------------------------------------------------------------------------------


def test_a_wanted_change_says_from_what_to_what_by_which_rule_on_which_verdict(
    live: Session, quarantine: Standing, at: At
) -> None:
    event = session_events.change_wanted(
        session=live, wanted=quarantine, trigger="verdict", reasons=("compliance is noncompliant",), now=at(0)
    )
    assert why(event) == (
        "profile `corporate` is to become profile `quarantine`, by rule `fix your device` (compliance is noncompliant);"
        " verdict: compliance `noncompliant` (live, 3.0 s old: asked by id); trigger: verdict"
    )
    assert event.fields["change"] == {"trigger": "verdict", "reasons": ["compliance is noncompliant"]}
    wanted, standing = event.fields["wanted"], event.fields["standing"]
    assert isinstance(wanted, dict)
    assert isinstance(standing, dict)
    assert (standing["profile"], wanted["profile"]) == ("corporate", "quarantine")
    assert wanted["compliance"] == {
        "state": "noncompliant",
        "detail": "asked by id",
        "provider": "nac",
        "source": "live",
        "as_of": "2026-09-21T14:13:17.000Z",
        "age_s": 3.0,
        "grace_until": "",
    }


def test_a_denial_is_no_access_and_an_old_verdict_says_its_age(live: Session, quarantine: Standing, at: At) -> None:
    old = replace(
        quarantine.compliance,
        state=ComplianceState.UNAVAILABLE,
        source=ComplianceSource.NONE,
        detail="breaker open",
        as_of=at(-420).wall,
    )
    denied = replace(quarantine, effect=Effect.DENY, profile="", rule="default-deny", compliance=old)
    event = session_events.change_wanted(session=live, wanted=denied, trigger="round", reasons=("none",), now=at(0))
    assert why(event) == (
        "profile `corporate` is to become no access, by rule `default-deny` (none); verdict: compliance `unavailable`"
        " (none, 7 min old: breaker open); trigger: round"
    )


def test_where_nobody_was_asked_the_sentence_says_so(live: Session, quarantine: Standing, at: At) -> None:
    wanted = replace(quarantine, compliance=NOT_ASKED)
    event = session_events.change_wanted(session=live, wanted=wanted, trigger="override", reasons=("x",), now=at(0))
    assert "; verdict: compliance was not asked; trigger: override" in why(event)


def test_the_verdict_stands_there_without_the_facts_of_the_device(live: Session, quarantine: Standing, at: At) -> None:
    """They are in the record of the login; the corporate standing of the fixture has them."""
    event = session_events.change_wanted(session=live, wanted=quarantine, trigger="verdict", reasons=(), now=at(0))
    assert "alice@example.com" not in json.dumps(event.fields["standing"])


# -- held -------------------------------------------------------------------------------------


def test_what_is_held_says_why_and_until_when(live: Session, at: At) -> None:
    event = session_events.held(session=live, why="an admin has discarded it", until=at(60).wall, now=at(0))
    assert why(event) == (
        "the change from profile `corporate` to profile `quarantine` is held back, until 2026-09-21T14:14:20.000Z at"
        " the latest: an admin has discarded it"
    )
    assert event.fields["held"] == {"why": "an admin has discarded it", "until": "2026-09-21T14:14:20.000Z"}


def test_a_hold_without_a_known_end_names_none(live: Session, at: At) -> None:
    event = session_events.held(session=live, why="a phone may be on its port", until=0.0, now=at(0))
    assert "is held back: a phone may be on its port" in why(event)
    assert event.fields["held"] == {"why": "a phone may be on its port", "until": ""}


# -- asked ------------------------------------------------------------------------------------


def test_a_request_says_what_is_asked_where_and_for_what(live: Session, at: At) -> None:
    assert why(ask(live, at)) == (
        "CoA-Request `reauthenticate` to 10.20.0.1:1700 for the change from profile `corporate` to profile"
        " `quarantine` (rung 0)"
    )
    assert why(
        ask(live, at, verb=Verb.DISCONNECT, request="disconnect", host="2001:db8::1", port=3799, step=1, tries=2)
    ).startswith("Disconnect-Request `disconnect` to [2001:db8::1]:3799 for the change ")


def test_a_second_try_is_counted(live: Session, at: At) -> None:
    event = ask(live, at, step=1, tries=2)
    assert why(event).endswith("(rung 1, try 2)")
    assert event.fields["asked"] == {
        "verb": "reauthenticate",
        "request": "coa",
        "host": "10.20.0.1",
        "port": 1700,
        "step": 1,
        "tries": 2,
        "attributes": [{"name": "Calling-Station-Id", "value": "00-50-B6-AA-BB-CC"}],
    }


def test_a_verb_that_a_person_asks_for_needs_no_wanted_change(live: Session, at: At) -> None:
    event = ask(replace(live, wish=Settled()), at)
    assert why(event) == "CoA-Request `reauthenticate` to 10.20.0.1:1700 by hand (rung 0)"
    wanted = event.fields["wanted"]
    assert isinstance(wanted, dict)
    assert (wanted["effect"], wanted["profile"], wanted["at"]) == ("", "", "")


def test_what_is_pushed_is_shown_without_its_secrets(live: Session, sent: tuple[Attribute, ...], at: At) -> None:
    said = line(ask(live, at, verb=Verb.PUSH, shown=sent)).decode()
    assert "hunter2" not in said
    assert b"keying material".hex() not in said
    assert '"MS-MPPE-Send-Key","value":"***"' in said


def test_octets_of_a_nas_that_are_no_text_do_not_keep_the_record_from_being_written(live: Session, at: At) -> None:
    odd = replace(live, place=replace(live.place, port_id="Gi\udcff1", calling_station_id="\ud800"))
    outcome = Outcome(meaning=Meaning.ALARM, error_cause=2**40, detail="a\udfffb")
    for event in (
        ask(odd, at),
        session_events.answered(session=odd, verb=Verb.PUSH, outcome=outcome, now=at(0)),
        session_events.alarm(session=odd, text="x\ud800", now=at(0)),
    ):
        assert json.loads(line(event))["nas"]["port_id"] == "Gi\\udcff1"


# -- answered ---------------------------------------------------------------------------------


def test_an_acknowledgement_says_how_long_it_took(live: Session, at: At) -> None:
    assert answer(live, at, Meaning.ACKNOWLEDGED, took_s=0.0213) == "its NAS acknowledged `disconnect` after 0.021 s"
    assert answer(live, at, Meaning.ACKNOWLEDGED, took_s=2.4, tries=2, error_cause=201, detail="residual") == (
        "its NAS acknowledged `disconnect` after 2.4 s and 2 transmissions: `residual` (Error-Cause 201)"
    )


@pytest.mark.parametrize("meaning", [m for m in Meaning if m not in (Meaning.ACKNOWLEDGED, Meaning.UNANSWERED)])
def test_a_refusal_names_the_error_cause_its_number_and_what_it_means(live: Session, at: At, meaning: Meaning) -> None:
    said = answer(live, at, meaning, error_cause=504, detail="session context not removable", took_s=0.5)
    begins = "its NAS answered `disconnect` with `session context not removable` (Error-Cause 504) after 0.500 s: "
    assert said.startswith(begins)
    assert said != begins


def test_a_bare_refusal_has_no_number(live: Session, at: At) -> None:
    assert answer(live, at, Meaning.NEXT_VERB, detail="no Error-Cause", took_s=0.5) == (
        "its NAS answered `disconnect` with `no Error-Cause` after 0.500 s: it cannot do this"
    )


def test_no_answer_and_not_sent_are_told_apart(live: Session, at: At) -> None:
    silent = "no answer to 5 transmissions in 30 s"
    assert answer(live, at, Meaning.UNANSWERED, tries=5, detail=silent) == f"`disconnect` has no answer: {silent}"
    for meaning in (Meaning.UNANSWERED, Meaning.NEXT_VERB, Meaning.CONFIGURATION):
        assert answer(live, at, meaning, tries=0, detail="stopping") == "`disconnect` was not sent: stopping"


def test_the_numbers_of_an_answer_stand_there(live: Session, at: At) -> None:
    outcome = Outcome(meaning=Meaning.LATER, error_cause=506, detail="resources unavailable", tries=3, took_s=7.25)
    event = session_events.answered(session=live, verb=Verb.PUSH, outcome=outcome, now=at(0))
    assert event.fields["asked"] == {"verb": "push"}
    assert event.fields["answer"] == {
        "meaning": "later",
        "error_cause": 506,
        "detail": "resources unavailable",
        "tries": 3,
        "took_s": 7.25,
    }


# -- the end ----------------------------------------------------------------------------------


def test_converged_says_what_proves_it_and_how_long_it_took(live: Session, quarantine: Standing, at: At) -> None:
    after = replace(live, standing=quarantine, wish=Settled())
    event = session_events.converged(
        session=after, wanted=quarantine, how="it logged in again and got what is wanted", took_s=3.25, now=at(3)
    )
    assert why(event) == (
        "profile `quarantine` has come about, 3.2 s after it was wanted: it logged in again and got what is wanted"
    )
    assert event.fields["converged"] == {"how": "it logged in again and got what is wanted", "took_s": 3.25}


def test_a_change_that_ends_with_its_session_has_not_come_about(live: Session, quarantine: Standing, at: At) -> None:
    gone = replace(live, phase=Phase.ENDED, cause="its NAS has no such session", wish=Settled())
    event = session_events.converged(
        session=gone, wanted=quarantine, how="its session is over: its NAS has no such session", took_s=3.25, now=at(3)
    )
    assert why(event) == (
        "the change to profile `quarantine` has ended, 3.2 s after it was wanted: its session is over: its NAS has no"
        " such session"
    )


def test_what_is_wanted_no_more_is_not_said_to_have_come_about(live: Session, quarantine: Standing, at: At) -> None:
    event = session_events.withdrawn(
        session=replace(live, wish=Settled()), wanted=quarantine, cause="it is healed", after_s=3.25, now=at(3)
    )
    assert why(event) == (
        "the change from profile `corporate` to profile `quarantine` is not wanted any more, 3.2 s after it was: it is"
        " healed"
    )
    assert event.fields["withdrawn"] == {"cause": "it is healed", "after_s": 3.25}
    assert event.fields["wanted"]["profile"] == "quarantine"


def test_an_alarm_says_what_has_not_come_about(live: Session, at: At) -> None:
    event = session_events.alarm(session=live, text="everything was asked of this NAS", now=at(0))
    assert why(event) == (
        "the change from profile `corporate` to profile `quarantine` has not come about: everything was asked of this"
        " NAS"
    )
    by_hand = session_events.alarm(session=replace(live, wish=Settled()), text="no", now=at(0))
    assert why(by_hand) == "what was asked by hand has not come about: no"


def test_a_session_that_counts_no_more_is_named_even_when_nacd_did_not_let_it_in(foreign: Session, at: At) -> None:
    event = session_events.ended(session=foreign, cause="nothing was heard for 24 h", now=at(0))
    assert event.fields["why"] == (
        "endpoint 00-50-B6-AA-BB-CC at NAS `campus` (10.20.0.1): nacd counts its session no more: nothing was heard for"
        " 24 h"
    )
    identity, standing = event.fields["identity"], event.fields["standing"]
    assert isinstance(identity, dict)
    assert isinstance(standing, dict)
    assert identity["kind"] == "unidentified"
    assert (standing["effect"], standing["profile"]) == ("", "")


# -- guard and people -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("direction", "count", "said"),
    [
        ("down", 51, "51 changes of sessions that lose access"),
        ("up", 1, "1 change of sessions that gain access"),
        ("", 0, "0 changes of sessions"),
    ],
)
def test_the_guard_says_which_way_how_many_and_who(at: At, direction: str, count: int, said: str) -> None:
    released = session_events.guard_released(direction=direction, count=count, by="alice", now=at(0))
    assert released.fields["why"] == f"`alice` let go {said}"
    assert (released.fields["guard"], released.fields["by"]) == ({"direction": direction, "held": count}, "alice")
    discarded = session_events.guard_discarded(direction=direction, count=count, by="alice", now=at(0))
    assert discarded.fields["why"] == f"`alice` discarded {said}"


def test_a_hold_names_its_end_its_limit_and_the_way_out(at: At) -> None:
    event = session_events.guard_held(direction="down", held=51, limit=50, until=at(3600).wall, now=at(0))
    assert event.fields["why"] == (
        "51 changes of sessions that lose access: held until 2026-09-21T15:13:20.000Z, since 50 may happen at once: see"
        " `nacd coa status`, then `nacd coa release` or `nacd coa discard`"
    )
    assert event.fields["guard"] == {
        "direction": "down",
        "held": 51,
        "limit": 50,
        "until": "2026-09-21T15:13:20.000Z",
    }


def test_a_hold_that_ran_out_was_nobodys_order(at: At) -> None:
    event = session_events.guard_released(direction="up", count=3, by="", now=at(0))
    assert event.fields["why"] == "the hold ran out, which lets go 3 changes of sessions that gain access"
    assert event.fields["by"] == ""


def test_an_override_says_who_ordered_what_for_how_long_and_why(blocked: Override, at: At) -> None:
    event = session_events.override_put(override=blocked, now=at(0))
    assert event.fields["why"] == (
        "`alice (uid 1000)` orders `quarantine` for mac `00-50-B6-AA-BB-CC` of tenant `contoso` (override 12), profile"
        " `quarantine`, until 2026-09-21T15:13:20.000Z: ticket 7"
    )
    assert event.fields["by"] == "alice (uid 1000)"
    endless = replace(blocked, effect=OverrideEffect.BLOCK, profile="", tenant="", until=0.0)
    assert session_events.override_put(override=endless, now=at(0)).fields["why"] == (
        "`alice (uid 1000)` orders `block` for mac `00-50-B6-AA-BB-CC` (override 12), until it is lifted: ticket 7"
    )


def test_lifting_names_both_people(blocked: Override, at: At) -> None:
    event = session_events.override_lifted(override=blocked, now=at(0))
    assert event.fields["why"] == (
        "`bob (uid 1001)` lifts `quarantine` for mac `00-50-B6-AA-BB-CC` of tenant `contoso` (override 12), which"
        " `alice (uid 1000)` ordered: ticket 7"
    )
    assert event.fields["by"] == "bob (uid 1001)"


def test_an_order_says_who_what_about_what_and_what_came_of_it(at: At) -> None:
    event = session_events.order_given(order="coa bounce", by="alice", subject="4711", outcome="refused", now=at(0))
    assert event.fields["why"] == "`alice` ordered `coa bounce` for `4711`: refused"
    bare = session_events.order_given(order="coa release", by="alice", subject="", outcome="", now=at(0))
    assert bare.fields["why"] == "`alice` ordered `coa release`"


def test_a_pending_wish_is_what_a_record_takes_for_wanted(live: Session, corporate: Standing, at: At) -> None:
    back = replace(live, wish=Pending(wanted=corporate, since=at(0).wall))
    wanted = ask(back, at).fields["wanted"]
    assert isinstance(wanted, dict)
    assert (wanted["profile"], wanted["session_timeout_s"]) == ("corporate", 28_800)
