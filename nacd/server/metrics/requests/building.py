"""The counting of one daemon, by the names that its configuration gives to NASes.

Knows: under which group a NAS is counted. Refuses to know: what is counted.
"""

from __future__ import annotations

from nacd.server.metrics.requests.counting import Counting, GroupOf, Leaves, Waits
from nacd.server.reload.in_force import InForce
from nacd.values import Nas


def counting(in_force: InForce, waits: Waits, leaves: Leaves) -> Counting:
    """Nothing yet, of each NAS that there is. ``server.metrics_per_nas`` counts as of now."""
    assembled = in_force.current.assembled
    per_nas = assembled.loaded.settings.server.metrics_per_nas
    made = Counting(first_group(in_force), waits, leaves, per_nas=per_nas)
    for client in assembled.clients:
        made.know(client.nas)
    return made


def first_group(in_force: InForce) -> GroupOf:
    """A NAS counts in one group only, so that the groups add up: the first that ``groups`` names."""

    def found(nas: Nas) -> str:
        for client in in_force.current.assembled.loaded.settings.clients:
            if client.name == nas.name and nas.groups.issuperset(client.groups[:1]) and client.groups:
                return client.groups[0]
        return min(nas.groups, default="")

    return found
