"""Whom to ask about next, so that each live device is asked about once per interval.

Knows: numbers, and when each was asked about. Refuses to know: what a number stands for, who asks, clocks, chance (a
number's place in its first interval is passed in).

Theory. One is due one interval after it was asked about, and whoever is due longest is next, to the second: there is a
slot for each second, with those that are due in it, and a heap of the few seconds that have one. So a million take a
few octets each, whatever their intervals. One that left, or is due at another time by now, leaves its number in its
slot, which is recognised when that comes up. A crowd that came at once would be due at once, for ever: therefore the
first look at each lies somewhere in its first interval, and the crowd stays spread. When less is asked than is due,
everything falls behind alike and what is due longest still goes first, so nobody starves: of *n*, one that is due waits
for *n* questions at most.
"""

from __future__ import annotations

import heapq
from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Final

from nacd.values import Instant


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nobody is due."""


NOTHING: Final = Nothing()
_NOT: Final = -1


def feasible_interval_s(count: int, per_s: float) -> float:
    """The shortest interval in which ``count`` devices can all be asked about with ``per_s`` questions a second.

    per_s: more than 0, ValueError otherwise.
    """
    if not per_s > 0:
        raise ValueError("a budget is more than 0 questions a second")
    return count / per_s


class Ages:
    """Since when each of some small numbers counts, to the second, and which is the oldest. 8 octets for each."""

    def __init__(self) -> None:
        self._since = array("q")
        self._count: dict[int, int] = {}  # of each second
        self._seconds: list[int] = []  # a heap of those
        self._counting = 0

    def set(self, number: int, at: float) -> None:
        """It counts from here on. at: seconds of any one clock, not negative."""
        self.drop(number)
        while number >= len(self._since):
            self._since.append(_NOT)
        second = int(at)
        self._since[number] = second
        if second not in self._count:
            heapq.heappush(self._seconds, second)
        self._count[second] = self._count.get(second, 0) + 1
        self._counting += 1
        # One that stays the oldest for days must not keep all the seconds since then.
        if len(self._seconds) > 2 * self._counting + 64:
            self._count = {each: count for each, count in self._count.items() if count}
            self._seconds = sorted(self._count)  # which is a heap

    def drop(self, number: int) -> None:
        """It counts no more."""
        second = self.since(number)
        if second != _NOT:
            self._count[second] -= 1
            self._counting -= 1
            self._since[number] = _NOT

    def since(self, number: int) -> int:
        """The second, negative for a number that does not count."""
        return self._since[number] if number < len(self._since) else _NOT

    def oldest_s(self, now_s: float) -> float:
        """Seconds since the oldest, by the same clock; 0.0 if there is none."""
        while self._seconds and not self._count[self._seconds[0]]:
            del self._count[heapq.heappop(self._seconds)]
        return max(0.0, now_s - self._seconds[0]) if self._seconds else 0.0


class Watch:
    """For small numbers, each a place in arrays.

    spread: a number in [0, 1) for each of them, even over all and the same each time: its place in the first interval.
    """

    def __init__(self, *, spread: Callable[[int], float]) -> None:
        self._spread = spread
        self._due = array("d")
        self._interval = array("f")
        self._asked = Ages()
        self._slots: dict[int, array[int]] = {}  # second -> whoever is due in the second before it, or was
        self._seconds: list[int] = []  # a heap of those
        self._entries = 0
        self._with: Counter[float] = Counter()  # how many have each interval

    def __len__(self) -> int:
        return self._with.total()

    def __contains__(self, number: int) -> bool:
        return 0 <= number < len(self._due) and self._due[number] != _NOT

    @property
    def per_s(self) -> float:
        """Questions a second that all of them need."""
        return sum(count / interval_s for interval_s, count in self._with.items())

    def watch(self, number: int, interval_s: float, now: Instant) -> None:
        """Ask about this one from now on, each interval. One that is watched already keeps its place, unless the
        interval is shorter than before. interval_s: 1 or more, ValueError otherwise."""
        if not interval_s >= 1:
            raise ValueError("an interval is 1 second or more")
        if number in self:
            self._change(number, interval_s, now)
            return
        while number >= len(self._due):
            self._due.append(_NOT)
            self._interval.append(0.0)
        self._interval[number] = interval_s
        self._with[self._interval[number]] += 1
        self._asked.set(number, now.monotonic)
        self._put(number, now.monotonic + interval_s * self._spread(number))

    def forget(self, number: int) -> None:
        """Ask about it no more."""
        if number in self:
            self._without(self._interval[number])
            self._due[number] = _NOT
            self._asked.drop(number)
            self._sweep()

    def due(self, now: Instant) -> int | Nothing:
        """The one that is due for longest, to the second. The same again until ``asked`` or ``forget`` is told of
        it."""
        first = self._first()
        return NOTHING if isinstance(first, Nothing) or first > now.monotonic else self._slots[first][-1]

    def asked(self, number: int, now: Instant) -> None:
        """The question about this one was put, by whomever; one that is not watched is none of our business."""
        if number in self:
            self._asked.set(number, now.monotonic)
            self._put(number, now.monotonic + self._interval[number])

    def oldest_s(self, now: Instant) -> float:
        """Seconds since the one that waits longest was asked about, or since it came; 0.0 if nobody is watched."""
        return self._asked.oldest_s(now.monotonic)

    def late_s(self, now: Instant) -> float:
        """For how many seconds one has been due; 0.0 if nobody is."""
        first = self._first()
        return 0.0 if isinstance(first, Nothing) else max(0.0, now.monotonic - first)

    def _change(self, number: int, interval_s: float, now: Instant) -> None:
        before = self._interval[number]
        self._interval[number] = interval_s
        if self._interval[number] == before:
            return
        self._without(before)
        self._with[self._interval[number]] += 1
        # Never later: whoever changes all the time would never be asked about.
        self._put(number, min(self._due[number], max(now.monotonic, self._asked.since(number) + interval_s)))

    def _without(self, interval_s: float) -> None:
        self._with[interval_s] -= 1
        if not self._with[interval_s]:
            del self._with[interval_s]

    def _put(self, number: int, due: float) -> None:
        second = ceil(due)  # late by less than a second, and never early
        here = ceil(self._due[number])
        self._due[number] = due
        if here == second:
            return
        if second not in self._slots:
            self._slots[second] = array("I")
            heapq.heappush(self._seconds, second)
        self._slots[second].append(number)
        self._entries += 1
        self._sweep()

    def _first(self) -> int | Nothing:
        """The second in which somebody is due first; he is the last in its slot."""
        while self._seconds:
            second = self._seconds[0]
            slot = self._slots[second]
            while slot:
                if ceil(self._due[slot[-1]]) == second:
                    return second
                slot.pop()  # he left, or was asked about
                self._entries -= 1
            del self._slots[heapq.heappop(self._seconds)]
        return NOTHING

    def _sweep(self) -> None:
        """Keep slots from filling with those that came and went: at most as many dead as live, and a few."""
        if self._entries <= 2 * len(self) + 64:
            return
        self._slots.clear()
        for number, due in enumerate(self._due):
            if due != _NOT:
                self._slots.setdefault(ceil(due), array("I")).append(number)
        self._entries = len(self)
        self._seconds = sorted(self._slots)  # which is a heap
