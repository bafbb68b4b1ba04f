"""The board of faults: what is refused, whom a fault hits, and how often."""

from __future__ import annotations

import threading

import pytest

from nacd.sim.microsoft.faults import FaultBoard, make_fault


@pytest.mark.parametrize(
    ("kind", "parameters", "words"),
    [
        ("earthquake", {}, "unknown fault `earthquake`"),
        ("body", {"variant": "poem"}, "not `poem`"),
        ("outage", {"mode": "flood"}, "not `flood`"),
        ("status", {"code": 200}, "between 400 and 599"),
        ("latency", {}, "`ms` above 0"),
        ("throttle", {"retry_after": "never"}, "not `never`"),
        ("status", {"code": 404, "service": "mail"}, "not `mail`"),
        ("busy", {"colour": 1}, "unknown parameter `colour`"),
        ("outage", {"mode": "refused", "service": "graph"}, "closes the port"),
    ],
)
def test_a_wrong_fault_is_refused_in_words(kind: str, parameters: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make_fault(kind, **parameters)


@pytest.mark.parametrize("wrong", ["3", True, 1.5])
def test_a_count_is_a_whole_number(wrong: object) -> None:
    with pytest.raises(TypeError, match="`times`"):
        make_fault("busy", times=wrong)


def test_each_kind_has_its_usual_service() -> None:
    assert make_fault("outage").service == "all"
    assert make_fault("token", code=7000222).service == "login"
    assert make_fault("busy").service == "compliance"


def test_a_counted_fault_is_played_exactly_that_often() -> None:
    board = FaultBoard()
    board.add(make_fault("status", code=401, times=2))
    assert [len(board.take("compliance", "x")) for _ in range(4)] == [1, 1, 0, 0]


def test_a_fault_for_one_value_leaves_the_others_alone() -> None:
    board = FaultBoard()
    board.add(make_fault("status", code=500, value="ABC", times=1))
    assert board.take("compliance", "other") == []
    assert board.take("graph", "abc") == []
    assert len(board.take("compliance", "abc")) == 1


def test_faults_add_up_and_are_cleared_by_kind() -> None:
    board = FaultBoard()
    board.add(make_fault("latency", ms=1))
    board.add(make_fault("outage", mode=503))
    assert [str(fault) for fault in board.take("compliance", "")] == ["latency 1 ms", "outage 503"]
    board.clear("latency")
    assert [fault.kind for fault in board.on()] == ["outage"]
    board.clear()
    assert board.on() == []


def test_threads_together_play_a_counted_fault_no_more_than_it_says() -> None:
    board = FaultBoard()
    board.add(make_fault("status", code=500, times=50))
    played: list[int] = []
    threads = [
        threading.Thread(target=lambda: played.extend(len(board.take("compliance", "")) for _ in range(20)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(played) == 50
