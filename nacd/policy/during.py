"""The condition on time: some hours of some days of the week.

Knows: weeks of minutes, and which minute of its week an instant is in a time zone. Refuses to know: what time it is now
(``Facts.at``), and where time zones are kept (whoever makes the condition brings one).

The time that a clock on the wall shows counts. When it is set forward, what it leaps over does not come that day; when
it is set back, what it shows twice counts twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import ClassVar, Final

from nacd.policy.words import Predicate
from nacd.values import Facts

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY: Final = 24 * 60
WEEK: Final = 7 * DAY
"""Minutes, from Monday at 00:00."""
ALWAYS: Final = (1 << WEEK) - 1
_NO_TIME: Final = -1
_LAST: Final = 253_402_000_000.0  # late in the year 9999, in every time zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Some hours of some days. Raises ValueError for what is none.

    days: on which they begin, 0 is Monday. begins, ends: minutes since midnight; an end that is not after the beginning
    is on the next day, so 0 to 0 is the whole day.
    """

    days: frozenset[int]
    begins: int
    ends: int

    def __post_init__(self) -> None:
        if not self.days or not self.days <= frozenset(range(7)):
            raise ValueError("hours begin on days from 0 (Monday) to 6")
        if not 0 <= self.begins < DAY or not 0 <= self.ends <= DAY:
            raise ValueError("hours begin and end at a minute of a day")

    def minutes(self) -> int:
        """A bit for each minute of the week."""
        lasts = self.ends - self.begins if self.ends > self.begins else self.ends - self.begins + DAY
        found = 0
        for day in self.days:
            found |= ((1 << lasts) - 1) << (day * DAY + self.begins)
        return (found & ALWAYS) | found >> WEEK  # a Sunday's may end on Monday

    def __str__(self) -> str:
        return f"{_days(self.days)}{_clock(self.begins)} to {_clock(self.ends)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class During:
    """What time it is where the site is: within any of these hours. zone_name: as it is written."""

    key: ClassVar[str] = "during"
    cost: ClassVar[int] = 2
    settled_by_nas: ClassVar[bool] = False
    waits: ClassVar[bool] = False
    hours: tuple[Hours, ...]
    zone: tzinfo
    zone_name: str

    def test(self) -> Predicate:
        minutes, zone = self.minutes(), self.zone
        return lambda facts: (now := _minute(facts.at, zone)) != _NO_TIME and bool(minutes >> now & 1)

    def minute(self, at: float) -> int:
        """The minute of the week at this moment (seconds since the epoch), -1 for no moment at all."""
        return _minute(at, self.zone)

    def minutes(self) -> int:
        """A bit for each minute of the week in which it holds."""
        found = 0
        for each in self.hours:
            found |= each.minutes()
        return found

    def wanted(self) -> str:
        return f"{' or '.join(f'`{each}`' for each in self.hours)} in {self.zone_name}"

    def seen(self, facts: Facts) -> str:
        now = _minute(facts.at, self.zone)
        if now == _NO_TIME:
            return "the time is not known"
        return f"it is `{DAYS[now // DAY]} {_clock(now % DAY)}` in {self.zone_name}"


def _minute(at: float, zone: tzinfo) -> int:
    """The minute of the week, ``_NO_TIME`` for no time at all."""
    if not 0.0 < at < _LAST:
        return _NO_TIME
    local = datetime.fromtimestamp(at, zone)
    return local.weekday() * DAY + local.hour * 60 + local.minute


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _days(days: frozenset[int]) -> str:
    """``mon-fri ``, ``sat, sun ``, and nothing for all of them."""
    if len(days) == len(DAYS):
        return ""
    inner, runs = sorted(days), list[list[int]]()
    for day in inner:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    words = [f"{DAYS[run[0]]}-{DAYS[run[-1]]}" if len(run) > 2 else ", ".join(DAYS[day] for day in run) for run in runs]
    return f"{', '.join(words)} "
