"""The upkeep of sessions with a real database and a real audit file, and a time that goes on when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

from nacd.audit.repeats import Repeats
from nacd.server.drops import Drops
from nacd.server.metrics.tally import Tally
from nacd.server.recorder import Recorder
from nacd.server.sessions.book import Book
from nacd.server.sessions.loop.telling import Telling
from nacd.server.sessions.upkeep import Upkeep
from nacd.session.ageing import Patience
from nacd.session.overrides import Orders, Override, OverrideEffect, SubjectKind
from nacd.session.table import apply
from nacd.session.tie import tie
from nacd.sessions import Names, Session, Settled, Wished
from nacd.store.sessions import SessionStore
from nacd.store.trail.log import AuditLog
from nacd.values import Instant
from tests.records import told
from tests.session.making import T, authorized, interim, place, start

SILENT_S = 3_600.0
KEEP_S = 7 * 86_400.0
DAY_S = 86_400.0


class Clock:
    """Goes on only when it is told to."""

    def __init__(self) -> None:
        self.now = Instant(wall=T, monotonic=50_000.0)

    def __call__(self) -> Instant:
        return self.now

    def pass_s(self, seconds: float) -> Instant:
        self.now = Instant(wall=self.now.wall + seconds, monotonic=self.now.monotonic + seconds)
        return self.now

    def is_set_to(self, wall: float) -> Instant:
        """Somebody sets it: no time has passed."""
        self.now = replace(self.now, wall=wall)
        return self.now


class Kept:
    """The upkeep with a real database and a real audit file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / "state").exists():
            (folder / "state").mkdir()
        self.clock = Clock()
        self.store = SessionStore(
            folder / "state" / "sessions.sqlite",
            apply=apply,
            tie=tie,
            report=lambda _: None,
            wall=lambda: self.clock.now.wall,
        )
        self.recorder = Recorder(
            log=AuditLog(folder / "audit.jsonl"),
            repeats=Repeats(),
            drops=Drops(),
            continue_when_full=True,
            warn_at_percent=100,
        )
        self.book = Book(self.store, self.clock)
        self.orders = Orders()
        self.upkeep = self.made()

    def made(self) -> Upkeep:
        """One that begins now."""
        return Upkeep(
            book=self.book,
            telling=Telling(self.recorder, Tally()),
            orders=self.orders,
            patience=Patience(silent_s=SILENT_S),
            keep_s=KEEP_S,
            clock=self.clock,
        )

    async def login(
        self, number: int, nas: str = "switch", ends_at: float = 0.0, device: str = "", **where: str
    ) -> Session:
        """device: key of the question about it, of the tenant of the tests. where: more of its place."""
        station = f"02-00-00-00-{number // 256:02X}-{number:02X}"
        made = authorized(
            self.clock.now.wall,
            place=place(**{"nas": nas, "port": str(number), "calling_station_id": station, **where}),
            names=Names(acct_session_id=str(number), token=f"{number:032x}"),
            ends_at=ends_at,
        )
        change = replace(made, grounds=replace(made.grounds, tenant="contoso", key=device))
        (outcome,) = await self.book.write([change])
        assert isinstance(outcome.session, Session)
        return outcome.session

    async def begins(self, session: Session) -> None:
        """Its Start comes."""
        now = self.clock.now.wall
        names = Names(acct_session_id=session.names.acct_session_id)
        await self.book.write([start(now, place=session.place, names=names, record=f"{session.id} start")])

    async def speaks(self, session: Session) -> Session:
        """An Interim of it comes, and is heard."""
        now = self.clock.now.wall
        names = Names(acct_session_id=session.names.acct_session_id)
        change = interim(now, place=session.place, names=names, record=f"{session.id} {now}")
        (outcome,) = await self.book.write([change])
        assert isinstance(outcome.session, Session)
        self.upkeep.heard(outcome.session)
        return outcome.session

    async def look(self) -> list[int]:
        """At all that count as present; the numbers of those that still do."""
        here = self.upkeep.present(self.present(), self.clock.now)
        await self.all_told()
        return [each.id for each in here]

    async def all_told(self) -> None:
        """Whatever was written before is on the disk, and everybody has heard of it."""
        await self.book.write([Wished(id=1_000_000, wish=Settled(), at=self.clock.now.wall)])

    def present(self) -> tuple[Session, ...]:
        return tuple(each for nas in ("switch", "other") for each in self.store.by_nas(nas))

    def session(self, id: int) -> Session:
        found = self.store.session(id)
        assert isinstance(found, Session)
        return found

    async def turn(self) -> None:
        """Whatever is due, until it is done."""
        await self.upkeep.turn(self.clock.now)
        if self.upkeep._forgetting is not None:
            await self.upkeep._forgetting

    async def ordered(self, until_s: float = 0.0, effect: str = "quarantine") -> Override:
        at = self.clock.now.wall
        wanted = Override(
            id=0,
            subject_kind=SubjectKind.MAC,
            subject="02-00-00-00-00-01",
            tenant="",
            effect=OverrideEffect(effect),
            profile="" if effect == "block" else "fix",
            reason="a test",
            by="anna",
            at=at,
            until=at + until_s if until_s else 0.0,
        )
        kept = await self.book.read(lambda store: store.put_override(wanted))
        assert isinstance(kept, Override)
        self.orders.put(kept)
        return kept

    def records(self) -> list[dict[str, Any]]:
        return told((self.folder / "audit.jsonl").read_text())

    def ran_out(self) -> list[int]:
        return [each.id for each in self.upkeep.ran_out(self.clock.now)]


def play(folder: Path, story: Callable[[Kept], Coroutine[Any, Any, None]]) -> None:
    async def all_of_it() -> None:
        kept = Kept(folder)
        try:
            async with asyncio.timeout(30):
                await story(kept)
        finally:
            await kept.upkeep.close()
            kept.book.close()
            kept.store.close()
            kept.recorder.close(kept.clock.now)

    asyncio.run(all_of_it())
