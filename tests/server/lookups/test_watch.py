"""Live devices are asked about one by one, evenly spread, and an interval that cannot be met is said."""

from __future__ import annotations

import pytest

from nacd.server.lookups import watch as module
from nacd.server.lookups.tenants import Lookups
from nacd.server.lookups.watch import LiveDevices
from nacd.values import (
    AccessRequest,
    AccountingRequest,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Instant,
    Nas,
)
from tests.server.lookups.bench import Bench, device

NAS = Nas(name="switch", vendor="generic")
NOW = Instant(wall=1e9, monotonic=1000.0)


def at(station: str = "", *, nas: str = "10.0.0.1", session: str = "", port: str = "") -> AccessRequest:
    return AccessRequest(
        nas=NAS, source=nas, source_port=1, calling_station_id=station, acct_session_id=session, nas_port_id=port
    )


def stop(station: str, *, nas: str = "10.0.0.1", session: str = "") -> AccountingRequest:
    return AccountingRequest(
        nas=NAS,
        source=nas,
        source_port=1,
        status_type="Stop",
        calling_station_id=station,
        acct_session_id=session,
    )


NOWHERE = at()


def came(
    live: LiveDevices,
    number: int,
    now: Instant = NOW,
    request: AccessRequest = NOWHERE,
    state: ComplianceState = ComplianceState.COMPLIANT,
) -> None:
    live.came(device(number), request, Compliance(state=state, as_of=now.wall, source=ComplianceSource.LIVE), now)


def watched(live: LiveDevices) -> int:
    return live.counts("intune", NOW)[0]


def test_whoever_was_let_in_is_asked_about_once_an_interval_until_he_leaves() -> None:
    bench = Bench()
    lookups, live = Lookups({"intune": bench.lookup}), LiveDevices(100.0)

    async def story() -> None:
        for number in range(10):
            came(live, number + 1, bench.clock(), at(f"00-50-56-00-00-{number:02X}"))
        for _ in range(100):
            live.tick(lookups, bench.clock())
            await bench.landed()
            bench.clock.ahead_s += 1
        assert sorted(bench.register.calls) == sorted(str(device(n + 1).subject) for n in range(10))
        live.left(stop("00-50-56-00-00-00"))
        bench.register.calls.clear()
        for _ in range(100):
            live.tick(lookups, bench.clock())
            await bench.landed()
            bench.clock.ahead_s += 1
        assert len(set(bench.register.calls)) == 9
        assert str(device(1).subject) not in bench.register.calls
        assert live.counts("intune", bench.clock())[0] == 9

    bench.run(story)


def test_they_do_not_all_come_at_once() -> None:
    bench = Bench()
    lookups, live = Lookups({"intune": bench.lookup}), LiveDevices(100.0)

    async def story() -> None:
        for number in range(200):
            came(live, number + 1, bench.clock())
        most, before = 0, 0
        for _ in range(100):
            live.tick(lookups, bench.clock())
            await bench.landed()
            most, before = max(most, len(bench.register.calls) - before), len(bench.register.calls)
            bench.clock.ahead_s += 1
        assert before >= 195
        assert most <= 12

    bench.run(story)


def test_a_device_that_nobody_ends_is_forgotten_after_a_day() -> None:
    bench = Bench()
    lookups, live = Lookups({"intune": bench.lookup}), LiveDevices(100.0)

    async def story() -> None:
        came(live, 1, bench.clock(), at("00-50-56-00-00-01"))
        bench.clock.ahead_s += 25 * 3600
        live.tick(lookups, bench.clock())
        assert live.counts("intune", bench.clock()) == (0, 0.0)
        assert bench.register.calls == []

    bench.run(story)


def test_an_interval_that_the_budget_cannot_meet_is_said_with_the_one_that_it_can() -> None:
    bench = Bench(per_s=2.0)
    lookups, live = Lookups({"intune": bench.lookup}), LiveDevices(10.0)

    async def story() -> None:
        for number in range(20):
            came(live, number + 1, bench.clock())
        assert live.too_slow(lookups, bench.clock()) == ()
        came(live, 21, bench.clock())
        came(live, 22, bench.clock())
        (slow,) = live.too_slow(lookups, bench.clock())
        assert (slow.devices, slow.possible_s) == (22, 11.0)
        assert "set `poll.interval` to 11s or more, or raise `budget.polling`" in str(slow)

    bench.run(story)


def test_a_device_at_two_places_is_watched_until_it_has_left_both() -> None:
    bench, live = Bench(), LiveDevices(100.0)
    came(live, 1, bench.clock(), at("dock"))
    came(live, 1, bench.clock(), at("radio"))
    live.left(stop("dock"))
    assert live.counts("intune", bench.clock())[0] == 1
    live.left(stop("radio"))
    live.left(stop("radio"))
    assert live.counts("intune", bench.clock())[0] == 0


