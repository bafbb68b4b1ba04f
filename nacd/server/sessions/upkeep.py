"""What is looked after now and then: sessions that have gone silent, those to be forgotten, orders that have run out.

Knows: how long each may last, and how often NASes speak. Refuses to know: what is decided about sessions.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from nacd.server.sessions.book import Book
from nacd.server.sessions.loop.telling import Telling
from nacd.session.ageing import Intervals, Patience, aged
from nacd.session.overrides import Orders, Override
from nacd.sessions import Gone, Phase, Session
from nacd.store.live.outcome import Applied
from nacd.store.sessions import SessionStore
from nacd.values import Instant

_PRUNE_EVERY_S: Final = 3_600.0
_COUNT_EVERY_S: Final = 10.0
_SAMPLES: Final = 4_096


class Upkeep:
    """keep_s: how long sessions that have ended are kept. patience: for a NAS of which no interval is known."""

    def __init__(
        self,
        *,
        book: Book,
        telling: Telling,
        orders: Orders,
        patience: Patience,
        keep_s: float,
        clock: Callable[[], Instant],
    ) -> None:
        self.live_sessions = 0
        """How many count as present, as of a moment ago."""
        self._book = book
        self._telling = telling
        self._orders = orders
        self._patience = patience
        self._keep_s = keep_s
        self._clock = clock
        self._intervals = Intervals()
        self._samples: OrderedDict[int, float] = OrderedDict()
        self._looked_at = clock().wall
        self._prune_at = 0.0
        self._count_at = 0.0

    def heard(self, session: Session) -> None:
        """An Interim of it came: its NAS's habit is learnt from some of them."""
        before = self._samples.pop(session.id, 0.0)
        if before and session.seen_at > before:
            self._intervals.heard(session.place.nas, session.seen_at - before)
        self._samples[session.id] = session.seen_at
        if len(self._samples) > _SAMPLES:
            self._samples.popitem(last=False)

    def present(self, page: Sequence[Session], now: Instant) -> list[Session]:
        """Those that are still there; the others age now."""
        here: list[Session] = []
        silent: list[Gone] = []
        for each in page:
            patience = replace(self._patience, interval_s=self._intervals.interval_s(each.place.nas))
            why = aged(each, patience, now.wall)
            if why:
                silent.append(Gone(id=each.id, phase=Phase.AGED, at=now.wall, cause=why))
            else:
                here.append(each)
        if silent:
            self._book.write(silent).add_done_callback(lambda done: self._told(done.result()))
        return here

    def _told(self, outcomes: Sequence[Applied]) -> None:
        now = self._clock()
        for each in outcomes:
            if each.changed and isinstance(each.session, Session):
                self._telling.ended(each.session, each.session.cause, now)

    def ran_out(self, now: Instant) -> tuple[Override, ...]:
        """Orders whose end has come since this was asked last."""
        since, self._looked_at = self._looked_at, now.wall
        return tuple(each for each in self._orders if each.until and since < each.until <= now.wall)

    async def turn(self, now: Instant) -> None:
        """Count what there is, and forget what is old, when it is time."""
        if now.monotonic >= self._count_at:
            counts = await self._book.read(SessionStore.counts)
            self.live_sessions = counts[Phase.AUTHORIZED] + counts[Phase.LIVE]
            self._count_at = now.monotonic + _COUNT_EVERY_S
        if now.monotonic >= self._prune_at:
            await self._book.read(partial(SessionStore.prune, ended_before=now.wall - self._keep_s))
            self._prune_at = now.monotonic + _PRUNE_EVERY_S
