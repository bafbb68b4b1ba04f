"""What an answer to an Access-Request leaves behind: a session, or the memory that there may be none.

Knows: what is kept of a decision so that it can be made again with newer knowledge. Refuses to know: octets, disks, and
what becomes of a session afterwards (``session/``).

Our token goes into Class where the vendor's data says that its NAS only returns it (RFC 2865 section 5.25): it ties
what is accounted for to its Accept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, TypeAlias

from nacd.identity import vpn
from nacd.identity.mac import NotMac, parse_called
from nacd.session.familiar import Visit, says_nothing_new
from nacd.session.table import Found
from nacd.sessions import Authorized, Grounds, Names, Place, Session, Standing
from nacd.values import (
    AccessRequest,
    AccountingRequest,
    Attribute,
    Authentication,
    Certificate,
    CertificateFacts,
    Compliance,
    Decision,
    Effect,
    Facts,
    Instant,
    Link,
    Named,
    Rendered,
)

TOKEN_OCTETS: Final = 16
_MARK: Final = b"nacd:"
# A session without a timeout of its own ends with the certificate when that is nearer than this.
_CERTIFICATE_HORIZON_S: Final = 30 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What vendors' data says of Accepts. tokens: vendors whose Class is free for ours. voice: the pairs of profile and
    vendor that let a phone onto the port."""

    tokens: frozenset[str] = frozenset()
    voice: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnedAway:
    """The policy has refused this endpoint: whatever session it has is to end. mac: as in ``Facts``."""

    standing: Standing
    mac: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """The answer says nothing about sessions: nobody was named, or it was no decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameBack:
    """The login of a session that is there, and says nothing new of it. at: seconds since the epoch."""

    session: Session
    request: AccessRequest
    compliance: Compliance
    at: float
    ends_at: float

    def login(self) -> Authorized:
        """The same in full."""
        known = self.session
        if not (isinstance(known.standing, Standing) and isinstance(known.grounds, Grounds)):
            raise TypeError("nobody is familiar of whom nothing is known")
        return Authorized(
            place=replace(known.place, framed_address=""),
            names=names(self.request, known.names.token, known.names.chargeable_user_identity),
            standing=replace(known.standing, compliance=self.compliance, at=self.at),
            grounds=known.grounds,
            at=self.at,
            ends_at=self.ends_at,
            voice=known.voice,
        )


NOTHING: Final = Nothing()
Left: TypeAlias = Authorized | CameBack | TurnedAway | Nothing


def left(
    visit: Visit, known: Found, decision: Decision, compliance: Compliance, ticket: Ticket, timeout_s: int, at: float
) -> Left:
    """What the answer to this login leaves behind. known: whoever came from there last. timeout_s: Session-Timeout.
    at: seconds since the epoch."""
    if decision.effect is Effect.DENY:
        return TurnedAway(standing=standing(decision, compliance, at, timeout_s), mac=visit.named.mac)
    if (
        isinstance(known, Session)
        and known.names.token == ticket.token
        and says_nothing_new(known, visit, decision, compliance, timeout_s)
    ):
        ends_at = _ends_at(at, timeout_s, visit.named.certificate)
        return CameBack(session=known, request=visit.request, compliance=compliance, at=at, ends_at=ends_at)
    known_by = grounds(visit.request, visit.named, visit.key, visit.link, visit.inventory)
    under = standing(decision, compliance, at, timeout_s)
    return authorized(visit.request, known_by, under, ticket, voice=visit.voice)


def standing(decision: Decision, compliance: Compliance, at: float, session_timeout_s: int = 0) -> Standing:
    """The decision that a session lives under. at: seconds since the epoch."""
    return Standing(
        effect=decision.effect,
        rule=decision.rule,
        profile=decision.profile,
        policy_digest=decision.policy_digest,
        compliance=compliance,
        at=at,
        session_timeout_s=session_timeout_s,
    )


def grounds(request: AccessRequest, named: Named, key: str, by: Link, inventory: tuple[str, ...] = ()) -> Grounds:
    """What else it was made of. key: of the question that the policy raised, ``""`` if it raised none."""
    return Grounds(
        access=named.access,
        nas=request.nas,
        identity=named.identity,
        certificate=named.certificate,
        tenant=named.tenant,
        key=key,
        mac=named.mac,
        user=named.user,
        ssid=request.ssid,
        link=by,
        inventory=inventory,
    )


def link(request: AccessRequest) -> Link:
    """How the endpoint is attached. What a VPN client says of itself counts where its identity would."""
    pairs = request.cisco_av_pairs if request.nas.authentication is Authentication.DONE_BY_NAS else ()
    return _link(request.nas_port_type, request.called_station_id, request.ssid, request.tunnel_group, pairs)


# A login asks up to three times, and the same ports ask all day.
@lru_cache(maxsize=8_192)
def _link(port_type: str, called: str, ssid: str, tunnel_group: str, pairs: tuple[str, ...]) -> Link:
    """By cable Called-Station-Id is the switch's, and no BSSID (RFC 3580 section 3.20)."""
    radio = parse_called(called) if ssid or port_type.startswith("Wireless") else NotMac(reason="by cable")
    said = dict(reversed(vpn.said(pairs)))
    return Link(
        port_type=port_type,
        bssid="" if isinstance(radio, NotMac) else radio.text,
        tunnel_group=tunnel_group,
        client_platform=said.get("device-platform", ""),
        client_platform_version=said.get("device-platform-version", ""),
        client_agent=said.get("ac-user-agent", ""),
    )


