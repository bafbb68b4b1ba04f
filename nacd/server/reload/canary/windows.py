"""What each group of NASes was answered in the last hour, minute by minute.

Knows: counts, and how old they are. Refuses to know: what they are compared with.

What there is grows with the groups and profiles of the configuration, and with nothing that comes from the network.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from typing import Final, TypeAlias

BUCKET_S: Final = 60.0
MOST: Final = 60
"""Minutes that are kept."""
Group: TypeAlias = str


class Windows:
    """For one thread. Times are seconds of a clock that never jumps."""

    def __init__(self) -> None:
        self._buckets: deque[tuple[float, Counter[tuple[Group, str]]]] = deque(maxlen=MOST)

    def add(self, groups: Iterable[Group], outcome: str, count: int, now_s: float) -> None:
        """So many answers at a NAS of these groups."""
        began = now_s - now_s % BUCKET_S
        if not self._buckets or self._buckets[-1][0] != began:
            self._buckets.append((began, Counter()))
        counts = self._buckets[-1][1]
        for group in groups:
            counts[group, outcome] += count

    def last(self, group: Group, span_s: float, now_s: float) -> Counter[str]:
        """What the group was answered in the last ``span_s`` seconds, in whole minutes, an hour at most."""
        found: Counter[str] = Counter()
        for began, counts in self._buckets:
            if began + BUCKET_S > now_s - span_s:
                for (of, outcome), count in counts.items():
                    if of == group:
                        found[outcome] += count
        return found
