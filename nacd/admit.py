"""What an answer to an Access-Request leaves behind: a session, or the memory that there may be none.

Knows: what is kept of a decision so that it can be made again with newer knowledge. Refuses to know: octets, disks, and
what becomes of a session afterwards (``session/``).

Our token goes into Class where the vendor's data says that its NAS only returns it (RFC 2865 section 5.25): it ties
what is accounted for to its Accept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from nacd.identity import vpn
from nacd.identity.mac import NotMac, parse_called
from nacd.sessions import Authorized, Grounds, Names, Place, Standing
from nacd.values import (
    AccessRequest,
    AccountingRequest,
    Attribute,
    Authentication,
    Certificate,
    CertificateFacts,
    Compliance,
    Decision,
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


NOTHING: Final = Nothing()
Left: TypeAlias = Authorized | TurnedAway | Nothing


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


def grounds(request: AccessRequest, named: Named, key: str) -> Grounds:
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
        link=link(request),
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


def facts(known: Grounds, compliance: Compliance, at: float) -> Facts:
    """What the policy may look at when the decision is made again. at: seconds since the epoch."""
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


def authorized(request: AccessRequest, known: Grounds, under: Standing, ticket: Ticket, *, voice: bool) -> Authorized:
    """The session that this Accept begins, or goes on with."""
    ends_at = under.at + under.session_timeout_s if under.session_timeout_s else 0.0
    if isinstance(known.certificate, CertificateFacts):
        ends_at = min(ends_at or known.certificate.not_after, known.certificate.not_after)
    return Authorized(
        place=place(request),
        names=Names(
            acct_session_id=request.acct_session_id,
            audit_session_id=request.audit_session_id,
            token=ticket.token,
            user_name=request.user_name,
            chargeable_user_identity=ticket.chargeable,
            user_name_octets=request.user_name_octets,
        ),
        standing=under,
        grounds=known,
        at=under.at,
        ends_at=ends_at,
        voice=voice,
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
