"""Every session of which something is wanted, on its way there: what it waits for, and what comes.

Knows: what is asked when, and which event belongs to which session. Refuses to know: what is wanted and why
(``deciding``), which verb is next (``session/ladder``), how a NAS is asked (``requests``), octets (``targets``).

Theory. A climb waits for one thing at a time (``Where``). Whatever settles the wish is heard through ``applied``, since
it is on the disk first; the climb then leaves, its request is taken back, and later answers are nobody's. What is on
the disk from before a wish is no proof about that wish. One NAS that never answers keeps its own climbs waiting and no
other: the pace of each is the sender's.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import inf
from typing import Final

from nacd.server.dac.sender import Sender
from nacd.server.sessions.book import Book
from nacd.server.sessions.loop.climbing import Climbing, Spots, Where, how, is_alone, is_its_own
from nacd.server.sessions.loop.gate import Gate
from nacd.server.sessions.loop.lately import Lately
from nacd.server.sessions.loop.requests import Requests, was_sent
from nacd.server.sessions.loop.rulings import Rulings
from nacd.server.sessions.loop.telling import Telling
from nacd.server.sessions.loop.timers import Timers
from nacd.server.sessions.targets import Asked, Targets
from nacd.session import ladder
from nacd.session.guard import Hold
from nacd.session.ladder import Ask, Converged, Event, Move, NoSuchSession, Seen, State, Terms, TimePassed
from nacd.session.table import is_same_decision
from nacd.sessions import Authorized, Change, Gone, Meaning, Outcome, Phase, Session, Settled, Standing, Verb, Wished
from nacd.store.live.outcome import Applied
from nacd.values import AccessRequest, Instant

MOST: Final = 20_000
"""Climbs at once; more wait on the disk for a round to find them."""
_A_RUN: Final = 100
"""Climbs that go on before the loop does something else."""
_A_WRITE: Final = 200
_NOT_SENT_S: Final = 10.0
_SAID_GONE_S: Final = 30.0
_AGED_SLOWER: Final = 6.0
"""Most that have aged are gone, and their NASes may be asked about them for weeks."""
_TIME_PASSED: Final = TimePassed()
_NO_MORE: Final = "nothing is wanted of it any more"
_FORGOTTEN: Final = "nacd keeps no session longer than this of which nothing is heard"
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
        self._targets = targets
        self._gate = gate
        self._telling = telling
        self.terms = terms
        self._clock = clock
        self._by_id: dict[int, Climbing] = {}
        self._rulings = Rulings(gate, targets)
        self._due = Timers()
        self._held_until = Timers()
        self._spots = Spots()
        self._lately = Lately()
        self._looking: set[asyncio.Task[bool]] = set()
        self._next_run: asyncio.Handle | None = None
        self._requests = Requests(
            book=book, sender=sender, telling=telling, answered=self._answered, forgotten=self._forgotten, clock=clock
        )

    def __len__(self) -> int:
        return len(self._by_id)

    def find(self, id: int) -> Climbing | None:
        """The climb of this session."""
        return self._by_id.get(id)

    def status(self) -> Mapping[str, int]:
        """How many are in which state of the ladder."""
        return Counter(str(each.climb.state) for each in self._by_id.values())

    def has_settled(self, read: Session) -> bool:
        """Whether what is wanted of it, as it was read from the disk a moment ago, is wanted no more."""
        return self._lately.has_settled(read)

    # -- beginning and end -----------------------------------------------------------------------

    def judge(self, batch: Sequence[Climbing], now: Instant) -> None:
        """Ask the gate about all of them together; its ruling is what is held, and until when."""
        self._rulings.judge(batch, now)

    def cannot(self, each: Climbing) -> str:
        """Why its NAS cannot be asked anything, a clause; ``""`` if it can."""
        return self._rulings.cannot(each)

    def expect(self, each: Climbing, now: Instant) -> bool:
        """It goes to the disk: hear what becomes of its session meanwhile. False if there are too many already."""
        id = each.session.id
        if id not in self._by_id and len(self._by_id) >= MOST:
            self._telling.warn(
                "climbs", f"more than {MOST} sessions are to be changed at once: the others wait for their turn", now
            )
            return False
        self.drop(id)
        each.where = Where.EXPECTED
        self._by_id[id] = each
        self._spots.put(each)
        return True

    def begin(self, each: Climbing) -> None:
        """It is on the disk: go on with it, unless it is at something better."""
        if each.where is not Where.EXPECTED:
            return
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
        self._due.drop(id)
        self._held_until.drop(id)
        self._rulings.drop(id)
        each.leave()

    def close(self) -> None:
        """Ask nothing more; the sender is closed. What is wanted is on the disk, and what was never sent is no try."""
        now = self._clock()
        left = [(id, each.left_over()) for id, each in self._by_id.items()]
        changes = [Wished(id=id, wish=wish, at=now.wall) for id, wish in left if wish is not None]
        for id in tuple(self._by_id):
            self.drop(id)
        for first in range(0, len(changes), _A_WRITE):
            self._book.write(changes[first : first + _A_WRITE])
        for task in self._looking:
            task.cancel()
        if self._next_run is not None:
            self._next_run.cancel()

    # -- what comes --------------------------------------------------------------------------------

    def run(self, now: Instant) -> None:
        """Go on with those whose time has come: a slice now, the rest as soon as the loop has looked at others."""
        if self._next_run is not None:
            self._next_run.cancel()
            self._next_run = None
        self._rulings.ask(self._those(self._held_until.take(now.monotonic, MOST)), now, due=True)
        self._obey(now)
        for each in self._those(self._due.take(now.monotonic, _A_RUN)):
            if each.where is Where.WAITING:
                self._advance(each, _TIME_PASSED)
        if self._due.is_due(now.monotonic) or len(self._rulings):
            self._next_run = asyncio.get_running_loop().call_soon(lambda: self.run(self._clock()))

    def ask_gate(self, ids: Iterable[int], now: Instant) -> None:
        """Something has changed for these: those that are held may go now."""
        held = [each for each in self._those(ids) if each.pending.held]
        for each in held:
            if each.where is not Where.WAITING:
                each.due = now.monotonic  # it is asked about as soon as it waits
        self._rulings.ask([each for each in held if each.where is Where.WAITING], now)
        self.run(now)

    def held(self) -> tuple[int, ...]:
        """Sessions of which something holds what is wanted."""
        return tuple(id for id, each in self._by_id.items() if each.pending.held)

    def _those(self, ids: Iterable[int]) -> list[Climbing]:
        return [each for each in map(self._by_id.get, ids) if each is not None]

    def applied(self, change: Change, applied: Applied) -> None:
        """A change is on the disk, whoever made it."""
        for id in applied.ended:
            self._lately.settled(id)
            for ended in self._those((id,)):
                ended.session = replace(ended.session, phase=Phase.ENDED, cause="its NAS was restarted")
                self._finish(ended, f"its session is over: {ended.session.cause}")
        session = applied.session
        if not isinstance(session, Session):
            return
        self._lately.applied(change, session)
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
        elif isinstance(session.wish, Settled) and (each.where is not Where.EXPECTED or is_its_own(change, each)):
            self._finish(each, how(each, self.terms))

    def refused(self, request: AccessRequest, standing: Standing) -> None:
        """The endpoint at this place logged in and was refused. Whoever was to be refused has been."""
        for each in self._spots.of_request(request):
            move = ladder.step(each.climb, Seen(standing=standing), (), self.terms, standing.at)
            if isinstance(move.do, Converged):
                self._over(each, _REFUSED, self._clock().wall)

    # -- steps -------------------------------------------------------------------------------------

    def _advance(self, each: Climbing, event: Event) -> None:
        """One event, and whatever follows from it without waiting."""
        now = self._clock()
        each.where = Where.WAITING
        while True:
            session, wanted = each.session, each.pending.wanted
            before = session.standing.profile if isinstance(session.standing, Standing) else ""
            rungs = self._targets.rungs(session, before, wanted.profile)
            bounce = self.terms.bounce and (each.alone or not each.looked)
            again_s = self.terms.again_s * (_AGED_SLOWER if session.phase is Phase.AGED else 1.0)
            terms = replace(self.terms, bounce=bounce, accounted=session.started_at > 0.0, again_s=again_s)
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
                self._requests.ask(each, asked, now)
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

    def _answered(self, each: Climbing, outcome: Outcome) -> None:
        if was_sent(outcome):
            self._advance(each, outcome)
            return
        each.climb = replace(each.climb, pending=each.never_sent, state=State.READY, until=0.0)
        self._wait(each, _NOT_SENT_S, self._clock())

    def _hold(self, each: Climbing, hold: Hold, now: Instant) -> None:
        """Not this step now; the next look goes on from here."""
        pending = replace(each.pending, tries=0, asked_at=0.0, held=hold.why)
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

    def _obey(self, now: Instant) -> None:
        """Put some of what the gate has said into force."""
        for each, before in self._rulings.take(_A_RUN, now):
            if each.where is not Where.WAITING:
                continue  # it ends just now; should it not, it goes on as it was ruled
            if not each.pending.held:
                self._wait(each, 0.0, now)
            elif each.pending.held != before:
                self._held_back(each, now)
            else:
                self._push(each)

    def _look_around(self, each: Climbing, event: Event) -> None:
        """Whether a port carries this session alone; then the same event again."""
        each.where = Where.LOOKING

        def looked(task: asyncio.Task[bool]) -> None:
            self._looking.discard(task)
            if each.where is not Where.LOOKING:
                return
            if failed := task.exception():  # then nobody is known to be alone
                self._telling.warn("climbs look", f"who is on a port cannot be seen: {failed}", self._clock())
            each.looked, each.alone = True, failed is None and task.result()
            self._advance(each, event)

        look = self._book.read(partial(is_alone, each.session))
        task = asyncio.get_running_loop().create_task(look, name="looking around")
        self._looking.add(task)
        task.add_done_callback(looked)

    # -- ends --------------------------------------------------------------------------------------

    def _converge(self, each: Climbing, done: Converged) -> None:
        """It was pushed and acknowledged, which nobody else writes down."""
        id = each.session.id
        change = Wished(id=id, wish=Settled(), at=self._clock().wall, standing=done.standing)
        each.where = Where.ENDING

        def written(_: asyncio.Future[tuple[Applied, ...]]) -> None:
            if each.where is Where.ENDING:  # else ``applied`` has seen it
                self.drop(id)  # it was forgotten, or the disk takes nothing: a round looks at it again
                self._gate.forget(id)

        self._book.write((change,)).add_done_callback(written)

    def _over(self, each: Climbing, cause: str, at: float) -> None:
        """It has ended by other word than accounting. What was heard of it after ``at`` speaks against that."""
        id = each.session.id
        each.land()
        each.where = Where.ENDING

        def written(future: asyncio.Future[tuple[Applied, ...]]) -> None:
            now, applied = self._clock(), future.result()[0]
            if applied.changed and isinstance(applied.session, Session):
                self._telling.ended(applied.session, cause, now)
            if each.where is Where.ENDING:
                each.climb = replace(each.climb, state=State.RESTING, until=now.wall + _SAID_GONE_S)
                self._wait(each, _SAID_GONE_S, now)

        change = Gone(id=id, phase=Phase.ENDED, at=at, cause=cause)
        self._book.write((change,)).add_done_callback(written)

    def _finish(self, each: Climbing, how: str) -> None:
        """how: by what it came about, ``""`` if it did not."""
        now = self._clock()
        self.drop(each.session.id)
        self._gate.forget(each.session.id)
        if how:
            self._telling.converged(each.shown, each.pending.wanted, how, each.pending.since, now)
        else:
            self._telling.withdrawn(each.shown, each.pending.wanted, _NO_MORE, each.pending.since, now)

    def _forgotten(self, id: int) -> None:
        each = self._by_id.get(id)
        if each is not None:
            self.drop(id)
            self._gate.forget(id)
            now = self._clock()
            self._telling.withdrawn(each.shown, each.pending.wanted, _FORGOTTEN, each.pending.since, now)

    # -- parts -------------------------------------------------------------------------------------

    def _keep(self, each: Climbing, now: Instant) -> asyncio.Future[tuple[Applied, ...]]:
        return self._book.write((Wished(id=each.session.id, wish=each.pending, at=now.wall),))

    def _wait(self, each: Climbing, for_s: float, now: Instant) -> None:
        each.due = now.monotonic + max(0.0, for_s)
        self._push(each)

    def _push(self, each: Climbing) -> None:
        each.where = Where.WAITING
        id = each.session.id
        held = bool(each.pending.held)
        self._held_until.put(id, each.due if held else inf)
        self._due.put(id, inf if held else each.due)
