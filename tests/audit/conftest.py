"""Values for the audit tests: a request, a decision and everything between."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from nacd.audit import events, session_events
from nacd.session.overrides import Override, OverrideEffect, SubjectKind
from nacd.sessions import (
    Grounds,
    Meaning,
    Names,
    NotOurs,
    Outcome,
    Pending,
    Phase,
    Place,
    Session,
    Standing,
    Verb,
)
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
            in_groups=("6b4b9f4e-7a0d-4a63-9a39-000000000001",),
            outside_groups=("6b4b9f4e-7a0d-4a63-9a39-000000000002",),
            groups_doubt="graph is throttling questions about groups (status 429)",
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
def corporate(compliance: Compliance) -> Standing:
    return Standing(
        effect=Effect.ALLOW,
        rule="compliant device",
        profile="corporate",
        policy_digest="d1g3st",
        compliance=compliance,
        at=1_789_990_000.0,
        session_timeout_s=28_800,
    )


@pytest.fixture(scope="session")
def quarantine() -> Standing:
    verdict = Compliance(
        state=ComplianceState.NONCOMPLIANT,
        as_of=1_789_999_997.0,
        source=ComplianceSource.LIVE,
        detail="asked by id",
        provider="nac",
    )
    return Standing(
        effect=Effect.ALLOW,
        rule="fix your device",
        profile="quarantine",
        policy_digest="d1g3st",
        compliance=verdict,
        at=1_790_000_000.0,
    )


@pytest.fixture(scope="session")
def live(named: Named, corporate: Standing, quarantine: Standing) -> Session:
    """A session on a switch that is to go into quarantine."""
    return Session(
        id=4711,
        place=Place(
            nas="campus",
            source="10.20.0.1",
            nas_identifier="sw-1",
            nas_address="10.20.0.1",
            port="50101",
            port_id="Gi1/0/1",
            port_type="Ethernet",
            called_station_id="AA-BB-CC-DD-EE-FF",
            calling_station_id="00-50-B6-AA-BB-CC",
            framed_address="10.20.7.7",
        ),
        names=Names(
            acct_session_id="0000001A",
            acct_multi_session_id="0000001B",
            audit_session_id="0A140001",
            token="5e" * 16,
            user_name="host/pc-1",
            chargeable_user_identity="cui-1",
        ),
        phase=Phase.LIVE,
        authorized_at=1_789_990_000.0,
        standing=corporate,
        grounds=Grounds(
            access=AccessKind.DOT1X,
            nas=Nas(name="campus", vendor="cisco-ios"),
            identity=named.identity,
            certificate=named.certificate,
            tenant="contoso",
            key="intune:2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954",
            mac="00-50-B6-AA-BB-CC",
            user="alice@example.com",
        ),
        started_at=1_789_990_001.0,
        seen_at=1_789_999_000.0,
        wish=Pending(wanted=quarantine, since=1_790_000_000.0),
    )


@pytest.fixture(scope="session")
def foreign() -> Session:
    """One that was accounted for and never let in by nacd, of which nothing is wanted."""
    place = Place(nas="campus", source="10.20.0.1", calling_station_id="00-50-B6-AA-BB-CC")
    return Session(
        id=4712,
        place=place,
        names=Names(acct_session_id="0000001C"),
        phase=Phase.LIVE,
        authorized_at=0.0,
        standing=NotOurs(),
        grounds=NotOurs(),
        seen_at=1_789_999_000.0,
    )


@pytest.fixture(scope="session")
def blocked() -> Override:
    return Override(
        id=12,
        subject_kind=SubjectKind.MAC,
        subject="00-50-B6-AA-BB-CC",
        tenant="contoso",
        effect=OverrideEffect.QUARANTINE,
        profile="quarantine",
        reason="ticket 7",
        by="alice (uid 1000)",
        at=1_790_000_000.0,
        until=1_790_003_600.0,
        lifted_at=1_790_000_100.0,
        lifted_by="bob (uid 1001)",
    )


@pytest.fixture(scope="session")
def session_records(
    live: Session,
    foreign: Session,
    quarantine: Standing,
    blocked: Override,
    sent: tuple[Attribute, ...],
    at: Callable[[float], Instant],
) -> tuple[AuditEvent, ...]:
    """One record by every builder of ``session_events``, about one change and around it."""
    now = at(0)
    asked = {"verb": Verb.REAUTHENTICATE, "request": "coa", "host": "10.20.0.1", "port": 1700, "step": 0, "tries": 1}
    refused = Outcome(meaning=Meaning.GONE, error_cause=503, detail="session context not found", took_s=0.0213)
    change = {"trigger": "verdict", "reasons": ("compliance is noncompliant", "access is dot1x")}
    orders = {"by": "alice (uid 1000)", "now": now}
    return (
        session_events.change_wanted(session=live, wanted=quarantine, now=now, **change),  # type: ignore[arg-type]
        session_events.held(session=live, why="the window opens at 01:00", until=at(3600).wall, now=now),
        session_events.asked(session=live, shown=sent, now=now, **asked),  # type: ignore[arg-type]
        session_events.answered(session=live, verb=Verb.REAUTHENTICATE, outcome=refused, now=now),
        session_events.converged(session=live, wanted=quarantine, how="it logged in again", took_s=3.25, now=now),
        session_events.alarm(session=live, text="nothing answers", now=now),
        session_events.withdrawn(session=live, wanted=quarantine, cause="it has changed", after_s=3.25, now=now),
        session_events.ended(session=live, cause="nothing was heard for 24 h", now=now),
        session_events.ended(session=foreign, cause="nothing was heard for 24 h", now=now),
        session_events.asked(session=foreign, shown=(), now=now, **asked),  # type: ignore[arg-type]
        session_events.guard_held(direction="down", held=51, limit=50, until=at(3600).wall, now=now),
        session_events.guard_released(direction="down", count=51, **orders),  # type: ignore[arg-type]
        session_events.guard_discarded(direction="", count=51, **orders),  # type: ignore[arg-type]
        session_events.override_put(override=blocked, now=now),
        session_events.override_lifted(override=blocked, now=now),
        session_events.order_given(order="coa bounce", subject="4711", outcome="asked", **orders),  # type: ignore[arg-type]
    )


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
        elif not (
            isinstance(value, list)
            and path in ("identity.attempts", "reply.attributes", "monitor.would.attributes", "asked.attributes")
        ):
            yield path

    return lambda value: set(walk(value, ""))
