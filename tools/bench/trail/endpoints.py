"""Decisions of a large site, as records without their time: 20,000 endpoints at 400 NASes, of every kind.

Made with nacd's own builders, once; the trail takes them by chance and puts the time in.
"""

from __future__ import annotations

import random
from typing import Final

from nacd.audit import events
from nacd.audit.blocks import attributes
from nacd.audit.line import line
from nacd.values import (
    AccessKind,
    AccessRequest,
    Assurance,
    Attribute,
    CertificateFacts,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Decision,
    Device,
    DeviceId,
    Effect,
    Endpoint,
    Identity,
    IdentitySource,
    Instant,
    MacAddress,
    Named,
    Nas,
    NoCertificate,
    Rendered,
)
from tools.bench import site

ENDPOINTS: Final = 20_000
NASES: Final = 400
_STATES: Final = ("compliant", "noncompliant", "not_managed", "unknown", "unavailable")
_WEIGHTS: Final = (90, 5, 2, 1, 2)
_ATTRIBUTES: Final = (
    Attribute(name="Tunnel-Type", value="VLAN", tag=1),
    Attribute(name="Tunnel-Medium-Type", value="IEEE-802", tag=1),
    Attribute(name="Tunnel-Private-Group-Id", value="120", tag=1),
    Attribute(name="Session-Timeout", value="28800"),
)
AT: Final = 1_700_000_000.0
"""The time that stands in the templates; 24 octets from the 25th on are the record's."""


def templates(count: int = ENDPOINTS) -> list[bytes]:
    """Lines as `audit.line` makes them. Always the same."""
    chance = random.Random(7)
    states = chance.choices([ComplianceState(state) for state in _STATES], _WEIGHTS, k=count)
    return [_line(chance, number, states[number]) for number in range(count)]


def _line(chance: random.Random, number: int, state: ComplianceState) -> bytes:
    kind = chance.choices(["dot1x", "mab", "vpn"], (75, 20, 5))[0]
    where = chance.randrange(NASES)
    mac = f"00-{'11' if kind != 'mab' else '1B'}-{number >> 16 & 255:02X}-{number >> 8 & 255:02X}-{number & 255:02X}-7F"
    nas = Nas(name=f"switch-{where:03}", vendor="cisco-ios", groups=frozenset({"campus", f"floor-{where % 12}"}))
    user = f"host/pc-{number:05}.contoso.example" if kind != "mab" else mac.replace("-", "").lower()
    request = AccessRequest(
        nas=nas,
        source=f"10.20.{where >> 8}.{where & 255}",
        source_port=chance.randrange(1024, 65535),
        nas_identifier=nas.name,
        nas_port=f"{50_000 + number % 48}",
        nas_port_id=f"GigabitEthernet1/0/{number % 48 + 1}",
        nas_port_type="Ethernet",
        user_name=user,
        calling_station_id=mac,
        called_station_id=f"02-00-00-00-{where >> 8:02X}-{where & 255:02X}",
        has_eap=kind != "mab",
    )
    named = _named(number, kind, mac)
    asked = Compliance(state=state, as_of=AT - chance.randrange(3000), source=ComplianceSource.CACHE, provider="nac")
    allowed = state is ComplianceState.COMPLIANT
    decided = Decision(
        effect=Effect.ALLOW if allowed else Effect.DENY,
        rule="compliant device" if allowed else "default-deny",
        profile="corporate" if allowed else "",
        reasons=(f"access is {kind}", f"compliance is {state}"),
        policy_digest="5f" * 16,
    )
    rendered = (
        Rendered(profile="corporate", vendor="cisco-ios", octets=b"", attributes=_ATTRIBUTES, omitted=())
        if allowed
        else None
    )
    event = events.decision(
        request=request,
        named=named,
        compliance=asked,
        decision=decided,
        rendered=rendered,
        shown=attributes(rendered.attributes) if rendered else [],
        latency_ms=chance.uniform(0.5, 9),
        now=Instant(wall=AT, monotonic=AT),
        tls_version="TLSv1.3" if kind == "dot1x" else "",
        cipher="TLS_AES_256_GCM_SHA384" if kind == "dot1x" else "",
        peer_identity=user if kind == "dot1x" else "",
    )
    return line(event)


def _named(number: int, kind: str, mac: str) -> Named:
    identity: Identity = Endpoint(mac=MacAddress(mac))
    guid = DeviceId(guid=site.guid(number))
    if kind == "dot1x":
        identity = Device(id=guid, source=IdentitySource.CERTIFICATE, assurance=Assurance.CERTIFICATE)
    elif kind == "vpn":
        identity = Device(id=guid, source=IdentitySource.VPN, assurance=Assurance.VPN)
    shown = CertificateFacts(
        subject=f"CN=pc-{number:05},OU=Clients,O=Contoso",
        issuer="CN=Devices CA,O=Contoso",
        serial=f"{number * 7919:x}",
        fingerprint=f"{number * 104729:064x}",
        not_before=AT - 1e6,
        not_after=AT + 3e7,
        san_uris=(f"IntuneDeviceId://{site.guid(number)}",),
        anchor="devices",
    )
    return Named(
        access=AccessKind(kind),
        identity=identity,
        attempts=(),
        certificate=shown if kind == "dot1x" else NoCertificate(),
        mac=mac,
        tenant="contoso",
    )
