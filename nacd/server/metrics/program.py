"""nacd itself, in numbers: which version runs.

Knows: the version it is told. Refuses to know: requests. Memory, processor time and open files are the library's own
(``ProcessCollector``, out of ``/proc``).
"""

from __future__ import annotations

from collections.abc import Iterator

from nacd.server.metrics.metric import Metric, Sample

BUILD = Metric(
    name="nacd_build_info", kind="gauge", meaning="Always 1; the label tells which version runs.", labels=("version",)
)

TABLE = (BUILD,)


def read(version: str) -> Iterator[Sample]:
    """Every metric of ``TABLE``."""
    yield BUILD.sample(1, version)