def test_who_comes_back_is_guessed_by_where_he_was_seen_last() -> None:
    bench, live = Bench(), LiveDevices(100.0)
    came(live, 1, bench.clock(), at("dock"))
    live.left(stop("dock"))
    assert live.guess("dock") == device(1)
    assert live.guess("radio") is None


# -- sessions and places ---------------------------------------------------------------------------


def test_the_stop_of_the_nas_that_a_device_roamed_away_from_does_not_end_it() -> None:
    live = LiveDevices(100.0)
    came(live, 1, request=at("AA", nas="10.0.0.1"))
    came(live, 1, request=at("AA", nas="10.0.0.2"))
    live.left(stop("AA", nas="10.0.0.1"))
    assert watched(live) == 1
    live.left(stop("AA", nas="10.0.0.2"))
    assert watched(live) == 0


def test_where_the_nas_names_sessions_the_stop_of_another_one_ends_nothing() -> None:
    live = LiveDevices(100.0)
    came(live, 1, request=at("AA", session="first"))
    came(live, 1, request=at("AA", session="second"))
    live.left(stop("AA", session="first"))
    assert watched(live) == 1
    live.left(stop("AA", session="second"))
    assert watched(live) == 0


def test_of_two_devices_by_one_dock_the_first_that_came_is_ended_first() -> None:
    live = LiveDevices(100.0)
    came(live, 1, request=at("DOCK"))
    came(live, 2, request=at("DOCK"))
    live.left(stop("DOCK"))
    came(live, 1, request=at("AA"))
    live.left(stop("AA"))
    assert watched(live) == 1
    live.left(stop("DOCK"))
    assert watched(live) == 0


def test_a_station_of_nothing_but_zeros_is_nobodys() -> None:
    live = LiveDevices(100.0)
    came(live, 1, request=at("00-00-00-00-00-00"))
    live.left(stop("00-00-00-00-00-00"))
    assert watched(live) == 1
    assert live.guess("00-00-00-00-00-00") is None


# -- bounds ------------------------------------------------------------------------------------------


def test_what_intune_does_not_know_is_not_watched_and_no_longer_when_it_was() -> None:
    live = LiveDevices(100.0)
    came(live, 1, request=at("AA"), state=ComplianceState.NOT_MANAGED)
    assert (watched(live), live.guess("AA")) == (0, None)
    came(live, 1, request=at("AA"))
    assert watched(live) == 1
    came(live, 1, request=at("AA"), state=ComplianceState.NOT_MANAGED)
    live.left(stop("AA"))
    assert watched(live) == 0


def test_of_too_many_devices_those_that_came_longest_ago_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_LIVE", 10)
    live = LiveDevices(100.0)
    for number in range(10):
        came(live, number, request=at(f"S{number}"))
    came(live, 0, request=at("S0"))
    came(live, 10, request=at("S10"))
    live.left(stop("S1"))
    assert watched(live) == 10
    live.left(stop("S0"))
    assert watched(live) == 9


def test_a_device_that_changes_its_station_all_the_time_takes_no_room() -> None:
    live = LiveDevices(100.0)
    for number in range(100):
        came(live, 1, request=at(f"S{number}"))
    for number in range(84):
        live.left(stop(f"S{number}"))
    assert watched(live) == 1
    for number in range(84, 100):
        live.left(stop(f"S{number}"))
    assert watched(live) == 0


def test_one_port_that_changes_stations_does_not_push_out_those_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_STATIONS", 200)
    monkeypatch.setattr(module, "_MOST_STATIONS_OF_NAS", 100)
    live = LiveDevices(100.0)
    came(live, 1, request=at("real", port="Gi1/0/1"))
    for number in range(1_000):
        came(live, 2, request=at(f"P{number}", port="Gi1/0/2"))
    for number in range(1_000):
        came(live, 3, request=at(f"W{number}", nas="10.0.0.2"))
    assert live.guess("real") == device(1)
    assert [station for station in ("P0", "P935", "W0", "W899") if live.guess(station) is not None] == []
    assert live.guess("P999") == device(2)
    assert live.guess("W999") == device(3)


def test_stations_are_bounded_over_all_ports_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_STATIONS", 50)
    live = LiveDevices(100.0)
    for number in range(100):
        came(live, number, request=at(f"S{number}", port=f"Gi1/0/{number}"))
    assert [live.guess(f"S{number}") is not None for number in (0, 49, 50, 99)] == [False, False, True, True]


def test_while_intune_throttles_nobody_is_told_to_ask_more() -> None:
    bench, live = Bench(per_s=2.0), LiveDevices(10.0)
    lookups = Lookups({"intune": bench.lookup})

    async def story() -> None:
        for number in range(15):
            came(live, number + 1, bench.clock())
        bench.lookup.errands.polling.throttled(bench.clock())
        (slow,) = live.too_slow(lookups, bench.clock())
        assert "intune throttles" in str(slow)
        assert "raise" not in str(slow)

    bench.run(story)
