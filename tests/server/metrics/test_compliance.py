"""What lies between nacd and Microsoft, in numbers: each is what the living objects say at that moment."""

from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nacd.compliance.bulk_plan import BulkWindow, next_run
from nacd.intune.cloud import cloud
from nacd.intune.nac.source import IntuneSource
from nacd.intune.options import IntuneOptions, SecretCredential
from nacd.server.clock import instant
from nacd.server.control import Order
from nacd.server.lookups import building
from nacd.server.lookups.building import Asking
from nacd.server.lookups.orders import orders
from nacd.server.lookups.tenants import Lookups
from nacd.server.lookups.upkeep import Upkeep
from nacd.server.lookups.watch import HowOften, LiveDevices
from nacd.server.metrics import compliance
from nacd.server.metrics.compliance import Intervals
from nacd.sim.intune import CLIENT_SECRET, IntuneSimulator
from nacd.store.verdicts import VerdictStore
from nacd.values import ComplianceState, DeviceId, Secret
from tests.server.house import Clock, House, Pki, Register, Site
from tests.server.lookups.bench import Bench, device
from tests.server.lookups.callers import Callers

WANTED = Intervals(poll_s=300.0, longest_s=1_800.0, bulk_s=15_300.0)
Numbers = Mapping[tuple[str, ...], float]
ANOTHER = "00-1B-44-11-3A-B9"
STRANGER = "00-1B-44-00-00-01"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[VerdictStore]:
    opened = VerdictStore(tmp_path / "verdicts.sqlite", report=print)
    yield opened
    opened.close()


def asking(lookups: Lookups, live: LiveDevices, store: VerdictStore, clock: Clock) -> Asking:
    upkeep = Upkeep(sources={}, store=store, stale_for_s=1.0, clock=clock)
    return Asking(lookups=lookups, live=live, bulk=(), store=store, sources={}, upkeep=upkeep)


def numbers(known: Asking, clock: Clock, wanted: Intervals = WANTED) -> Numbers:
    """By name and labels; no number is there twice."""
    samples = list(compliance.read(known, wanted, clock()))
    found = {(sample.metric.name, *sample.labels): float(sample.value) for sample in samples}
    assert len(found) == len(samples)
    return found


def bench_numbers(bench: Bench, store: VerdictStore) -> Numbers:
    return numbers(
        asking(Lookups({"intune": bench.lookup}), LiveDevices(HowOften(each=300.0)), store, bench.clock), bench.clock
    )


def answers(found: Numbers, tenant: str = "intune") -> dict[str, float]:
    return {name[2]: value for name, value in found.items() if name[:2] == ("nacd_compliance_answers_total", tenant)}


async def whole(order: Order) -> dict[str, dict[str, Any]]:
    answer: dict[str, dict[str, Any]] = await order({})
    return answer


# -- lookups ------------------------------------------------------------------------------------


def test_after_logins_the_counters_are_those_of_cache_status(
    house: House, pki: Pki, store: VerdictStore, register: Register
) -> None:
    assert house.login(pki.supplicant()).code == 2
    assert house.login(pki.supplicant()).code == 2
    assert house.nas().mab(ANOTHER).code == 2
    register.state = ComplianceState.UNAVAILABLE
    assert house.nas().mab(STRANGER).code == 3
    silent = IntuneSource(house.site.assemble().tenants["intune"])
    known = replace(
        asking(house.lookup, LiveDevices(HowOften(each=300.0)), store, house.clock), sources={"intune": silent}
    )
    found = house.do(lambda: numbers(known, house.clock))
    status = orders(known, house.clock)["cache.status"]
    shown = asyncio.run(whole(status))["intune"]
    counts = shown["counts"]
    assert answers(found) == {
        "disk": counts["from_disk"],
        **{how: counts[how] for how in ("hit", "miss", "stale", "coalesced", "late", "unavailable")},
    }
    # A question asked ahead may have been answered when the login needs it, or not yet.
    assert (counts["hit"] + counts["miss"], counts["unavailable"]) == (4, 1)
    assert found["nacd_compliance_asked_total", "intune"] == counts["asked"] == 3
    assert found["nacd_compliance_polled_total", "intune"] == counts["polled"] == 0
    assert found["nacd_compliance_verdicts", "intune"] == shown["verdicts"] == 2
    assert found["nacd_compliance_breaker_open", "intune"] == 0
    assert found["nacd_compliance_budget_per_second", "intune", "logins"] == shown["budget"]["logins_per_s"]
    assert found["nacd_compliance_budget_per_second", "intune", "polling"] == shown["budget"]["polling_per_s"]
    for name, count in shown["line"].items():
        assert found[f"nacd_compliance_{name}", "intune"] == count


