"""What a guard, a window or a person keeps from happening, or has happen at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from nacd.session.guard import NO_INTUNE
from nacd.session.overrides import Override, OverrideEffect, SubjectKind
from nacd.sessions import Authorized, Names, Settled
from nacd.values import CertificateFacts
from tests.server.sessions.wired import POLICY, TENANT, guid, play, wired


def order(effect: str, device: int, now: float, id: int = 1, **more: Any) -> Override:
    return Override(
        id=id,
        subject_kind=SubjectKind.DEVICE,
        subject=guid(device),
        tenant="",
        effect=OverrideEffect(effect),
        profile="" if effect == "block" else "guests",
        reason="a test",
        by="anna",
        at=now,
        **more,
    )


def test_an_order_is_in_force_at_once_past_guard_and_window_and_so_is_its_end(tmp_path: Path) -> None:
    async def story() -> None:
        minute = "{days: [mon], from: '00:00', to: '00:01'}"
        more = f"sessions: {{windows: {{down: {minute}, up: {minute}}}}}\n"
        async with wired(tmp_path, more=more) as house:
            house.clock.ahead_s += (3.5 * 86_400 - house.clock().wall) % (7 * 86_400)  # far from its minute
            house.knows(1, "compliant")
            session = (await house.login(1, "A1")).session
            now = house.clock().wall
            put = order("quarantine", 1, now, until=now + 3600)
            house.orders.put(put)
            house.loop.overridden(put)
            await house.until(lambda: house.records("session.answered"))
            assert house.session(session.id).wish.wanted.profile == "guests"
            # It runs out: what it has is right again.
            house.clock.ahead_s += 3601
            await house.until(lambda: house.session(session.id).wish == Settled())
            asked = len(house.switches["sw"].heard)
            await house.quiet()
            assert len(house.switches["sw"].heard) == asked

    play(story)


def test_what_the_guard_holds_happens_when_it_is_let_go_and_all_of_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path, more="sessions: {guard: {down: {max_flips: 5, confirmed_per_s: 1}}}\n") as house:
            house.upkeep.live_sessions = house.gate.live_sessions = 1000
            for device in range(1, 41):
                house.knows(device, "compliant")
                await house.login(device, f"A{device}")
            for device in range(1, 41):
                house.verdict(device, "noncompliant", "bulk")
            await house.until(lambda: len(house.records("session.held")) == 40)
            await house.quiet()
            assert house.switches["sw"].heard == []
            assert [each["guard"]["held"] for each in house.records("guard.held")] == [40]
            status = house.loop.status(house.clock())
            assert (status.held, status.guards["down"].held, status.guards["up"].held) == (40, 40, 0)
            assert house.loop.release("down", "anna") == 40
            await house.until(lambda: len(house.records("session.answered")) == 40)
            assert house.loop.status(house.clock()).held == 0
            assert house.records("guard.released")[0]["by"] == "anna"

    play(story)


def test_what_an_admin_discards_does_not_happen_unless_intune_says_it_of_that_device(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path, more="sessions: {guard: {down: {max_flips: 2}}}\n") as house:
            house.upkeep.live_sessions = house.gate.live_sessions = 1000
            for device in range(1, 6):
                house.knows(device, "compliant")
                await house.login(device, f"A{device}")
            for device in range(1, 6):
                house.verdict(device, "noncompliant", "bulk")
            await house.until(lambda: len(house.records("session.held")) == 5)
            assert house.loop.discard("down", "anna") == 5
            await house.quiet()
            assert house.switches["sw"].heard == []
            house.verdict(3, "noncompliant", "live")
            await house.until(lambda: house.switches["sw"].heard)
            await house.quiet()
            assert [each.number for each in house.switches["sw"].heard] == ["A3"]

    play(story)


def test_what_is_let_go_just_when_its_turn_has_come_goes(tmp_path: Path) -> None:
    async def story() -> None:
        more = "sessions: {guard: {down: {max_flips: 1, max_flip_percent: 100, confirmed_per_s: 1}}}\n"
        async with wired(tmp_path, more=more) as house:
            for device in range(1, 9):
                house.knows(device, "compliant")
                await house.login(device, f"A{device}")
            for device in range(1, 9):
                house.verdict(device, "noncompliant")
            await house.until(lambda: len(house.records("session.held")) == 8)
            house.clock.ahead_s += 60
            count = house.loop.release("down", "anna")
            await house.until(lambda: len(house.switches["sw"].heard) == 8)
            assert [each["guard"]["held"] for each in house.records("guard.released")] == [count]
            assert len(house.records("guard.held")) == 1, "and is not held again"

    play(story)


def test_what_waits_for_intune_is_counted_released_and_discarded(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path, more="sessions: {guard: {down: {max_flip_percent: 100}}}\n") as house:
            heard = house.switches["sw"].heard
            for device in range(1, 5):
                house.knows(device, "compliant")
                await house.login(device, f"A{device}")
            house.memory.troubled.add(TENANT)
            for device in range(1, 4):
                house.verdict(device, "noncompliant", "bulk")
            await house.until(lambda: len(house.records("session.held")) == 3)
            guard = house.loop.status(house.clock()).guards["down"]
            assert (guard.held, guard.for_intune, guard.holding_until) == (3, 3, 0.0)
            assert house.loop.release("down", "anna") == 3
            await house.until(lambda: len(heard) == 3)
            house.verdict(4, "noncompliant", "bulk")
            await house.until(lambda: len(house.records("session.held")) == 4)
            assert house.loop.discard("down", "anna") == 1
            house.memory.troubled.clear()
            house.clock.ahead_s += 301  # when it would be asked about again
            await house.quiet()
            assert house.loop.status(house.clock()).guards["down"].held == 0
            assert "A4" not in [each.number for each in heard]

    play(story)


def test_what_needs_no_word_of_intune_passes_while_it_is_away(tmp_path: Path) -> None:
    async def story() -> None:
        policy = POLICY.replace("in_grace]}", "in_grace], compliance_source: [live, cache]}")
        more = "sessions: {guard: {down: {max_flip_percent: 100}}}\n"
        async with wired(tmp_path, more=more, policy=policy) as house:
            now = house.clock().wall
            ends = CertificateFacts(
                subject="CN=laptop",
                issuer="CN=ca",
                serial="01",
                fingerprint="ab",
                not_before=now - 9,
                not_after=now + 99,
            )
            for device in (1, 2):
                house.knows(device, "compliant")
                grounds = replace(
                    house.grounds(device), certificate=ends, key="" if device == 1 else house.grounds(2).key
                )
                await house.book.write(
                    (
                        Authorized(
                            place=house.place(device),
                            names=Names(acct_session_id=f"A{device}"),
                            standing=house.standing(house.grounds(device)),
                            grounds=grounds,
                            at=now,
                        ),
                    )
                )
            house.knows(3, "compliant")
            await house.login(3, "A3")
            house.upkeep.live_sessions = house.gate.live_sessions = 3
            house.memory.troubled.add(TENANT)
            house.knows(2, "compliant", "stale")
            house.clock.ahead_s += 100
            await house.until(lambda: len(house.switches["sw"].heard) == 2)
            assert {house.session(id).wish.wanted.rule for id in (1, 2)} == {"certificate-expired"}
            # Its verdict has grown old, which is a matter of Intune's.
            house.verdict(3, "compliant", "stale")
            await house.until(lambda: house.records("session.held"))
            assert house.session(3).wish.held == NO_INTUNE
            assert len(house.switches["sw"].heard) == 2

    play(story)


def test_a_closed_window_keeps_a_change_until_it_opens(tmp_path: Path) -> None:
    async def story() -> None:
        more = "sessions: {windows: {down: {days: [mon], from: '00:00', to: '01:00'}}}\n"
        async with wired(tmp_path, more=more) as house:
            week = 7 * 86_400
            house.clock.ahead_s += (-3600 - house.clock().wall) % week  # an hour before it opens
            house.knows(1, "compliant")
            session = (await house.login(1, "A1")).session
            house.verdict(1, "noncompliant")
            await house.until(lambda: house.records("session.held"))
            assert "window" in house.session(session.id).wish.held
            await house.quiet()
            assert house.switches["sw"].heard == []
            house.clock.ahead_s += 3605
            await house.until(lambda: house.switches["sw"].heard)
            assert house.session(session.id).wish.held == ""

    play(story)
