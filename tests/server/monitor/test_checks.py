"""What is said of monitor mode at the hour when a configuration is read."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from nacd.errors import ConfigError
from nacd.policy.monitor.scopes import Monitor, Scope
from nacd.server.assembly import assemble
from nacd.server.monitor.checks import MOST_DAYS, left
from nacd.values import Instant
from tests.config.conftest import Site

HEAD = "profiles:\n  open: {}\n"
RULES = "rules:\n  - {name: a, when: {access: mab}, then: open}\n"
DAY_S = 86_400.0


def at(text: str) -> Instant:
    return Instant(wall=datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp(), monotonic=1.0)


def notes(folder: Path, policy: str, now: Instant) -> list[str]:
    site = Site(folder)
    site.write("policy.yaml", policy)
    assembled = assemble(site.load(), now)
    return [str(each).replace(f"{folder}/", "") for each in assembled.notes if each.code.startswith("monitor-")]


def test_a_monitor_in_force_is_said_with_its_place_and_what_it_does(tmp_path: Path) -> None:
    policy = 'monitor: {until: "2026-12-31", profile: open}\n' + HEAD.replace("{}", "{session_timeout: 1h}") + RULES
    (said,) = notes(tmp_path, policy, at("2026-12-01"))
    assert said == (
        "policy.yaml:1:10: monitor mode everywhere until 2027-01-01 00:00 UTC (for 31 days): nothing is enforced, every"
        " decision is answered with profile `open`, also a refusal [monitor-on]"
    )


def test_one_that_has_ended_is_said_and_changes_nothing(tmp_path: Path) -> None:
    policy = HEAD + RULES.replace("open}", 'open, monitor: {until: "2026-12-31", profile: open}}')
    (said,) = notes(tmp_path, policy, at("2027-01-01"))
    assert said.startswith("policy.yaml:4:")
    assert "monitor mode of rule `a` has ended on 2027-01-01 00:00 UTC" in said


def test_no_more_than_ninety_days_ahead(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.write("policy.yaml", 'monitor: {until: "2026-12-31T00:00Z", profile: open}\n' + HEAD + RULES)
    loaded = site.load()
    edge = at("2026-12-31").wall - MOST_DAYS * DAY_S
    assert assemble(loaded, Instant(wall=edge, monotonic=1.0)).loaded is loaded
    with pytest.raises(ConfigError) as refused:
        assemble(loaded, Instant(wall=edge - 1, monotonic=1.0))
    (problem,) = refused.value.problems
    assert (problem.line, problem.column) == (1, 18)
    assert problem.message == (
        "monitor mode ends at most 90 days ahead, and this is 90 days: choose an earlier day, and put it off"
        " when it comes"
    )


def test_a_nas_that_cannot_be_asked_wants_sessions_that_end(tmp_path: Path) -> None:
    policy = 'monitor: {until: "2026-12-31", profile: open}\n' + HEAD + RULES
    said = notes(tmp_path, policy, at("2026-12-01"))
    assert len(said) == 2
    assert "NAS `sw` and 1 more cannot be asked to change a session (`dynauth`): give profile `open` a" in said[1]


def test_a_profile_that_a_nas_cannot_be_told_of_is_refused(tmp_path: Path) -> None:
    site = Site(tmp_path)
    policy = 'monitor: {enforce: [], until: "2026-12-31", profile: open}\nprofiles:\n  open: {sgt: 5}\n'
    site.write("policy.yaml", policy + RULES.replace("access: mab", "nas: sw"))
    with pytest.raises(ConfigError) as refused:
        assemble(site.change("vendor: cisco-asa", "vendor: mikrotik").load(), at("2026-12-01"))
    assert "the monitor (everywhere) gives it to NAS `vpn`" in str(refused.value)


@pytest.mark.parametrize(
    ("left_s", "words"),
    [(2 * DAY_S, "2 days"), (DAY_S, "1 day"), (7_300.0, "2 hours"), (61.0, "1 minute"), (1.0, "less than a minute")],
)
def test_how_long_is_left(left_s: float, words: str) -> None:
    monitor = Monitor(scope=Scope.EVERYWHERE, until=1_000_000.0, profile="open")
    assert left(monitor, 1_000_000.0 - left_s) == words
