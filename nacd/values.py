"""The vocabulary: every frozen value that crosses a wall between two rooms.

Knows: the words of the trade and what makes each value valid. Refuses to know: octets and attribute numbers
(``radius/``), YAML (``config/``), clocks, sockets and files (the shells). Nothing here holds a shared secret. Text that
is absent on the wire is ``""``, octets ``b""``, a number ``0``: absence never is a ``None`` with a meaning.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from functools import lru_cache
from typing import TypeAlias

from nacd.quick import quick

_MAC = re.compile(r"[0-9A-F]{2}(-[0-9A-F]{2}){5}")
_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
NIL_GUID = "00000000-0000-0000-0000-000000000000"


# -- time and secrets -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """One moment on both clocks, taken once by a shell and passed down.

    wall: seconds since the epoch (what people read; may jump).
    monotonic: seconds of a clock that never jumps (what lifetimes and deadlines count on).
    """

    wall: float
    monotonic: float


class Secret:
    """Octets that must not be seen: silent in ``repr``, ``str``, ``format`` and pickles."""

    __slots__ = ("_octets",)

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    def reveal(self) -> bytes:
        """The octets, for the one function that needs them."""
        return self._octets

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._octets, other._octets)

    def __hash__(self) -> int:
        return hash(Secret)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not serialised")


NO_SECRET = Secret(b"")


# -- NAS and request ------------------------------------------------------------------------


class AccessKind(StrEnum):
    """How the endpoint came to the NAS."""

    DOT1X = "dot1x"
    MAB = "mab"
    VPN = "vpn"


class Authentication(StrEnum):
    """Who proves the endpoint's identity: nacd (``eap``) or the NAS itself (``done_by_nas``)."""

    EAP = "eap"
    DONE_BY_NAS = "done_by_nas"


@dataclass(frozen=True, slots=True, kw_only=True)
class Nas:
    """A RADIUS client as the admin describes it. The shared secret stays in ``radius/clients``."""

    name: str
    vendor: str
    groups: frozenset[str] = frozenset()
    authentication: Authentication = Authentication.EAP
    eap_md5_mab: bool = False
    """This NAS does MAB by EAP-MD5 (some switches cannot do otherwise)."""
    mab_password: str = "mac"  # noqa: S105  a word of the configuration, no password
    """What a PAP/CHAP password of a MAB request must be: ``mac`` (the MAC, any spelling) or ``any``."""
    location: str = ""
    """Where it stands, from the widest to the narrowest with ``/`` between (``berlin/building-7``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoCredential:
    """The request carries no password of any kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PapPassword:
    """User-Password, unhidden (RFC 2865 section 5.2)."""

    password: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ChapResponse:
    """CHAP-Password and its challenge (RFC 2865 section 5.3)."""

    identifier: int
    response: bytes
    challenge: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherCredential:
    """A password method nacd does not speak, by name (``MS-CHAPv2``, ``ARAP`` ...)."""

    method: str


Credential: TypeAlias = NoCredential | PapPassword | ChapResponse | OtherCredential


_NOBODY = re.compile(r"[-:. ]*(?:(?:0[-:. ]*){12}|(?:[Ff][-:. ]*){12})")
_WITH_SSID = re.compile(r"(?:[0-9A-Fa-f]{2}[-:.]?){5}[0-9A-Fa-f]{2}:(.+)", re.DOTALL)


@lru_cache(maxsize=8_192)
def _somebody(calling: str) -> str:
    return "" if _NOBODY.fullmatch(calling) else calling


