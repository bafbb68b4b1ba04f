"""When a NAS may be asked to change something, and how often.

Knows: ranges of a week, and a token bucket for each NAS. Refuses to know: clocks, time zones (minutes are local ones,
whoever asks has converted them), and what waits for a window.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

_DAY: Final = 24 * 60
WEEK: Final = 7 * _DAY
"""Minutes of a week, which begins on Monday at 00:00."""
_NASES_KEPT: Final = 20_000
# Whoever waits exactly as long as told must not be turned away for the last digit of a float.
_ROUNDING: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A range of time on some days. Raises ValueError for what is none.

    days: on which it begins, 0 is Monday. begins, ends: minutes since midnight; an end that is not after the beginning
    is on the next day, so 0 to 0 is the whole day.
    """

    days: frozenset[int]
    begins: int
    ends: int

    def __post_init__(self) -> None:
        if not self.days or not self.days <= frozenset(range(7)):
            raise ValueError("a window begins on days from 0 (Monday) to 6")
        if not 0 <= self.begins < _DAY or not 0 <= self.ends <= _DAY:
            raise ValueError("a window begins and ends at a minute of a day")

    def is_open(self, now_local_minutes: int) -> bool:
        """now_local_minutes: since Monday, 00:00, local time."""
        return any((now_local_minutes - day * _DAY - self.begins) % WEEK < self._lasts for day in self.days)

    def opens_in(self, now_local_minutes: int) -> int:
        """Minutes until it is open; 0 while it is."""
        if self.is_open(now_local_minutes):
            return 0
        return min((day * _DAY + self.begins - now_local_minutes) % WEEK for day in self.days)

    @property
    def _lasts(self) -> int:
        return self.ends - self.begins if self.ends > self.begins else self.ends - self.begins + _DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Any of them; none at all means always."""

    windows: tuple[Window, ...] = ()

    def is_open(self, now_local_minutes: int) -> bool:
        """now_local_minutes: since Monday, 00:00, local time."""
        return not self.windows or any(each.is_open(now_local_minutes) for each in self.windows)

    def opens_in(self, now_local_minutes: int) -> int:
        """Minutes until one is open; 0 while one is."""
        return min((each.opens_in(now_local_minutes) for each in self.windows), default=0)


class NasRates:
    """How often each NAS is asked. For one thread; ``now`` is seconds of a clock that never jumps.

    per_s: questions a second in the long run. burst: at once after a quiet time. Bounded: of more NASes than
    ``capacity`` the one that was quiet longest starts with a full bucket again.
    """

    def __init__(self, *, per_s: float, burst: int, capacity: int = _NASES_KEPT) -> None:
        if per_s <= 0 or burst < 1 or capacity < 1:
            raise ValueError("rate, burst and capacity are positive")
        self._per_s = per_s
        self._burst = float(burst)
        self._capacity = capacity
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, when they were counted

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, nas: str, now: float) -> bool:
        """Whether this NAS may be asked once more now; if so it is counted."""
        tokens = self._tokens(nas, now)
        taken = tokens >= 1.0 - _ROUNDING
        _, counted = self._buckets.pop(nas, (0.0, now))
        self._buckets[nas] = (tokens - 1.0 if taken else tokens, max(now, counted))
        if len(self._buckets) > self._capacity:
            self._buckets.popitem(last=False)
        return taken

    def wait_s(self, nas: str, now: float) -> float:
        """Seconds until ``take`` says yes, if nobody else takes; 0.0 for now."""
        tokens = self._tokens(nas, now)
        return 0.0 if tokens >= 1.0 - _ROUNDING else (1.0 - tokens) / self._per_s

    def _tokens(self, nas: str, now: float) -> float:
        tokens, counted = self._buckets.get(nas, (self._burst, now))
        return min(self._burst, tokens + max(0.0, now - counted) * self._per_s)
