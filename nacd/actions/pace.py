"""How fast actions and records may follow each other. The clock is passed in.

Knows: an even rate, and a number in a minute. Refuses to know: what is counted.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

_MINUTE_S = 60.0


@dataclass(slots=True, kw_only=True)
class Pace:
    """Slots at an even rate, for many threads. per_s: slots a second; none are saved up for later."""

    per_s: float
    _next: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def slot(self, now: float) -> float:
        """When the caller may go: monotonic seconds, ``now`` or later. The slot is taken with this."""
        with self._lock:
            mine = max(now, self._next)
            self._next = mine + 1.0 / self.per_s
            return mine


@dataclass(slots=True, kw_only=True)
class Few:
    """So many in a minute are let through, the others counted. For one thread."""

    per_minute: int
    _begun: float = float("-inf")
    _let: int = 0
    _held_back: int = 0

    def admit(self, now: float) -> bool:
        """Whether this one is let through. now: monotonic seconds."""
        if now - self._begun >= _MINUTE_S:
            self._begun, self._let = now, 0
        if self._let >= self.per_minute:
            self._held_back += 1
            return False
        self._let += 1
        return True

    def take_held_back(self) -> int:
        """How many were held back since this was asked last."""
        count, self._held_back = self._held_back, 0
        return count
