"""Whether the event loop turns, felt from inside."""

from __future__ import annotations

import asyncio
import gc
import time

from nacd.server.metrics.health import pulse
from nacd.server.metrics.health.pulse import Pulse
from nacd.server.metrics.requests.histogram import Observed


async def soon(pulse: Pulse, count: int) -> None:
    until = time.monotonic() + 10
    while pulse.lag.observed().cumulated[-1] < count and time.monotonic() < until:  # noqa: ASYNC110  a count, no event
        await asyncio.sleep(0.001)


def test_a_loop_that_is_held_up_shows() -> None:
    async def story() -> None:
        felt = Pulse()
        felt.begin(every_s=0.001)
        await soon(felt, 3)
        time.sleep(0.25)  # noqa: ASYNC251  the very thing that is to show
        count = felt.lag.observed().cumulated[-1]
        await soon(felt, count + 1)
        felt.close()
        assert felt.lag.observed().cumulated[-1] - felt.lag.observed().cumulated[-3] >= 1  # more than 0.2 s

    asyncio.run(story())


def test_collections_of_garbage_are_counted_until_it_is_closed() -> None:
    async def story() -> None:
        felt = Pulse()
        felt.begin()
        gc.collect()
        felt.close()
        seen = felt.pauses.observed().cumulated[-1]
        assert seen >= 1
        gc.collect()
        assert felt.pauses.observed().cumulated[-1] == seen
        felt.close()  # once more does no harm

    asyncio.run(story())


def test_every_metric_is_read_and_a_tick_makes_its_age_small() -> None:
    felt = Pulse()
    felt._ticked -= 100
    assert felt.tick_age_s > 99
    felt.ticked()
    read = {sample.metric: sample.value for sample in felt.read()}
    assert set(read) == set(pulse.TABLE)
    age_s = read[pulse.TICK]
    assert not isinstance(age_s, Observed)
    assert age_s < 50
