"""Until when Intune is left alone, and why; and how often it said that it was asked too much.

Knows: one moment on the monotonic clock. Refuses to know: what led to it.
"""

from __future__ import annotations

import threading
import time

_LONGEST_PAUSE_S = 3600.0


class Pause:
    """One pause for everybody who asks the same tenant. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until = 0.0
        self._why = ""
        self._throttled = 0

    @property
    def throttled(self) -> int:
        """How many 429 answers there were since the start."""
        with self._lock:
            return self._throttled

    def throttle(self) -> None:
        """Count a 429."""
        with self._lock:
            self._throttled += 1

    def extend(self, seconds: float, why: str) -> None:
        """Leave Intune alone for this long, an hour at most; a longer pause that is on already stays."""
        until = time.monotonic() + min(seconds, _LONGEST_PAUSE_S)
        with self._lock:
            if until > self._until:
                self._until, self._why = until, why

    def left(self) -> tuple[float, str]:
        """Seconds still to wait, and why; ``(0.0, "")`` when Intune may be asked."""
        with self._lock:
            left_s = max(0.0, self._until - time.monotonic())
            return left_s, self._why if left_s else ""
