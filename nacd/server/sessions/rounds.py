"""Every session that counts as present is looked at again and again, slowly; those that have aged a tenth as often.

Knows: where each round is, and how fast it may go. Refuses to know: what is decided. This is what catches time:
verdicts and certificates that grow old, hours of the week, sessions that nothing is heard of any more; and whatever was
missed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from nacd.server.sessions import reach
from nacd.server.sessions.book import Book
from nacd.server.sessions.loop.deciding import Deciding
from nacd.server.sessions.upkeep import Upkeep
from nacd.store.live.filters import Filter
from nacd.store.sessions import SessionStore
from nacd.values import Instant

PER_S: Final = 500
BETWEEN_S: Final = 60.0
"""From the beginning of one pass to that of the next, at least."""
AGED_SHARE: Final = 10
"""So much slower, and less often, go those that have aged: there may be a week of them, and most are gone."""
_OPEN: Final = Filter(open=True)


@dataclass(slots=True, kw_only=True)
class _Way:
    """Through all sessions of one kind. passes: how many have begun. after: number of the last one that was seen."""

    per_s: float
    between_s: float
    passes: int = 0
    after: int = 0
    under_way: bool = False
    due: float = 0.0
    begin_now: bool = False
    last_turn: float = 0.0

    def limit(self, now: Instant) -> int:
        """How many may be looked at now."""
        if not self.under_way:
            if not self.begin_now and now.monotonic < self.due:
                return 0
            self.under_way, self.begin_now = True, False
            self.after = 0
            self.due = now.monotonic + self.between_s
            self.passes += 1
            self.last_turn = now.monotonic - 1.0
        limit = int(self.per_s * min(1.0, max(0.0, now.monotonic - self.last_turn)))
        if limit:
            self.last_turn = now.monotonic
        return limit

    def seen(self, last: int) -> None:
        """The number of the last one of a page; 0 if it was empty, which is the end."""
        self.under_way, self.after = bool(last), last


class Rounds:
    """For one event loop."""

    def __init__(self, *, book: Book, deciding: Deciding, upkeep: Upkeep, clock: Callable[[], Instant]) -> None:
        self._book = book
        self._deciding = deciding
        self._upkeep = upkeep
        self._clock = clock
        self._open = _Way(per_s=PER_S, between_s=BETWEEN_S)
        self._aged = _Way(per_s=PER_S / AGED_SHARE, between_s=BETWEEN_S * AGED_SHARE)

    @property
    def passes(self) -> int:
        """How many have begun, over those that count as present."""
        return self._open.passes

    def begin_now(self) -> None:
        """Begin a pass with the next turn, or right after the one that is under way."""
        self._open.begin_now = self._aged.begin_now = True

    async def turn(self, now: Instant) -> None:
        """As many sessions as the time since the last turn allows."""
        if limit := self._open.limit(now):
            page = await self._book.read(partial(SessionStore.find, wanted=_OPEN, limit=limit, after=self._open.after))
            self._open.seen(page[-1].id if page else 0)
            await self._deciding.decide(self._upkeep.present(page, self._clock()), "round")
        if limit := self._aged.limit(now):
            aged, last = await self._book.read(partial(reach.aged_page, limit=limit, after=self._aged.after))
            self._aged.seen(last)
            await self._deciding.decide(aged, "round")