Port: TypeAlias = tuple[str, ...]
"""Source address, the NAS's name for itself, and its port; ``NO_PORT`` when there is none of its own."""
NO_PORT: Port = ()


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRequest:
    """A verified Access-Request in names: nothing here needs a number or an octet count.

    ``source`` is the address the packet came from (it selected the NAS and its secret); the
    ``nas_*`` fields are what the NAS says of itself and are worth that much. Enumerated
    attributes are dictionary names (``Call-Check``) or, when unknown, the decimal number.
    """

    nas: Nas
    source: str
    source_port: int
    user_name: str = ""
    service_type: str = ""
    nas_port_type: str = ""
    nas_port: str = ""
    nas_port_id: str = ""
    nas_identifier: str = ""
    nas_address: str = ""
    called_station_id: str = ""
    calling_station_id: str = ""
    tunnel_client_endpoint: str = ""
    connect_info: str = ""
    acct_session_id: str = ""
    class_values: tuple[bytes, ...] = ()
    cisco_av_pairs: tuple[str, ...] = ()
    tunnel_group: str = ""
    framed_mtu: int = 0
    key_name_requested: bool = False
    chargeable_identity_requested: bool = False
    """Chargeable-User-Identity is in the request, whatever its value (RFC 4372 section 2.1)."""
    operator_name: str = ""
    credential: Credential = field(default_factory=NoCredential)
    has_eap: bool = False
    signed: bool = False
    """It carries a Message-Authenticator, which has been verified."""
    eap: bytes = b""
    state: bytes = b""
    user_name_octets: str = ""
    """User-Name as it came, in hex, where its text has a ``\\x`` in it: an octet that is no UTF-8, or two letters."""

    @property
    def ssid(self) -> str:
        """SSID out of ``AA-BB-CC-DD-EE-FF:SSID`` (RFC 3580 section 3.20), ``""`` if there is none."""
        called = self.called_station_id
        match = _WITH_SSID.fullmatch(called) if ":" in called else None
        return match.group(1) if match else ""

    @property
    def port(self) -> Port:
        """The NAS and the one socket on it that this came through, by what an endpoint cannot choose.

        ``NO_PORT`` when none is named, or when hundreds share it or change it: by air and through a VPN the port
        number is new each time, and behind one VPN client address there may be a whole branch. Behind one source
        address there may be a proxy, so the NAS's own name for itself belongs to the port.
        """
        port = self.nas_port_id or self.nas_port
        shared = self.nas_port_type.startswith(("Wireless", "Virtual"))
        if not port or shared or self.nas.authentication is Authentication.DONE_BY_NAS:
            return NO_PORT
        return (self.source, self.nas_identifier, self.nas_address, port)

    @property
    def station(self) -> str:
        """Calling-Station-Id, ``""`` where a NAS writes all zeros or all ones for want of knowing."""
        return _somebody(self.calling_station_id)

    @property
    def audit_session_id(self) -> str:
        """Cisco's ``audit-session-id`` of this session, ``""`` if the NAS sent none."""
        for pair in self.cisco_av_pairs:
            if pair.startswith("audit-session-id="):
                return pair.removeprefix("audit-session-id=")
        return ""


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class AccountingRequest:
    """A verified Accounting-Request in names (RFC 2866)."""

    nas: Nas
    source: str
    source_port: int
    status_type: str
    acct_session_id: str = ""
    acct_multi_session_id: str = ""
    user_name: str = ""
    calling_station_id: str = ""
    called_station_id: str = ""
    nas_identifier: str = ""
    nas_address: str = ""
    nas_port: str = ""
    nas_port_id: str = ""
    nas_port_type: str = ""
    framed_address: str = ""
    audit_session_id: str = ""
    class_values: tuple[bytes, ...] = ()
    session_time_s: int = 0
    delay_s: int = 0
    event_timestamp: int = 0
    terminate_cause: str = ""
    chargeable_user_identity: str = ""
    user_name_octets: str = ""
    """As in ``AccessRequest``."""

    @property
    def station(self) -> str:
        """Calling-Station-Id, ``""`` where it names nobody, as in an Access-Request."""
        return _somebody(self.calling_station_id)


# -- identity -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MacAddress:
    """A MAC address in its one spelling, ``AA-BB-CC-DD-EE-FF``. ``identity/mac.parse`` makes it."""

    text: str

    def __post_init__(self) -> None:
        if not _MAC.fullmatch(self.text):
            raise ValueError("not a MAC address in the form AA-BB-CC-DD-EE-FF")

    def __str__(self) -> str:
        return self.text

    @property
    def hex12(self) -> str:
        """``AABBCCDDEEFF``, as Intune wants it."""
        return self.text.replace("-", "")

    @property
    def locally_administered(self) -> bool:
        """Bit 0x02 of the first octet: randomised or made up, so it names no machine."""
        return bool(int(self.text[:2], 16) & 0x02)


