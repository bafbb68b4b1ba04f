"""Every session is looked at again and again, slowly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nacd.server.sessions import rounds
from nacd.server.sessions.rounds import BETWEEN_S
from nacd.sessions import Gone, Pending, Phase, Session, Settled, Wished
from nacd.values import Instant
from tests.server.sessions.wired import Wired, play, wired

LOOSE = "sessions: {guard: {down: {max_flips: 1000, max_flip_percent: 100}}}\n"


class Round:
    """The rounds of a loop that takes no turns, since nobody ticks, with a time that goes on only here.

    A session that was looked at is known by its new wish: everybody is wanted elsewhere.
    """

    def __init__(self, house: Wired) -> None:
        self.house = house
        self.rounds = house.loop._rounds
        self.now = Instant(wall=house.clock().wall, monotonic=1_000_000.0)

    async def sessions(self, count: int) -> list[int]:
        ids = []
        for device in range(1, count + 1):
            self.house.knows(device, "compliant")
        for applied in await asyncio.gather(*(self.house.login(each, f"A{each}") for each in range(1, count + 1))):
            assert isinstance(applied.session, Session)
            ids.append(applied.session.id)
        for device in range(1, count + 1):
            self.house.knows(device, "noncompliant")
        return ids

    async def turn(self, after_s: float = 0.0) -> list[int]:
        """One turn after this time; sessions that were looked at so far."""
        self.now = replace(self.now, monotonic=self.now.monotonic + after_s)
        await self.rounds.turn(self.now)
        return self.looked_at()

    def looked_at(self) -> list[int]:
        found = self.house.store.by_nas("sw")
        return sorted(each.id for each in found if isinstance(each.wish, Pending))


def story_of(folder: Path, story: Callable[[Round], Coroutine[Any, Any, None]]) -> None:
    async def all_of_it() -> None:
        async with wired(folder, "sw", mute=("sw",), more=LOOSE) as house:
            house.gate.live_sessions = 1_000
            await story(Round(house))

    play(all_of_it)


def test_a_pass_goes_no_faster_than_it_may_and_looks_at_every_session_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "PER_S", 50)

    async def story(way: Round) -> None:
        ids = await way.sessions(120)
        assert await way.turn() == ids[:50]
        assert await way.turn() == ids[:50]
        assert await way.turn(0.25) == ids[:62]
        assert await way.turn(0.01) == ids[:62]
        assert await way.turn(3.0) == ids[:112]  # what was missed is not made up for
        assert await way.turn(1.0) == ids
        assert await way.turn(1.0) == ids  # the end is seen
        assert way.rounds.passes == 1
        assert len(way.house.records("session.change_wanted")) == len(ids)

    story_of(tmp_path, story)


def test_one_pass_in_a_minute_unless_one_is_wanted_at_once(tmp_path: Path) -> None:
    async def story(way: Round) -> None:
        await way.sessions(3)
        for after_s in (0.0, 1.0, BETWEEN_S - 1.1):
            await way.turn(after_s)
            assert way.rounds.passes == 1
        await way.turn(0.1)
        assert way.rounds.passes == 2
        await way.turn(1.0)
        await way.turn(1.0)
        way.rounds.begin_now()
        await way.turn()
        assert way.rounds.passes == 3

    story_of(tmp_path, story)


def test_a_pass_that_is_wanted_during_another_comes_right_after_it(tmp_path: Path) -> None:
    async def story(way: Round) -> None:
        ids = await way.sessions(20)
        await way.turn()
        assert way.looked_at() == ids
        way.rounds.begin_now()
        for device in range(1, 21):
            way.house.knows(device, "compliant")
        await way.turn(1.0)  # the end of the first
        assert (way.rounds.passes, way.looked_at()) == (1, ids)
        await way.turn(1.0)
        assert (way.rounds.passes, way.looked_at()) == (2, [])

    story_of(tmp_path, story)


def test_those_that_have_aged_are_looked_at_a_tenth_as_often_and_ended_ones_never(tmp_path: Path) -> None:
    async def story(way: Round) -> None:
        ids = await way.sessions(4)
        now = way.house.clock().wall + 1
        await way.house.book.write(
            [
                Gone(id=ids[0], phase=Phase.ENDED, at=now, cause="a test"),
                Gone(id=ids[1], phase=Phase.AGED, at=now, cause="a test"),
            ]
        )
        assert await way.turn() == ids[2:]
        assert isinstance(way.house.session(ids[1]).wish, Pending)
        assert way.house.session(ids[0]).wish == Settled()
        way.house.knows(2, "compliant")
        for _ in range(9):
            await way.turn(BETWEEN_S)
            await way.turn(1.0)
        assert isinstance(way.house.session(ids[1]).wish, Pending)
        await way.turn(BETWEEN_S)
        assert way.house.session(ids[1]).wish == Settled()

    story_of(tmp_path, story)


def test_who_has_been_silent_for_too_long_ages_and_is_not_decided(tmp_path: Path) -> None:
    async def story(way: Round) -> None:
        ids = await way.sessions(2)
        way.house.clock.ahead_s += 25 * 3600
        assert await way.turn() == []
        await way.house.book.write([Wished(id=1_000_000, wish=Settled(), at=0.0)])  # after all that was written before
        assert [way.house.session(id).phase for id in ids] == [Phase.AGED] * 2

    story_of(tmp_path, story)


def test_what_found_no_room_in_a_queue_is_found_by_a_round_that_begins_at_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path, "sw", mute=("sw",), more=LOOSE) as house:
            way = Round(house)
            await house.until(lambda: way.rounds.passes == 1)
            await house.quiet(0.1)
            ids = await way.sessions(3)
            queue = house.loop._queue
            for number in range(50_001):
                queue.put_device(("nobody", f"{number}"), house.memory.known["main", next(iter(house.memory.known))[1]])
            house.verdict(1, "noncompliant")
            await house.until(lambda: way.looked_at() == ids, within_s=30)
            assert way.rounds.passes == 2

    play(story)
