"""One session of which something is wanted, where it is, and who else may be there.

Knows: what a climb carries besides its step, what the gate has to know of it, and when two words name one place.
Refuses to know: what is asked next, and of whom.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf
from typing import Final, TypeAlias

from nacd.reassess import is_down, is_ordered
from nacd.server.sessions.loop.gate import Wanted
from nacd.session import ladder
from nacd.session.guard import NO_INTUNE
from nacd.session.ladder import Climb, Converged, Seen, Terms
from nacd.session.names import agree
from nacd.sessions import Change, Grounds, Outcome, Pending, Phase, Place, Session, Standing, Verb, Wished
from nacd.store.live.filters import Filter
from nacd.store.sessions import SessionStore
from nacd.values import AccessKind, AccessRequest, ComplianceSource

DISCONNECT: Final = 40
"""Code of a Disconnect-Request (RFC 5176 section 2.3)."""

_JUST_ASKED_S: Final = 60.0
_PAGE: Final = 500


Spot: TypeAlias = tuple[str, str, str]
"""NAS, source address, Calling-Station-Id."""


class Where(StrEnum):
    """What a climb waits for. There is one thing at a time, so nothing that comes late goes on with it by mistake."""

    EXPECTED = "expected"
    """For the disk to take that it is wanted."""
    WAITING = "waiting"
    """For a time, or for a person."""
    LOOKING = "looking"
    """For who else is on its port."""
    COMMITTING = "committing"
    """For the disk to take what will be asked."""
    ASKED = "asked"
    """For its NAS."""
    ENDING = "ending"
    """For the disk to take that it is over, or settled."""
    LEFT = "left"
    """For nothing any more."""


@dataclass(slots=True, eq=False, kw_only=True)
class Climbing:
    """One of them. session: as it is on the disk. due: monotonic seconds. looked, alone: whether others on its port
    were looked for, and there are none. flight: while it is asked."""

    session: Session
    climb: Climb
    down: bool
    ordered: bool = False
    old: bool = False
    """It rests on an old verdict: see ``Reassessed``."""
    trigger: str = ""
    reasons: tuple[str, ...] = ()
    where: Where = Where.EXPECTED
    flight: asyncio.Future[Outcome] | None = None
    looked: bool = False
    alone: bool = False
    due: float = inf

    @property
    def pending(self) -> Pending:
        """What is wanted, as it is to be kept."""
        return self.climb.pending

    @property
    def shown(self) -> Session:
        """The session with what is wanted of it."""
        return replace(self.session, wish=self.pending)

    @property
    def never_sent(self) -> Pending:
        """As ``pending``, when its NAS has heard nothing of what was to be asked: that was no try, and whoever reads
        this after a restart may ask at once."""
        return replace(self.pending, tries=max(0, self.pending.tries - 1), asked_at=0.0)

    def left_over(self) -> Pending | None:
        """What the disk has to be told when nobody goes on with it; None if it knows, or is being told."""
        if self.where is Where.COMMITTING or (self.flight is not None and not _was_sent(self.flight)):
            return self.never_sent
        waits = self.where in (Where.WAITING, Where.LOOKING)
        return self.pending if waits and self.pending != self.session.wish else None

    def leave(self) -> None:
        """Take back what was not sent yet; later answers are nobody's."""
        self.land()
        self.where = Where.LEFT

    def land(self) -> None:
        """Do not wait for its NAS any longer."""
        if self.flight is not None:
            self.flight.cancel()
            self.flight = None

    def change(self, cannot: str) -> Wanted:
        """What the gate has to know."""
        tenant = self.session.grounds.tenant if isinstance(self.session.grounds, Grounds) else ""
        return Wanted(
            id=self.session.id,
            down=self.down,
            tenant=tenant,
            ordered=self.ordered,
            confirmed=is_confirmed(self.pending.wanted),
            old=self.old,
            cannot=cannot,
        )


def climbing(session: Session, pending: Pending, terms: Terms, **more: bool) -> Climbing:
    """As it is known from disk. more: ``ordered``, if an admin wants it and it cannot be seen from the decision."""
    climb = Climb(pending=pending) if pending.held else ladder.resume(pending, terms)
    return Climbing(
        session=session,
        climb=climb,
        down=is_down(session.standing, pending.wanted),
        ordered=more.get("ordered", False) or is_ordered(pending.wanted),
        old=pending.held == NO_INTUNE,
    )


def is_confirmed(wanted: Standing) -> bool:
    """Whether Intune was just asked about this one device."""
    verdict = wanted.compliance
    if verdict.source is ComplianceSource.CACHE:
        # A date that lies ahead is of before the clock was set back.
        return abs(wanted.at - verdict.as_of) <= _JUST_ASKED_S
    return verdict.source is ComplianceSource.LIVE


