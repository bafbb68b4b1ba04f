"""Who may begin, and who is answered from memory.

Knows: which ports begin too often and which endpoints fail in a loop. Refuses to know: what either would be told
if it were let try. The gate only ever refuses; it lets nobody in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from nacd.overload.endpoints import endpoint_of
from nacd.overload.failing import FailingEndpoints
from nacd.overload.rates import PortRates
from nacd.values import AccessRequest, Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBack:
    """Not let try. code: a stable word; reason: a sentence; limit: the setting that says so."""

    code: str
    reason: str
    limit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Free:
    """May try."""


FREE: Final = Free()


class Gate:
    """Asked at each beginning, told each outcome. ``counts``: how often each limit held somebody back."""

    def __init__(self, rates: PortRates, failing: FailingEndpoints) -> None:
        self._rates = rates
        self._failing = failing
        self.counts: dict[str, int] = {}

    def ask(self, request: AccessRequest, now: Instant) -> HeldBack | Free:
        """Whether this request may begin something."""
        held_s = self._failing.held_s(endpoint_of(request), now) if self._failing else 0.0
        if held_s:
            return self._held_back(
                "failing_endpoint",
                f"this endpoint was refused again and again; it hears so from memory for {held_s:.0f} s more",
                "overload.failing",
            )
        if not self._rates.admit(request.port, now):
            return self._held_back(
                "port_too_often",
                f"port {_shown(request.port[-1])} begins too often for one: does an endpoint there change its MAC?",
                "overload.port_rate",
            )
        return FREE

    def refused(self, request: AccessRequest, now: Instant) -> None:
        """It was let try, and was refused for a reason of its own."""
        self._failing.refused(endpoint_of(request), now)

    def accepted(self, request: AccessRequest) -> None:
        """It was let in."""
        if self._failing:
            self._failing.succeeded(endpoint_of(request))

    def _held_back(self, code: str, reason: str, limit: str) -> HeldBack:
        self.counts[limit] = self.counts.get(limit, 0) + 1
        return HeldBack(code=code, reason=reason, limit=limit)


def _shown(text: str) -> str:
    """Foreign text between backticks, fit for a log."""
    return f"`{''.join(c if c.isprintable() and c != '`' else '?' for c in text[:64])}`"
