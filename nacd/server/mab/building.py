"""From a configuration to everybody who minds endpoints that come by their MAC alone.

Knows: who is made of what, and in which file the inventory lies. Refuses to know: requests, and what an entry is good
for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nacd.server.assembly import Assembled
from nacd.server.log import logger
from nacd.server.lookups.threads import Threads
from nacd.server.mab.ports import Ports
from nacd.server.mab.watch import Decides, Watch
from nacd.server.people.inventorying import Keeping
from nacd.server.recorder import Recorder
from nacd.server.sessions.book import Book
from nacd.session.macs.managed import ManagedMacs
from nacd.session.overrides import Orders
from nacd.store.live.inventory import NAME, InventoryFile
from nacd.values import Instant


@dataclass(slots=True, eq=False, kw_only=True)
class Mab:
    """Everybody. keeping: what the orders of people about the inventory need. managed: by the newest configuration."""

    keeping: Keeping
    watch: Watch
    ports: Ports
    shelf: InventoryFile
    orders: Orders
    managed: ManagedMacs
    reading: asyncio.Task[None] | None = None

    def renew(self, assembled: Assembled) -> None:
        """Go by this configuration from now on."""
        self.managed = guard(assembled, self.orders)
        self.ports.alarm = assembled.loaded.settings.mab.two_ports == "alarm"
        self.ports.shared = assembled.identity_rules.shared_macs

    def tick(self, now: Instant) -> None:
        """Once a second or so."""
        if self.orders.inventory.unread and (self.reading is None or self.reading.done()):
            self.reading = asyncio.get_running_loop().create_task(self._read(now), name="reading the inventory")
        self.watch.tick(now)
        self.ports.tick(now)

    async def close(self) -> None:
        """Decide nothing more, close the file."""
        if self.reading is not None:
            self.reading.cancel()
            await asyncio.wait({self.reading})
        await self.watch.close()
        await self.ports.close()
        self.shelf.close()

    async def _read(self, now: Instant) -> None:
        """What could not be read at the start, but for what was entered since."""
        inventory = self.orders.inventory
        async with self.keeping.one_at_a_time:
            found = await self.keeping.in_thread(self.shelf.entries)
            if found is None:
                return
            inventory.load([*found, *inventory.entries()], now.wall)
            inventory.unread = False
        self.watch.changed(each.mac for each in found)


def build(
    assembled: Assembled,
    book: Book,
    orders: Orders,
    decide: Decides,
    recorder: Recorder,
    clock: Callable[[], Instant],
) -> Mab:
    """All of it; the inventory of ``orders`` is filled from the disk. Listens to the book from now on. To be called on
    the event loop."""
    inventory = orders.inventory
    path = Path(assembled.loaded.settings.state) / NAME
    shelf = InventoryFile(path, report=logger("inventory").warning, held=inventory.entries)
    found = shelf.entries()
    inventory.unread = found is None
    inventory.load(found or (), clock().wall)
    watch = Watch(
        inventory=inventory,
        read=book.read,
        decide=decide,
        record=lambda events: recorder.take(events, clock()),
        clock=clock,
    )
    ports = Ports(read=book.read, recorder=recorder, shared=frozenset())
    book.listen(ports.applied)

    def is_managed(mac: str, now: float) -> str:
        return built.managed.is_managed(mac, now)

    keeping = Keeping(
        inventory=inventory,
        shelf=shelf,
        managed=is_managed,
        changed=watch.changed,
        record=lambda events: recorder.take(events, clock()),
        clock=clock,
        in_thread=Threads(1, "inventory").run,
    )
    managed = guard(assembled, orders)
    built = Mab(keeping=keeping, watch=watch, ports=ports, shelf=shelf, orders=orders, managed=managed)
    built.renew(assembled)
    return built


def guard(assembled: Assembled, orders: Orders) -> ManagedMacs:
    """Who keeps managed devices from coming by MAB, by this configuration."""
    wanted = assembled.loaded.settings.mab
    return ManagedMacs(
        machines=orders.machines,
        inventory=orders.inventory,
        refuse=wanted.managed_devices == "refuse",
        for_s=wanted.managed_for.total_seconds(),
        counts=orders.refused_above,
    )
