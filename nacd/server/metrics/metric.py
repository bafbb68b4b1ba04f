"""One metric as a row of a table, and a table as what the library collects.

Knows: Prometheus's names, kinds and labels. Refuses to know: what is measured, and who asks.

Nothing is counted here. What there is to see is read from the living objects at the moment somebody asks, so that a
request pays nothing for being visible.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from nacd.server.metrics.requests.histogram import Histogram, Observed

Family: TypeAlias = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily
# https://prometheus.io/docs/concepts/data_model/; colons are for the rules of whoever collects.
_NAME = re.compile(r"nacd_[a-z0-9]+(_[a-z0-9]+)*")
_LABEL = re.compile(r"[a-z]+(_[a-z]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """name: in full, with its unit, ``_total`` at the end of a counter and of nothing else; ValueError otherwise.

    A histogram is one of seconds. meaning: one sentence, with its unit if the name has none. labels: names, in the
    order of ``sample``.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name.endswith("_total") != (self.kind == "counter"):
            raise ValueError(f"`{self.name}` is no name for a {self.kind}")
        if self.kind == "histogram" and not self.name.endswith("_seconds"):
            raise ValueError(f"`{self.name}` is no name for a histogram of seconds")
        if not self.meaning or "\n" in self.meaning or not all(_LABEL.fullmatch(label) for label in self.labels):
            raise ValueError(f"`{self.name}` needs a meaning in one line, and labels in small letters")

    def sample(self, value: float, *labels: str) -> Sample:
        """What it is now. labels: a value for each. ValueError for more or fewer: the library would drop them."""
        self._fitting(labels)
        return Sample(self, value, labels)

    def distribution(self, histogram: Histogram, *labels: str) -> Sample:
        """What a histogram holds now."""
        self._fitting(labels)
        return Sample(self, histogram.observed(), labels)

    def family(self) -> Family:
        """It, without any sample, in the library's form."""
        if self.kind == "histogram":
            return HistogramMetricFamily(self.name, self.meaning, labels=self.labels)
        kind = CounterMetricFamily if self.kind == "counter" else GaugeMetricFamily
        return kind(self.name, self.meaning, labels=self.labels)

    @property
    def series(self) -> tuple[str, ...]:
        """The names that its samples have."""
        ends = ("_bucket", "_count", "_sum") if self.kind == "histogram" else ("",)
        return tuple(self.name + end for end in ends)

    def _fitting(self, labels: tuple[str, ...]) -> None:
        if len(labels) != len(self.labels):
            raise ValueError(f"`{self.name}` has {len(self.labels)} labels, {len(labels)} were given")


class Sample(NamedTuple):
    """One number of one metric, or one histogram."""

    metric: Metric
    value: float | Observed
    labels: tuple[str, ...]


class Readings(Collector):
    """One table, and who reads all of it. read: what each metric is now; one that has no sample is left out.

    stepwise: what it reads is a copy of its own, so that others may have their turn between two samples.
    """

    def __init__(
        self, table: Sequence[Metric], read: Callable[[], Iterable[Sample]], *, stepwise: bool = False
    ) -> None:
        self.table = tuple(table)
        self.read = read
        self.stepwise = stepwise

    def describe(self) -> Iterator[Family]:
        """The table alone. The library finds by it that two tables have a name in common."""
        return (metric.family() for metric in self.table)

    def collect(self) -> Iterator[Family]:
        """All of it, in the order of the table, as the library has it. KeyError for a sample of another table."""
        families = {metric.name: metric.family() for metric in self.table}
        for sample in self.read():
            family, value = families[sample.metric.name], sample.value
            if isinstance(family, HistogramMetricFamily) and isinstance(value, Observed):
                bounds = (*map(floatToGoString, value.bounds), "+Inf")
                family.add_metric(sample.labels, list(zip(bounds, value.cumulated, strict=True)), value.total)
            elif not isinstance(family, HistogramMetricFamily) and not isinstance(value, Observed):
                family.add_metric(sample.labels, value)
        return (family for family in families.values() if family.samples)
