"""What is known of one tenant's devices: the cache in memory, and the disk behind it.

Knows: that memory is looked at first, the disk once for a device that memory has never seen, and that a verdict is on
disk before anybody acts on it. Refuses to know: who is asked, and when.

A disk that hangs must not hang logins: a read is waited for only a moment, and when none has ended for that long the
disk is left alone for a while; devices are then asked about as if nothing were kept. A read that ends late still counts
where nothing newer has come meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from nacd.compliance.cache import Found, Fresh, Missing, Stale, VerdictCache
from nacd.server.log import logger
from nacd.server.lookups.threads import Threads
from nacd.values import Compliance, ComplianceState, Instant

_READ_S = 0.25
_LONGEST_WAIT_S = 1.0
_WRITE_S = 0.25
_LEFT_ALONE_S = 30.0
_READERS = 4


class Shelf(Protocol):
    """Where verdicts outlive a restart."""

    def find(self, tenant: str, key: str) -> object:
        """The ``Compliance`` kept under this key, or anything else for nothing; blocking, thread-safe."""
        ...

    def put(self, tenant: str, key: str, compliance: Compliance, *, newest: bool = False) -> Future[bool]:
        """Keep it; done once it is on disk. Never blocks. newest: whatever lies there is older, whatever its date."""
        ...


class NoShelf:
    """Nothing outlives this process."""

    def find(self, tenant: str, key: str) -> None:
        """Nothing."""

    def put(self, tenant: str, key: str, compliance: Compliance, *, newest: bool = False) -> Future[bool]:
        """Not kept."""
        del tenant, key, compliance, newest
        done: Future[bool] = Future()
        done.set_result(False)
        return done


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of an answer. compliance: what is known now. counts: that is this answer, and nothing newer."""

    compliance: Compliance
    counts: bool


def nobody_listens(_key: str, _kept: Compliance) -> None:
    """What is told of verdicts from disk unless somebody wants to know."""


class Knowledge:
    """The newest verdict of each device of one tenant. Used on the event loop only."""

    def __init__(
        self,
        *,
        tenant: str,
        cache: VerdictCache,
        shelf: Shelf,
        clock: Callable[[], Instant],
        on_recall: Callable[[str, Compliance], None] = nobody_listens,
    ) -> None:
        """on_recall: called by the event loop with the key and what came back from disk into memory."""
        self.cache = cache
        self.recalled = 0
        """Verdicts that came from disk."""
        self._tenant = tenant
        self._shelf = shelf
        self._clock = clock
        self._on_recall = on_recall
        self._pool = Threads(_READERS, "verdicts")
        self._last_read = 0.0
        self._recalls: dict[str, asyncio.Future[object]] = {}
        self._left_alone_until = 0.0
        self._furthest = float("-inf")
        self._log = logger("lookup")

    def find(self, key: str, now: Instant) -> Found:
        """What memory knows."""
        return self.cache.find(key, now)

    async def recall(self, key: str) -> Found:
        """What memory knows, or else the disk; many who want the same share one read."""
        began = self._now()
        found = self.cache.find(key, began)
        if not isinstance(found, Missing) or began.monotonic < self._left_alone_until:
            return found
        try:
            reading = self._recalls.get(key) or self._read(key)
        except RuntimeError:  # the system has no thread to spare
            return found
        now = began
        while not reading.done() and now.monotonic - began.monotonic < _LONGEST_WAIT_S:
            # Others may be read in front of this one: slow is a disk from which nothing comes at all.
            left_s = max(self._last_read, began.monotonic) + _READ_S - now.monotonic
            if left_s <= 0:
                self._leave_alone(now)
                break
            await asyncio.wait({reading}, timeout=left_s)
            now = self._now()
        return self.cache.find(key, now)

    def _read(self, key: str) -> asyncio.Future[object]:
        reading = self._pool.run(partial(self._shelf.find, self._tenant, key))
        self._recalls[key] = reading
        reading.add_done_callback(partial(self._has_read, key))
        return reading

    def _has_read(self, key: str, reading: asyncio.Future[object]) -> None:
        self._recalls.pop(key, None)
        if reading.cancelled() or reading.exception() is not None:
            return  # whoever waits has it raised
        now, kept = self._now(), reading.result()
        self._last_read = now.monotonic
        if isinstance(kept, Compliance) and isinstance(self.cache.find(key, now), Missing):
            # Counted as if the clock had never been set back: what memory gave up as too old must not return as young.
            as_if = replace(now, wall=now.monotonic + self._furthest)
            if self.cache.adopt(key, kept, as_if):
                self.recalled += 1
                asyncio.get_running_loop().call_soon(self._on_recall, key, kept)

    def _leave_alone(self, now: Instant) -> None:
        if now.monotonic >= self._left_alone_until:
            self._log.warning("the disk with the verdicts is slow, devices are asked about without it", seconds=_READ_S)
        self._left_alone_until = now.monotonic + _LEFT_ALONE_S

    async def take(self, key: str, answer: Compliance, epoch: int, asked: Instant) -> Taken:
        """Put an answer into memory and on disk; what is known now, which may be newer than this answer.

        asked: when the question was put. What Intune says was true when it began to answer, and on a slow way an
        answer grows old: it is dated as its question, and what has outlived its lifetime is stale when it comes.
        """
        now = self._now()
        if answer.state is not ComplianceState.UNAVAILABLE:
            answer = replace(answer, as_of=min(answer.as_of, asked.wall))
        age_s = now.monotonic - asked.monotonic + max(0.0, asked.wall - answer.as_of)
        if self.cache.replace(key, answer, epoch, now, age_s=age_s):
            found = self.cache.find(key, now)
            await self.keep(key, answer, newest=True)
            return Taken(
                compliance=found.compliance if isinstance(found, Stale) else answer,
                counts=self.cache.is_newest(key, epoch),
            )
        if answer.state is ComplianceState.UNAVAILABLE:
            return Taken(compliance=answer, counts=False)
        newer = self.cache.find(key, now)
        if isinstance(newer, Fresh | Stale):
            return Taken(compliance=newer.compliance, counts=False)
        await self.keep(key, answer, newest=True)  # memory has no room for it, and what lies on disk is older
        return Taken(compliance=answer, counts=True)

    def _now(self) -> Instant:
        """Now; and the furthest ahead that the wall clock has been of the one that never jumps."""
        now = self._clock()
        self._furthest = max(self._furthest, now.wall - now.monotonic)
        return now

    async def keep(self, key: str, verdict: Compliance, *, newest: bool = False) -> None:
        """Put a verdict on disk, and wait a moment for it: nobody should act on what a restart would forget."""
        writing = asyncio.wrap_future(self._shelf.put(self._tenant, key, verdict, newest=newest))
        await asyncio.wait({writing}, timeout=_WRITE_S)

    def close(self) -> None:
        """Read no more."""
        self._pool.close()