def facts(known: Grounds, compliance: Compliance, at: float, inventory: tuple[str, ...] | None = None) -> Facts:
    """What the policy may look at when the decision is made again. at: seconds since the epoch. inventory: as in
    ``Facts``, where it may be another one by now."""
    return Facts(
        access=known.access,
        nas=known.nas,
        identity=known.identity,
        certificate=known.certificate,
        compliance=compliance,
        mac=known.mac,
        user=known.user,
        ssid=known.ssid,
        tenant=known.tenant,
        at=at,
        link=known.link,
        inventory=known.inventory if inventory is None else inventory,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What one Accept carries besides its profile, for the session that it begins. token: 32 hex digits, ``""``: none.

    chargeable: Chargeable-User-Identity, ``""`` if it is not in there.
    """

    token: str = ""
    chargeable: str = ""

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """What goes into the Accept. Made once."""
        token = (Attribute(name="Class", value=_MARK + bytes.fromhex(self.token)),) if self.token else ()
        name = (Attribute(name="Chargeable-User-Identity", value=self.chargeable),) if self.chargeable else ()
        return token + name


NO_TICKET: Final = Ticket()


def timeout_s(rendered: Rendered, certificate: Certificate, now: Instant) -> int:
    """Session-Timeout, 0 for none: no session outlives the certificate it stands on."""
    wanted_s = rendered.session_timeout_s
    if isinstance(certificate, CertificateFacts):
        left_s = max(1, int(certificate.not_after - now.wall))
        if wanted_s:
            return min(wanted_s, left_s)
        if left_s < _CERTIFICATE_HORIZON_S:
            return left_s
    return wanted_s


def token_in(class_values: Sequence[bytes]) -> str:
    """Our token among the values of Class that a NAS returns, 32 hex digits; ``""`` if it is not there."""
    for value in class_values:
        if value.startswith(_MARK) and len(value) == len(_MARK) + TOKEN_OCTETS:
            return value[len(_MARK) :].hex()
    return ""


def names(request: AccessRequest, token: str, chargeable: str) -> Names:
    """What a login is called: by its NAS, and by us."""
    return Names(
        acct_session_id=request.acct_session_id,
        audit_session_id=request.audit_session_id,
        token=token,
        user_name=request.user_name,
        chargeable_user_identity=chargeable,
        user_name_octets=request.user_name_octets,
    )


def authorized(request: AccessRequest, known: Grounds, under: Standing, ticket: Ticket, *, voice: bool) -> Authorized:
    """The session that this Accept begins, or goes on with."""
    return Authorized(
        place=place(request),
        names=names(request, ticket.token, ticket.chargeable),
        standing=under,
        grounds=known,
        at=under.at,
        ends_at=_ends_at(under.at, under.session_timeout_s, known.certificate),
        voice=voice,
    )


def _ends_at(at: float, timeout_s: int, certificate: Certificate) -> float:
    ends_at = at + timeout_s if timeout_s else 0.0
    return (
        min(ends_at or certificate.not_after, certificate.not_after)
        if isinstance(certificate, CertificateFacts)
        else ends_at
    )


def place(request: AccessRequest | AccountingRequest) -> Place:
    """Where the endpoint is, by this request."""
    return Place(
        nas=request.nas.name,
        source=request.source,
        nas_identifier=request.nas_identifier,
        nas_address=request.nas_address,
        port=request.nas_port,
        port_id=request.nas_port_id,
        port_type=request.nas_port_type,
        called_station_id=request.called_station_id,
        calling_station_id=request.station,
        framed_address=request.framed_address if isinstance(request, AccountingRequest) else "",
    )
