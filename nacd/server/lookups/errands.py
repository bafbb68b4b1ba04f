"""Which question is put to Intune next, and by how many at once.

Knows: the waiting line, the two budgets, the threads, the breaker. Refuses to know: verdicts and their ages, and what
an answer means for anybody's access. Everything here runs on the event loop except the source's blocking call.

Logins wait in a fair line (``overload/line``): certificates before MACs, NAS after NAS, port after port; what has not
been begun when its time is up is not asked any more. Polls are asked with what the logins leave: never more than half
of the threads, and out of a budget of their own. When Intune throttles, both budgets shrink.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from nacd.compliance.breaker import Breaker, BreakerState
from nacd.compliance.budget import Budget
from nacd.compliance.question import Question
from nacd.overload.line import Line, Nothing
from nacd.server.lookups.threads import Threads
from nacd.values import (
    NO_PORT,
    AccessRequest,
    Authentication,
    Compliance,
    ComplianceSource,
    ComplianceState,
    DeviceId,
    Instant,
    MacAddress,
)

CALL_LIMIT_S = 15.0
"""A call ends at the latest after this; the RADIUS answer does not wait so long."""
_CERTIFICATE_RANK, _VPN_RANK, MAC_RANK = range(3)
_MOST_POLLS = 10_000


class ComplianceSourceOfRecord(Protocol):
    """Whoever can say what state a device is in: Intune, over whichever interface."""

    def lookup(self, subject: DeviceId | MacAddress, deadline_s: float, now: Callable[[], float]) -> Compliance:
        """Ask once; blocking, thread-safe; trouble comes back as ``unavailable``."""
        ...

    @property
    def throttled(self) -> int:
        """How many 429 answers there were so far."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Errand:
    """One question on its way, and whoever waits for its answer. polled: asked for nobody's login."""

    question: Question
    answer: asyncio.Future[Compliance]
    polled: bool = False

    @property
    def is_about_mac(self) -> bool:
        """A MAC is free to invent: a port that cycles through thousands must not keep certificates waiting."""
        return isinstance(self.question.subject, MacAddress)


