"""Sessions on their way to what is wanted of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from nacd.radius.dynauth.schedule import Timing
from nacd.server.sessions.loop import climbs
from nacd.server.sessions.loop.climbing import Where
from nacd.session.ladder import State
from nacd.sessions import Gone, Pending, Phase, Session, Settled, Verb, Wished
from tests.server.sessions.loop.stage import Stage, stage
from tests.server.sessions.switch import Answer, Heard
from tests.server.sessions.wired import play

TIGHT = "sessions: {guard: {down: {max_flips: 1}}}\n"


def wish(on: Stage, session: Session) -> Pending:
    found = on.house.session(session.id).wish
    assert isinstance(found, Pending)
    return found


def test_a_nas_is_asked_about_what_the_disk_knows_already(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as on:
            on_disk: list[Pending] = []
            session = await on.session()

            def answers(_: Heard) -> Answer:
                on_disk.append(wish(on, session))
                return "ack"

            on.switch.answers = answers
            await on.begin(on.climb(session))
            await on.until(lambda: on_disk)
            assert (on_disk[0].verb, on_disk[0].step, on_disk[0].tries) == (Verb.REAUTHENTICATE, 0, 1)
            assert on_disk[0].asked_at > 0

    play(story)


def test_nothing_is_asked_while_the_disk_takes_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as on:
            each = on.climb(await on.session())
            assert on.climbs.expect(each, on.house.clock())
            await on.keep(each)
            on.house.store.close()
            on.climbs.begin(each)
            await on.until(lambda: each.where is Where.WAITING)
            await on.later(1)
            assert on.switch.heard == []
            assert (each.climb.state, each.pending.tries, each.pending.asked_at) == (State.READY, 0, 0.0)
            assert on.house.records("session.asked") == []

    play(story)


def test_what_was_never_sent_is_no_try(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as on:
            on.house.sender.close()
            each = await on.begun()
            for times in range(1, 7):  # more than any rung is tried
                await on.until(lambda times=times: len(on.house.records("session.answered")) == times)  # type: ignore[misc]
                assert (each.pending.step, each.pending.tries, each.climb.state) == (0, 0, State.READY)
                on.house.clock.ahead_s += 11

    play(story)


def test_a_late_answer_for_one_that_has_left_is_nobodys(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as on:
            each = on.climb(await on.session())

            def answers(_: Heard) -> Answer:
                on.climbs.drop(each.session.id)
                return 503

            on.switch.answers = answers
            await on.begin(each)
            await on.until(lambda: on.switch.heard)
            await on.later(200)
            assert on.house.records("session.answered", "session.converged", "session.ended") == []
            assert on.house.session(each.session.id).phase is Phase.AUTHORIZED
            assert len(on.switch.heard) == 1

    play(story)


def test_a_session_that_ends_while_it_is_asked_is_asked_no_more(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as on:
            on.switch.answers = lambda _: "silent"
            await on.begun()
            await on.until(lambda: on.switch.heard)
            await on.house.account(1, "A1", "stop")
            datagrams = on.switch.datagrams
            assert len(on.climbs) == 0
            await on.later(700)
            assert on.switch.datagrams == datagrams
            assert len(on.house.records("session.converged")) == 1

    play(story)


def test_a_session_whose_end_is_on_the_disk_first_is_not_asked_about(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as on:
            each = on.climb(await on.session())
            assert on.climbs.expect(each, on.house.clock())
            await on.keep(each)
            end = on.house.account(1, "A1", "stop")
            end.send(None)  # it is on its way to the disk
            on.climbs.begin(each)
            await on.later()
            assert on.switch.heard == []
            assert len(on.climbs) == 0
            end.close()

    play(story)


def test_what_the_disk_had_before_the_wish_does_not_prove_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as on:
            session = await on.session()
            each = on.climb(session)
            assert on.climbs.expect(each, on.house.clock())
            await on.house.account(1, "A1", "interim")
            assert on.climbs.find(session.id) is each
            await on.keep(each)
            on.climbs.begin(each)
            await on.until(lambda: on.switch.heard)
            assert on.house.records("session.converged") == []

    play(story)


def test_an_older_wish_that_settles_late_does_not_prove_a_newer_one(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as on:
            session = await on.session()
            each = on.climb(session)
            assert on.climbs.expect(each, on.house.clock())
            await on.house.book.write((Wished(id=session.id, wish=Settled(), at=1.0, standing=on.wanted("guests")),))
            assert on.climbs.find(session.id) is each
            assert on.house.records("session.converged") == []

    play(story)


def test_an_endpoint_that_was_refused_while_the_request_goes_to_the_disk_is_not_asked_about(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as on:
            each = await on.begun(profile="")
            assert each.where is Where.COMMITTING
            on.refused(each.session)
            await on.later()
            assert on.switch.heard == []
            assert on.house.session(each.session.id).phase is Phase.ENDED
            assert len(on.house.records("session.ended")) == len(on.house.records("session.converged")) == 1

    play(story)


def test_an_endpoint_that_was_refused_before_its_climb_began_is_not_asked_about(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as on:
            each = on.climb(await on.session(), profile="")
            assert on.climbs.expect(each, on.house.clock())
            await on.keep(each)
            on.refused(each.session)
            on.climbs.begin(each)
            assert each.where is Where.ENDING
            await on.later()
            assert on.switch.heard == []
            assert len(on.climbs) == 0

    play(story)


def test_a_request_that_waits_for_its_turn_is_taken_back_once_the_endpoint_was_refused(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path, timing=Timing(irt_s=0.05, mrt_s=0.05, mrc=200, mrd_s=60.0)) as on:
            on.switch.answers = lambda _: "silent"
            each = await on.begun(profile="")
            await on.until(lambda: on.switch.heard)
            on.refused(each.session)
            assert (each.where, each.flight) == (Where.ENDING, None)
            datagrams = on.switch.datagrams
            await on.until(lambda: not on.house.sender.status()[0].in_flight)
            assert on.switch.datagrams <= datagrams + 1  # one may be on the wire

    play(story)


def test_what_is_let_go_while_its_wish_goes_to_the_disk_is_asked(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path, more=TIGHT) as on:
            each, other = [on.climb(await on.session(device)) for device in (1, 2)]
            now = on.house.clock()
            on.climbs.judge([each, other], now)
            assert other.pending.held
            assert on.climbs.expect(each, now)
            on.house.gate.release("down", "anna", now)
            on.climbs.ask_gate(on.climbs.held(), now)
            assert each.pending.held, "it is not on the disk yet"
            await on.keep(each)
            on.climbs.begin(each)
            await on.until(lambda: on.switch.heard)
            assert wish(on, each.session).held == ""

    play(story)


def test_a_nas_that_never_answers_delays_no_other(tmp_path: Path) -> None:
    async def story() -> None:
        patient = Timing(irt_s=5.0, mrt_s=5.0, mrc=5, mrd_s=30.0)
        async with stage(tmp_path, "sw", "dead", timing=patient) as on:
            on.house.switches["dead"].answers = lambda _: "silent"
            for device in range(2, 102):
                await on.begun(device, nas="dead")
            await on.begun(1)
            await on.until(lambda: on.house.records("session.answered"))
            assert [each["nas"]["name"] for each in on.house.records("session.answered")] == ["sw"]
            assert on.climbs.status() == {State.ASKED: 100, State.ACKNOWLEDGED: 1}

    play(story)


def test_more_climbs_than_there_may_be_wait_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        monkeypatch.setattr(climbs, "MOST", 2)
        async with stage(tmp_path) as on:
            first, second = await on.begun(1), await on.begun(2)
            third = on.climb(await on.session(3))
            assert not on.climbs.expect(third, on.house.clock())
            again = on.climb(second.session, "guests")
            assert on.climbs.expect(again, on.house.clock()), "it takes the place of another decision"
            assert second.where is Where.LEFT
            assert len(on.climbs) == 2
            on.climbs.drop(first.session.id)
            assert on.climbs.expect(third, on.house.clock())

    play(story)


def test_what_never_left_before_a_stop_may_be_asked_at_once_after_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as on:
            on.switch.answers = lambda _: "silent"
            asked, not_asked = await on.begun(1), on.climb(await on.session(2))
            await on.until(lambda: asked.where is Where.ASKED)
            await on.begin(not_asked)
            assert not_asked.where is Where.COMMITTING
            on.house.sender.close()
            on.climbs.close()
            await on.written()
            kept = wish(on, not_asked.session)
            assert (kept.tries, kept.asked_at) == (0, 0.0)
            kept = wish(on, asked.session)
            assert kept.tries == 1
            assert kept.asked_at > 0
            assert [each.number for each in on.switch.heard] == ["A1"]

    play(story)


def test_a_port_that_others_are_on_is_not_taken_down(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as on:
            on.switch.answers = lambda heard: "ack" if heard.bounces else 406  # it can do nothing else
            await on.session(2, port="7")
            shared = await on.begun(1, port="7")
            await on.until(lambda: shared.climb.state is State.RESTING)
            assert [each.bounces for each in on.switch.heard] == [False, False]
            await on.begun(3, port="8")
            await on.until(lambda: on.switch.heard[-1].bounces)
            assert [each.number for each in on.switch.heard] == ["A1", "A1", "A3", "A3", "A3"]

    play(story)


def test_what_has_settled_is_known_when_a_page_from_before_is_looked_at(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as on:
            each = await on.begun()
            page = on.house.session(each.session.id)
            assert not on.climbs.has_settled(page)
            on.house.knows(1, "noncompliant")
            await on.house.login(1, "A1")
            assert len(on.climbs) == 0
            assert on.climbs.has_settled(page)
            assert not on.climbs.has_settled(on.house.session(page.id))
            await on.begin(on.climb(on.house.session(page.id), "guests"))
            assert not on.climbs.has_settled(on.house.session(page.id))

    play(story)


def test_what_is_wanted_of_a_session_outlives_a_reboot_that_its_nas_tells_of(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as on:
            each = await on.begun()
            await on.until(lambda: on.house.records("session.answered"))
            page = on.house.session(each.session.id)
            on.house.clock.ahead_s += 2
            await on.house.rebooted()
            assert not on.climbs.has_settled(page)
            assert on.house.session(page.id).phase is Phase.AGED
            asked = len(on.switch.heard)
            on.switch.answers = lambda _: 503
            on.house.clock.ahead_s += 200
            await on.until(lambda: on.house.records("session.converged"))  # written when the session has ended
            assert on.house.session(page.id).phase is Phase.ENDED
            assert len(on.switch.heard) > asked
            (told,) = on.house.records("session.converged")
            assert told["session"]["phase"] == "ended"

    play(story)


def test_of_a_session_that_its_nas_never_accounted_for_one_no_is_not_believed(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as on:
            on.switch.answers = lambda _: 503
            await on.begun(1)
            session = await on.session(2)
            await on.house.account(2, "A2", "start")
            await on.begin(on.climb(on.house.session(session.id)))
            await on.until(lambda: len(on.house.records("session.ended")) == 2)
            asked = [(each["nacd_session"], each["asked"]["verb"]) for each in on.house.records("session.asked")]
            assert sorted(asked) == [(1, "disconnect"), (1, "reauthenticate"), (2, "reauthenticate")]

    play(story)


def test_one_that_the_database_has_forgotten_is_wanted_no_more_and_that_is_recorded(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as on:
            on.switch.answers = lambda _: "silent"
            each = await on.begun()
            on.climbs._forgotten(each.session.id)
            on.climbs._forgotten(each.session.id)
            (told,) = on.house.records("session.withdrawn")
            assert told["withdrawn"]["cause"].startswith("nacd keeps no session longer")
            assert len(on.climbs) == 0

    play(story)


def test_of_one_that_has_aged_a_nas_is_asked_again_after_an_hour(tmp_path: Path) -> None:
    async def story() -> None:
        async with stage(tmp_path) as on:
            on.switch.answers = lambda _: 504
            session = await on.session()
            at = on.house.clock().wall + 1
            await on.house.book.write((Gone(id=session.id, phase=Phase.AGED, at=at, cause="a test"),))
            await on.begin(on.climb(on.house.session(session.id)))
            await on.until(lambda: on.house.records("session.alarm"))
            asked = len(on.switch.heard)
            await on.later(700)
            assert len(on.switch.heard) == asked
            on.house.clock.ahead_s += 2_950
            await on.until(lambda: len(on.switch.heard) > asked)

    play(story)
