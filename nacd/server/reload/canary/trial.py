"""One configuration that is tried out with a group of NASes, until it goes on to all or is taken back.

Knows: what it has answered, what the group was answered before, and until when it is tried. Refuses to know: how it is
put in force, and who is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from nacd.server.reload.canary import judging
from nacd.server.reload.canary.judging import Counts, Limits
from nacd.server.reload.preparing import Prepared
from nacd.values import Instant

LOOK_EVERY_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How somebody wants it tried. for_s: seconds."""

    group: str
    for_s: float
    limits: Limits


@dataclass(frozen=True, slots=True)
class GoesOn:
    """Nothing is decided yet."""


@dataclass(frozen=True, slots=True)
class Good:
    """It may answer all NASes."""


@dataclass(frozen=True, slots=True)
class Bad:
    """It is to be taken back. reason: in words."""

    reason: str


Finding: TypeAlias = GoesOn | Good | Bad


@dataclass(slots=True, kw_only=True)
class Trial:
    """began: when. before: what the group was answered in the window before that. by: who wants it."""

    prepared: Prepared
    wish: Wish
    before: Counts
    began: Instant
    by: str
    during: Counter[str] = field(default_factory=Counter)
    looked_s: float = 0.0

    @property
    def until(self) -> float:
        """Seconds since the epoch."""
        return self.began.wall + self.wish.for_s

    def find(self, now: Instant) -> Finding:
        """How it stands; looked at every few seconds and at the end, however often this is asked."""
        over = now.monotonic - self.began.monotonic >= self.wish.for_s
        if not over and now.monotonic - self.looked_s < LOOK_EVERY_S:
            return GoesOn()
        self.looked_s = now.monotonic
        moved = judging.moved(self.before, self.during, self.wish.limits, last=over)
        if moved:
            return Bad("; ".join(map(str, moved[:3])))
        if not over:
            return GoesOn()
        few = judging.too_few(self.before, self.during, self.wish.limits)
        return Bad(f"it cannot be said whether it is well: {few}") if few else Good()

    def told(self, now: Instant) -> Mapping[str, Any]:
        """For people."""
        return {
            "group": self.wish.group,
            "generation": self.prepared.generation.number,
            "policy_digest": self.prepared.generation.policy_digest,
            "by": self.by,
            "until": self.until,
            "left_s": max(0.0, self.wish.for_s - (now.monotonic - self.began.monotonic)),
            "max_change": self.wish.limits.max_change,
            "min_sample": self.wish.limits.min_sample,
            "before": dict(self.before),
            "during": dict(self.during),
            "changes": list(self.prepared.changes),
        }
