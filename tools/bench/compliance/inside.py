"""A million verdicts inside one fresh process: what they weigh, and what looking one up takes.

``python -m tools.bench.compliance.inside PROVIDER COUNT BATCHES`` prints one line of JSON: octets of resident memory
before and after, and by number of keys the nanoseconds of a lookup in each batch. Knows: nacd's cache from inside.
Refuses to know: daemons, and what is done with the figures.
"""

from __future__ import annotations

import gc
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from typing import Final

from nacd.compliance.breaker import Breaker
from nacd.compliance.cache import Lifetimes, VerdictCache
from nacd.compliance.question import Question
from nacd.server.lookups.knowledge import Knowledge, NoShelf
from nacd.server.lookups.lookup import Lookup, LookupOptions
from nacd.server.lookups.tenants import Lookups
from nacd.values import (
    NO_FACTS,
    Compliance,
    ComplianceSource,
    ComplianceState,
    DeviceFacts,
    DeviceId,
    DeviceIdKind,
    Instant,
    MacAddress,
)
from tools.bench import meter
from tools.bench.compliance.devices import guid

_TENANT = "intune"
_BATCH: Final = 1_000
_NOW: Final = Instant(wall=1_800_000_000.0, monotonic=100_000.0)


class Nobody:
    """A source that must not be asked: everything here is known."""

    throttled = 0

    def lookup(self, subject: DeviceId | MacAddress, deadline_s: float, now: Callable[[], float]) -> Compliance:
        """Raises RuntimeError."""
        raise RuntimeError(f"{subject} was asked about")


def verdict(provider: str, number: int) -> Compliance:
    """What an answer about this device would have been; one in ten is not compliant."""
    state = ComplianceState.COMPLIANT if number % 10 else ComplianceState.NONCOMPLIANT
    facts = NO_FACTS
    if provider == "graph":
        facts = DeviceFacts(
            name=f"LAPTOP-{number:07d}",
            operating_system="Windows",
            os_version=f"10.0.22631.{number % 5_000}",
            owner="company",
            user=f"someone.{number}@contoso.example",
            last_sync=_NOW.wall - number % 86_400,
        )
    return Compliance(
        state=state,
        as_of=_NOW.wall - number % 250 - number / 1e6 % 1,
        source=ComplianceSource.LIVE,
        provider=provider,
        device=facts,
    )


def empty(count: int) -> tuple[VerdictCache, Lookups]:
    """Lookups of one tenant whose cache has room for ``count``."""
    cache = VerdictCache(Lifetimes(), capacity=count)
    lookup = Lookup(
        source=Nobody(),
        knowledge=Knowledge(tenant=_TENANT, cache=cache, shelf=NoShelf(), clock=lambda: _NOW),
        breaker=Breaker(),
        options=LookupOptions(),
        clock=lambda: _NOW,
    )
    return cache, Lookups({_TENANT: lookup})


def fill(cache: VerdictCache, provider: str, count: int) -> None:
    """As answers would. Raises RuntimeError if one is not taken."""
    for number in range(count):
        key = f"guid:{guid(number)}"
        if not cache.replace(key, verdict(provider, number), cache.ask(), _NOW):
            raise RuntimeError(f"`{key}` was not kept")


def lookups_ns(lookups: Lookups, among: int, held: int, batches: int) -> Iterator[float]:
    """Mean nanoseconds of a lookup in each batch, over keys chosen at random from ``among`` of those held."""
    chance = random.Random(among)
    chosen = [chance.randrange(held) for _ in range(among)] if among < held else range(held)
    for _ in range(batches):
        questions = [_question(chance.choice(chosen)) for _ in range(_BATCH)]
        known = lookups.known
        began = time.perf_counter_ns()
        for question in questions:
            known(question, _NOW)
        took = time.perf_counter_ns() - began
        began = time.perf_counter_ns()
        for _ in questions:
            pass
        took -= time.perf_counter_ns() - began
        if any(known(question, _NOW) is None for question in questions):
            raise RuntimeError("a verdict is not there")
        yield took / _BATCH


def _question(number: int) -> Question:
    named = guid(number)
    subject = DeviceId(guid=named, kind=DeviceIdKind.INTUNE)
    return Question(tenant=_TENANT, key=f"guid:{named}", subject=subject)


def main() -> None:
    """Measure, and say it."""
    provider, count, batches = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    cache, lookups = empty(count)
    gc.collect()
    before = meter.resident_octets((os.getpid(),))
    fill(cache, provider, count)
    gc.collect()
    octets = meter.resident_octets((os.getpid(),)) - before
    if len(cache) != count:
        raise RuntimeError(f"{len(cache)} of {count} verdicts are there")
    amongs = (1, min(1_000, count), count)
    took = {among: list(lookups_ns(lookups, among, count, batches)) for among in amongs}
    print(json.dumps({"before": before, "octets": octets, "lookup_ns": took}))


if __name__ == "__main__":
    main()
