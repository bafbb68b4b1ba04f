"""What was wanted before a restart."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from nacd.radius.dynauth.schedule import Timing
from nacd.session.guard import DISCARDED
from nacd.sessions import Settled
from tests.server.sessions.wired import AT_ONCE, POLICY, Wired, configured, play, wired

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
            await house.until(lambda: len(switch.heard) == AT_ONCE)
            await house.until(lambda: house.loop.status(house.clock()).requests == AT_ONCE + 5)
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


def tight(max_flips: int) -> str:
    return f"sessions: {{guard: {{down: {{max_flips: {max_flips}, max_flip_percent: 100, hold: 1h}}}}}}\n"


async def log_in(house: Wired, devices: int) -> None:
    for device in range(1, devices + 1):
        house.knows(device, "compliant")
        await house.login(device, f"A{device}")
    house.upkeep.live_sessions = house.gate.live_sessions = devices


async def killed(house: Wired) -> None:
    """Nothing that an orderly end would write is on the disk; and it is started again."""
    await house.until(lambda: not house.book.waiting)
    left = house.folder / "left"
    left.mkdir(exist_ok=True)
    names = [each.name for each in house.folder.iterdir() if each.name.startswith(("sessions.sqlite", "guard.json"))]
    for name in names:
        shutil.copy(house.folder / name, left / name)
    await house.close()
    for each in house.folder.glob("sessions.sqlite*"):
        each.unlink()
    (house.folder / "guard.json").unlink()
    for name in names:
        shutil.copy(left / name, house.folder / name)
    house.open()
    await house.loop.start()


@pytest.mark.parametrize("again", [Wired.restart, killed])
def test_what_an_admin_has_discarded_is_not_asked_after_a_restart(
    tmp_path: Path, again: Callable[[Wired], Awaitable[None]]
) -> None:
    async def story() -> None:
        async with wired(tmp_path, more=tight(3)) as house:
            heard = house.switches["sw"].heard
            await log_in(house, 4)
            for device in range(1, 4):
                house.verdict(device, "noncompliant", "bulk")
            await house.until(lambda: len(heard) == 3)
            house.verdict(4, "noncompliant", "bulk")
            await house.until(lambda: len(house.records("session.held")) == 1)
            assert house.loop.discard("down", "anna") == 1
            await again(house)
            await house.quiet()
            assert "A4" not in [each.number for each in heard]
            assert house.session(4).wish.held == DISCARDED

    play(story)


@pytest.mark.parametrize("again", [Wired.restart, killed])
def test_restarts_do_not_let_more_through_than_the_guard_allows(
    tmp_path: Path, again: Callable[[Wired], Awaitable[None]]
) -> None:
    async def story() -> None:
        async with wired(tmp_path, more=tight(5)) as house:
            heard = house.switches["sw"].heard
            await log_in(house, 40)
            for first in (1, 6, 11):
                for device in range(first, first + 5):
                    house.verdict(device, "noncompliant", "bulk")
                await house.until(lambda first=first: len(house.records("session.change_wanted")) == first + 4)
                await house.quiet(0.2)
                await again(house)
            assert {each.number for each in heard} == {f"A{n}" for n in range(1, 6)}
            assert [each["guard"]["limit"] for each in house.records("guard.held")] == [5]

    play(story)


def test_a_hold_ends_when_it_was_to_end_however_often_the_daemon_is_started_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path, more=tight(5)) as house:
            heard = house.switches["sw"].heard
            await log_in(house, 7)
            for device in range(1, 8):
                house.verdict(device, "noncompliant", "bulk")
            await house.until(lambda: len(house.records("session.held")) == 7)
            house.clock.ahead_s += 50 * 60
            await house.restart()
            await house.quiet()
            assert (house.loop.status(house.clock()).guards["down"].held, len(heard)) == (7, 0)
            house.clock.ahead_s += 11 * 60
            await house.restart()
            await house.until(lambda: len(heard) == 7)
            assert [each["guard"]["limit"] for each in house.records("guard.held")] == [5], "told of once, as judged"

    play(story)


@pytest.mark.parametrize("left", [b"", None])
def test_when_the_memory_of_the_guard_is_lost_a_change_waits_and_does_not_pass(
    tmp_path: Path, left: bytes | None
) -> None:
    async def story() -> None:
        async with wired(tmp_path, more=tight(5)) as house:
            heard = house.switches["sw"].heard
            await log_in(house, 7)
            await house.close()
            (tmp_path / "guard.json").unlink()
            if left is not None:
                (tmp_path / "guard.json").write_bytes(left)
            house.open()
            await house.loop.start()
            house.verdict(1, "noncompliant", "bulk")
            await house.until(lambda: len(house.records("session.held")) == 1)
            await house.quiet()
            assert heard == []
            assert house.loop.release("down", "anna") == 1
            await house.until(lambda: len(heard) == 1)

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
