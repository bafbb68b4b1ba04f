"""Whatever happens, in whatever order: every session is under the decision that the last verdict wants, or it is known
to be on its way there; nobody is asked about one that is, and what the record says of each is one story.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nacd.session.table import is_same_decision
from nacd.sessions import Outcome, Pending, Phase, Session, Settled, Standing
from tests.server.sessions.switch import Heard
from tests.server.sessions.wired import Wired, guid, play, wired

DEVICES = (1, 2, 3, 4)
BAD = 1
"""This one is noncompliant in the end."""
STATES = ("compliant", "noncompliant", "not_managed", "in_grace")
CAUSES = (201, 202, 401, 402, 403, 404, 405, 406, 407, 501, 502, 503, 504, 505, 506, 507, 508)
LOOSE = "{max_flips: 1000, max_flip_percent: 100, window: 1m, hold: 1m}"
MORE = f"sessions: {{guard: {{down: {LOOSE}, up: {LOOSE}}}}}\n"


@dataclass
class World:
    """What is true at the NAS: device -> Acct-Session-Id."""

    house: Wired
    chance: random.Random
    there: dict[int, str] = field(default_factory=dict)
    numbers: int = 0
    mode: Any = "ack"
    obeys: bool = True
    asked_while_settled: list[str] = field(default_factory=list)
    known: dict[int, Session] = field(default_factory=dict)
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def new_number(self) -> str:
        self.numbers += 1
        return f"A{self.numbers}"

    async def begin(self, device: int, number: str) -> None:
        self.there[device] = number
        applied = await self.house.login(device, number)
        if not isinstance(applied.session, Session):
            self.there.pop(device, None)  # it was refused

    def obey(self, heard: Heard) -> None:
        device = next((each for each, number in self.there.items() if number == heard.number), 0)
        if not device or not self.obeys:
            return
        disconnect = heard.code == 40 or heard.bounces

        async def again() -> None:
            if disconnect:
                if self.chance.random() < 0.7:
                    await self.house.account(device, heard.number, "stop")
                self.there.pop(device, None)
                await self.begin(device, self.new_number())
            else:
                await self.begin(device, heard.number)

        task = asyncio.get_running_loop().create_task(again())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def watch(self) -> None:
        """Note who is asked about though nothing is wanted of it, as far as the loop can know."""
        house, ask = self.house, self.house.sender.ask

        def watched(*words: Any) -> asyncio.Future[Outcome]:
            session = self.known.get(int(words[4]))
            if session is not None and isinstance(session.wish, Settled):
                self.asked_while_settled.append(f"{session.id} {session.standing}")
            return ask(*words)

        house.sender.ask = watched  # type: ignore[method-assign]
        house.book.listen(self.listen)

    def listen(self, _change: Any, applied: Any) -> None:
        if isinstance(applied.session, Session):
            self.known[applied.session.id] = applied.session

    async def one_thing(self) -> None:
        house, chance = self.house, self.chance
        device = chance.choice(DEVICES)
        what = chance.randrange(10)
        if what < 3:
            house.verdict(device, chance.choice(STATES), chance.choice(("live", "bulk")))
        elif what == 3:
            self.mode = chance.choice(("ack", "ack", "silent", chance.choice(CAUSES)))
            self.obeys = chance.random() < 0.6
        elif what == 4:
            await self.begin(device, self.there.get(device) or self.new_number())
        elif what == 5 and device in self.there:
            await house.account(device, self.there.pop(device), "stop")
        elif what == 6 and device in self.there:
            await house.account(device, self.there[device], chance.choice(("start", "interim")))
        elif what == 7:
            await house.restart()
            house.upkeep.live_sessions = 1000
            self.watch()
        elif what == 8 and chance.random() < 0.3:
            self.there.clear()
            await house.rebooted()
        else:
            house.clock.ahead_s += chance.choice((0.5, 5, 31, 95, 700))
        for _ in range(chance.randrange(4)):
            house.loop.tick(house.clock())
            await asyncio.sleep(0.005)

    def astray(self) -> list[str]:
        """Sessions that are neither where they belong nor on their way."""
        found = []
        for session in self.sessions():
            wanted = self.house.standing(self.house.grounds(self.device(session)))
            wish = session.wish
            right = is_same_decision(session.standing, wanted) and isinstance(wish, Settled)
            if not right and not (isinstance(wish, Pending) and is_same_decision(wish.wanted, wanted)):
                found.append(f"{session.id}: {session.standing} {wish} but {wanted}")
        return found

    def sessions(self) -> list[Session]:
        found = (self.house.store.session(id) for id in range(1, self.numbers + 100))
        return [
            each
            for each in found
            if isinstance(each, Session) and each.phase in (Phase.AUTHORIZED, Phase.LIVE)
            if isinstance(each.standing, Standing)
        ]

    @staticmethod
    def device(session: Session) -> int:
        return next(each for each in DEVICES if f"guid:{guid(each)}" == getattr(session.grounds, "key", ""))


def contradictions(records: list[dict[str, Any]]) -> list[str]:
    """What the record says that cannot be: of one session, each step has its reason before it, and each end is one."""
    wanted: dict[int, Any] = {}
    found = []
    for each in records:
        id, event = each.get("nacd_session", 0), each["event"]
        standing, goal = decision(each.get("standing")), decision(each.get("wanted"))
        if event == "session.change_wanted":
            wrong = goal in (standing, wanted.get(id))
            wanted[id] = goal
        elif event == "session.asked":
            wrong = wanted.get(id) != goal or standing == goal
        elif event == "session.converged":
            is_there = standing == goal or each["session"]["phase"] == "ended"
            wrong = wanted.pop(id, None) is None or not is_there
        elif event == "session.withdrawn":
            wrong = wanted.pop(id, None) != goal
        else:
            wrong = False
        if wrong:
            found.append(f"{each['time']} {event} {id}: {each['why']}")
    return found


def decision(standing: Any) -> Any:
    return (standing["effect"], standing["profile"]) if standing else None


@pytest.mark.parametrize("seed", range(8))
def test_every_session_is_where_it_belongs_or_on_its_way_there(tmp_path: Path, seed: int) -> None:
    async def story() -> None:
        async with wired(tmp_path, more=MORE) as house:
            house.upkeep.live_sessions = 1000
            world = World(house=house, chance=random.Random(seed))
            switch = house.switches["sw"]
            switch.answers = lambda _: world.mode
            switch.obeyed = world.obey
            world.watch()
            for device in DEVICES:
                house.knows(device, "compliant")
                await world.begin(device, world.new_number())
            for _ in range(60):
                await world.one_thing()
            await house.quiet(0.1)
            await house.until(lambda: not world.astray())

            world.mode, world.obeys = "ack", True
            house.verdict(BAD, "noncompliant")
            if not any(world.device(each) == BAD for each in world.sessions()):
                await world.begin(BAD, world.new_number())
            for _ in range(60):
                house.clock.ahead_s += 50
                await house.quiet(0.03)
                for session in world.sessions():  # what is not at the NAS, it does not know
                    device = world.device(session)
                    if session.names.acct_session_id not in world.there.values():
                        await house.account(device, session.names.acct_session_id, "stop")
                if not any(isinstance(each.wish, Pending) for each in world.sessions()):
                    break
            assert not [each for each in world.sessions() if isinstance(each.wish, Pending)], house.names()
            assert world.astray() == []
            bad = [each for each in world.sessions() if world.device(each) == BAD]
            assert {each.standing.profile for each in bad} == {"quarantine"}, house.names()
            assert world.there[BAD] in {each.names.acct_session_id for each in bad}

            before = switch.datagrams
            for _ in range(5):
                house.clock.ahead_s += 601
                await house.quiet(0.03)
            assert switch.datagrams == before
            assert world.asked_while_settled == []
            assert contradictions(house.records()) == []
            assert house.loop.status(house.clock()).climbs == {}

    play(story)
