"""The one place that reads the clock and the random source for the request path."""

from __future__ import annotations

import os
import time

from nacd.values import Instant

# Linux: goes on while the machine sleeps, which ``time.monotonic`` does not, and a verdict grows old meanwhile.
# Elsewhere there is no such clock.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def instant() -> Instant:
    """Now, on both clocks. monotonic: since the machine was started, not to be compared with ``time.monotonic``."""
    return Instant(wall=time.time(), monotonic=time.clock_gettime(_STEADY))


def random_octets(count: int) -> bytes:
    """``count`` octets of the kernel's random source."""
    return os.urandom(count)
