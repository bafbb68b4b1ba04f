"""Figures for people: the table on the terminal and the page in docs.

Knows: medians, ratios of pairs, how to lay them out. Refuses to know: how anything was measured.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from tools.bench.audit import figures as of_audit
from tools.bench.cases import LINE, LINE_PYTHON, NACD, POOL, Case
from tools.bench.compliance import figures as of_compliance
from tools.bench.policy import figures as of_policies
from tools.bench.sessions import figures as of_sessions
from tools.bench.strain import Held, Latency

Samples = dict[str, list[float]]
"""Per side: CPU nanoseconds a request, one figure a round, in the order of the rounds."""

TARGETS: Mapping[str, tuple[tuple[str, float], ...]] = {
    "mab": ((POOL, 1.0), (LINE_PYTHON, 1.0), (LINE, 1.0)),
    "accounting": ((POOL, 1.0), (LINE_PYTHON, 1.0), (of_sessions.SQLITE_WAL, 1.0), (of_sessions.SQLITE_ROLLBACK, 1.0)),
    "tls": ((POOL, 0.7), (LINE_PYTHON, 0.7)),
}


@dataclass(slots=True, kw_only=True)
class Results:
    """All that was measured. resident: memory in octets by side, after the load; packets: a login, by kind and TLS.

    line_octets: of an audit line, by load and server. others: what other programs used of the machine, 0..1.
    again: whose runs were made anew, once for each.
    """

    rounds: int
    samples: dict[str, Samples] = field(default_factory=dict)
    cases: dict[str, Case] = field(default_factory=dict)
    latency: list[Latency] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    resident: dict[str, int] = field(default_factory=dict)
    packets: dict[str, list[float]] = field(default_factory=dict)
    line_octets: dict[str, dict[str, int]] = field(default_factory=dict)
    compliance: of_compliance.Compliance | None = None
    audit: of_audit.Audit | None = None
    policies: list[of_policies.Policy] = field(default_factory=list)
    sessions: of_sessions.Sessions | None = None
    others: float = 0.0
    again: list[str] = field(default_factory=list)

    def take(self, case: Case, side: str, cpu_ns: float) -> None:
        """One round's figure."""
        self.cases[case.name] = case
        self.samples.setdefault(case.name, {}).setdefault(side, []).append(cpu_ns)


def ratio(samples: Samples, side: str, other: str) -> float:
    """The median of the rounds' own ratios: a slow minute hits both sides of a pair."""
    pairs = zip(samples[side], samples[other], strict=True)
    return statistics.median(one / another for one, another in pairs)


def _us(ns: float) -> str:
    us = ns / 1000
    return f"{us:.0f}" if us >= 200 else f"{us:.1f}"


Table: TypeAlias = tuple[str, list[str], list[list[str]]]
"""Heading, columns, rows."""


def tables(results: Results) -> list[Table]:
    """Whatever was measured."""
    found: list[Table] = []
    if results.samples:
        columns = ["case", "side", "min", "median", "max", "nacd / side"]
        found.append(("CPU time of a request, microseconds", columns, _costs(results)))
    if results.latency:
        columns = ["load", "side", "of capacity", "per second", "p50", "p99", "p99.9"]
        columns += ["server p50", "p99", "p99.9", "lost", "sent late", "load's core busy"]
        found.append(("Latency, milliseconds", columns, [_latency(row) for row in results.latency]))
    if results.held or results.resident:
        columns = ["state", "side", "memory"]
        found.append(("Resident memory", columns, _memory(results)))
    if results.compliance is not None:
        found += of_compliance.tables(results.compliance)
    if results.audit is not None:
        found += of_audit.tables(results.audit)
    found += of_policies.tables(results.policies)
    if results.sessions is not None:
        found += of_sessions.tables(results.sessions)
    return found


def _latency(row: Latency) -> list[str]:
    figures = ["lost" if math.isinf(ms) else f"{ms:.2f}" for ms in (*row.whole_ms, *row.server_ms)]
    quality = [f"{row.lost} of {row.count:,}", f"{row.late_ms:.1f}", f"{row.generator:.0%}"]
    return [row.what, row.side, f"{row.share:.0%}", f"{row.rate:,.0f}", *figures, *quality]


def _memory(results: Results) -> list[list[str]]:
    rows = []
    for held in results.held:
        rows += [
            ["idle", held.side, _size(held.idle)],
            [f"a conversation that waits for ClientHello ({held.waiting:,})", held.side, _size(held.waiting_each)],
            [f"a conversation in its TLS handshake ({held.handshakes:,})", held.side, _size(held.handshake_each)],
        ]
    return sorted(rows) + [["after all this load", side, _size(octets)] for side, octets in results.resident.items()]


def _size(octets: float) -> str:
    return f"{octets / (1 << 20):.1f} MiB" if octets >= 1 << 20 else f"{octets / 1024:.1f} KiB"


def _costs(results: Results) -> list[list[str]]:
    """Case by case and side by side."""
    found = []
    for name, samples in results.samples.items():
        title = results.cases[name].title
        for side, figures in samples.items():
            against = "" if side == NACD or NACD not in samples else f"{ratio(samples, NACD, side):.2f}"
            low, middle, high = min(figures), statistics.median(figures), max(figures)
            found.append([title, side, _us(low), _us(middle), _us(high), against])
            title = ""
    return found


def targets(results: Results) -> list[str]:
    """What was to be reached, and whether it was."""
    lines = []
    for name, samples in results.samples.items():
        for side, wanted in TARGETS.get(name.split("-")[0], ()):
            if NACD in samples and side in samples:
                got = ratio(samples, NACD, side)
                verdict = "reached" if got <= wanted else "missed"
                lines.append(f"{results.cases[name].title}: nacd / {side} {got:.2f}, target {wanted:.1f}: {verdict}")
    return lines


def text_table(columns: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """For the terminal; all but the first two columns to the right."""
    widths = [max(len(row[place]) for row in (columns, *body)) for place in range(len(columns))]

    def line(row: Sequence[str]) -> str:
        cells = [
            cell.ljust(width) if place < 2 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    return "\n".join([line(columns), line(["-" * width for width in widths]), *(line(row) for row in body)])


def markdown_table(columns: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """For the page."""
    marks = ["---", "---", *["---:"] * (len(columns) - 2)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (columns, marks, *body))
