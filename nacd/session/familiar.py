"""Endpoints that come again and say nothing new: the same port, the same grounds, the same decision.

Knows: which login differs from the one before it in nothing but its times. Refuses to know: what becomes of a session
(``table``), and when the time is written down.

Theory. Most logins of a day are of endpoints that are there already: a timer of their switch asks again. Nothing about
them has changed, so nothing has to be written before somebody needs it: who was heard of last week stays known, and who
was heard of a moment ago has time. What is kept here is what the disk has; whatever else is told about a session is
learnt or forgotten here before it can count, so a login is never taken for familiar by what is not true any more. A
login that is not familiar only costs more.

An outage is never familiar: its answer may come late, and has to be looked for.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NamedTuple, TypeAlias

from nacd.session.names import agree, is_nameless
from nacd.session.table import NO_SESSION, Found
from nacd.sessions import Grounds, Names, Phase, Place, Session, Settled, Standing
from nacd.values import AccessKind, AccessRequest, Compliance, ComplianceSource, ComplianceState, Decision, Link, Named

MOST: Final = 50_000
"""Sessions in memory, of some two kilobytes each; those that came longest ago are forgotten."""

Spot: TypeAlias = tuple[str, str, str, str, str]
_PRESENT: Final = frozenset({Phase.AUTHORIZED, Phase.LIVE})
_YOUNG: Final = frozenset({ComplianceSource.LIVE, ComplianceSource.CACHE})


class Visit(NamedTuple):
    """A login as it was asked for and named, before anything is made of it.

    key: of the question that the policy raised, ``""`` if it raised none. link, inventory: as in ``Facts``.
    chargeable: Chargeable-User-Identity that the Accept tells, ``""`` for none. voice: as in ``Session``.
    """

    request: AccessRequest
    named: Named
    key: str
    link: Link
    inventory: tuple[str, ...] = ()
    voice: bool = False
    chargeable: str = ""


class Familiar:
    """The memory, for one thread. Bounded."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._at: OrderedDict[Spot, Session] = OrderedDict()
        self._spots: dict[int, Spot] = {}

    def __len__(self) -> int:
        return len(self._at)

    def at(self, request: AccessRequest) -> Found:
        """The session of whoever came from there last: as good as a name for a port that has one."""
        here = (
            request.nas.name,
            request.source,
            request.station,
            request.nas_port_id or request.nas_port,
            request.user_name,
        )
        known = self._at.get(here)
        if known is None:
            return NO_SESSION
        self._at.move_to_end(here)
        return known

    def learn(self, session: Session) -> None:
        """As it is on the disk: after a login, or after whatever changed it."""
        self.forget(session.id)
        if (
            session.phase not in _PRESENT
            or not isinstance(session.wish, Settled)
            or not isinstance(session.standing, Standing)
        ):
            return
        here = _spot(session.place, session.names)
        before = self._at.pop(here, None)
        if before is not None:
            del self._spots[before.id]
        self._at[here], self._spots[session.id] = session, here
        if len(self._at) > self._most:
            _, oldest = self._at.popitem(last=False)
            del self._spots[oldest.id]

    def find(self, id: int) -> Found:
        """The session with this number, if it is here."""
        here = self._spots.get(id)
        return self._at[here] if here is not None else NO_SESSION

    def forget(self, id: int) -> None:
        """Something is about to become of this session."""
        here = self._spots.pop(id, None)
        if here is not None:
            del self._at[here]

    def leave(self, place: Place, names: Names) -> None:
        """Somebody comes there, and says something new."""
        known = self._at.pop(_spot(place, names), None)
        if known is not None:
            del self._spots[known.id]

    def forget_nas(self, nas: str) -> None:
        """Something is about to become of every session of this client."""
        for id in [id for id, here in self._spots.items() if here[0] == nas]:
            self.forget(id)


def _spot(place: Place, names: Names) -> Spot:
    return (place.nas, place.source, place.calling_station_id, place.port_id or place.port, names.user_name)


