"""Under which group a NAS is counted."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

from nacd.server.metrics.requests.building import counting, first_group
from nacd.server.metrics.requests.counting import NO_GROUP
from nacd.values import Nas
from tests.server.house import House, Site

NOBODY = cast(Any, SimpleNamespace())


def test_a_nas_counts_in_the_first_group_that_is_written(site: Site, build: Callable[..., House]) -> None:
    site.change("groups: [wired]", "groups: [zoo, wired, access]")
    house = build()
    group_of = first_group(house.in_force)
    switch = next(client.nas for client in house.in_force.current.assembled.clients if client.nas.name == "switch")
    assert group_of(switch) == "zoo"
    assert group_of(Nas(name="gone since", vendor="generic", groups=frozenset({"b", "a"}))) == "a"
    assert group_of(Nas(name="gone since", vendor="generic")) == ""


def test_every_group_has_numbers_from_the_start(house: House) -> None:
    counts = counting(house.in_force, NOBODY, NOBODY)
    assert {cell.group for cell in counts.cells} == {"wired", NO_GROUP}
    assert all(cell.nas == "" for cell in counts.cells)


def test_each_nas_has_them_where_that_is_asked_for(site: Site, build: Callable[..., House]) -> None:
    site.change("server: {", "server: {metrics_per_nas: true, ")
    house = build()
    assert {cell.nas for cell in counting(house.in_force, NOBODY, NOBODY).cells} == {"switch", "concentrator"}
