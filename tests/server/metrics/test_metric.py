"""One metric as a row of a table, and a table as what the library collects."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from nacd.server.metrics.metric import Metric, Readings

DROPS = Metric(name="nacd_drops_total", kind="counter", meaning="Packets dropped.", labels=("nas", "why"))
OPEN = Metric(name="nacd_conversations_open", kind="gauge", meaning="Conversations that go on.")


def text(*readings: Readings) -> str:
    registry = CollectorRegistry()
    for reading in readings:
        registry.register(reading)
    return generate_latest(registry).decode()


@pytest.mark.parametrize(
    "change",
    [
        {"name": "nacd_drops", "kind": "counter"},
        {"name": "nacd_drops_total", "kind": "gauge"},
        {"name": "drops_total", "kind": "counter"},
        {"name": "nacd_Drops_total", "kind": "counter"},
        {"name": "nacd_drops:total", "kind": "counter"},
        {"name": "nacd_drops_", "kind": "gauge"},
        {"meaning": ""},
        {"meaning": "two\nlines"},
        {"labels": ("Tenant",)},
        {"labels": ("tenant-name",)},
        {"labels": ("__name__",)},
    ],
)
def test_a_metric_against_the_conventions_cannot_be_made(change: dict[str, Any]) -> None:
    good: dict[str, Any] = {"name": "nacd_drops_total", "kind": "counter", "meaning": "Packets dropped."}
    Metric(**good)
    with pytest.raises(ValueError, match=r"is no name for a|needs a meaning in one line"):
        Metric(**{**good, **change})


@pytest.mark.parametrize("labels", [(), ("switch",), ("switch", "bad", "more")])
def test_a_sample_has_a_value_for_each_label_and_no_more(labels: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="has 2 labels"):
        DROPS.sample(1, *labels)


def test_a_table_becomes_text_in_its_own_order() -> None:
    samples = [OPEN.sample(3), DROPS.sample(7, "switch", "bad"), DROPS.sample(1, "wifi", "late")]
    assert text(Readings((DROPS, OPEN), lambda: samples)).splitlines() == [
        "# HELP nacd_drops_total Packets dropped.",
        "# TYPE nacd_drops_total counter",
        'nacd_drops_total{nas="switch",why="bad"} 7.0',
        'nacd_drops_total{nas="wifi",why="late"} 1.0',
        "# HELP nacd_conversations_open Conversations that go on.",
        "# TYPE nacd_conversations_open gauge",
        "nacd_conversations_open 3.0",
    ]


def test_it_is_read_anew_each_time_and_not_before_somebody_asks() -> None:
    reads: list[int] = []

    def read() -> list[Any]:
        reads.append(1)
        return [OPEN.sample(len(reads))]

    registry = CollectorRegistry()
    registry.register(Readings((OPEN,), read))
    assert reads == []
    assert [generate_latest(registry).split()[-1] for _ in range(2)] == [b"1.0", b"2.0"]


def test_a_metric_without_a_sample_is_left_out() -> None:
    assert "nacd_drops" not in text(Readings((DROPS, OPEN), lambda: [OPEN.sample(0)]))


def test_two_tables_with_a_name_in_common_are_refused() -> None:
    with pytest.raises(ValueError, match="Duplicated timeseries"):
        text(Readings((OPEN,), list), Readings((DROPS, OPEN), list))


def test_a_sample_of_another_table_is_a_bug() -> None:
    with pytest.raises(KeyError, match="nacd_drops_total"):
        text(Readings((OPEN,), lambda: [DROPS.sample(1, "switch", "bad")]))


@pytest.mark.parametrize(
    "odd", ['say "hi"', "back\\slash", "back\\nslash", "{tenant=}", "Zürich 東京", "two\nlines", "#"]
)
def test_odd_label_values_arrive_as_they_are(odd: str) -> None:
    said = text(Readings((DROPS,), lambda: [DROPS.sample(1, odd, "bad")]))
    (family,) = text_string_to_metric_families(said)
    assert [sample.labels["nas"] for sample in family.samples] == [odd]
    assert len(said.splitlines()) == 3
