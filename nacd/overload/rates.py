"""How often one port may begin.

Knows: a token bucket for each port. Refuses to know: what a port is, and what happens to what comes too often.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from nacd.values import NO_PORT, Instant, Port

_PORTS_KEPT: Final = 20_000


class PortRates:
    """per_s: beginnings a second in the long run. burst: beginnings at once after a quiet time.

    Bounded: of more ports than ``capacity`` the one that was quiet longest starts with a full bucket again.
    """

    def __init__(self, *, per_s: float, burst: int, capacity: int = _PORTS_KEPT) -> None:
        if per_s <= 0 or burst < 1 or capacity < 1:
            raise ValueError("rate, burst and capacity are positive")
        self._per_s = per_s
        self._burst = float(burst)
        self._capacity = capacity
        self._buckets: OrderedDict[Port, tuple[float, float]] = OrderedDict()  # tokens, when they were counted

    def __len__(self) -> int:
        return len(self._buckets)

    def admit(self, port: Port, now: Instant) -> bool:
        """Whether this port may begin once more. What names no port is not held back here."""
        if port == NO_PORT:
            return True
        tokens, counted = self._buckets.pop(port, (self._burst, now.monotonic))
        tokens = min(self._burst, tokens + (now.monotonic - counted) * self._per_s)
        admitted = tokens >= 1.0
        self._buckets[port] = (tokens - 1.0 if admitted else tokens, now.monotonic)
        if len(self._buckets) > self._capacity:
            self._buckets.popitem(last=False)
        return admitted
