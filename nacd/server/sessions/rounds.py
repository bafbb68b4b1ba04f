"""Every session that counts as present is looked at again and again, slowly.

Knows: where the round is, and how fast it may go. Refuses to know: what is decided. This is what catches time: verdicts
and certificates that grow old, hours of the week, sessions that nothing is heard of any more; and whatever was missed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from nacd.server.sessions.book import Book
from nacd.server.sessions.loop.deciding import Deciding
from nacd.server.sessions.upkeep import Upkeep
from nacd.store.live.filters import Filter
from nacd.store.sessions import SessionStore
from nacd.values import Instant

PER_S: Final = 500
BETWEEN_S: Final = 60.0
"""From the beginning of one pass to that of the next, at least."""
_OPEN: Final = Filter(open=True)


class Rounds:
    """For one event loop."""

    def __init__(self, *, book: Book, deciding: Deciding, upkeep: Upkeep, clock: Callable[[], Instant]) -> None:
        self.passes = 0
        """How many have begun."""
        self._book = book
        self._deciding = deciding
        self._upkeep = upkeep
        self._clock = clock
        self._after = 0
        self._under_way = False
        self._due = 0.0
        self._wanted = False
        self._last_turn = 0.0

    def begin_now(self) -> None:
        """Begin a pass with the next turn, or right after the one that is under way."""
        self._wanted = True

    async def turn(self, now: Instant) -> None:
        """As many sessions as the time since the last turn allows."""
        if not self._under_way:
            if not self._wanted and now.monotonic < self._due:
                return
            self._under_way, self._wanted = True, False
            self._after = 0
            self._due = now.monotonic + BETWEEN_S
            self.passes += 1
            self._last_turn = now.monotonic - 1.0
        passed_s = min(1.0, max(0.0, now.monotonic - self._last_turn))
        limit = int(PER_S * passed_s)
        if not limit:
            return
        self._last_turn = now.monotonic
        page = await self._book.read(partial(SessionStore.find, wanted=_OPEN, limit=limit, after=self._after))
        if not page:
            self._under_way = False
            return
        self._after = page[-1].id
        here = self._upkeep.present(page, self._clock())
        await self._deciding.decide(here, "round")
