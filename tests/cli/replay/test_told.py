"""`nacd explain --record`: then and now."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from nacd.cli.main import app
from nacd.values import AccessKind, Endpoint, MacAddress


@pytest.fixture
def explained(nacd: Any, config: Path) -> Callable[..., Any]:
    return lambda where, *words: nacd("explain", "--config", config, "--record", where, *words)


def test_both_sides_are_told_rule_by_rule(explained: Callable[..., Any], log: Path) -> None:
    done = explained(f"{log}:5")
    assert done.exit_code == 0
    assert "access.accept (A1001I)" in done.output
    assert "nas         `switch` (cisco-ios; groups wired)" in done.output
    assert "then        Access-Accept by rule `broken`, profile `quarantine` (policy " in done.output
    assert "the one in force)" in done.output
    assert "healthy       no: compliance is `noncompliant`, the rule wants `compliant`" in done.output
    assert "broken        matches: access is `dot1x`; compliance is `noncompliant`" in done.output
    assert "now         Access-Accept by rule `broken`, profile `quarantine`: the same answer" in done.output


def test_a_policy_that_has_changed_since_answers_otherwise(
    explained: Callable[..., Any], config: Path, log: Path
) -> None:
    policy = config.parent / "policy.yaml"
    policy.write_text(policy.read_text().replace("[noncompliant, unavailable]", "unavailable").replace("120", "121"))
    done = explained(f"{log}:5")
    assert "not the one in force, " in done.output
    assert "now         Access-Reject by rule `default-deny`: another answer" in done.output
    assert "Tunnel-Private-Group-Id:1 = 121 is sent" in explained(f"{log}:1").output


def test_a_record_can_come_through_a_pipe(config: Path, record: Callable[..., bytes]) -> None:
    words = ["explain", "--config", str(config), "--record", "-"]
    done = CliRunner().invoke(app, words, input=record())
    assert done.exit_code == 0
    assert "now         Access-Accept by rule `healthy`, profile `corporate`: the same answer" in done.output


def test_what_nobody_had_asked_is_not_made_up(
    explained: Callable[..., Any], config: Path, record: Callable[..., bytes]
) -> None:
    printer = "00-11-85-AA-BB-CC"
    log = config.parent / "audit.jsonl"
    log.write_bytes(record(access=AccessKind.MAB, identity=Endpoint(mac=MacAddress(printer)), mac=printer))
    (config.parent / "printers.csv").write_text("mac\n00-00-00-00-00-01\n")
    done = explained(f"{log}:1")
    assert done.exit_code == 1
    assert "now         it depends: rule `known mac` asks for compliance, and nobody had asked then" in done.output


def test_a_record_that_is_no_decision_says_what_it_is(explained: Callable[..., Any], log: Path) -> None:
    done = explained(f"{log}:11")
    assert done.exit_code == 1
    assert "then        nacd 1 started" in done.output
    assert "the policy is not asked: not about a decision" in done.output


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("{log}", "write FILE:LINE, as in"),
        ("{log}:0", "write FILE:LINE, as in"),
        ("{log}:99", "has no line 99"),
        ("{log}.not:1", "no such file"),
    ],
)
def test_what_cannot_be_found_is_told(explained: Callable[..., Any], log: Path, where: str, said: str) -> None:
    done = explained(where.format(log=log))
    assert done.exit_code == 1
    assert said in done.output


def test_garbage_is_no_record(explained: Callable[..., Any], config: Path) -> None:
    log = config.parent / "audit.jsonl"
    log.write_bytes(b"garbage\n")
    done = explained(f"{log}:1")
    assert done.exit_code == 1
    assert "not one JSON object on a line" in done.output


def test_a_record_stands_alone(explained: Callable[..., Any], log: Path) -> None:
    done = explained(f"{log}:1", "--nas", "switch")
    assert done.exit_code == 2
    assert "--record stands alone" in done.output
