"""The one wait for the outside world: a question about a device, answered within the deadline.

Knows: what is fresh, what is stale, who joins whose question, how long a request waits. Refuses to know: what an
answer means for anybody's access, and which question goes first (``errands``). One object a tenant: a broken tenant
has its own breaker, budgets, threads and memory, and slows no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from typing import TypeAlias

from nacd.compliance.breaker import Breaker
from nacd.compliance.budget import Budget
from nacd.compliance.cache import Found, Fresh, Stale
from nacd.compliance.question import Question
from nacd.intune.nac.answers import concerns_only_the_device
from nacd.overload.line import Line
from nacd.server.log import logger
from nacd.server.lookups.errands import MAC_RANK, ComplianceSourceOfRecord, Errand, Errands
from nacd.server.lookups.knowledge import Knowledge
from nacd.server.lookups.witness import Witness
from nacd.values import AccessRequest, Compliance, ComplianceSource, ComplianceState, Instant

# However few the questions, each request that waits for an answer is memory.
_MOST_WAITERS = 10_000
_ASKED_AGAIN = "older than its lifetime; intune is being asked again"


OnVerdict: TypeAlias = Callable[[Question, Compliance], None]


def nobody_listens(_question: Question, _verdict: Compliance) -> None:
    """What is told of new verdicts unless somebody wants to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupOptions:
    """deadline_s, stale_wait_s: how long a request waits for an answer, and how long when there is a stale one.

    threads: calls under way at once. max_waiting, max_per_nas, max_per_port: questions that wait for a thread.
    logins_per_s, polls_per_s: budgets.
    """

    deadline_s: float = 2.0
    stale_wait_s: float = 0.5
    threads: int = 16
    max_waiting: int = 1000
    max_per_nas: int = 200
    max_per_port: int = 16
    logins_per_s: float = 50.0
    polls_per_s: float = 50.0


@dataclass(slots=True)
class Counts:
    """How questions were answered, since the start. coalesced: joined a question under way. late: after the deadline
    of whoever asked first; kept all the same."""

    hit: int = 0
    miss: int = 0
    stale: int = 0
    coalesced: int = 0
    late: int = 0
    unavailable: int = 0
    asked: int = 0
    polled: int = 0


