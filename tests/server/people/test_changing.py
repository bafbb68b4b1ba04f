"""A person wants a session changed, or decided again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from nacd.sessions import AccountingKind, Meaning, Verb
from nacd.values import ComplianceState
from tests.server.people.stage import Stage, within
from tests.store.live.stage import accounted, authorized, guid, mac, place

BY = "root (uid 0)"


@pytest.mark.parametrize("verb", [Verb.REAUTHENTICATE, Verb.DISCONNECT, Verb.BOUNCE])
def test_a_session_is_asked_for_by_its_number(tmp_path: Path, verb: Verb) -> None:
    async def story(stage: Stage) -> None:
        (id,) = await stage.write(authorized(1))
        (told,) = (await stage.answer(f"coa.{verb}", subject=str(id)))["asked"]
        assert told.items() >= {"session": id, "nas": "sw-1", "meaning": "acknowledged", "done": True}.items()
        assert stage.loop.told == [("by_hand", id, verb, BY)]

    within(tmp_path, story)


def test_a_device_is_all_its_sessions_each_with_its_own_progress(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        ids = await stage.write(
            *(authorized(1, where=place(1, nas=f"sw-{number}"), token=f"{number:032x}") for number in range(1, 6))
        )
        for subject in (guid(1), mac(1)):
            *progress, answer = await stage.give("coa.disconnect", subject=subject)
            assert [each["progress"]["number"] for each in progress] == [1, 2, 3, 4, 5]
            assert {each["progress"]["of"] for each in progress} == {5}
            assert [each["session"] for each in answer["answer"]["asked"]] == list(ids)

    within(tmp_path, story)


def test_what_a_nas_refuses_is_not_done_and_one_without_the_session_has_no_more_to_end(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.write(authorized(1))
        for meaning, verb, done in (
            (Meaning.NEXT_VERB, "disconnect", False),
            (Meaning.GONE, "disconnect", True),
            (Meaning.GONE, "reauthenticate", False),
            (Meaning.UNANSWERED, "bounce", False),
        ):
            stage.loop.meaning = meaning
            (told,) = (await stage.answer(f"coa.{verb}", subject="1"))["asked"]
            assert (told["meaning"], told["done"]) == (meaning.value, done)

    within(tmp_path, story)


def test_who_has_left_and_who_never_was_there_is_said(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.write(authorized(1))
        await stage.write(accounted(1, AccountingKind.STOP))
        kind, words = await stage.refusal("coa.disconnect", subject="1")
        assert (kind, words.startswith("session 1 has ended")) == ("not_done", True)
        assert (await stage.refusal("coa.disconnect", subject=mac(9)))[0] == "not_done"
        assert (await stage.refusal("coa.disconnect", subject="laptop"))[0] == "usage"
        assert stage.loop.told == []

    within(tmp_path, story)


def test_sixteen_sessions_are_asked_at_once_and_no_more(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.write(
            *(authorized(1, where=place(1, nas=f"sw-{number}"), token=f"{number:032x}") for number in range(1, 31))
        )
        stage.loop.gate = asyncio.Event()
        asked = asyncio.create_task(stage.answer("coa.disconnect", subject=mac(1)))
        for _ in range(400):
            if len(stage.loop.told) == 16:
                break
            await asyncio.sleep(0.005)
        await asyncio.sleep(0)
        assert len(stage.loop.told) == 16
        stage.loop.gate.set()
        assert len((await asked)["asked"]) == 30

    within(tmp_path, story)


def test_what_is_held_is_let_go_or_discarded_one_way_or_both(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        assert await stage.answer("coa.release", direction="down") == {"released": 7}
        assert await stage.answer("coa.release") == {"released": 7}
        assert await stage.answer("coa.discard", direction="up") == {"discarded": 3}
        assert stage.loop.told == [("release", "down", BY), ("release", "", BY), ("discard", "up", BY)]
        assert (await stage.refusal("coa.release", direction="sideways")) == (
            "usage",
            "`sideways` is neither `down` nor `up`",
        )

    within(tmp_path, story)


def test_the_state_of_things_has_sessions_by_phase_and_the_time_a_hold_has_left(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.write(authorized(1))
        found = await stage.answer("coa.status")
        assert found["sessions"]["authorized"] == 1
        assert found["guards"]["down"] == {
            "passed": 50,
            "limit": 50,
            "held": 7,
            "for_intune": 0,
            "holding_left_s": 2400.0,
        }
        assert found["guards"]["up"]["holding_left_s"] == 0.0
        assert found["lanes"][0]["nas"] == "sw-1"

    within(tmp_path, story)


def test_a_device_is_asked_about_before_its_sessions_are_decided_again(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.write(authorized(1), authorized(1, where=place(1, nas="sw-2"), token="a" * 32), authorized(2))
        *progress, answer = await stage.give("reassess", subject=guid(1))
        assert stage.intune.asked == [f"guid:{guid(1)}"]  # once for both sessions
        assert stage.loop.told == [("reassess", [1, 2], "admin")]
        assert [each["progress"] for each in progress] == [
            {"asking": f"guid:{guid(1)}", "tenant": "campus"},
            {"deciding": 2},
        ]
        assert answer["answer"]["known"][0].items() >= {"state": "noncompliant", "detail": "as told"}.items()
        assert answer["answer"]["sessions"] == [
            {"session": 1, "words": "nothing changes"},
            {"session": 2, "words": "nothing changes"},
        ]

    within(tmp_path, story)


def test_sessions_are_decided_again_though_intune_does_not_answer_and_that_is_recorded(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        stage.intune.state = ComplianceState.UNAVAILABLE
        await stage.write(authorized(1))
        answer = await stage.answer("reassess", subject=mac(1))
        assert answer["known"][0]["state"] == "unavailable"
        assert len(answer["sessions"]) == 1
        told: Any = stage.events[0].fields["order"]
        assert told["outcome"] == "1 sessions decided again, 1 devices without an answer"

    within(tmp_path, story)


def test_a_session_that_was_never_ours_is_decided_without_asking_anybody(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        (id,) = await stage.write(accounted(1, AccountingKind.START, acct_session_id="A1"))
        answer = await stage.answer("reassess", subject=str(id))
        assert (answer["known"], stage.intune.asked) == ([], [])

    within(tmp_path, story)
