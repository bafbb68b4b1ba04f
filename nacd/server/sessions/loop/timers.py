"""When each is due.

Knows: one time for each number, and in which order they come. Refuses to know: clocks, and what is due.

A time that was replaced or dropped stays in the heap until it comes, and some are a week away (maintenance windows), so
the heap is made anew whenever most of it is such leftovers.
"""

from __future__ import annotations

import heapq
from math import inf
from typing import Final

_LEFTOVERS: Final = 64


class Timers:
    """For one thread. Times are seconds of any one clock."""

    def __init__(self) -> None:
        self._due: dict[int, float] = {}
        self._heap: list[tuple[float, int]] = []

    def __len__(self) -> int:
        return len(self._due)

    @property
    def kept(self) -> int:
        """Times in memory, leftovers too: never much more than twice as many as there are."""
        return len(self._heap)

    def put(self, id: int, due: float) -> None:
        """It is due then, and not when it was before; ``inf``: never."""
        if due == inf:
            self.drop(id)
            return
        if self._due.get(id) != due:
            self._due[id] = due
            heapq.heappush(self._heap, (due, id))
            self._sweep()

    def drop(self, id: int) -> None:
        """It is not due any more."""
        if self._due.pop(id, None) is not None:
            self._sweep()

    def is_due(self, now: float) -> bool:
        """Whether ``take`` would give any."""
        self._skip()
        return bool(self._heap) and self._heap[0][0] <= now

    def take(self, now: float, most: int) -> list[int]:
        """Those whose time has come, the oldest first, at most so many. They are due no more."""
        taken: list[int] = []
        while len(taken) < most and self.is_due(now):
            _, id = heapq.heappop(self._heap)
            del self._due[id]
            taken.append(id)
        return taken

    def _skip(self) -> None:
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)

    def _sweep(self) -> None:
        if len(self._heap) > 2 * len(self._due) + _LEFTOVERS:
            self._heap = [(due, id) for id, due in self._due.items()]
            heapq.heapify(self._heap)
