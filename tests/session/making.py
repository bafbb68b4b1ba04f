"""Sessions and changes, made short for tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nacd.session.table import NO_SESSION, Found, apply
from nacd.sessions import (
    Accounted,
    AccountingKind,
    Authorized,
    Grounds,
    Names,
    NasRestarted,
    Place,
    Session,
    Standing,
)
from nacd.values import AccessKind, Compliance, ComplianceSource, ComplianceState, Effect, Nas, Unidentified

T = 1_700_000_000.0
MAC = "02-00-00-00-00-01"
OTHER_MAC = "02-00-00-00-00-02"
TOKEN = "a" * 32
OTHER_TOKEN = "b" * 32


def standing(profile: str = "corporate", at: float = T, effect: Effect | None = None) -> Standing:
    return Standing(
        effect=effect or (Effect.ALLOW if profile else Effect.DENY),
        rule="a rule",
        profile=profile,
        policy_digest="d",
        compliance=Compliance(state=ComplianceState.COMPLIANT, as_of=at, source=ComplianceSource.LIVE),
        at=at,
    )


def grounds(access: AccessKind = AccessKind.DOT1X, nas: str = "switch") -> Grounds:
    return Grounds(access=access, nas=Nas(name=nas, vendor="generic"), identity=Unidentified(reason="a test"))


def place(nas: str = "switch", **more: Any) -> Place:
    return Place(**{"source": "192.0.2.1", "port": "7", "calling_station_id": MAC, "nas": nas, **more})


def authorized(at: float = T, profile: str = "corporate", **more: Any) -> Authorized:
    names = more.pop("names", Names(acct_session_id="1", token=TOKEN))
    return Authorized(
        place=more.pop("place", place()),
        names=names,
        standing=standing(profile, at),
        grounds=grounds(more.pop("access", AccessKind.DOT1X)),
        at=at,
        **more,
    )


def accounted(kind: AccountingKind, happened_at: float, at: float = 0.0, **more: Any) -> Accounted:
    return Accounted(
        kind=kind,
        place=more.pop("place", place()),
        names=more.pop("names", Names(acct_session_id="1")),
        at=at or happened_at,
        happened_at=happened_at,
        record=more.pop("record", f"{kind} {happened_at}"),
        **more,
    )


def start(happened_at: float, **more: Any) -> Accounted:
    return accounted(AccountingKind.START, happened_at, **more)


def interim(happened_at: float, **more: Any) -> Accounted:
    return accounted(AccountingKind.INTERIM, happened_at, **more)


def stop(happened_at: float, **more: Any) -> Accounted:
    return accounted(AccountingKind.STOP, happened_at, **more)


def restarted(happened_at: float, at: float = 0.0, nas: str = "switch", source: str = "192.0.2.1") -> NasRestarted:
    return NasRestarted(
        nas=nas, source=source, nas_identifier="", at=at or happened_at, happened_at=happened_at, record="r", cause="on"
    )


def after(*changes: Any, of: Found = NO_SESSION, id: int = 1) -> Session:
    """The session that these changes make; what is ignored is an error of the test."""
    session = of
    for change in changes:
        made = apply(session, change)
        assert isinstance(made, Session), made
        session = made if made.id else replace(made, id=id)
    assert isinstance(session, Session)
    return session
