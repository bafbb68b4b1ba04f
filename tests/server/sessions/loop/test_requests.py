"""What a NAS is asked for one climb: on the disk first, then sent, then answered."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nacd.server.sessions.loop.climbing import Climbing, Where
from nacd.server.sessions.loop.requests import Requests, was_sent
from nacd.server.sessions.targets import Asked, Targets
from nacd.sessions import Meaning, Outcome, Verb, Wished
from tests.server.sessions.loop.stage import Stage, stage
from tests.server.sessions.wired import play

Told = list[tuple[int, object]]


def asking(folder: Path, story: Callable[[Stage, Requests, Told], Coroutine[Any, Any, None]]) -> None:
    """told: what came of each, by session; ``forgotten`` if there is none any more."""

    async def all_of_it() -> None:
        async with stage(folder) as on:
            told: Told = []
            house = on.house
            requests = Requests(
                book=house.book,
                sender=house.sender,
                telling=house.telling,
                answered=lambda each, outcome: told.append((each.session.id, outcome)),
                forgotten=lambda id: told.append((id, "forgotten")),
                clock=house.clock,
            )
            await story(on, requests, told)

    play(all_of_it)


async def ready(on: Stage) -> tuple[Climbing, Asked]:
    each = on.climb(await on.session())
    each.climb = replace(
        each.climb, pending=replace(each.pending, verb=Verb.REAUTHENTICATE, tries=1, asked_at=on.house.clock().wall)
    )
    targets = Targets(on.house.assembled)
    rung = targets.rungs(each.session, "corporate", "quarantine")[0]
    asked = targets.request(rung, each.shown, "quarantine", False)
    assert isinstance(asked, Asked)
    return each, asked


def test_it_is_on_the_disk_recorded_sent_and_answered_in_this_order(tmp_path: Path) -> None:
    async def story(on: Stage, requests: Requests, told: Told) -> None:
        each, asked = await ready(on)
        seen: list[object] = []
        on.switch.answers = lambda _: seen.extend([on.house.session(1).wish, *on.house.names()]) or "ack"
        requests.ask(each, asked, on.house.clock())
        assert each.where is Where.COMMITTING
        await on.until(lambda: told)
        assert seen == [each.pending, "session.asked"]
        assert on.house.names() == ["session.asked", "session.answered"]
        assert [outcome.meaning for _, outcome in told if isinstance(outcome, Outcome)] == [Meaning.ACKNOWLEDGED]
        assert each.flight is None

    asking(tmp_path, story)


def test_one_that_went_elsewhere_meanwhile_is_not_asked_about(tmp_path: Path) -> None:
    async def story(on: Stage, requests: Requests, told: Told) -> None:
        each, asked = await ready(on)
        requests.ask(each, asked, on.house.clock())
        each.where = Where.ENDING
        await on.later()
        assert (on.switch.heard, told, on.house.names()) == ([], [], [])

    asking(tmp_path, story)


def test_an_answer_to_one_that_has_left_is_not_recorded(tmp_path: Path) -> None:
    async def story(on: Stage, requests: Requests, told: Told) -> None:
        each, asked = await ready(on)
        on.switch.answers = lambda _: each.leave() or "ack"
        requests.ask(each, asked, on.house.clock())
        await on.until(lambda: on.switch.heard)
        await on.later()
        assert (told, on.house.names()) == ([], ["session.asked"])

    asking(tmp_path, story)


def test_words_that_cannot_be_sent_are_an_error_of_the_configuration_and_a_try(tmp_path: Path) -> None:
    async def story(on: Stage, requests: Requests, told: Told) -> None:
        each, asked = await ready(on)
        requests.ask(each, replace(asked, attributes=bytes(5000)), on.house.clock())
        await on.until(lambda: told)
        outcome = told[0][1]
        assert isinstance(outcome, Outcome)
        assert (outcome.meaning, was_sent(outcome)) == (Meaning.CONFIGURATION, True)
        assert on.house.names() == ["session.answered"], "nothing has left"
        assert on.switch.heard == []

    asking(tmp_path, story)


def test_while_the_disk_takes_nothing_nothing_is_sent_or_recorded(tmp_path: Path) -> None:
    async def story(on: Stage, requests: Requests, told: Told) -> None:
        each, asked = await ready(on)
        on.house.store.close()
        requests.ask(each, asked, on.house.clock())
        await on.until(lambda: told)
        outcome = told[0][1]
        assert isinstance(outcome, Outcome)
        assert not was_sent(outcome)
        assert (on.switch.heard, on.house.names()) == ([], [])

    asking(tmp_path, story)


def test_a_session_that_was_forgotten_is_not_asked_about(tmp_path: Path) -> None:
    async def story(on: Stage, requests: Requests, told: Told) -> None:
        each, asked = await ready(on)
        await on.house.account(1, "A1", "stop")
        on.house.store.prune(on.house.clock().wall + 1)
        assert (await on.house.book.write((Wished(id=1, wish=each.pending, at=0.0),)))[0].why
        requests.ask(each, asked, on.house.clock())
        await on.until(lambda: told)
        assert told == [(1, "forgotten")]
        assert on.switch.heard == []

    asking(tmp_path, story)


@pytest.mark.parametrize(
    ("meaning", "tries", "sent"),
    [
        (Meaning.UNANSWERED, 0, False),
        (Meaning.UNANSWERED, 3, True),
        (Meaning.ACKNOWLEDGED, 1, True),
        (Meaning.CONFIGURATION, 0, True),
    ],
)
def test_only_what_its_nas_never_heard_is_no_try(meaning: Meaning, tries: int, sent: bool) -> None:
    assert was_sent(Outcome(meaning=meaning, tries=tries)) is sent
