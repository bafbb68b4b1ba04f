"""Metrics of the inventory, and of endpoints that come by their MAC alone.

Knows: what is counted, and where it can be read. Refuses to know: any MAC.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from nacd.server.mab.building import Mab
from nacd.server.metrics.metric import Metric, Sample
from nacd.session.macs.managed import MANAGED

ENTRIES: Final = Metric(
    name="nacd_mab_inventory_entries",
    kind="gauge",
    meaning="Entries of the inventory, those that have run out too.",
)
STORE_OK: Final = Metric(
    name="nacd_mab_inventory_store_ok",
    kind="gauge",
    meaning="Whether entries can be kept on disk, 1 or 0.",
)
REFUSED: Final = Metric(
    name="nacd_mab_managed_refused_total",
    kind="counter",
    meaning="MAB requests that a rule would have let in, refused because nacd knows the MAC by a certificate.",
)
TWO_PORTS: Final = Metric(
    name="nacd_mab_two_ports_total",
    kind="counter",
    meaning="Times that one MAC was found on two ports at once by MAB.",
)
TABLE: Final = (ENTRIES, STORE_OK, REFUSED, TWO_PORTS)


def read(mab: Mab) -> Iterator[Sample]:
    """Every metric of ``TABLE``."""
    yield ENTRIES.sample(len(mab.orders.inventory))
    yield STORE_OK.sample(not mab.shelf.problem)
    yield REFUSED.sample(mab.orders.refused_above[MANAGED])
    yield TWO_PORTS.sample(mab.ports.alarms)
