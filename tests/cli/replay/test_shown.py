"""How counts are laid out."""

from __future__ import annotations

from pathlib import Path

import pytest

from nacd.cli.replay.shown import Report, as_json, tell
from nacd.replay.record import Cause
from nacd.replay.tally import Group, Tally
from nacd.server.assembly import Assembled


def report(tally: Tally, assembled: Assembled) -> Report:
    return Report(tally=tally, tried=assembled, files=(Path("audit.jsonl"),), since="")


def some(logins: int, *devices: str) -> Group:
    return Group(logins=logins, devices=set(devices))


def test_what_concerns_most_devices_comes_first_and_long_tables_are_cut(
    assembled: Assembled, capsys: pytest.CaptureFixture[str]
) -> None:
    tally = Tally(replayed=some(100, "a"), changed=some(50, "a"))
    tally.by_nas = {(f"n{number:02}", ""): some(number, "a") for number in range(30)}
    tally.by_nas["most", ""] = some(1, "a", "b")
    tell(report(tally, assembled))
    lines = capsys.readouterr().out.splitlines()
    start = lines.index("  by NAS")
    assert lines[start + 1].split() == ["`most`", "1", "login", "of", "2", "devices"]
    assert lines[start + 2].split()[0] == "`n29`"
    assert lines[start + 21] == "    and 11 more (--json has all)"
    assert len(as_json(report(tally, assembled))["by_nas"]) == 31


def test_a_policy_that_contradicts_itself_is_an_alarm(assembled: Assembled, capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally(replayed=some(3, "a"), verified=1, contradicted=2)
    tell(report(tally, assembled))
    assert "WRONG: the policy in force decides 2 of its own decisions otherwise" in capsys.readouterr().out


def test_what_was_never_the_policys_stands_apart_from_what_could_not_be_replayed(
    assembled: Assembled, capsys: pytest.CaptureFixture[str]
) -> None:
    tally = Tally(replayed=some(1, "a"))
    tally.aside[Cause.ORDERED, ""] = 7
    tell(report(tally, assembled))
    assert (
        "put aside   nothing that the policy decided\n          7  decided by a person's order"
        in capsys.readouterr().out
    )
    tally.aside[Cause.INCOMPLETE, "nas.groups"] = 5
    tell(report(tally, assembled))
    said = capsys.readouterr().out
    assert "put aside   5 logins that the policy decided" in said
    assert said.index("`nas.groups`") < said.index("a person's order")
