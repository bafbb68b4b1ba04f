"""A clock that lies deletes no trail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nacd.store.full_files.ageing import HOLD_S, JUMP_S, Ageing
from nacd.store.full_files.folder import Folder
from nacd.store.full_files.retention import Keep
from tests.keeper.trails import BEGUN, Trail

DAY = 86_400.0
NEWEST = 1_795_375_260.0
"""The time that the records of the live file tell: a year after the full ones began."""
OLD = Keep(age_s=30 * DAY)


def due(ageing: Ageing, folder: Folder, keep: Keep, wall: float, monotonic: float = 0.0) -> int:
    return len(ageing.due(folder, folder.look(), keep, wall, monotonic))


def test_what_is_old_by_all_witnesses_goes(trail: Trail, folder: Folder) -> None:
    for _ in range(4):
        trail.full()
    trail.living()
    assert due(Ageing(NEWEST, 0.0), folder, OLD, NEWEST) == 3


def test_a_clock_that_was_ahead_from_the_start_makes_nothing_older_than_the_newest_record(
    trail: Trail, folder: Folder
) -> None:
    for _ in range(4):
        trail.full()
    trail.living()
    ahead = NEWEST + 500 * DAY
    assert due(Ageing(ahead, 0.0), folder, Keep(age_s=400 * DAY), ahead) == 0


def test_without_a_record_in_the_live_file_the_newest_full_one_tells_the_time(trail: Trail, folder: Folder) -> None:
    for _ in range(4):
        trail.full()
    assert due(Ageing(NEWEST, 0.0), folder, OLD, NEWEST) == 0
    assert due(Ageing(NEWEST, 0.0), folder, Keep(age_s=2.5 * 3_600), NEWEST) == 1


def test_a_clock_that_jumps_ahead_deletes_nothing_for_its_age_for_days(trail: Trail, folder: Folder) -> None:
    for _ in range(4):
        trail.full()
    trail.living()
    ageing = Ageing(BEGUN + DAY, 100.0)
    assert ageing.look(BEGUN + DAY + 60.0, 160.0) == ""
    assert due(ageing, folder, OLD, NEWEST, 200.0) == 0
    assert "the clock jumped ahead by" in ageing.look(NEWEST, 200.0)
    assert due(ageing, folder, OLD, NEWEST + HOLD_S - 1.0, 200.0 + HOLD_S - 1.0) == 0
    assert due(ageing, folder, OLD, NEWEST + HOLD_S, 200.0 + HOLD_S) == 3
    assert ageing.look(NEWEST + HOLD_S, 200.0 + HOLD_S) == ""


def test_size_goes_by_no_clock(trail: Trail, folder: Folder) -> None:
    for _ in range(4):
        trail.full()
    ageing = Ageing(BEGUN, 0.0)
    assert due(ageing, folder, Keep(age_s=1.0, octets=1, octets_words="x"), NEWEST) == 3


def test_small_steps_add_up_and_a_clock_that_was_set_back_may_not_come_again_unseen() -> None:
    ageing = Ageing(0.0, 0.0)
    assert ageing.look(0.6 * JUMP_S, 0.0) == ""
    assert ageing.look(1.2 * JUMP_S, 0.0)
    back = Ageing(10 * DAY, 0.0)
    assert back.look(0.0, 0.0) == ""
    assert back.look(10 * DAY, 0.0)


def test_a_keeper_says_that_the_clock_jumped(bench: Callable[..., Any], trail: Trail) -> None:
    for _ in range(4):
        trail.full()
    trail.living()
    wall = [BEGUN + DAY]
    one = bench(keep=OLD, wall=lambda: wall[0], compress=False)
    one.work.round()
    wall[0] = NEWEST
    assert [one.work.round(), one.work.round()] == [False, False]
    assert one.told.asked == []
    assert [text for text in one.told.warned if "the clock jumped ahead" in text]
    assert "the clock jumped ahead" in one.work.status.problem
