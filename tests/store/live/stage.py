"""Sessions to play with, and the simplest rules that make sense: the true ones are tested where they live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nacd.session.table import NO_SESSION, Found, Ignored, NoSession
from nacd.sessions import (
    Accounted,
    AccountingKind,
    Authorized,
    Change,
    Gone,
    Grounds,
    Names,
    NasRestarted,
    NotOurs,
    Phase,
    Place,
    Session,
    Standing,
    Wished,
)
from nacd.values import (
    AccessKind,
    Assurance,
    CertificateFacts,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Device,
    DeviceId,
    Effect,
    IdentitySource,
    Nas,
)

NOW = 1_700_000_000.0
PATIENCE_S = 20.0


def guid(number: int) -> str:
    return f"{number:08x}-89ab-4def-8123-456789abcdef"


def mac(number: int) -> str:
    digits = f"02{number:010X}"
    return "-".join(digits[at : at + 2] for at in range(0, 12, 2))


def token(number: int) -> str:
    return f"{number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128:032x}"


def place(number: int, *, nas: str = "sw-1", source: str = "192.0.2.1", **more: str) -> Place:
    more = {"calling_station_id": mac(number), "port": str(number), "nas_identifier": nas, **more}
    return Place(nas=nas, source=source, **more)


def standing(profile: str = "corporate", at: float = NOW) -> Standing:
    compliance = Compliance(state=ComplianceState.COMPLIANT, as_of=at, source=ComplianceSource.LIVE, provider="nac")
    return Standing(
        effect=Effect.ALLOW, rule="laptops", profile=profile, policy_digest="ab12", compliance=compliance, at=at
    )


def grounds(number: int, *, user: str = "jane@example.org") -> Grounds:
    certificate = CertificateFacts(
        subject=f"CN=laptop-{number}",
        issuer="CN=Example CA",
        serial="1f",
        fingerprint="ab" * 32,
        not_before=NOW - 1.0,
        not_after=NOW + 1e6,
        san_uris=(f"IntuneDeviceId://{guid(number)}",),
        anchor="example",
    )
    return Grounds(
        access=AccessKind.DOT1X,
        nas=Nas(name="sw-1", vendor="generic", groups=frozenset({"campus"})),
        identity=Device(
            id=DeviceId(guid=guid(number)), source=IdentitySource.CERTIFICATE, assurance=Assurance.CERTIFICATE
        ),
        certificate=certificate,
        tenant="campus",
        key=f"guid:{guid(number)}",
        mac=mac(number),
        user=user,
    )


def authorized(number: int, *, at: float = NOW, where: Place | None = None, **names: str) -> Authorized:
    return Authorized(
        place=where or place(number),
        names=Names(**{"token": token(number), **names}),
        standing=standing(at=at),
        grounds=grounds(number),
        at=at,
    )


def accounted(
    number: int,
    kind: AccountingKind = AccountingKind.INTERIM,
    *,
    at: float = NOW + 1.0,
    record: str = "",
    where: Place | None = None,
    **names: str,
) -> Accounted:
    """By default one that names its session by the token and by an Acct-Session-Id."""
    told = names or {"token": token(number), "acct_session_id": f"A{number}"}
    return Accounted(
        kind=kind,
        place=where or place(number),
        names=Names(**told),
        at=at,
        happened_at=at,
        record=record or f"{kind} {at} {where or place(number)} {told}",
    )


def restarted(*, at: float, nas: str = "sw-1", source: str = "192.0.2.1", nas_identifier: str = "") -> NasRestarted:
    return NasRestarted(
        nas=nas,
        source=source,
        nas_identifier=nas_identifier,
        at=at,
        happened_at=at,
        record=f"{nas} on {at}",
        cause="NAS reboot",
    )


def apply(found: Found, change: Change) -> Session | NoSession | Ignored:
    """What a session becomes, as simply as can be."""
    if isinstance(change, Authorized):
        return _authorized(found, change)
    if isinstance(change, Accounted):
        return _accounted(found, change)
    if isinstance(found, NoSession):
        return Ignored("no such session")
    if isinstance(change, NasRestarted):
        if max(found.authorized_at, found.started_at) >= change.happened_at:
            return Ignored("it began later")
        return replace(found, phase=Phase.ENDED, ended_at=change.happened_at, cause=change.cause)
    if isinstance(change, Gone):
        return replace(found, phase=change.phase, ended_at=change.at, cause=change.cause)
    assert isinstance(change, Wished)
    stands = found.standing if isinstance(change.standing, NotOurs) else change.standing
    return replace(found, wish=change.wish, standing=stands)


def _authorized(found: Found, change: Authorized) -> Session:
    if isinstance(found, Session):
        return replace(found, standing=change.standing, grounds=change.grounds, seen_at=change.at)
    return Session(
        id=0,
        place=change.place,
        names=change.names,
        phase=Phase.AUTHORIZED,
        authorized_at=change.at,
        standing=change.standing,
        grounds=change.grounds,
        seen_at=change.at,
        ends_at=change.ends_at,
        voice=change.voice,
    )


def _accounted(found: Found, change: Accounted) -> Session | Ignored:
    if isinstance(found, NoSession):
        found = Session(
            id=0,
            place=change.place,
            names=change.names,
            phase=Phase.LIVE,
            authorized_at=0.0,
            standing=NotOurs(),
            grounds=NotOurs(),
            started_at=change.happened_at,
        )
    elif change.happened_at < found.seen_at:
        return Ignored("it is older than what is known")
    elif found.phase is Phase.ENDED:
        if change.kind is not AccountingKind.START:
            return Ignored("it is over")
        found = replace(found, id=0, phase=Phase.LIVE, started_at=0.0, ended_at=0.0)
    names = replace(found.names, acct_session_id=change.names.acct_session_id or found.names.acct_session_id)
    over = change.kind is AccountingKind.STOP
    return replace(
        found,
        names=names,
        phase=Phase.ENDED if over else Phase.LIVE,
        started_at=found.started_at or change.happened_at,
        seen_at=change.happened_at,
        ended_at=change.happened_at if over else 0.0,
        cause=change.cause,
    )


def tie(record: Accounted, candidates: Sequence[Session]) -> Found:
    """The newest on the same port."""
    return next((each for each in candidates if each.place.port == record.place.port), NO_SESSION)