def keeps_its_name(session: Session, request: AccessRequest) -> bool:
    """Whether a login at its port is this session for sure, so that it keeps its token. Many come from the address of
    one VPN client, and what its NAS tells apart is never given one name."""
    place, grounds = session.place, session.grounds
    return (
        isinstance(grounds, Grounds)
        and grounds.access is not AccessKind.VPN
        and bool(request.station and (request.nas_port_id or request.nas_port))
        and agree(place.nas_identifier, request.nas_identifier)
        and agree(place.nas_address, request.nas_address)
        and agree(place.port, request.nas_port)
        and agree(session.names.audit_session_id, request.audit_session_id)
        and agree(session.names.acct_session_id, request.acct_session_id)
    )


def says_nothing_new(
    session: Session, visit: Visit, decision: Decision, compliance: Compliance, timeout_s: int
) -> bool:
    """Whether ``tie.again`` would tie this login to the session, were it the only one there, and ``table`` would
    change nothing but times. It bears the session's own token, where it bears one. timeout_s: Session-Timeout."""
    standing = session.standing
    return (
        isinstance(standing, Standing)
        and session.phase in _PRESENT
        and isinstance(session.wish, Settled)
        and session.voice is visit.voice
        and _is_same_decision(standing, decision, timeout_s)
        and _is_same_place(session.place, visit.request)
        and _is_same_name(session.names, visit)
        and _has_same_grounds(session, visit)
        and _is_tied(session, visit)
        and _is_same_verdict(standing.compliance, compliance, visit.key)
    )


def _is_tied(session: Session, visit: Visit) -> bool:
    """By a name of its NAS, else by the port: see ``tie.again``."""
    request = visit.request
    if request.audit_session_id or request.acct_session_id:
        return True
    told = bool(session.names.token) or is_nameless(session)
    return told and keeps_its_name(session, request)


def _has_same_grounds(session: Session, visit: Visit) -> bool:
    grounds, named, request = session.grounds, visit.named, visit.request
    return (
        isinstance(grounds, Grounds)
        and grounds.access is named.access
        and grounds.identity == named.identity
        and _same(grounds.certificate, named.certificate)
        and grounds.tenant == named.tenant
        and grounds.key == visit.key
        and grounds.mac == named.mac
        and grounds.user == named.user
        and grounds.ssid == request.ssid
        and _same(grounds.link, visit.link)
        and grounds.inventory == visit.inventory
        and _same(grounds.nas, request.nas)
    )


def _same(one: object, other: object) -> bool:
    """Mostly they are the very same object, and to compare dataclasses field by field costs a lot."""
    return one is other or one == other


def _is_same_place(known: Place, request: AccessRequest) -> bool:
    return (
        known.nas == request.nas.name
        and known.source == request.source
        and known.calling_station_id == request.station
        and known.port == request.nas_port
        and known.port_id == request.nas_port_id
        and known.port_type == request.nas_port_type
        and known.called_station_id == request.called_station_id
        and known.nas_identifier == request.nas_identifier
        and known.nas_address == request.nas_address
    )


def _is_same_name(known: Names, visit: Visit) -> bool:
    """What it does not say stays as it is."""
    request = visit.request
    return (
        known.user_name == request.user_name
        and known.user_name_octets == request.user_name_octets
        and request.acct_session_id in ("", known.acct_session_id)
        and request.audit_session_id in ("", known.audit_session_id)
        and visit.chargeable in ("", known.chargeable_user_identity)
    )


def _is_same_decision(one: Standing, other: Decision, timeout_s: int) -> bool:
    """The same rule of the same policy; its reasons may be others."""
    return (
        one.effect is other.effect
        and one.rule == other.rule
        and one.profile == other.profile
        and one.policy_digest == other.policy_digest
        and one.session_timeout_s == timeout_s
    )


def _is_same_verdict(one: Compliance, other: Compliance, key: str) -> bool:
    """It may be a newer one that says the same."""
    if one.state is ComplianceState.UNAVAILABLE or (one.state is ComplianceState.NOT_ASKED and key):
        return False
    return one is other or (
        one.state is other.state
        and (one.source is other.source or (one.source in _YOUNG and other.source in _YOUNG))
        and one.detail == other.detail
        and one.provider == other.provider
        and one.grace_until == other.grace_until
        and one.device == other.device
    )
