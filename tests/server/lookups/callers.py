"""Sessions that begin and end, as the book of sessions tells of them, for the tests beside this."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from nacd.compliance.question import Question
from nacd.server.lookups.watch import LiveDevices
from nacd.session.table import NO_SESSION, apply
from nacd.sessions import (
    Accounted,
    AccountingKind,
    Authorized,
    Change,
    Gone,
    Grounds,
    Names,
    NasRestarted,
    Phase,
    Place,
    Session,
    Standing,
)
from nacd.store.live.outcome import Applied
from nacd.values import (
    AccessKind,
    Assurance,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Device,
    DeviceId,
    Effect,
    IdentitySource,
    Instant,
    MacAddress,
    Nas,
)
from tests.server.lookups.bench import device


def said(state: ComplianceState, as_of: float) -> Compliance:
    return Compliance(state=state, as_of=as_of, source=ComplianceSource.LIVE)


def mac(number: int) -> Question:
    address = MacAddress(f"00-50-56-00-00-{number:02X}")
    return Question(tenant="intune", key=f"mac:{address.hex12}", subject=address)


class Callers:
    """Who comes and goes, and who listens to that."""

    def __init__(self, live: LiveDevices) -> None:
        self.live = live
        self.stored = True
        """Whether the disk takes what happens."""
        self._ids = count(1)
        self._sessions: dict[int, Session] = {}

    def came(
        self,
        question: Question | int,
        now: Instant,
        *,
        state: ComplianceState = ComplianceState.COMPLIANT,
        as_of: float = -1.0,
        nas: str = "switch",
    ) -> int:
        """An Accept for a device: the number of its session."""
        asked = device(question) if isinstance(question, int) else question
        change = Authorized(
            place=Place(nas=nas, source="10.0.0.1"),
            names=Names(),
            standing=standing(state, as_of if as_of >= 0 else now.wall, now),
            grounds=grounds(asked, nas),
            at=now.wall,
        )
        made = apply(NO_SESSION, change)
        assert isinstance(made, Session)
        return self._tell(change, replace(made, id=next(self._ids)))

    def again(self, session: int, question: Question, now: Instant, state: ComplianceState) -> None:
        """Another Accept in the same session."""
        known = self._sessions[session]
        change = Authorized(
            place=known.place,
            names=known.names,
            standing=standing(state, now.wall, now),
            grounds=grounds(question, known.place.nas),
            at=now.wall,
        )
        self._apply(session, change)

    def accounted(self, session: int, kind: AccountingKind, now: Instant) -> None:
        known = self._sessions[session]
        record = f"{session} {kind} {now.wall}"
        self._apply(
            session,
            Accounted(
                kind=kind, place=known.place, names=known.names, at=now.wall, happened_at=now.wall, record=record
            ),
        )

    def left(self, session: int, now: Instant) -> None:
        self.accounted(session, AccountingKind.STOP, now)

    def gone(self, session: int, phase: Phase, now: Instant) -> None:
        self._apply(session, Gone(id=session, phase=phase, at=now.wall, cause="test"))

    def restarted(self, ended: tuple[int, ...], now: Instant) -> None:
        change = NasRestarted(
            nas="switch", source="10.0.0.1", nas_identifier="", at=now.wall, happened_at=now.wall, record="r", cause=""
        )
        self.live.applied(change, Applied(changed=bool(ended), ended=ended))

    def _apply(self, session: int, change: Change) -> None:
        made = apply(self._sessions[session], change)
        if isinstance(made, Session):
            self._tell(change, made)
        else:
            self.live.applied(change, Applied(session=self._sessions[session], why=made.why))

    def _tell(self, change: Change, session: Session) -> int:
        self._sessions[session.id] = session
        self.live.applied(change, Applied(session=session, changed=True, stored=self.stored))
        return session.id


def standing(state: ComplianceState, as_of: float, now: Instant) -> Standing:
    return Standing(
        effect=Effect.ALLOW, rule="r", profile="p", policy_digest="d", compliance=said(state, as_of), at=now.wall
    )


def grounds(question: Question, nas: str) -> Grounds:
    """As far as they matter here: whose verdict it was."""
    identity = Device(
        id=DeviceId(guid="2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"),
        source=IdentitySource.CERTIFICATE,
        assurance=Assurance.CERTIFICATE,
    )
    return Grounds(
        access=AccessKind.DOT1X,
        nas=Nas(name=nas, vendor="generic"),
        identity=identity,
        tenant=question.tenant,
        key=question.key,
    )
