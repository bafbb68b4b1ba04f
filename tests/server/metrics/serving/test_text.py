"""The text that is written by hand is the library's, octet for octet; and writing it keeps nobody waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from nacd.server.metrics.metric import Metric, Readings, Sample
from nacd.server.metrics.requests.histogram import Histogram
from nacd.server.metrics.serving.text import number, pieces, text

DROPS = Metric(name="nacd_drops_total", kind="counter", meaning='A \\ and a "word".', labels=("why", "nas"))
OPEN = Metric(name="nacd_open", kind="gauge", meaning="Those that are open.")
TOOK = Metric(name="nacd_took_seconds", kind="histogram", meaning="How long.", labels=("stage",))
WHOLE = Metric(name="nacd_whole_seconds", kind="histogram", meaning="All of it.")
EMPTY = Metric(name="nacd_empty", kind="gauge", meaning="Nothing is known.")
NUMBERS = (0, 1, True, 999_999, 1_000_000, 12_345_678, -3, 0.5, 1e-9, 1e300, float("inf"), float("nan"), 1.7e9)


def samples() -> Iterator[Sample]:
    histogram = Histogram((0.0005, 0.1, 3_600.0))
    for value in (0.0001, 0.05, 1e6):
        histogram.observe(value)
    yield OPEN.sample(3)
    for odd in ("", 'say "hi"', "back\\slash", "two\nlines", "Zürich 東京", "%s {x}"):
        yield DROPS.sample(7, odd, "switch")
    yield TOOK.distribution(histogram, "queue")
    yield TOOK.distribution(histogram, 'the "last"')
    yield WHOLE.distribution(histogram)


def by_library(*readings: Readings) -> str:
    registry = CollectorRegistry()
    for reading in readings:
        registry.register(reading)
    return generate_latest(registry).decode()


def test_it_is_what_the_library_writes() -> None:
    reading = Readings((OPEN, DROPS, EMPTY, TOOK, WHOLE), samples)
    assert "".join(pieces(reading)) == by_library(reading)


@pytest.mark.parametrize("value", NUMBERS)
def test_every_number_is_written_as_the_library_does(value: float) -> None:
    reading = Readings((OPEN,), lambda: [OPEN.sample(value)])
    assert "".join(pieces(reading)) == by_library(reading)
    assert float(number(value)) == value or value != value


def test_others_have_their_turn_while_it_is_written() -> None:
    many = [DROPS.sample(each, str(each), "switch") for each in range(5_000)]

    async def story() -> tuple[str, int]:
        turns = 0

        def turn() -> None:
            nonlocal turns
            turns += 1
            asyncio.get_running_loop().call_soon(turn)

        turn()
        return await text((Readings((DROPS,), lambda: many),), at_once_s=0.0), turns

    whole, turns = asyncio.run(story())
    assert len(whole.splitlines()) == 5_002
    assert turns > 5_000 / 64


def test_a_histogram_is_no_number_and_a_number_no_histogram() -> None:
    with pytest.raises(TypeError, match="is no histogram"):
        list(pieces(Readings((OPEN,), lambda: [Sample(OPEN, Histogram((1.0,)).observed(), ())])))
    with pytest.raises(TypeError, match="is a histogram"):
        list(pieces(Readings((WHOLE,), lambda: [Sample(WHOLE, 1.0, ())])))
