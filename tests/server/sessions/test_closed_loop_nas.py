"""NASes that are silent, dead, forgetful, mute, or many."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from nacd.radius.dynauth.schedule import Timing
from nacd.sessions import Pending, Phase
from tests.server.sessions.wired import AT_ONCE, Wired, configured, play, wired

PATIENT = Timing(irt_s=1.0, mrt_s=2.0, mrc=20, mrd_s=40.0)
LOOSE = "sessions: {guard: {down: {max_flips: 1000, max_flip_percent: 100}}}\n"


def test_the_nas_that_knows_of_no_such_session_ends_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path) as house:
            house.switches["sw"].answers = lambda _: 503
            house.knows(1, "compliant")
            session = (await house.login(1, "A1")).session
            house.verdict(1, "noncompliant")
            await house.until(lambda: house.records("session.converged"))
            now = house.session(session.id)
            assert now.phase is Phase.ENDED
            assert "no such session" in now.cause
            assert len(house.records("session.ended")) == 1

    play(story)


def test_a_nas_that_knows_of_no_such_session_is_not_believed_about_one_that_has_spoken_since(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path) as house:
            switch = house.switches["sw"]
            switch.answers = lambda _: "silent"
            house.knows(1, "compliant")
            session = (await house.login(1, "A1")).session
            await house.account(1, "A1", "start")
            house.verdict(1, "noncompliant")
            await house.until(lambda: switch.heard)
            house.clock.ahead_s += 1
            await house.account(1, "A1", "interim")
            switch.answers = lambda _: 503
            await house.until(lambda: house.records("session.answered"))
            await house.quiet(0.1)
            assert house.session(session.id).phase is Phase.LIVE
            house.clock.ahead_s += 31
            await house.until(lambda: house.records("session.converged"))
            assert house.session(session.id).phase is Phase.ENDED

    play(story)


def test_what_is_recorded_as_asked_has_left(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path, more=LOOSE, timing=PATIENT) as house:
            house.upkeep.live_sessions = house.gate.live_sessions = 1000
            house.switches["sw"].answers = lambda _: "silent"
            for device in range(1, AT_ONCE + 6):
                house.knows(device, "compliant")
                await house.login(device, f"A{device}")
                house.verdict(device, "noncompliant")
            await house.until(lambda: house.loop.status(house.clock()).requests == AT_ONCE + 5)
            await house.until(lambda: len({each.number for each in house.switches["sw"].heard}) == AT_ONCE)
            assert len(house.records("session.asked")) == AT_ONCE == house.tally.requests["reauthenticate"]

    play(story)


def test_a_rebooted_nas_is_asked_whether_it_has_the_session_that_is_to_change(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path) as house:
            house.knows(1, "compliant")
            await house.login(1, "A1")
            house.verdict(1, "noncompliant")
            await house.until(lambda: house.records("session.answered"))
            house.clock.ahead_s += 2
            house.switches["sw"].answers = lambda _: 503
            await house.rebooted()
            house.clock.ahead_s += 200
            await house.until(lambda: house.records("session.converged"))
            assert house.loop.status(house.clock()).climbs == {}

    play(story)


def test_without_dynauth_the_wish_waits_for_the_next_login_and_that_is_said_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path, mute=("sw",)) as house:
            house.upkeep.live_sessions = house.gate.live_sessions = 1000
            ids = []
            for device in (1, 2):
                house.knows(device, "compliant")
                ids.append((await house.login(device, f"A{device}")).session.id)
                house.verdict(device, "noncompliant")
            await house.until(lambda: len(house.records("session.change_wanted")) == 2)
            house.clock.ahead_s += 3600
            await house.quiet()
            assert house.switches["sw"].heard == []
            assert len(house.records("session.held")) == 1
            assert "`dynauth` is not configured" in house.session(ids[0]).wish.held
            await house.login(1, "A1")
            await house.until(lambda: house.records("session.converged"))
            assert house.session(ids[0]).standing.profile == "quarantine"
            assert isinstance(house.session(ids[1]).wish, Pending)

    play(story)


def test_a_nas_that_can_be_asked_since_a_reload_is_asked_for_what_waits(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path, mute=("sw",)) as house:
            house.upkeep.live_sessions = house.gate.live_sessions = 1000
            house.knows(1, "compliant")
            await house.login(1, "A1")
            house.verdict(1, "noncompliant")
            await house.until(lambda: house.records("session.held"))
            await house.quiet()
            house.targets.renew(configured(tmp_path, {"sw": house.switches["sw"].port}))
            house.loop.ask_about_held()
            await house.until(lambda: house.switches["sw"].heard)

    play(story)


def test_one_nas_that_never_answers_delays_no_other(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path, "sw", "dead", timing=PATIENT, more=LOOSE) as house:
            house.upkeep.live_sessions = house.gate.live_sessions = 1000
            house.switches["dead"].answers = lambda _: "silent"
            for device in range(1, 101):
                house.knows(device, "compliant")
                await house.login(device, f"A{device}", nas="dead")
            house.knows(101, "compliant")
            await house.login(101, "A101")
            for device in range(1, 102):
                house.verdict(device, "noncompliant")
            await house.until(lambda: house.records("session.answered"), within_s=2.0)
            assert [each.number for each in house.switches["sw"].heard] == ["A101"]

    play(story)


def test_what_has_converged_is_not_repeated_to_a_nas_that_is_silent(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path, timing=Timing(irt_s=0.3, mrt_s=0.3, mrc=10, mrd_s=5.0)) as house:
            switch = house.switches["sw"]
            switch.answers = lambda _: "silent"
            house.knows(1, "compliant")
            await house.login(1, "A1")
            house.verdict(1, "noncompliant")
            await house.until(lambda: switch.heard)
            await house.login(1, "A1")
            before = switch.datagrams
            await house.quiet(0.8)
            assert switch.datagrams == before
            assert house.names().count("session.converged") == 1

    play(story)


def test_a_thousand_sessions_on_twenty_nases_all_change_once_they_are_let_go(tmp_path: Path) -> None:
    async def story() -> None:
        names = [f"sw{number}" for number in range(20)]
        guarded = "sessions: {guard: {down: {max_flips: 10}}}\n"
        async with wired(tmp_path, *names, more=guarded, timing=PATIENT) as house:
            house.upkeep.live_sessions = house.gate.live_sessions = 1000
            for switch in house.switches.values():
                switch.obeyed = back_in(house, switch.name)
            for device in range(1, 1001):
                house.knows(device, "compliant")
            await asyncio.gather(
                *(house.login(device, f"A{device}", nas=names[device % 20]) for device in range(1, 1001))
            )
            for device in range(1, 1001):
                house.verdict(device, "noncompliant", "bulk")
            await house.until(lambda: house.loop.status(house.clock()).held == 1000)
            house.loop.release("down", "anna")
            await house.until(lambda: house.tally.changes >= 1000, within_s=50)
            await house.quiet()
            assert house.tally.changes == len(house.records("session.asked")) == 1000
            assert house.loop.status(house.clock()).climbs == {}
            assert house.loop.status(house.clock()).guards["down"].holding_until == 0.0

    play(story)


def back_in(house: Wired, nas: str) -> Any:
    tasks: list[Any] = []

    def obeyed(heard: Any) -> None:
        login = house.login(int(heard.number[1:]), heard.number, nas=nas)
        tasks.append(asyncio.get_running_loop().create_task(login))

    return obeyed
