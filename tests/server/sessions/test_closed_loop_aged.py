"""Sessions of which nothing is heard any more, and which may be there all the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nacd.sessions import Gone, Pending, Phase, Session, Settled, Verb
from tests.server.sessions.test_closed_loop_held import order
from tests.server.sessions.wired import Wired, play, wired


async def aged(house: Wired, device: int, **how: str) -> Session:
    house.knows(device, "compliant")
    session = (await house.login(device, f"A{device}", **how)).session
    assert isinstance(session, Session)
    at = house.clock().wall + 1
    await house.book.write((Gone(id=session.id, phase=Phase.AGED, at=at, cause="a test"),))
    return house.session(session.id)


def wanted(house: Wired, session: Session) -> str:
    wish = house.session(session.id).wish
    return wish.wanted.rule if isinstance(wish, Pending) else ""


def test_a_verdict_reaches_a_session_that_has_aged(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path) as house:
            session = await aged(house, 1)
            house.verdict(1, "noncompliant")
            await house.until(lambda: house.switches["sw"].heard)
            assert wanted(house, session) == "bad"
            assert house.session(session.id).phase is Phase.AGED

    play(story)


def test_an_order_and_its_end_reach_a_session_that_has_aged(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path) as house:
            house.switches["sw"].answers = lambda _: "silent"
            session = await aged(house, 1)
            put = order("block", 1, house.clock().wall)
            house.orders.put(put)
            house.loop.overridden(put)
            await house.until(lambda: house.switches["sw"].heard)
            assert wanted(house, session) == "override-block"
            lifted = replace(put, lifted_at=house.clock().wall, lifted_by="anna")
            house.orders.put(lifted)
            house.loop.overridden(lifted)
            await house.until(lambda: house.session(session.id).wish == Settled())
            assert len(house.records("session.withdrawn")) == 1
            asked = len(house.switches["sw"].heard)
            house.clock.ahead_s += 700
            await house.quiet()
            assert len(house.switches["sw"].heard) == asked

    play(story)


def test_what_is_wanted_of_a_session_that_has_aged_changes_with_what_is_known(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path) as house:
            house.switches["sw"].answers = lambda _: "silent"
            house.knows(1, "compliant")
            session = (await house.login(1, "A1")).session
            house.verdict(1, "noncompliant")
            await house.until(lambda: house.switches["sw"].heard)
            house.clock.ahead_s += 25 * 3600
            await house.until(lambda: house.session(session.id).phase is Phase.AGED)
            house.verdict(1, "compliant")
            await house.until(lambda: house.session(session.id).wish == Settled())
            assert house.loop.status(house.clock()).climbs == {}

    play(story)


def test_the_end_of_a_certificate_is_seen_by_the_round_of_those_that_have_aged(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path) as house:
            session = await aged(house, 1)
            house.knows(1, "noncompliant")  # and nobody is told
            house.clock.ahead_s += 601
            await house.until(lambda: wanted(house, session) == "bad")

    play(story)


def test_an_endpoint_that_has_logged_in_again_is_asked_about_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path) as house:
            old = await aged(house, 1)
            new = (await house.login(1, "B1")).session
            assert new.id != old.id
            house.verdict(1, "noncompliant")
            await house.until(lambda: house.switches["sw"].heard)
            await house.quiet()
            assert {each["nacd_session"] for each in house.records("session.change_wanted")} == {new.id}

    play(story)


def test_those_that_have_aged_are_not_counted_for_the_percentage_of_the_guard(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path) as house:
            for device in range(1, 41):
                await aged(house, device)
            await house.login(1, "B1")
            house.clock.ahead_s += 11
            await house.until(lambda: house.loop.status(house.clock()).live_sessions == 1)
            for device in range(2, 4):
                house.verdict(device, "noncompliant", "bulk")
            await house.until(lambda: len(house.records("session.held")) == 2)
            assert house.loop.status(house.clock()).guards["down"].limit == 1

    play(story)


def test_no_port_goes_down_under_a_phone_that_has_aged(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path) as house:
            switch = house.switches["sw"]
            switch.answers = lambda heard: "ack" if heard.bounces else 504
            await aged(house, 9, port="7")
            house.knows(1, "compliant")
            laptop = (await house.login(1, "A1", port="7")).session
            assert isinstance(laptop, Session)
            house.verdict(1, "noncompliant")
            await house.until(lambda: house.records("session.alarm"))
            assert [each for each in switch.heard if each.bounces] == []
            assert (await house.loop.by_hand(laptop, Verb.BOUNCE, "anna")).detail == "others are on its port"

    play(story)


def test_an_order_about_a_device_that_nobody_is_asked_about_is_carried_out_at_once(tmp_path: Path) -> None:
    policy = """\
profiles:
  corporate:  {attributes: {Filter-Id: STAFF}}
  guests:     {attributes: {Filter-Id: GUESTS}}
rules:
  - {name: any, when: {access: dot1x}, then: corporate}
"""

    async def story() -> None:
        async with wired(tmp_path, policy=policy) as house:
            await house.until(lambda: house.loop.status(house.clock()).rounds == 1)
            await house.quiet(0.1)
            house.unasked = True
            house.knows(1, "compliant")
            session = (await house.login(1, "A1")).session
            assert isinstance(session, Session)
            await house.quiet(0.1)
            put = order("block", 1, house.clock().wall)
            house.orders.put(put)
            house.loop.overridden(put)
            await house.until(lambda: house.switches["sw"].heard)
            assert house.loop.status(house.clock()).rounds == 1
            assert wanted(house, session) == "override-block"
            assert house.records("session.change_wanted")[0]["change"]["trigger"] == "override"

    play(story)
