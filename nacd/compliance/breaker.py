"""A circuit breaker: stop asking a service that keeps failing, and try it again one call at a time.

Knows: successes and failures in order, and the moments they were reported at. Refuses to know: what
is called, threads, clocks. Not locked: one thread (the event loop) uses it.

Theory. A breaker is a machine of three states. CLOSED lets every call through and counts failures
in a row; at the limit it goes to OPEN. OPEN refuses until its time is up; the first call after
that becomes the single probe and the state is PROBING. PROBING refuses everybody else; the probe's
success closes, its failure opens again for twice as long, up to a ceiling. Two things keep this
honest. Calls admitted before the breaker opened report late, so a report in OPEN changes nothing.
And a probe may vanish without a report, so after ``probe_limit_s`` the next call becomes the probe. Each probe begins
a new generation: a call of an older one that ends now says how the service was then, and changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from nacd.values import Instant


class BreakerState(StrEnum):
    """Where the breaker stands."""

    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerOptions:
    """failures_to_open: failures in a row. The rest are seconds; see the theory above."""

    failures_to_open: int = 5
    open_s: float = 5.0
    max_open_s: float = 60.0
    probe_limit_s: float = 30.0

    def __post_init__(self) -> None:
        if self.failures_to_open < 1 or not 0 < self.open_s <= self.max_open_s or self.probe_limit_s <= 0:
            raise ValueError("a breaker needs at least one failure and positive times")


class Breaker:
    """Says whether a call may be made; is told how it went."""

    def __init__(self, options: BreakerOptions | None = None) -> None:
        self._options = options or BreakerOptions()
        self._state = BreakerState.CLOSED
        self._failures = 0
        self._open_s = self._options.open_s
        self._until = 0.0
        self._generation = 1

    @property
    def state(self) -> BreakerState:
        """The state, for metrics."""
        return self._state

    def left_s(self, now: Instant) -> float:
        """Seconds until the next call is let through as a probe; 0.0 when one would be now, or when it is closed."""
        return 0.0 if self._state is BreakerState.CLOSED else max(0.0, self._until - now.monotonic)

    def admit(self, now: Instant) -> int:
        """May this call be made? 0: no. Else its generation, for ``succeeded``, ``failed`` or ``abandoned``."""
        if self._state is BreakerState.CLOSED:
            return self._generation
        if now.monotonic < self._until:
            return 0
        self._state = BreakerState.PROBING
        self._until = now.monotonic + self._options.probe_limit_s
        self._generation += 1
        return self._generation

    def succeeded(self, now: Instant, generation: int) -> None:
        """The service answered, whatever it said. In OPEN this is old news and changes nothing."""
        del now  # the three reports have one shape
        if self._state is BreakerState.OPEN or generation != self._generation:
            return
        self._state = BreakerState.CLOSED
        self._failures = 0
        self._open_s = self._options.open_s

    def failed(self, now: Instant, generation: int) -> None:
        """The service did not answer."""
        if generation != self._generation:
            return
        match self._state:
            case BreakerState.CLOSED:
                self._failures += 1
                if self._failures >= self._options.failures_to_open:
                    self._open(now)
            case BreakerState.PROBING:
                self._open_s = min(self._open_s * 2, self._options.max_open_s)
                self._open(now)
            case BreakerState.OPEN:
                pass

    def abandoned(self, now: Instant, generation: int) -> None:
        """The call ended and says nothing of the service; a probe's place is free again."""
        if self._state is BreakerState.PROBING and generation == self._generation:
            self._until = now.monotonic

    def _open(self, now: Instant) -> None:
        self._state = BreakerState.OPEN
        self._until = now.monotonic + self._open_s
