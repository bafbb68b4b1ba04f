"""Prometheus's text format 0.0.4, written piece by piece, so that the event loop can do something else in between.

Knows: how a line looks. Refuses to know: what it says, and who waits for it. The library writes the same octets, five
times as slowly and all at once; tests hold one against the other.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from prometheus_client.utils import floatToGoString

from nacd.server.metrics.metric import Metric, Readings, Sample
from nacd.server.metrics.requests.histogram import Observed

AT_ONCE_S: Final = 0.001
"""After so much work others have their turn: a request that came meanwhile waits no longer than that."""
_LOOK_EVERY: Final = 64


async def text(readings: Sequence[Readings], at_once_s: float = AT_ONCE_S) -> str:
    """Everything. What one table says is of one moment, two tables may be of two."""
    parts: list[str] = []
    for reading in readings:
        until = time.perf_counter() + at_once_s
        for number, part in enumerate(pieces(reading), start=1):
            parts.append(part)
            if number % _LOOK_EVERY == 0 and time.perf_counter() > until:
                await asyncio.sleep(0)
                until = time.perf_counter() + at_once_s
        await asyncio.sleep(0)
    return "".join(parts)


def pieces(reading: Readings) -> Iterator[str]:
    """One table, a head for each metric and a piece for each sample. It is read before anything is written, in one
    piece if it has to be."""
    found: dict[str, list[Sample]] = {metric.name: [] for metric in reading.table}
    for sample in reading.read():
        found[sample.metric.name].append(sample)
        if reading.stepwise:
            yield ""
    for metric in reading.table:
        samples = found[metric.name]
        if not samples:
            continue
        yield f"# HELP {metric.name} {_escaped(metric.meaning)}\n# TYPE {metric.name} {metric.kind}\n"
        # Labels in the order of the alphabet, as the library has them.
        form = ",".join(f'{label}="%s"' for label in sorted(metric.labels))
        order = sorted(range(len(metric.labels)), key=metric.labels.__getitem__)
        if metric.kind == "histogram":
            yield from (_histogram(metric, sample) for sample in samples)
        elif not order:
            yield from (f"{metric.name} {_number(sample)}\n" for sample in samples)
        else:
            front = f"{metric.name}{{{form}}} "
            for sample in samples:
                labels = sample.labels
                yield f"{front % tuple([_quoted(labels[each]) for each in order])}{_number(sample)}\n"


def _histogram(metric: Metric, sample: Sample) -> str:
    value = sample.value
    if not isinstance(value, Observed):
        raise TypeError(f"`{metric.name}` is a histogram, and {value} is none")
    own = dict(zip(metric.labels, sample.labels, strict=True))
    lines = [
        f"{metric.name}_bucket{_labels(own | {'le': bound})} {number(count)}\n"
        for bound, count in zip((*map(floatToGoString, value.bounds), "+Inf"), value.cumulated, strict=True)
    ]
    lines.append(f"{metric.name}_count{_labels(own)} {number(value.cumulated[-1])}\n")
    lines.append(f"{metric.name}_sum{_labels(own)} {number(value.total)}\n")
    return "".join(lines)


def _labels(of: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{label}="{_quoted(of[label])}"' for label in sorted(of)) + "}" if of else ""


def _number(sample: Sample) -> str:
    value = sample.value
    if isinstance(value, Observed):
        raise TypeError(f"`{sample.metric.name}` is no histogram")
    return number(value)


def number(value: float) -> str:
    """As the library writes it."""
    if type(value) is int and -1_000_000 < value < 1_000_000:
        return f"{value}.0"
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]


def _quoted(text: str) -> str:
    if '"' in text or "\\" in text or "\n" in text:
        return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
    return text


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")
