"""What is measured of verdicts is measured, told and judged by its limits. No speed is asserted."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tools.bench.compliance import devices, figures, restart
from tools.bench.compliance.figures import Compliance, Decisions, Known, Memory, Restart, SlowIntune

HOME = Path(__file__).resolve().parents[2]

SLOW = SlowIntune(
    rate=200.0,
    seconds=20.0,
    latency_s=2.0,
    devices=4_000,
    probes=2_000,
    alone_ms=(0.2, 1.0, 2.0),
    beside_ms=(0.3, 5.5, 9.0),
    answered_s=(2.0, 2.001, 2.05),
    unavailable=4_000,
    compliant=0,
    at_deadline=4_000,
    refused=0,
    missing=0,
    wrong=0,
    asked=180,
    late=180,
    known=180,
    forgotten=0,
    cpu=0.25,
    own_late_ms=1.5,
)
ALL = Compliance(
    memory=[Memory(provider="nac", verdicts=1_000_000, before=40_000_000, octets=250_000_000)],
    known=[Known(provider="nac", among=1, held=1_000_000, median_ns=300.0, p99_ns=900.0)],
    decisions=Decisions(with_verdict=[70_000.0, 90_000.0, 75_000.0], without=[60_000.0, 70_000.0, 64_000.0]),
    restarts=[Restart(what="from disk", rows=1_000_000, seconds=[0.6, 0.9, 0.7], limited=True)],
    slow=SLOW,
    cold_by="the kernel forgot",
)


def verdicts(found: Compliance) -> list[str]:
    """The last column of every row that has one."""
    return [row[-1] for _, _, rows in figures.tables(found) for row in rows if row[-1]]


def missed(found: Compliance) -> list[str]:
    """The first column of every row whose limit was missed."""
    return [row[0] for _, _, rows in figures.tables(found) for row in rows if row[-1] == "MISSED"]


def test_what_meets_every_limit_is_told_to_be_ok() -> None:
    assert set(verdicts(ALL)) == {"ok"}
    assert len(verdicts(ALL)) == 8


@pytest.mark.parametrize(
    ("worse", "what"),
    [
        ({"memory": [replace(ALL.memory[0], octets=600_000_001)]}, "memory, by NAC 2.0"),
        ({"memory": [replace(ALL.memory[0], verdicts=1_000, octets=600_001)]}, "memory, by NAC 2.0"),
        ({"known": [replace(ALL.known[0], median_ns=5_001.0)]}, "cached lookup, nac"),
        ({"restarts": [replace(ALL.restarts[0], seconds=[0.6, 2.1, 0.6])]}, "from disk"),
        ({"slow": replace(SLOW, beside_ms=(0.3, 21.0, 30.0))}, "the loop's added delay at p99"),
        ({"slow": replace(SLOW, beside_ms=(0.3, float("inf"), float("inf")))}, "the loop's added delay at p99"),
        ({"slow": replace(SLOW, missing=1)}, "replies missing; wrong"),
        ({"slow": replace(SLOW, wrong=1)}, "replies missing; wrong"),
        ({"slow": replace(SLOW, answered_s=(2.0, 2.0, 2.2))}, "answer after: earliest, median, latest"),
        (
            {"slow": replace(SLOW, forgotten=1)},
            "late answers kept; devices asked about that are known afterwards; and forgotten",
        ),
        (
            {"slow": replace(SLOW, late=0)},
            "late answers kept; devices asked about that are known afterwards; and forgotten",
        ),
    ],
)
def test_a_limit_that_is_missed_is_said_in_its_row(worse: dict[str, Any], what: str) -> None:
    assert missed(replace(ALL, **worse)) == [what]


def test_somebody_turned_away_before_the_deadline_misses_it() -> None:
    assert len(missed(replace(ALL, slow=replace(SLOW, refused=1)))) == 1
    assert len(missed(replace(ALL, slow=replace(SLOW, unavailable=3_999)))) == 1


def test_what_a_verdict_adds_is_the_median_of_the_rounds_own_differences() -> None:
    assert ALL.decisions is not None
    assert ALL.decisions.added_ns() == 11_000.0


def test_what_was_not_measured_has_neither_table_nor_note() -> None:
    assert list(figures.tables(Compliance())) == []
    assert list(figures.notes(Compliance())) == []
    assert list(figures.notes(None)) == []


def test_devices_are_different_and_the_same_each_time() -> None:
    many = [devices.guid(number) for number in range(20_000)]
    assert len(set(many)) == 20_000
    assert many[7] == devices.guid(7)
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", each) for each in many)
    macs = [make(number) for make in (devices.listed_mac, devices.managed_mac) for number in range(2_000)]
    assert len(set(macs)) == 4_000


def test_the_kernel_forgets_a_file_and_it_is_there_all_the_same(tmp_path: Path) -> None:
    file = tmp_path / "rows"
    file.write_bytes(os.urandom(1 << 20))
    before = file.read_bytes()
    assert "database alone" in restart.make_cold(tmp_path, whole_machine=False)
    assert file.read_bytes() == before


def test_a_million_would_be_weighed_and_looked_up_in_a_process_of_its_own() -> None:
    for provider in ("nac", "graph"):
        words = [sys.executable, "-m", "tools.bench.compliance.inside", provider, "3000", "2"]
        said = json.loads(subprocess.run(words, cwd=HOME, capture_output=True, check=True, timeout=60).stdout)
        assert said["octets"] > 0
        assert {among: len(took) for among, took in said["lookup_ns"].items()} == {"1": 2, "1000": 2, "3000": 2}
