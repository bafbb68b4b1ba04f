"""What the gate says of climbs, put into force some at a time."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from nacd.server.sessions.loop.climbing import Climbing
from nacd.server.sessions.loop.rulings import Rulings
from nacd.server.sessions.targets import Targets
from tests.server.sessions.loop.stage import Stage, stage
from tests.server.sessions.wired import play

TIGHT = "sessions: {guard: {down: {max_flips: 2}}}\n"


def ruled(folder: Path, story: Callable[[Stage, Rulings, list[Climbing]], Coroutine[Any, Any, None]]) -> None:
    async def all_of_it() -> None:
        async with stage(folder, more=TIGHT) as on:
            batch = [on.climb(await on.session(device)) for device in range(1, 6)]
            await story(on, Rulings(on.house.gate, Targets(on.house.assembled)), batch)

    play(all_of_it)


def held(batch: list[Climbing]) -> list[bool]:
    return [bool(each.pending.held) for each in batch]


def test_a_batch_is_judged_as_one_and_obeyed_in_pieces(tmp_path: Path) -> None:
    async def story(on: Stage, rulings: Rulings, batch: list[Climbing]) -> None:
        now = on.house.clock()
        rulings.ask(batch, now)
        assert (len(rulings), held(batch)) == (5, [False] * 5)
        assert [(each, before) for each, before in rulings.take(2, now)] == [(each, "") for each in batch[:2]]
        assert (len(rulings), held(batch)) == (3, [True, True, False, False, False])
        assert len(rulings.take(10, now)) == 3
        assert (len(rulings), held(batch)) == (0, [True] * 5)

    ruled(tmp_path, story)


def test_a_newer_ruling_takes_the_place_of_one_that_is_not_in_force(tmp_path: Path) -> None:
    async def story(on: Stage, rulings: Rulings, batch: list[Climbing]) -> None:
        now = on.house.clock()
        rulings.judge(batch, now)
        assert held(batch) == [True] * 5
        on.house.gate.release("down", "anna", now)
        rulings.ask(batch, now)
        on.house.gate.discard("down", "anna", now)
        rulings.ask(batch[:2], now)
        assert len(rulings) == 5
        rulings.take(10, now)
        assert not any(held(batch[2:]))

    ruled(tmp_path, story)


def test_one_of_which_nothing_is_wanted_any_more_is_not_touched(tmp_path: Path) -> None:
    async def story(on: Stage, rulings: Rulings, batch: list[Climbing]) -> None:
        now = on.house.clock()
        rulings.ask(batch, now)
        rulings.drop(batch[0].session.id)
        rulings.drop(batch[0].session.id)
        rulings.take(10, now)
        assert held(batch) == [False, True, True, True, True]

    ruled(tmp_path, story)
