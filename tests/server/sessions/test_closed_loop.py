"""A device changes, and so does the network."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from nacd.sessions import Accounted, AccountingKind, Names, Pending, Phase, Settled
from tests.server.sessions.wired import Wired, play, wired


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


def test_a_page_that_was_read_before_a_change_came_about_wants_nothing_of_anybody(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path) as house:
            house.knows(1, "compliant")
            session = (await house.login(1, "A1")).session
            house.verdict(1, "noncompliant")
            await house.until(lambda: house.records("session.answered"))
            page = house.session(session.id)
            assert isinstance(page.wish, Pending)
            await house.login(1, "A1")
            before = house.loop.status(house.clock()).guards["down"].passed
            await house.loop.reassess([page], "test")
            await house.quiet()
            assert house.names().count("session.change_wanted") == house.names().count("session.converged") == 1
            assert house.loop.status(house.clock()).guards["down"].passed == before
            assert len(house.switches["sw"].heard) == 1

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
