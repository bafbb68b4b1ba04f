"""What was wanted before a restart."""

from __future__ import annotations

from pathlib import Path

from nacd.radius.dynauth.schedule import Timing
from nacd.sessions import Settled
from tests.server.sessions.wired import AT_ONCE, POLICY, configured, play, wired

LOOSE = "sessions: {guard: {down: {max_flips: 1000, max_flip_percent: 100}}}\n"


def test_a_restart_goes_on_where_it_was_and_asks_nobody_twice(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path) as house:
            for device in (1, 2):
                house.knows(device, "compliant")
                await house.login(device, f"A{device}")
            heard = house.switches["sw"].heard
            house.verdict(1, "noncompliant")
            house.verdict(2, "noncompliant")
            await house.until(lambda: len(house.records("session.answered")) == 2)
            await house.login(2, "A2")  # converged
            await house.restart()
            assert house.loop.status(house.clock()).climbs == {"resting": 1}
            await house.quiet()
            assert len(heard) == 2
            house.clock.ahead_s += 31  # what was asked before the restart has had its time to show
            await house.until(lambda: len(heard) == 3)
            assert [each.number for each in heard[2:]] == ["A1"]
            assert len(house.records("session.change_wanted")) == 2

    play(story)


def test_what_waited_for_its_nas_before_a_restart_is_asked_at_once_after_it_and_the_rest_is_not(tmp_path: Path) -> None:
    async def story() -> None:
        patient = Timing(irt_s=5.0, mrt_s=5.0, mrc=5, mrd_s=30.0)
        async with wired(tmp_path, more=LOOSE, timing=patient) as house:
            house.upkeep.live_sessions = house.gate.live_sessions = 1000
            switch = house.switches["sw"]
            switch.answers = lambda _: "silent"
            for device in range(1, AT_ONCE + 6):
                house.knows(device, "compliant")
                await house.login(device, f"A{device}")
                house.verdict(device, "noncompliant")
            await house.until(lambda: len(house.records("session.asked")) == AT_ONCE + 5)
            await house.until(lambda: len(switch.heard) == AT_ONCE)
            await house.restart()
            await house.until(lambda: len(switch.heard) == AT_ONCE + 5)
            await house.quiet()
            assert sorted(each.number for each in switch.heard) == sorted(f"A{n}" for n in range(1, AT_ONCE + 6))

    play(story)


def test_a_hold_survives_a_restart_and_so_does_what_was_let_go(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path, more="sessions: {guard: {down: {max_flips: 2}}}\n") as house:
            house.upkeep.live_sessions = house.gate.live_sessions = 1000
            for device in range(1, 6):
                house.knows(device, "compliant")
                await house.login(device, f"A{device}")
            for device in range(1, 6):
                house.verdict(device, "noncompliant", "bulk")
            await house.until(lambda: len(house.records("session.held")) == 5)
            await house.restart()
            await house.quiet()
            assert house.switches["sw"].heard == []
            assert house.loop.status(house.clock()).held == 5
            house.loop.release("", "anna")
            await house.restart()
            await house.until(lambda: len(house.switches["sw"].heard) == 5)

    play(story)


def test_a_policy_that_was_loaded_since_decides_nobody_again_unless_that_is_wanted(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path) as house:
            house.knows(1, "compliant")
            session = (await house.login(1, "A1")).session
            ports = {name: each.port for name, each in house.switches.items()}
            changed = POLICY.replace("then: corporate", "then: guests")
            await house.restart(configured(tmp_path, ports, policy=changed))
            await house.quiet()
            assert house.session(session.id).wish == Settled()
            await house.restart(configured(tmp_path, ports, "sessions: {policy_changes: reassess}\n", policy=changed))
            await house.until(lambda: house.switches["sw"].heard)
            assert house.session(session.id).wish.wanted.profile == "guests"

    play(story)