class Lookup:
    """Asks each question of one tenant once at a time and keeps every answer, late ones too."""

    def __init__(
        self,
        *,
        source: ComplianceSourceOfRecord,
        knowledge: Knowledge,
        breaker: Breaker,
        options: LookupOptions,
        clock: Callable[[], Instant],
        on_verdict: OnVerdict = nobody_listens,
        witness: Witness | None = None,
    ) -> None:
        """on_verdict: called by the event loop with every verdict that begins to count, in their order and whatever was
        asked for, when it is in memory and on disk; not with ``unavailable``. What it raises is the loop's exception
        handler's, and nobody else's. witness: writes down what is asked and what is new; without it nobody does."""
        self.counts = Counts()
        self.knowledge = knowledge
        self.errands = Errands(
            source=source,
            breaker=breaker,
            logins=Budget(options.logins_per_s),
            polling=Budget(options.polls_per_s),
            line=Line(
                max_waiting=options.max_waiting,
                max_per_nas=options.max_per_nas,
                max_per_port=options.max_per_port,
                max_by_rank={MAC_RANK: max(1, options.max_waiting // 4)},
            ),
            threads=options.threads,
            clock=clock,
            carry_out=self._carry_out,
            joins=self._joins,
        )
        self._options = options
        self._clock = clock
        self._flights: dict[str, Errand] = {}
        self._early: set[asyncio.Task[None]] = set()
        self._waiters = 0
        self._on_verdict = on_verdict
        self._witness = witness if witness is not None else Witness(lambda _event, _now: None)
        self._log = logger("lookup")

    def known(self, question: Question, now: Instant, at_most_s: float = inf) -> Compliance | None:
        """The verdict if it is fresh in memory, and no older than this; None means that somebody must wait."""
        found = self.knowledge.find(question.key, now)
        if isinstance(found, Fresh) and _is_young(found, now, at_most_s):
            self.counts.hit += 1
            return found.compliance
        return None

    async def compliance(self, question: Question, request: AccessRequest, at_most_s: float = inf) -> Compliance:
        """What is known of this device, asking for this request if need be; never later than the deadline.

        With a stale verdict at hand the wait for a new one is short; it is then used with its own date, as ``stale``,
        while the question goes on and its answer is kept. So it is with a fresh one that is older than ``at_most_s``,
        only that it is used as what it is.
        """
        began = self._clock()
        if self._waiters >= _MOST_WAITERS:
            return self._unavailable(f"no capacity: {_MOST_WAITERS} requests wait for intune")
        self._waiters += 1
        try:
            return await self._learn(question, request, began, at_most_s)
        finally:
            self._waiters -= 1

    async def _learn(self, question: Question, request: AccessRequest, began: Instant, at_most_s: float) -> Compliance:
        found = await self.knowledge.recall(question.key)
        if isinstance(found, Fresh) and _is_young(found, self._clock(), at_most_s):
            self.counts.hit += 1
            return found.compliance
        self.counts.miss += 1
        wait_s = self._options.deadline_s - (self._clock().monotonic - began.monotonic)
        otherwise = f"no answer within {self._options.deadline_s:g} s"
        if isinstance(found, Fresh | Stale) and self._options.stale_wait_s < wait_s:
            wait_s, otherwise = self._options.stale_wait_s, _ASKED_AGAIN
        answer = await self._answer(question, request, began, wait_s, otherwise)
        if answer.state is not ComplianceState.UNAVAILABLE:
            return answer
        known = self.knowledge.find(question.key, self._clock())
        if isinstance(known, Fresh):
            return known.compliance
        if isinstance(known, Stale):
            self.counts.stale += 1
            return replace(known.compliance, detail=answer.detail)
        self.counts.unavailable += 1
        return answer

    def start(self, question: Question, request: AccessRequest, *, guess: bool = False, at_most_s: float = inf) -> None:
        """Ask ahead of the need; nobody waits for it yet. guess: nothing has been proved yet."""
        now = self._clock()
        if _will_do(self.knowledge.find(question.key, now), now, at_most_s):
            return
        if question.key in self._flights or len(self._early) >= _MOST_WAITERS:
            return
        task = asyncio.get_running_loop().create_task(self._begin_early(question, request, guess, at_most_s))
        self._early.add(task)
        task.add_done_callback(self._early.discard)

    def poll(self, question: Question, *, anew: bool = False) -> bool:
        """Ask for nobody's login, when there is room for it. False when too many polls wait already.

        anew: an answer to a question that is under way already will not do.
        """
        return isinstance(self.errands.poll(question, anew=anew), Errand)

    async def refresh(self, question: Question, wait_s: float) -> Compliance:
        """Ask now because a person wants to know; what is known after ``wait_s`` seconds at most."""
        errand = self.errands.poll(question, urgent=True)
        if isinstance(errand, Compliance):
            return errand
        done, _ = await asyncio.wait({errand.answer}, timeout=wait_s)
        if done:
            return errand.answer.result()
        waits = self.errands.why_it_waits(errand)
        return self._unavailable(
            f"not asked within {wait_s:g} s: {waits}" if waits else f"no answer within {wait_s:g} s"
        )

    def took_away(self, question: Question, verdict: Compliance) -> None:
        """The bulk list took a good verdict away; this one is kept on disk, and in memory if there was one."""
        found = self.knowledge.find(question.key, self._clock())
        if not isinstance(found, Fresh):  # else an answer has come since, which was told of by itself
            counts = found.compliance if isinstance(found, Stale) else verdict
            self._witness.taken_away(question, counts, self._clock())
            self._tell(question, counts)

    async def close(self) -> None:
        """Stop asking. Threads in a call are left to their own deadline."""
        for task in list(self._early):
            task.cancel()
        self.errands.close()
        self.knowledge.close()

    # -- waiting -------------------------------------------------------------------------------

    async def _begin_early(self, question: Question, request: AccessRequest, guess: bool, at_most_s: float) -> None:
        found = await self.knowledge.recall(question.key)
        if not _will_do(found, self._clock(), at_most_s):
            self._fly(question, request, self._clock(), guess=guess)

    async def _answer(
        self, question: Question, request: AccessRequest, began: Instant, wait_s: float, otherwise: str
    ) -> Compliance:
        flight = self._fly(question, request, began)
        return flight if isinstance(flight, Compliance) else await self._wait(flight, wait_s, otherwise)

    async def _wait(self, flight: asyncio.Future[Compliance], wait_s: float, otherwise: str) -> Compliance:
        # Not cancelled at the deadline: the flight goes on and its answer is kept.
        done, _ = await asyncio.wait({flight}, timeout=max(0.0, wait_s))
        return flight.result() if done else self._unavailable(otherwise)

    def _fly(
        self, question: Question, request: AccessRequest, began: Instant, *, guess: bool = False
    ) -> asyncio.Future[Compliance] | Compliance:
        """The one flight for this question, joined or started; ``unavailable`` when it may not start now."""
        until = began.monotonic + self._options.deadline_s
        self.errands.give_up_expired()
        flight = self._flights.get(question.key)
        if flight is not None and not flight.answer.done():
            self.counts.coalesced += 1
            self.errands.extend(flight, request, until, guess=guess)
            return flight.answer
        failed = self.knowledge.cache.failed(question.key, began)
        if failed.state is ComplianceState.UNAVAILABLE:
            return failed
        errand = self.errands.enter(question, request, until, guess=guess)
        if isinstance(errand, Compliance):
            return errand
        self._take_off(errand)
        return errand.answer

    def _take_off(self, errand: Errand) -> None:
        key = errand.question.key

        def landed(_: object) -> None:
            if self._flights.get(key) is errand:
                del self._flights[key]

        if not errand.answer.done():
            self._flights[key] = errand
            errand.answer.add_done_callback(landed)

    def _joins(self, errand: Errand) -> bool:
        """Whether a poll takes the answer of a question under way; or has its turn when that has landed."""
        flight = self._flights.get(errand.question.key)
        if flight is None or flight.answer.done():
            return False
        if errand.anew:
            flight.answer.add_done_callback(lambda _: self.errands.poll(errand.question))
        _pass_on(flight.answer, errand.answer)
        return True

    # -- asking --------------------------------------------------------------------------------

    def _carry_out(self, errand: Errand) -> asyncio.Task[None]:
        """Begin. From here on the errand is the flight that others join."""
        self.counts.asked += 1
        if errand.polled:
            self.counts.polled += 1
            self._take_off(errand)
        return asyncio.get_running_loop().create_task(self._ask(errand))

    async def _ask(self, errand: Errand) -> None:
        """One question from its turn to its answer; whatever happens, breaker and waiters hear of it."""
        question, breaker = errand.question, self.errands.breaker
        started = self._clock()
        self._log.debug("intune is asked", key=question.key, polled=errand.polled)
        epoch = self.knowledge.cache.ask()
        try:
            answer = await self.errands.ask(question)
            before = self.knowledge.find(question.key, self._clock())
            self._judge(errand, answer, started)
            taken = await self.knowledge.take(question.key, answer, epoch, started)
        except asyncio.CancelledError:
            breaker.abandoned(self._clock(), errand.generation)
            errand.answer.cancel()
            raise
        except Exception as bug:
            breaker.failed(self._clock(), errand.generation)
            self._log.exception("lookup failed", key=question.key)
            if not errand.answer.done():
                errand.answer.set_exception(bug)
                errand.answer.exception()  # a flight nobody waits for must not complain when it is forgotten
            raise
        if taken.counts:
            self._note_news(errand, before, taken.compliance)
            self._tell(question, taken.compliance)  # first: who waits for the answer finds that it has been heard of
        if not errand.answer.done():
            errand.answer.set_result(taken.compliance)

    def _judge(self, errand: Errand, answer: Compliance, started: Instant) -> None:
        """Write down how it went, and tell the breaker."""
        breaker, landed = self.errands.breaker, self._clock()
        took_s, stood = landed.monotonic - started.monotonic, breaker.state
        self._witness.asked(errand.question, answer, polled=errand.polled, took_s=took_s, now=landed)
        self._report(errand, answer, took_s, landed)
        self._witness.breaker(errand.question.tenant, stood, breaker.state, self.errands.trouble, landed)

    def _report(self, errand: Errand, answer: Compliance, took_s: float, landed: Instant) -> None:
        breaker, key = self.errands.breaker, errand.question.key
        if answer.state is ComplianceState.UNAVAILABLE:
            # One odd device must not open the breaker for everybody, nor make a partial outage look well.
            odd = concerns_only_the_device(answer.detail)
            (breaker.abandoned if odd else breaker.failed)(landed, errand.generation)
            if not odd:
                self.errands.trouble = answer.detail
            self._log.warning("intune did not answer", key=key, detail=answer.detail)
            return
        breaker.succeeded(landed, errand.generation)
        self.errands.trouble = ""
        self._log.debug("intune answered", key=key, took_s=round(took_s, 3), state=answer.state.value)
        if took_s > self._options.deadline_s:
            self.counts.late += 1
            self._log.warning("late answer kept", key=key, took_s=round(took_s, 3), state=answer.state.value)

    def _note_news(self, errand: Errand, before: Found, verdict: Compliance) -> None:
        if isinstance(before, Fresh | Stale):
            by = "poll" if errand.polled else "login"
            self._witness.counts_now(errand.question, before.compliance, verdict, by=by, now=self._clock())

    def _tell(self, question: Question, verdict: Compliance) -> None:
        # In a turn of the loop of its own: a bug of whoever listens is the loop's to log, and costs nobody an answer.
        asyncio.get_running_loop().call_soon(self._on_verdict, question, verdict)

    def _unavailable(self, detail: str) -> Compliance:
        return Compliance(
            state=ComplianceState.UNAVAILABLE, as_of=self._clock().wall, source=ComplianceSource.NONE, detail=detail
        )


def _is_young(found: Fresh, now: Instant, at_most_s: float) -> bool:
    return now.wall - found.compliance.as_of <= at_most_s


def _will_do(found: Found, now: Instant, at_most_s: float) -> bool:
    """Whether nobody needs to be asked."""
    return isinstance(found, Fresh) and _is_young(found, now, at_most_s)


def _pass_on(flight: asyncio.Future[Compliance], answer: asyncio.Future[Compliance]) -> None:
    """The answer of a question under way is the answer of one that came after it."""

    def landed(done: asyncio.Future[Compliance]) -> None:
        if answer.done():
            return
        if done.cancelled():
            answer.cancel()
        elif (bug := done.exception()) is not None:
            answer.set_exception(bug)
            answer.exception()  # whoever waits for it has it raised, and nobody need
        else:
            answer.set_result(done.result())

    flight.add_done_callback(landed)
