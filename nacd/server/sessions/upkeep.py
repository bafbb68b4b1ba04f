"""What is looked after now and then: sessions that have gone silent, those to be forgotten, orders that have run out.

Knows: how long each may last, and how often NASes speak. Refuses to know: what is decided about sessions.

To age a session that is there is a mistake that nobody sees, so what is not known is taken for its good: how often a
NAS speaks says something of its own sessions that have spoken so themselves, and of no other (many switches may be one
client); and a clock that was set tells nothing of how long anybody was silent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import inf
from typing import Final

from nacd.server.sessions.book import Book
from nacd.server.sessions.loop.telling import Telling
from nacd.session.ageing import SHORTEST_INTERVAL_S, Intervals, Patience, aged
from nacd.session.overrides import Orders, Override
from nacd.sessions import Gone, Phase, Session
from nacd.store.live.outcome import Applied
from nacd.store.sessions import SessionStore
from nacd.values import Instant

_FORGET_EVERY_S: Final = 3_600.0
_COUNT_EVERY_S: Final = 10.0
_MOST_UNHEARD: Final = 16
"""Of one device on one NAS: without accounting its logins are all that is known, and they must not add up for a day."""
_CROWD_EVERY_S: Final = 60.0
_CROWD_SHARE: Final = 50
"""Looking for them takes at most this part of the time."""
_CROWD_AT_ONCE: Final = 20_000
_SLICE: Final = 500
_MANY_NEWER: Final = f"its device has logged in {_MOST_UNHEARD} times since, and its NAS never accounted for it"
_SAMPLES: Final = 16
"""Sessions of one NAS whose Interims are watched."""
_SAMPLE_S: Final = 7_200.0
"""One that is silent for so long makes room for another."""
_ITS_END: Final = "its end"
"""Stands where somebody would be named who has lifted an order."""
_SET_S: Final = 30.0
"""What the two clocks may differ by and still tell one time: more, and one of them was set, or the machine slept."""
_SURELY_OVER_S: Final = 86_400.0
"""An order is forgotten after a day of having run out: a clock that is wrong for a while must not take it away."""


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
        self._samples: dict[tuple[str, int], tuple[int, float]] = {}
        began = clock()
        self._listening_since = began
        self._was_set = False
        # Those that were over before this began: the round at start decides their sessions.
        self._over = {each.id: began.monotonic for each in orders if not each.is_in_force(began.wall)}
        self._forgetting: asyncio.Task[None] | None = None
        self._forget_at = 0.0
        self._count_at = 0.0
        self._crowd_at = 0.0

    def renew(self, patience: Patience, keep_s: float) -> None:
        """As long as this from now on."""
        self._patience, self._keep_s = patience, keep_s

    def heard(self, session: Session) -> None:
        """An Interim of it came: its NAS's habit is learnt from some of them."""
        nas, seen_at = _nas(session), session.seen_at
        slot = (nas, session.id % _SAMPLES)
        id, before = self._samples.get(slot, (session.id, 0.0))
        if id != session.id and abs(seen_at - before) < _SAMPLE_S:
            return
        if id == session.id and before and seen_at > before:
            self._intervals.heard(nas, seen_at - before)
        self._samples[slot] = (session.id, seen_at)

    def present(self, page: Sequence[Session], now: Instant) -> list[Session]:
        """Those that are still there; the others age now. What was said while nobody listened was no silence."""
        self._mind_the_clock(now)
        here: list[Session] = []
        silent: list[Gone] = []
        for each in page:
            if why := self._why_aged(each, now):
                silent.append(Gone(id=each.id, phase=Phase.AGED, at=now.wall, cause=why))
            else:
                here.append(each)
        if silent:
            self._book.write(silent).add_done_callback(lambda done: self._told(done.result()))
        return here

    def _why_aged(self, session: Session, now: Instant) -> str:
        interval_s = self._intervals.interval_s(_nas(session)) if _speaks(session) else 0.0
        since = self._listening_since.wall
        ends_at = session.ends_at
        if self._was_set and ends_at <= since:
            ends_at = 0.0  # by a clock that was wrong before, or is now
        seen_at = max(session.seen_at, min(since, ends_at or inf))
        silent = replace(session, seen_at=seen_at, ends_at=ends_at)
        return aged(silent, replace(self._patience, interval_s=interval_s), now.wall)

    def _mind_the_clock(self, now: Instant) -> None:
        """When the clock was set, everybody was silent since then and no longer."""
        began = self._listening_since
        if abs((now.wall - began.wall) - (now.monotonic - began.monotonic)) > _SET_S:
            self._listening_since = now
            self._was_set = True

    def _told(self, outcomes: Sequence[Applied]) -> None:
        now = self._clock()
        for each in outcomes:
            if each.changed and isinstance(each.session, Session):
                self._telling.ended(each.session, each.session.cause, now)

    def ran_out(self, now: Instant) -> tuple[Override, ...]:
        """Orders whose end has come since this was asked last; once more if the clock was set back meanwhile."""
        over = {each.id: each for each in self._orders if not each.is_in_force(now.wall)}
        new = tuple(each for id, each in over.items() if id not in self._over)
        self._over = {id: self._over.get(id, now.monotonic) for id in over}
        return new

    async def turn(self, now: Instant) -> None:
        """Count what there is, and forget what is old, when it is time."""
        self._mind_the_clock(now)
        if now.monotonic >= self._count_at:
            counts = await self._book.read(SessionStore.counts)
            if not self._book.problem:  # else nothing was counted, which is no sign that nobody is there
                self.live_sessions = counts[Phase.AUTHORIZED] + counts[Phase.LIVE]
            self._count_at = now.monotonic + _COUNT_EVERY_S
        if now.monotonic >= self._crowd_at:
            await self._age_crowds(now)
        if now.monotonic >= self._forget_at and (self._forgetting is None or self._forgetting.done()):
            self._forget_at = now.monotonic + _FORGET_EVERY_S
            # Nobody waits for it: it may take long after a busy day, and devices must be decided upon meanwhile.
            self._forgetting = asyncio.get_running_loop().create_task(self._forget(now), name="forgetting sessions")

    async def _age_crowds(self, now: Instant) -> None:
        """Of the many logins of one device that nothing was heard of, only the newest count as present."""
        found = await self._book.read(partial(SessionStore.crowding, most=_MOST_UNHEARD, limit=_CROWD_AT_ONCE))
        for first in range(0, len(found), _SLICE):
            # What is heard of them from now on speaks against it.
            some = [
                Gone(id=id, phase=Phase.AGED, at=now.wall, cause=_MANY_NEWER) for id in found[first : first + _SLICE]
            ]
            self._told(await self._book.write(some))
        after = self._clock().monotonic
        self._crowd_at = after + max(_CROWD_EVERY_S, _CROWD_SHARE * (after - now.monotonic))

    async def close(self) -> None:
        """Do nothing more by itself."""
        if self._forgetting is not None:
            self._forgetting.cancel()
            await asyncio.wait({self._forgetting})

    async def _forget(self, now: Instant) -> None:
        before = now.wall - self._keep_s
        old = {each.id: each.until for each in self._orders if each.until and each.until < before}
        sure = {id: until for id, until in old.items() if now.monotonic - self._over.get(id, inf) >= _SURELY_OVER_S}
        for id in await self._book.read(partial(_forget, before, sure)):
            self._orders.forget(id)


def _nas(session: Session) -> str:
    """One name for one NAS: a client may be a whole network of them."""
    place = session.place
    return "\n".join((place.nas, place.source, place.nas_identifier))


def _speaks(session: Session) -> bool:
    """Whether it has sent an Interim. One that comes right after its Start may be all that its NAS ever sends of it (a
    new address); a login is heard of too, and is none."""
    if not session.started_at:
        return False
    return session.seen_at - max(session.started_at, session.login_at) >= SHORTEST_INTERVAL_S


def _forget(ended_before: float, orders: Mapping[int, float], store: SessionStore) -> tuple[int, ...]:
    """Sessions that have ended before this, and these orders, by id with their end: those that are forgotten."""
    lifted = [store.lift_override(id, until, _ITS_END) for id, until in orders.items()]
    store.prune(ended_before)
    return tuple(each.id for each in lifted if isinstance(each, Override))
