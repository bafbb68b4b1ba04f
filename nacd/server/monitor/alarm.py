"""Who reminds people that monitor mode is on: at the start, each day, when another policy is loaded, and at its end.

Knows: what was said when. Refuses to know: requests, and what a monitor changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from nacd.policy.monitor.scopes import Monitor, Monitors
from nacd.server.monitor.checks import date, left
from nacd.values import Instant

EVERY_S: Final = 86_400.0


class Alarm:
    """For one thread.

    monitors: of the policy in force. answered: how many requests this one has answered since the start. warn: says a
    line, with fields.
    """

    def __init__(
        self,
        monitors: Callable[[], Monitors],
        answered: Callable[[Monitor], int],
        warn: Callable[..., object],
    ) -> None:
        self._monitors = monitors
        self._answered = answered
        self._warn = warn
        self._said: dict[Monitor, float] = {}

    def tick(self, now: Instant) -> None:
        """Once a second or so."""
        monitors = self._monitors()
        if not monitors and not self._said:
            return
        on = tuple(monitors.in_force(now.wall))
        for monitor in on:
            said_at = self._said.get(monitor)
            if said_at is None or now.monotonic >= said_at + EVERY_S:
                self._said[monitor] = now.monotonic
                self._say(monitor, now)
        for gone in [each for each in self._said if each not in on]:
            del self._said[gone]
            if any((each.scope, each.name) == (gone.scope, gone.name) for each in on):
                continue  # only its end or its profile is another: that it is on has just been said
            how = "has ended" if gone in monitors.all else "was taken out"
            self._warn(f"monitor mode {how}: what is decided is answered", scope=str(gone), until=date(gone))

    def _say(self, monitor: Monitor, now: Instant) -> None:
        self._warn(
            "monitor mode is on: decisions are not enforced",
            scope=str(monitor),
            until=date(monitor),
            left=left(monitor, now.wall),
            profile=monitor.profile,
            answered=self._answered(monitor),
        )