class DeviceIdKind(StrEnum):
    """Which register a device id belongs to. The two look alike and must never be mixed."""

    INTUNE = "intune"
    ENTRA = "entra"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceId:
    """A device GUID, lower case with hyphens, never nil."""

    guid: str
    kind: DeviceIdKind = DeviceIdKind.INTUNE

    def __post_init__(self) -> None:
        if not _GUID.fullmatch(self.guid) or self.guid == NIL_GUID:
            raise ValueError("not a device id")

    def __str__(self) -> str:
        return self.guid


class IdentitySource(StrEnum):
    """Where an identity was read."""

    CERTIFICATE = "certificate"
    VPN = "vpn"
    MAC = "mac"


class Assurance(IntEnum):
    """How far an identity can be trusted; comparable, the weakest link counts."""

    NONE = 0
    MAC = 1
    VPN = 2
    CERTIFICATE = 3


class AttemptOutcome(StrEnum):
    """What became of one identity source. Only ``absent`` lets the next source be tried."""

    FOUND = "found"
    ABSENT = "absent"
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One identity source tried, with its outcome in words; goes into the audit record."""

    source: IdentitySource
    outcome: AttemptOutcome
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """An Intune-managed machine, named by its GUID."""

    id: DeviceId
    source: IdentitySource
    assurance: Assurance


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """What is on the port, named by its MAC only. ``ask`` is False when Intune must not be asked
    about this MAC (randomised, shared dock), and ``ask_detail`` says why."""

    mac: MacAddress
    source: IdentitySource = IdentitySource.MAC
    assurance: Assurance = Assurance.MAC
    ask: bool = True
    ask_detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unidentified:
    """Nothing names this endpoint, and why."""

    reason: str


Identity: TypeAlias = Device | Endpoint | Unidentified


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """What policy and audit may know of a verified client certificate.

    issuer, subject: RFC 4514 text. not_before, not_after: seconds since the epoch.
    anchor: name of the ``client_cas`` entry that its chain ended in. serial: hex, lower case.
    fingerprint: SHA-256 over the DER, hex.
    """

    subject: str
    issuer: str
    serial: str
    fingerprint: str
    not_before: float
    not_after: float
    common_name: str = ""
    san_uris: tuple[str, ...] = ()
    san_dns: tuple[str, ...] = ()
    san_upns: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    tenant_ids: tuple[str, ...] = ()
    """Tenant GUIDs that the issuing Intune wrote into it (OID 1.2.840.113556.5.14)."""
    anchor: str = ""
    ekus: tuple[str, ...] = ()
    """Extended key usages, dotted (RFC 5280 section 4.2.1.12)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoCertificate:
    """The endpoint showed no certificate to nacd."""


