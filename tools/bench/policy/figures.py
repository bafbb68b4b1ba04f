"""What loading a policy and deciding by it takes, and what the page says of it.

Knows: limits and words. Refuses to know: how it was measured.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tools.bench.policy import mix

MOST_LOAD_S: Final = 3.0
MOST_MEAN_US: Final = {200: 10.0, 10_000: 100.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Of one policy. load_s: CPU seconds of reading and checking the whole configuration, each time. mean_ns: of a
    decision, in each round. p99_ns, worst_ns: over the logins, of the quickest of each one's rounds."""

    rules: int
    load_s: list[float]
    mean_ns: list[float]
    p99_ns: float
    worst_ns: float


def tables(found: Sequence[Policy]) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """One."""
    if found:
        columns = ["what", "of how many", "figure", "limit", ""]
        yield "Policy: loading it, and deciding by it", columns, [row for each in found for row in _rows(each)]


def _rows(found: Policy) -> Iterator[list[str]]:
    many = f"{found.rules:,} rules"
    load_s = statistics.median(found.load_s)
    limit = MOST_LOAD_S if found.rules == max(MOST_MEAN_US) else 0.0
    yield ["load, with every check", many, f"{load_s:.2f} s", f"{limit:g} s" if limit else "", _met(load_s, limit)]
    mean_us, most_us = statistics.median(found.mean_ns) / 1000, MOST_MEAN_US.get(found.rules, 0.0)
    words = f"{mean_us:.1f} us"
    yield ["a decision, mean", many, words, f"{most_us:g} us" if most_us else "", _met(mean_us, most_us)]
    yield [
        "a decision, 99th percentile and worst",
        many,
        f"{found.p99_ns / 1000:.1f}, {found.worst_ns / 1000:.1f} us",
        "",
        "",
    ]


def _met(figure: float, limit: float) -> str:
    return "" if not limit else "ok" if figure <= limit else "MISSED"


def notes(found: Sequence[Policy]) -> Iterator[str]:
    """What a reader of the table must know."""
    if found:
        yield f"Policy: {mix.RULES}; {mix.LOGINS}. The rule that decides is one of the last four, or none."
