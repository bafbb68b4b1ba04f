"""What was measured of verdicts, the limits set for it, and how both are told.

Knows: figures, limits, words. Refuses to know: how anything was measured.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

MOST_OCTETS: Final = 600_000_000
"""Of a million verdicts; for fewer, their share of it."""
MOST_LOOKUP_NS: Final = 5_000.0
MOST_RESTART_S: Final = 2.0
MOST_DELAY_MS: Final = 20.0
DEADLINE_S: Final = 2.0
SLACK_S: Final = 0.1
"""How long after the deadline an answer may be with whoever asked."""
_MILLION: Final = 1_000_000

Table: TypeAlias = tuple[str, list[str], list[list[str]]]
"""Heading, columns, rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What verdicts hold in a process of their own, in octets of resident memory. before: of nacd's code alone."""

    provider: str
    verdicts: int
    before: int
    octets: int

    @property
    def most(self) -> float:
        """The limit for so many."""
        return MOST_OCTETS * self.verdicts / _MILLION


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One cached lookup, nanoseconds. among: how many keys it chooses from, of ``held`` in the cache."""

    provider: str
    among: int
    held: int
    median_ns: float
    p99_ns: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """CPU nanoseconds of a MAB request, a figure a round: by a rule on compliance, and by one that asks for none."""

    with_verdict: list[float]
    without: list[float]

    def added_ns(self) -> float:
        """The median of the rounds' own differences."""
        pairs = zip(self.with_verdict, self.without, strict=True)
        return statistics.median(one - other for one, other in pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """Seconds from exec to the first Access-Accept, a figure a start. what: the start, in words.

    limited: whether the limit is for it.
    """

    what: str
    rows: int
    seconds: list[float]
    limited: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowIntune:
    """One run beside an Intune that answers after ``latency_s``. rate: uncached devices a second.

    alone_ms, beside_ms: percentiles 50, 99 and 99.9 of the probes' round trips without that load and with it, of
    ``probes`` each. answered_s: the earliest, median and latest answer of those devices. unavailable, compliant: how
    many were answered so. at_deadline, refused: of the unavailable, those whose time was up, and those a limit turned
    away. asked: devices that Intune was asked about for a login; late: answers that came after the deadline and were
    kept, the first of later polls too. known, forgotten: of all whom Intune says it was asked about, those that nacd
    knows afterwards and does not. own_late_ms: by how much the load itself was behind at worst.
    """

    rate: float
    seconds: float
    latency_s: float
    devices: int
    probes: int
    alone_ms: tuple[float, float, float]
    beside_ms: tuple[float, float, float]
    answered_s: tuple[float, float, float]
    unavailable: int
    compliant: int
    at_deadline: int
    refused: int
    missing: int
    wrong: int
    asked: int
    late: int
    known: int
    forgotten: int
    cpu: float
    own_late_ms: float

    @property
    def added_ms(self) -> float:
        """What the load added at the 99th percentile."""
        return max(0.0, self.beside_ms[1] - self.alone_ms[1])


@dataclass(slots=True, kw_only=True)
class Compliance:
    """All of it, as far as it was measured."""

    memory: list[Memory] = field(default_factory=list)
    known: list[Known] = field(default_factory=list)
    decisions: Decisions | None = None
    restarts: list[Restart] = field(default_factory=list)
    slow: SlowIntune | None = None
    cold_by: str = ""


def tables(found: Compliance) -> Iterator[Table]:
    """One for what lies in memory, one for restarts, one for a slow Intune."""
    columns = ["what", "of how many", "figure", "limit", ""]
    held = [*_memory(found.memory), *_known(found.known), *_decisions(found.decisions)]
    if held:
        yield "Compliance: verdicts in memory", columns, held
    if found.restarts:
        yield "Compliance: exec to the first Access-Accept", columns, [_restart(each) for each in found.restarts]
    if found.slow is not None:
        slow = found.slow
        heading = (
            f"Compliance: Intune answers in {slow.latency_s:g} s, {slow.rate:g} uncached devices a second for"
            f" {slow.seconds:g} s"
        )
        yield heading, columns, list(_slow(slow))


def _verdict(is_met: bool) -> str:
    return "ok" if is_met else "MISSED"


def _memory(rows: Sequence[Memory]) -> Iterator[list[str]]:
    for row in rows:
        figure = f"{row.octets / 1e6:.0f} MB, {row.octets / row.verdicts:.0f} octets each"
        limit = f"{row.most / 1e6:g} MB"
        yield [_by(row.provider), f"{row.verdicts:,} verdicts", figure, limit, _verdict(row.octets <= row.most)]


def _by(provider: str) -> str:
    return {"nac": "memory, by NAC 2.0", "graph": "memory, by Graph with device facts"}[provider]


def _known(rows: Sequence[Known]) -> Iterator[list[str]]:
    for row in rows:
        which = "one key" if row.among == 1 else f"any of {row.among:,} keys"
        figure = f"{row.median_ns / 1000:.2f} us (p99 {row.p99_ns / 1000:.2f})"
        told = f"cached lookup, {row.provider}"
        limit = f"{MOST_LOOKUP_NS / 1000:g} us"
        yield [told, f"{which}, {row.held:,} held", figure, limit, _verdict(row.median_ns <= MOST_LOOKUP_NS)]


def _decisions(found: Decisions | None) -> Iterator[list[str]]:
    if found is None:
        return
    rounds = f"median of {len(found.without)}"
    for what, figures in (("needs no verdict", found.without), ("rests on a cached verdict", found.with_verdict)):
        middle, low, high = statistics.median(figures), min(figures), max(figures)
        figure = f"{middle / 1000:.1f} us ({low / 1000:.1f} to {high / 1000:.1f})"
        yield [f"CPU of a MAB request whose rule {what}", rounds, figure, "", ""]
    pairs = zip(found.with_verdict, found.without, strict=True)
    ratio = statistics.median(one / other for one, other in pairs)
    yield ["what all of the verdict adds to it", rounds, f"{found.added_ns() / 1000:.1f} us, times {ratio:.2f}", "", ""]


def _restart(row: Restart) -> list[str]:
    figure = f"{statistics.median(row.seconds):.2f} s (at most {max(row.seconds):.2f})"
    limit, verdict = "", ""
    if row.limited:
        limit, verdict = f"{MOST_RESTART_S:g} s", _verdict(max(row.seconds) <= MOST_RESTART_S)
    return [row.what, f"{row.rows:,} rows, {len(row.seconds)} starts", figure, limit, verdict]


def _slow(run: SlowIntune) -> Iterator[list[str]]:
    probes, devices = f"{run.probes:,} probes", f"{run.devices:,} devices"
    yield ["probes without that load: p50, p99, p99.9", probes, _three(run.alone_ms), "", ""]
    yield ["probes beside it: p50, p99, p99.9", probes, _three(run.beside_ms), "", ""]
    added = _verdict(run.added_ms < MOST_DELAY_MS)
    yield ["the loop's added delay at p99", probes, f"{run.added_ms:.2f} ms", f"{MOST_DELAY_MS:g} ms", added]
    none = _verdict(run.missing == 0 and run.wrong == 0)
    yield ["replies missing; wrong", devices, f"{run.missing}; {run.wrong}", "0; 0", none]
    answered = f"{run.unavailable:,}; {run.at_deadline:,}; {run.refused:,}; {run.compliant:,}"
    is_all = run.unavailable + run.compliant == run.devices and run.refused == 0
    what = "answered `unavailable`; of them at the deadline; turned away by a limit; answered `compliant`"
    yield [what, devices, answered, "", _verdict(is_all)]
    by_then = _verdict(run.answered_s[2] <= DEADLINE_S + SLACK_S)
    earliest, middle, latest = run.answered_s
    times = f"{earliest:.3f} s, {middle:.3f} s, {latest:.3f} s"
    yield ["answer after: earliest, median, latest", devices, times, f"{DEADLINE_S:g} s + {SLACK_S:g} s", by_then]
    kept = _verdict(run.forgotten == 0 and run.late >= run.asked > 0)
    late = f"{run.late}; {run.known}; {run.forgotten}"
    what = "late answers kept; devices asked about that are known afterwards; and forgotten"
    yield [what, f"{run.asked} asked about", late, "all; all; 0", kept]
    said = f"{run.cpu:.0%}; {run.own_late_ms:.1f} ms"
    yield ["nacd's core busy; the load itself behind by, at worst", "", said, "", ""]


def _three(ms: Sequence[float]) -> str:
    return ", ".join("lost" if math.isinf(each) else f"{each:.2f}" for each in ms) + " ms"


def notes(found: Compliance | None) -> Iterator[str]:
    """What a reader of these tables must know, a bullet each."""
    if found is None or not list(tables(found)):
        return
    yield (
        "Memory: a process that has imported nacd's code and made an empty cache, then holds so many verdicts; the"
        " difference in resident memory. Keys are `guid:` and 36 digits. MB are millions of octets."
    )
    yield (
        "A cached lookup is `Lookups.known`, in batches of 1,000 questions made beforehand, each with a key that nobody"
        " has hashed yet, less what the loop itself takes. Median and p99 are of the batches' means, not of single"
        " lookups; the limit is for the median."
    )
    yield (
        "What all of the verdict adds is measured in the daemon, with two rules that differ in `compliance: compliant`"
        " alone. py-spy, when this was written: of 10 us the larger record and its line 3, keeping watch over the"
        " device 2, the lookup 1, the question 1, the rules 1; the rest is spread too thin to be told from noise."
    )
    yield (
        "A start: the same signed request is sent every 10 ms from exec on, by a VPN concentrator about a device whose"
        " verdict lies on disk (the audit line says `cache`, and Intune was not asked), or by a switch about a MAC on a"
        f" list. Cold: {found.cold_by or 'not measured here'}."
    )
    yield (
        "Slow Intune: nacd with its own defaults; devices come by eight VPN concentrators, authorize-only, no two the"
        " same; probes are MAB by list, a hundred a second, from the sending to when the kernel had the answer. The"
        f" {SLACK_S:g} s after the deadline are this benchmark's own allowance."
    )
