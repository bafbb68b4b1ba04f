"""How much of the inventory a helpdesk may change in an hour.

Knows: a ration, and what is left of it. Refuses to know: what is changed. Each change is a record of its own, and an
audit file that takes nothing more stops Accepts: whoever may let a printer in must not be able to do that.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from nacd.server.people.command import Asked, NotDone
from nacd.server.people.roles import Role
from nacd.values import Instant

PER_HOUR: Final = 5_000
_HOUR_S: Final = 3_600.0


class Ration:
    """Of all helpdesks together. Whoever has the role ``config`` needs none."""

    def __init__(self, per_hour: int = PER_HOUR) -> None:
        self._per_hour = per_hour
        self._taken: deque[tuple[float, int]] = deque()

    def take(self, asked: Asked, entries: int, now: Instant) -> None:
        """Before so many are changed. Raises NotDone."""
        if not entries or asked.by.may(Role.CONFIG):
            return
        while self._taken and now.monotonic - self._taken[0][0] >= _HOUR_S:
            self._taken.popleft()
        left = self._per_hour - sum(count for _, count in self._taken)
        if entries > left:
            raise NotDone(
                f"a helpdesk changes {self._per_hour:,} entries an hour at most, these are {entries:,} and {left:,} are"
                " left: wait, or ask somebody whom `control.config` names"
            )
        self._taken.append((now.monotonic, entries))
