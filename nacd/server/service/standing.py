"""How the daemon stands, told to whoever started it: starting, ready, loading anew, stopping, and alive meanwhile.

Knows: when which word of sd_notify(3) is due. Refuses to know: how a word travels (``notify``), and what is served.

Theory: the watchdog is fed by a timer of the event loop and by nothing else, so it is fed just as long as the loop
turns. Before the loop turns, reading a configuration and a table of sessions may take longer than the supervisor waits;
a thread asks for more time then, and not for ever: a start that hangs is ended.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Final

from nacd.server.service.notify import Notify

STARTING_AT_MOST_S: Final = 600.0
_MORE_S: Final = 30.0
_ASK_EVERY_S: Final = 5.0
_STATUS_EVERY_S: Final = 10.0
_STOPPING_S: Final = 30.0
_US: Final = 1_000_000


class Standing:
    """For one event loop. notify: whom to tell."""

    def __init__(self, notify: Notify) -> None:
        self._notify = notify
        self._status: Callable[[], str] = str
        self._told = ""
        self._started = threading.Event()
        self._stopping = False
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def starting(self, *, every_s: float = _ASK_EVERY_S, at_most_s: float = STARTING_AT_MOST_S) -> None:
        """From now on until ``ready`` or ``over`` more time is asked for, but not longer than at_most_s seconds."""
        if not self._notify.is_heard:
            return
        self._notify.say(STATUS="starting: reading configuration and state")
        until = time.monotonic() + at_most_s

        def ask() -> None:
            while not self._started.wait(every_s) and time.monotonic() < until:
                self._notify.longer(_MORE_S)

        threading.Thread(target=ask, name="nacd-starting", daemon=True).start()

    def ready(self, status: Callable[[], str]) -> None:
        """All ports are open. status: one line about what is served, asked now and then; to be called on the loop."""
        self._started.set()
        self._status = status
        self._told = status()
        self._notify.say(READY=1, STATUS=self._told)
        if not self._notify.is_heard:
            return
        self._again("status", _STATUS_EVERY_S, self._tell)
        if self._notify.watchdog_s:
            self._feed()

    def reloading(self, busy: bool) -> None:
        """A configuration is being loaded (since when, by CLOCK_MONOTONIC: sd_notify(3)), or is in force or refused."""
        if self._stopping:
            return
        if busy:
            now_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000
            self._notify.say(RELOADING=1, MONOTONIC_USEC=now_us, STATUS="reading the configuration anew")
        else:
            self._told = self._status()
            self._notify.say(READY=1, STATUS=self._told)

    def stopping(self, reason: str) -> None:
        """No new work is taken; what is under way is answered. The watchdog still wants to be fed."""
        self._stopping = True
        self._notify.say(STOPPING=1, STATUS=f"stopping ({reason}): answering what is under way")
        self._notify.longer(_STOPPING_S)

    def over(self) -> None:
        """Whoever is left tells nothing more."""
        self._started.set()
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._notify.close()

    def _feed(self) -> None:
        # First the next time: whatever goes wrong, the loop comes back here, or does not turn any more.
        self._again("watchdog", self._notify.watchdog_s / 4, self._feed)
        self._notify.say(WATCHDOG=1)

    def _tell(self) -> None:
        self._again("status", _STATUS_EVERY_S, self._tell)
        status = self._status()
        if status != self._told and not self._stopping:
            self._told = status
            self._notify.say(STATUS=status)

    def _again(self, name: str, seconds: float, then: Callable[[], None]) -> None:
        self._timers[name] = asyncio.get_running_loop().call_later(seconds, then)


def in_words(generation: int, nases: int, sessions: int | None) -> str:
    """The line that ``systemctl status`` shows. sessions: None while nobody has counted."""
    counted = f", {sessions:,} live sessions" if sessions is not None else ""
    return f"serving: configuration {generation}, {nases:,} {'NAS' if nases == 1 else 'NASes'}{counted}"
