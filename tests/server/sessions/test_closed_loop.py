"""A device changes, and so does the network."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from nacd.radius.dynauth.schedule import Timing
from nacd.session.overrides import Override, OverrideEffect, SubjectKind
from nacd.sessions import Accounted, AccountingKind, Names, Pending, Phase, Settled
from tests.server.sessions.wired import POLICY, Wired, configured, guid, play, wired

LOOSE = "sessions: {guard: {down: {max_flips: 1000, max_flip_percent: 100}}}\n"


def logs_in_again(house: Wired, device: int) -> None:
    """Whoever is asked to authenticate again, or loses its port, does so at once."""
    switch = house.switches["sw"]
    tasks: list[Any] = []

    def obeyed(heard: Any) -> None:
        tasks.append(asyncio.get_running_loop().create_task(house.login(device, heard.number)))

    switch.obeyed = obeyed


def test_a_device_that_turns_bad_is_in_quarantine_once_it_has_logged_in_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path) as house:
            house.knows(1, "compliant")
            session = (await house.login(1, "A1")).session
            assert session.standing.profile == "corporate"
            logs_in_again(house, 1)
            house.verdict(1, "noncompliant")
            await house.until(lambda: house.records("session.converged"))
            now = house.session(session.id)
            assert (now.standing.profile, now.wish) == ("quarantine", Settled())
            assert [each.number for each in house.switches["sw"].heard] == ["A1"]
            house.verdict(1, "compliant")
            await house.until(lambda: len(house.records("session.converged")) == 2)
            assert house.session(session.id).standing.profile == "corporate"
            assert len(house.switches["sw"].heard) == 2
            assert [name for name in house.names() if name.startswith("session.")] == [
                "session.change_wanted",
                "session.asked",
                "session.answered",
                "session.converged",
            ] * 2
            assert house.loop.status(house.clock()).climbs == {}
            assert house.tally.changes == 2

    play(story)


def test_a_nas_that_says_yes_and_does_nothing_is_asked_for_more_until_the_session_ends(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path) as house:
            house.knows(1, "compliant")
            session = (await house.login(1, "A1")).session
            house.verdict(1, "noncompliant")
            heard = house.switches["sw"].heard
            await house.until(lambda: house.records("session.answered"))
            house.clock.ahead_s += 31
            await house.until(lambda: len(house.records("session.answered")) == 2)
            house.clock.ahead_s += 61
            await house.until(lambda: len(house.records("session.answered")) == 3)
            assert [each.code for each in heard] == [43, 40, 43]
            assert [each.bounces for each in heard] == [False, False, True]
            assert isinstance(house.session(session.id).wish, Pending)
            await house.account(1, "A1", "stop")
            await house.until(lambda: house.records("session.converged"))
            assert house.session(session.id).phase is Phase.ENDED
            house.clock.ahead_s += 3600
            await house.quiet()
            assert len(heard) == 3

    play(story)


def test_an_answer_that_came_while_the_device_was_let_in_without_it_is_acted_upon(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path) as house:
            old = house.knows(1, "compliant")
            house.clock.ahead_s += 1
            house.knows(1, "noncompliant")  # its trigger found no session yet
            logs_in_again(house, 1)
            session = (await house.login(1, "A1", known=old)).session
            assert session.standing.profile == "corporate"
            await house.until(lambda: house.records("session.converged"))
            assert house.session(session.id).standing.profile == "quarantine"

    play(story)


def test_an_outage_is_no_news_about_a_device(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path) as house:
            house.knows(1, "compliant")
            session = (await house.login(1, "A1")).session
            house.verdict(1, "unavailable")
            house.memory.known.clear()
            await house.quiet()
            house.clock.ahead_s += 61  # a round
            await house.quiet()
            assert house.loop.status(house.clock()).rounds >= 2
            assert house.session(session.id).wish == Settled()
            assert house.switches["sw"].heard == []

    play(story)


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
            assert house.loop.status(house.clock()).climbs == {"asked": 1}
            await house.quiet()
            assert len(heard) == 2
            house.clock.ahead_s += 121  # lost_s: the answer of before the restart is not waited for any longer
            await house.until(lambda: house.loop.status(house.clock()).climbs == {"resting": 1})
            house.clock.ahead_s += 11
            await house.until(lambda: len(heard) == 3)
            assert [each.number for each in heard[2:]] == ["A1"]
            assert len(house.records("session.change_wanted")) == 2

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


def test_a_session_that_logs_in_while_it_is_judged_is_judged_again_and_not_asked_about(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path) as house:
            house.knows(1, "compliant")
            old = (await house.login(1, "A1")).session
            house.knows(1, "noncompliant")
            await house.login(1, "A1")
            await house.loop.reassess([old], "test")
            await house.quiet()
            assert house.session(old.id).wish == Settled()
            assert house.switches["sw"].heard == []

    play(story)


def test_the_other_sessions_of_a_device_change_too_and_those_of_others_do_not(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path, "sw", "other") as house:
            for device in (1, 2):
                house.knows(device, "compliant")
                await house.login(device, f"A{device}")
            await house.login(1, "B1", nas="other")
            house.upkeep.live_sessions = house.gate.live_sessions = 1000
            house.verdict(1, "noncompliant")
            await house.until(lambda: len(house.records("session.answered")) == 2)
            await house.quiet()
            assert [each.number for each in house.switches["sw"].heard] == ["A1"]
            assert [each.number for each in house.switches["other"].heard] == ["B1"]

    play(story)


def test_a_refusal_that_is_wanted_has_come_about_when_the_endpoint_is_refused_there(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path) as house:
            house.knows(1, "compliant")
            session = (await house.login(1, "A1")).session
            house.knows(2, "not_managed")
            house.verdict(1, "not_managed")
            await house.until(lambda: house.records("session.answered"))
            await house.login(2, "A2")  # somebody else is refused
            await house.quiet()
            assert isinstance(house.session(session.id).wish, Pending)
            await house.login(1, "A1")
            await house.until(lambda: house.records("session.converged"))
            now = house.session(session.id)
            assert (now.phase, now.cause) == (Phase.ENDED, "it was refused when it logged in again")
            assert len(house.records("session.ended")) == 1

    play(story)


def test_a_refusal_where_quarantine_is_wanted_proves_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path) as house:
            house.knows(1, "compliant")
            session = (await house.login(1, "A1")).session
            house.verdict(1, "noncompliant")
            await house.until(lambda: house.records("session.answered"))
            house.knows(1, "not_managed")
            await house.login(1, "A1")
            await house.quiet()
            assert isinstance(house.session(session.id).wish, Pending)

    play(story)


def test_a_new_row_under_an_old_decision_is_decided_at_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path) as house:
            house.knows(1, "compliant")
            first = (await house.login(1, "A1")).session
            await house.account(1, "A1", "start")
            house.verdict(1, "noncompliant")
            await house.until(lambda: house.records("session.answered"))
            # It roams: another number, and the token of the same Accept.
            change = Accounted(
                kind=AccountingKind.START,
                place=house.place(1),
                names=Names(acct_session_id="A9", token=first.names.token),
                at=house.clock().wall,
                happened_at=house.clock().wall,
                record="roamed",
            )
            roamed = (await house.book.write((change,)))[0].session
            assert roamed.id != first.id
            await house.until(lambda: [each for each in house.switches["sw"].heard if each.number == "A9"])
            assert isinstance(house.session(roamed.id).wish, Pending)

    play(story)


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


def test_a_rebooted_nas_has_no_sessions_left_to_change(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path) as house:
            house.knows(1, "compliant")
            await house.login(1, "A1")
            house.verdict(1, "noncompliant")
            await house.until(lambda: house.records("session.answered"))
            house.clock.ahead_s += 2
            await house.rebooted()
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


def test_one_nas_that_never_answers_delays_no_other(tmp_path: Path) -> None:
    async def story() -> None:
        slow = Timing(irt_s=5.0, mrt_s=5.0, mrc=5, mrd_s=30.0)
        async with wired(tmp_path, "sw", "dead", timing=slow, more=LOOSE) as house:
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


# -- people ---------------------------------------------------------------------------------------


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
        more = "sessions: {windows: {down: {days: [mon], from: '00:00', to: '00:01'}, up: {days: [mon], from: '00:00', to: '00:01'}}}\n"
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


def test_a_thousand_sessions_on_twenty_nases_change_in_seconds(tmp_path: Path) -> None:
    async def story() -> None:
        names = [f"sw{number}" for number in range(20)]
        async with wired(tmp_path, *names, more="sessions: {guard: {down: {max_flips: 10}}}\n") as house:
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
            await house.until(lambda: house.tally.changes == 1000, within_s=40)

    play(story)


def back_in(house: Wired, nas: str) -> Any:
    tasks: list[Any] = []

    def obeyed(heard: Any) -> None:
        login = house.login(int(heard.number[1:]), heard.number, nas=nas)
        tasks.append(asyncio.get_running_loop().create_task(login))

    return obeyed
