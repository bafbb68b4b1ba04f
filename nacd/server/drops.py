"""The ledger of silence: what was dropped, by NAS and reason, until it is reported.

Knows: counts. Bounded by what the admin configured: a stranger's address adds to one row only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from nacd.values import Instant

UNKNOWN_NAS = "(unknown)"


@dataclass(frozen=True, slots=True, kw_only=True)
class DropCount:
    """How often one NAS's packets were dropped for one reason.

    example: the last source address. first, last: seconds since the epoch.
    """

    nas: str
    reason: str
    count: int
    example: str
    first: float
    last: float


class Drops:
    """Counts since the last report, and in total since the start."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, str], DropCount] = {}
        self._total: Counter[str] = Counter()

    def add(self, nas: str, reason: str, source: str, now: Instant) -> None:
        """Count one drop."""
        key = (nas or UNKNOWN_NAS, reason)
        before = self._since.get(key)
        self._since[key] = DropCount(
            nas=key[0],
            reason=reason,
            count=before.count + 1 if before else 1,
            example=source,
            first=before.first if before else now.wall,
            last=now.wall,
        )
        self._total[reason] += 1

    def report(self) -> tuple[DropCount, ...]:
        """Everything counted since the last report, most frequent first; starts the next count."""
        rows = tuple(sorted(self._since.values(), key=lambda row: -row.count))
        self._since.clear()
        return rows

    @property
    def totals(self) -> Mapping[str, int]:
        """How often each reason was counted since the start, over all NASes."""
        return self._total

    def total(self, reason: str) -> int:
        """How often this reason was counted since the start, over all NASes."""
        return self._total[reason]
