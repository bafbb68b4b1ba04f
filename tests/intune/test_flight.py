"""Single flight with patience."""

from __future__ import annotations

import threading
import time

import pytest

from nacd.errors import SourceError
from nacd.intune.flight import Flights


def test_many_waiters_one_flight() -> None:
    flights, started, go, results = Flights(), [], threading.Event(), []

    def work() -> str:
        started.append(1)
        go.wait(5)
        return "token"

    ready = threading.Barrier(17)

    def wait() -> None:
        ready.wait(5)
        results.append(flights.run("key", work, time.monotonic() + 5, "it"))

    threads = [threading.Thread(target=wait) for _ in range(16)]
    for thread in threads:
        thread.start()
    ready.wait(5)
    time.sleep(0.02)
    go.set()
    for thread in threads:
        thread.join()
    assert results == ["token"] * 16
    assert len(started) < 16  # a waiter that comes after the landing starts anew


def test_a_waiter_leaves_at_its_deadline_and_the_flight_goes_on() -> None:
    flights, go = Flights(), threading.Event()
    started = time.monotonic()
    with pytest.raises(SourceError, match="getting it takes too long"):
        flights.run("key", lambda: go.wait(5), started + 0.05, "getting it")
    assert time.monotonic() - started < 2.0
    go.set()
    assert flights.run("key", lambda: True, time.monotonic() + 5, "it") is True


def test_trouble_reaches_every_waiter_and_the_next_one_starts_anew() -> None:
    flights = Flights()

    def fail() -> None:
        raise SourceError("no route")

    with pytest.raises(SourceError, match="no route"):
        flights.run("key", fail, time.monotonic() + 5, "it")
    assert flights.run("key", lambda: 2, time.monotonic() + 5, "it") == 2


def test_a_bug_lets_its_waiters_go_and_is_still_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: reported.append(args.exc_type))
    with pytest.raises(SourceError, match="bug"):
        Flights().run("key", lambda: 1 / 0, time.monotonic() + 5, "it")
    until = time.monotonic() + 2
    while not reported and time.monotonic() < until:
        time.sleep(0.001)
    assert reported == [ZeroDivisionError]


def test_different_keys_do_not_wait_for_each_other() -> None:
    flights, go = Flights(), threading.Event()
    flights.start("stuck", lambda: go.wait(5))
    assert flights.run("other", lambda: 1, time.monotonic() + 5, "it") == 1
    go.set()


def test_no_thread_to_start_is_trouble_not_a_stuck_key(monkeypatch: pytest.MonkeyPatch) -> None:
    flights = Flights()

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(SourceError, match="no thread"):
            flights.run("key", lambda: 1, time.monotonic() + 5, "it")
    assert flights.run("key", lambda: 1, time.monotonic() + 5, "it") == 1
