"""One thread that writes what many threads bring: whatever came while the last commit ran is the next commit.

Knows: the waiting line, its bound, who waits for which commit. Refuses to know: what is written, and where.
There is no delay to wait for company: alone, an item is written at once.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Condition, Thread
from typing import Generic, TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


def settled(outcome: Outcome) -> Future[Outcome]:
    """A future that is over already."""
    future: Future[Outcome] = Future()
    future.set_result(outcome)
    return future


class Line(Generic[Item, Outcome]):
    """A bounded waiting line and its thread.

    carry_out: writes items in order and says what became of each; called in the thread of this object only, must not
    raise. refused: what those are told that are not taken. capacity: weight that may wait. most_at_once: items of
    one commit, so that nobody else who writes to the same file waits for long. apart_s: least time between the
    beginnings of two commits: a commit costs as much for one item as for twenty.
    """

    def __init__(
        self,
        carry_out: Callable[[Sequence[Item]], Sequence[Outcome]],
        *,
        refused: Callable[[Item], Outcome],
        capacity: int,
        most_at_once: int = 5_000,
        apart_s: float = 0.0,
    ) -> None:
        self._carry_out = carry_out
        self._refused = refused
        self._capacity = capacity
        self._most_at_once = most_at_once
        self._apart_s = apart_s
        self._came = Condition()
        self._line: deque[tuple[Item, Future[Outcome], int]] = deque()
        self._in_hand: list[tuple[Item, Future[Outcome], int]] = []
        self._weight = 0
        self._idle = False
        self._ended = False
        self._thread = Thread(target=self._run, name="nacd-store", daemon=True)
        self._thread.start()

    @property
    def is_full(self) -> bool:
        """Whether the next item would be turned away for want of room."""
        return self._weight >= self._capacity

    def put(self, item: Item, weight: int = 1) -> Future[Outcome]:
        """What became of it, once committed; ``refused`` if the line is full or this has ended. Never blocks."""
        future: Future[Outcome] = Future()
        # Nobody can cancel it: whoever no longer waits must not end the thread that tells him.
        future.set_running_or_notify_cancel()
        with self._came:
            taken = not self._ended and self._weight < self._capacity
            if taken:
                self._line.append((item, future, weight))
                self._weight += weight
                if self._idle:
                    self._came.notify()
        if not taken:
            future.set_result(self._refused(item))
        return future

    def end(self, patience_s: float) -> bool:
        """Take no more, write what waits, end the thread; False if that took too long."""
        with self._came:
            self._ended = True
            self._came.notify()
        self._thread.join(patience_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while self._take():
                began = time.monotonic()
                outcomes = self._carry_out([item for item, _, _ in self._in_hand])
                for (_, future, _), outcome in zip(self._in_hand, outcomes, strict=True):
                    future.set_result(outcome)
                rest_s = began + self._apart_s - time.monotonic()
                if rest_s > 0.0 and not self._ended:
                    time.sleep(rest_s)
        except BaseException:
            # A bug, and the end of this thread; it must not leave anybody waiting for ever.
            self._turn_all_away()
            raise

    def _take(self) -> bool:
        with self._came:
            self._in_hand = []
            while not self._line:
                if self._ended:
                    return False
                self._idle = True
                self._came.wait()
                self._idle = False
            for _ in range(min(len(self._line), self._most_at_once)):
                self._in_hand.append(self._line.popleft())
            self._weight -= sum(weight for _, _, weight in self._in_hand)
            return True

    def _turn_all_away(self) -> None:
        with self._came:
            self._ended = True
            left = [*self._in_hand, *self._line]
            self._line.clear()
            self._weight = 0
        for item, future, _ in left:
            if not future.done():
                future.set_result(self._refused(item))


class GroupCommit(Line[Item, bool]):
    """A line whose commits succeed or fail as one.

    commit: writes items in order, all or none, and says which. The rest is as in ``Line``; False is what those are
    told that are not taken.
    """

    def __init__(self, commit: Callable[[Sequence[Item]], bool], *, capacity: int, most_at_once: int = 5_000) -> None:
        def carry_out(items: Sequence[Item]) -> Sequence[bool]:
            return [commit(items)] * len(items)

        super().__init__(carry_out, refused=lambda _: False, capacity=capacity, most_at_once=most_at_once)
