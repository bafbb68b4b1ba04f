"""What follows when an entry of the inventory comes, goes or ends: its live sessions are decided again.

Knows: whose end has come, and that a list of a hundred thousand is taken in small pieces. Refuses to know: what is
decided; a login needs none of this, it finds the inventory as it is.

A few at a time go past the guard against mass changes, as a person's order does, for that is what they are. More than
that in a minute are a list, or an end that many have in common: these go through the guard, so that a list with a
mistake in it throws nobody out unseen.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from itertools import islice
from typing import Any, Final, Protocol

from nacd.audit.mab import events
from nacd.server.log import logger
from nacd.server.sessions import reach
from nacd.session.macs.inventory import Inventory
from nacd.sessions import Session
from nacd.store.sessions import SessionStore
from nacd.values import AuditEvent, Instant

TRIGGER: Final = "inventory"
"""In the record of a change that is wanted."""
_SLICE: Final = 200
_A_FEW: Final = 20
"""MACs within a minute."""
_MINUTE_S: Final = 60.0


class Reads(Protocol):
    """``Book.read``."""

    def __call__(self, ask: Callable[[SessionStore], Any], /) -> Awaitable[Any]: ...


class Decides(Protocol):
    """``Deciding.decide``."""

    def __call__(self, sessions: Sequence[Session], trigger: str, *, ordered: bool) -> Awaitable[object]: ...


class Watch:
    """For one event loop. record: takes audit events."""

    def __init__(
        self,
        *,
        inventory: Inventory,
        read: Reads,
        decide: Decides,
        record: Callable[[Sequence[AuditEvent]], object],
        clock: Callable[[], Instant],
    ) -> None:
        self._inventory = inventory
        self._read = read
        self._decide = decide
        self._record = record
        self._clock = clock
        self._macs: dict[str, None] = {}
        self._ended: deque[str] = deque()
        self._work: asyncio.Task[None] | None = None
        self._minute_began = float("-inf")
        self._within_it = 0

    @property
    def waiting(self) -> int:
        """MACs whose sessions are to be decided again."""
        return len(self._macs)

    def changed(self, macs: Iterable[str]) -> None:
        """Their entries have come, gone or changed."""
        self._macs.update(dict.fromkeys(macs))

    def tick(self, now: Instant) -> None:
        """Once a second or so."""
        ended = self._inventory.ran_out(now.wall)
        self._ended.extend(ended)
        self.changed(ended)
        if (self._macs or self._ended) and (self._work is None or self._work.done()):
            self._work = asyncio.get_running_loop().create_task(self._take(), name="inventory")
            self._work.add_done_callback(_told)

    async def close(self) -> None:
        """Decide nothing more; the round at the next start looks at every session."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait({self._work})

    async def _take(self) -> None:
        while self._macs or self._ended:
            self._tell_ends([self._ended.popleft() for _ in range(min(_SLICE, len(self._ended)))])
            some = list(islice(self._macs, _SLICE))
            for mac in some:
                del self._macs[mac]
            found = await self._read(partial(_sessions, some))
            if found:
                await self._decide(found, TRIGGER, ordered=self._are_few(len(some) + len(self._macs)))

    def _are_few(self, count: int) -> bool:
        """With those of this minute before them."""
        now_s = self._clock().monotonic
        if now_s >= self._minute_began + _MINUTE_S:
            self._minute_began, self._within_it = now_s, 0
        self._within_it += count
        return self._within_it <= _A_FEW

    def _tell_ends(self, macs: Sequence[str]) -> None:
        now = self._clock()
        known = [entry for mac in macs if (entry := self._inventory.find(mac)) is not None]
        # Whoever was entered anew meanwhile has not ended.
        over = [events.ended(entry=entry, now=now) for entry in known if not entry.is_in_force(now.wall)]
        if over:
            self._record(over)


def _sessions(macs: Sequence[str], store: SessionStore) -> list[Session]:
    return [session for mac in macs for session in reach.of_mac(store, mac, "")]


def _told(task: asyncio.Task[None]) -> None:
    # What it was at is found by the next round.
    if not task.cancelled() and (bug := task.exception()) is not None:
        logger("inventory").error("deciding by the inventory has failed by an error in nacd itself", exc_info=bug)
