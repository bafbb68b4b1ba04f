"""A reload that is under way when nacd stops."""

from __future__ import annotations

import asyncio

import pytest

from nacd.eap.conversation import Ongoing
from nacd.server.assembly import Assembled
from nacd.server.clock import instant, random_octets
from nacd.server.lookups import building
from nacd.server.reload import generation
from nacd.server.reload.generation import Shared
from nacd.server.reload.in_force import InForce
from nacd.server.reload.preparing import Files
from nacd.server.reload.reloader import Refused, Reloader
from nacd.server.shadow.loading import Found
from nacd.values import AuditEvent
from tests.server.house import Site


class Around:
    """Whoever a reload tells of it."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def renew(self, assembled: Assembled) -> None:
        self.told.append("renewed")

    async def renewed(self) -> None:
        self.told.append("learnt")

    def count_policy(self, assembled: Assembled, *, tried_out: bool = False) -> None:
        self.told.append("counted")

    def look_at_all(self) -> None:
        self.told.append("looked")

    def adopt(self, found: Found) -> None:
        self.told.append("adopted")

    def must_take(self, event: AuditEvent) -> None:
        self.told.append(event.code)


def test_what_is_prepared_when_nacd_stops_does_not_come_into_force(site: Site) -> None:
    async def story() -> None:
        before = site.assemble()
        asking = building.build(before, instant, report=lambda _: None)
        shared = Shared(ongoing=Ongoing(), random=random_octets)
        in_force = InForce(generation.build(before, shared), shared.ongoing)
        files = Files(config=site.config, allow_demo=True, shared=shared, asking=asking, clock=instant)
        around = Around()
        reloader = Reloader(files, in_force, asking, around, around, around, instant)
        under_way = asyncio.ensure_future(reloader.reload("somebody"))
        while not reloader.busy:  # noqa: ASYNC110  it is in its thread by then, or will be
            await asyncio.sleep(0)
        reloader.close()
        with pytest.raises(Refused, match="stopping"):
            await asyncio.wait_for(under_way, 20)
        reloader.hang_up()
        with pytest.raises(Refused, match="stopping"):
            await asyncio.wait_for(reloader.reload("somebody else"), 20)
        assert (in_force.current.number, around.told) == (1, [])
        await asking.lookups.close()
        asking.store.close()

    asyncio.run(story())
