"""The ledger of silence: what was dropped, by NAS and reason, until it is reported.

Knows: counts. Bounded by what the admin configured: a stranger's address adds to one row only.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

UNKNOWN_NAS = "(unknown)"


@dataclass(frozen=True, slots=True, kw_only=True)
class DropCount:
    """How often one NAS's packets were dropped for one reason; example: the last source address."""

    nas: str
    reason: str
    count: int
    example: str


class Drops:
    """Counts since the last report, and in total since the start."""

    def __init__(self) -> None:
        self._since: Counter[tuple[str, str]] = Counter()
        self._total: Counter[tuple[str, str]] = Counter()
        self._example: dict[tuple[str, str], str] = {}

    def add(self, nas: str, reason: str, source: str) -> None:
        """Count one drop."""
        key = (nas or UNKNOWN_NAS, reason)
        self._since[key] += 1
        self._total[key] += 1
        self._example[key] = source

    def report(self) -> tuple[DropCount, ...]:
        """Everything counted since the last report, most frequent first; starts the next count."""
        rows = tuple(
            DropCount(nas=nas, reason=reason, count=count, example=self._example[nas, reason])
            for (nas, reason), count in self._since.most_common()
        )
        self._since.clear()
        return rows

    def total(self, reason: str) -> int:
        """How often this reason was counted since the start, over all NASes."""
        return sum(count for (_, why), count in self._total.items() if why == reason)
