"""What a scenario found: measurements as a table, criteria as sentences with their verdict, on paper and on screen.

Knows: percentiles, tables, the page ``docs/overload.md``. Refuses to know: how anything was measured.
"""

from __future__ import annotations

import os
import platform
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

PAGE = """# Overload

How nacd behaves when more is asked than it can do. Each section is one scenario of `tools/scenarios/`, run
with `python -m tools.scenarios NAME --record docs/overload.md`, on the machine named in it, against a whole nacd
process over UDP; Intune is simulated. The figures are those of that one run.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One criterion. counted: it is about counts, and holds on any machine; else it is about time."""

    words: str
    passed: bool
    counted: bool = True


@dataclass(slots=True, kw_only=True)
class Report:
    """One run. table: rows of (what, figure ...) under ``columns``."""

    name: str
    purpose: str
    columns: tuple[str, ...] = ("", "measured")
    table: list[tuple[str, ...]] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every criterion is met."""
        return all(check.passed for check in self.checks)

    def row(self, what: str, *figures: object) -> None:
        """One line of the table."""
        self.table.append((what, *(str(figure) for figure in figures)))

    def check(self, words: str, passed: bool, *, counted: bool = True) -> None:
        """One criterion and whether it is met."""
        self.checks.append(Check(words=words, passed=passed, counted=counted))

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.purpose}", *_aligned([self.columns, *self.table])]
        lines += [f"  {'ok    ' if check.passed else 'FAILED'}  {check.words}" for check in self.checks]
        return "\n".join(lines)

    @property
    def markdown(self) -> str:
        """The section of the page."""
        lines = [f"## {self.name}", "", self.purpose, "", f"Measured on: {machine()}.", ""]
        width = len(self.columns)
        lines += [f"| {' | '.join(self.columns)} |", f"|{'---|' * width}"]
        lines += [f"| {' | '.join((*row, *[''] * (width - len(row))))} |" for row in self.table]
        lines += ["", *(f"- {'met' if check.passed else '**not met**'}: {check.words}" for check in self.checks)]
        return "\n".join(lines) + "\n"


def record(report: Report, page: Path) -> None:
    """Put the section into the page, in the place of an older one of the same name."""
    text = page.read_text(encoding="utf-8") if page.is_file() else PAGE
    sections = [part for part in re.split(r"(?m)^(?=## )", text) if not part.startswith(f"## {report.name}\n")]
    sections.append(report.markdown)
    page.write_text("\n\n".join(part.strip("\n") for part in sections) + "\n", encoding="utf-8")


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least ``percent`` of them do not exceed; 0.0 of none."""
    if not values:
        return 0.0
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, max(0, -(-int(len(ranked) * percent * 10) // 1000) - 1))]


def ms(seconds: float) -> str:
    """Seconds as milliseconds with what precision makes sense."""
    value = seconds * 1000
    return f"{value:,.1f} ms" if value < 100 else f"{value:,.0f} ms"


def spread(values: Sequence[float]) -> str:
    """p50, p99 and the maximum in words."""
    if not values:
        return "none"
    return f"p50 {ms(percentile(values, 50))}, p99 {ms(percentile(values, 99))}, max {ms(max(values))}"


def machine() -> str:
    """What it ran on: the figures mean little without."""
    model = "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    cores = len(os.sched_getaffinity(0))
    python = platform.python_version()
    return f"{cores} cores ({model}) for nacd, the load and Intune together; Python {python}, {ssl.OPENSSL_VERSION}"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths: dict[int, int] = {}
    for row in rows:
        for column, cell in enumerate(row):
            widths[column] = max(widths.get(column, 0), len(cell))
    return ["  " + "  ".join(cell.ljust(widths[column]) for column, cell in enumerate(row)).rstrip() for row in rows]