def test_a_verdict_read_back_from_disk_is_a_hit_and_counted(store: VerdictStore) -> None:
    first, second = Bench(shelf=store), Bench(shelf=store)

    async def ask(bench: Bench) -> None:
        await bench.ask(1)

    first.run(lambda: ask(first))
    second.run(lambda: ask(second))
    found = answers(bench_numbers(second, store))
    assert {name: count for name, count in found.items() if count} == {"hit": 1, "disk": 1}


def test_what_waits_and_what_is_under_way_is_shown_while_it_does(store: VerdictStore) -> None:
    bench = Bench(threads=1, deadline_s=60.0)
    seen: list[Numbers] = []

    async def story() -> None:
        bench.register.open.clear()
        logins = [asyncio.create_task(bench.ask(number)) for number in (1, 1, 2, 3)]
        await bench.until(lambda: len(bench.register.calls) == 1 and bench.lookup.errands.waiting == 2)
        bench.lookup.poll(device(4))
        seen.append(bench_numbers(bench, store))
        bench.register.open.set()
        await asyncio.gather(*logins)
        await bench.landed()
        seen.append(bench_numbers(bench, store))

    bench.run(story)
    names = ("waiting", "under_way", "polls_waiting", "polled_total", "asked_total")
    shown = [[found[f"nacd_compliance_{name}", "intune"] for name in names] for found in seen]
    assert shown == [[2, 1, 1, 0, 1], [0, 0, 0, 1, 4]]
    assert answers(seen[1])["coalesced"] == 1


def test_a_breaker_that_is_open_is_a_one_until_a_probe_succeeds(store: VerdictStore) -> None:
    bench = Bench(failures_to_open=1)
    seen: list[float] = []

    def look() -> None:
        seen.append(bench_numbers(bench, store)["nacd_compliance_breaker_open", "intune"])

    async def story() -> None:
        look()
        bench.fail()
        await bench.ask(1)
        look()
        bench.heal()
        bench.clock.ahead_s += 10
        await bench.ask(2)
        look()

    bench.run(story)
    assert seen == [0, 1, 0]


def test_a_budget_halved_by_429_is_shown_and_so_is_its_recovery_though_nobody_asks(store: VerdictStore) -> None:
    bench = Bench(per_s=40.0)
    seen: list[tuple[float, ...]] = []

    def look() -> None:
        found = bench_numbers(bench, store)
        kinds = ("budget_per_second", "budget_configured_per_second")
        seen.append(tuple(found[f"nacd_compliance_{kind}", "intune", "polling"] for kind in kinds))

    async def story() -> None:
        bench.register.throttled = 1
        await bench.ask(1)
        look()
        bench.clock.ahead_s += 3600
        look()

    bench.run(story)
    assert seen == [(20.0, 40.0), (40.0, 40.0)]


def test_limits_begin_at_zero_and_are_counted_by_their_name(store: VerdictStore) -> None:
    bench = Bench(threads=1, per_port=1, deadline_s=0.2)
    seen: list[dict[str, float]] = []

    def look() -> None:
        found = bench_numbers(bench, store)
        seen.append({name[2]: value for name, value in found.items() if name[0] == "nacd_compliance_limited_total"})

    async def story() -> None:
        look()
        bench.register.open.clear()
        await asyncio.gather(*(bench.ask(number) for number in range(1, 4)))
        look()

    bench.run(story)
    assert seen[0] == {"max_waiting": 0, "max_per_nas": 0, "max_per_port": 0, "polls": 0}
    assert seen[1] == {**seen[0], "max_per_port": 1}


