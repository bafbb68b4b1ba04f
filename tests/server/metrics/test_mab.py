"""What is measured of the inventory and of endpoints that come by MAB."""

from __future__ import annotations

from types import SimpleNamespace

from nacd.server.metrics.mab import TABLE, read
from nacd.session.macs.inventory import Entry
from nacd.session.macs.managed import MANAGED
from nacd.session.overrides import Orders


def test_every_metric_is_read_from_what_there_is() -> None:
    orders = Orders()
    orders.inventory.put(Entry(mac="00-11-85-AA-BB-CC", owner="o", reason="r", by="b", at=1.0))
    orders.refused_above[MANAGED] += 3
    mab = SimpleNamespace(orders=orders, shelf=SimpleNamespace(problem=""), ports=SimpleNamespace(alarms=2))
    found = {sample.metric: sample.value for sample in read(mab)}  # type: ignore[arg-type]
    assert [found[metric] for metric in TABLE] == [1, True, 3, 2]
