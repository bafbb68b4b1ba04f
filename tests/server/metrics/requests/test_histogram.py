"""A histogram of few buckets."""

from __future__ import annotations

import pytest

from nacd.server.metrics.requests.histogram import LONG, SHORT, Histogram


def test_a_value_counts_in_its_bucket_and_in_all_above_it() -> None:
    histogram = Histogram((0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 7.0):
        histogram.observe(value)
    seen = histogram.observed()
    assert seen.bounds == (0.1, 1.0)
    assert seen.cumulated == (2, 3, 4)  # a bound belongs to its bucket
    assert seen.total == pytest.approx(7.65)


def test_what_was_observed_is_of_one_moment() -> None:
    histogram = Histogram(SHORT)
    before = histogram.observed()
    histogram.observe(1e9)
    assert (before.cumulated[-1], before.total) == (0, 0.0)


@pytest.mark.parametrize("bounds", [(), (1.0, 1.0), (2.0, 1.0)])
def test_bounds_that_do_not_ascend_are_refused(bounds: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="ascend"):
        Histogram(bounds)


def test_there_are_few_buckets() -> None:
    assert max(len(SHORT), len(LONG)) <= 8
