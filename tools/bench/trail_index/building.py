"""One index built, and what it cost: for a process of its own, so that its memory is nobody else's."""

from __future__ import annotations

import resource
import time

from nacd.store.trail.reading import TrailFile
from nacd.store.trail_index.building import build


def built(file: TrailFile) -> tuple[float, float]:
    """CPU time, seconds, and the most memory so far, MiB."""
    began = time.process_time()
    build(file)
    return time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
