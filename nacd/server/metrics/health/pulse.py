"""Whether the event loop turns, and what holds it up: its lateness, the garbage collector's pauses, the last tick.

Knows: when it wanted to be woken and when it was. Refuses to know: whose fault that is.
"""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from nacd.server.metrics.metric import Metric, Sample
from nacd.server.metrics.requests.histogram import SHORT, Histogram

EVERY_S: Final = 0.25

LAG: Final = Metric(
    name="nacd_event_loop_lag_seconds",
    kind="histogram",
    meaning="How late the event loop came to a timer, four times a second: whatever arrives meanwhile waits as long.",
)
PAUSES: Final = Metric(
    name="nacd_garbage_collection_seconds", kind="histogram", meaning="Pauses of the garbage collector."
)
TICK: Final = Metric(
    name="nacd_tick_age_seconds",
    kind="gauge",
    meaning="Since the housekeeping of each second was done last; more than a few: see the operational log.",
)
THREADS: Final = Metric(name="nacd_threads", kind="gauge", meaning="Threads of nacd.")

TABLE: Final = (LAG, PAUSES, TICK, THREADS)


class Pulse:
    """For one event loop. It counts as having ticked when it is made."""

    def __init__(self) -> None:
        self.lag: Final = Histogram(SHORT)
        self.pauses: Final = Histogram(SHORT)
        self._ticked = time.monotonic()
        self._began = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, every_s: float = EVERY_S) -> None:
        """Feel it from now on; to be called on the loop."""
        gc.callbacks.append(self._collecting)
        self._wait(every_s)

    def close(self) -> None:
        """Let go."""
        if self._timer is not None:
            self._timer.cancel()
            gc.callbacks.remove(self._collecting)
            self._timer = None

    def ticked(self) -> None:
        """All that is to be done each second has been done."""
        self._ticked = time.monotonic()

    @property
    def tick_age_s(self) -> float:
        """Since then."""
        return time.monotonic() - self._ticked

    def read(self) -> Iterator[Sample]:
        """Every metric of ``TABLE``."""
        yield LAG.distribution(self.lag)
        yield PAUSES.distribution(self.pauses)
        yield TICK.sample(self.tick_age_s)
        yield THREADS.sample(threading.active_count())

    def _wait(self, every_s: float) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + every_s

        def beat() -> None:
            self.lag.observe(max(0.0, loop.time() - due))
            self._wait(every_s)

        self._timer = loop.call_at(due, beat)

    def _collecting(self, phase: str, _about: Mapping[str, Any]) -> None:
        """Told by the collector, of every thread's collections."""
        if phase == "start":
            self._began = time.perf_counter()
        elif self._began:
            self.pauses.observe(time.perf_counter() - self._began)
