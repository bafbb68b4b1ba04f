"""A small world of NASes that knows what is true, and tells it over a bad network.

It is the plain model that the rules are held against: a session is what it is, whatever becomes of the records about
it. Every accounting session has a number of its own that only this world knows; it is written into User-Name, which no
rule looks at. Its NASes have clocks of their own, ours can be set back, and other NASes of the same client may say what
they like of sessions that are not theirs.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from nacd.session.clocks import Clocks
from nacd.session.table import CLOCKS_APART_S, apply
from nacd.session.tie import again, tie
from nacd.sessions import (
    Accounted,
    AccountingKind,
    Authorized,
    Change,
    Gone,
    Names,
    NasRestarted,
    Phase,
    Place,
    Session,
)
from tests.session.making import T, grounds, place, standing

NASES = ("one", "two")
PROFILES = ("corporate", "guest", "quarantine")
ADDRESSES = {"one": "10.0.0.1", "two": "10.0.0.2"}
LIAR = "liar"
OPEN = (Phase.AUTHORIZED, Phase.LIVE, Phase.AGED)


@dataclass(frozen=True)
class Fate:
    """What the network does to a record: delays, seconds, one for each copy that arrives; none: it is lost."""

    delays: tuple[int, ...] = (0,)


def is_about(record: Accounted | NasRestarted, session: Truth) -> bool:
    return isinstance(record, Accounted) and record.names.user_name == session.uid


@dataclass
class Truth:
    """An accounting session as it really is."""

    uid: str
    nas: str
    port: int
    mac: str
    number: str
    audit: str
    token: str
    started_at: float
    profile: str
    alive: bool = True
    heard: list[float] = field(default_factory=list)
    """When the rules were told of it (by any of its records, or by its Accept)."""
    accounted: bool = False
    end_told: bool = False


class Table:
    """All rows; found as the rules say, and replaced or added as they say."""

    def __init__(self) -> None:
        self.rows: list[Session] = []

    def take(self, change: Change) -> None:
        if isinstance(change, NasRestarted | Gone):
            for row in list(self.rows):
                self._put(row, change)
            return
        assert isinstance(change, Accounted | Authorized)
        found = tie(change, self.rows) if isinstance(change, Accounted) else again(change, self.rows)
        made = apply(found, change)
        if isinstance(made, Session):
            self._keep(made)

    def _put(self, row: Session, change: Change) -> None:
        made = apply(row, change)
        if isinstance(made, Session):
            self._keep(made)

    def _keep(self, made: Session) -> None:
        if made.id:
            self.rows[made.id - 1] = made
        else:
            self.rows.append(replace(made, id=len(self.rows) + 1))

    def of(self, uid: str) -> list[Session]:
        return [row for row in self.rows if row.names.user_name == uid]


class World:
    """style: which names its NASes give, of ``token``, ``audit``, ``number`` (in the Access-Request, too). behind: how
    slow the clock of each NAS is, seconds; it has been heard of often enough for that to be known."""

    def __init__(self, style: frozenset[str], behind: Mapping[str, float] = MappingProxyType({})) -> None:
        self.style = style
        self.behind = behind
        self.time = T
        """As it really is; all that ``Truth`` says is in it."""
        self.ahead = 0.0
        """Of our clock."""
        self.clocks = Clocks()
        self.table = Table()
        self.truth: list[Truth] = []
        self.told: list[tuple[float, Accounted | NasRestarted]] = []
        self._numbers = dict.fromkeys(NASES, 0)
        self._tokens = 0
        self._waiting: list[tuple[float, int, float, Accounted | NasRestarted]] = []
        self._count = 0
        self._busy()

    @property
    def now(self) -> float:
        """By our clock."""
        return self.time + self.ahead

    # -- what happens ---------------------------------------------------------------------------

    def at(self, nas: str, port: int) -> Truth | None:
        return next((s for s in self.truth if s.alive and (s.nas, s.port) == (nas, port)), None)

    def login(self, nas: str, port: int, mac: str, profile: str, fate: Fate, end: Fate) -> None:
        if old := self.at(nas, port):
            self.stop(old, end)
        self._tokens += 1
        new = self._new(nas, port, mac, f"{self._tokens:032x}", f"audit{self._tokens}", profile)
        self._accept(new)
        self._tell(new, AccountingKind.START, fate)

    def login_again(self, session: Truth, profile: str) -> None:
        self._tokens += 1
        session.profile, session.token = profile, f"{self._tokens:032x}"
        self._accept(session)

    def interim(self, session: Truth, fate: Fate) -> None:
        self._tell(session, AccountingKind.INTERIM, fate)

    def stop(self, session: Truth, fate: Fate) -> None:
        session.alive = False
        self._tell(session, AccountingKind.STOP, fate)

    def roam(self, session: Truth, nas: str, port: int, fate: Fate, end: Fate) -> None:
        if there := self.at(nas, port):
            self.stop(there, end)
        moved = self._new(nas, port, session.mac, session.token, session.audit, session.profile)
        self.stop(session, end)
        # Where it went has to be told: its old place may be given away, and the token with it.
        self._tell(moved, AccountingKind.START, Fate((0, *fate.delays)))

    def reboot(self, nas: str, fate: Fate) -> None:
        for session in self.truth:
            if session.nas == nas:
                session.alive = False
        self._numbers[nas] = 0
        at = self._tick()
        said = at - self.behind.get(nas, 0.0)
        change = NasRestarted(
            nas=nas,
            source=nas,
            nas_identifier="",
            nas_address=ADDRESSES[nas],
            at=at,
            happened_at=at,
            said_at=said,
            record=f"on{at}",
            cause="on",
        )
        self._send(at, change, fate)
        if self.style == {"number"}:
            # It counts from one again, and boots for longer than clocks may be apart: else nobody can tell two sessions
            # of one endpoint from each other.
            self.pass_time(CLOCKS_APART_S + 1)

    def lie(self, session: Truth, kind: AccountingKind, *, behind_one_proxy: bool) -> None:
        """Another NAS of the same client says what it can know of a session: all but the token."""
        names = Names(acct_session_id=session.number, audit_session_id=session.audit, user_name=LIAR)
        there = self._place(session)
        there = replace(there, nas_address="10.9.9.9") if behind_one_proxy else replace(there, source=LIAR)
        at = self._tick()
        self._lie(Accounted(kind=kind, place=there, names=names, at=self.now, happened_at=self.now, record=f"lie {at}"))

    def lie_of_a_boot(self, nas: str, *, behind_one_proxy: bool) -> None:
        source, address = (nas, "10.9.9.9") if behind_one_proxy else (LIAR, ADDRESSES[nas])
        at = self._tick()
        self._lie(
            NasRestarted(
                nas=nas,
                source=source,
                nas_identifier="",
                nas_address=address,
                at=self.now,
                happened_at=self.now,
                record=f"lie {at}",
                cause="lie",
            )
        )

    def _lie(self, change: Accounted | NasRestarted) -> None:
        before = [row for row in self.table.rows if row.names.user_name != LIAR]
        self.table.take(change)
        assert [row for row in self.table.rows if row.names.user_name != LIAR] == before

    def set_clock(self, ahead: float) -> None:
        """Ours, when nothing is under way; every NAS is heard of afterwards."""
        self.pass_time(60)
        self.ahead = ahead
        self._busy()

    def _busy(self) -> None:
        """Other sessions of each NAS account for an hour, in time."""
        for nas in NASES:
            for _ in range(25):
                self.time += 180
                self._ours(nas, self.time - self.behind.get(nas, 0.0))

    def _ours(self, nas: str, said: float) -> float:
        return self.clocks.heard((nas, nas, "", ADDRESSES[nas]), said, self.now)

    def age(self) -> None:
        """All that was not heard of for half an hour is taken to have aged."""
        for row in list(self.table.rows):
            if row.seen_at < self.now - 1800:
                self.table.take(Gone(id=row.id, phase=Phase.AGED, at=self.now, cause="silent"))

    def pass_time(self, seconds: float) -> None:
        until = self.time + seconds
        while self._waiting and self._waiting[0][0] <= until:
            self.time, _, at, record = heapq.heappop(self._waiting)
            for nas in NASES:  # other sessions of it account all the time
                self._ours(nas, self.time - self.behind.get(nas, 0.0))
            self.tell(at, record)
        self.time = until

    def settle(self, within: float) -> None:
        """Whatever is under way arrives; then what is alive says so once more."""
        self.pass_time(within)
        for session in self.truth:
            if session.alive:
                self.interim(session, Fate())
        self.pass_time(1)

    # -- how it is told -------------------------------------------------------------------------

    def tell(self, happened: float, record: Accounted | NasRestarted) -> None:
        """happened: when it really did."""
        nas = record.nas if isinstance(record, NasRestarted) else record.place.nas
        record = replace(record, at=self.now, happened_at=self._ours(nas, record.said_at))
        self.table.take(record)
        self.told.append((happened, record))
        for session in self.truth:
            if isinstance(record, NasRestarted):
                known_before = any(told <= self.time for told in session.heard)
                if session.nas == record.nas and session.started_at < happened and known_before:
                    session.end_told = True
            elif is_about(record, session):
                session.heard.append(self.time)
                session.accounted = True
                session.end_told |= record.kind is AccountingKind.STOP

    def _accept(self, session: Truth) -> None:
        names = Names(
            acct_session_id=session.number if "number" in self.style else "",
            audit_session_id=session.audit if "audit" in self.style else "",
            token=session.token if "token" in self.style else "",
            user_name=session.uid,
        )
        at = self._tick()
        session.heard.append(at)
        self.table.take(
            Authorized(
                place=self._place(session),
                names=names,
                standing=standing(session.profile, self.now),
                grounds=grounds(),
                at=self.now,
            )
        )

    def _tell(self, session: Truth, kind: AccountingKind, fate: Fate) -> None:
        names = Names(
            acct_session_id=session.number,
            audit_session_id=session.audit if "audit" in self.style else "",
            token=session.token if "token" in self.style else "",
            user_name=session.uid,
        )
        at = self._tick()
        if kind is AccountingKind.START:
            session.started_at = at
        record = Accounted(
            kind=kind,
            place=self._place(session),
            names=names,
            at=at,
            happened_at=at,
            said_at=at - self.behind.get(session.nas, 0.0),
            record=f"{session.uid} {kind} {at}",
            session_time_s=int(at - session.started_at),
        )
        self._send(at, record, fate)

    def _send(self, at: float, record: Accounted | NasRestarted, fate: Fate) -> None:
        delays = fate.delays
        if self.style == {"token"} and delays:
            # A new Accept takes the old token away. Without any other name, what comes late then for the first time is
            # a stranger's, and ages; so here only copies come late.
            delays = (0, *delays[1:])
        for delay in delays:
            self._count += 1
            heapq.heappush(self._waiting, (self.time + delay, self._count, at, record))
        self.pass_time(0)

    def _new(self, nas: str, port: int, mac: str, token: str, audit: str, profile: str) -> Truth:
        self._numbers[nas] += 1
        session = Truth(
            uid=f"#{len(self.truth)}",
            nas=nas,
            port=port,
            mac=mac,
            number=f"{self._numbers[nas]}",
            audit=audit,
            token=token,
            started_at=self.time,
            profile=profile,
        )
        self.truth.append(session)
        return session

    def _place(self, session: Truth) -> Place:
        return place(
            session.nas,
            source=session.nas,
            nas_address=ADDRESSES[session.nas],
            port=str(session.port),
            calling_station_id=session.mac,
        )

    def _tick(self) -> float:
        """Things happen one second after the other."""
        self.pass_time(1)
        return self.time
