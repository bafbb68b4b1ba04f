"""What was measured of the audit log, the limits set for it, and how both are told.

Knows: figures, limits, words. Refuses to know: how anything was measured.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

MOST_DECISION_NS: Final = 10_000.0
RECORDS_A_SECOND: Final = 20_000
MOST_BEHIND_S: Final = 1.0
MOST_ADDED_MS: Final = 2.0

Table: TypeAlias = tuple[str, list[str], list[list[str]]]
"""Heading, columns, rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """CPU nanoseconds of one decision's record, a figure a round. built: making it; written: its line, its link and the
    file, and the disk's thread. octets: of a line."""

    records: int
    built: list[float]
    written: list[float]
    octets: int

    def whole(self) -> list[float]:
        """Both together."""
        return [one + other for one, other in zip(self.built, self.written, strict=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sustained:
    """One writer at a pace. behind_s: how far behind that pace it was at worst. cpu: of one core. files: how many the
    records lie in. syncs: how often the disk had taken all."""

    rate: int
    seconds: float
    records: int
    behind_s: float
    cpu: float
    octets: int
    files: int
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Down:
    """Percentiles 50, 99 and 99.9 of round trips in milliseconds: with nobody to forward to, and with destinations that
    refuse and that never answer. waiting: records that nobody has taken when it ended."""

    probes: int
    rate: float
    alone_ms: tuple[float, float, float]
    down_ms: tuple[float, float, float]
    missing: int
    wrong: int
    waiting: int

    @property
    def added_ms(self) -> float:
        """What the dead destinations add at the 99th percentile."""
        return self.down_ms[1] - self.alone_ms[1]


@dataclass(slots=True, kw_only=True)
class Audit:
    """All of it, as far as it was measured."""

    decision: Decision | None = None
    sustained: list[Sustained] = field(default_factory=list)
    down: Down | None = None


def tables(found: Audit) -> Iterator[Table]:
    """One table for all."""
    rows = [*_decision(found.decision), *_sustained(found.sustained), *_down(found.down)]
    if rows:
        yield "Audit log", ["what", "of how many", "figure", "limit", ""], rows


def _verdict(is_met: bool) -> str:
    return "ok" if is_met else "MISSED"


def _decision(row: Decision | None) -> Iterator[list[str]]:
    if row is None:
        return
    many = f"{row.records:,} records of {row.octets:,} octets, median of {len(row.built)}"
    whole = row.whole()
    limit = f"{MOST_DECISION_NS / 1000:g} us"
    ok = _verdict(statistics.median(whole) <= MOST_DECISION_NS)
    yield ["CPU of a decision's record, `batch`", many, _spread(whole), limit, ok]
    yield ["making it", many, _spread(row.built), "", ""]
    yield ["its line, its link, the file and the disk's thread", many, _spread(row.written), "", ""]


def _spread(ns: Sequence[float]) -> str:
    return f"{statistics.median(ns) / 1000:.1f} us ({min(ns) / 1000:.1f} to {max(ns) / 1000:.1f})"


def _sustained(rows: Sequence[Sustained]) -> Iterator[list[str]]:
    for row in rows:
        many = f"{row.records:,} records in {row.seconds:.0f} s, {row.octets / 1e9:.2f} GB in {row.files} files"
        figure = f"{row.records / row.seconds:,.0f} a second, behind by {row.behind_s * 1000:.0f} ms at most"
        figure += f", {row.cpu:.0%} of a core; chain {'whole' if row.whole else 'BROKEN'}"
        ok = _verdict(row.behind_s <= MOST_BEHIND_S and row.whole)
        yield ["one writer at a pace, `batch`, signed checkpoints, files turned over", many, figure, _pace(row), ok]


def _pace(row: Sustained) -> str:
    return f"{row.rate:,} a second"


def _down(row: Down | None) -> Iterator[list[str]]:
    if row is None:
        return
    many = f"{row.probes:,} logins, {row.rate:g} a second"
    yield ["answers with nobody to forward to: p50, p99, p99.9", many, _three(row.alone_ms), "", ""]
    yield ["answers while every destination is down: p50, p99, p99.9", many, _three(row.down_ms), "", ""]
    ok = _verdict(row.added_ms <= MOST_ADDED_MS and row.missing == row.wrong == 0 < row.waiting)
    added = f"{row.added_ms:.2f} ms; {row.missing} missing, {row.wrong} wrong; {row.waiting:,} records wait"
    yield ["added at p99", many, added, f"{MOST_ADDED_MS:g} ms", ok]


def _three(ms: Sequence[float]) -> str:
    return ", ".join(f"{each:.2f}" for each in ms) + " ms"


def notes(found: Audit | None) -> Iterator[str]:
    """What a reader of this table must know, a bullet each."""
    if found is None or not list(tables(found)):
        return
    yield (
        "Audit log, a decision: MAB over a cached verdict, 1,000 endpoints on 50 switches, in slices of eight as under"
        " load; CPU of the whole process, the thread that waits for the disk too, less nothing. The record is made from"
        " values that are there already; what it takes to find them out is in the rows of MAB above."
    )
    yield (
        "One writer at a pace: 200 records every ten milliseconds with one `write` each, through the recorder and the"
        " writer of the daemon, key and checkpoints on; the chain is checked afterwards by a reader that shares nothing"
        " with the writer."
    )
    yield (
        "Destinations that are down: one port that refuses, one host that takes connections and never reads. Both"
        " daemons run all the time and are asked in turn, five seconds each."
    )
