"""Sessions decided again, in batches: which of them change, and what is written down of it before anything is asked.

Knows: the newest verdict, the order in force, and that a batch stays a batch for the guard. Refuses to know: what set
it off, and how a change comes about (``climbs``).

Theory. A session is read in a thread, so it may be old when it is judged; where there is a climb, that knows better.
While a wish is on its way to the disk, its endpoint may log in: whoever comes out under another decision than the one
that was judged is decided once more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol, TypeAlias

from nacd.policy.model import Policy
from nacd.reassess import Reassessed, baseline, is_ordered, reassess
from nacd.server.sessions.book import Book
from nacd.server.sessions.loop.climbing import Climbing, climbing, is_confirmed
from nacd.server.sessions.loop.climbs import Climbs
from nacd.server.sessions.loop.gate import Gate
from nacd.server.sessions.loop.telling import Telling
from nacd.session import ladder
from nacd.session.ladder import Terms
from nacd.session.overrides import NO_OVERRIDE, InForce, Orders, Override
from nacd.session.table import is_same_decision
from nacd.sessions import Grounds, NotOurs, Pending, Phase, Session, Settled, Standing, Wished
from nacd.store.live.outcome import Applied
from nacd.values import Compliance, Effect, Instant, Nas

Device: TypeAlias = tuple[str, str]
"""Tenant and key of a verdict."""
Told: TypeAlias = tuple[tuple[int, str], ...]
_SLICE: Final = 200
_AT_ONCE: Final = 50
_NOTHING: Final[Mapping[Device, Compliance]] = {}
_MEANWHILE: Final = "it has logged in meanwhile, and is decided again"


class Verdicts(Protocol):
    """What is known of devices."""

    def find(self, tenant: str, key: str, now: Instant) -> Compliance | None:
        """The newest verdict in memory; None: there is none."""

    async def recall(self, tenant: str, key: str) -> None:
        """Have what lies on disk in memory, unless there is something newer."""

    def trouble(self, tenant: str) -> bool:
        """Whether its Intune cannot be reached just now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settling:
    """What it has is wanted again. pending: what was wanted before."""

    session: Session
    pending: Pending


@dataclass(slots=True)
class _Batch:
    """What became of the sessions that were looked at. again: those that are held and may go now."""

    begun: list[Climbing] = field(default_factory=list)
    settling: list[_Settling] = field(default_factory=list)
    again: list[int] = field(default_factory=list)
    words: dict[int, str] = field(default_factory=dict)


