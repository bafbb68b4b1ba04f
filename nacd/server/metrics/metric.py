"""One metric as a row of a table, and a table as what the library collects.

Knows: Prometheus's names, kinds and labels. Refuses to know: what is measured, and who asks.

Nothing is counted here. What there is to see is read from the living objects at the moment somebody asks, so that a
request pays nothing for being visible.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

Family: TypeAlias = CounterMetricFamily | GaugeMetricFamily
# https://prometheus.io/docs/concepts/data_model/; colons are for the rules of whoever collects.
_NAME = re.compile(r"nacd_[a-z0-9]+(_[a-z0-9]+)*")
_LABEL = re.compile(r"[a-z]+(_[a-z]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """name: in full, with its unit, ``_total`` at the end of a counter and of nothing else; ValueError otherwise.

    meaning: one sentence, with its unit if the name has none. labels: names, in the order of ``sample``.
    """

    name: str
    kind: Literal["counter", "gauge"]
    meaning: str
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name.endswith("_total") != (self.kind == "counter"):
            raise ValueError(f"`{self.name}` is no name for a {self.kind}")
        if not self.meaning or "\n" in self.meaning or not all(_LABEL.fullmatch(label) for label in self.labels):
            raise ValueError(f"`{self.name}` needs a meaning in one line, and labels in small letters")

    def sample(self, value: float, *labels: str) -> Sample:
        """What it is now. labels: a value for each. ValueError for more or fewer: the library would drop them."""
        if len(labels) != len(self.labels):
            raise ValueError(f"`{self.name}` has {len(self.labels)} labels, {len(labels)} were given")
        return Sample(metric=self, value=value, labels=labels)

    def family(self) -> Family:
        """It, without any sample, in the library's form."""
        kind = CounterMetricFamily if self.kind == "counter" else GaugeMetricFamily
        return kind(self.name, self.meaning, labels=self.labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One number of one metric."""

    metric: Metric
    value: float
    labels: tuple[str, ...]


class Readings(Collector):
    """One table, and who reads all of it. read: what each metric is now; one that has no sample is left out."""

    def __init__(self, table: Sequence[Metric], read: Callable[[], Iterable[Sample]]) -> None:
        self._table = tuple(table)
        self._read = read

    def describe(self) -> Iterator[Family]:
        """The table alone. The library finds by it that two tables have a name in common."""
        return (metric.family() for metric in self._table)

    def collect(self) -> Iterator[Family]:
        """All of it, in the order of the table. KeyError for a sample of another table."""
        families = {metric.name: metric.family() for metric in self._table}
        for sample in self._read():
            families[sample.metric.name].add_metric(sample.labels, sample.value)
        return (family for family in families.values() if family.samples)
