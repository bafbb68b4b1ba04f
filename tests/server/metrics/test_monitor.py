"""Monitor mode in numbers."""

from __future__ import annotations

from nacd.policy.monitor.scopes import NO_MONITORS, Monitor, Monitors, Scope
from nacd.server.metrics.monitor import ANSWERED, IN_FORCE, LEFT, Counts, read
from nacd.values import Instant

NOW = Instant(wall=1_000.0, monotonic=1.0)
WIDE = Monitor(scope=Scope.EVERYWHERE, until=1_060.0, profile="open")
OVER = Monitor(scope=Scope.GROUP, name="wifi", until=1_000.0, profile="open")


def numbers(monitors: Monitors, answered: Counts) -> dict[tuple[str, ...], float]:
    return {(each.metric.name, *each.labels): each.value for each in read(monitors, answered, NOW)}


def test_each_monitor_says_whether_it_is_on_how_long_and_how_many_it_answered() -> None:
    assert numbers(Monitors(all=(WIDE, OVER)), {(Scope.EVERYWHERE, ""): 3}) == {
        (IN_FORCE.name, "everywhere", ""): 1,
        (LEFT.name, "everywhere", ""): 60.0,
        (ANSWERED.name, "everywhere", ""): 3,
        (IN_FORCE.name, "group", "wifi"): 0,
        (LEFT.name, "group", "wifi"): 0.0,
        (ANSWERED.name, "group", "wifi"): 0,
    }


def test_a_counter_outlives_its_monitor() -> None:
    assert numbers(NO_MONITORS, {(Scope.RULE, "a"): 2}) == {(ANSWERED.name, "rule", "a"): 2}


def test_without_monitors_there_is_nothing() -> None:
    assert numbers(NO_MONITORS, {}) == {}
