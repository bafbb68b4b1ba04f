"""Whether a change may be asked for now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf
from pathlib import Path
from typing import Any

import pytest

from nacd.server.sessions.loop.gate import Gate, Keeping, Wanted
from nacd.session.guard import GO, TOO_MANY, Go, Guard, Guards, Hold, Memory, Ruling
from nacd.session.windows import Window, Windows
from nacd.values import Instant
from tests.server.sessions.loop.desk import Desk, desk

DAY, HOUR = 86_400.0, 3_600.0
MONDAY = 4 * DAY
"""1970-01-05, 00:00, where minutes of the week begin."""


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path) as made:
        yield made


def guard(max_flips: int) -> Guard:
    return Guard(max_flips, 100.0, 300.0, HOUR, 1.0)


def gate(
    told: Desk,
    max_flips: int = 3,
    down: Windows | None = None,
    troubled: str = "nobody",
    keeping: Keeping | None = None,
) -> Gate:
    made = Gate(
        guards=Guards(down=guard(max_flips), up=guard(max_flips)),
        down=down or Windows(),
        up=Windows(),
        local_minutes=lambda wall: int((wall - MONDAY) // 60) % (7 * 24 * 60),
        trouble=lambda tenant: tenant == troubled,
        telling=told.telling,
        keeping=keeping,
    )
    made.live_sessions = 1000
    return made


def at(seconds: float) -> Instant:
    """Since Monday, 00:00."""
    return Instant(wall=MONDAY + seconds, monotonic=1000.0 + seconds)


def wanted(first: int, last: int = 0, **more: Any) -> list[Wanted]:
    return [Wanted(id=id, **{"down": True, **more}) for id in range(first, (last or first) + 1)]


def why(ruling: Ruling) -> str:
    return ruling.why if isinstance(ruling, Hold) else ""


def test_what_a_nas_cannot_be_told_waits_without_an_end_also_when_an_admin_wants_it(told: Desk) -> None:
    rulings = gate(told).ask(wanted(1, cannot="it has no words", ordered=True), at(0))
    assert rulings == [Hold(why="it has no words", until=inf)]


def test_orders_pass_the_window_and_the_guard(told: Desk) -> None:
    closed = Windows(windows=(Window(days=frozenset({6}), begins=0, ends=60),))
    door = gate(told, max_flips=1, down=closed)
    assert door.ask(wanted(1, 50, ordered=True), at(0)) == [GO] * 50


def test_a_closed_window_holds_until_it_opens_and_counts_for_no_guard(told: Desk) -> None:
    nightly = Windows(windows=(Window(days=frozenset({0}), begins=60, ends=120),))
    door = gate(told, max_flips=1, down=nightly)
    rulings = door.ask(wanted(1, 5), at(90))
    assert {why(each) for each in rulings} == {"its maintenance window is closed"}
    assert {each.until for each in rulings if isinstance(each, Hold)} == {at(HOUR).monotonic}
    assert door.counts(at(90))["down"].held == 0
    assert door.ask(wanted(1), at(HOUR)) == [GO]
    assert door.ask(wanted(9, down=False), at(90)) == [GO], "the other direction has its own windows"


def test_a_batch_is_judged_together_however_its_parts_are_mixed(told: Desk) -> None:
    door = gate(told)
    batch = wanted(1, 2) + wanted(3, down=False) + wanted(4, cannot="it has no words") + wanted(5, 6)
    rulings = door.ask(batch, at(0))
    assert ["guard" in why(each) for each in rulings] == [True, True, False, False, True, True]
    assert rulings[2] == GO
    assert why(rulings[3]) == "it has no words"


def test_what_rests_on_old_knowledge_waits_while_its_tenants_intune_is_away(told: Desk) -> None:
    door = gate(told, troubled="away")
    rulings = door.ask(
        wanted(1, tenant="away", old=True)
        + wanted(2, tenant="away", confirmed=True)
        + wanted(3, tenant="here", old=True)
        + wanted(4, tenant="away"),
        at(0),
    )
    assert [isinstance(each, Go) for each in rulings] == [False, True, True, True]
    assert "Intune cannot be reached" in why(rulings[0])
    count = door.counts(at(0))["down"]
    assert (count.held, count.for_intune) == (1, 1)
    assert door.release("down", "anna", at(1)) == 1
    assert door.ask(wanted(1, tenant="away", old=True), at(2)) == [GO]
    assert told.names() == ["guard.released"]


def test_a_hold_is_told_of_when_it_begins_and_when_it_has_run_out_and_once_each(told: Desk) -> None:
    door = gate(told)
    for id in (1, 11):
        door.ask(wanted(id, id + 4), at(0))
    assert told.names() == ["guard.held"]
    assert told.records()[0]["guard"]["held"] == 5
    assert door.ask(wanted(1, 5), at(HOUR)) == [GO] * 5
    door.ask([], at(HOUR + 1))
    assert told.names() == ["guard.held", "guard.released"]


def test_what_is_released_goes_when_it_is_asked_about_next_and_only_that_way(told: Desk) -> None:
    door = gate(told)
    door.ask(wanted(1, 5), at(0))
    door.ask(wanted(11, 15, down=False), at(0))
    assert door.release("down", "anna", at(1)) == 5
    assert door.ask(wanted(1, 5), at(2)) == [GO] * 5
    assert all(map(why, door.ask(wanted(11, 15, down=False), at(2))))
    assert door.release("", "anna", at(3)) == 5
    assert told.names() == ["guard.held", "guard.held", "guard.released", "guard.released"]


def test_what_is_discarded_waits_on_and_is_not_held_by_the_guard_any_more(told: Desk) -> None:
    door = gate(told)
    door.ask(wanted(1, 5), at(0))
    assert door.discard("", "anna", at(1)) == 5
    assert {why(each) for each in door.ask(wanted(1, 5), at(2))} == {"an admin has discarded it"}
    assert door.counts(at(2))["down"].held == 0
    assert door.ask(wanted(9), at(2)) == [GO]
    assert told.names() == ["guard.held", "guard.discarded"]


def test_what_is_wanted_no_more_is_not_counted_as_held(told: Desk) -> None:
    door = gate(told)
    door.ask(wanted(1, 5), at(0))
    door.forget(3)
    assert door.counts(at(0))["down"].held == 4


def test_an_order_for_what_is_held_takes_it_out_of_the_hold(told: Desk) -> None:
    door = gate(told)
    door.ask(wanted(1, 5), at(0))
    assert door.ask(wanted(1, 5, ordered=True), at(1)) == [GO] * 5
    assert door.ask(wanted(9), at(2)) == [GO]
    assert told.names() == ["guard.held", "guard.released"]
    assert "since nothing waits any more" in told.records()[-1]["why"]


class Paper:
    """Where the memory is kept."""

    def __init__(self) -> None:
        self.kept: Mapping[str, Memory] | None = None
        self.written = 0
        self.full = False

    def read(self) -> Mapping[str, Memory] | None:
        return self.kept

    def write(self, known: Mapping[str, Memory]) -> bool:
        self.written += not self.full
        self.kept = None if self.full else known
        return not self.full


def test_what_the_guards_know_is_kept_on_the_clock_of_the_wall_when_it_changes(told: Desk) -> None:
    paper = Paper()
    door = gate(told, keeping=paper)
    door.resume({}, at(0), is_new=True)
    assert paper.written == 1
    door.ask(wanted(1, 3), at(1))
    assert paper.kept is not None
    assert paper.kept["down"].passed == tuple((id, at(1).wall) for id in (1, 2, 3))
    door.ask(wanted(4, 9), at(2))
    assert paper.kept["down"].held_until == at(HOUR + 2).wall
    assert paper.written == 3
    door.ask(wanted(4, 9), at(3))
    door.counts(at(4))
    assert paper.written == 3, "nothing has changed"
    door.ask(wanted(4), Instant(wall=at(5).wall - 7200, monotonic=at(5).monotonic))
    assert paper.kept["down"].held_until == at(HOUR + 2).wall - 7200, "the clock was set back"
    door.discard("down", "anna", at(6))
    assert paper.kept["down"].discarded == (4, 5, 6, 7, 8, 9)


def test_a_hold_goes_on_after_a_restart_and_is_not_told_of_again(told: Desk) -> None:
    paper = Paper()
    door = gate(told, keeping=paper)
    door.resume({}, at(0), is_new=True)
    door.ask(wanted(1, 5), at(0))
    later = gate(told, keeping=paper)
    anew = Instant(wall=at(HOUR - 60).wall, monotonic=5.0)  # the machine was started again, too
    later.resume({"down": dict.fromkeys(range(1, 6), TOO_MANY)}, anew, is_new=False)
    rulings = later.ask(wanted(1, 5), anew)
    later.resumed(anew)
    assert {each.until for each in rulings if isinstance(each, Hold)} == {65.0}
    assert told.names() == ["guard.held"]
    assert later.ask(wanted(1, 5), Instant(wall=at(HOUR).wall, monotonic=65.0)) == [GO] * 5
    assert told.names() == ["guard.held", "guard.released"]


def test_without_any_memory_of_sessions_that_there_are_nothing_passes_for_a_window(told: Desk) -> None:
    new, old = gate(told, keeping=Paper()), gate(told, keeping=Paper())
    new.resume({}, at(0), is_new=True)
    old.resume({}, at(0), is_new=False)
    assert new.ask(wanted(1), at(1)) == [GO]
    assert told.names() == []
    assert why(old.ask(wanted(1), at(1))[0]) == TOO_MANY
    assert told.records()[0]["guard"]["limit"] == 0, "as it was judged"


def test_what_could_not_be_kept_is_kept_with_the_next_question(told: Desk) -> None:
    paper = Paper()
    door = gate(told, keeping=paper)
    paper.full = True
    door.ask(wanted(1, 5), at(0))
    paper.full = False
    door.ask([], at(1))
    assert paper.kept is not None
    assert paper.kept["down"].held_until == at(HOUR).wall


def test_there_are_two_directions(told: Desk) -> None:
    door = gate(told)
    for ask in (door.release, door.discard):
        with pytest.raises(ValueError, match="`sideways` is neither"):
            ask("sideways", "anna", at(0))
    assert told.names() == []


def test_new_limits_and_windows_count_from_now_on(told: Desk) -> None:
    one = gate(told, max_flips=2)
    one.ask(wanted(1, 2), at(0))
    one.renew(Guards(down=guard(5), up=guard(5)), Windows(), Windows())
    assert [why(each) for each in one.ask(wanted(3, 5), at(1))] == ["", "", ""]
    never = Windows(windows=(Window(days=frozenset({6}), begins=0, ends=1),))
    one.renew(Guards(down=guard(50), up=guard(50)), never, Windows())
    assert why(one.ask(wanted(6), at(2))[0]) == "its maintenance window is closed"
