"""A daemon as far as people need one: a real database, the real book and index, a real socket, and a loop that only
notes what it was told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from nacd.compliance.question import Question
from nacd.server import control
from nacd.server.control import Control
from nacd.server.dac.lanes import LaneStatus
from nacd.server.people.roles import Roles
from nacd.server.sessions.book import Book
from nacd.server.sessions.orders import orders, recorded
from nacd.session.guard import Count
from nacd.session.overrides import Orders, Override, OverrideEffect
from nacd.session.table import apply
from nacd.session.tie import tie
from nacd.sessions import Change, Meaning, Outcome, Session, Verb
from nacd.store.sessions import SessionStore
from nacd.values import AuditEvent, Compliance, ComplianceSource, ComplianceState, Instant
from tests.store.live.stage import NOW

PROFILES = ("corporate", "quarantine", "guests")


@dataclass(frozen=True, kw_only=True)
class Status:
    climbs: dict[str, int]
    held: int
    guards: dict[str, Count]
    lanes: tuple[LaneStatus, ...]
    queued: int = 0
    requests: int = 2
    problem: str = ""


class Loop:
    """Notes what it was told. meaning: how NASes answer."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.meaning = Meaning.ACKNOWLEDGED
        self.gate: asyncio.Event | None = None

    def overridden(self, override: Override) -> None:
        self.told.append(("overridden", override.id, bool(override.lifted_at)))

    async def reassess(self, sessions: Sequence[Session], why: str) -> tuple[tuple[int, str], ...]:
        self.told.append(("reassess", [each.id for each in sessions], why))
        return tuple((each.id, "nothing changes") for each in sessions)

    async def by_hand(self, session: Session, verb: Verb, by: str) -> Outcome:
        self.told.append(("by_hand", session.id, verb, by))
        if self.gate is not None:
            await self.gate.wait()
        return Outcome(meaning=self.meaning, detail="so be it", took_s=0.25)

    def release(self, direction: str, by: str) -> int:
        self.told.append(("release", direction, by))
        return 7

    def discard(self, direction: str, by: str) -> int:
        self.told.append(("discard", direction, by))
        return 3

    def status(self, now: Instant) -> Status:
        guards = {
            "down": Count(passed=50, limit=50, held=7, holding_until=now.monotonic + 2400.0),
            "up": Count(passed=1, limit=200, held=0, holding_until=0.0),
        }
        lanes = (
            LaneStatus(nas="sw-1", host="192.0.2.1", port=1700, waiting=2, in_flight=8, unanswered=3),
            LaneStatus(nas="sw-2", host="192.0.2.2", port=1700, waiting=0, in_flight=0, unanswered=0),
        )
        return Status(climbs={"waiting": 2, "asked": 1}, held=7, guards=guards, lanes=lanes)


class Intune:
    """One tenant, asked for real by nobody."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.state = ComplianceState.NONCOMPLIANT

    async def refresh(self, question: Question, wait_s: float) -> Compliance:
        self.asked.append(question.key)
        return Compliance(state=self.state, as_of=NOW + 50.0, source=ComplianceSource.LIVE, detail="as told")


class Stage:
    """Everything, on the loop that makes it."""

    def __init__(self, folder: Path, roles: Roles | None = None) -> None:
        self.folder = folder
        self.now = Instant(wall=NOW + 100.0, monotonic=100.0)
        self.store = SessionStore(folder / "sessions.sqlite", apply=apply, tie=tie, report=print, wall=lambda: NOW)
        self.book = Book(self.store, self.clock)
        self.loop = Loop()
        self.orders = Orders()
        self.intune = Intune()
        self.events: list[AuditEvent] = []
        self.commands = orders(
            self,
            tenants={"campus": self.intune},
            profiles=PROFILES,
            defaults={OverrideEffect.QUARANTINE: "quarantine"},
            record=self.events.append,
            clock=self.clock,
        )
        self.control = Control(
            folder, self.commands, roles=roles or Roles(), audit=recorded(self.events.append, self.clock)
        )

    def clock(self) -> Instant:
        return self.now

    @property
    def path(self) -> Path:
        return self.folder / control.SOCKET_NAME

    async def write(self, *changes: Change) -> tuple[int, ...]:
        """Numbers of the sessions that the changes were about."""
        applied = await self.book.write(changes)
        assert all(each.stored for each in applied), applied
        return tuple(each.session.id for each in applied if isinstance(each.session, Session))

    async def give(self, order: str, **fields: Any) -> Any:
        """All lines of the answer, the last one last."""
        reader, writer = await asyncio.open_unix_connection(str(self.path))
        try:
            writer.write(orjson.dumps({"order": order, **fields}) + b"\n")
            octets = await asyncio.wait_for(reader.read(), 10)
        finally:
            writer.close()
        return [orjson.loads(line) for line in octets.splitlines()]

    async def answer(self, order: str, **fields: Any) -> Any:
        """The answer itself."""
        last = (await self.give(order, **fields))[-1]
        assert "answer" in last, last
        return last["answer"]

    async def refusal(self, order: str, **fields: Any) -> tuple[str, str]:
        """Kind and words of the refusal."""
        last = (await self.give(order, **fields))[-1]
        assert "error" in last, last
        return last["kind"], last["error"]

    def codes(self) -> list[str]:
        return [str(event.fields["event"]) for event in self.events]


def within(folder: Path, story: Callable[[Stage], Awaitable[None]], roles: Roles | None = None) -> None:
    """Tell a story on a stage of its own."""

    async def told() -> None:
        stage = Stage(folder, roles)
        await stage.control.open()
        try:
            await story(stage)
        finally:
            await stage.control.close()
            stage.book.close()
            stage.store.close()

    asyncio.run(told())
