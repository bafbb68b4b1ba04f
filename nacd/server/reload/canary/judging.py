"""Whether the answers that a group of NASes gets from a new configuration are other than those it got before.

Knows: counts of outcomes before and during, and what a difference of shares is worth. Refuses to know: clocks, what an
outcome is, and what follows.

Theory. Each outcome (refused, unfinished, each profile) has a share of all answers, before and during. A share has
moved when its difference is beyond what the admin allows, and when chance cannot explain that there is a difference:
the interval for it (Newcombe 1998, method 10: the Wilson intervals of both shares put together) does not hold zero.
Wilson's interval is good for few answers and for shares at 0 and 1, where those that come from a bell curve fail.

While it goes on the question is put again and again, to several outcomes, so that chance has many tries: four standard
errors are asked for. Unchanged answers are then taken for changed less than once in ten thousand looks. At the end it
is put once, and two and a half do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Final, TypeAlias

Counts: TypeAlias = Mapping[str, int]
"""How often each outcome came."""
MEANWHILE_Z: Final = 4.0
LAST_Z: Final = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """max_change: of a share, from 0.0 to 1.0. min_sample: answers that are needed before, and during."""

    max_change: float
    min_sample: int

    def __post_init__(self) -> None:
        if not 0.0 < self.max_change <= 1.0 or self.min_sample < 1:
            raise ValueError("a share may change by more than nothing and by all of it, and one answer is the least")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """An outcome whose share is another one now. before, during: shares from 0.0 to 1.0."""

    outcome: str
    before: float
    during: float

    def __str__(self) -> str:
        return f"{self.outcome}: {self.before:.0%} of its answers before, {self.during:.0%} now"


def too_few(before: Counts, during: Counts, limits: Limits) -> str:
    """Why nothing can be compared, a clause; ``""`` if it can."""
    for when, counts in (("before", before), ("now", during)):
        seen = sum(counts.values())
        if seen < limits.min_sample:
            return f"{seen} answers {when}, and {limits.min_sample} are needed to compare"
    return ""


def moved(before: Counts, during: Counts, limits: Limits, *, last: bool = False) -> tuple[Moved, ...]:
    """The shares that have changed by more than they may, the one that has changed most first.

    last: it is not asked again. Nothing has moved while there are too few answers.
    """
    if too_few(before, during, limits):
        return ()
    whole, part = sum(before.values()), sum(during.values())
    z = LAST_Z if last else MEANWHILE_Z
    found = []
    for outcome in sorted({*before, *during}):
        old, new = before.get(outcome, 0), during.get(outcome, 0)
        low, high = difference(old, whole, new, part, z)
        one = Moved(outcome=outcome, before=old / whole, during=new / part)
        if abs(one.during - one.before) > limits.max_change and not low <= 0.0 <= high:
            found.append(one)
    return tuple(sorted(found, key=lambda each: -abs(each.during - each.before)))


def wilson(hits: int, of: int, z: float) -> tuple[float, float]:
    """Wilson's interval for a share of which ``hits`` of ``of`` were seen. z: standard errors. ``of`` is over 0."""
    share, zz = hits / of, z * z
    middle = (share + zz / (2 * of)) / (1 + zz / of)
    half = z * sqrt(share * (1 - share) / of + zz / (4 * of * of)) / (1 + zz / of)
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


def difference(old: int, whole: int, new: int, part: int, z: float) -> tuple[float, float]:
    """Newcombe's interval for by how much the second share is larger. z: standard errors."""
    was, now = old / whole, new / part
    was_low, was_high = wilson(old, whole, z)
    now_low, now_high = wilson(new, part, z)
    apart = now - was
    return (
        apart - sqrt((now - now_low) ** 2 + (was_high - was) ** 2),
        apart + sqrt((now_high - now) ** 2 + (was - was_low) ** 2),
    )
