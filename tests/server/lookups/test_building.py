"""From a configuration to everybody who is asked: one source, memory and budget a tenant, one disk for all."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from nacd.compliance.bulk_plan import BulkWindow
from nacd.compliance.cache import Fresh, Missing
from nacd.compliance.question import Question
from nacd.config.load import load
from nacd.intune.fallback import Fallback
from nacd.intune.graph.source import GraphSource
from nacd.intune.nac.source import IntuneSource
from nacd.server.assembly import Assembled, assemble
from nacd.server.clock import instant
from nacd.server.lookups import building
from nacd.server.lookups.building import DATABASE, Asking, EndpointOnDisk, TenantShelf
from nacd.store.verdicts import VerdictStore, tenant_key
from nacd.values import Compliance, ComplianceSource, ComplianceState
from tests.server.house import Site
from tests.server.lookups.bench import device
from tests.server.lookups.callers import Callers

MAC = "mac:001122334455"
TEST_KEY = tenant_key("intune", "custom", "test.example")
TENANTS = """\
tenants:
  contoso: {NAC}
  fabrikam: {GRAPH, groups: [plant]}
  wingtip: {BOTH, groups: [office]}
"""
SECTION = (
    "cloud: custom, tenant: {name}.example, client_id: 00000000-0000-0000-0000-00000000000a,"
    ' credential: {{secret: "file:secrets/app"}}, authority: "https://localhost:9", graph: "https://localhost:9",'
    ' resource: "https://api.manage.microsoft.com/", host_suffixes: [.manage.microsoft.com]'
)


def assembled(site: Site, change: Callable[[str], str]) -> Assembled:
    config = site.folder / "nacd.yaml"
    config.write_text(change(config.read_text()))
    return assemble(load(config), instant(), allow_demo=True)


def with_tenants(text: str) -> str:
    """The configuration with three tenants in the place of its `intune` section."""
    lines, kept, inside = text.splitlines(), [], False
    for line in lines:
        inside = line.startswith("intune:") or (inside and line.startswith((" ", "\t")))
        if not inside:
            kept.append(line)
    sections = {
        "NAC": SECTION.format(name="contoso"),
        "GRAPH": SECTION.format(name="fabrikam") + ", source: graph",
        "BOTH": SECTION.format(name="wingtip") + ", fallback: graph",
    }
    tenants = TENANTS
    for word, section in sections.items():
        tenants = tenants.replace(word, section)
    return "\n".join(kept) + "\n" + tenants


def test_each_tenant_has_its_own_source_lookup_and_list(site: Site) -> None:
    built = building.build(assembled(site, with_tenants), instant, report=print)
    kinds: dict[str, Any] = {name: type(source) for name, source in built.sources.items()}
    assert kinds == {"contoso": IntuneSource, "fabrikam": GraphSource, "wingtip": Fallback}
    assert set(built.lookups.by_tenant) == set(kinds)
    budgets = [lookup.errands.logins for lookup in built.lookups.by_tenant.values()]
    assert len({id(budget) for budget in budgets}) == 3
    assert {bulk.tenant for bulk in built.bulk} == {"contoso", "wingtip"}
    assert (site.folder / "state" / DATABASE).exists()
    built.store.close()


def with_tenant(site: Site, tenant: str) -> Asking:
    change = partial(re.sub, "tenant: .*", f"tenant: {tenant}", count=1)
    return building.build(assembled(site, change), instant, report=pytest.fail)


def test_a_name_that_is_given_to_another_tenant_answers_nothing_of_the_first(site: Site) -> None:
    """`intune.tenant` is changed from the test tenant to the real one: what the first knew of a MAC is not believed."""
    told = Compliance(state=ComplianceState.COMPLIANT, as_of=instant().wall, source=ComplianceSource.LIVE)
    built = with_tenant(site, "test.example")
    assert TenantShelf(store=built.store, key=TEST_KEY).put("intune", MAC, told).result(20)
    built.store.close()
    found: dict[str, type[object]] = {}
    for tenant in ("test.example", "Test.Example", "real.example"):
        built = with_tenant(site, tenant)
        found[tenant] = type(asyncio.run(built.lookups.by_tenant["intune"].knowledge.recall(MAC)))
        built.store.close()
    assert found == {"test.example": Fresh, "Test.Example": Fresh, "real.example": Missing}


def test_the_window_of_the_list_is_looked_for_under_the_tenant_that_it_is_of(site: Site) -> None:
    now = instant().wall
    window = BulkWindow(opened_at=now, last_try_at=now, last_success_at=now)
    built = with_tenant(site, "test.example")
    shelf = TenantShelf(store=built.store, key=TEST_KEY)
    assert shelf.keep_bulk_window("intune", window)
    assert built.store.bulk_window("intune") == BulkWindow()
    (bulk,) = built.bulk

    async def story() -> None:
        running = asyncio.create_task(bulk.run())
        while bulk.window != window:
            assert not running.done()
            await asyncio.sleep(0.002)
        running.cancel()

    asyncio.run(asyncio.wait_for(story(), 20))
    built.store.close()


def test_a_place_where_intune_was_found_outlives_a_restart(tmp_path: Path) -> None:
    store = VerdictStore(tmp_path / DATABASE, report=print)
    EndpointOnDisk(store=store, tenant="contoso").keep("https://fef.unit.manage.microsoft.com/path")
    store.close()
    again = VerdictStore(tmp_path / DATABASE, report=print)
    assert EndpointOnDisk(store=again, tenant="contoso").recall() == "https://fef.unit.manage.microsoft.com/path"
    assert EndpointOnDisk(store=again, tenant="fabrikam").recall() == ""
    again.close()


def test_of_several_groups_of_a_nas_the_shortest_interval_counts(site: Site) -> None:
    poll = "poll: {interval: 5m, groups: {vpn: 2m, remote: 3m, nobody: 1s}}, reauth_query_interval: 20m"

    def change(text: str) -> str:
        return re.sub(r"(?m)^intune:", f"compliance: {{{poll}}}\nintune:", text, count=1)

    found = assembled(site, change)
    (client, *_) = found.clients
    grouped = [
        replace(client, nas=replace(client.nas, name=name, groups=frozenset(groups)))
        for name, groups in {"asa": ("remote", "vpn", "core"), "far": ("remote",), "near": ("core",)}.items()
    ]
    often = building.how_often(found.loaded.settings.compliance, grouped)
    assert [often.at(name) for name in ("asa", "far", "near", "removed")] == [120.0, 180.0, 300.0, 300.0]
    assert often.again == 1200.0


def test_whoever_listens_hears_of_every_tenant_and_so_do_the_live_devices(site: Site) -> None:
    told: list[tuple[Question, Compliance]] = []

    async def story() -> None:
        built = building.build(
            assembled(site, str), instant, report=print, on_verdict=lambda *heard: told.append(heard)
        )
        callers = Callers(built.live)
        callers.came(device(1), instant(), state=ComplianceState.NOT_MANAGED)
        assert built.live.counts("intune", instant())[0] == 0
        verdict = Compliance(state=ComplianceState.COMPLIANT, as_of=instant().wall, source=ComplianceSource.LIVE)
        built.lookups.by_tenant["intune"].took_away(device(1), verdict)
        await asyncio.sleep(0)
        assert told == [(device(1), verdict)]
        assert built.live.counts("intune", instant())[0] == 1
        built.store.close()

    asyncio.run(story())
