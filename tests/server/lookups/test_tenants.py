"""One broken tenant does not slow another."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from nacd.server.lookups.tenants import Lookups
from nacd.values import ComplianceState
from tests.server.lookups.bench import Bench, device, from_port


def test_each_question_goes_to_its_tenant_and_a_hanging_one_slows_no_other() -> None:
    broken, well = Bench(deadline_s=3.0, threads=1, max_waiting=2), Bench()
    both = Lookups({"broken": broken.lookup, "well": well.lookup})

    async def story() -> None:
        broken.register.open.clear()
        hanging = [
            asyncio.ensure_future(both.compliance(replace(device(number), tenant="broken"), from_port()))
            for number in range(1, 11)
        ]
        await broken.until(lambda: len(broken.register.calls) == 1)
        began = time.monotonic()
        answer = await both.compliance(replace(device(1), tenant="well"), from_port())
        assert answer.state is ComplianceState.COMPLIANT
        assert time.monotonic() - began < 2.0
        assert (well.register.calls, both.limited["max_waiting"]) == ([str(device(1).subject)], 7)
        assert both.known(replace(device(1), tenant="broken"), broken.clock()) is None
        broken.register.open.set()
        await asyncio.gather(*hanging)
        await both.close()

    well.run(lambda: _in(broken, story))


async def _in(bench: Bench, story) -> None:
    try:
        await story()
    finally:
        bench.register.open.set()
        await bench.lookup.close()


def test_the_same_device_of_two_tenants_is_two_devices() -> None:
    one, two = Bench(), Bench()
    both = Lookups({"one": one.lookup, "two": two.lookup})

    async def story() -> None:
        two.heal(ComplianceState.NONCOMPLIANT)
        first = await both.compliance(replace(device(1), tenant="one"), from_port())
        second = await both.compliance(replace(device(1), tenant="two"), from_port())
        assert (first.state, second.state) == (ComplianceState.COMPLIANT, ComplianceState.NONCOMPLIANT)

    one.run(lambda: _in(two, story))
