"""How many questions a second may be asked.

Knows: a rate, and when the other side said that it is too much. Refuses to know: questions, threads, clocks.

Theory. A token bucket gives the long-run rate and lets one second's worth through at once. How much Microsoft takes
is written nowhere and changes with what others ask of the same tenant, so the rate is found as TCP finds its own:
each refusal halves it (at most once a second, since those under way are refused together), and while none comes
it rises by a twentieth of the full rate every ten seconds. Halving gets out of trouble in a few steps, adding comes
back to the limit gently; two askers that do so end up sharing what there is. It never falls below one a second, so
there is always a question under way that can find out that the trouble is over.
"""

from __future__ import annotations

from typing import Final

from nacd.values import Instant

_FLOOR_PER_S: Final = 1.0
_HALVED_AT_MOST_EVERY_S: Final = 1.0
_RISES_EVERY_S: Final = 10.0
_RISES_BY: Final = 0.05
# Whoever waits exactly as long as told must not be turned away for the last digit of a float.
_ROUNDING: Final = 1e-6


class Budget:
    """per_s: questions a second while nobody complains; more than 0, ValueError otherwise."""

    def __init__(self, per_s: float) -> None:
        if not per_s > 0:
            raise ValueError("a budget is more than 0 questions a second")
        self._full = float(per_s)
        self._floor = min(self._full, _FLOOR_PER_S)
        self._rate = self._full
        self._tokens = self._burst
        self._counted_at = float("-inf")
        self._risen_at = float("-inf")
        self._halved_at = float("-inf")

    @property
    def rate(self) -> float:
        """Questions a second, as of the last call of any other method."""
        return self._rate

    @property
    def full_rate(self) -> float:
        """Questions a second while nobody complains."""
        return self._full

    def take(self, now: Instant) -> bool:
        """Whether one question may be asked now; if so it is counted."""
        self._advance(now)
        if self._tokens < 1.0 - _ROUNDING:
            return False
        self._tokens -= 1.0
        return True

    def wait_s(self, now: Instant) -> float:
        """Seconds until ``take`` says yes, if nobody else takes; 0.0 for now."""
        self._advance(now)
        return 0.0 if self._tokens >= 1.0 - _ROUNDING else (1.0 - self._tokens) / self._rate

    def throttled(self, now: Instant) -> None:
        """The other side said that it is too much (429)."""
        self._advance(now)
        self._risen_at = now.monotonic
        if now.monotonic - self._halved_at >= _HALVED_AT_MOST_EVERY_S:
            self._halved_at = now.monotonic
            self._rate = max(self._floor, self._rate / 2)
            self._tokens = min(self._tokens, self._burst)

    @property
    def _burst(self) -> float:
        return max(1.0, self._rate)

    def _advance(self, now: Instant) -> None:
        """Count the tokens that came since the last look, then let the rate rise for the time without complaint."""
        # At the first look the bucket is full already.
        passed_s = max(0.0, now.monotonic - self._counted_at)
        self._counted_at = max(self._counted_at, now.monotonic)
        self._tokens = min(self._burst, self._tokens + passed_s * self._rate)
        if self._rate < self._full:
            rises = (now.monotonic - self._risen_at) // _RISES_EVERY_S
            if rises > 0:
                self._risen_at += rises * _RISES_EVERY_S
                self._rate = min(self._full, self._rate + rises * _RISES_BY * self._full)
