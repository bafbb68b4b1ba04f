"""The overload scenarios, small: only what holds on any machine is asserted, which is counts and no times."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tools.scenarios import hanging_intune, hostile_port, power_cut
from tools.scenarios.report import Report, percentile, record


def _unmet(report: Report) -> list[str]:
    return [check.words for check in report.checks if check.counted and not check.passed]


@pytest.fixture
def many_loopback_addresses() -> None:
    """Every switch has an address of its own in 127.0.0.0/8; Linux answers for all of them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.1.49.1", 0))


@pytest.mark.slow
@pytest.mark.usefixtures("many_loopback_addresses")
def test_everybody_who_returns_after_a_power_cut_gets_access() -> None:
    report = power_cut.run(power_cut.Options(scale=0.03, held_s=5.0))
    assert len(report.checks) == 3
    assert not _unmet(report), report


@pytest.mark.slow
@pytest.mark.usefixtures("many_loopback_addresses")
def test_a_port_that_floods_costs_nobody_else_a_login() -> None:
    options = hostile_port.Options(scale=0.05, rounds=1, flood=300.0, share=0.2, certificates=50)
    report = hostile_port.run(options)
    assert not _unmet(report), report


@pytest.mark.slow
@pytest.mark.usefixtures("many_loopback_addresses")
def test_lookups_that_hang_cost_nobody_else_a_reply() -> None:
    report = hanging_intune.run(hanging_intune.Options(scale=0.05, load=0.2, certificates=40))
    assert not _unmet(report), report


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert percentile([], 99) == 0.0
    assert percentile([7.0], 50) == 7.0
    hundred = [float(number) for number in range(1, 101)]
    assert percentile(hundred, 50) == 50.0
    assert percentile(hundred, 99) == 99.0
    assert percentile(hundred, 100) == 100.0


def test_a_second_run_takes_the_place_of_the_first_on_the_page(tmp_path: Path) -> None:
    page = tmp_path / "overload.md"
    for name, figure in (("power-cut", 1), ("hostile-port", 2), ("power-cut", 3)):
        report = Report(name=name, purpose="a trial")
        report.row("figure", figure)
        report.check("it is a figure", True)
        record(report, page)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Overload\n")
    assert text.count("## power-cut\n") == 1
    assert "| figure | 3 |" in text
    assert "| figure | 1 |" not in text
    assert "| figure | 2 |" in text
