"""A test event, step by step, and what is said when a step fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nacd.keeper.forward.trial import trial
from tests.keeper.forward.lab import Pki, Rsyslog, Sink, free_port

WALL = 1_790_000_000.0


def test_a_collector_that_works_is_told_step_by_step(sink: Sink, to: Callable[..., Any]) -> None:
    steps = list(trial(to(sink.url), WALL))
    assert [(step.name, step.well) for step in steps] == [
        ("name", True), ("connection", True), ("tls", True), ("event", True),
    ]  # fmt: skip
    assert "issued by `CN=forward test ca`" in steps[2].words
    assert sink.taken[0].events[0]["code"] == "A9149I"


def test_each_trouble_is_told_at_its_step(pki: Pki, sink: Sink, to: Callable[..., Any]) -> None:
    stranger = Sink(pki.stranger)
    sink.answers += [403]
    try:
        ends = {
            "https://no-such-host.invalid/": ("name", "cannot be resolved"),
            f"https://127.0.0.1:{free_port()}/": ("connection", "refuses the connection"),
            stranger.url: ("event", "is not trusted"),
            sink.url: ("event", "http.login"),
        }
        for url, (name, words) in ends.items():
            last = list(trial(to(url), WALL))[-1]
            assert (last.name, last.well) == (name, False)
            assert words in last.words
    finally:
        stranger.close()


@pytest.mark.peer
def test_rsyslog_has_read_the_event_and_udp_promises_nothing(
    rsyslog: Callable[..., Rsyslog], pki: Pki, to: Callable[..., Any]
) -> None:
    collector = rsyslog(pki)
    assert list(trial(to(f"syslog+tls://127.0.0.1:{collector.port}"), WALL))[-1].words.startswith(
        "the event was sent and has been read"
    )
    assert "nobody can tell" in list(trial(to(f"syslog+udp://127.0.0.1:{collector.port}"), WALL))[-1].words