def test_every_limit_that_is_refused_by_is_a_known_one(store: VerdictStore) -> None:
    """A series that begins with its first event would hide that event."""
    bench = Bench(threads=1, per_port=2, max_waiting=3, deadline_s=0.2)

    async def story() -> None:
        bench.register.open.clear()
        await asyncio.gather(*(bench.ask(number) for number in range(1, 6)))
        for number in range(10, 10_020):
            bench.lookup.poll(device(number))

    bench.run(story)
    assert set(bench.lookup.errands.limited) >= {"max_per_port"}
    assert bench.lookup.errands.polls_refused > 0
    shown = {name[2] for name in bench_numbers(bench, store) if name[0] == "nacd_compliance_limited_total"}
    assert shown == {"max_waiting", "max_per_nas", "max_per_port", "polls"}


# -- polls --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("devices", "feasible_s"), [(0, 0.0), (20, 10.0), (22, 11.0)])
def test_the_interval_that_can_be_met_stands_beside_the_one_that_is_wanted(
    store: VerdictStore, devices: int, feasible_s: float
) -> None:
    bench = Bench(per_s=2.0)
    live = LiveDevices(HowOften(each=10.0), bench.clock)
    known = asking(Lookups({"intune": bench.lookup}), live, store, bench.clock)
    callers = Callers(live)
    seen: list[Numbers] = []

    async def story() -> None:
        for number in range(devices):
            callers.came(number + 1, bench.clock(), as_of=bench.clock().wall - 50)
        bench.clock.ahead_s += 7
        seen.append(numbers(known, bench.clock, Intervals(poll_s=10.0, longest_s=40.0, bulk_s=15_300.0)))

    bench.run(story)
    (found,) = seen
    assert found["nacd_compliance_live_devices", "intune"] == devices
    assert found["nacd_compliance_poll_interval_seconds", "intune"] == 10.0
    assert found["nacd_compliance_poll_interval_longest_seconds", "intune"] == 40.0
    assert found["nacd_compliance_poll_interval_feasible_seconds", "intune"] == pytest.approx(feasible_s)
    assert found["nacd_compliance_oldest_poll_age_seconds", "intune"] == pytest.approx(7 if devices else 0, abs=1.5)
    oldest_s = found["nacd_compliance_oldest_live_verdict_age_seconds", "intune"]
    assert oldest_s == pytest.approx(57 if devices else 0, abs=1.5)
    assert bool(live.too_slow(known.lookups, bench.clock())) == (feasible_s > 10.0)


# -- Microsoft and the disk -----------------------------------------------------------------------

SECTION = """\
    cloud: custom
    tenant: contoso.example
    client_id: 00000000-0000-0000-0000-00000000000a
    authority: https://localhost:9
    graph: https://localhost:9
    resource: https://api.manage.microsoft.com/
    host_suffixes: [.manage.microsoft.com]
"""
ODD = 'say "hi" \\ Zürich'
TENANTS = f"""\
tenants:
  '{ODD}':
{SECTION}    credential: {{secret: "file:secrets/app", expires: "2099-05-31"}}
    next_credential: {{secret: "file:secrets/app"}}
  fabrikam:
{SECTION}    credential: {{secret: "file:secrets/app"}}
    source: graph
    groups: [plant]
  wingtip:
{SECTION}    credential: {{secret: "file:secrets/app"}}
    fallback: graph
    groups: [office]
"""


def with_tenants(site: Site) -> None:
    """Three tenants in the place of the `intune` section."""
    before, _, after = site.config.read_text(encoding="utf-8").partition("intune:\n")
    site.write("nacd.yaml", before + TENANTS + after[after.index("policy:") :])


def built(site: Site) -> Asking:
    with_tenants(site)
    return building.build(site.assemble(), instant, report=print)


def labels(found: Numbers, name: str) -> Sequence[tuple[str, ...]]:
    return sorted(key[1:] for key in found if key[0] == name)


def test_every_metric_of_the_table_is_told_of_a_site_with_every_kind_of_tenant(site: Site) -> None:
    known = built(site)
    found = numbers(known, Clock())
    known.store.close()
    assert {name for name, *_ in found} == {metric.name for metric in compliance.TABLE}
    assert labels(found, "nacd_compliance_asked_total") == [("fabrikam",), (ODD,), ("wingtip",)]
    assert labels(found, "nacd_intune_throttled_total") == [("fabrikam",), (ODD,), ("wingtip",)]
    # Graph keeps its own list, and has no bulk list.
    assert labels(found, "nacd_bulk_next_run_timestamp_seconds") == [(ODD,), ("wingtip",)]


