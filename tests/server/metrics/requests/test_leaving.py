"""What is counted when answers leave."""

from __future__ import annotations

from nacd.server.metrics.requests.leaving import Leaving


def test_nothing_has_left_in_the_beginning() -> None:
    counts = Leaving()
    assert (counts.unrecorded, counts.whole.total, counts.leaving.total) == (0, 0.0, 0.0)
    assert counts.whole is not counts.leaving
