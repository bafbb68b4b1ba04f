"""Endpoints that fail again and again, and are answered from memory for a while.

Knows: how often an endpoint was refused in a row, and until when it is held. Refuses to know: why.

Theory: a supplicant with an expired certificate, or a forgotten printer, asks as fast as it is refused. Each
time would cost a handshake, a lookup and a record. After so many refusals within a window the endpoint is held:
for a short time it hears the same refusal without being tried, late by the reject delay, so that its loop turns
slowly; a device that was mended meanwhile gets in when the time is over. One success ends the count. Nothing is ever
accepted from this memory.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from nacd.overload.endpoints import NO_ENDPOINT, Endpoint
from nacd.values import Instant

_ENDPOINTS_KEPT: Final = 20_000


@dataclass(slots=True)
class _Count:
    refused: int
    since: float
    held_until: float


class FailingEndpoints:
    """refusals: so many within ``within_s`` seconds, and the endpoint is held for ``hold_s``.

    Bounded: of more endpoints than ``capacity`` the one refused longest ago is forgotten.
    """

    def __init__(self, *, refusals: int, within_s: float, hold_s: float, capacity: int = _ENDPOINTS_KEPT) -> None:
        if refusals < 1 or within_s <= 0 or hold_s <= 0 or capacity < 1:
            raise ValueError("refusals, times and capacity are positive")
        self._refusals = refusals
        self._within_s = within_s
        self._hold_s = hold_s
        self._capacity = capacity
        self._counts: OrderedDict[Endpoint, _Count] = OrderedDict()

    def __len__(self) -> int:
        return len(self._counts)

    def held_s(self, endpoint: Endpoint, now: Instant) -> float:
        """Seconds for which this endpoint is still held; 0 when it may try."""
        count = self._counts.get(endpoint)
        return max(0.0, count.held_until - now.monotonic) if count is not None else 0.0

    def refused(self, endpoint: Endpoint, now: Instant) -> None:
        """This endpoint was refused, after it was let try."""
        if endpoint == NO_ENDPOINT:
            return
        count = self._counts.pop(endpoint, None)
        if count is None or now.monotonic - count.since > self._within_s:
            count = _Count(0, now.monotonic, 0.0)
        count.refused += 1
        if count.refused >= self._refusals:
            # When it is let go, one more refusal within the window holds it again.
            count.held_until = now.monotonic + self._hold_s
            count.since = now.monotonic
        self._counts[endpoint] = count
        if len(self._counts) > self._capacity:
            self._counts.popitem(last=False)

    def succeeded(self, endpoint: Endpoint) -> None:
        """This endpoint was let in."""
        self._counts.pop(endpoint, None)
