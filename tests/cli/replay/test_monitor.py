"""Monitor mode at the command line: what is tried, what would be enforced, what a record says."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from nacd.audit.line import line
from nacd.audit.monitor_events import monitored
from nacd.values import AuditEvent

CASE = """\
cases:
  - name: a laptop at fault
    given: {access: dot1x, nas: switch, identity: certificate, compliance: noncompliant}
    expect: {rule: broken, profile: quarantine, monitored: true}
"""


def until(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


@pytest.fixture
def watch(config: Path) -> Callable[[int], Path]:
    """The site's policy under a monitor of everywhere that ends so many days from now."""

    def write(days: int) -> Path:
        path = config.parent / "policy.yaml"
        text = path.read_text().replace("profiles:\n", "profiles:\n  open: {session_timeout: 1h}\n", 1)
        path.write_text(f'monitor: {{until: "{until(days)}", profile: open}}\n{text}')
        return path

    return write


@pytest.fixture
def watched_log(config: Path, record: Callable[..., bytes]) -> Path:
    """Four logins under a monitor, one of a device at fault."""
    path = config.parent / "audit.jsonl"
    path.write_bytes(
        b"".join(_watched(record(number=n, answer="compliant" if n else "noncompliant")) for n in range(4))
    )
    return path


def _watched(plain: bytes) -> bytes:
    fields = orjson.loads(plain)
    reply = fields["reply"]
    return line(
        monitored(
            AuditEvent(code=fields["code"], fields=fields),
            scope="everywhere",
            name="",
            until=2_000_000_000.0,
            profile="open",
            attributes=reply["attributes"],
            omitted=reply["omitted"],
            actions=(),
        )
    )


def test_cases_ask_what_is_decided_and_may_ask_whether_a_monitor_answers(
    nacd: Any, config: Path, watch: Callable[[int], Path]
) -> None:
    cases = config.parent / "policy-cases.yaml"
    cases.write_text(CASE)
    assert "a monitor is expected to answer, and none does" in nacd("test", "--config", config).output
    watch(30)
    done = nacd("test", "--config", config)
    assert done.exit_code == 0
    assert "rule `broken`, answered with `open` (monitor: everywhere)" in done.output
    assert "no case reaches:" in done.output
    cases.write_text(
        CASE.replace("noncompliant}", f'noncompliant, time: "{until(31)} 12:00"}}').replace("true", "false")
    )
    assert nacd("test", "--config", config).exit_code == 0
    found = json.loads(nacd("test", "--config", config, "--json").stdout)
    assert found["cases"][0]["monitored"] is False


def test_a_case_with_no_more_than_monitored_will_do_and_a_wrong_word_is_told(nacd: Any, config: Path) -> None:
    cases = config.parent / "policy-cases.yaml"
    cases.write_text(CASE.replace("rule: broken, profile: quarantine, monitored: true", "monitored: false"))
    assert nacd("test", "--config", config).exit_code == 0
    cases.write_text(CASE.replace("monitored: true", "monitor: true"))
    assert "write `monitored: true`" in nacd("test", "--config", config).output


def test_check_says_that_monitor_mode_is_on_where_and_until_when(
    nacd: Any, config: Path, watch: Callable[[int], Path]
) -> None:
    watch(30)
    done = nacd("check", "--config", config)
    assert done.exit_code == 0
    assert "policy.yaml:1:10: monitor mode everywhere until" in done.output
    assert "[monitor-on]" in done.output


def test_an_end_that_is_too_far_ahead_is_refused_at_its_place_and_one_that_has_passed_is_said(
    nacd: Any, config: Path, watch: Callable[[int], Path]
) -> None:
    path = watch(95)
    done = nacd("check", "--config", config)
    assert done.exit_code == 1
    assert "policy.yaml:1:18: monitor mode ends at most 90 days ahead" in done.output
    path.write_text(path.read_text().replace(until(95), until(-2)))
    done = nacd("check", "--config", config)
    assert done.exit_code == 0
    assert "monitor mode everywhere has ended on" in done.output


def test_whatif_compares_what_was_decided_and_says_what_enforcing_would_answer(
    nacd: Any, config: Path, watched_log: Path, changed_policy: Callable[[str, str], Path]
) -> None:
    same = nacd("whatif", "--config", config, "--policy", config.parent / "policy.yaml")
    assert same.exit_code == 0
    assert "verified: the policy in force makes all 4 of its decisions again" in same.output
    assert "monitored   4 logins of 4 devices: answered by a monitor; enforced, this policy would answer" in same.output
    assert "`open` -> `corporate`   3 logins of 3 devices" in same.output
    assert "`open` -> `quarantine`  1 login of 1 device" in same.output
    assert "`wired` -> `quarantine`  1 login of 1 device" in same.output
    stricter = changed_policy("[noncompliant, unavailable]", "unavailable")
    other = nacd("whatif", "--config", config, "--policy", stricter, "--json")
    assert other.exit_code == 1
    found = json.loads(other.stdout)
    assert found["changed"] == {"logins": 1, "devices": 1}
    assert found["monitored"] == {"logins": 4, "devices": 4}
    assert {"before": "open", "after": "refused", "logins": 1, "devices": 1} in found["enforced"]
    assert {"group": "wired", "after": "refused", "logins": 1, "devices": 1} in found["enforced_by_group"]


def test_a_policy_that_only_adds_a_monitor_changes_no_decision(
    nacd: Any, config: Path, log: Path, watch: Callable[[int], Path]
) -> None:
    watch(30)
    done = nacd("whatif", "--config", config, "--policy", config.parent / "policy.yaml")
    assert done.exit_code == 0
    assert "changes     none" in done.output


def test_one_record_says_what_was_decided_and_what_was_answered(nacd: Any, config: Path, watched_log: Path) -> None:
    done = nacd("explain", "--config", config, "--record", f"{watched_log}:1")
    assert done.exit_code == 0
    assert "access.monitored (A1007W)" in done.output
    assert "Access-Accept by rule `broken`, profile `quarantine`" in done.output
    assert (
        "answered    Access-Accept, profile `open`: monitor mode (everywhere, until 2033-05-18T03:33:20.000Z)"
        in done.output
    )
    assert "the same answer" in done.output


def test_explain_says_what_is_decided_and_that_a_monitor_answers(
    nacd: Any, config: Path, watch: Callable[[int], Path]
) -> None:
    watch(30)
    asked = ("--mac", "00-11-22-33-44-99", "--nas", "switch", "--compliance", "noncompliant")
    done = nacd("explain", "--config", config, *asked)
    assert "Access-Reject by rule `default-deny`" in done.output
    assert "everywhere, until" in done.output
    assert "`open`" in done.output