def test_the_end_of_a_credential_is_told_where_it_is_known(site: Site) -> None:
    known = built(site)
    found = numbers(known, Clock())
    known.store.close()
    name = "nacd_intune_credential_expires_timestamp_seconds"
    ends = datetime.datetime(2099, 5, 31, tzinfo=datetime.UTC).timestamp()
    assert {key: value for key, value in found.items() if key[0] == name} == {(name, ODD, "1"): ends}
    assert labels(found, "nacd_intune_credential_ok") == [
        ("fabrikam", "1"),
        (ODD, "1"),
        (ODD, "2"),
        ("wingtip", "1"),
    ]


def test_the_window_of_the_bulk_list_is_told_as_it_is_planned(site: Site) -> None:
    known, clock = built(site), Clock()
    run = known.bulk[0]
    run.window = BulkWindow(opened_at=1e9, last_try_at=1e9, last_success_at=1e9 + 5)
    found = numbers(known, clock)
    known.store.close()
    assert found["nacd_bulk_last_success_timestamp_seconds", run.tenant] == 1e9 + 5
    planned = next_run(run.window, clock().wall, WANTED.bulk_s)
    assert found["nacd_bulk_next_run_timestamp_seconds", run.tenant] == planned == 1e9 + WANTED.bulk_s


def test_a_disk_that_keeps_nothing_is_a_zero(tmp_path: Path) -> None:
    bench = Bench()
    good = VerdictStore(tmp_path / "verdicts.sqlite", report=print)
    (tmp_path / "taken").write_text("a file, no folder")
    bad = VerdictStore(tmp_path / "taken" / "verdicts.sqlite", report=print)
    shown = [bench_numbers(bench, each)[("nacd_verdict_store_ok",)] for each in (good, bad)]
    for each in (good, bad):
        each.close()
    asyncio.run(bench.lookup.close())
    assert shown == [1, 0]


GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"


@pytest.fixture
def microsoft() -> Iterator[IntuneSimulator]:
    with IntuneSimulator() as simulator:
        simulator.put_device(GUID, compliant=True)
        yield simulator


def source(microsoft: IntuneSimulator, *secrets: str) -> IntuneSource:
    base = microsoft.base_url
    return IntuneSource(
        IntuneOptions(
            cloud=cloud("custom", {"login": base, "graph": base, "resource": "https://api.manage.microsoft.com/"}),
            tenant=microsoft.tenant,
            client_id=microsoft.client_id,
            credentials=tuple(SecretCredential(secret=Secret(each.encode())) for each in secrets),
            allowed_hosts=microsoft.unit_hosts,
            ca_file=microsoft.ca_file,
        )
    )


def asked(source: IntuneSource, store: VerdictStore) -> dict[str, float]:
    """What is told of a source after it was asked once; names without `nacd_intune_`."""
    source.lookup(DeviceId(guid=GUID), 10.0, time.time)
    known = replace(asking(Lookups({}), LiveDevices(HowOften(each=300.0)), store, Clock()), sources={"intune": source})
    found = numbers(known, Clock())
    return {" ".join((key[0].removeprefix("nacd_intune_"), *key[2:])): value for key, value in found.items()}


def test_a_429_is_counted_and_the_pause_after_it_is_told(microsoft: IntuneSimulator, store: VerdictStore) -> None:
    asks = source(microsoft, CLIENT_SECRET)
    before = asked(asks, store)
    assert (before["throttled_total"], before["paused_seconds"], before["consent_missing"]) == (0, 0, 0)
    assert before["token_left_seconds"] > 60
    # What the service says of itself may be asked for in the background at the same time, and is throttled, too.
    microsoft.fault("throttle", service="compliance", seconds=600)
    after = asked(asks, store)
    assert after["throttled_total"] in (1, 2)
    assert 500 < after["paused_seconds"] <= 600


def test_a_credential_that_microsoft_refuses_is_a_zero(microsoft: IntuneSimulator, store: VerdictStore) -> None:
    found = asked(source(microsoft, "not-the-word-of-this-app", CLIENT_SECRET), store)
    assert (found["credential_ok 1"], found["credential_ok 2"]) == (0, 1)
    assert found["token_left_seconds"] > 60


def test_a_missing_permission_is_a_one(microsoft: IntuneSimulator, store: VerdictStore) -> None:
    microsoft.change_app(intune_roles=("something_else",))
    assert asked(source(microsoft, CLIENT_SECRET), store)["consent_missing"] == 1
