"""A great many climbs that something holds, and what comes of them once that has changed."""

from __future__ import annotations

from pathlib import Path

from nacd.server.sessions.loop.climbing import Climbing, Where
from nacd.session.ladder import State
from nacd.sessions import Pending
from tests.server.sessions.loop.stage import Stage, stage
from tests.server.sessions.wired import play

TIGHT = "sessions: {guard: {down: {max_flips: 1}}}\n"


async def all_held(on: Stage, count: int, profile: str = "quarantine") -> list[Climbing]:
    batch = [on.climb(await on.session(device), profile) for device in range(1, count + 1)]
    now = on.house.clock()
    on.climbs.judge(batch, now)
    for each in batch:
        assert on.climbs.expect(each, now)
    await on.house.book.write([on.change(each) for each in batch])
    for each in batch:
        on.climbs.begin(each)
    assert len(on.climbs.held()) == count
    return batch


def test_a_great_many_go_on_in_slices_without_another_tick(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path, more=TIGHT) as on:
            batch = await all_held(on, 250)
            now = on.house.clock()
            on.house.gate.release("down", "anna", now)
            on.climbs.ask_gate(on.climbs.held(), now)
            assert len(on.climbs.held()) == 150, "the loop looks at others before it goes on"
            assert sum(each.where is Where.COMMITTING for each in batch) == 100
            await on.written()
            await on.written()
            assert all(each.where is not Where.WAITING or each.climb.state is not State.READY for each in batch)

    play(story)


def test_what_an_admin_discards_is_written_in_slices_and_all_of_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path, more=TIGHT) as on:
            batch = await all_held(on, 250)
            now = on.house.clock()
            before = batch[0].pending.held
            on.house.gate.discard("down", "anna", now)
            on.climbs.ask_gate(on.climbs.held(), now)
            assert sum(each.pending.held != before for each in batch) == 100
            await on.written()
            await on.written()
            assert {_wish(on, each).held for each in batch} == {"an admin has discarded it"}
            assert len(on.house.records("session.held")) == 250

    play(story)


def test_one_that_ends_while_its_ruling_waits_is_not_asked_about(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path, more=TIGHT) as on:
            batch = await all_held(on, 102, "")
            now = on.house.clock()
            on.house.gate.release("down", "anna", now)
            on.climbs.ask_gate(on.climbs.held(), now)
            on.climbs.drop(batch[-1].session.id)
            on.refused(batch[-2].session)
            await on.later()
            assert {batch[-1].session.id, batch[-2].session.id}.isdisjoint(
                {each["nacd_session"] for each in on.house.records("session.asked")}
            )

    play(story)


def _wish(on: Stage, each: Climbing) -> Pending:
    found = on.house.session(each.session.id).wish
    assert isinstance(found, Pending)
    return found
