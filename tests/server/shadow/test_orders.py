"""What people are told at the control socket."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from nacd.server.people.command import Asked
from nacd.server.people.roles import Person, Role
from nacd.server.shadow.loading import NO_SHADOW
from nacd.server.shadow.orders import commands, report
from tests.replay.conftest import GUID
from tests.server.shadow.bench import FIRST, Bench, Slow, faulty, ready


def give(bench: Bench, order: str) -> Any:
    async def write(_: object) -> None: ...

    asked = Asked(fields={}, by=Person(uid=0, user="root", role=Role.CONFIG), write=write)
    return asyncio.run(commands(bench.shadow)[order].work(asked))  # type: ignore[arg-type]


def test_reading_is_for_read_and_beginning_anew_for_config(bench: Bench) -> None:
    roles = {name: command.role for name, command in commands(bench.shadow).items()}
    assert roles == {"shadow.report": Role.READ, "shadow.reset": Role.CONFIG}


def test_the_report_says_since_when_what_and_how_much(bench: Bench) -> None:
    for answer in ("compliant", "noncompliant", "noncompliant"):
        bench.decide(answer)
    bench.run()
    told = give(bench, "shadow.report")
    assert told["state"] == "on"
    assert (told["file"], told["digest"], told["live_digest"]) == ("next.yaml", "open", "live")
    assert (told["since"], told["compared"], told["same"], told["different"]) == (FIRST, 3, 1, 2)
    assert told["same_by_another_rule"] == 1
    assert set(told["not_compared"]) == {
        "above_policy",
        "undecidable",
        "another_policy",
        "unreadable",
        "overflow",
        "error",
    }
    json.dumps(told)


def test_each_table_has_an_example_with_both_reasons(bench: Bench) -> None:
    bench.decide()
    bench.run()
    told = report(bench.shadow)
    (rule,) = told["by_rule"]
    assert {name: rule[name] for name in ("live_rule", "shadow_rule", "before", "after", "logins", "devices")} == {
        "live_rule": "rest",
        "shadow_rule": "all",
        "before": "quarantine",
        "after": "corp",
        "logins": 1,
        "devices": 1,
    }
    assert (told["by_group"][0]["group"], told["by_nas"][0]["nas"], told["by_location"]) == ("g1", "n1", [])
    example = rule["example"]
    assert (example["device"], example["mac"], example["nas"]) == (GUID, "00-11-22-33-44-55", "n1")
    assert example["live"] == {
        "effect": "allow",
        "rule": "rest",
        "profile": "quarantine",
        "reasons": ["the rule matches everything"],
    }
    assert example["shadow"]["profile"] == "corp"


def test_a_shadow_that_is_faulty_off_or_not_there_is_told_as_such(bench: Bench) -> None:
    bench.shadow.adopt(ready(Slow(bench=bench, raises=ZeroDivisionError())))
    for _ in range(10):
        bench.decide()
    bench.run()
    told = report(bench.shadow)
    assert (told["state"], told["why"][:18]) == ("off", "10 errors in a row")
    bench.shadow.adopt(faulty())
    assert report(bench.shadow)["problems"] == ["next.yaml:3:7: no"]
    assert report(bench.shadow)["state"] == "faulty"
    bench.shadow.adopt(NO_SHADOW)
    assert (report(bench.shadow)["state"], report(bench.shadow)["file"]) == ("none", "")


def test_every_state_has_the_same_names(bench: Bench) -> None:
    names = set(report(bench.shadow))
    for found in (faulty(), NO_SHADOW):
        bench.shadow.adopt(found)
        assert set(report(bench.shadow)) == names


def test_reset_says_what_was_counted_and_begins_anew(bench: Bench) -> None:
    bench.decide()
    bench.run()
    bench.now_s += 60.0
    assert give(bench, "shadow.reset") == {"compared": 1, "different": 1, "since": FIRST}
    told = report(bench.shadow)
    assert (told["compared"], told["different"], told["since"]) == (0, 0, bench.clock().wall)
