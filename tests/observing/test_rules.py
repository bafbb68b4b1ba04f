"""The alerts: about metrics that there are, understood by Prometheus, told of in the documentation, and right."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from nacd.audit.catalogue import EVENTS
from tests.observing.known import labels_of, metrics_in, unknown

HOME = Path(__file__).resolve().parents[2]
RULES = HOME / "config" / "prometheus" / "nacd.rules.yml"
PAGE = (HOME / "docs" / "alerts.md").read_text(encoding="utf-8")
CASES = Path(__file__).with_name("rules.test.yml")
MEASURES = {"value", "labels"}


def alerts() -> Iterator[dict[str, Any]]:
    for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]:
        yield from group["rules"]


EVERY = {rule["alert"]: rule for rule in alerts()}


@pytest.mark.peer
def test_promtool_finds_nothing_to_complain_of(peer: Callable[[str], Any]) -> None:
    judged = peer("promtool").run(["check", "rules", RULES])
    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert f"SUCCESS: {len(EVERY)} rules found" in judged.stdout


@pytest.mark.peer
def test_the_important_ones_fire_when_they_should_and_only_then(peer: Callable[[str], Any], tmp_path: Path) -> None:
    for file in (RULES, CASES):
        shutil.copy(file, tmp_path)
    promtool = peer("promtool")
    judged = promtool.run(["test", "rules", CASES.name], cwd=tmp_path)
    assert (judged.returncode, "SUCCESS" in judged.stdout) == (0, True), judged.stdout + judged.stderr
    # A rule that is never true: the same cases have to notice.
    copied = tmp_path / RULES.name
    copied.write_text(copied.read_text(encoding="utf-8").replace("nacd_guard_held == 1", "nacd_guard_held == 2"))
    assert promtool.run(["test", "rules", CASES.name], cwd=tmp_path).returncode != 0


@pytest.mark.parametrize("name", EVERY)
def test_an_alert_says_how_bad_it_is_and_what_to_do(name: str) -> None:
    rule = EVERY[name]
    assert re.fullmatch(r"Nacd([A-Z][a-z]+)+", name)
    assert set(rule) - {"for"} == {"alert", "expr", "labels", "annotations"}
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    notes = rule["annotations"]
    assert set(notes) == {"summary", "description", "runbook"}
    assert len(notes["summary"]) < 120
    assert len(notes["description"].split()) >= 6


@pytest.mark.parametrize("name", EVERY)
def test_an_alert_is_about_metrics_and_labels_that_there_are(name: str) -> None:
    rule = EVERY[name]
    assert unknown(rule["expr"]) == []
    told = " ".join(rule["annotations"].values())
    possible = {label for metric in metrics_in(rule["expr"]) for label in labels_of(metric)}
    assert set(re.findall(r"\$labels\.([a-z_]+)", told)) <= possible
    assert set(re.findall(r"\$([a-z]+)", told)) <= MEASURES


def test_every_alert_has_its_section_and_every_section_its_alert() -> None:
    sections = re.findall(r"^### (\w+)\n\n(\w+),? ?(?:after (\w+)|at once)\.$", PAGE, re.MULTILINE)
    told = {name: (severity.lower(), after) for name, severity, after in sections}
    assert told == {name: (rule["labels"]["severity"], rule.get("for", "")) for name, rule in EVERY.items()}
    for name, rule in EVERY.items():
        assert rule["annotations"]["runbook"] == f"docs/alerts.md#{name.lower()}"
    assert set(re.findall(r"\]\(#(\w+)\)", PAGE)) <= {name.lower() for name in EVERY}


def test_the_page_names_events_that_there_are() -> None:
    known = {event.name for event in EVENTS.values()}
    named = set(re.findall(r"--event '?([a-z_.*]+)", PAGE))
    assert "service.bug" in named
    assert {each for each in named if each not in known and not each.endswith("*")} == set()
