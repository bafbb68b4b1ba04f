"""The judge of expressions notices what is not there: else it proves nothing of rules and dashboard."""

from __future__ import annotations

import pytest

from tests.observing.known import metrics_in, unknown


@pytest.mark.parametrize(
    ("expression", "wrong"),
    [
        ('sum by (instance, le) (rate(nacd_answer_seconds_bucket{instance=~"a"}[5m]))', []),
        ('sum(rate(nacd_requests_total{group="x", outcome=~"accept|reject"}[5m]))', []),
        ("nacd_answer_seconds", ["nacd_answer_seconds"]),
        ('nacd_packets_dropped_total{reason=~"stale|overload_.*"}', []),
        ('nacd_requests_total{outcome=~"accept|denied"}', ["nacd_requests_total{outcome=denied}"]),
        ("rate(nacd_invented_total[5m])", ["nacd_invented_total"]),
        ('nacd_requests_total{mac="x"}', ["nacd_requests_total{mac}"]),
        ("sum by (user) (nacd_requests_total)", ["by (user)"]),
        ('up{job="nacd"} == 0', []),
        ("process_open_fds / process_max_fds", []),
        ("process_invented", ["process_invented"]),
    ],
)
def test_what_is_not_there_is_noticed(expression: str, wrong: list[str]) -> None:
    assert unknown(expression) == wrong


def test_words_in_quotes_are_no_metrics() -> None:
    assert metrics_in('nacd_threads{job="nacd_requests_total"}') == {"nacd_threads"}
