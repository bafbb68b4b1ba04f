"""Which fields of a record name somebody or something, and whom.

Knows: for each field of the table whether it names a user, a MAC, a device or an address, which fields are nacd's own
words or the admin's, and which may never be hidden. Refuses to know: what is done with any of it (``veil``).

A field that stands in none of these tables is free text: it is searched for whatever is hidden.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from nacd.audit.catalogue import EVENTS, FIELDS
from nacd.audit.chain import events as chain_events
from nacd.audit.forwarding import events as forwarding_events
from nacd.audit.keeping import events as keeping_events


class Kind(StrEnum):
    """What a value names. TEXT: something that was chosen by its field alone."""

    USER = "user"
    MAC = "mac"
    DEVICE = "device"
    ADDRESS = "address"
    TEXT = "text"


class Treatment(StrEnum):
    """What becomes of it."""

    KEEP = "keep"
    HASH = "hash"
    REMOVE = "remove"


_BOTH: Final = (Kind.USER, Kind.DEVICE)

NAMING: Final[Mapping[str, tuple[Kind, ...]]] = MappingProxyType(
    {
        "endpoint.user_name": (Kind.USER,),
        "endpoint.user": (Kind.USER,),
        "endpoint.mac": (Kind.MAC,),
        "endpoint.calling_station_id": (Kind.MAC, Kind.ADDRESS),
        "endpoint.tunnel_client_endpoint": (Kind.ADDRESS,),
        "endpoint.framed_address": (Kind.ADDRESS,),
        "session.user_name_octets": (Kind.USER,),
        "identity.id": (Kind.DEVICE,),
        "identity.mac": (Kind.MAC,),
        "certificate.subject": _BOTH,
        "certificate.common_name": _BOTH,
        "certificate.serial": (Kind.DEVICE,),
        "certificate.fingerprint": (Kind.DEVICE,),
        "certificate.san_uris": (Kind.DEVICE,),
        "certificate.san_dns": (Kind.DEVICE,),
        "certificate.san_upns": (Kind.USER,),
        "eap.peer_identity": (Kind.USER,),
        "compliance.device.name": (Kind.DEVICE,),
        "compliance.device.user": (Kind.USER,),
        "chargeable_user_identity": (Kind.USER,),
        "lookup.id": (),
        "override.subject": (),
        "order.subject": (),
        "mab.mac": (Kind.MAC,),
        "mab.owner": (Kind.USER,),
    }
)
"""What a field names; of two kinds it is hidden if either is. Nothing: whatever its value looks like."""

TOLD_BY_VALUE: Final = frozenset(
    {
        *("endpoint.user_name", "endpoint.user", "endpoint.calling_station_id", "endpoint.tunnel_client_endpoint"),
        *("eap.peer_identity", "lookup.id", "override.subject", "order.subject", "mab.owner"),
    }
)
"""Whose value may be something else than the field is for: a MAC as User-Name, an address as Calling-Station-Id."""

ATTRIBUTES: Final[Mapping[str, tuple[Kind, ...]]] = MappingProxyType(
    {
        "User-Name": (Kind.USER,),
        "Chargeable-User-Identity": (Kind.USER,),
        "Calling-Station-Id": (Kind.MAC, Kind.ADDRESS),
        **dict.fromkeys(
            (
                *("Framed-IP-Address", "Framed-IPv6-Address", "Framed-IPv6-Prefix", "Framed-Interface-Id"),
                *("Delegated-IPv6-Prefix", "Tunnel-Client-Endpoint"),
            ),
            (Kind.ADDRESS,),
        ),
    }
)
"""Attributes of answers and requests that name somebody."""

_WORDS: Final[Mapping[str, str]] = {
    "": "time code event seq link access occasion refusal request_id latency_ms count first last version writer by",
    "endpoint": "called_station_id ssid bssid tunnel_group client_platform client_platform_version inventory",
    "session": "terminate_cause status_type class_token phase authorized_at started_at seen_at",
    "identity": "kind register source assurance tenant attempts[].source attempts[].outcome",
    "certificate": "issuer not_before not_after anchor templates tenant_ids ekus",
    "eap": "failure tls_version cipher",
    "compliance": "state provider source as_of grace_until device.operating_system device.os_version device.owner "
    "device.last_sync device.in_groups device.outside_groups",
    "decision": "effect rule profile policy_digest",
    "reply": "code attributes[].name omitted actions",
    "monitor": "scope name until profile would.event would.code would.attributes[].name would.omitted would.actions",
    "asked": "verb request host attributes[].name",
    "answer": "meaning",
    "repeated": "code event",
    "change": "trigger to before",
    "held": "until",
    "override": "subject_kind tenant effect profile at until",
    "guard": "direction until",
    "mab": "tags until at entered_by ports[].nas ports[].source ports[].port ports[].began ports[].heard",
    "shadow": "file digest effect rule profile decided_at",
    "configuration": "file digest policy_digest",
    "canary": "group until",
    "service": "version",
    "audit": "since",
    "bug": "type where",
    "lookup": "tenant subject register",
    "verdict": "before as_of_before by",
    "breaker": "state",
    "packets": "reason",
}
_UNDER: Final = (
    *("nas.", "access_list.", "repeated.by_code.", "repeated.by_nas.", "our_certificate.", "app."),
    *("standing.", "wanted."),
)
_TOLD: Final = tuple(f"{which}.compliance.detail" for which in ("standing", "wanted"))
WORDS: Final = {f"{top}.{name}".removeprefix(".") for top, names in _WORDS.items() for name in names.split()} | {
    name for name in FIELDS if name.startswith(_UNDER) and name not in _TOLD
}
"""nacd's own words, the names that stand in its configuration, and what speaks of a NAS: never searched."""

OF_THE_TRAIL: Final = frozenset(
    row.code for room in (chain_events, keeping_events, forwarding_events) for row in room.ROWS
)
"""Records about the trail itself. They name nobody, and whoever verifies it goes by their words."""

_NEEDED: Final = frozenset({"seq", "link", "time", "code", "event", "request_id", "decision.policy_digest"})
CHOOSABLE: Final = (
    frozenset(name for row in EVENTS.values() if row.code not in OF_THE_TRAIL for name in row.fields if name in FIELDS)
    - _NEEDED
)
"""Fields that may be hidden one by one."""
INDISPENSABLE: Final = (frozenset(FIELDS) | _NEEDED) - CHOOSABLE
"""Those without which the trail cannot be verified, read in its order or replayed."""
