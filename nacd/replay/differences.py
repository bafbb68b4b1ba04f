"""Differences between two policies, counted as they come, in a room that does not grow.

Knows: by what they are counted, and how many rows and devices are told apart. Refuses to know: how a difference is
found (``candidate``), clocks, and how the counts are shown.

Theory. It runs for weeks beside a daemon, and what a NAS or an endpoint says of itself must not fill the memory. So
each table has a most number of rows, what comes after that is counted in one row called ``other``, and each row tells
devices apart up to a number that is enough to tell one noisy printer from a fleet.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from nacd.replay.candidate import Compared, Differs, NotCompared, Same, Why

MOST_ROWS: Final = 300
MOST_DEVICES: Final = 100
OTHER: Final = "other"

Key: TypeAlias = tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Row:
    """Logins counted together. devices: whose, up to ``MOST_DEVICES`` of them. example: the first of them.

    first, last: times of decisions, RFC 3339.
    """

    logins: int = 0
    devices: set[str] = field(default_factory=set)
    first: str = ""
    last: str = ""
    example: Differs

    def add(self, differs: Differs) -> None:
        self.logins += 1
        if differs.whose and len(self.devices) < MOST_DEVICES:
            self.devices.add(differs.whose)
        self.first = min(self.first, differs.time) if self.first else differs.time
        self.last = max(self.last, differs.time)


class Table:
    """Rows by key, ``most`` of them and one for all others."""

    def __init__(self, most: int = MOST_ROWS) -> None:
        self._most = most
        self._rows: dict[Key, Row] = {}
        self._others: Row | None = None

    def add(self, key: Key, differs: Differs) -> None:
        row = self._rows.get(key)
        if row is None and len(self._rows) < self._most:
            row = self._rows[key] = Row(example=differs)
        if row is None:
            row = self._others = self._others or Row(example=differs)
        row.add(differs)

    def rows(self) -> list[tuple[Key, Row]]:
        """The most devices first, then the most logins; ``other`` for each part of the key comes last."""
        found = sorted(self._rows.items(), key=lambda item: (-len(item[1].devices), -item[1].logins, item[0]))
        if self._others is not None:
            found.append(((OTHER,) * len(found[0][0]), self._others))
        return found


class Differences:
    """All counts since they began. since: seconds since the epoch."""

    def __init__(self, since: float, most: int = MOST_ROWS) -> None:
        self.since = since
        self.same = 0
        self.renamed = 0
        self.different = 0
        self.not_compared: Counter[Why] = Counter()
        self.undecidable: Counter[str] = Counter()
        self.by_answer = Table(most)
        self.by_rule = Table(most)
        self.by_nas = Table(most)
        self.by_group = Table(most)
        self.by_location = Table(most)
        self._most = most

    @property
    def compared(self) -> int:
        """Decisions of which it is known what the candidate says."""
        return self.same + self.different

    def add(self, compared: Compared) -> None:
        """Count one decision."""
        match compared:
            case Same(renamed=renamed):
                self.same += 1
                self.renamed += renamed
            case NotCompared(why=why, detail=detail):
                self.not_compared[why] += 1
                if why is Why.UNDECIDABLE:
                    is_known = detail in self.undecidable or len(self.undecidable) < self._most
                    self.undecidable[detail if is_known else OTHER] += 1
            case Differs():
                self.different += 1
                self._differs(compared)

    def _differs(self, differs: Differs) -> None:
        way = (differs.difference.before, differs.difference.after)
        nas = differs.facts.nas
        self.by_answer.add(way, differs)
        self.by_rule.add(differs.kind, differs)
        self.by_nas.add((nas.name, *way), differs)
        for group in nas.groups:
            self.by_group.add((group, *way), differs)
        if nas.location:
            self.by_location.add((nas.location, *way), differs)
