"""What NASes were asked and what came of it, counted since the start.

Knows: verbs, meanings, seconds. Refuses to know: sessions, and who looks. Whoever tells the audit log of a step counts
it here: a counter costs nothing beside a record.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from nacd.server.metrics.requests.histogram import Histogram
from nacd.sessions import Outcome

_CHANGES: Final = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0)
"""Seconds: a NAS that is asked, one that asks the endpoint, a device that logs in by itself, an inactive one."""


class Tally:
    """For one thread."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        """Requests by verb."""
        self.outcomes: Counter[tuple[str, str]] = Counter()
        """Outcomes by verb and meaning."""
        self.changes = 0
        """Sessions that came to be under the decision that was wanted for them, or ended."""
        self.took: Final = Histogram(_CHANGES)
        """How long they took."""

    def asked(self, verb: str) -> None:
        """A request is on its way to its NAS."""
        self.requests[str(verb)] += 1

    def answered(self, verb: str, outcome: Outcome) -> None:
        """It has an outcome."""
        self.outcomes[str(verb), str(outcome.meaning)] += 1

    def converged(self, took_s: float) -> None:
        """A change has come about. took_s: since it was wanted; clocks are set back, and a counter never falls."""
        self.changes += 1
        self.took.observe(max(0.0, took_s))
