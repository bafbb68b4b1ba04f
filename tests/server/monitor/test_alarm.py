"""Reminders that monitor mode is on: at once, daily, and at the end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nacd.policy.monitor.scopes import NO_MONITORS, Monitor, Monitors, Scope
from nacd.server.monitor.alarm import EVERY_S, Alarm
from nacd.values import Instant

WIDE = Monitor(scope=Scope.EVERYWHERE, until=10 * EVERY_S, profile="open")
RULE = Monitor(scope=Scope.RULE, name="a", until=2 * EVERY_S, profile="open")


class Said:
    """What was warned of."""

    def __init__(self, *all: Monitor) -> None:
        self.monitors = Monitors(all=all)
        self.lines: list[tuple[str, dict[str, Any]]] = []
        self.alarm = Alarm(lambda: self.monitors, lambda each: 7, lambda text, **more: self.lines.append((text, more)))

    def at(self, seconds: float) -> list[str]:
        """What is new."""
        before = len(self.lines)
        self.alarm.tick(Instant(wall=seconds, monotonic=seconds))
        return [f"{text} ({more['scope']})" for text, more in self.lines[before:]]


ON = "monitor mode is on: decisions are not enforced"


def test_without_a_monitor_nothing_is_said() -> None:
    assert Said().at(1.0) == []


def test_at_the_start_and_once_a_day() -> None:
    said = Said(WIDE)
    assert said.at(1.0) == [f"{ON} (everywhere)"]
    assert said.at(2.0) == []
    assert said.at(EVERY_S) == []
    assert said.at(EVERY_S + 1.0) == [f"{ON} (everywhere)"]
    assert said.lines[0][1] == {
        "scope": "everywhere",
        "until": "1970-01-11 00:00 UTC",
        "left": "9 days",
        "profile": "open",
        "answered": 7,
    }


def test_its_end_is_said_once() -> None:
    said = Said(RULE)
    said.at(2 * EVERY_S - 1)
    assert said.at(2 * EVERY_S) == ["monitor mode has ended: what is decided is answered (rule `a`)"]
    assert said.at(2 * EVERY_S + 1) == []


def test_another_policy_counts_at_once() -> None:
    said = Said(WIDE)
    said.at(1.0)
    said.monitors = Monitors(all=(RULE,))
    assert said.at(2.0) == [f"{ON} (rule `a`)", "monitor mode was taken out: what is decided is answered (everywhere)"]
    said.monitors = NO_MONITORS
    assert said.at(3.0) == ["monitor mode was taken out: what is decided is answered (rule `a`)"]
    assert said.at(4.0) == []


def test_one_that_had_ended_before_the_start_is_no_alarm() -> None:
    assert Said(RULE).at(3 * EVERY_S) == []


def test_one_that_is_put_off_is_not_said_to_be_over() -> None:
    said = Said(WIDE)
    said.at(1.0)
    said.monitors = Monitors(all=(replace(WIDE, until=20 * EVERY_S),))
    assert said.at(2.0) == [f"{ON} (everywhere)"]
    assert said.at(20 * EVERY_S) == ["monitor mode has ended: what is decided is answered (everywhere)"]
