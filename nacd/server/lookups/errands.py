"""Which question is put to Intune next, and by how many at once.

Knows: the waiting line, the two budgets, the threads, the breaker. Refuses to know: verdicts and their ages, and what
an answer means for anybody's access. Everything here runs on the event loop except the source's blocking call.

Logins wait in a fair line (``overload/line``): certificates before MACs, NAS after NAS, port after port; what has not
been begun when its time is up is not asked any more. Polls are asked with what the logins leave: never more than half
of the threads, and out of a budget of their own. When Intune throttles, both budgets shrink.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
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


@dataclass(slots=True, eq=False)
class Errand:
    """One question on its way, and whoever waits for its answer. polled: asked for nobody's login.

    generation: the breaker's, once the question is put. anew: an answer that is under way already will not do.
    """

    question: Question
    answer: asyncio.Future[Compliance]
    polled: bool = False
    anew: bool = False
    generation: int = 0

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
        joins: Callable[[Errand], bool],
    ) -> None:
        """joins: whether an errand takes the answer of a question that is under way, and need not be put."""
        self.breaker = breaker
        self.logins = logins
        self.polling = polling
        self.limited: Counter[str] = Counter()
        """How often each limit kept a question from being asked, by its name in the configuration."""
        self.polls_refused = 0
        self.trouble = ""
        """What Intune did the last time that it did not answer, in words."""
        self._source = source
        self._line = line
        self._threads = threads
        self._mac_threads = max(1, threads // 4)
        self._poll_threads = max(1, threads // 2)
        self._clock = clock
        self._carry_out = carry_out
        self._pool = Threads(threads, "intune")
        self._joins = joins
        self._polls: OrderedDict[str, Errand] = OrderedDict()
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

    def enter(self, question: Question, request: AccessRequest, until: float, *, guess: bool) -> Errand | Compliance:
        """Let a login's question wait its turn until ``until`` (monotonic seconds); ``unavailable`` when it may not.

        guess: nothing has been proved yet, so it goes behind everything that has been.
        """
        now = self._clock()
        if self.breaker.state is not BreakerState.CLOSED and self.breaker.left_s(now) > 0:
            return self._unavailable(self._breaker_open(), now)
        errand = Errand(question, asyncio.get_running_loop().create_future())
        rank = MAC_RANK if guess else _rank(errand, request)
        self.give_up_expired()
        over = self._line.put(errand, rank=rank, nas=request.source, port=request.port or NO_PORT, until=until)
        if over:
            self.limited[over] += 1
            return self._unavailable(f"no capacity: the limit `compliance.{over}` is reached", now)
        self._pump()
        return errand

    def extend(self, errand: Errand, request: AccessRequest, until: float, *, guess: bool) -> None:
        """Somebody else waits for it too, until ``until`` (monotonic seconds), and it goes as early as he would."""
        self._line.extend(errand, until)
        if not guess:
            self._line.promote(errand, _rank(errand, request))

    def poll(self, question: Question, *, urgent: bool = False, anew: bool = False) -> Errand | Compliance:
        """Ask when there is room; ``unavailable`` when too many wait already. One for the same device stands for both.

        urgent: before those that wait. anew: see ``Errand``.
        """
        errand = self._polls.get(question.key)
        if errand is None:
            if len(self._polls) >= _MOST_POLLS:
                self.polls_refused += 1
                return self._unavailable(f"no capacity: {_MOST_POLLS} polls wait", self._clock())
            errand = Errand(question, asyncio.get_running_loop().create_future(), polled=True)
            self._polls[question.key] = errand
        errand.anew = errand.anew or anew
        if urgent:
            self._polls.move_to_end(question.key, last=False)
        self._pump()
        return errand

    def why_it_waits(self, poll: Errand) -> str:
        """Why this poll has not been put yet, ``""`` when it has; it is put as soon as that is over."""
        if self._polls.get(poll.question.key) is not poll:
            return ""
        left_s = self.breaker.left_s(self._clock())
        if left_s > 0:
            return f"{self._breaker_open()}; asked in {left_s:.0f} s"
        return "intune answers more slowly than is asked, or the budget for polling is used up"

    async def ask(self, question: Question) -> Compliance:
        """The source's answer, out of a thread; says how it went to breaker and budgets, but for the breaker's part
        that needs an opinion (``Lookup``)."""
        try:
            asking = self._pool.run(
                lambda: self._source.lookup(question.subject, CALL_LIMIT_S, lambda: self._clock().wall)
            )
        except RuntimeError as none_left:
            return self._unavailable(f"no capacity: {none_left}", self._clock())
        answer = await asking
        throttled = self._source.throttled
        if throttled > self._throttled:
            self._throttled = throttled
            now = self._clock()
            self.logins.throttled(now)
            self.polling.throttled(now)
        return answer

    def ask_another(self, source: ComplianceSourceOfRecord) -> None:
        """What is begun from now on is put to this one."""
        self._source, self._throttled = source, source.throttled

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
        self.give_up_expired()
        waits_s = [wait_s for wait_s in (self._begin_logins(now), self._begin_polls(now)) if wait_s > 0]
        if not waits_s:
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + min(waits_s)
        if self._alarm is not None:
            if self._alarm.when() <= due:
                return
            self._alarm.cancel()
        self._alarm = loop.call_at(due, self._ring)

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
            errand.generation = self.breaker.admit(now)
            if not errand.generation:
                self._refuse(errand, self._breaker_open(), now)
                continue
            self.logins.take(now)
            self._begin(errand)
        return 0.0

    def _begin_polls(self, now: Instant) -> float:
        while self._polls and self._under_way["all"] < self._threads and self._under_way["poll"] < self._poll_threads:
            wait_s = self.polling.wait_s(now)
            if wait_s > 0:
                return wait_s
            errand = next(iter(self._polls.values()))
            if not self._joins(errand):
                errand.generation = self.breaker.admit(now)
                if not errand.generation:
                    return max(1.0, self.breaker.left_s(now))
                self.polling.take(now)
                self._begin(errand)
            self._polls.pop(errand.question.key, None)
        return 0.0

    def _begin(self, errand: Errand) -> None:
        kinds = ["all", "poll"] if errand.polled else ["all", "mac"] if errand.is_about_mac else ["all"]
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

    def give_up_expired(self) -> None:
        """Answer whoever waits for what was not put in time."""
        now = self._clock()
        for errand in self._line.expired(now):
            self._refuse(errand, "no capacity: intune answers more slowly than devices ask", now)

    def _breaker_open(self) -> str:
        return "breaker open: intune has been failing" + (f" ({self.trouble})" if self.trouble else "")

    def _refuse(self, errand: Errand, why: str, now: Instant) -> None:
        if not errand.answer.done():
            errand.answer.set_result(self._unavailable(why, now))

    def _unavailable(self, detail: str, now: Instant) -> Compliance:
        return Compliance(
            state=ComplianceState.UNAVAILABLE, as_of=now.wall, source=ComplianceSource.NONE, detail=detail
        )


def _rank(errand: Errand, request: AccessRequest) -> int:
    if errand.is_about_mac:
        return MAC_RANK
    return _VPN_RANK if request.nas.authentication is Authentication.DONE_BY_NAS else _CERTIFICATE_RANK
