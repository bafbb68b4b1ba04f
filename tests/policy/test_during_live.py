"""Hours end while a session is up: it is decided again by itself, nobody has to log in and Intune says nothing new."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from nacd.sessions import Pending, Settled
from tests.server.sessions.wired import Wired, play, wired

BERLIN = ZoneInfo("Europe/Berlin")
POLICY = """\
time_zone: Europe/Berlin
profiles:
  corporate: {attributes: {Filter-Id: STAFF}}
  evening:   {attributes: {Filter-Id: EVENING}}
rules:
  - name: office hours
    when: {access: dot1x, compliance: compliant, during: {from: "07:00", to: "19:00"}}
    then: corporate
  - {name: outside of them, when: {access: dot1x, compliance: compliant}, then: evening}
"""


def set_clock(house: Wired, hour: int, minute: int) -> None:
    """On to the next time that a clock in Berlin shows this."""
    now = datetime.fromtimestamp(house.clock().wall, BERLIN)
    then = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    then += timedelta(days=then <= now)
    house.clock.ahead_s += then.timestamp() - now.timestamp()


def comes_back(house: Wired) -> list[Any]:
    """Whoever is asked to authenticate again does so."""
    tasks: list[Any] = []
    house.switches["sw"].obeyed = lambda heard: tasks.append(
        asyncio.get_running_loop().create_task(house.login(int(heard.number[1:]), heard.number))
    )
    return tasks


@pytest.mark.slow
def test_a_live_session_changes_when_hours_end_and_when_they_begin(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path, policy=POLICY) as house:
            tasks = comes_back(house)
            set_clock(house, 18, 50)
            house.knows(1, "compliant")
            session = (await house.login(1, "A1")).session
            assert session.standing.profile == "corporate"
            for rounds in (1, 2):  # they go by within the hours
                await house.until(lambda rounds=rounds: house.loop.status(house.clock()).rounds == rounds)  # type: ignore[misc]
                house.clock.ahead_s += 61
            await house.quiet()
            assert house.switches["sw"].heard == []
            for hour, profile in ((19, "evening"), (7, "corporate")):
                set_clock(house, hour, 1)
                await house.until(lambda profile=profile: house.session(session.id).standing.profile == profile)  # type: ignore[misc]
                await house.until(lambda: house.session(session.id).wish == Settled())
            wanted = house.records("session.change_wanted")
            assert [each["change"]["trigger"] for each in wanted] == ["round", "round"]
            assert "07:01` in Europe/Berlin" in wanted[1]["why"]
            assert len(house.switches["sw"].heard) == len(tasks) == 2

    play(story)


@pytest.mark.slow
def test_hours_that_end_for_many_at_once_pass_the_guard_like_everything_else(tmp_path: Path) -> None:
    """What stands on a live answer goes; the others wait for theirs, which the next poll of each brings."""

    async def story() -> None:
        async with wired(tmp_path, policy=POLICY) as house:
            comes_back(house)
            set_clock(house, 18, 57)
            sessions = []
            for device in range(1, 11):
                house.knows(device, "compliant")
                sessions.append((await house.login(device, f"A{device}")).session.id)
            set_clock(house, 19, 1)
            await house.until(lambda: all(isinstance(house.session(each).wish, Pending) for each in sessions))
            assert house.loop.status(house.clock()).held == 10
            assert house.switches["sw"].heard == []
            house.verdict(3, "compliant")
            await house.until(lambda: house.session(sessions[2]).standing.profile == "evening")
            await house.quiet()
            assert [each.number for each in house.switches["sw"].heard] == ["A3"]

    play(story)
