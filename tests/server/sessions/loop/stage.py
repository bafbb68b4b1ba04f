"""Climbs with everything real around them, and nobody who decides: what is wanted is said by the test."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nacd.server.sessions import settings_of
from nacd.server.sessions.loop.climbing import Climbing, climbing
from nacd.server.sessions.loop.climbs import Climbs
from nacd.server.sessions.targets import Targets
from nacd.sessions import Pending, Session, Standing, Wished
from nacd.store.live.outcome import Applied
from nacd.values import AccessRequest, Effect
from tests.server.sessions.switch import Switch
from tests.server.sessions.wired import Wired, compliance, wired


@dataclass
class Stage:
    house: Wired
    climbs: Climbs

    @property
    def switch(self) -> Switch:
        return self.house.switches["sw"]

    async def session(self, device: int = 1, nas: str = "sw", **how: Any) -> Session:
        self.house.knows(device, "compliant")
        found = (await self.house.login(device, f"A{device}", nas=nas, **how)).session
        assert isinstance(found, Session)
        return found

    def climb(self, session: Session, profile: str = "quarantine", held: str = "") -> Climbing:
        """Not expected yet."""
        pending = Pending(wanted=self.wanted(profile), since=self.house.clock().wall, held=held)
        return climbing(session, pending, self.terms)

    @property
    def terms(self) -> Any:
        return settings_of.terms(self.house.assembled.loaded.settings.sessions, bounce=True)

    def wanted(self, profile: str = "quarantine") -> Standing:
        now = self.house.clock().wall
        return Standing(
            effect=Effect.ALLOW if profile else Effect.DENY,
            rule="a test",
            profile=profile,
            policy_digest="",
            compliance=compliance("noncompliant", now, "bulk"),
            at=now,
        )

    async def begun(self, device: int = 1, profile: str = "quarantine", nas: str = "sw", **how: Any) -> Climbing:
        """It is on the disk, and goes on."""
        each = self.climb(await self.session(device, nas, **how), profile)
        await self.begin(each)
        return each

    async def begin(self, each: Climbing) -> Applied:
        assert self.climbs.expect(each, self.house.clock())
        applied = await self.keep(each)
        self.climbs.begin(each)
        return applied

    async def keep(self, each: Climbing) -> Applied:
        return (await self.house.book.write((self.change(each),)))[0]

    def change(self, each: Climbing) -> Wished:
        return Wished(id=each.session.id, wish=each.pending, at=self.house.clock().wall)

    def refused(self, session: Session) -> None:
        place = session.place
        request = AccessRequest(
            nas=self.house.grounds(1, place.nas).nas,
            source=place.source,
            source_port=1,
            nas_port=place.port,
            nas_port_type=place.port_type,
            calling_station_id=place.calling_station_id,
        )
        self.climbs.refused(request, self.wanted(""))

    async def until(self, what: Callable[[], object], within_s: float = 10.0) -> None:
        deadline = time.monotonic() + within_s
        while not what():
            assert time.monotonic() < deadline, "it did not come about"
            self.climbs.run(self.house.clock())
            await asyncio.sleep(0.005)

    async def later(self, by_s: float = 0.0) -> None:
        """Push time on; whatever wants to happen then, happens."""
        self.house.clock.ahead_s += by_s
        for _ in range(8):
            self.climbs.run(self.house.clock())
            await self.written()
            await asyncio.sleep(0.01)

    async def written(self) -> None:
        """All that was brought to the disk so far is there, and was told."""
        await self.house.book.write((Wished(id=1_000_000, wish=replace(PENDING, wanted=self.wanted()), at=0.0),))


PENDING = Pending(
    wanted=Standing(
        effect=Effect.DENY, rule="", profile="", policy_digest="", compliance=compliance("unknown", 0.0), at=0.0
    ),
    since=0.0,
)


@contextlib.asynccontextmanager
async def stage(folder: Path, *names: str, **how: Any) -> AsyncIterator[Stage]:
    """how: as for ``wired``. The house's own loop is there and never gets a turn."""
    async with wired(folder, *names, **how) as house:
        house.gate.live_sessions = 1000
        climbs = Climbs(
            book=house.book,
            sender=house.sender,
            targets=Targets(house.assembled),
            gate=house.gate,
            telling=house.telling,
            terms=settings_of.terms(house.assembled.loaded.settings.sessions, bounce=True),
            clock=house.clock,
        )
        house.book.listen(climbs.applied)
        yield Stage(house, climbs)
        climbs.close()
