"""The shadow of a daemon, put together.

Knows: where what is known of devices lies. Refuses to know: which candidate there is (``loading``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from nacd.compliance.question import Question
from nacd.server.lookups.tenants import Lookups
from nacd.server.recorder import Recorder
from nacd.server.shadow.beside import Shadow
from nacd.session.macs.machines import Machines
from nacd.values import Compliance, Instant, MacAddress


def build(recorder: Recorder, lookups: Lookups, machines: Machines, clock: Callable[[], Instant]) -> Shadow:
    """Without a candidate: ``adopt`` one. Works on the event loop that runs when decisions come."""

    def peek(asked: Question, now: Instant) -> Compliance | None:
        lookup = lookups.by_tenant.get(asked.tenant)
        if lookup is None:
            return None
        if isinstance(asked.subject, MacAddress) and machines.of(asked.subject.text) is not None:
            return None  # a login would look at the device's own verdict too, and perhaps for it on the disk
        return lookup.knowledge.cache.peek(asked.key, now)

    def later(delay_s: float, work: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(delay_s, work)

    return Shadow(record=recorder.offer, peek=peek, clock=clock, later=later)
