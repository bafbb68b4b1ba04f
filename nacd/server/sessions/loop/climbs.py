"""Every session of which something is wanted, on its way there: timers, requests, answers.

Knows: what is asked when, that nothing is asked before the disk knows of it, and which event belongs to which session.
Refuses to know: what is wanted and why (``deciding``), which verb is next (``session/ladder``), octets (``targets``).

Theory. A climb is in one of four places: it waits for a time (in the heap), for the disk (``busy``), for its NAS
(``flight``), or for a person (held without an end). Whatever settles the wish is heard through ``applied``, since it is
on the disk first; the climb is then dropped, its request taken back, and later answers are nobody's. One NAS that never
answers keeps its own climbs waiting and no other: the pace of each is the sender's.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from math import inf
from typing import Final

from nacd.errors import BadValue
from nacd.server.dac.sender import Sender
from nacd.server.sessions.book import Book
from nacd.server.sessions.loop.climbing import DISCONNECT, Climbing, Spots, how, is_alone
from nacd.server.sessions.loop.gate import Gate
from nacd.server.sessions.loop.telling import Telling
from nacd.server.sessions.targets import Asked, Targets
from nacd.session import ladder
from nacd.session.guard import Hold
from nacd.session.ladder import Ask, Converged, Event, Move, NoSuchSession, Seen, State, Terms, TimePassed
from nacd.session.table import is_same_decision
from nacd.sessions import (
    Authorized,
    Change,
    Gone,
    Meaning,
    Outcome,
    Phase,
    Session,
    Settled,
    Standing,
    Verb,
    Wished,
)
from nacd.store.live.outcome import Applied
from nacd.values import AccessRequest, Instant

MOST: Final = 20_000
"""Climbs at once; more wait on the disk for a round to find them."""
_A_RUN: Final = 1_000
_NOT_SENT_S: Final = 10.0
_SAID_GONE_S: Final = 30.0
_TIME_PASSED: Final = TimePassed()
_REFUSED: Final = "it was refused when it logged in again"


class Climbs:
    """All of them, by session. For one event loop."""

    def __init__(
        self,
        *,
        book: Book,
        sender: Sender,
        targets: Targets,
        gate: Gate,
        telling: Telling,
        terms: Terms,
        clock: Callable[[], Instant],
    ) -> None:
        """terms: how patient; its ``bounce`` says whether any port may go down."""
        self._book = book
        self._sender = sender
        self._targets = targets
        self._gate = gate
        self._telling = telling
        self._terms = terms
        self._clock = clock
        self._by_id: dict[int, Climbing] = {}
        self._heap: list[tuple[float, int, int]] = []
        self._number = count()
        self._spots = Spots()
        self._looking: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._by_id)

    def find(self, id: int) -> Climbing | None:
        """The climb of this session."""
        return self._by_id.get(id)

    def status(self) -> Mapping[str, int]:
        """How many are in which state of the ladder."""
        return Counter(str(each.climb.state) for each in self._by_id.values())

    # -- beginning and end -----------------------------------------------------------------------

    def judge(self, batch: Sequence[Climbing], now: Instant) -> None:
        """Ask the gate about all of them together; its ruling is what is held, and until when."""
        changes = [each.change(self.cannot(each)) for each in batch]
        for each, ruling in zip(batch, self._gate.ask(changes, now), strict=True):
            held = ruling.why if isinstance(ruling, Hold) else ""
            each.due = ruling.until if isinstance(ruling, Hold) else now.monotonic
            each.climb = replace(each.climb, pending=replace(each.pending, held=held))

    def cannot(self, each: Climbing) -> str:
        """Why its NAS cannot be asked anything, a clause; ``""`` if it can."""
        return self._targets.why_not(each.session)

    def expect(self, each: Climbing, now: Instant) -> bool:
        """It goes to the disk: hear what becomes of its session meanwhile. False if there are too many already."""
        id = each.session.id
        if id not in self._by_id and len(self._by_id) >= MOST:
            self._telling.warn(
                "climbs", f"more than {MOST} sessions are to be changed at once: the others wait for their turn", now
            )
            return False
        self.drop(id)
        each.busy = True
        self._by_id[id] = each
        self._spots.put(each)
        return True

    def begin(self, each: Climbing) -> None:
        """It is on the disk: go on with it."""
        each.busy = False
        if each.pending.held:
            self._push(each)
        else:
            self._advance(each, _TIME_PASSED)

    def drop(self, id: int) -> None:
        """Nothing is wanted any more, or something else; what was not sent yet is not sent."""
        each = self._by_id.pop(id, None)
        if each is None:
            return
        self._spots.take(each)
        if each.flight is not None:
            each.flight.cancel()

    def close(self) -> None:
        """Ask nothing more. What is wanted is on the disk."""
        for id in tuple(self._by_id):
            self.drop(id)
        for task in self._looking:
            task.cancel()

    # -- what comes --------------------------------------------------------------------------------

    def run(self, now: Instant) -> None:
        """Go on with those whose time has come."""
        ready: list[Climbing] = []
        held: list[Climbing] = []
        while self._heap and self._heap[0][0] <= now.monotonic and len(ready) + len(held) < _A_RUN:
            due, _, id = heapq.heappop(self._heap)
            each = self._by_id.get(id)
            if each is None or each.due != due or each.busy or each.flight is not None:
                continue
            (held if each.pending.held else ready).append(each)
        for each in ready:
            self._advance(each, _TIME_PASSED)
        if held:
            self._ask_again(held, now)

    def ask_gate(self, ids: Iterable[int], now: Instant) -> None:
        """Something has changed for these: those that are held may go now."""
        held = [each for each in map(self._by_id.get, ids) if each is not None and each.pending.held and not each.busy]
        if held:
            self._ask_again(held, now)

    def held(self) -> tuple[int, ...]:
        """Sessions of which something holds what is wanted."""
        return tuple(id for id, each in self._by_id.items() if each.pending.held)

    def applied(self, change: Change, applied: Applied) -> None:
        """A change is on the disk, whoever made it."""
        for id in applied.ended:
            if id in self._by_id:
                self._finish(self._by_id[id], "its session is over: its NAS was restarted")
        session = applied.session
        if not isinstance(session, Session):
            return
        if isinstance(change, Authorized):
            for left in self._spots.left_for(session):
                if is_same_decision(session.standing, left.pending.wanted):
                    self._over(left, f"it logged in again, as session {session.id}", self._clock().wall)
        each = self._by_id.get(session.id)
        if each is None:
            return
        self._spots.take(each)
        each.session = session
        self._spots.put(each)
        if session.phase is Phase.ENDED:
            self._finish(each, f"its session is over: {session.cause}")
        elif isinstance(session.wish, Settled):
            self._finish(each, how(each, self._terms))

    def refused(self, request: AccessRequest, standing: Standing) -> None:
        """The endpoint at this place logged in and was refused. Whoever was to be refused has been."""
        for each in self._spots.of_request(request):
            move = ladder.step(each.climb, Seen(standing=standing), (), self._terms, standing.at)
            if isinstance(move.do, Converged):
                self._over(each, _REFUSED, self._clock().wall)

    # -- steps -------------------------------------------------------------------------------------

    def _advance(self, each: Climbing, event: Event) -> None:
        """One event, and whatever follows from it without waiting."""
        now = self._clock()
        while True:
            session, wanted = each.session, each.pending.wanted
            before = session.standing.profile if isinstance(session.standing, Standing) else ""
            rungs = self._targets.rungs(session, before, wanted.profile)
            terms = replace(self._terms, bounce=self._terms.bounce and (each.alone or not each.looked))
            move = ladder.step(each.climb, event, tuple(rung.verb for rung in rungs), terms, now.wall)
            if isinstance(move.do, Ask) and move.do.verb is Verb.BOUNCE and not each.looked:
                self._look_around(each, event)
                return
            each.looked = each.alone = False
            if move.alarm:
                self._telling.alarm(each.shown, move.alarm, now)
            if not isinstance(move.do, Ask):
                self._rest(each, move, now)
                return
            each.climb = move.climb
            closed = self._gate.window(each.change(""), now)
            if isinstance(closed, Hold):
                self._hold(each, closed, now)
                return
            verb = move.do.verb
            rung = next(rung for rung in rungs if rung.verb is verb)
            asked = self._targets.request(rung, each.shown, wanted.profile, move.do.narrow)
            if isinstance(asked, Asked):
                self._commit(each, asked, now)
                return
            event = Outcome(meaning=Meaning.NEXT_VERB, detail=asked.reason, tries=0)

    def _rest(self, each: Climbing, move: Move, now: Instant) -> None:
        if isinstance(move.do, Converged):
            self._converge(each, move.do)
        elif isinstance(move.do, NoSuchSession):
            # What was heard of it since it was asked is newer than this word.
            self._over(each, f"its NAS has no such session: {move.do.detail}", each.pending.asked_at)
        else:
            changed = move.climb.pending != each.pending
            each.climb = move.climb
            if changed:
                self._keep(each, now)
            until = move.do.until if isinstance(move.do, ladder.Wait) else now.wall
            self._wait(each, until - now.wall, now)

    def _commit(self, each: Climbing, asked: Asked, now: Instant) -> None:
        """What will be asked goes to the disk first: a restart must not ask it as if for the first time."""
        each.busy = True
        written = self._keep(each, now)
        written.add_done_callback(partial(self._committed, each, asked))

    def _committed(self, each: Climbing, asked: Asked, written: asyncio.Future[tuple[Applied, ...]]) -> None:
        if self._by_id.get(each.session.id) is not each:
            return
        each.busy = False
        now, applied = self._clock(), written.result()[0]
        if not applied.stored:
            self._telling.warn("climbs disk", f"no NAS is asked while the disk takes nothing: {applied.why}", now)
            self._not_sent(each, now)
            return
        if not isinstance(applied.session, Session):
            self.drop(each.session.id)  # it was forgotten for its age
            return
        request = "disconnect" if asked.code == DISCONNECT else "coa"
        target = asked.target
        self._telling.asked(each.session, each.pending, request, target.host, target.port, asked.shown, now)
        try:
            flight = self._sender.ask(target, asked.code, asked.attributes, asked.secret, str(each.session.id))
        except (BadValue, ValueError) as wrong:
            self._advance(each, Outcome(meaning=Meaning.CONFIGURATION, detail=str(wrong), tries=0))
            return
        each.flight = flight
        flight.add_done_callback(partial(self._answered, each))

    def _answered(self, each: Climbing, flight: asyncio.Future[Outcome]) -> None:
        if self._by_id.get(each.session.id) is not each or each.flight is not flight:
            return
        each.flight = None
        if each.busy:
            return  # something better than an answer has come meanwhile
        now, outcome = self._clock(), flight.result()
        self._telling.answered(each.shown, each.pending.verb, outcome, now)
        if outcome.tries:
            self._advance(each, outcome)
        else:
            self._not_sent(each, now)

    def _not_sent(self, each: Climbing, now: Instant) -> None:
        """The NAS has heard nothing of it, so it was no try."""
        pending = replace(each.pending, tries=max(0, each.pending.tries - 1))
        each.climb = replace(each.climb, pending=pending, state=State.READY, until=0.0)
        self._wait(each, _NOT_SENT_S, now)

    def _hold(self, each: Climbing, hold: Hold, now: Instant) -> None:
        """Not this step now; the next look goes on from here."""
        pending = replace(each.pending, tries=0, held=hold.why)
        each.climb = replace(each.climb, pending=pending, state=State.READY, until=0.0)
        each.due = hold.until
        self._held_back(each, now)

    def say_held(self, each: Climbing, now: Instant) -> None:
        """Nothing is asked of it for now, and why."""
        if each.due == inf:
            self._telling.not_askable(each.shown, each.pending.held, now)
        else:
            self._telling.held(each.shown, each.pending.held, now.wall + each.due - now.monotonic, now)

    def _held_back(self, each: Climbing, now: Instant) -> None:
        self._keep(each, now)
        self.say_held(each, now)
        self._push(each)

    def _ask_again(self, batch: Sequence[Climbing], now: Instant) -> None:
        reasons = [each.pending.held for each in batch]
        self.judge(batch, now)
        for each, reason in zip(batch, reasons, strict=True):
            if not each.pending.held:
                self._advance(each, _TIME_PASSED)
            elif each.pending.held != reason:
                self._held_back(each, now)
            else:
                self._push(each)

    def _look_around(self, each: Climbing, event: Event) -> None:
        """Whether a port carries this session alone; then the same event again."""
        each.busy = True

        async def look() -> None:
            alone = await self._book.read(partial(is_alone, each.session))
            if self._by_id.get(each.session.id) is each:
                each.busy, each.looked, each.alone = False, True, alone
                self._advance(each, event)

        task = asyncio.get_running_loop().create_task(look())
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    # -- ends --------------------------------------------------------------------------------------

    def _converge(self, each: Climbing, done: Converged) -> None:
        """It was pushed and acknowledged, which nobody else writes down."""
        id = each.session.id
        change = Wished(id=id, wish=Settled(), at=self._clock().wall, standing=done.standing)
        each.busy = True

        def written(future: asyncio.Future[tuple[Applied, ...]]) -> None:
            if self._by_id.get(id) is not each:
                return  # ``applied`` has seen it
            each.busy = False
            if not isinstance(future.result()[0].session, Session):
                self.drop(id)  # it was forgotten, or the disk takes nothing: a round looks at it again

        self._book.write((change,)).add_done_callback(written)

    def _over(self, each: Climbing, cause: str, at: float) -> None:
        """It has ended by other word than accounting. What was heard of it after ``at`` speaks against that."""
        id = each.session.id
        each.busy = True

        def written(future: asyncio.Future[tuple[Applied, ...]]) -> None:
            now, applied = self._clock(), future.result()[0]
            if applied.changed and isinstance(applied.session, Session):
                self._telling.ended(applied.session, cause, now)
            if self._by_id.get(id) is each:
                each.busy = False
                each.climb = replace(each.climb, state=State.RESTING, until=now.wall + _SAID_GONE_S)
                self._wait(each, _SAID_GONE_S, now)

        change = Gone(id=id, phase=Phase.ENDED, at=at, cause=cause)
        self._book.write((change,)).add_done_callback(written)

    def _finish(self, each: Climbing, how: str) -> None:
        now = self._clock()
        self.drop(each.session.id)
        self._gate.forget(each.session.id)
        self._telling.converged(each.shown, each.pending.wanted, how, each.pending.since, now)

    # -- parts -------------------------------------------------------------------------------------

    def _keep(self, each: Climbing, now: Instant) -> asyncio.Future[tuple[Applied, ...]]:
        return self._book.write((Wished(id=each.session.id, wish=each.pending, at=now.wall),))

    def _wait(self, each: Climbing, for_s: float, now: Instant) -> None:
        each.due = now.monotonic + max(0.0, for_s)
        self._push(each)

    def _push(self, each: Climbing) -> None:
        if each.due != inf:
            heapq.heappush(self._heap, (each.due, next(self._number), each.session.id))
