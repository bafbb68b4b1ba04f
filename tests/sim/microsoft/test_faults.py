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
        ("outage", {"mode": "silent", "times": 1}, "closes the port"),
        ("status", {"code": 404, "only": "letters"}, "not `letters`"),
        ("status", {"code": 404, "only": "bulk", "service": "graph"}, "`bulk` is no question to graph"),
        ("status", {"code": 404, "envelope": "blue"}, "not `blue`"),
        ("redirect", {"code": 200}, "301, 302"),
        ("body", {"variant": "two_devices", "only": "token"}, "not `two_devices`"),
        ("body", {"variant": "two_devices", "service": "graph"}, "not `two_devices`"),
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


@pytest.mark.parametrize(
    ("only", "service"), [("token", "login"), ("graph_list", "graph"), ("action", "graph"), ("single", "compliance")]
)
def test_the_kind_of_question_names_the_service(only: str, service: str) -> None:
    assert make_fault("latency", ms=1, only=only).service == service


@pytest.mark.parametrize(
    ("only", "hit"),
    [("", ["guid", "mac", "bulk", "mdminfo"]), ("single", ["guid", "mac"]), ("bulk", ["bulk"]), ("mac", ["mac"])],
)
def test_a_fault_hits_only_its_kind_of_question(only: str, hit: list[str]) -> None:
    board = FaultBoard()
    board.add(make_fault("busy", only=only))
    assert [kind for kind in ("guid", "mac", "bulk", "mdminfo") if board.take("compliance", "x", kind)] == hit


@pytest.mark.parametrize(("code", "only"), [(7000215, "token"), (700027, "token"), (90002, ""), (900023, "")])
def test_a_refused_token_spares_openid_unless_the_tenant_is_unknown(code: int, only: str) -> None:
    assert make_fault("token", code=code).only == only


def test_a_fault_may_let_some_pass_first() -> None:
    board = FaultBoard()
    board.add(make_fault("status", code=500, after=2, times=1))
    assert [len(board.take("compliance", "x")) for _ in range(5)] == [0, 0, 1, 0, 0]


def test_the_board_knows_which_outage_is_on() -> None:
    board = FaultBoard()
    board.add(make_fault("outage", mode="silent"))
    assert (board.is_on("silent"), board.is_on("refused")) == (True, False)


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
