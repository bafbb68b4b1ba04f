"""The dashboard: every panel asks for what there is. Grafana itself is in no Debian package, so what its JSON needs is
written down here, as Grafana 10's own export has it (schemaVersion 38).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.observing.known import metrics_in, unknown

HOME = Path(__file__).resolve().parents[2]
BOARD: dict[str, Any] = json.loads((HOME / "config" / "grafana" / "nacd.json").read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = BOARD["panels"]
ROWS = (*("Are users getting in?", "Why not?", "Intune", "Changes of sessions", "Audit and disk", "The process"),)
NEEDS = {
    "row": {"id", "type", "title", "collapsed", "gridPos", "panels"},
    **{
        kind: {"id", "type", "title", "description", "gridPos", "datasource", "targets", "fieldConfig", "options"}
        for kind in ("timeseries", "stat", "heatmap", "table")
    },
}
UNITS = {"reqps", "short", "s", "percent", "percentunit", "bytes", "wps"}
WIDTH = 24


def expressions() -> Iterator[tuple[str, str]]:
    for panel in PANELS:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for note in BOARD["annotations"]["list"]:
        yield note["name"], note["expr"]


def plain(expression: str) -> str:
    """As Prometheus gets it: Grafana puts in what is chosen."""
    return re.sub(r"\$(__rate_interval|instance|group)\b", lambda each: "5m" if "rate" in each[1] else ".*", expression)


def test_the_rows_tell_the_story_from_the_users_to_the_process() -> None:
    assert tuple(panel["title"] for panel in PANELS if panel["type"] == "row") == ROWS
    assert BOARD["title"] == BOARD["uid"] == "nacd"
    assert BOARD["schemaVersion"] == 38


def test_every_panel_has_what_grafana_needs() -> None:
    for panel in PANELS:
        assert NEEDS[panel["type"]] <= set(panel), panel["title"]
        for target in panel.get("targets", ()):
            assert {"refId", "datasource", "expr", "legendFormat"} <= set(target)
        if panel["type"] != "row":
            assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert panel["fieldConfig"]["defaults"].get("unit", "s") in UNITS
            assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    assert max(Counter(panel["id"] for panel in PANELS).values()) == 1
    titles = Counter(panel["title"] for panel in PANELS)
    assert max(titles.values()) == 1, titles.most_common(1)


def test_no_panel_lies_on_another_or_beside_the_board() -> None:
    taken: Counter[tuple[int, int]] = Counter()
    for panel in PANELS:
        place = panel["gridPos"]
        right, bottom = place["x"] + place["w"], place["y"] + place["h"]
        assert 0 <= place["x"] < right <= WIDTH
        taken.update((x, y) for x in range(place["x"], right) for y in range(place["y"], bottom))
    assert max(taken.values()) == 1
    assert len({y for _, y in taken}) == max(y for _, y in taken) + 1  # and no gap


@pytest.mark.parametrize(("title", "expression"), list(expressions()))
def test_a_panel_asks_for_what_there_is(title: str, expression: str) -> None:
    assert metrics_in(plain(expression)) != set() or "vector(0)" in expression, title
    assert unknown(plain(expression)) == []


def test_what_can_be_chosen_is_used_everywhere() -> None:
    names = {each["name"]: each for each in BOARD["templating"]["list"]}
    assert set(names) == {"datasource", "instance", "group"}
    for each in names.values():
        if each["type"] == "query":
            (metric,) = metrics_in(each["definition"])
            assert unknown(metric) == []
            assert each["definition"] == each["query"]["query"]
    for title, expression in expressions():
        assert "$instance" in expression or "ALERTS" in expression, title
        for metric in ("nacd_requests_total", "nacd_eap_failures_total"):
            assert (f"{metric}{{" in expression) <= ("$group" in expression), title


@pytest.mark.peer
def test_promtool_understands_every_expression(peer: Callable[[str], Any], tmp_path: Path) -> None:
    every = sorted({plain(expression) for _, expression in expressions()})
    rules = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(every)]
    file = tmp_path / "panels.json"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")
    judged = peer("promtool").run(["check", "rules", file])
    assert (judged.returncode, judged.stderr) == (0, "")
    assert f"SUCCESS: {len(every)} rules found" in judged.stdout


def test_every_kind_of_trouble_has_its_panel() -> None:
    shown = {metric for _, expression in expressions() for metric in metrics_in(expression)}
    assert len({each for each in shown if each.startswith("nacd_")}) > 50
