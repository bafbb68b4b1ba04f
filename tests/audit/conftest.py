"""Values for the audit tests: a request, a decision and everything between."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from nacd.audit import events
from nacd.values import (
    AccessKind,
    AccessRequest,
    Assurance,
    Attempt,
    AttemptOutcome,
    Attribute,
    AuditEvent,
    CertificateFacts,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Decision,
    Device,
    DeviceFacts,
    DeviceId,
    Effect,
    IdentitySource,
    Instant,
    Named,
    Nas,
    PapPassword,
    Rendered,
    Secret,
)


@pytest.fixture(scope="session")
def at() -> Callable[[float], Instant]:
    """The moment so many seconds into the test, on both clocks."""
    return lambda seconds: Instant(wall=1_790_000_000.0 + seconds, monotonic=500.0 + seconds)


@pytest.fixture(scope="session")
def request_of() -> Callable[..., AccessRequest]:
    def make(**fields: object) -> AccessRequest:
        plain: dict[str, object] = {
            "source": "10.20.0.1",
            "source_port": 50000,
            "user_name": "host/pc-1",
            "nas_port_type": "Ethernet",
            "nas_port": "50101",
            "nas_port_id": "Gi1/0/1",
            "nas_identifier": "sw-1",
            "nas_address": "10.20.0.1",
            "called_station_id": "AA-BB-CC-DD-EE-FF",
            "calling_station_id": "00-50-B6-AA-BB-CC",
            "acct_session_id": "0000001A",
            "cisco_av_pairs": ("audit-session-id=0A140001",),
            "credential": PapPassword(password=Secret(b"hunter2")),
        }
        return AccessRequest(nas=Nas(name="campus", vendor="cisco-ios"), **{**plain, **fields})  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def certificate() -> CertificateFacts:
    return CertificateFacts(
        subject="CN=PC-1",
        issuer="CN=Devices",
        serial="0a",
        fingerprint="ab" * 32,
        not_before=1_780_000_000.0,
        not_after=1_800_000_000.0,
        common_name="PC-1",
        san_uris=("IntuneDeviceId://2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954",),
        san_dns=("pc-1.example.com",),
        san_upns=("alice@example.com",),
        templates=("1.2.3",),
        anchor="devices",
    )


@pytest.fixture(scope="session")
def named(certificate: CertificateFacts) -> Named:
    return Named(
        access=AccessKind.DOT1X,
        identity=Device(
            id=DeviceId(guid="2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"),
            source=IdentitySource.CERTIFICATE,
            assurance=Assurance.CERTIFICATE,
        ),
        attempts=(
            Attempt(source=IdentitySource.VPN, outcome=AttemptOutcome.ABSENT, detail="not a VPN request"),
            Attempt(source=IdentitySource.CERTIFICATE, outcome=AttemptOutcome.FOUND, detail="by CA `devices`"),
        ),
        certificate=certificate,
        mac="00-50-B6-AA-BB-CC",
        user="alice@example.com",
        tenant="contoso",
    )


@pytest.fixture(scope="session")
def compliance() -> Compliance:
    return Compliance(
        state=ComplianceState.COMPLIANT,
        as_of=1_789_999_988.0,
        source=ComplianceSource.CACHE,
        detail="asked by id",
        provider="graph",
        grace_until=1_790_003_600.0,
        device=DeviceFacts(
            name="PC-1",
            operating_system="Windows",
            os_version="10.0.19045.4046",
            owner="company",
            user="alice@example.com",
            last_sync=1_789_990_000.0,
        ),
    )


@pytest.fixture(scope="session")
def allow() -> Decision:
    return Decision(
        effect=Effect.ALLOW,
        rule="compliant device",
        profile="corporate",
        reasons=("compliance is compliant", "access is dot1x"),
        policy_digest="d1g3st",
    )


@pytest.fixture(scope="session")
def deny() -> Decision:
    return Decision(
        effect=Effect.DENY, rule="default-deny", profile="", reasons=("no rule matched",), policy_digest="d1g3st"
    )


@pytest.fixture(scope="session")
def rendered() -> Rendered:
    return Rendered(profile="corporate", vendor="cisco-ios", attributes=(), octets=b"", omitted=("redirect",))


@pytest.fixture(scope="session")
def sent() -> tuple[Attribute, ...]:
    return (
        Attribute(name="Tunnel-Private-Group-Id", value="120", tag=1),
        Attribute(name="Session-Timeout", value=28800),
        Attribute(name="Class", value=b"\x01\x02"),
        Attribute(name="MS-MPPE-Send-Key", value=b"keying material"),
        Attribute(name="Tunnel-Password", value="hunter2"),
        Attribute(name="Cisco-AVPair", value="psk=hunter2"),
    )


@pytest.fixture(scope="session")
def rejected(
    request_of: Callable[..., AccessRequest],
    named: Named,
    compliance: Compliance,
    deny: Decision,
    at: Callable[[float], Instant],
) -> Callable[..., AuditEvent]:
    """A reject's record for a request with these fields."""

    def make(seconds: float = 0.0, **fields: object) -> AuditEvent:
        return events.decision(
            request=request_of(**fields),
            named=named,
            compliance=compliance,
            decision=deny,
            rendered=None,
            shown=[],
            latency_ms=1.0,
            now=at(seconds),
        )

    return make


@pytest.fixture(scope="session")
def paths_of() -> Callable[[object], set[str]]:
    """The dotted paths of all fields in a record, as the table writes them."""

    def walk(value: object, path: str) -> Iterator[str]:
        if isinstance(value, dict) and not path.endswith((".by_code", ".by_nas")):
            for key, inner in value.items():
                yield from walk(inner, f"{path}.{key}" if path else key)
        elif isinstance(value, list) and any(isinstance(inner, dict) for inner in value):
            for inner in value:
                yield from walk(inner, f"{path}[]")
        elif not (isinstance(value, list) and path in ("identity.attempts", "reply.attributes")):
            yield path

    return lambda value: set(walk(value, ""))
