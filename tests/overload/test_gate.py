from __future__ import annotations

from nacd.overload.failing import FailingEndpoints
from nacd.overload.gate import FREE, Gate, HeldBack
from nacd.overload.rates import PortRates


def gate() -> Gate:
    return Gate(PortRates(per_s=1, burst=3), FailingEndpoints(refusals=2, within_s=60, hold_s=30))


def test_a_port_that_begins_too_often_is_held_back_whatever_its_mac(request_of, at) -> None:
    door = gate()
    asked = [door.ask(request_of(calling_station_id=f"00-00-00-00-00-{n:02X}"), at(0)) for n in range(5)]
    assert asked[:3] == [FREE] * 3
    assert [held.code for held in asked[3:] if isinstance(held, HeldBack)] == ["port_too_often"] * 2
    assert door.ask(request_of(nas_port_id="Gi1/0/2"), at(0)) is FREE
    assert door.counts == {"overload.port_rate": 2}


def test_an_endpoint_that_fails_in_a_loop_hears_so_from_memory(request_of, at) -> None:
    door = gate()
    for _ in range(2):
        door.refused(request_of(), at(0))
    held = door.ask(request_of(), at(10))
    assert isinstance(held, HeldBack)
    assert held.code == "failing_endpoint"
    assert "20 s more" in held.reason
    assert door.ask(request_of(), at(31)) is FREE


def test_a_held_endpoint_does_not_use_up_its_port(request_of, at) -> None:
    door = gate()
    for _ in range(2):
        door.refused(request_of(), at(0))
    for _ in range(10):
        assert door.ask(request_of(), at(1)) is not FREE
    assert door.ask(request_of(calling_station_id="00-00-00-00-00-99"), at(1)) is FREE


def test_who_was_let_in_starts_with_a_clean_sheet(request_of, at) -> None:
    door = gate()
    door.refused(request_of(), at(0))
    door.accepted(request_of())
    door.refused(request_of(), at(1))
    assert door.ask(request_of(), at(1)) is FREE
