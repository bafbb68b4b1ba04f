"""When it is said again that something ends: at 30, 7 and 1 day before, daily in the last week and after, never twice a
day. Pure.

Knows: what was said, and when. Refuses to know: what ends, and who is told.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable
from typing import Final

from nacd.intune import expiry

_DAILY_FROM_DAYS: Final = 7


class Reminders:
    """What was said already of each thing. A new thing starts again."""

    def __init__(self) -> None:
        self._said: dict[Hashable, tuple[int, float]] = {}

    def due(self, what: Hashable, ends_at: float, now: float) -> bool:
        """Whether to say now that it ends. ends_at, now: seconds since the epoch; ends_at 0.0: nobody knows when."""
        step = expiry.due(ends_at, now)
        if step == expiry.NEVER:
            return False
        said, at = self._said.get(what, (expiry.NEVER, 0.0))
        if said != expiry.NEVER:
            a_day_later = not 0.0 <= now - at < expiry.DAY_S  # a clock that was set back has told nothing
            if not a_day_later or (step == said and step > _DAILY_FROM_DAYS):
                return False
        self._said[what] = (step, now)
        return True

    def keep(self, there: Collection[Hashable]) -> None:
        """Forget what is no more."""
        for gone in self._said.keys() - set(there):
            del self._said[gone]
