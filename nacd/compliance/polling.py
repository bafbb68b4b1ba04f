"""Whom to ask about next, so that each live device is asked about once per interval.

Knows: keys, and when each was asked about. Refuses to know: what a key names, who asks, clocks, chance (a key's place
in its first interval is passed in).

Theory. A key is due one interval after it was asked about, and the key that is due longest is next. So those that
were asked about stand in a queue, in the order of their last question, and nothing needs sorting. A crowd that came at
once would be due at once, for ever: therefore the first look at a key lies somewhere in its first interval, by a number
drawn from the key, and the crowd stays spread. These first looks are a heap; a key that left meanwhile leaves its
time in it, which is recognised when it comes up. When less is asked than is due, everything falls behind alike and
what is due longest still goes first, so nobody starves: of *n* keys, one that is due waits for *n* questions at most.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Final

from nacd.values import Instant


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nobody is due."""


NOTHING: Final = Nothing()


def feasible_interval_s(count: int, per_s: float) -> float:
    """The shortest interval in which ``count`` keys can all be asked about with ``per_s`` questions a second.

    per_s: more than 0, ValueError otherwise.
    """
    if not per_s > 0:
        raise ValueError("a budget is more than 0 questions a second")
    return count / per_s


class Watch:
    """interval_s: from one question about a key to the next; more than 0, ValueError otherwise.

    spread: a number in [0, 1) for a key, even over all keys and the same each time: its place in the first interval.
    """

    def __init__(self, interval_s: float, *, spread: Callable[[str], float]) -> None:
        if not interval_s > 0:
            raise ValueError("an interval is more than 0 seconds")
        self._interval_s = interval_s
        self._spread = spread
        self._asked_at: OrderedDict[str, float] = OrderedDict()  # in this order
        self._came_at: OrderedDict[str, float] = OrderedDict()  # in this order; not asked about yet
        self._first_looks: list[tuple[float, float, str]] = []  # a heap: due, came, key

    def __len__(self) -> int:
        return len(self._asked_at) + len(self._came_at)

    def __contains__(self, key: object) -> bool:
        return key in self._asked_at or key in self._came_at

    def watch(self, key: str, now: Instant) -> None:
        """Ask about this key from now on. One that is watched already keeps its place."""
        if key in self:
            return
        self._came_at[key] = now.monotonic
        due = now.monotonic + self._interval_s * self._spread(key)
        heapq.heappush(self._first_looks, (due, now.monotonic, key))

    def forget(self, key: str) -> None:
        """Ask about it no more."""
        self._asked_at.pop(key, None)
        self._came_at.pop(key, None)
        self._sweep()

    def due(self, now: Instant) -> str | Nothing:
        """The key that is due for longest. The same again until ``asked`` or ``forget`` is told of it."""
        at, key = self._next()
        return key if at <= now.monotonic else NOTHING

    def asked(self, key: str, now: Instant) -> None:
        """The question about this key was put, by whomever; a key that is not watched is none of our business."""
        if key not in self:
            return
        self._came_at.pop(key, None)
        self._asked_at[key] = now.monotonic
        self._asked_at.move_to_end(key)
        self._sweep()

    def oldest_s(self, now: Instant) -> float:
        """Seconds since the key that waits longest was asked about, or since it came; 0.0 if nobody is watched."""
        firsts = [next(iter(times.values())) for times in (self._asked_at, self._came_at) if times]
        return max(0.0, now.monotonic - min(firsts)) if firsts else 0.0

    def _next(self) -> tuple[float, str]:
        """When the next one is due, and its key."""
        while self._first_looks and self._has_left(self._first_looks[0]):
            heapq.heappop(self._first_looks)
        new_at, _, new = self._first_looks[0] if self._first_looks else (inf, 0.0, "")
        if not self._asked_at:
            return new_at, new
        key, asked_at = next(iter(self._asked_at.items()))
        again_at = asked_at + self._interval_s
        return (again_at, key) if again_at <= new_at else (new_at, new)

    def _has_left(self, look: tuple[float, float, str]) -> bool:
        """Whether this first look is no longer wanted: the key went, or went and came again, or was asked about."""
        return self._came_at.get(look[2]) != look[1]

    def _sweep(self) -> None:
        """Keep the heap from filling with keys that came and went: at most as many dead as live, and a few."""
        if len(self._first_looks) > 2 * len(self._came_at) + 64:
            self._first_looks = [look for look in self._first_looks if not self._has_left(look)]
            heapq.heapify(self._first_looks)