class Deciding:
    """For one event loop."""

    def __init__(
        self,
        *,
        book: Book,
        climbs: Climbs,
        gate: Gate,
        telling: Telling,
        verdicts: Verdicts,
        orders: Orders,
        policy: Policy,
        policy_counts: bool,
        sayable: Callable[[Nas, str], bool],
        terms: Terms,
        again: Callable[[int], None],
        clock: Callable[[], Instant],
    ) -> None:
        """sayable: whether a NAS can be given a profile. again: takes a session that has to be decided once more."""
        self._book = book
        self._climbs = climbs
        self._gate = gate
        self._telling = telling
        self._verdicts = verdicts
        self._orders = orders
        self._policy = policy
        self._policy_counts = policy_counts
        self._sayable = sayable
        self._terms = terms
        self._again = again
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()

    def renew(self, policy: Policy, sayable: Callable[[Nas, str], bool], terms: Terms) -> None:
        """What is decided from now on is decided by these."""
        self._policy, self._sayable, self._terms = policy, sayable, terms

    def count_policy(self, counts: bool) -> None:
        """Whether a decision that differs because the policy differs is a change, from now on."""
        self._policy_counts = counts

    @property
    def policy(self) -> Policy:
        """By which it is decided now."""
        return self._policy

    @property
    def policy_counts(self) -> bool:
        """Whether a decision that differs because the policy differs is a change."""
        return self._policy_counts

    def would(self, session: Session, compliance: Compliance, order: InForce, at: float) -> Reassessed | NotOurs:
        """What the policy says of it with this verdict and this order; nothing is done. at: seconds since the epoch."""
        return reassess(
            session,
            compliance,
            order,
            self._policy,
            at,
            policy_counts=True,
            sayable=self._can_be_given(session, order),
            inventory=self._in_inventory(session, Instant(wall=at, monotonic=0.0)),
        )

    async def decide(
        self,
        sessions: Sequence[Session],
        trigger: str,
        news: Mapping[Device, Compliance] = _NOTHING,
        *,
        ordered: bool = False,
    ) -> Told:
        """Decide these again, and have done what follows; (id, words) of each, once it is on the disk.

        trigger: a stable word for the record. news: verdicts that have just come. ordered: an admin wants it, so no
        guard and no window holds it.
        """
        async with self._one_at_a_time:
            batch = _Batch()
            for first in range(0, len(sessions), _AT_ONCE):
                some = sessions[first : first + _AT_ONCE]
                await self._recall(some, news)
                for session in some:
                    batch.words[session.id] = self._look(session, trigger, news, ordered, batch)
                await asyncio.sleep(0)
            await self._carry_out(batch)
            return tuple(batch.words.items())

    async def _recall(self, sessions: Sequence[Session], news: Mapping[Device, Compliance]) -> None:
        now = self._clock()
        missing = {
            device: None
            for device in map(_device, sessions)
            if device[1] and device not in news and self._verdicts.find(*device, now) is None
        }
        if missing:
            await asyncio.gather(*(self._verdicts.recall(*device) for device in missing))

    def _look(
        self, read: Session, trigger: str, news: Mapping[Device, Compliance], ordered: bool, batch: _Batch
    ) -> str:
        """One session: in words what follows; what has to be done is in the batch."""
        now = self._clock()
        known = self._climbs.find(read.id)
        if known is None and self._climbs.has_settled(read):
            self._again(read.id)
            return _MEANWHILE
        session = known.shown if known is not None else read
        if session.phase is Phase.ENDED:
            return f"it is {session.phase}"
        compliance = self._newest(session, news, now)
        if isinstance(compliance, NotOurs):
            return "nacd did not let it in"
        # What an order did, its end undoes, also when that came while nobody looked.
        ordered = ordered or (isinstance(session.standing, Standing) and is_ordered(session.standing))
        order = self._order(session, now)
        made = reassess(
            session,
            compliance,
            order,
            self._policy,
            now.wall,
            policy_counts=self._policy_counts,
            sayable=self._can_be_given(session, order),
            inventory=self._in_inventory(session, now),
        )
        if isinstance(made, NotOurs):
            return "nacd does not know what it was let in for"
        wish = ladder.want(session.wish, session.standing, made.wanted, now.wall)
        if isinstance(wish, Settled):
            if isinstance(session.wish, Settled):
                return f"{_shown(made.wanted)} stays"
            batch.settling.append(_Settling(session=session, pending=session.wish))
            return f"{_shown(made.wanted)} is wanted again"
        if known is not None and is_same_decision(known.pending.wanted, wish.wanted):
            return self._already(known, made, ordered, batch)
        if isinstance(session.wish, Pending) and wish.since < session.wish.since:
            wish = replace(wish, since=session.wish.since)  # the clock was set back, and the newer wish counts
        new = climbing(session, replace(wish, held=""), self._terms, ordered=ordered)
        new.down, new.trigger, new.reasons = made.down, trigger, made.reasons
        new.old = made.old
        batch.begun.append(new)
        return f"{_shown(made.wanted)} is wanted"

    def _already(self, known: Climbing, made: Reassessed, ordered: bool, batch: _Batch) -> str:
        """It is on its way; better knowledge, or an admin, may let go what is held."""
        better = is_confirmed(made.wanted) and not is_confirmed(known.pending.wanted)
        better, known.old = better or (known.old and not made.old), made.old
        if better or (ordered and not known.ordered):
            known.climb = replace(known.climb, pending=replace(known.pending, wanted=made.wanted))
            known.ordered = known.ordered or ordered
            batch.again.append(known.session.id)
        held = f", held: {known.pending.held}" if known.pending.held else ""
        return f"{_shown(made.wanted)} is wanted already{held}"

    def _newest(self, session: Session, news: Mapping[Device, Compliance], now: Instant) -> Compliance | NotOurs:
        """News before memory, unless memory is newer still; and the verdict it stands on when nobody knows any."""
        device = _device(session)
        found = self._verdicts.find(*device, now) if device[1] else None
        told = news.get(device)
        if told is not None and (found is None or told.as_of >= found.as_of):
            return told
        return found if found is not None else baseline(session)

    def covered(self, override: Override) -> tuple[str, ...]:
        """MACs for which an order holds though it does not name them."""
        return self._orders.covered(override)

    def _order(self, session: Session, now: Instant) -> InForce:
        grounds = session.grounds
        if not isinstance(grounds, Grounds):
            return NO_OVERRIDE
        return self._orders.in_force(grounds.identity, grounds.mac, grounds.tenant, now.wall)

    def _in_inventory(self, session: Session, now: Instant) -> tuple[str, ...]:
        """An inventory that cannot be read is no news: whoever was let in by it stays."""
        grounds, inventory = session.grounds, self._orders.inventory
        if not isinstance(grounds, Grounds):
            return ()
        return grounds.inventory if inventory.unread else inventory.words(grounds.mac, now.wall)

    def _can_be_given(self, session: Session, order: InForce) -> bool:
        """As a login of it would find: a NAS of another vendor may not know the order's profile."""
        if not isinstance(order, Override) or not order.profile or not isinstance(session.grounds, Grounds):
            return True
        return self._sayable(session.grounds.nas, order.profile)

    # -- what follows ------------------------------------------------------------------------------

    async def _carry_out(self, batch: _Batch) -> None:
        now = self._clock()
        self._climbs.ask_gate(batch.again, now)
        self._climbs.judge(batch.begun, now)
        for first in range(0, len(batch.begun), _SLICE):
            await self._begin_all(batch.begun[first : first + _SLICE], batch, now)
        for first in range(0, len(batch.settling), _SLICE):
            await self._settle(batch.settling[first : first + _SLICE], batch)

    async def _begin_all(self, begun: Sequence[Climbing], batch: _Batch, now: Instant) -> None:
        try:
            expected = [self._expect(each, now) for each in begun]
            written = await self._book.write(
                [Wished(id=each.session.id, wish=each.pending, at=now.wall) for each in begun]
            )
            for each, judged, applied in zip(begun, expected, written, strict=True):
                batch.words[each.session.id] = self._begin(each, judged, applied)
        except BaseException:
            # What nobody goes on with must not look as if it were on its way: a round finds it on the disk.
            for each in begun:
                if self._climbs.find(each.session.id) is each:
                    self._climbs.drop(each.session.id)
            raise

    def _expect(self, each: Climbing, now: Instant) -> Session:
        """A newer decision: whatever was on its way for an older one is not asked any more."""
        judged = each.session
        wanted = each.pending.wanted
        if not (isinstance(judged.wish, Pending) and is_same_decision(judged.wish.wanted, wanted)):
            self._telling.wanted(judged, wanted, each.trigger, each.reasons, now)
        if not self._climbs.expect(each, now):
            self._gate.forget(judged.id)
        return judged

    def _begin(self, each: Climbing, judged: Session, applied: Applied) -> str:
        now = self._clock()
        is_its_climb = self._climbs.find(judged.id) is each
        if not applied.stored or not isinstance(applied.session, Session):
            if is_its_climb:
                self._climbs.drop(judged.id)
                self._gate.forget(judged.id)
            return self._not_kept(applied, now)
        if not is_its_climb:
            return "it is wanted, and waits for its turn" if applied.changed else "it has come about already"
        if each.session.standing != judged.standing:
            self._climbs.drop(judged.id)
            self._again(judged.id)
            return _MEANWHILE
        if each.pending.held:
            self._climbs.say_held(each, now)
        held = f", held: {each.pending.held}" if each.pending.held else ""
        self._climbs.begin(each)
        return f"{_shown(each.pending.wanted)} is wanted{held}"

    async def _settle(self, settling: Sequence[_Settling], batch: _Batch) -> None:
        now = self._clock()
        for each in settling:
            self._climbs.drop(each.session.id)
            self._gate.forget(each.session.id)
        written = await self._book.write([Wished(id=each.session.id, wish=Settled(), at=now.wall) for each in settling])
        for each, applied in zip(settling, written, strict=True):
            session = applied.session
            if not applied.stored or not isinstance(session, Session):
                batch.words[each.session.id] = self._not_kept(applied, now)
                continue
            if session.phase is Phase.ENDED:
                batch.words[each.session.id] = f"it is {session.phase}"
                continue
            if session.standing != each.session.standing:
                self._again(session.id)
                batch.words[each.session.id] = _MEANWHILE
            if is_same_decision(session.standing, each.session.standing):
                why = "the decision it lives under is wanted again"
                self._telling.withdrawn(session, each.pending.wanted, why, each.pending.since, now)

    def _not_kept(self, applied: Applied, now: Instant) -> str:
        """Why nothing follows."""
        if applied.stored:
            return applied.why or "there is no such session any more"
        self._telling.warn("deciding", f"no session is changed while the disk takes nothing: {applied.why}", now)
        return f"the disk takes nothing: {applied.why}"


def _device(session: Session) -> Device:
    """Whose verdict counts; without a key where nobody is asked."""
    grounds = session.grounds
    return (grounds.tenant, grounds.key) if isinstance(grounds, Grounds) else ("", "")


def _shown(standing: Standing) -> str:
    return f"profile `{standing.profile}`" if standing.effect is Effect.ALLOW else "refusal"
