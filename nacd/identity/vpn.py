"""What a VPN concentrator says of its client: device ids, posture MACs, patterns over User-Name and Class.

Knows: Cisco's ``mdm-tlv=name=value`` posture pairs and which of them may be an Intune id. Refuses to know:
certificates shown to nacd itself (``certificate``).

Theory: everything here is the client's own word, passed on by the NAS, hence assurance vpn for an id and
mac for a MAC. That a concentrator has checked the client is what lends the word any weight, and only the
admin can say so: from a NAS that is not marked ``done_by_nas`` nothing here is read, also when it calls
its port Virtual. ``Calling-Station-Id`` of a VPN is the client's public address and is never read as a MAC.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from nacd.identity import device_id, pattern
from nacd.identity.mac import parse
from nacd.identity.outcome import Absent, Bad, Found, Outcome, quoted
from nacd.identity.rules import IdentityRules
from nacd.values import (
    AccessRequest,
    Assurance,
    Authentication,
    Device,
    DeviceId,
    DeviceIdKind,
    IdentitySource,
    MacAddress,
)

_TLV = "mdm-tlv="
_ID_NAMES = ("device-uid", "device-uid-global")
_CISCO_HASH = re.compile(r"[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}")


def posture(request: AccessRequest) -> tuple[tuple[str, str], ...]:
    """Name and value of every ``mdm-tlv`` pair, in order, names in lower case, blanks around values dropped."""
    return said(request.cisco_av_pairs)


def said(pairs: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The same of a request's Cisco-AVPairs."""
    found: list[tuple[str, str]] = []
    for pair in pairs:
        if pair[: len(_TLV)].lower() == _TLV:
            name, equals, value = pair[len(_TLV) :].partition("=")
            if equals:
                found.append((name.strip().lower(), value.strip(" \t\0")))
    return tuple(found)


def _declared(request: AccessRequest) -> bool:
    return request.nas.authentication is Authentication.DONE_BY_NAS


def _undeclared(request: AccessRequest) -> Absent:
    return Absent(
        detail=f"NAS {quoted(request.nas.name)} is no VPN concentrator with `authentication: done_by_nas`, "
        "so what its client says of itself is not read"
    )


def device(request: AccessRequest, rules: IdentityRules) -> Outcome:
    """The device a VPN request names; absent when the NAS is not marked ``done_by_nas``.

    All places are read, since two that differ make the whole bad.
    """
    if not _declared(request):
        return _undeclared(request)
    found: list[DeviceId] = []
    notes: list[str] = []
    statements = [(name, _posture_id(value, rules)) for name, value in posture(request) if name in _ID_NAMES]
    statements += _by_patterns(request, rules)
    for where, stated in statements:
        match stated:
            case Bad(detail=detail):
                return Bad(detail=f"{where}: {detail}")
            case Absent(detail=detail):
                notes.append(f"{where}: {detail}")
            case DeviceId():
                found.append(stated)
                notes.append(f"{where}: {stated.kind.value} id `{stated}`")
    agreed = device_id.agree(found)
    words = "; ".join(dict.fromkeys(notes[:8]))
    match agreed:
        case Bad(detail=detail):
            return Bad(detail=f"the request names {detail}")
        case Absent():
            return Absent(detail=words or "the NAS passes on no device id")
        case DeviceId():
            named = Device(id=agreed, source=IdentitySource.VPN, assurance=Assurance.VPN)
            return Found(identity=named, detail=words)


def _posture_id(value: str, rules: IdentityRules) -> DeviceId | Bad | Absent:
    """``device-uid``: a hash of Cisco's own on desktops, what the MDM provisioned on phones."""
    if _CISCO_HASH.fullmatch(value):
        return Absent(detail="Cisco's own hash, not an Intune id")
    if device_id.is_guid(value):
        if rules.vpn_bare_guid:
            return device_id.guid(value, DeviceIdKind.INTUNE)
        return Absent(detail=f"{quoted(value)} is a bare GUID, not used while `vpn_bare_guid` is off")
    return device_id.statement(value, rules.entra_prefixes)


def _by_patterns(request: AccessRequest, rules: IdentityRules) -> list[tuple[str, DeviceId | Bad | Absent]]:
    """User-Name counts only when the NAS has proved it: in an EAP request it is what the peer calls itself."""
    texts: list[tuple[str, str]] = []
    if rules.user_name_pattern and not request.has_eap:
        texts.append(("User-Name", pattern.find(rules.user_name_pattern, request.user_name)))
    if rules.class_pattern:
        for octets in request.class_values:
            text = octets.decode("utf-8", "backslashreplace")
            texts.append(("Class", pattern.find(rules.class_pattern, text)))
    return [(where, device_id.guid(text, DeviceIdKind.INTUNE)) for where, text in texts if text]


def mac(request: AccessRequest) -> tuple[MacAddress, str] | Absent | Bad:
    """The MAC of the adapter in use, and the posture pair that named it.

    ``device-public-mac`` is the adapter the tunnel runs over; ``device-mac`` is repeated for each
    adapter, so it helps only when all agree. Absent when the NAS is not marked ``done_by_nas``.
    """
    if not _declared(request):
        return _undeclared(request)
    pairs = posture(request)
    in_use = _macs(pairs, "device-public-mac")
    if len(in_use) > 1:
        return Bad(detail=f"device-public-mac names {len(in_use)} different adapters")
    if in_use:
        return in_use[0], "device-public-mac"
    adapters = _macs(pairs, "device-mac")
    if len(adapters) > 1:
        return Absent(detail=f"device-mac names {len(adapters)} adapters and device-public-mac is missing")
    if adapters:
        return adapters[0], "device-mac"
    return Absent(detail="the VPN client reports no MAC, and its Calling-Station-Id is an address, not a MAC")


def _macs(pairs: Sequence[tuple[str, str]], wanted: str) -> list[MacAddress]:
    found = [parse(value) for name, value in pairs if name == wanted]
    return list(dict.fromkeys(address for address in found if isinstance(address, MacAddress)))
