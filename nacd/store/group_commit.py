"""One thread that writes what many threads bring: whatever came while the last commit ran is the next commit.

Knows: the waiting line, its bound, who waits for which commit. Refuses to know: what is written, and where.
There is no delay to wait for company: alone, an item is written at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Condition, Thread
from typing import Generic, TypeVar

Item = TypeVar("Item")

_Waiting = tuple[Item, "Future[bool]"]


def settled(outcome: bool) -> Future[bool]:
    """A future that is over already."""
    future: Future[bool] = Future()
    future.set_result(outcome)
    return future


class GroupCommit(Generic[Item]):
    """A bounded waiting line and its thread.

    commit: writes items in order, all or none, and says which; called in the thread of this object only, must not
    raise. capacity: items that may wait. most_at_once: items of one commit, so that nobody else who writes to
    the same file waits for long.
    """

    def __init__(self, commit: Callable[[Sequence[Item]], bool], *, capacity: int, most_at_once: int = 5_000) -> None:
        self._commit = commit
        self._capacity = capacity
        self._most_at_once = most_at_once
        self._came = Condition()
        self._line: deque[_Waiting[Item]] = deque()
        self._in_hand: list[_Waiting[Item]] = []
        self._ended = False
        self._thread = Thread(target=self._run, name="nacd-store", daemon=True)
        self._thread.start()

    @property
    def is_full(self) -> bool:
        """Whether the next item would be turned away for want of room."""
        return len(self._line) >= self._capacity

    def put(self, item: Item) -> Future[bool]:
        """True once committed; False if it could not be written, the line is full, or this has ended. Never blocks."""
        future: Future[bool] = Future()
        # Nobody can cancel it: whoever no longer waits must not end the thread that tells him.
        future.set_running_or_notify_cancel()
        with self._came:
            taken = not self._ended and len(self._line) < self._capacity
            if taken:
                self._line.append((item, future))
                self._came.notify()
        if not taken:
            future.set_result(False)
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
                kept = self._commit([item for item, _ in self._in_hand])
                for _, future in self._in_hand:
                    future.set_result(kept)
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
                self._came.wait()
            for _ in range(min(len(self._line), self._most_at_once)):
                self._in_hand.append(self._line.popleft())
            return True

    def _turn_all_away(self) -> None:
        with self._came:
            self._ended = True
            left = [*self._in_hand, *self._line]
            self._line.clear()
        for _, future in left:
            if not future.done():
                future.set_result(False)
