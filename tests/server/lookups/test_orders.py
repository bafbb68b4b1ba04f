"""What people on this machine may ask about lookups."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from nacd.server.control import NotDone, OrderRefused
from nacd.server.lookups.building import Asking
from nacd.server.lookups.orders import orders
from nacd.server.lookups.tenants import Lookups
from nacd.server.lookups.upkeep import Upkeep
from nacd.server.lookups.watch import HowOften, LiveDevices
from nacd.store.verdicts import VerdictStore
from nacd.values import ComplianceState
from tests.server.lookups.bench import Bench, device

GUID = device(1).key.removeprefix("guid:")


def asking(bench: Bench, store: VerdictStore) -> Asking:
    return Asking(
        lookups=Lookups({"intune": bench.lookup}),
        live=LiveDevices(HowOften(each=300.0)),
        bulk=(),
        store=store,
        sources={},
        upkeep=Upkeep(sources={}, store=store, stale_for_s=1.0, clock=bench.clock),
    )


def told(bench: Bench, tmp_path: Any, *wanted: Mapping[str, Any], first: bool = True) -> list[Any]:
    """The answers to some orders, after one login asked about the first device."""
    store = VerdictStore(tmp_path / "verdicts.sqlite", report=print)
    answers: list[Any] = []

    async def story() -> None:
        if first:
            await bench.ask(1)
        known = orders(asking(bench, store), bench.clock)
        answers.extend([await known[str(each["order"])](each) for each in wanted])

    bench.run(story)
    store.close()
    return answers


@pytest.mark.parametrize("spelling", [GUID, GUID.upper(), "{" + GUID + "}"])
def test_a_device_is_shown_with_age_and_how_long_it_counts(tmp_path: Any, spelling: str) -> None:
    ((entry,),) = told(Bench(), tmp_path, {"order": "cache.show", "device": spelling})
    assert (entry["tenant"], entry["known"], entry["state"], entry["source"]) == ("intune", True, "compliant", "live")
    assert 3590 < entry["fresh_for_s"] <= 3600
    assert entry["gone_in_s"] > 86_000
    assert 0 <= entry["age_s"] < 5


def test_what_is_not_known_is_said_so_and_nobody_is_asked(tmp_path: Any) -> None:
    bench = Bench()
    answers = told(bench, tmp_path, {"order": "cache.show", "device": "00-11-85-aa-bb-cc"}, first=False)
    assert answers == [[{"tenant": "intune", "key": "mac:001185AABBCC", "known": False}]]
    assert bench.register.calls == []


def test_without_a_device_the_newest_are_shown(tmp_path: Any) -> None:
    (entries,) = told(Bench(), tmp_path, {"order": "cache.show"})
    assert [entry["key"] for entry in entries] == [device(1).key]


def test_a_refresh_asks_though_the_verdict_is_fresh(tmp_path: Any) -> None:
    bench = Bench()

    def turn_bad() -> None:
        bench.register.state = ComplianceState.NONCOMPLIANT

    bench.register.state = ComplianceState.COMPLIANT
    store = VerdictStore(tmp_path / "verdicts.sqlite", report=print)

    async def story() -> None:
        await bench.ask(1)
        turn_bad()
        (answer,) = await orders(asking(bench, store), bench.clock)["cache.refresh"]({"device": GUID})
        assert (answer["key"], answer["answer"]["state"]) == (device(1).key, "noncompliant")
        assert (await bench.ask(1)).state is ComplianceState.NONCOMPLIANT

    bench.run(story)
    store.close()
    assert len(bench.register.calls) == 2


def test_a_tenant_or_a_device_that_is_none_is_refused_in_words(tmp_path: Any) -> None:
    bench = Bench()
    store = VerdictStore(tmp_path / "verdicts.sqlite", report=print)
    known = orders(asking(bench, store), bench.clock)
    with pytest.raises(OrderRefused, match="there is no tenant `contsoo`; there are: intune"):
        asyncio.run(known["cache.show"]({"tenant": "contsoo"}))
    with pytest.raises(OrderRefused, match="`laptop` is neither an intune device id"):
        asyncio.run(known["cache.refresh"]({"device": "laptop"}))
    store.close()


def test_where_no_tenant_is_configured_that_is_said_and_no_name_asked_for(tmp_path: Any) -> None:
    bench = Bench()
    store = VerdictStore(tmp_path / "verdicts.sqlite", report=print)
    known = orders(replace(asking(bench, store), lookups=Lookups({})), bench.clock)
    assert asyncio.run(known["cache.status"]({})) == {}
    for order in ("cache.show", "cache.refresh"):
        with pytest.raises(NotDone, match="no tenant is configured"):
            asyncio.run(known[order]({"device": GUID}))
    store.close()
