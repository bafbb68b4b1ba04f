"""The list of all noncompliant devices of a tenant, once per window, and what follows from it.

Knows: when the list may be asked for (``compliance/bulk_plan``), that its window is on disk before it is asked for, and
which of our verdicts it contradicts. Refuses to know: sessions.

The list lags behind and leaves out unmanaged devices: it may take a good verdict away and have the device asked about
by itself, and it never makes one good. What it says of devices we never met is not kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from functools import partial
from typing import Protocol

from nacd.compliance import bulk_plan
from nacd.compliance.bulk_plan import BulkWindow
from nacd.compliance.listed import BulkAnswer, ListRefused, NoncompliantList
from nacd.compliance.question import Question
from nacd.server.log import logger
from nacd.server.lookups.lookup import Lookup
from nacd.server.lookups.threads import Threads
from nacd.values import Compliance, ComplianceSource, ComplianceState, DeviceId, Instant

_LONGEST_SLEEP_S = 60.0
_CHUNK = 500
_NO_ROOM_S = 1.0
# With a window that cannot be kept, a restart loop could use it up: only a daemon that has lasted asks.
_LASTED_S = 15 * 60.0


class ListSource(Protocol):
    """Who has the list."""

    def noncompliant(self, deadline_s: float, now: Callable[[], float]) -> BulkAnswer:
        """All pages or nothing; blocking; trouble comes back as ``ListRefused``."""
        ...


class WindowShelf(Protocol):
    """Where windows outlive a restart, and which verdicts lie on the same disk."""

    def bulk_window(self, tenant: str) -> BulkWindow:
        """The window as it was kept last; blocking."""
        ...

    def keep_bulk_window(self, tenant: str, window: BulkWindow) -> bool:
        """Keep it, durably; blocking; False if that cannot be done."""
        ...

    def good_among(self, tenant: str, keys: Collection[str], before: float) -> tuple[str, ...]:
        """Which of these have a good verdict older than ``before`` (seconds since the epoch); blocking."""
        ...


class BulkRuns:
    """Asks for one tenant's list, again and again. interval_s: from one run to the next."""

    def __init__(
        self,
        *,
        tenant: str,
        source: ListSource,
        shelf: WindowShelf,
        lookup: Lookup,
        interval_s: float,
        clock: Callable[[], Instant],
    ) -> None:
        self.window = BulkWindow()
        self.last = "not asked yet"
        """What became of the last run, in words."""
        self.tenant = tenant
        self._source = source
        self._shelf = shelf
        self._lookup = lookup
        self._interval_s = interval_s
        self._clock = clock
        self._thread = Threads(1, f"bulk-{tenant}")
        self._log = logger("bulk")

    def ask_another(self, source: ListSource) -> None:
        """For the next list; its window stays."""
        self._source = source

    async def run(self) -> None:
        """Until cancelled."""
        began_s = self._clock().monotonic
        self.window = await self._thread.run(partial(self._shelf.bulk_window, self.tenant))
        while True:
            now = self._clock()
            settled = bulk_plan.settled(self.window, now.wall)
            if settled != self.window:
                self._log.warning(
                    "the clock was set back: the bulk list waits for a whole interval", tenant=self.tenant
                )
                await self._keep(settled)
            due = bulk_plan.next_run(self.window, now.wall, self._interval_s)
            if due > now.wall:
                await asyncio.sleep(min(due - now.wall, _LONGEST_SLEEP_S))
                continue
            kept = await self._keep(bulk_plan.tried(self.window, now.wall))
            if kept or now.monotonic - began_s > _LASTED_S:
                await self._once()
            else:
                self.last = "not asked: its time cannot be kept on disk"
                await asyncio.sleep(_LONGEST_SLEEP_S)

    async def _once(self) -> None:
        answer = await self._thread.run(lambda: self._source.noncompliant(bulk_plan.RUN_S, lambda: self._clock().wall))
        wall = self._clock().wall
        if isinstance(answer, ListRefused):
            after = bulk_plan.refused_for_quota if answer.quota else bulk_plan.failed
            await self._keep(after(self.window, wall))
            self.last = answer.detail
            # The quota is no trouble: somebody has had this window's list.
            say = self._log.info if answer.quota else self._log.warning
            say("no bulk list", tenant=self.tenant, detail=answer.detail, quota=answer.quota)
            return
        await self._keep(bulk_plan.succeeded(self.window, wall))
        doubted = await self._take(answer)
        self.last = f"{len(answer.guids)} devices noncompliant, {doubted} of them held compliant here and asked about"
        self._log.info("bulk list taken", tenant=self.tenant, listed=len(answer.guids), doubted=doubted)

    async def _take(self, listed: NoncompliantList) -> int:
        """Take away the good verdicts that the list contradicts, and ask about each of those devices."""
        verdict = Compliance(
            state=ComplianceState.NONCOMPLIANT,
            as_of=listed.as_of,
            source=ComplianceSource.BULK,
            detail="in the list of noncompliant devices",
            provider="nac",
        )
        keys = [f"guid:{guid}" for guid in listed.guids]
        on_disk = frozenset(await self._thread.run(partial(self._shelf.good_among, self.tenant, keys, listed.as_of)))
        # All of them in memory first: the disk and the questions take their time.
        doubted: list[str] = []
        for number, guid in enumerate(listed.guids):
            if number % _CHUNK == 0:
                await asyncio.sleep(0)  # others have work too
            key = f"guid:{guid}"
            if self._lookup.knowledge.cache.downgrade(key, verdict, self._clock()) or key in on_disk:
                doubted.append(guid)
        for first in range(0, len(doubted), _CHUNK):
            keys = [f"guid:{guid}" for guid in doubted[first : first + _CHUNK]]
            await asyncio.gather(*(self._lookup.knowledge.keep(key, verdict) for key in keys))
        asked = [Question(tenant=self.tenant, key=f"guid:{guid}", subject=DeviceId(guid=guid)) for guid in doubted]
        # One after the other without a pause to speak of: whoever listens had better see how many there are.
        for number, question in enumerate(asked, start=1):
            self._lookup.took_away(question, verdict)
            if number % _CHUNK == 0:
                await asyncio.sleep(0)
        for question in asked:
            await self._ask_about(question)
        return len(doubted)

    async def _ask_about(self, question: Question) -> None:
        while True:
            if self._lookup.poll(question, anew=True):
                return
            await asyncio.sleep(_NO_ROOM_S)

    async def _keep(self, window: BulkWindow) -> bool:
        self.window = window
        return await self._thread.run(partial(self._shelf.keep_bulk_window, self.tenant, window))
