"""When NASes may be asked to change something.

Knows: ranges of a week. Refuses to know: clocks, time zones (minutes are local ones,
whoever asks has converted them), and what waits for a window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_DAY: Final = 24 * 60
WEEK: Final = 7 * _DAY
"""Minutes of a week, which begins on Monday at 00:00."""


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
