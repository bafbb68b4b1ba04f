"""Whatever came while the last commit ran is the next commit, and nobody is left waiting."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from threading import Event

import pytest

from nacd.store.group_commit import GroupCommit, Line, settled

PATIENCE_S = 20.0


class Disk:
    """Takes commits one after the other, when it is let."""

    def __init__(self, *outcomes: bool) -> None:
        self.commits: list[list[int]] = []
        self.begun = Event()
        self.go_on = Event()
        self._outcomes = list(outcomes)

    def __call__(self, items: Sequence[int]) -> bool:
        self.commits.append(list(items))
        self.begun.set()
        assert self.go_on.wait(PATIENCE_S)
        return self._outcomes.pop(0) if self._outcomes else True


def test_one_item_alone_is_written_at_once() -> None:
    disk = Disk()
    disk.go_on.set()
    line = GroupCommit(disk, capacity=10)
    assert line.put(1).result(PATIENCE_S)
    assert disk.commits == [[1]]
    assert line.end(PATIENCE_S)


def test_what_comes_during_a_commit_is_one_commit_in_its_order() -> None:
    disk = Disk()
    line = GroupCommit(disk, capacity=100)
    first = line.put(0)
    assert disk.begun.wait(PATIENCE_S)
    later = [line.put(number) for number in range(1, 51)]
    assert not first.done()
    assert not any(future.done() for future in later)
    disk.go_on.set()
    assert all(future.result(PATIENCE_S) for future in [first, *later])
    assert disk.commits == [[0], list(range(1, 51))]
    assert line.end(PATIENCE_S)


def test_a_commit_has_a_greatest_size() -> None:
    disk = Disk()
    line = GroupCommit(disk, capacity=100, most_at_once=4)
    line.put(0)
    assert disk.begun.wait(PATIENCE_S)
    later = [line.put(number) for number in range(1, 11)]
    disk.go_on.set()
    assert all(future.result(PATIENCE_S) for future in later)
    assert disk.commits == [[0], [1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]
    assert line.end(PATIENCE_S)


def test_what_was_not_written_is_said_to_those_who_brought_it_only() -> None:
    disk = Disk(False, True)
    line = GroupCommit(disk, capacity=10)
    lost = line.put(1)
    assert disk.begun.wait(PATIENCE_S)
    kept = line.put(2)
    disk.go_on.set()
    assert lost.result(PATIENCE_S) is False
    assert kept.result(PATIENCE_S) is True
    assert line.end(PATIENCE_S)


def test_over_its_capacity_the_line_takes_nobody_and_says_so_at_once() -> None:
    disk = Disk()
    line = GroupCommit(disk, capacity=3)
    line.put(0)
    assert disk.begun.wait(PATIENCE_S)
    waiting = [line.put(number) for number in (1, 2, 3)]
    assert line.is_full
    refused = line.put(4)
    assert refused.done()
    assert refused.result() is False
    disk.go_on.set()
    assert all(future.result(PATIENCE_S) for future in waiting)
    assert disk.commits == [[0], [1, 2, 3]]
    assert line.end(PATIENCE_S)


def test_the_end_writes_what_waits_and_takes_no_more() -> None:
    disk = Disk()
    line = GroupCommit(disk, capacity=10)
    line.put(0)
    assert disk.begun.wait(PATIENCE_S)
    waiting = line.put(1)
    assert not line.end(0.0), "the disk has not answered yet"
    late = line.put(2)
    disk.go_on.set()
    assert line.end(PATIENCE_S)
    assert waiting.result(PATIENCE_S) is True
    assert late.result(PATIENCE_S) is False
    assert disk.commits == [[0], [1]]


def test_nobody_can_cancel_what_others_wait_for() -> None:
    disk = Disk()
    line = GroupCommit(disk, capacity=10)
    first = line.put(0)
    assert disk.begun.wait(PATIENCE_S)
    second = line.put(1)
    assert not first.cancel()
    assert not second.cancel()
    disk.go_on.set()
    assert first.result(PATIENCE_S)
    assert second.result(PATIENCE_S)
    assert line.put(2).result(PATIENCE_S)
    assert line.end(PATIENCE_S)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_in_writing_ends_the_thread_and_leaves_nobody_waiting() -> None:
    go_on = Event()

    def broken(items: Sequence[int]) -> bool:
        assert go_on.wait(PATIENCE_S)
        raise ZeroDivisionError(items)

    line = GroupCommit(broken, capacity=10)
    waiting: list[Future[bool]] = [line.put(number) for number in range(5)]
    go_on.set()
    assert [future.result(PATIENCE_S) for future in waiting] == [False] * 5
    assert line.end(PATIENCE_S)
    assert line.put(5).result(PATIENCE_S) is False


@pytest.mark.parametrize("outcome", [True, False])
def test_a_settled_future_is_over(outcome: bool) -> None:
    assert settled(outcome).result(0) is outcome


# -- a line whose items have each their own outcome ----------------------------------------------


def squares(items: Sequence[int]) -> Sequence[int]:
    return [item * item for item in items]


def test_each_item_has_its_own_outcome() -> None:
    line = Line(squares, refused=lambda item: -item, capacity=10)
    waiting = [line.put(number) for number in range(5)]
    assert [future.result(PATIENCE_S) for future in waiting] == [0, 1, 4, 9, 16]
    assert line.end(PATIENCE_S)
    assert line.put(5).result(PATIENCE_S) == -5


def test_a_heavy_item_takes_the_room_of_many() -> None:
    begun, go_on = Event(), Event()

    def slow(items: Sequence[int]) -> Sequence[int]:
        begun.set()
        assert go_on.wait(PATIENCE_S)
        return squares(items)

    line = Line(slow, refused=lambda item: -item, capacity=10)
    first = line.put(1)
    assert begun.wait(PATIENCE_S)
    heavy = line.put(2, 10)
    assert line.is_full
    assert line.put(3).result(0) == -3
    go_on.set()
    assert (first.result(PATIENCE_S), heavy.result(PATIENCE_S)) == (1, 4)
    assert line.put(4).result(PATIENCE_S) == 16, "what was taken weighs no more"
    assert line.end(PATIENCE_S)


def test_commits_that_are_kept_apart_take_what_came_in_between_together() -> None:
    commits: list[int] = []

    def note(items: Sequence[int]) -> Sequence[int]:
        commits.append(len(items))
        return items

    line = Line(note, refused=lambda item: item, capacity=1_000, apart_s=0.05)
    waiting = [line.put(0)]
    waiting[0].result(PATIENCE_S)
    waiting += [line.put(number) for number in range(100)]
    assert [future.result(PATIENCE_S) for future in waiting] == [0, *range(100)]
    assert line.end(PATIENCE_S)
    assert sum(commits) == 101
    assert len(commits) < 51, "far fewer than items, though the disk took no time at all"
