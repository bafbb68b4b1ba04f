"""How long to leave Graph alone when it throttles and does not say for how long.

Knows: a row of growing pauses. Refuses to know: when one begins. 1, 2, 4 ... 60 seconds, each shortened by up to
a half at random, so that several daemons that were throttled at one moment do not come back at one moment.
"""

from __future__ import annotations

import secrets
import threading

_FIRST_S = 1.0
_LONGEST_S = 60.0
_DOUBLINGS = 6


class BackOff:
    """The row. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._row = 0

    def next_s(self) -> float:
        """Seconds of the next pause."""
        with self._lock:
            longest_s = min(_LONGEST_S, _FIRST_S * (1 << self._row))
            self._row = min(self._row + 1, _DOUBLINGS)
        return longest_s * (1 - secrets.randbelow(501) / 1000)

    def eased(self) -> None:
        """Graph answered: the next pause is the first again."""
        with self._lock:
            self._row = 0
