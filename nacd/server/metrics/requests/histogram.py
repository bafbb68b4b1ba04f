"""How values are distributed, in so few steps that counting one costs a tenth of a microsecond.

Knows: the bounds of its buckets. Refuses to know: what is measured, and who reads it.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

SHORT: Final[tuple[float, ...]] = (0.0005, 0.002, 0.01, 0.05, 0.2, 1.0)
"""Seconds, for work that nobody outside waits for."""
LONG: Final[tuple[float, ...]] = (0.005, 0.02, 0.1, 0.5, 1.0, 2.0, 5.0)
"""Seconds, for what waits for a queue or for Microsoft: NASes ask again after some."""


class Observed(NamedTuple):
    """A histogram at one moment. bounds: upper ones, inclusive, without infinity.

    cumulated: how many were at most so much, one for each bound and one for all. total: of all values.
    """

    bounds: tuple[float, ...]
    cumulated: tuple[int, ...]
    total: float


class Histogram:
    """For one thread. bounds: ascending; ValueError otherwise."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        if not bounds or any(low >= high for low, high in pairwise(bounds)):
            raise ValueError("the bounds of a histogram ascend")
        self.bounds: Final = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """One more."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def observed(self) -> Observed:
        """What it holds now."""
        return Observed(self.bounds, tuple(accumulate(self.counts)), self.total)
