"""The page says what the markers say, and nothing of these tests escapes it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.conformance.gaps import NOT_YET
from tools import conformance

FOLDER = Path(__file__).parent
STANDARDS = (
    *(f"RFC {number}" for number in (2865, 2866, 2868, 2869, 3162, 3579, 3580, 4372, 5080, 5176, 5216)),
    *(f"RFC {number}" for number in (5997, 6929, 8044, 9190)),
    "CVE-2024-3596",
    "draft-ietf-radext-deprecating-radius",
)


def test_the_committed_page_is_that_of_the_markers_with_every_test_passed() -> None:
    """Otherwise: ``make conformance``."""
    rows = [*conformance.claimed(), *conformance.missing()]
    passed = {row.test: conformance.PASSED for row in rows}
    assert conformance.PAGE.read_text(encoding="utf-8") == conformance.page(rows, passed)


def test_every_test_of_a_standard_quotes_its_clause() -> None:
    without = []
    for path in sorted(FOLDER.glob("test_*.py")):
        if path == Path(__file__):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.FunctionDef)
                and node.name.startswith("test_")
                and not any(conformance.clauses(node))
            ):
                without.append(f"{path.name}::{node.name}")
    assert without == []


def test_each_standard_has_clauses_that_are_held() -> None:
    assert set(STANDARDS) <= {row.standard for row in conformance.claimed()}


def test_no_clause_is_both_held_and_missing_and_none_is_written_twice() -> None:
    rows = [*conformance.claimed(), *conformance.missing()]
    named = [(row.standard, row.section, row.requirement) for row in rows]
    assert sorted(named) == sorted(set(named))
    assert all(gap.reason.strip() for gap in NOT_YET)


def test_the_page_tells_a_failure_a_gap_and_a_difference() -> None:
    rows = [
        conformance.row("RFC 2865 section 10", "later", "a.py::test_a", ""),
        conformance.row("RFC 2865 section 5.3", "one | two", "a.py::test_b", "on purpose"),
        conformance.row("RFC 865 section 1", "never run", "a.py::test_c", ""),
        conformance.row("CVE-1 answers", "not there", "", "no time"),
    ]
    text = conformance.page(rows, {"a.py::test_a": "failed", "a.py::test_b": "passed"})
    assert [line for line in text.splitlines() if line.startswith(("##", "| 1", "| 5", "| a"))] == [
        "## RFC 865",
        "| 1 | never run | `a.py::test_c` | not run |",
        "## RFC 2865",
        "| 5.3 | one \\| two | `a.py::test_b` | passed; differs: on purpose |",
        "| 10 | later | `a.py::test_a` | failed |",
        "## CVE-1",
        "| answers | not there |  | gap: no time |",
    ]


def test_the_worst_outcome_of_a_test_with_parameters_counts() -> None:
    outcomes = conformance.Outcomes()
    for nodeid, outcome in (
        ("x/a.py::test_a[1]", "passed"),
        ("x/a.py::test_a[2]", "failed"),
        ("x/a.py::test_a[3]", "passed"),
    ):
        report = pytest.TestReport(nodeid, ("x/a.py", 1, ""), {}, outcome, None, "call")  # type: ignore[arg-type]
        outcomes.pytest_runtest_logreport(report)
    assert outcomes.of == {"a.py::test_a": "failed"}
