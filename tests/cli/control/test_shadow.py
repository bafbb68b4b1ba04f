"""`nacd shadow` at a real socket."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from nacd.cli.main import app
from nacd.replay.candidate import Candidate
from nacd.server.control import SOCKET_NAME
from nacd.server.shadow.loading import NO_SHADOW
from nacd.server.shadow.orders import commands
from nacd.values import AccessKind
from tests.replay.test_candidate import LIVE, USUAL, policy
from tests.server.shadow.bench import Bench, Slow, faulty, ready
from tests.server.shadow.conftest import bench, login, said

__all__ = ["bench", "login", "said"]
Ask = Callable[..., Any]


@pytest.fixture
def ask(bench: Bench, door: Any) -> Ask:
    """``ask("report")`` of a daemon that has this shadow."""
    state = door(commands(bench.shadow))

    def give(*words: str) -> Any:
        return CliRunner().invoke(app, ["shadow", *words, "--socket", str(state / SOCKET_NAME)])

    return give


def test_the_report_says_what_would_change_with_an_example(bench: Bench, ask: Ask) -> None:
    for answer in ("compliant", "noncompliant", "unavailable"):
        bench.decide(answer)
    bench.run()
    done = ask("report")
    lines = done.output.splitlines()
    assert done.exit_code == 0
    assert lines[0] == "shadow     next.yaml, policy open"
    assert "compared   3 decisions" in lines
    assert "same       1, 1 of them by another rule" in lines
    assert "different  2 (67 %)" in lines
    assert "left out   none" in lines
    table = lines[lines.index("by rule") + 1 :]
    assert table[0].split() == ["LIVE", "RULE", "SHADOW", "RULE", "FROM", "TO", "LOGINS", "DEVICES", "EXAMPLE"]
    assert table[1].split() == ["rest", "all", "quarantine", "corp", "2", "1", "00-11-22-33-44-55"]
    assert "  live    `quarantine` by rule `rest`: the rule matches everything" in lines
    assert "  shadow  `corp` by rule `all`: the rule matches everything" in lines


def test_the_report_is_one_json_document(bench: Bench, ask: Ask) -> None:
    bench.decide()
    bench.run()
    told = json.loads(ask("report", "--json").output)
    assert (told["state"], told["different"], told["by_group"][0]["group"]) == ("on", 1, "g1")


def test_what_is_left_out_is_told_with_the_rule_that_asks(bench: Bench, ask: Ask) -> None:
    bench.shadow.adopt(ready(Candidate(LIVE, USUAL, live_digest="live")))
    bench.shadow.take(bench.event(live=policy("live", ("all", (), "corp"))))
    bench.run()
    output = ask("report").output
    assert "left out   1" in output
    assert (
        "          1  the shadow asks for compliance (or groups), and nobody had asked: rule `good`"
        in output.splitlines()
    )


def test_a_long_table_is_cut_for_people_alone(bench: Bench, ask: Ask) -> None:
    for number in range(30):
        bench.decide(nas=f"n{number:02}")
    bench.run()
    output = ask("report").output
    assert "and 10 more rows (--json has all)" in output
    assert len(json.loads(ask("report", "--json").output)["by_nas"]) == 30


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (NO_SHADOW, "no shadow is configured: `shadow:` in nacd.yaml names the policy file to try"),
        (faulty(), "shadow  next.yaml is FAULTY, so there is none:\n  next.yaml:3:7: no"),
    ],
)
def test_without_a_shadow_the_report_says_why_and_fails(bench: Bench, ask: Ask, found: Any, told: str) -> None:
    bench.shadow.adopt(found)
    done = ask("report")
    assert (done.exit_code, done.output.strip()) == (1, told)


def test_one_that_was_switched_off_is_told_with_what_it_counted_before(bench: Bench, ask: Ask) -> None:
    slow = Slow(bench=bench)
    bench.shadow.adopt(ready(slow, digest="other"))
    bench.decide()
    bench.run()
    slow.raises = ZeroDivisionError()
    for _ in range(10):
        bench.decide()
    bench.run()
    done = ask("report")
    assert done.exit_code == 1
    assert "SWITCHED OFF: 10 errors in a row, the last ZeroDivisionError at bench.py" in done.output
    assert "different  1 (100 %)" in done.output
    assert "         10  an error in nacd itself" in done.output


def test_what_a_stranger_wrote_does_not_steer_the_terminal(bench: Bench, ask: Ask) -> None:
    bench.decide(access=AccessKind.MAB, user="\x1b[2Jboo")
    bench.run()
    output = ask("report").output
    assert "\x1b" not in output
    assert "?[2Jboo" in output


def test_reset_begins_anew(bench: Bench, ask: Ask) -> None:
    bench.decide()
    bench.run()
    done = ask("reset")
    assert (done.exit_code, done.output) == (0, "counted anew from now on; until now 1 of 1 were different\n")
    assert "compared   0 decisions" in ask("report").output


def test_where_nobody_listens_it_says_so(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["shadow", "report", "--socket", str(tmp_path / "nobody.sock")])
    assert done.exit_code == 3
