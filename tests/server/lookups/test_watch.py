"""Live devices are asked about one by one, evenly spread, and an interval that cannot be met is said."""

from __future__ import annotations

from nacd.server.lookups.tenants import Lookups
from nacd.server.lookups.watch import LiveDevices
from tests.server.lookups.bench import Bench, device


def test_whoever_was_let_in_is_asked_about_once_an_interval_until_he_leaves() -> None:
    bench = Bench()
    lookups, live = Lookups({"intune": bench.lookup}), LiveDevices(100.0)

    async def story() -> None:
        for number in range(10):
            live.came(device(number + 1), f"00-50-56-00-00-{number:02X}", bench.clock())
        for _ in range(100):
            live.tick(lookups, bench.clock())
            await bench.landed()
            bench.clock.ahead_s += 1
        assert sorted(bench.register.calls) == sorted(str(device(n + 1).subject) for n in range(10))
        live.left("00-50-56-00-00-00")
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
            live.came(device(number + 1), "", bench.clock())
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
        live.came(device(1), "00-50-56-00-00-01", bench.clock())
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
            live.came(device(number + 1), "", bench.clock())
        assert live.too_slow(lookups) == ()
        live.came(device(21), "", bench.clock())
        live.came(device(22), "", bench.clock())
        (slow,) = live.too_slow(lookups)
        assert (slow.devices, slow.possible_s) == (22, 11.0)
        assert "set `poll.interval` to 11s or more, or raise `budget.polling`" in str(slow)

    bench.run(story)


def test_a_device_at_two_places_is_watched_until_it_has_left_both() -> None:
    bench, live = Bench(), LiveDevices(100.0)
    live.came(device(1), "dock", bench.clock())
    live.came(device(1), "radio", bench.clock())
    live.left("dock")
    assert live.counts("intune", bench.clock())[0] == 1
    live.left("radio")
    live.left("radio")
    assert live.counts("intune", bench.clock())[0] == 0


def test_who_comes_back_is_guessed_by_where_he_was_seen_last() -> None:
    bench, live = Bench(), LiveDevices(100.0)
    live.came(device(1), "dock", bench.clock())
    live.left("dock")
    assert live.guess("dock") == device(1)
    assert live.guess("radio") is None
