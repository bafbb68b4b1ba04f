"""An order about a device, while the same machine is there by its MAC."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nacd.session.overrides import Override, OverrideEffect, SubjectKind
from nacd.sessions import Authorized, Names, Session
from nacd.values import AccessKind, Compliance, ComplianceSource, ComplianceState, Endpoint, MacAddress
from tests.server.sessions.wired import POLICY, TENANT, guid, mac, play, wired

BY_MAC = POLICY + "  - {name: by mac, when: {access: mab}, then: corporate}\n"


def test_a_block_of_a_device_ends_its_session_by_mac_at_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with wired(tmp_path, policy=BY_MAC) as house:
            proved = house.grounds(1)
            house.orders.machines.learn(AccessKind.DOT1X, proved.identity, mac(1), TENANT, house.clock().wall)
            grounds = replace(
                proved, access=AccessKind.MAB, identity=Endpoint(mac=MacAddress(mac(1))), key=f"mac:{mac(1)}"
            )
            asked = Compliance(state=ComplianceState.COMPLIANT, as_of=house.clock().wall, source=ComplianceSource.LIVE)
            change = Authorized(
                place=house.place(1),
                names=Names(acct_session_id="A1"),
                standing=house.standing(grounds, asked),
                grounds=grounds,
                at=house.clock().wall,
            )
            (applied,) = await house.book.write((change,))
            assert isinstance(applied.session, Session)
            order = Override(
                id=1,
                subject_kind=SubjectKind.DEVICE,
                subject=guid(1),
                tenant="",
                effect=OverrideEffect.BLOCK,
                profile="",
                reason="stolen",
                by="ada",
                at=house.clock().wall,
            )
            house.orders.put(order)
            house.loop.overridden(order)
            await house.until(lambda: house.records("session.change_wanted"))
            (wanted,) = house.records("session.change_wanted")
            assert (wanted["nacd_session"], wanted["change"]["trigger"]) == (applied.session.id, "override")

    play(story)
