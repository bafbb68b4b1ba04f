"""The one wait for the outside world: a question about a device, answered within the deadline.

Knows: the cache, single flight, the thread pool, the breaker, the deadline. Refuses to know: what
an answer means for anybody's access. Everything here runs on the event loop except the source's
blocking call, which runs in a bounded pool of threads.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from nacd.compliance.breaker import Breaker
from nacd.compliance.cache import Fresh, Stale, VerdictCache
from nacd.compliance.question import Question
from nacd.intune.nac.answers import concerns_only_the_device
from nacd.overload.shares import Shares
from nacd.server.log import logger
from nacd.values import AccessRequest, Compliance, ComplianceSource, ComplianceState, DeviceId, Instant, MacAddress

# The RADIUS answer does not wait this long; the thread does, so that a late answer is still kept.
_CALL_LIMIT_S = 15.0
# However few the questions, each request that waits for an answer is memory.
_MOST_WAITERS = 10_000


class ComplianceSourceOfRecord(Protocol):
    """Whoever can say what state a device is in: Intune, over whichever interface."""

    def lookup(self, subject: DeviceId | MacAddress, deadline_s: float, now: Callable[[], float]) -> Compliance:
        """Ask once; blocking, thread-safe; trouble comes back as ``unavailable``."""
        ...


@dataclass(slots=True)
class _Lane:
    """Threads and waiting room of one kind of question, so that the other kind cannot use them up.

    A MAC is free to invent: a port that cycles through thousands must not keep certificates waiting.
    """

    pool: ThreadPoolExecutor
    room: int
    shares: Shares
    under_way: int = 0


class Lookup:
    """Asks each question once at a time and keeps every answer, late ones too.

    threads, max_waiting: for all questions; a quarter of each is for MACs, the rest for device ids.
    max_per_nas, max_per_port: lookups of one kind under way that one NAS address and one port may have begun.
    """

    def __init__(
        self,
        *,
        source: ComplianceSourceOfRecord,
        cache: VerdictCache,
        breaker: Breaker,
        threads: int,
        deadline_s: float,
        max_waiting: int,
        max_per_nas: int,
        max_per_port: int,
        clock: Callable[[], Instant],
    ) -> None:
        self._source = source
        self._cache = cache
        self._breaker = breaker
        self._deadline_s = deadline_s
        self._clock = clock
        for_macs = max(1, threads // 4)
        room = max_waiting // 4
        shares = partial(Shares, per_nas=max_per_nas, per_port=max_per_port)
        self._macs = _Lane(ThreadPoolExecutor(for_macs, "intune-mac"), max(1, room), shares())
        self._devices = _Lane(
            ThreadPoolExecutor(max(1, threads - for_macs), "intune-device"), max(1, max_waiting - room), shares()
        )
        self._flights: dict[str, asyncio.Task[Compliance]] = {}
        self._waiters = 0
        self.limited: Counter[str] = Counter()
        """How often each limit on lookups kept one from being begun, by its name in the configuration."""
        self._log = logger("lookup")

    def known(self, question: Question, now: Instant) -> Compliance | None:
        """The verdict if it is fresh in memory; None means that somebody must wait."""
        found = self._cache.find(question.key, now)
        return found.compliance if isinstance(found, Fresh) else None

    async def compliance(self, question: Question, request: AccessRequest) -> Compliance:
        """What is known of this device, asking for this request if need be; never later than the deadline.

        A verdict too old to be fresh is used (as ``stale``, with its own date) only when the
        question could not be answered now.
        """
        now = self._clock()
        fresh = self.known(question, now)
        if fresh is not None:
            return fresh
        if self._waiters >= _MOST_WAITERS:
            return self._unavailable(f"no capacity: {_MOST_WAITERS} requests wait for intune")
        flight = self._fly(question, request, now)
        answer = flight if isinstance(flight, Compliance) else await self._wait(flight)
        if answer.state is not ComplianceState.UNAVAILABLE:
            return answer
        known = self._cache.find(question.key, self._clock())
        if isinstance(known, Fresh):
            return known.compliance
        if isinstance(known, Stale):
            return replace(known.compliance, source=ComplianceSource.STALE, detail=answer.detail)
        return answer

    def start(self, question: Question, request: AccessRequest) -> None:
        """Ask ahead of the need; nobody waits for it yet."""
        now = self._clock()
        if self.known(question, now) is None:
            self._fly(question, request, now)

    async def close(self) -> None:
        """Stop asking. Threads in a call are left to their own deadline."""
        for flight in list(self._flights.values()):
            flight.cancel()
        for lane in (self._macs, self._devices):
            lane.pool.shutdown(wait=False, cancel_futures=True)

    async def _wait(self, flight: asyncio.Task[Compliance]) -> Compliance:
        # Not cancelled at the deadline: the flight goes on and its answer is kept.
        self._waiters += 1
        try:
            done, _ = await asyncio.wait({flight}, timeout=self._deadline_s)
        finally:
            self._waiters -= 1
        return flight.result() if done else self._unavailable(f"no answer within {self._deadline_s:g} s")

    def _fly(self, question: Question, request: AccessRequest, now: Instant) -> asyncio.Task[Compliance] | Compliance:
        """The one flight for this question, joined or started; ``unavailable`` when it may not start now."""
        flight = self._flights.get(question.key)
        if flight is not None:
            return flight
        known = self._cache.find(question.key, now)
        if not isinstance(known, Fresh) and known.failed.state is ComplianceState.UNAVAILABLE:
            return known.failed
        lane = self._lane(question)
        if lane.under_way >= lane.room:
            self.limited["max_waiting"] += 1
            return self._unavailable(f"no capacity: {lane.room} lookups of this kind are under way")
        over = lane.shares.take(request.source, request.port)
        if over:
            self.limited[f"max_per_{over}"] += 1
            return self._unavailable(f"no capacity: this {over} has its share of lookups under way")
        if not self._breaker.admit(now):
            lane.shares.give_back(request.source, request.port)
            return self._unavailable("breaker open: intune has been failing")
        flight = asyncio.get_running_loop().create_task(self._ask(question, now))
        self._flights[question.key] = flight
        lane.under_way += 1
        flight.add_done_callback(lambda done: self._landed(question, request, done))
        return flight

    def _lane(self, question: Question) -> _Lane:
        return self._macs if isinstance(question.subject, MacAddress) else self._devices

    def _landed(self, question: Question, request: AccessRequest, flight: asyncio.Task[Compliance]) -> None:
        del self._flights[question.key]
        lane = self._lane(question)
        lane.under_way -= 1
        lane.shares.give_back(request.source, request.port)
        if flight.cancelled():
            # Also one that was stopped before it began: a probe's place must not stay taken.
            self._breaker.abandoned(self._clock())
        elif flight.exception() is not None:
            self._breaker.failed(self._clock())
            # A waiter has it too; but a flight nobody waited for must not fail unseen.
            self._log.error("lookup failed", key=question.key, exc_info=flight.exception())

    async def _ask(self, question: Question, started: Instant) -> Compliance:
        epoch = self._cache.ask(question.key, started)
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(
            self._lane(question).pool,
            lambda: self._source.lookup(question.subject, _CALL_LIMIT_S, lambda: self._clock().wall),
        )
        return self._keep(question, answer, epoch, started)

    def _keep(self, question: Question, answer: Compliance, epoch: int, started: Instant) -> Compliance:
        """Tell the breaker and the cache; what is known now, which may be newer than this answer."""
        landed = self._clock()
        kept = self._cache.replace(question.key, answer, epoch, landed)
        if answer.state is ComplianceState.UNAVAILABLE:
            # One odd device must not open the breaker for everybody, nor make a partial outage look well.
            blame = self._breaker.abandoned if concerns_only_the_device(answer.detail) else self._breaker.failed
            blame(landed)
            self._log.warning("intune did not answer", key=question.key, detail=answer.detail)
            return answer
        self._breaker.succeeded(landed)
        took_s = landed.monotonic - started.monotonic
        if took_s > self._deadline_s:
            self._log.warning("late answer kept", key=question.key, took_s=round(took_s, 3), state=answer.state.value)
        if not kept:
            newer = self._cache.find(question.key, landed)
            return newer.compliance if isinstance(newer, Fresh | Stale) else answer
        return answer

    def _unavailable(self, detail: str) -> Compliance:
        return Compliance(
            state=ComplianceState.UNAVAILABLE,
            as_of=self._clock().wall,
            source=ComplianceSource.NONE,
            detail=detail,
        )