class Errands:
    """Begins questions. ``carry_out`` is what one errand does once it may begin; it resolves the errand's answer."""

    def __init__(
        self,
        *,
        source: ComplianceSourceOfRecord,
        breaker: Breaker,
        logins: Budget,
        polling: Budget,
        line: Line[Errand],
        threads: int,
        clock: Callable[[], Instant],
        carry_out: Callable[[Errand], asyncio.Task[None]],
    ) -> None:
        self.breaker = breaker
        self.logins = logins
        self.polling = polling
        self.limited: Counter[str] = Counter()
        """How often each limit kept a question from being asked, by its name in the configuration."""
        self._source = source
        self._line = line
        self._threads = threads
        self._mac_threads = max(1, threads // 4)
        self._poll_threads = max(1, threads // 2)
        self._clock = clock
        self._carry_out = carry_out
        self._pool = Threads(threads, "intune")
        self._polls: deque[Errand] = deque()
        self._under_way: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._alarm: asyncio.TimerHandle | None = None
        self._throttled = source.throttled

    @property
    def waiting(self) -> int:
        """Logins' questions that have not been begun."""
        return len(self._line)

    @property
    def under_way(self) -> int:
        """Questions that Intune has not answered yet."""
        return self._under_way["all"]

    @property
    def polls_waiting(self) -> int:
        """Polls that have not been begun."""
        return len(self._polls)

    def enter(self, question: Question, request: AccessRequest, until: float) -> Errand | Compliance:
        """Let a login's question wait its turn until ``until`` (monotonic seconds); ``unavailable`` when it may not."""
        now = self._clock()
        if self.breaker.state is not BreakerState.CLOSED and self.breaker.left_s(now) > 0:
            return self._unavailable("breaker open: intune has been failing", now)
        errand = Errand(question, asyncio.get_running_loop().create_future())
        claimed = request.nas.authentication is Authentication.DONE_BY_NAS
        rank = MAC_RANK if errand.is_about_mac else _VPN_RANK if claimed else _CERTIFICATE_RANK
        self._give_up_expired(now)
        over = self._line.put(errand, rank=rank, nas=request.source, port=request.port or NO_PORT, until=until)
        if over:
            self.limited[over] += 1
            return self._unavailable(f"no capacity: the limit `compliance.{over}` is reached", now)
        self._pump()
        return errand

    def poll(self, question: Question, *, urgent: bool = False) -> Errand | Compliance:
        """Ask when there is room; ``unavailable`` when too many wait already. urgent: before those that wait."""
        if len(self._polls) >= _MOST_POLLS:
            self.limited["polls"] += 1
            return self._unavailable(f"no capacity: {_MOST_POLLS} polls wait", self._clock())
        errand = Errand(question, asyncio.get_running_loop().create_future(), polled=True)
        if urgent:
            self._polls.appendleft(errand)
        else:
            self._polls.append(errand)
        self._pump()
        return errand

    async def ask(self, question: Question) -> Compliance:
        """The source's answer, out of a thread; says how it went to breaker and budgets, but for the breaker's part
        that needs an opinion (``Lookup``)."""
        answer = await self._pool.run(
            lambda: self._source.lookup(question.subject, CALL_LIMIT_S, lambda: self._clock().wall)
        )
        throttled = self._source.throttled
        if throttled > self._throttled:
            self._throttled = throttled
            now = self._clock()
            self.logins.throttled(now)
            self.polling.throttled(now)
        return answer

    def close(self) -> None:
        """Begin nothing more. Threads in a call are left to their own deadline."""
        if self._alarm is not None:
            self._alarm.cancel()
        for task in list(self._tasks):
            task.cancel()
        self._pool.close()

    # -- the next one -------------------------------------------------------------------------

    def _pump(self) -> None:
        """Begin what may begin now; set the alarm for what may begin later."""
        now = self._clock()
        self._give_up_expired(now)
        waits_s = [wait_s for wait_s in (self._begin_logins(now), self._begin_polls(now)) if wait_s > 0]
        if waits_s and self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_later(min(waits_s), self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self._pump()

    def _begin_logins(self, now: Instant) -> float:
        """Seconds until the budget allows the next one; 0 when it is not the budget that is waited for."""
        while self._under_way["all"] < self._threads:
            worst = MAC_RANK if self._under_way["mac"] < self._mac_threads else MAC_RANK - 1
            if not self._line.waits(worst):
                return 0.0
            wait_s = self.logins.wait_s(now)
            if wait_s > 0:
                return wait_s
            errand = self._line.take(now, worst=worst)
            if isinstance(errand, Nothing):
                return 0.0
            if not self.breaker.admit(now):
                self._refuse(errand, "breaker open: intune has been failing", now)
                continue
            self.logins.take(now)
            self._begin(errand)
        return 0.0

    def _begin_polls(self, now: Instant) -> float:
        while self._polls and self._under_way["all"] < self._threads and self._under_way["poll"] < self._poll_threads:
            wait_s = self.polling.wait_s(now)
            if wait_s > 0:
                return wait_s
            if not self.breaker.admit(now):
                return max(1.0, self.breaker.left_s(now))
            self.polling.take(now)
            self._begin(self._polls.popleft())
        return 0.0

    def _begin(self, errand: Errand) -> None:
        kinds = ["all", *(["mac"] if errand.is_about_mac else []), *(["poll"] if errand.polled else [])]
        self._under_way.update(kinds)
        task = self._carry_out(errand)
        self._tasks.add(task)

        def ended(done: asyncio.Task[None]) -> None:
            self._tasks.discard(done)
            self._under_way.subtract(kinds)
            if not done.cancelled():
                done.exception()  # told to whoever waits, and logged: not once more when the task is forgotten
                self._pump()

        task.add_done_callback(ended)

    def _give_up_expired(self, now: Instant) -> None:
        for errand in self._line.expired(now):
            self._refuse(errand, "no capacity: intune answers more slowly than devices ask", now)

    def _refuse(self, errand: Errand, why: str, now: Instant) -> None:
        if not errand.answer.done():
            errand.answer.set_result(self._unavailable(why, now))

    def _unavailable(self, detail: str, now: Instant) -> Compliance:
        return Compliance(
            state=ComplianceState.UNAVAILABLE, as_of=now.wall, source=ComplianceSource.NONE, detail=detail
        )
