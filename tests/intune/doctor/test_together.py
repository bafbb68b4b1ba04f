"""The same question about several hosts at once."""

from __future__ import annotations

import threading
import time

import pytest

from nacd.errors import SourceError
from nacd.intune.doctor.together import together


def test_answers_come_in_the_order_of_the_hosts() -> None:
    assert together(("a", "b"), str.upper, time.monotonic() + 5) == [("a", "A"), ("b", "B")]


def test_trouble_with_one_host_is_an_answer_about_that_host() -> None:
    def work(host: str) -> str:
        if host == "bad":
            raise SourceError("no such host")
        return "fine"

    (_, first), (_, second) = together(("bad", "good"), work, time.monotonic() + 5)
    assert isinstance(first, SourceError)
    assert first.detail == "no such host"
    assert second == "fine"


def test_they_are_asked_at_the_same_time() -> None:
    meeting = threading.Barrier(3, timeout=5)

    def work(_host: str) -> int:
        return meeting.wait()  # nobody leaves before all three have come

    assert sorted(place for _, place in together(("a", "b", "c"), work, time.monotonic() + 5)) == [0, 1, 2]  # type: ignore[type-var]


def test_a_stuck_one_is_not_waited_for_past_the_deadline() -> None:
    release = threading.Event()
    try:
        (_, stuck), (_, well) = together(
            ("stuck", "well"), lambda host: host == "well" or release.wait(30), time.monotonic() + 2.0
        )
    finally:
        release.set()
    assert isinstance(stuck, SourceError)
    assert stuck.detail == "no answer in time"
    assert well is True


def test_a_bug_lets_go_of_whoever_waits_and_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    reported = threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda _: reported.set())

    def work(_host: str) -> str:
        raise KeyError("a bug")

    ((_, found),) = together(("a",), work, time.monotonic() + 5)
    assert isinstance(found, SourceError)
    assert "bug" in found.detail
    assert reported.wait(5)
