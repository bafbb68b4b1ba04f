"""Who comes back is asked about by what was asked when its station was let in last."""

from __future__ import annotations

import pytest

from nacd.server.lookups import watch as module
from nacd.values import AccessRequest, Nas
from tests.server.lookups.bench import device
from tests.server.lookups.test_watch import devices


def at(station: str = "", *, nas: str = "10.0.0.1", port: str = "", eap: bool = True) -> AccessRequest:
    return AccessRequest(
        nas=Nas(name="switch", vendor="generic"),
        source=nas,
        source_port=1,
        calling_station_id=station,
        nas_port_id=port,
        has_eap=eap,
    )


def test_who_comes_back_is_guessed_by_where_he_was_seen_last() -> None:
    live, _ = devices()
    live.seen(device(1), at("dock"))
    assert live.guess("dock") == device(1)
    assert live.guess("radio") is None
    live.seen(device(2), at("dock"))
    assert live.guess("dock") == device(2)


def test_nothing_is_guessed_for_whoever_does_not_speak_eap_or_has_no_station() -> None:
    live, _ = devices()
    live.seen(device(1), at("dock", eap=False))
    live.seen(device(1), at("00-00-00-00-00-00"))
    assert live.guess("dock") is None
    assert live.guess("00-00-00-00-00-00") is None


def test_one_port_that_changes_stations_does_not_push_out_those_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_STATIONS", 200)
    monkeypatch.setattr(module, "_MOST_STATIONS_OF_NAS", 100)
    live, _ = devices()
    live.seen(device(1), at("real", port="Gi1/0/1"))
    for number in range(1_000):
        live.seen(device(2), at(f"P{number}", port="Gi1/0/2"))
    for number in range(1_000):
        live.seen(device(3), at(f"W{number}", nas="10.0.0.2"))
    assert live.guess("real") == device(1)
    assert [station for station in ("P0", "P935", "W0", "W899") if live.guess(station) is not None] == []
    assert live.guess("P999") == device(2)
    assert live.guess("W999") == device(3)


def test_stations_are_bounded_over_all_ports_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_STATIONS", 50)
    live, _ = devices()
    for number in range(100):
        live.seen(device(number), at(f"S{number}", port=f"Gi1/0/{number}"))
    assert [live.guess(f"S{number}") is not None for number in (0, 49, 50, 99)] == [False, False, True, True]