Certificate: TypeAlias = CertificateFacts | NoCertificate


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The whole outcome of naming: identity, the way to it, and the certificate if there was one."""

    access: AccessKind
    identity: Identity
    attempts: tuple[Attempt, ...]
    certificate: Certificate = field(default_factory=NoCertificate)
    mac: str = ""
    """The endpoint's MAC, canonical, where the request names one (never for a VPN's IP)."""
    user: str = ""
    tenant: str = ""
    """Name of the tenant that is asked about this endpoint, ``""`` if nobody is (``tenant_detail`` says why)."""
    tenant_detail: str = ""


# -- compliance -----------------------------------------------------------------------------


class ComplianceState(StrEnum):
    """What Intune says of a device; outage is a state, not an exception."""

    COMPLIANT = "compliant"
    NONCOMPLIANT = "noncompliant"
    IN_GRACE = "in_grace"
    NOT_MANAGED = "not_managed"
    UNKNOWN = "unknown"
    UNAVAILABLE = "unavailable"
    NOT_ASKED = "not_asked"


class ComplianceSource(StrEnum):
    """How old knowledge came to this decision."""

    LIVE = "live"
    CACHE = "cache"
    STALE = "stale"
    BULK = "bulk"
    NONE = "none"


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFacts:
    """What Graph tells of a device beside its state; Compliance Retrieval tells none of it.

    operating_system: Intune's word (``Windows``, ``iOS``, ``macOS``, ``Android`` ...). owner: ``company``,
    ``personal`` or ``unknown``. user: user principal name. last_sync: seconds since the epoch, 0.0 if not told.
    in_groups, outside_groups: object ids of the groups that were asked about, by whether its user is in them; a group
    that stands in neither is one of which nobody knows. groups_doubt: why that is so, ``""`` where nothing failed.
    """

    name: str = ""
    operating_system: str = ""
    os_version: str = ""
    owner: str = ""
    user: str = ""
    last_sync: float = 0.0
    in_groups: tuple[str, ...] = ()
    outside_groups: tuple[str, ...] = ()
    groups_doubt: str = ""


NO_FACTS = DeviceFacts()


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Compliance:
    """A verdict with its date.

    as_of: seconds since the epoch when Intune said so; for ``unavailable`` when it was tried;
    0.0 for ``not_asked``. detail: what stands behind it, in words (``breaker open``). provider: ``nac`` or ``graph``,
    ``""`` when nobody said it. grace_until: end of ``in_grace``, seconds since the epoch, 0.0 if not told.
    """

    state: ComplianceState
    as_of: float
    source: ComplianceSource
    detail: str = ""
    provider: str = ""
    grace_until: float = 0.0
    device: DeviceFacts = NO_FACTS


NOT_ASKED = Compliance(state=ComplianceState.NOT_ASKED, as_of=0.0, source=ComplianceSource.NONE)


# -- decision -------------------------------------------------------------------------------


class Effect(StrEnum):
    """What a decision does."""

    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How an endpoint is attached, in the words of its NAS, and of the VPN client that the NAS passes on.

    port_type: dictionary name. bssid: MAC of the access point's radio, canonical. The rest is of VPNs: tunnel_group,
    and what the client says of itself (``mdm-tlv``): client_platform (``win``), the version of that system,
    client_agent (``AnyConnect Windows 4.10.05085``).
    """

    port_type: str = ""
    bssid: str = ""
    tunnel_group: str = ""
    client_platform: str = ""
    client_platform_version: str = ""
    client_agent: str = ""


NO_LINK = Link()


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything a rule may look at."""

    access: AccessKind
    nas: Nas
    identity: Identity
    certificate: Certificate = field(default_factory=NoCertificate)
    compliance: Compliance = NOT_ASKED
    mac: str = ""
    user: str = ""
    ssid: str = ""
    tenant: str = ""
    at: float = 0.0
    """When this is decided, seconds since the epoch: ages are counted from here."""
    link: Link = NO_LINK
    inventory: tuple[str, ...] = ()
    """By which words its MAC stands in the inventory then: ``any`` and its tags; empty: it does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTrial:
    """One rule tried: matched, or the first condition that failed, in words."""

    rule: str
    matched: bool
    detail: str


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Effect, the rule behind it, and why. Cannot be built without a rule and reasons.

    profile is ``""`` exactly when the effect is deny. refused_above: stable word of what took away, above the policy,
    what a rule gave; ``""`` for nothing.
    """

    effect: Effect
    rule: str
    profile: str
    reasons: tuple[str, ...]
    policy_digest: str
    refused_above: str = ""

    def __post_init__(self) -> None:
        if not self.rule or not self.reasons or not self.policy_digest:
            raise ValueError("a decision needs a rule, reasons and a policy digest")
        if bool(self.profile) != (self.effect is Effect.ALLOW):
            raise ValueError("an allow names its profile, a deny has none")


# -- answer ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One reply attribute by dictionary name; ``value`` as a person would type it.

    tag: 0 for untagged, 1..31 otherwise (RFC 2868).
    """

    name: str
    value: str | int | bytes
    tag: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Blank:
    """One reply attribute of which a part is filled in for each request.

    pieces: its value, cut: the second, the fourth ... is the name of a fact, the others stand as they are.
    number: the value is an integer. tag: as in ``Attribute``.
    """

    name: str
    pieces: tuple[str, ...]
    tag: int = 0
    number: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VlanList:
    """VLANs by device: a GUID (lower case) or a MAC (canonical) to a number or name. otherwise: for all others."""

    rows: Mapping[str, str]
    otherwise: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessList:
    """A list that a NAS downloads by its name, in a request of its own.

    pages: its lines, encoded; each fits a packet. asked_with: pairs that such a request carries.
    """

    name: str
    lines: int
    pages: tuple[bytes, ...]
    asked_with: frozenset[str]


