"""How fast, and when again: a rate that is kept, and waits that grow.

Knows: numbers. Refuses to know: clocks (``now`` is given), what is counted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

FIRST_S: Final = 1.0
LONGEST_S: Final = 60.0


class Pace:
    """So many a second, in bursts of a second at most. now: monotonic seconds."""

    def __init__(self, per_s: float, now: float) -> None:
        self._per_s = per_s
        self._room = per_s
        self._at = now

    def room(self, now: float) -> int:
        """How many may go now."""
        self._room = min(self._per_s, self._room + (now - self._at) * self._per_s)
        self._at = now
        return int(self._room)

    def went(self, count: int) -> None:
        """So many went."""
        self._room -= count

    def wait_s(self) -> float:
        """Until there is room for a tenth of a second's worth."""
        return max(0.0, (max(1.0, self._per_s / 10) - self._room) / self._per_s)


class Backoff:
    """Waits of 1 s, 2 s, 4 s ... 60 s, each between half of it and all of it."""

    def __init__(self, chance: Callable[[], float]) -> None:
        """chance: a number from 0 to 1, another each time."""
        self._chance = chance
        self._next_s = FIRST_S

    def wait_s(self, asked_s: float = 0.0) -> float:
        """How long to wait this time. asked_s: what the other side asked for, at least."""
        wanted, self._next_s = self._next_s, min(LONGEST_S, self._next_s * 2)
        return max(asked_s, wanted * (0.5 + 0.5 * self._chance()))

    def reset(self) -> None:
        """It went well."""
        self._next_s = FIRST_S
