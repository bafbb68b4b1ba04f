"""Monitor mode in numbers: where it is on, for how long, and how many were answered by it.

Knows: where each number stands. Refuses to know: devices. The labels are groups and rules that an admin has named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from nacd.policy.monitor.scopes import Monitors, Scope
from nacd.server.metrics.metric import Metric, Sample
from nacd.values import Instant

_LABELS = ("scope", "name")

IN_FORCE = Metric(
    name="nacd_monitor_in_force",
    kind="gauge",
    meaning="1 while a monitor of the policy is on, so that its decisions are not enforced; 0 when it has ended."
    " `scope` is `everywhere`, `group` or `rule`, `name` that of the group or rule. No series: the policy has none.",
    labels=_LABELS,
)
LEFT = Metric(
    name="nacd_monitor_left_seconds",
    kind="gauge",
    meaning="Until this monitor ends; 0 when it has.",
    labels=_LABELS,
)
ANSWERED = Metric(
    name="nacd_monitored_answers_total",
    kind="counter",
    meaning="Requests that were answered with the profile of a monitor, whatever was decided.",
    labels=_LABELS,
)

TABLE = (IN_FORCE, LEFT, ANSWERED)

Counts: TypeAlias = Mapping[tuple[Scope, str], int]


def read(monitors: Monitors, answered: Counts, now: Instant) -> Iterator[Sample]:
    """Every metric of ``TABLE``. answered: by scope and name, also of monitors that are not there any more."""
    for each in monitors.all:
        labels = (each.scope.value, each.name)
        yield IN_FORCE.sample(each.is_in_force(now.wall), *labels)
        yield LEFT.sample(max(0.0, each.until - now.wall), *labels)
    known = {(each.scope, each.name): 0 for each in monitors.all}
    for (scope, name), count in (known | dict(answered)).items():
        yield ANSWERED.sample(count, scope.value, name)
