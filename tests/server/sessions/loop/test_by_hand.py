"""A person has a NAS asked something."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nacd.radius.dynauth.schedule import Timing
from nacd.sessions import (
    Accounted,
    AccountingKind,
    Gone,
    Meaning,
    Outcome,
    Pending,
    Phase,
    Session,
    Settled,
    Verb,
    Wished,
)
from tests.server.sessions.wired import Wired, play, wired

CLOSED = (
    "sessions: {windows: {down: [{days: [mon], from: '01:00', to: '01:01'}], up: [{days: [mon], from: '01:00',"
    " to: '01:01'}]}, guard: {down: {max_flips: 1}}}\n"
)


def by_hand(folder: Path, story: Callable[[Wired], Coroutine[Any, Any, None]], **how: Any) -> None:
    """A story of a loop that takes no turns: nobody ticks."""

    async def all_of_it() -> None:
        async with wired(folder, "sw", **how) as house:
            await story(house)

    play(all_of_it)


async def let_in(house: Wired, device: int = 1, **how: Any) -> Session:
    house.knows(device, "compliant")
    session = (await house.login(device, f"A{device}", **how)).session
    assert isinstance(session, Session)
    return session


async def asked(house: Wired, session: Session, verb: Verb) -> Outcome:
    return await house.loop.by_hand(session, verb, "anna")


@pytest.mark.parametrize(("verb", "code"), [(Verb.REAUTHENTICATE, 43), (Verb.DISCONNECT, 40)])
def test_a_nas_is_asked_and_what_it_said_is_told_and_recorded(tmp_path: Path, verb: Verb, code: int) -> None:
    async def story(house: Wired) -> None:
        session = await let_in(house)
        outcome = await asked(house, session, verb)
        assert (outcome.meaning, outcome.tries) == (Meaning.ACKNOWLEDGED, 1)
        assert [(each.code, each.number) for each in house.switches["sw"].heard] == [(code, "A1")]
        question, answer = house.records()
        assert (question["event"], answer["event"]) == ("session.asked", "session.answered")
        assert question["asked"]["verb"] == answer["asked"]["verb"] == verb.value
        assert question["nacd_session"] == answer["nacd_session"] == session.id
        assert answer["answer"]["meaning"] == "acknowledged"
        assert house.session(session.id) == session

    by_hand(tmp_path, story, timing=Timing(irt_s=20.0))  # nothing is asked twice, however late the answer is seen


def test_no_window_and_no_guard_holds_it_and_what_is_wanted_besides_stays_wanted(tmp_path: Path) -> None:
    async def story(house: Wired) -> None:
        sessions = [await let_in(house, device) for device in (1, 2, 3)]
        for device in (1, 2, 3):
            house.knows(device, "noncompliant")
        await house.loop.reassess(sessions, "test")
        assert house.switches["sw"].heard == []
        for each in sessions:
            assert (await asked(house, each, Verb.REAUTHENTICATE)).meaning is Meaning.ACKNOWLEDGED
        assert len(house.switches["sw"].heard) == 3
        for each in sessions:
            wish = house.session(each.id).wish
            assert isinstance(wish, Pending)
            assert wish.held

    by_hand(tmp_path, story, more=CLOSED)


def test_a_session_that_the_nas_does_not_know_has_ended_by_its_word(tmp_path: Path) -> None:
    async def story(house: Wired) -> None:
        house.switches["sw"].answers = lambda _: 503
        session = await let_in(house)
        assert (await asked(house, session, Verb.DISCONNECT)).meaning is Meaning.GONE
        now = house.session(session.id)
        assert now.phase is Phase.ENDED
        assert now.cause.startswith("its NAS has no such session")
        assert len(house.records("session.ended")) == 1

    by_hand(tmp_path, story)


def test_one_that_was_never_accounted_for_and_ought_to_change_is_not_over_by_that_word(tmp_path: Path) -> None:
    async def story(house: Wired) -> None:
        house.switches["sw"].answers = lambda _: 503
        session = await let_in(house)
        wish = Pending(wanted=house.standing(house.grounds(1)), since=house.clock().wall + 1)
        await house.book.write((Wished(id=session.id, wish=wish, at=0.0),))
        assert (await asked(house, session, Verb.DISCONNECT)).meaning is Meaning.GONE
        assert house.session(session.id).wish == wish
        await house.account(1, "A1", "start")
        assert (await asked(house, session, Verb.DISCONNECT)).meaning is Meaning.GONE
        assert house.session(session.id).phase is Phase.ENDED

    by_hand(tmp_path, story)


def test_a_session_that_spoke_after_it_was_asked_about_is_not_ended_by_that_word(tmp_path: Path) -> None:
    async def story(house: Wired) -> None:
        switch = house.switches["sw"]
        session = await let_in(house)
        switch.answers = lambda _: "silent"
        waiting = asyncio.get_running_loop().create_task(asked(house, session, Verb.DISCONNECT))
        await house.until(lambda: switch.heard)
        await house.account(1, "A1", "interim")
        switch.answers = lambda _: 503  # its repetition is answered
        assert (await waiting).meaning is Meaning.GONE
        assert house.session(session.id).phase is Phase.LIVE
        assert house.records("session.ended") == []

    by_hand(tmp_path, story, timing=Timing(irt_s=0.3, mrt_s=0.5, mrc=5, mrd_s=5.0))


def test_a_nas_that_says_nothing_has_been_asked(tmp_path: Path) -> None:
    async def story(house: Wired) -> None:
        house.switches["sw"].answers = lambda _: "silent"
        session = await let_in(house)
        outcome = await asked(house, session, Verb.DISCONNECT)
        assert outcome.meaning is Meaning.UNANSWERED
        assert outcome.tries >= 1
        assert house.session(session.id).phase is Phase.AUTHORIZED
        assert [each["answer"]["meaning"] for each in house.records("session.answered")] == ["unanswered"]

    by_hand(tmp_path, story)


def test_where_several_fit_it_is_asked_again_with_more_names(tmp_path: Path) -> None:
    async def story(house: Wired) -> None:
        switch = house.switches["sw"]
        switch.answers = lambda _: 508 if len(switch.heard) == 1 else "ack"
        session = await let_in(house)
        place = replace(house.place(1), framed_address="192.0.2.7", port_id="Gi1/0/1")
        now = house.clock().wall
        start = Accounted(
            kind=AccountingKind.START,
            place=place,
            names=replace(session.names, acct_multi_session_id="M1", user_name="host/pc1", audit_session_id="0A01"),
            at=now,
            happened_at=now,
            record="start",
        )
        await house.book.write([start])
        assert (await asked(house, session, Verb.REAUTHENTICATE)).meaning is Meaning.ACKNOWLEDGED
        first, second = switch.heard
        assert len(second.octets) > len(first.octets)
        assert len(house.records("session.asked")) == 2

    by_hand(tmp_path, story)


def test_where_several_fit_and_nothing_names_it_better_it_was_asked_all_the_same(tmp_path: Path) -> None:
    async def story(house: Wired) -> None:
        house.switches["sw"].answers = lambda _: 508
        session = await let_in(house)
        outcome = await asked(house, session, Verb.REAUTHENTICATE)
        assert (outcome.meaning, outcome.tries, outcome.error_cause) == (Meaning.NARROW, 1, 508)
        assert outcome.detail.endswith("; there is nothing that names it more narrowly")

    by_hand(tmp_path, story)


def test_a_nas_that_cannot_be_asked_is_not_and_no_record_says_so(tmp_path: Path) -> None:
    async def story(house: Wired) -> None:
        session = await let_in(house)
        outcome = await asked(house, session, Verb.DISCONNECT)
        assert (outcome.tries, outcome.detail) == (0, "`dynauth` is not configured for NAS `sw`")
        assert house.records() == []

    by_hand(tmp_path, story, mute=("sw",))


def test_a_port_goes_down_for_one_session_and_not_under_others(tmp_path: Path) -> None:
    async def story(house: Wired) -> None:
        alone = await let_in(house, 1)
        assert (await asked(house, alone, Verb.BOUNCE)).meaning is Meaning.ACKNOWLEDGED
        assert [each.bounces for each in house.switches["sw"].heard] == [True]
        first, _second = await let_in(house, 2, port="7"), await let_in(house, 3, port="7")
        outcome = await asked(house, first, Verb.BOUNCE)
        assert (outcome.tries, outcome.detail) == (0, "others are on its port")
        assert len(house.switches["sw"].heard) == 1

    by_hand(tmp_path, story)


def test_a_port_does_not_go_down_under_a_phone_call(tmp_path: Path) -> None:
    async def story(house: Wired) -> None:
        phone = await let_in(house, 1, voice=True)
        outcome = await asked(house, phone, Verb.BOUNCE)
        assert outcome.tries == 0
        assert outcome.detail
        assert house.switches["sw"].heard == []

    by_hand(tmp_path, story)


def test_one_that_has_ended_since_it_was_read_is_not_asked_about(tmp_path: Path) -> None:
    async def story(house: Wired) -> None:
        read = await let_in(house)
        ended = Gone(id=read.id, phase=Phase.ENDED, at=house.clock().wall + 1, cause="its NAS said Stop")
        await house.book.write([ended])
        outcome = await asked(house, read, Verb.DISCONNECT)
        assert (outcome.tries, outcome.detail) == (0, "it has ended: its NAS said Stop")
        assert house.switches["sw"].heard == []

    by_hand(tmp_path, story)


def test_whoever_hangs_up_leaves_no_record_of_a_question_without_an_answer(tmp_path: Path) -> None:
    async def story(house: Wired) -> None:
        switch = house.switches["sw"]
        switch.answers = lambda _: "silent"
        session = await let_in(house)
        waiting = asyncio.get_running_loop().create_task(asked(house, session, Verb.DISCONNECT))
        await house.until(lambda: switch.heard)
        waiting.cancel()
        await asyncio.wait({waiting})
        assert waiting.cancelled()
        switch.answers = lambda _: 503
        await house.until(lambda: house.records("session.ended"))
        assert house.names() == ["session.asked", "session.answered", "session.ended"]
        assert house.session(session.id).wish == Settled()

    by_hand(tmp_path, story, timing=Timing(irt_s=0.3, mrt_s=0.5, mrc=5, mrd_s=5.0))
