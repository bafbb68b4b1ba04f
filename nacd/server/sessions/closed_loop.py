"""The closed loop: what is heard of devices and sessions, until the network does what was decided.

Knows: what sets a decision off again, and that all of it waits in bounded queues for its turn. Refuses to know: what is
decided (``deciding``), how it comes about (``climbs``), and who calls.

Theory. Whoever tells something here only puts it into a queue, each device and each session once; one task at a time
takes everything that came meanwhile and decides it together, so that the guard sees what a poll or a list wants as one.
What does not fit into a queue is not lost: a round over all sessions begins at once and finds it. An outage is no news
about a device, so ``unavailable`` sets nothing off.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from nacd.compliance.question import Question
from nacd.reassess import is_down
from nacd.server.dac.lanes import LaneStatus
from nacd.server.dac.sender import Sender
from nacd.server.log import logger
from nacd.server.sessions import reach
from nacd.server.sessions.book import Book
from nacd.server.sessions.loop.by_hand import ByHand
from nacd.server.sessions.loop.climbing import climbing
from nacd.server.sessions.loop.climbs import Climbs
from nacd.server.sessions.loop.deciding import Deciding, Device, Told, Verdicts
from nacd.server.sessions.loop.gate import DIRECTIONS, Gate
from nacd.server.sessions.loop.queue import Queue
from nacd.server.sessions.loop.telling import Telling
from nacd.server.sessions.rounds import Rounds
from nacd.server.sessions.upkeep import Upkeep
from nacd.session.guard import REASONS, Count
from nacd.session.ladder import Terms
from nacd.session.overrides import Override, SubjectKind
from nacd.sessions import (
    Accounted,
    AccountingKind,
    Authorized,
    Change,
    Grounds,
    Outcome,
    Pending,
    Phase,
    Session,
    Standing,
    Verb,
)
from nacd.store.live.outcome import Applied
from nacd.store.sessions import SessionStore
from nacd.values import AccessRequest, Compliance, ComplianceState, DeviceIdKind, Instant

T = TypeVar("T")
_NO_NEWS: Final = frozenset({ComplianceState.UNAVAILABLE, ComplianceState.NOT_ASKED})
_PAGE: Final = 500
_TOGETHER: Final = 5_000
"""Sessions in memory at once, of some kilobytes each: more are decided in several turns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopStatus:
    """For people and metrics. climbs: by ``ladder.State``. held: how many of them are held. guards: by direction.

    queued: sessions and devices that wait to be decided again. rounds: passes over all sessions. problem: of the
    database, ``""`` for none.
    """

    climbs: Mapping[str, int]
    held: int
    guards: Mapping[str, Count]
    lanes: tuple[LaneStatus, ...]
    queued: int
    requests: int
    rounds: int
    live_sessions: int
    problem: str


