"""What is measured of the audit log is measured, told and judged by its limits. No speed is asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tools.bench.audit import figures
from tools.bench.audit.figures import Audit, Decision, Down, Sustained

HOME = Path(__file__).resolve().parents[2]
DECISION = Decision(
    records=20_000, built=[4_000.0, 5_000.0, 4_500.0], written=[4_000.0, 4_900.0, 4_200.0], octets=2_233
)
SUSTAINED = Sustained(
    rate=20_000, seconds=60.0, records=1_200_000, behind_s=0.2, cpu=0.4, octets=2_600_000_000, files=11, whole=True
)
DOWN = Down(
    probes=24_000,
    rate=400.0,
    alone_ms=(0.3, 2.0, 5.0),
    down_ms=(0.3, 3.9, 9.0),
    missing=0,
    wrong=0,
    waiting=24_000,
)
ALL = Audit(decision=DECISION, sustained=[SUSTAINED], down=DOWN)


def missed(found: Audit) -> list[str]:
    """The first column of every row whose limit was missed."""
    return [row[0] for _, _, rows in figures.tables(found) for row in rows if row[-1] == "MISSED"]


def test_figures_within_their_limits_are_told_as_such() -> None:
    assert missed(ALL) == []
    (table,) = figures.tables(ALL)
    assert len([row for row in table[2] if row[-1] == "ok"]) == 3


@pytest.mark.parametrize(
    ("found", "what"),
    [
        (replace(ALL, decision=replace(DECISION, built=[6_000.0, 6_100.0, 6_200.0])), "CPU of a decision"),
        (replace(ALL, sustained=[replace(SUSTAINED, behind_s=1.5)]), "one writer"),
        (replace(ALL, sustained=[replace(SUSTAINED, whole=False)]), "one writer"),
        (replace(ALL, down=replace(DOWN, down_ms=(0.3, 4.1, 9.0))), "added at p99"),
        (replace(ALL, down=replace(DOWN, missing=1)), "added at p99"),
        (replace(ALL, down=replace(DOWN, waiting=0)), "added at p99"),
    ],
)
def test_whatever_is_past_its_limit_is_told_as_missed(found: Audit, what: str) -> None:
    (row,) = missed(found)
    assert row.startswith(what)


def test_nothing_is_told_of_what_was_not_measured() -> None:
    assert list(figures.tables(Audit())) == list(figures.notes(Audit())) == list(figures.notes(None)) == []


def test_a_process_of_its_own_writes_one_whole_chain(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "tools.bench.audit.inside", str(tmp_path), "80", "1", "0.1"]
    said = json.loads(subprocess.run(words, cwd=HOME, capture_output=True, check=True, text=True).stdout)
    assert said["sustained"]["whole"]
    assert said["sustained"]["records"] == 2_000
    assert len(said["decision"]["built"]) == len(said["decision"]["written"]) == 1
    assert said["decision"]["octets"] > 1_500
