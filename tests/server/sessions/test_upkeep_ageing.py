"""Who has been silent for too long, and who only seems to have been."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nacd.sessions import Pending, Phase, Wished
from tests.server.sessions.kept import DAY_S, SILENT_S, Kept, play
from tests.session.making import T, standing


def test_a_session_that_is_silent_for_too_long_ages_and_that_is_recorded_once(tmp_path: Path) -> None:
    async def story(kept: Kept) -> None:
        old = await kept.login(1)
        kept.clock.pass_s(1_800)
        young = await kept.login(2)
        kept.clock.pass_s(1_801)
        assert await kept.look() == [young.id]
        now = kept.session(old.id)
        assert (now.phase, now.cause) == (Phase.AGED, "nothing was heard of it for too long")
        assert await kept.look() == [young.id]
        (record,) = kept.records()
        assert (record["event"], record["nacd_session"]) == ("session.ended", old.id)

    play(tmp_path, story)


def test_ageing_is_no_end_what_was_wanted_stays_wanted_and_an_interim_brings_it_back(tmp_path: Path) -> None:
    async def story(kept: Kept) -> None:
        one = await kept.login(1)
        wish = Pending(wanted=standing("quarantine"), since=T)
        await kept.book.write([Wished(id=one.id, wish=wish, at=T)])
        kept.clock.pass_s(SILENT_S + 1)
        assert await kept.look() == []
        assert kept.session(one.id).phase is Phase.AGED
        assert kept.session(one.id).ended_at == 0.0
        assert kept.session(one.id).wish == wish
        kept.clock.pass_s(10)
        back = await kept.speaks(one)
        assert (back.phase, back.wish) == (Phase.LIVE, wish)
        assert await kept.look() == [one.id]

    play(tmp_path, story)


def test_one_that_speaks_while_it_ages_does_not_age(tmp_path: Path) -> None:
    async def story(kept: Kept) -> None:
        one = await kept.login(1)
        read = kept.present()
        kept.clock.pass_s(SILENT_S + 1)
        looked_at = kept.clock.now
        kept.clock.pass_s(1)
        await kept.speaks(one)
        assert kept.upkeep.present(read, looked_at) == []
        await kept.all_told()
        assert kept.session(one.id).phase is Phase.LIVE
        assert kept.records() == []

    play(tmp_path, story)


def test_what_was_silent_while_nobody_listened_does_not_age_for_it(tmp_path: Path) -> None:
    async def story(kept: Kept) -> None:
        one = await kept.login(1)
        timed = await kept.login(2, ends_at=T + 600)
        kept.clock.pass_s(3 * DAY_S)
        kept.upkeep = kept.made()  # the daemon was down for a weekend
        kept.clock.pass_s(5)
        assert await kept.look() == [one.id]
        assert kept.session(timed.id).cause == "its Session-Timeout has passed"
        kept.clock.pass_s(SILENT_S)
        assert await kept.look() == []

    play(tmp_path, story)


def test_a_clock_that_is_set_ahead_right_after_the_start_ages_nobody(tmp_path: Path) -> None:
    async def story(kept: Kept) -> None:
        one = await kept.login(1)
        kept.clock.pass_s(5)
        kept.clock.is_set_to(T + 30 * DAY_S)
        assert await kept.look() == [one.id]

    play(tmp_path, story)


def test_the_habit_of_a_nas_is_learnt_and_shortens_the_patience_with_it_alone(tmp_path: Path) -> None:
    async def story(kept: Kept) -> None:
        talker, quiet = await kept.login(1), await kept.login(2, nas="other")
        for _ in range(6):
            kept.clock.pass_s(300)
            await kept.speaks(talker)
        kept.clock.pass_s(900)
        assert await kept.look() == [talker.id, quiet.id]
        kept.clock.pass_s(1)
        assert await kept.look() == [quiet.id]
        assert kept.session(talker.id).cause == "no Interim came for 3 intervals"

    play(tmp_path, story)


def test_habits_are_learnt_of_a_nas_with_many_sessions_too(tmp_path: Path) -> None:
    """Each of them speaks once in ten minutes, so between two words of one there are thousands of others."""

    async def story(kept: Kept) -> None:
        one = await kept.login(1)
        await kept.begins(one)
        kept.clock.pass_s(60)
        one = await kept.speaks(one)
        for turn in range(1, 4):
            at = T + 600 * turn
            for id in range(1, 6_001):
                kept.upkeep.heard(replace(one, id=id, seen_at=at + id / 10))
        kept.clock.pass_s(3_600 - 1)
        assert await kept.look() == []
        assert kept.session(one.id).cause == "no Interim came for 3 intervals"
        assert len(kept.upkeep._samples) <= 16

    play(tmp_path, story)


def test_sessions_that_are_gone_do_not_keep_a_nas_from_being_learnt(tmp_path: Path) -> None:
    async def story(kept: Kept) -> None:
        one = await kept.login(1)
        await kept.begins(one)
        kept.clock.pass_s(60)
        one = await kept.speaks(one)
        for id in range(2, 101):  # each is heard of once, and never again
            kept.upkeep.heard(replace(one, id=id, seen_at=T))
        for turn in range(1, 30):
            for id in range(101, 133):
                kept.upkeep.heard(replace(one, id=id, seen_at=T + 600 * turn))
        kept.clock.pass_s(1_801)
        assert await kept.look() == []

    play(tmp_path, story)


def test_one_switch_teaches_nothing_about_another_of_the_same_client(tmp_path: Path) -> None:
    async def story(kept: Kept) -> None:
        talkers = [await kept.login(number) for number in range(1, 17)]
        far = await kept.login(100, source="10.9.9.9")
        named = await kept.login(101, nas_identifier="sw2")
        for each in (far, named):
            await kept.begins(each)
        kept.clock.pass_s(60)
        for each in (far, named):  # once, and never again
            await kept.speaks(each)
        for _ in range(6):
            kept.clock.pass_s(60)
            for each in talkers:
                await kept.speaks(each)
        kept.clock.pass_s(181)
        assert await kept.look() == [far.id, named.id]

    play(tmp_path, story)


def test_one_that_sends_no_interims_is_not_missed_for_those_that_others_of_its_nas_send(tmp_path: Path) -> None:
    async def story(kept: Kept) -> None:
        talker, never, at_once, anew = [await kept.login(number) for number in range(1, 5)]
        await kept.begins(at_once)
        kept.clock.pass_s(20)
        await kept.speaks(at_once)  # its address; nothing is to come after it
        for _ in range(6):
            kept.clock.pass_s(60)
            await kept.speaks(talker)
            await kept.speaks(anew)
        await kept.login(4)  # it authenticates again, which is no Interim
        kept.clock.pass_s(600)
        assert await kept.look() == [never.id, at_once.id, anew.id]

    play(tmp_path, story)


def test_a_clock_that_is_set_ahead_and_back_after_days_ages_nobody(tmp_path: Path) -> None:
    async def story(kept: Kept) -> None:
        kept.clock.pass_s(3 * DAY_S)
        wall = kept.clock.now.wall
        ids = [(await kept.login(number)).id for number in range(1, 4)]
        timed = await kept.login(4, ends_at=wall + 600)
        kept.clock.pass_s(10)
        assert len(await kept.look()) == 4
        kept.clock.is_set_to(wall + 2 * DAY_S)
        assert len(await kept.look()) == 4
        kept.clock.pass_s(5)
        assert len(await kept.look()) == 4
        kept.clock.is_set_to(wall + 20)
        assert len(await kept.look()) == 4
        kept.clock.pass_s(1_201)
        assert await kept.look() == ids  # its time is over by the right clock
        assert kept.session(timed.id).cause == "its Session-Timeout has passed"
        kept.clock.pass_s(SILENT_S)
        assert await kept.look() == []

    play(tmp_path, story)


def test_a_clock_that_is_set_between_two_looks_is_seen_by_a_turn(tmp_path: Path) -> None:
    async def story(kept: Kept) -> None:
        one = await kept.login(1)
        wall = kept.clock.now.wall
        kept.clock.is_set_to(wall + DAY_S)
        await kept.turn()
        kept.clock.pass_s(SILENT_S - 1)
        assert await kept.look() == [one.id]
        kept.clock.pass_s(2)
        assert await kept.look() == []

    play(tmp_path, story)
