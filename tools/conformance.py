"""Write ``docs/conformance.md``: each clause of each standard, the test that holds it, and how the test ended.

Knows: the markers of ``tests/conformance`` (read with ``ast``), its gaps, and pytest's outcomes. Refuses to know:
what a clause means. The page holds no date and no duration, so that it changes only when conformance does.

    python tools/conformance.py           run the tests, write the page
    python tools/conformance.py --check   run the tests, exit 1 when the page says something else
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

HOME = Path(__file__).resolve().parent.parent
TESTS = HOME / "tests" / "conformance"
PAGE = HOME / "docs" / "conformance.md"

PASSED = "passed"
_NOT_RUN = "not run"
_ABOUT_THE_PAGE = "test_page.py"

_HEAD = """\
# Conformance

Every clause below is held by the named test of `tests/conformance`, which runs nacd's own code: whole, on loopback
sockets, or one room of it, always against packets and supplicants that share no code with it. *gap*: nacd does not do
it yet, and why. *differs*: nacd does something else on purpose; the test holds what it does.

Made by `make conformance`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the page. test: ``file::name``, empty for a gap. note: why it is a gap, or how nacd differs."""

    standard: str
    section: str
    requirement: str
    test: str
    note: str


def row(clause: str, requirement: str, test: str, note: str) -> Row:
    """``RFC 2865 section 3`` is section 3 of RFC 2865; of anything else the first word is the standard."""
    words = clause.split()
    cut = 2 if words[0] == "RFC" else 1
    section = " ".join(words[cut:]).removeprefix("section ")
    return Row(standard=" ".join(words[:cut]), section=section, requirement=requirement, test=test, note=note)


# -- what the tests claim ---------------------------------------------------------------------------


def claimed(folder: Path = TESTS) -> Iterator[Row]:
    """A row for each ``@pytest.mark.clause`` in the folder, file by file, top down."""
    for path in sorted(folder.glob("test_*.py")):
        for function in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(function, ast.FunctionDef):
                for call in clauses(function):
                    clause, requirement = (ast.literal_eval(argument) for argument in call.args)
                    named = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
                    yield row(clause, requirement, f"{path.name}::{function.name}", named.get("differs", ""))


def clauses(function: ast.FunctionDef) -> Iterator[ast.Call]:
    """The clause markers of one test."""
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.clause":
            yield decorator


def missing() -> Iterator[Row]:
    """A row for each gap."""
    if str(HOME) not in sys.path:
        sys.path.insert(0, str(HOME))
    from tests.conformance.gaps import NOT_YET

    for gap in NOT_YET:
        yield row(gap.clause, gap.requirement, "", gap.reason)


# -- the page ---------------------------------------------------------------------------------------


def page(rows: Iterable[Row], outcomes: Mapping[str, str]) -> str:
    """The whole page. outcomes: test -> ``passed`` or what else became of it."""
    ordered = sorted(rows, key=_place)
    gaps = sum(not each.test for each in ordered)
    lines = [_HEAD, f"{len(ordered)} clauses: {len(ordered) - gaps} held by a test, {gaps} gaps.", ""]
    for standard, group in groupby(ordered, key=lambda each: each.standard):
        lines += [f"## {standard}", "", "| section | requirement | test | result |", "|---|---|---|---|"]
        lines += [_line(each, outcomes) for each in group]
        lines.append("")
    return "\n".join(lines)


def _line(each: Row, outcomes: Mapping[str, str]) -> str:
    if not each.test:
        cells = [each.section, each.requirement, "", f"gap: {each.note}"]
    else:
        outcome = outcomes.get(each.test, _NOT_RUN)
        result = f"{outcome}; differs: {each.note}" if each.note else outcome
        cells = [each.section, each.requirement, f"`{each.test}`", result]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _place(each: Row) -> tuple[Any, ...]:
    """RFCs by number, then everything else by name; sections by their numbers; gaps last in their section."""
    words = each.standard.split()
    standard = (0, int(words[1]), "") if words[0] == "RFC" else (1, 0, each.standard)
    parts = each.section.split(".")
    section = tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else ()
    return (standard, section, each.section, not each.test)


# -- how the tests end ------------------------------------------------------------------------------


class Outcomes:
    """A pytest plugin: the worst that became of each test, over all its parameters."""

    def __init__(self) -> None:
        self.of: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called by pytest three times a test: set up, called, torn down."""
        if report.passed and report.when != "call":
            return
        path, _, name = report.nodeid.partition("::")
        test = f"{Path(path).name}::{name.partition('[')[0]}"
        if self.of.get(test, PASSED) == PASSED:
            self.of[test] = report.outcome


def run() -> tuple[int, Mapping[str, str]]:
    """Run the folder's tests; pytest's exit code and what became of each."""
    outcomes = Outcomes()
    words = ["-q", "-p", "no:cacheprovider", "--rootdir", str(HOME), f"--ignore={TESTS / _ABOUT_THE_PAGE}", str(TESTS)]
    code = pytest.main(words, plugins=[outcomes])
    return int(code), outcomes.of


def main() -> int:
    """0: all passed and the page is as it should be."""
    parser = argparse.ArgumentParser(description="conformance page")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the page is not up to date")
    check = parser.parse_args().check
    code, outcomes = run()
    text = page([*claimed(), *missing()], outcomes)
    if not check:
        PAGE.write_text(text, encoding="utf-8")
        return code
    if not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        print("docs/conformance.md is not what the tests say: run `make conformance`", file=sys.stderr)
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
