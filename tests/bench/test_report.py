"""Ratios are medians of pairs, and a lost request is no fast request."""

from __future__ import annotations

import math
import os
import time

from tools.bench import meter, report, strain


def test_a_ratio_is_the_median_of_the_pairs_and_not_the_pair_of_the_medians() -> None:
    samples = {"nacd": [10.0, 40.0, 30.0], "other": [10.0, 20.0, 60.0]}
    assert report.ratio(samples, "nacd", "other") == 1.0


def test_percentiles_are_by_nearest_rank() -> None:
    thousand = [place * 1_000_000 for place in range(1, 1001)]
    assert strain.percentiles(thousand) == (500.0, 990.0, 999.0)


def test_a_lost_request_counts_as_the_slowest() -> None:
    assert strain.percentiles([1_000_000] * 98, lost=2) == (1.0, math.inf, math.inf)


def test_the_meter_sees_the_time_of_a_whole_process() -> None:
    before = meter.cpu_ns((os.getpid(),))
    began = time.process_time_ns()
    total = sum(range(2_000_000))
    used = time.process_time_ns() - began
    assert total
    assert used <= meter.cpu_ns((os.getpid(),)) - before
    assert meter.resident_octets((os.getpid(),)) > 1_000_000
    assert os.getpid() in meter.tree(os.getppid())
