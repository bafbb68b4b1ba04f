"""Sessions decided again, in batches."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from nacd.reassess import Reassessed
from nacd.server.sessions.loop.deciding import Deciding
from nacd.session.overrides import NO_OVERRIDE
from nacd.sessions import Gone, NotOurs, Pending, Phase, Session, Settled
from tests.server.sessions.loop.decided import TIGHT, decided, let_in, wanted
from tests.server.sessions.wired import POLICY, TENANT, Wired, compliance, guid

MEANWHILE = "it has logged in meanwhile, and is decided again"


# -- batches ----------------------------------------------------------------------------------------


def test_a_batch_is_judged_together_and_if_it_is_too_much_nobody_goes_first(tmp_path: Path) -> None:
    async def story(house: Wired, deciding: Deciding) -> None:
        sessions = await let_in(house, 300)
        for device in range(1, 301):
            house.knows(device, "noncompliant", "bulk")
        told = await deciding.decide(sessions, "verdict")
        assert [id for id, _ in told] == [each.id for each in sessions]
        assert len({words for _, words in told}) == 1
        assert "held: more sessions would change at once" in told[0][1]
        assert house.loop.status(house.clock()).held == 300
        assert house.switches["sw"].heard == []
        assert house.names().count("guard.held") == 1

    decided(tmp_path, story, more=TIGHT)


def test_what_is_wanted_is_on_the_disk_when_it_is_told(tmp_path: Path) -> None:
    async def story(house: Wired, deciding: Deciding) -> None:
        (session,) = await let_in(house, 1)
        house.knows(1, "noncompliant")
        assert await deciding.decide([session], "verdict") == ((session.id, "profile `quarantine` is wanted"),)
        assert wanted(house, session).profile == "quarantine"
        (record,) = house.records("session.change_wanted")
        assert record["change"]["trigger"] == "verdict"
        again = await deciding.decide([house.session(session.id)], "round")
        assert again == ((session.id, "profile `quarantine` is wanted already"),)
        assert len(house.records("session.change_wanted")) == 1

    decided(tmp_path, story)


def test_the_same_decision_does_nothing(tmp_path: Path) -> None:
    async def story(house: Wired, deciding: Deciding) -> None:
        (session,) = await let_in(house, 1)
        house.told.clear()
        house.knows(1, "in_grace")
        assert await deciding.decide([session], "verdict") == ((session.id, "profile `corporate` stays"),)
        assert house.told == []
        assert house.records() == []

    decided(tmp_path, story)


def test_what_it_has_is_wanted_again_and_that_settles_it(tmp_path: Path) -> None:
    async def story(house: Wired, deciding: Deciding) -> None:
        (session,) = await let_in(house, 1)
        house.knows(1, "noncompliant")
        await deciding.decide([session], "verdict")
        house.knows(1, "compliant")
        told = await deciding.decide([house.session(session.id)], "verdict")
        assert told == ((session.id, "profile `corporate` is wanted again"),)
        assert house.session(session.id).wish == Settled()
        assert house.loop.status(house.clock()).climbs == {}
        (told,) = house.records("session.withdrawn")
        assert told["wanted"]["profile"] == "quarantine"
        assert "profile `quarantine` is not wanted any more" in told["why"]
        assert (house.records("session.converged"), house.tally.changes) == ([], 0)

    decided(tmp_path, story, mute=("sw",))


# -- who is not decided -----------------------------------------------------------------------------


def test_nobody_is_decided_on_a_session_that_logged_in_meanwhile(tmp_path: Path) -> None:
    async def story(house: Wired, deciding: Deciding) -> None:
        (read,) = await let_in(house, 1)
        again: list[int] = []
        deciding._again = again.append
        house.knows(1, "not_managed")
        house.knows(2, "noncompliant")
        await house.login(1, "A1", known=house.memory.known[TENANT, f"guid:{guid(2)}"])
        assert await deciding.decide([read], "verdict") == ((read.id, MEANWHILE),)
        assert again == [read.id]
        assert house.switches["sw"].heard == []
        assert house.loop.status(house.clock()).climbs == {}

    decided(tmp_path, story)


def test_what_is_taken_back_from_a_session_that_logged_in_meanwhile_is_not_said_to_be_proved(tmp_path: Path) -> None:
    async def story(house: Wired, deciding: Deciding) -> None:
        (session,) = await let_in(house, 1)
        house.knows(1, "not_managed")
        await deciding.decide([session], "verdict")
        read = house.session(session.id)
        again: list[int] = []
        deciding._again = again.append
        house.loop._climbs.drop(session.id)
        await house.login(1, "A1", known=compliance("noncompliant", house.clock().wall))
        house.knows(1, "compliant")
        assert await deciding.decide([read], "verdict") == ((session.id, MEANWHILE),)
        assert again == [session.id]
        assert house.records("session.converged", "session.withdrawn") == []

    decided(tmp_path, story, mute=("sw",))


def test_what_is_taken_back_is_recorded_also_when_the_session_logged_in_meanwhile_and_got_the_same(
    tmp_path: Path,
) -> None:
    async def story(house: Wired, deciding: Deciding) -> None:
        (session,) = await let_in(house, 1)
        house.knows(1, "noncompliant")
        await deciding.decide([session], "verdict")
        read = house.session(session.id)
        house.loop._climbs.drop(session.id)
        house.clock.ahead_s += 1
        house.knows(1, "compliant")
        await house.login(1, "A1")
        assert await deciding.decide([read], "verdict") == ((session.id, MEANWHILE),)
        assert house.session(session.id).wish == Settled()
        (told,) = house.records("session.withdrawn")
        assert (told["standing"]["profile"], told["wanted"]["profile"]) == ("corporate", "quarantine")

    decided(tmp_path, story, mute=("sw",))


def test_one_that_has_aged_is_decided_like_any_other(tmp_path: Path) -> None:
    async def story(house: Wired, deciding: Deciding) -> None:
        (session,) = await let_in(house, 1)
        at = house.clock().wall + 1
        await house.book.write([Gone(id=session.id, phase=Phase.AGED, at=at, cause="a test")])
        house.knows(1, "noncompliant")
        await deciding.decide([house.session(session.id)], "verdict")
        wish = house.session(session.id).wish
        assert isinstance(wish, Pending)
        assert wish.wanted.profile == "quarantine"
        house.knows(1, "compliant")
        await deciding.decide([house.session(session.id)], "verdict")
        assert house.session(session.id).wish == Settled()
        assert house.session(session.id).phase is Phase.AGED

    decided(tmp_path, story, mute=("sw",))


def test_words_for_those_that_are_over_or_not_ours(tmp_path: Path) -> None:
    async def story(house: Wired, deciding: Deciding) -> None:
        ended, ours = await let_in(house, 2)
        now = house.clock().wall + 1
        await house.book.write([Gone(id=ended.id, phase=Phase.ENDED, at=now, cause="a test")])
        foreign = (await house.account(9, "A9", "start")).session
        assert isinstance(foreign, Session)
        lost = replace(ours, grounds=NotOurs())
        sessions = [house.session(ended.id), foreign, lost]
        assert [words for _, words in await deciding.decide(sessions, "round")] == [
            "it is ended",
            "nacd did not let it in",
            "nacd does not know what it was let in for",
        ]

    decided(tmp_path, story)


# -- verdicts ---------------------------------------------------------------------------------------


def test_news_counts_before_memory_unless_memory_is_newer(tmp_path: Path) -> None:
    async def story(house: Wired, deciding: Deciding) -> None:
        (session,) = await let_in(house, 1)
        device, now = (TENANT, f"guid:{guid(1)}"), house.clock().wall
        old = {device: compliance("noncompliant", now - 60)}
        assert await deciding.decide([session], "verdict", old) == ((session.id, "profile `corporate` stays"),)
        new = {device: compliance("noncompliant", now + 1)}
        assert await deciding.decide([session], "verdict", new) == ((session.id, "profile `quarantine` is wanted"),)

    decided(tmp_path, story)


def test_while_the_inventory_cannot_be_read_whoever_was_let_in_by_it_stays(tmp_path: Path) -> None:
    async def story(house: Wired, deciding: Deciding) -> None:
        (read,) = await let_in(house, 1)
        listed = replace(
            read,
            grounds=replace(house.grounds(1), inventory=("any",)),
            standing=replace(house.standing(house.grounds(1)), profile="guests", rule="listed"),
        )
        for unread, profile in ((True, "guests"), (False, "corporate")):
            house.orders.inventory.unread = unread
            made = deciding.would(listed, house.knows(1, "compliant"), NO_OVERRIDE, house.clock().wall)
            assert isinstance(made, Reassessed)
            assert made.wanted.profile == profile

    rule = "rules:\n  - {name: listed, when: {access: dot1x, inventory: any}, then: guests}\n"
    decided(tmp_path, story, policy=POLICY.replace("rules:\n", rule))


def test_what_lies_on_the_disk_alone_is_recalled(tmp_path: Path) -> None:
    async def story(house: Wired, deciding: Deciding) -> None:
        sessions = await let_in(house, 60)
        for device in range(1, 61):
            house.memory.on_disk[TENANT, f"guid:{guid(device)}"] = compliance("noncompliant", house.clock().wall)
        house.memory.known.clear()
        await deciding.decide(sessions, "round")
        assert {wanted(house, each).profile for each in sessions} == {"quarantine"}

    decided(tmp_path, story)


def test_where_nobody_knows_anything_the_verdict_it_was_let_in_with_counts(tmp_path: Path) -> None:
    """An outage is no news: neither about who was let in before it, nor about who was let in by its rule."""
    policy = POLICY + "  - {name: outage, when: {access: dot1x, compliance: unavailable}, then: guests}\n"

    async def story(house: Wired, deciding: Deciding) -> None:
        before, *_ = await let_in(house, 1)
        outage = compliance("unavailable", house.clock().wall, "none")
        during = (await house.login(2, "A2", known=outage)).session
        assert isinstance(during, Session)
        house.memory.known.clear()
        house.memory.troubled.add(TENANT)
        told = await deciding.decide([before, during], "round")
        assert [words for _, words in told] == ["profile `corporate` stays", "profile `guests` stays"]
        house.verdict(1, "unavailable")
        assert house.loop.status(house.clock()).queued == 0

    decided(tmp_path, story, policy=policy)


def test_a_verdict_that_has_grown_old_is_another_verdict(tmp_path: Path) -> None:
    policy = POLICY.replace(
        "rules:\n", "rules:\n  - {name: old, when: {access: dot1x, compliance_age: {over: 1h}}, then: guests}\n"
    )

    async def story(house: Wired, deciding: Deciding) -> None:
        (session,) = await let_in(house, 1)
        house.clock.ahead_s += 3_500
        assert await deciding.decide([session], "round") == ((session.id, "profile `corporate` stays"),)
        house.clock.ahead_s += 101
        assert await deciding.decide([session], "round") == ((session.id, "profile `guests` is wanted"),)
        assert wanted(house, session).rule == "old"

    decided(tmp_path, story, policy=policy)


# -- what goes wrong --------------------------------------------------------------------------------


def test_while_the_disk_takes_nothing_nobody_is_asked_and_that_is_what_is_told(tmp_path: Path) -> None:
    async def story(house: Wired, deciding: Deciding) -> None:
        sessions = await let_in(house, 2)
        house.knows(1, "noncompliant")
        house.knows(2, "noncompliant")
        house.store.close()
        told = await deciding.decide(sessions, "verdict")
        assert all(words.startswith("the disk takes nothing: ") for _, words in told)
        assert house.loop.status(house.clock()).climbs == {}
        assert house.switches["sw"].heard == []

    decided(tmp_path, story)


def test_a_session_that_was_forgotten_meanwhile_is_not_blamed_on_the_disk(tmp_path: Path) -> None:
    async def story(house: Wired, deciding: Deciding) -> None:
        (session,) = await let_in(house, 1)
        house.knows(1, "noncompliant")
        gone = replace(session, id=999)
        assert await deciding.decide([gone], "verdict") == ((999, "there is no such session"),)
        assert house.loop.status(house.clock()).climbs == {}

    decided(tmp_path, story)


def test_what_is_broken_off_does_not_look_as_if_it_were_on_its_way(tmp_path: Path) -> None:
    async def story(house: Wired, deciding: Deciding) -> None:
        (session,) = await let_in(house, 1)
        house.knows(1, "noncompliant")
        task = asyncio.get_running_loop().create_task(deciding.decide([session], "verdict"))
        for _ in range(20):
            await asyncio.sleep(0)
            if house.loop.status(house.clock()).climbs:
                break
        assert not task.done()
        task.cancel()
        await asyncio.wait({task})
        assert house.loop.status(house.clock()).climbs == {}
        told = await deciding.decide([session], "round")
        assert told == ((session.id, "profile `quarantine` is wanted"),)
        assert house.loop.status(house.clock()).climbs != {}

    decided(tmp_path, story)
