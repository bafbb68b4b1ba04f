"""The one place that reads the clock and the random source for the request path."""

from __future__ import annotations

import os
import time

from nacd.values import Instant


def instant() -> Instant:
    """Now, on both clocks."""
    return Instant(wall=time.time(), monotonic=time.monotonic())


def random_octets(count: int) -> bytes:
    """``count`` octets of the kernel's random source."""
    return os.urandom(count)
