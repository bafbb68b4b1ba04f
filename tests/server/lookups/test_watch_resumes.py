"""The sessions that were open before a restart are watched again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from nacd.server.lookups import watch as module
from nacd.server.lookups.tenants import Lookups
from nacd.store.sessions import LiveKey
from tests.server.lookups.bench import Bench, device
from tests.server.lookups.test_watch import NOT_MANAGED, NOW, devices, ticking, watched


def rows(*numbers: int, nas: str = "switch", tenant: str = "intune") -> Iterator[LiveKey]:
    return iter([(number, tenant, device(number).key, "AA", nas) for number in numbers])


def test_after_a_restart_all_are_watched_again_and_not_asked_about_at_once() -> None:
    bench = Bench()
    live, _ = devices(clock=bench.clock)

    async def story() -> None:
        await live.resume(rows(*range(1, 12_001)))
        assert live.counts("intune", bench.clock())[0] == 12_000
        assert bench.register.calls == []
        for seconds in (1, 2):
            bench.clock.ahead_s += 1
            live.tick(Lookups({"intune": bench.lookup}), bench.clock())
            await bench.landed()
            assert len(set(bench.register.calls)) <= 130 * seconds

    bench.run(story)


def test_what_happens_while_the_rows_are_read_counts_more_than_they_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAGE", 1)
    live, callers = devices()

    async def story() -> None:
        first, second = callers.came(7, NOW), callers.came(8, NOW)
        assert (first, second) == (1, 2)

        def read() -> Iterator[LiveKey]:
            yield from rows(1, 2, 3, 4)  # as they were before: the first two were other devices'

        ended = asyncio.ensure_future(live.resume(read()))
        await asyncio.sleep(0)
        callers.left(second, NOW)
        callers.restarted((3,), NOW)
        await ended
        assert watched(live) == 2
        callers.left(first, NOW)
        assert watched(live) == 1
        callers.restarted((4,), NOW)
        assert watched(live) == 0

    asyncio.run(story())


def test_a_row_whose_key_is_none_and_a_tenant_that_is_no_more_hurt_nobody() -> None:
    bench = Bench()
    live, _ = devices(clock=bench.clock)

    async def story() -> None:
        await live.resume(iter([(1, "intune", "nonsense", "AA", "switch"), *rows(2, tenant="gone"), *rows(3)]))
        await ticking(bench, live, 101)
        assert bench.register.calls == [str(device(3).subject)]
        assert live.too_slow(Lookups({"intune": bench.lookup}), bench.clock()) == ()

    bench.run(story)


def test_a_stranger_is_asked_about_once_after_a_restart_and_left_alone_then() -> None:
    bench = Bench()
    live, _ = devices(clock=bench.clock)
    bench.ears = live.verdict
    bench.heal(NOT_MANAGED)

    async def story() -> None:
        await live.resume(rows(1))
        await ticking(bench, live, 301)
        assert len(bench.register.calls) == 1

    bench.run(story)
