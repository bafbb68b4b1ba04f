"""What is looked after now and then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nacd.sessions import Gone, Phase, Session
from tests.server.sessions.kept import DAY_S, KEEP_S, Kept, play
from tests.session.making import T, authorized

# -- counting and forgetting ------------------------------------------------------------------------


def test_sessions_are_counted_now_and_then(tmp_path: Path) -> None:
    async def story(kept: Kept) -> None:
        for number in (1, 2, 3):
            await kept.login(number)
        await kept.book.write([Gone(id=3, phase=Phase.ENDED, at=T + 1, cause="a test")])
        await kept.turn()
        assert kept.upkeep.live_sessions == 2
        await kept.login(4)
        kept.clock.pass_s(9)
        await kept.turn()
        assert kept.upkeep.live_sessions == 2
        kept.clock.pass_s(1)
        await kept.turn()
        assert kept.upkeep.live_sessions == 3

    play(tmp_path, story)


def test_a_database_that_cannot_be_read_counts_nobody_out(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder")

    async def story(kept: Kept) -> None:
        kept.upkeep.live_sessions = 1_000
        await kept.turn()
        assert kept.book.problem
        assert kept.upkeep.live_sessions == 1_000

    play(tmp_path, story)


def test_what_ended_long_ago_is_forgotten_and_what_is_there_is_not(tmp_path: Path) -> None:
    async def story(kept: Kept) -> None:
        for number in (1, 2):
            await kept.login(number)
        await kept.book.write([Gone(id=1, phase=Phase.ENDED, at=T + 1, cause="a test")])
        kept.clock.pass_s(KEEP_S)
        await kept.turn()
        assert isinstance(kept.store.session(1), Session)
        kept.clock.pass_s(3_599)
        await kept.turn()
        assert isinstance(kept.store.session(1), Session)
        kept.clock.pass_s(1)
        await kept.turn()
        assert not isinstance(kept.store.session(1), Session)
        assert isinstance(kept.store.session(2), Session)

    play(tmp_path, story)


def test_nobody_waits_while_old_sessions_are_forgotten(tmp_path: Path) -> None:
    async def story(kept: Kept) -> None:
        await kept.upkeep.turn(kept.clock.now)
        under_way = kept.upkeep._forgetting
        assert under_way is not None
        assert not under_way.done()
        kept.clock.pass_s(7_200)
        await kept.upkeep.close()
        assert under_way.cancelled()

    play(tmp_path, story)


# -- orders -----------------------------------------------------------------------------------------


def test_an_order_is_told_once_when_its_end_has_come(tmp_path: Path) -> None:
    async def story(kept: Kept) -> None:
        short, _long, _endless = await kept.ordered(60), await kept.ordered(600), await kept.ordered()
        assert kept.ran_out() == []
        kept.clock.pass_s(59.9)
        assert kept.ran_out() == []
        kept.clock.pass_s(0.1)
        assert kept.ran_out() == [short.id]
        kept.clock.pass_s(1)
        assert kept.ran_out() == []

    play(tmp_path, story)


def test_an_order_that_was_lifted_does_not_run_out(tmp_path: Path) -> None:
    async def story(kept: Kept) -> None:
        one = await kept.ordered(60)
        kept.orders.put(replace(one, lifted_at=kept.clock.now.wall + 1, lifted_by="bert"))
        kept.clock.pass_s(61)
        assert kept.ran_out() == []

    play(tmp_path, story)


def test_no_end_is_lost_when_the_clock_is_set_back_or_ahead(tmp_path: Path) -> None:
    async def story(kept: Kept) -> None:
        one = await kept.ordered(60)
        kept.clock.is_set_to(T + DAY_S)
        assert kept.ran_out() == [one.id]
        kept.clock.is_set_to(T)  # it is in force again
        assert kept.ran_out() == []
        kept.clock.pass_s(60)
        assert kept.ran_out() == [one.id]
        # Set back, ordered, and over before anybody looks: by the clock all that lies before the last look.
        kept.clock.is_set_to(T - DAY_S)
        brief = await kept.ordered(0.5)
        kept.clock.pass_s(0.5)
        assert kept.ran_out() == [brief.id]

    play(tmp_path, story)


def test_what_ran_out_while_the_daemon_was_down_is_left_to_the_round_at_its_start(tmp_path: Path) -> None:
    async def story(kept: Kept) -> None:
        await kept.ordered(60)
        kept.clock.pass_s(61)
        kept.upkeep = kept.made()
        assert kept.ran_out() == []

    play(tmp_path, story)


def test_orders_that_ran_out_long_ago_are_forgotten_in_memory_and_on_the_disk(tmp_path: Path) -> None:
    async def story(kept: Kept) -> None:
        over, endless = await kept.ordered(60), await kept.ordered(effect="block")
        kept.clock.pass_s(60)
        assert kept.ran_out() == [over.id]
        kept.clock.pass_s(KEEP_S)
        await kept.turn()
        assert [each.id for each in kept.orders] == [over.id, endless.id]
        kept.clock.pass_s(3_600)
        await kept.turn()
        assert [each.id for each in kept.orders] == [endless.id]
        assert [each.id for each in kept.store.overrides()] == [endless.id]
        assert kept.ran_out() == []
        kept.clock.pass_s(3_600)
        await kept.turn()
        assert [each.id for each in kept.store.all_overrides(10)] == [endless.id]

    play(tmp_path, story)


def test_a_clock_that_is_wrong_for_an_hour_takes_no_order_away(tmp_path: Path) -> None:
    async def story(kept: Kept) -> None:
        one = await kept.ordered(DAY_S)
        kept.clock.is_set_to(T + 365 * DAY_S)
        assert kept.ran_out() == [one.id]
        for _ in range(2):
            kept.clock.pass_s(3_600)
            kept.ran_out()
            await kept.turn()
        kept.clock.is_set_to(T + 7_200)
        assert kept.ran_out() == []
        assert kept.orders.in_force(authorized().grounds.identity, one.subject, "", T + 7_200) == one
        assert kept.store.overrides() == (one,)

    play(tmp_path, story)


# -- many logins without accounting -----------------------------------------------------------------


def test_of_the_many_logins_of_a_device_that_nothing_was_heard_of_the_newest_count(tmp_path: Path) -> None:
    async def story(kept: Kept) -> None:
        heard = await kept.login(1, device="guid:a")
        await kept.speaks(heard)
        logins = [await kept.login(number, device="guid:a", port="7") for number in range(2, 22)]
        elsewhere = await kept.login(30, nas="other", device="guid:a", port="7")
        another = await kept.login(31, device="guid:b", port="7")
        await kept.turn()
        aged = [each.id for each in logins if kept.session(each.id).phase is Phase.AGED]
        assert aged == [each.id for each in logins[:4]]
        assert kept.session(heard.id).phase is Phase.LIVE
        assert {kept.session(each.id).phase for each in (elsewhere, another)} == {Phase.AUTHORIZED}
        assert sorted(record["nacd_session"] for record in kept.records()) == aged

    play(tmp_path, story)


def test_one_of_a_crowd_that_speaks_while_it_is_looked_for_stays(tmp_path: Path) -> None:
    async def story(kept: Kept) -> None:
        logins = [await kept.login(number, device="guid:a", port="7") for number in range(1, 20)]
        looked_at = kept.clock.now
        kept.clock.pass_s(1)
        found = kept.store.crowding(16, 100)
        spoken = await kept.speaks(logins[0])
        assert found == tuple(each.id for each in reversed(logins[:3]))
        outcomes = await kept.book.write(
            [Gone(id=id, phase=Phase.AGED, at=looked_at.wall, cause="crowded") for id in found]
        )
        assert [each.changed for each in outcomes] == [True, True, False]
        assert kept.session(spoken.id).phase is Phase.LIVE

    play(tmp_path, story)
