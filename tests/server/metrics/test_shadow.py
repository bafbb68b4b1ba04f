"""The shadow in numbers."""

from __future__ import annotations

from typing import Any

from nacd.server.metrics import shadow as numbers
from nacd.server.metrics.metric import Readings
from nacd.server.shadow.beside import OUTCOMES
from nacd.server.shadow.loading import NO_SHADOW
from tests.server.shadow.bench import Bench, faulty
from tests.server.shadow.conftest import bench, login

__all__ = ["bench", "login"]


def read(bench: Bench) -> dict[tuple[str, ...], float]:
    return {(sample.metric.name, *sample.labels): sample.value for sample in numbers.read(bench.shadow)}


def test_without_a_shadow_nothing_says_whether_it_is_on(bench: Bench) -> None:
    bench.shadow.adopt(NO_SHADOW)
    found = read(bench)
    assert ("nacd_shadow_on",) not in found
    assert {value for (name, *_), value in found.items() if name == "nacd_shadow_decisions_total"} == {0}


def test_it_is_on_or_faulty_and_each_outcome_begins_at_zero(bench: Bench) -> None:
    assert read(bench)[("nacd_shadow_on",)] == 1
    assert [labels[0] for name, *labels in read(bench) if name == "nacd_shadow_decisions_total"] == list(OUTCOMES)
    bench.shadow.adopt(faulty())
    assert read(bench)[("nacd_shadow_on",)] == 0


def test_decisions_are_counted_by_what_came_of_them_and_a_reset_of_the_report_takes_nothing_back(bench: Bench) -> None:
    bench.decide("compliant")
    bench.decide("noncompliant")
    assert read(bench)[("nacd_shadow_waiting",)] == 2
    bench.run()
    bench.shadow.reset()
    found = read(bench)
    assert found["nacd_shadow_decisions_total", "same_by_another_rule"] == 1
    assert found["nacd_shadow_decisions_total", "different"] == 1
    assert found[("nacd_shadow_waiting",)] == 0


def test_every_sample_is_of_the_table(bench: Bench) -> None:
    families: Any = list(Readings(numbers.TABLE, lambda: numbers.read(bench.shadow)).collect())
    assert [family.name for family in families] == ["nacd_shadow_on", "nacd_shadow_waiting", "nacd_shadow_decisions"]