class ClosedLoop:
    """For one event loop. ``start`` first; then ``tick`` once a second or oftener."""

    def __init__(
        self,
        *,
        book: Book,
        climbs: Climbs,
        deciding: Deciding,
        gate: Gate,
        rounds: Rounds,
        upkeep: Upkeep,
        queue: Queue,
        by_hand: ByHand,
        sender: Sender,
        telling: Telling,
        verdicts: Verdicts,
        terms: Terms,
        clock: Callable[[], Instant],
    ) -> None:
        self._book = book
        self._climbs = climbs
        self._deciding = deciding
        self._gate = gate
        self._rounds = rounds
        self._upkeep = upkeep
        self._queue = queue
        self._sender = sender
        self._by_hand = by_hand
        self._telling = telling
        self._verdicts = verdicts
        self._terms = terms
        self._clock = clock
        self._highest = 0
        self._work: asyncio.Task[None] | None = None
        self._started = False
        self._log = logger("sessions")

    async def start(self) -> None:
        """Go on with what was wanted before a restart, then look at every session once."""
        counts = await self._book.read(SessionStore.counts)  # ahead of all judging: the guard counts in percent of it
        self._gate.live_sessions = counts[Phase.AUTHORIZED] + counts[Phase.LIVE]
        is_new = not (any(counts.values()) or self._book.problem)
        self._gate.resume(await self._waiting(), self._clock(), is_new=is_new)
        async for page in self._pending():
            if not self._resume(page):
                break
        self._gate.resumed(self._clock())
        self._started = True
        self._rounds.begin_now()

    async def close(self) -> None:
        """Ask nothing more. What is wanted is on the disk once the database is closed."""
        self._started = False
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait({self._work})
        self._sender.close()  # first: then it is known what has never left
        self._climbs.close()

    def tick(self, now: Instant) -> None:
        """Once a second or so."""
        if not self._started:
            return
        self._climbs.run(now)
        for override in self._upkeep.ran_out(now):
            self.overridden(override)
        self._begin_work()

    # -- what is heard -----------------------------------------------------------------------------

    def applied(self, change: Change, applied: Applied) -> None:
        """A change is on the disk: a listener of the book."""
        self._climbs.applied(change, applied)
        session = applied.session
        if not isinstance(session, Session):
            return
        is_new = session.id > self._highest
        self._highest = max(self._highest, session.id)
        if isinstance(change, Authorized):
            if isinstance(session.wish, Pending) or self._is_outdated(session):
                self.again(session.id)
        elif isinstance(change, Accounted) and applied.changed and session.phase is Phase.LIVE:
            if change.kind is AccountingKind.INTERIM:
                self._upkeep.heard(session)
            no_climb = isinstance(session.wish, Pending) and self._climbs.find(session.id) is None
            if isinstance(session.standing, Standing) and (is_new or no_climb):
                self.again(session.id)

    def verdict(self, question: Question, compliance: Compliance) -> None:
        """Something new is known of a device, in memory and on disk."""
        if compliance.state not in _NO_NEWS:
            self._queue.put_device((question.tenant, question.key), compliance)

    def refused(self, request: AccessRequest, mac: str, standing: Standing) -> None:
        """An endpoint was refused by the policy: whoever was to be refused there has been. mac: as in ``Facts``."""
        del mac  # one NAS spells a Calling-Station-Id in one way, and a VPN client has no MAC
        self._climbs.refused(request, standing)

    def overridden(self, override: Override) -> None:
        """An order was put, or lifted, or has run out: its live sessions are decided again, past the guard."""
        self._queue.put_override(override)

    def again(self, id: int) -> None:
        """Decide this session again."""
        self._queue.put_session(id)

    def _is_outdated(self, session: Session) -> bool:
        """Whether more is known by now than what it was let in with: its answer came late."""
        grounds, standing = session.grounds, session.standing
        if not isinstance(grounds, Grounds) or not isinstance(standing, Standing) or not grounds.key:
            return False
        found = self._verdicts.find(grounds.tenant, grounds.key, self._clock())
        if found is None or found.state is standing.compliance.state:
            return False
        return found.as_of > standing.compliance.as_of or standing.compliance.state in _NO_NEWS

    # -- what people want ----------------------------------------------------------------------------

    async def reassess(self, sessions: Sequence[Session], why: str) -> Told:
        """Decide these again now: (id, words) of what came of each. why: for the record."""
        return await self._deciding.decide(sessions, why)

    async def by_hand(self, session: Session, verb: Verb, by: str) -> Outcome:
        """Ask its NAS for this because ``by`` wants it, whatever is wanted of it besides. ``tries`` 0: never asked."""
        self._log.info("a NAS is asked by hand", session=session.id, nas=session.place.nas, verb=verb.value, by=by)
        return await self._by_hand.ask(session, verb)

    def release(self, direction: str, by: str) -> int:
        """Let go what the guard holds; how many. direction: ``down``, ``up`` or ``""``, else ValueError."""
        now = self._clock()
        count = self._gate.release(direction, by, now)
        self._climbs.ask_gate(self._climbs.held(), now)
        return count

    def discard(self, direction: str, by: str) -> int:
        """What the guard holds is not to happen for as long as a hold lasts; how many. direction: as ``release``'s."""
        now = self._clock()
        count = self._gate.discard(direction, by, now)
        self._climbs.ask_gate(self._climbs.held(), now)
        return count

    def status(self, now: Instant) -> LoopStatus:
        """How things are."""
        return LoopStatus(
            climbs=self._climbs.status(),
            held=len(self._climbs.held()),
            guards=self._gate.counts(now),
            lanes=self._sender.status(),
            queued=len(self._queue),
            requests=self._sender.waiting,
            rounds=self._rounds.passes,
            live_sessions=self._gate.live_sessions,
            problem=self._book.problem,
        )

    # -- after a reload ------------------------------------------------------------------------------

    def renew(self, terms: Terms) -> None:
        """Go by these terms from now on."""
        self._terms = self._climbs.terms = terms

    def ask_about_held(self) -> None:
        """What held something (a closed window, a NAS that could not be asked) may be gone with the configuration."""
        if self._started:
            self._climbs.ask_gate(self._climbs.held(), self._clock())

    def look_at_all(self) -> None:
        """Decide about every session again, at the pace of a round."""
        self._rounds.begin_now()

    # -- after a restart -----------------------------------------------------------------------------

    async def _pending(self) -> AsyncIterator[Sequence[Session]]:
        after = 0
        while page := await self._book.read(partial(SessionStore.pending, limit=_PAGE, after=after)):
            yield page
            after = page[-1].id

    async def _waiting(self) -> Mapping[str, Mapping[int, str]]:
        """What the guard held before: the reason by session, by direction."""
        found: dict[str, dict[int, str]] = {direction: {} for direction in DIRECTIONS}
        async for page in self._pending():
            for each in page:
                if isinstance(each.wish, Pending) and each.wish.held in REASONS:
                    direction = "down" if is_down(each.standing, each.wish.wanted) else "up"
                    found[direction][each.id] = each.wish.held
        return found

    # -- work ----------------------------------------------------------------------------------------

    def _resume(self, page: Sequence[Session]) -> bool:
        """What the gate let go before a restart is not asked about again. False if there is no room for more."""
        now = self._clock()
        wanted = [each for each in page if not self._climbs.has_settled(each)]
        resumed = [climbing(each, each.wish, self._terms) for each in wanted if isinstance(each.wish, Pending)]
        self._climbs.judge([each for each in resumed if each.pending.held or self._climbs.cannot(each)], now)
        for each in resumed:
            if not self._climbs.expect(each, now):
                return False
            self._climbs.begin(each)
        return True

    def _begin_work(self) -> None:
        if self._work is not None and not self._work.done():
            return

        def ended(task: asyncio.Task[None]) -> None:
            # What it was at is found by the next round.
            if not task.cancelled() and (bug := task.exception()) is not None:
                self._log.error("deciding sessions again has failed by an error in nacd itself", exc_info=bug)

        self._work = asyncio.get_running_loop().create_task(self._take_turns(), name="closed loop")
        self._work.add_done_callback(ended)

    async def _take_turns(self) -> None:
        """Everything that waits, then a page of the round, then what is looked after now and then."""
        while override := self._queue.take_override():
            await self._deciding.decide(await self._of(override), "override", ordered=True)
        if news := self._queue.take_devices():
            async for found in self._read(tuple(news), _by_devices):
                await self._deciding.decide(found, "verdict", news)
        if ids := self._queue.take_sessions():
            async for found in self._read(ids, _by_ids):
                await self._deciding.decide(found, "session")
        if self._queue.overflowed():
            self._telling.warn("queue", "more is to be decided again than can wait: a round begins", self._clock())
            self._rounds.begin_now()
        await self._rounds.turn(self._clock())
        await self._upkeep.turn(self._clock())
        self._gate.live_sessions = self._upkeep.live_sessions

    async def _read(
        self, wanted: Sequence[T], ask: Callable[[Sequence[T], SessionStore], list[Session]]
    ) -> AsyncIterator[list[Session]]:
        """Their sessions, as many together as memory is spared for: what the guard sees as one."""
        found: list[Session] = []
        for first in range(0, len(wanted), _PAGE):
            found += await self._book.read(partial(ask, wanted[first : first + _PAGE]))
            if len(found) >= _TOGETHER:
                yield found
                found = []
        if found:
            yield found

    async def _of(self, override: Override) -> list[Session]:
        """Also those that have aged, and those of a device that nobody is asked about."""
        about, tenant = override.subject, override.tenant
        if override.subject_kind is SubjectKind.MAC:
            return await self._book.read(partial(reach.of_mac, mac=about, tenant=tenant))
        found = await self._book.read(partial(reach.of_device, guid=about, kinds=tuple(DeviceIdKind), tenant=tenant))
        for mac in self._deciding.covered(override):
            found += await self._book.read(partial(reach.of_mac, mac=mac, tenant=tenant))
        return list({each.id: each for each in found}.values())


def _by_devices(devices: Sequence[Device], store: SessionStore) -> list[Session]:
    return [session for tenant, key in devices for session in reach.of_verdict(store, tenant, key)]


def _by_ids(ids: Sequence[int], store: SessionStore) -> list[Session]:
    return [found for found in map(store.session, ids) if isinstance(found, Session)]