def is_its_own(change: Change, each: Climbing) -> bool:
    """Whether it is by this that the wish of the climb came to the disk; what came before says nothing of it."""
    return isinstance(change, Wished) and change.wish == each.pending


class Spots:
    """Which of them are where. For one thread."""

    def __init__(self) -> None:
        self._at: dict[Spot, dict[int, Climbing]] = {}

    def put(self, each: Climbing) -> None:
        """It is there now."""
        self._at.setdefault(spot(each.session.place), {})[each.session.id] = each

    def take(self, each: Climbing) -> None:
        """It is there no more."""
        here = self._at.get(spot(each.session.place), {})
        here.pop(each.session.id, None)
        if not here:
            self._at.pop(spot(each.session.place), None)

    def of_request(self, request: AccessRequest) -> list[Climbing]:
        """Those whose endpoint has sent this. That a VPN client was refused ends no tunnel that it has."""
        return [
            each
            for each in self._there((request.nas.name, request.source, request.station))
            if agree(each.session.place.nas_identifier, request.nas_identifier)
            and is_one_port(each.session.place, request.nas_port, request.nas_port_id, request.nas_port_type)
            and agree(each.session.names.audit_session_id, request.audit_session_id)
            and not is_vpn(each.session)
            and agree(ssid(each.session), request.ssid)
        ]

    def left_for(self, session: Session) -> list[Climbing]:
        """Those whose endpoint is in this session now: it has one at a place."""
        if is_vpn(session):
            return []
        return [
            each
            for each in self._there(spot(session.place))
            if each.session.id != session.id and not is_vpn(each.session) and is_one_place(each.session, session)
        ]

    def _there(self, at: Spot) -> list[Climbing]:
        return list(self._at.get(at, {}).values()) if at[2] else []


def is_alone(session: Session, store: SessionStore) -> bool:
    """Whether it is there, and nobody else may be on its port. Blocking.

    One that has aged may be there: a phone of which nothing is ever heard is in a call all the same. Only what the same
    endpoint has left behind is nobody. A database that cannot be read shows nobody, which is no sign of being alone.
    """
    place = session.place
    here = {
        other.id
        for other in (*store.by_nas(place.nas), *_aged_on(place.nas, store))
        if other.place.source == place.source
        and is_one_port(other.place, place.port, place.port_id, "")
        and not _is_left_behind(other, session)
    }
    return here == {session.id}


def _aged_on(nas: str, store: SessionStore) -> list[Session]:
    found: list[Session] = []
    wanted = Filter(nas=nas, phase=Phase.AGED)
    while True:
        page = store.find(wanted, _PAGE, found[-1].id if found else 0)
        found += page
        if len(page) < _PAGE:
            return found


def _is_left_behind(other: Session, session: Session) -> bool:
    station = session.place.calling_station_id
    same = bool(station) and other.place.calling_station_id == station
    return other.phase is Phase.AGED and same and other.id < session.id and not other.voice


def is_one_place(one: Session, other: Session) -> bool:
    """Whether the endpoint of both, which is the same, can be in one of them only. They have one ``spot``."""
    place, there = one.place, other.place
    return (
        agree(place.nas_identifier, there.nas_identifier)
        and agree(place.nas_address, there.nas_address)
        and is_one_port(place, there.port, there.port_id, there.port_type)
        and agree(ssid(one), ssid(other))
    )


def is_one_port(place: Place, port: str, port_id: str, port_type: str) -> bool:
    """By air there are no ports."""
    if place.port_type.startswith("Wireless") or port_type.startswith("Wireless"):
        return True
    return agree(place.port, port) and agree(place.port_id, port_id)


def is_vpn(session: Session) -> bool:
    return isinstance(session.grounds, Grounds) and session.grounds.access is AccessKind.VPN


def ssid(session: Session) -> str:
    """The wireless network it is in: an endpoint that is refused in one is still in the other."""
    return session.grounds.ssid if isinstance(session.grounds, Grounds) else ""


def spot(place: Place) -> Spot:
    return (place.nas, place.source, place.calling_station_id)


def how(each: Climbing, terms: Terms) -> str:
    """By what it was settled; ``""`` if what was wanted did not come about."""
    standing, wanted = each.session.standing, each.pending.wanted
    if each.pending.verb == Verb.PUSH and standing == wanted:
        return "its NAS took what was pushed"
    if isinstance(standing, Standing):
        move = ladder.step(each.climb, Seen(standing=standing), (), terms, standing.at)
        if isinstance(move.do, Converged):
            return move.do.how
    return ""


def _was_sent(flight: asyncio.Future[Outcome]) -> bool:
    return not flight.done() or flight.cancelled() or flight.result().tries > 0