NO_VLANS = VlanList(rows={}, otherwise="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A profile in one vendor's words, encoded once when the configuration was loaded.

    attributes: names and values for people. octets: the same, encoded. omitted: optional
    intentions this vendor cannot express. session_timeout_s and terminate stay apart because the
    certificate may shorten them per request; 0 means the profile sets none. blanks: what is not in
    ``attributes`` because a part of it is a fact of the request. vlans: where the VLAN is one of those.
    """

    profile: str
    vendor: str
    attributes: tuple[Attribute, ...]
    octets: bytes
    omitted: tuple[str, ...] = ()
    session_timeout_s: int = 0
    reauthenticate: bool = True
    """Termination-Action RADIUS-Request (True) or Default (False) when the time is up."""
    on_quarantine: tuple[str, ...] = ()
    """What is asked of Intune for a device that gets this: ``sync``, ``notify``."""
    blanks: tuple[Blank, ...] = ()
    vlans: VlanList = NO_VLANS
    access_lists: tuple[AccessList, ...] = ()
    """What is downloaded by a name that stands in ``attributes``."""


class ReplyCode(StrEnum):
    """The three answers to an Access-Request."""

    ACCEPT = "Access-Accept"
    REJECT = "Access-Reject"
    CHALLENGE = "Access-Challenge"


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer in names; ``radius/reply`` turns it into octets and signs it.

    fixed: attributes encoded at load. attributes: those of this request alone.
    eap: one whole EAP packet or ``b""``. msk: 64 octets of keying material, or empty.
    key_name: EAP-Key-Name (RFC 5247 Session-Id) or ``b""``.
    """

    code: ReplyCode
    fixed: bytes = b""
    attributes: tuple[Attribute, ...] = ()
    eap: bytes = b""
    state: bytes = b""
    msk: Secret = NO_SECRET
    key_name: bytes = b""


# -- EAP outcomes ---------------------------------------------------------------------------


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """The conversation goes on: send this EAP packet with this State.

    chain is not empty when the peer's certificate has been verified though the conversation is
    not over yet: the lookup may start now. ignored: why the peer's packet was not taken, in which case
    this is the last request again; ``""`` when the conversation moved on.
    """

    eap: bytes
    state: bytes
    ignored: str = ""
    chain: tuple[bytes, ...] = ()
    anchor: str = ""


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class PeerAuthenticated:
    """The TLS peer proved its key and its chain. The answer is not given yet.

    chain: DER, leaf first, without the trust anchor's name; anchor: name of the ``client_cas`` entry.
    success, failure: the EAP packet to send with the Accept or with the Reject.
    """

    chain: tuple[bytes, ...]
    anchor: str
    tls_version: str
    cipher: str
    peer_identity: str
    msk: Secret
    session_id: bytes
    success: bytes
    failure: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Md5Verified:
    """EAP-MD5 with the MAC as name and password: MAB of a NAS that cannot do otherwise."""

    peer_identity: str
    success: bytes
    failure: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class EapFailed:
    """The conversation is over. eap: the EAP-Failure to send, ``b""`` for silence towards EAP.

    code: short stable word (``certificate_expired``, ``method_refused`` ...); reason: a sentence for
    people, with which certificate, what is wrong and what to do. subject, issuer: of the
    certificate complained of, ``""`` if none was seen.
    """

    code: str
    reason: str
    eap: bytes
    peer_identity: str = ""
    subject: str = ""
    issuer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EapIgnored:
    """RFC 3748: this packet is to be discarded in silence, and why."""

    reason: str


EapStep: TypeAlias = Challenge | PeerAuthenticated | Md5Verified | EapFailed | EapIgnored


# -- audit ----------------------------------------------------------------------------------

AuditValue: TypeAlias = "str | int | float | bool | list[AuditValue] | dict[str, AuditValue] | None"


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One audit record before it is a line. code: stable event code out of ``audit/events``.

    repeat_key: refusals with the same key may be aggregated; ``""`` = always written by itself.
    port_key: names the NAS port, so that one port cannot fill the disk; ``""`` = no such limit.
    """

    code: str
    fields: dict[str, AuditValue]
    repeat_key: str = ""
    port_key: str = ""
