"""Counts of things that an endpoint can invent any number of, in bounded memory.

Knows: how often, of the most frequent. Refuses to know: what is counted.

Theory (lossy counting). When there are twice as many names as are kept, the rarer half goes, and what had been counted
of it goes to ``others``. What is frequent throughout is exact, or nearly: a name may lack what was counted of it before
it was thrown out, never more than ``error``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

KEPT: Final = 20_000


class Counted:
    """Names with their counts. kept: how many of them are remembered at least."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._counts: dict[str, int] = {}
        self.total = 0
        self.others = 0
        """Counted of names that were thrown out."""
        self.error = 0
        """So much a count may lack; 0: all counts are exact."""

    def add(self, name: str, count: int = 1) -> None:
        self.total += count
        counts = self._counts
        counts[name] = counts.get(name, 0) + count
        if len(counts) > 2 * self._kept:
            self._prune()

    def most(self, limit: int) -> list[tuple[str, int]]:
        """The most frequent ones, ties by name. limit: 0 for all that are remembered."""
        found = sorted(self._counts.items(), key=lambda each: (-each[1], each[0]))
        return found[:limit] if limit else found

    def names(self) -> int:
        """How many names are remembered."""
        return len(self._counts)

    def __getitem__(self, name: str) -> int:
        return self._counts.get(name, 0)

    def __iter__(self) -> Iterator[str]:
        return iter(self._counts)

    def _prune(self) -> None:
        ordered = self.most(0)
        gone = ordered[self._kept :]
        self.others += sum(count for _, count in gone)
        self.error += gone[0][1]
        self._counts = dict(ordered[: self._kept])
