"""Sessions decided again because of a person's order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nacd.server.sessions.loop.deciding import Deciding
from nacd.session.overrides import Override, OverrideEffect, SubjectKind
from nacd.sessions import Phase
from nacd.values import Effect
from tests.server.sessions.loop.decided import LOOSE, TIGHT, decided, let_in, wanted
from tests.server.sessions.wired import Wired, guid, play, wired


def order(effect: str, house: Wired, device: int = 1, profile: str = "", until_s: float = 0.0) -> Override:
    at = house.clock().wall
    return Override(
        id=device,
        subject_kind=SubjectKind.DEVICE,
        subject=guid(device),
        tenant="",
        effect=OverrideEffect(effect),
        profile=profile,
        reason="a test",
        by="anna",
        at=at,
        until=at + until_s if until_s else 0.0,
    )


def test_an_order_for_a_profile_that_its_nas_cannot_be_given_is_a_refusal_that_comes_about(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path, "sw", more=LOOSE) as house:
            rendered = {pair: each for pair, each in house.assembled.rendered.items() if pair[0] != "guests"}
            await house.restart(replace(house.assembled, rendered=rendered))
            (session,) = await let_in(house, 1)
            put = order("quarantine", house, profile="guests")
            house.orders.put(put)
            house.loop.overridden(put)
            await house.until(lambda: house.records("session.answered"))
            assert (wanted(house, session).effect, wanted(house, session).rule) == (Effect.DENY, "override-quarantine")
            # A login finds the same order, and is refused.
            house.knows(1, "not_managed")
            await house.login(1, "A1")
            await house.until(lambda: house.records("session.converged"))
            assert house.session(session.id).phase is Phase.ENDED

    play(story)


def test_an_order_can_be_given_by_the_vendor_that_the_nas_has_now(tmp_path: Path) -> None:
    async def story(house: Wired, deciding: Deciding) -> None:
        (session,) = await let_in(house, 1)
        grounds = house.grounds(1)
        before = replace(session, grounds=replace(grounds, nas=replace(grounds.nas, vendor="another-vendor")))
        house.orders.put(order("quarantine", house, profile="guests"))
        await deciding.decide([before], "override", ordered=True)
        assert wanted(house, session).profile == "guests"

    decided(tmp_path, story)


def test_the_end_of_orders_passes_the_guard_also_if_it_came_while_nobody_looked(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path, "sw", more=TIGHT) as house:
            for device in range(1, 6):
                put = order("allow", house, device, profile="guests", until_s=60)
                house.orders.put(put)
                kept = await house.book.read(lambda store, put=put: store.put_override(put))
                assert kept == put
                house.knows(device, "noncompliant")
                under = replace(
                    house.standing(house.grounds(device)), rule="override-allow", profile="guests", effect=Effect.ALLOW
                )
                house.standing = lambda *_, under=under: under  # type: ignore[method-assign]
                await house.login(device, f"A{device}")
                del house.standing  # type: ignore[method-assign]
            await house.quiet(0.1)
            assert house.switches["sw"].heard == []
            house.clock.ahead_s += 61
            await house.restart()
            await house.until(lambda: len(house.switches["sw"].heard) == 5)
            assert house.records("session.held") == []

    play(story)
