"""Graph as a source over real HTTPS: by Intune id, by Entra id, by Wi-Fi address; and everything that can go wrong."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from nacd.intune.graph.index import IndexOptions
from nacd.intune.graph.source import GraphSource
from nacd.intune.nac.answers import concerns_only_the_device
from nacd.sim.intune import IntuneSimulator
from nacd.sim.microsoft.scene import CLIENT_ID, CLIENT_SECRET, App
from nacd.values import (
    Compliance,
    ComplianceSource,
    ComplianceState,
    DeviceFacts,
    DeviceId,
    DeviceIdKind,
    MacAddress,
)

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
OTHER = "3a6d3c1e-8a41-4b7f-9e05-61d0c7b3a955"
ENTRA = "77777777-8a41-4b7f-9e05-61d0c7b3a9aa"
DEVICE = DeviceId(guid=GUID)
BY_ENTRA = DeviceId(guid=ENTRA, kind=DeviceIdKind.ENTRA)
MAC = MacAddress("D4-6E-0E-02-28-96")
SUBJECTS = [DEVICE, BY_ENTRA, MAC]
STATES = [
    ("compliant", ComplianceState.COMPLIANT),
    ("inGracePeriod", ComplianceState.IN_GRACE),
    ("noncompliant", ComplianceState.NONCOMPLIANT),
    ("conflict", ComplianceState.NONCOMPLIANT),
    ("error", ComplianceState.NONCOMPLIANT),
    ("unknown", ComplianceState.UNKNOWN),
    ("configManager", ComplianceState.UNKNOWN),
    ("somethingNew", ComplianceState.UNKNOWN),
]
Build = Callable[..., GraphSource]


def guid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def ask(source: GraphSource, subject: DeviceId | MacAddress = DEVICE, deadline_s: float = 8.0) -> Compliance:
    return source.lookup(subject, deadline_s, time.time)


def unavailable(verdict: Compliance, *words: str) -> None:
    assert verdict.state is ComplianceState.UNAVAILABLE
    assert verdict.source is ComplianceSource.NONE
    assert verdict.provider == ""
    for word in words:
        assert word in verdict.detail


@pytest.fixture
def build(simulator: IntuneSimulator, scene: Any) -> Build:
    def make(**index: Any) -> GraphSource:
        return GraphSource(scene.options_for(simulator), IndexOptions(**index))

    return make


def enrol(simulator: IntuneSimulator, **changes: Any) -> None:
    simulator.put_device(**{"guid": GUID, "macs": [MAC.hex12], "entra_id": ENTRA, **changes})


# -- good answers ---------------------------------------------------------------------------


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize(("word", "state"), STATES)
def test_every_state_by_every_way_of_asking(
    build: Build, simulator: IntuneSimulator, subject: DeviceId | MacAddress, word: str, state: ComplianceState
) -> None:
    enrol(simulator, graph_state=word, grace_until="2026-03-01T12:00:00Z")
    verdict = build().lookup(subject, 8.0, lambda: 1234.5)
    assert (verdict.state, verdict.as_of, verdict.source) == (state, 1234.5, ComplianceSource.LIVE)
    assert verdict.provider == "graph"
    assert verdict.grace_until == (1772366400.0 if state is ComplianceState.IN_GRACE else 0.0)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_facts_come_with_the_verdict(build: Build, simulator: IntuneSimulator, subject: DeviceId | MacAddress) -> None:
    enrol(
        simulator,
        name="LAPTOP-1",
        operating_system="macOS",
        os_version="15.1",
        owner="personal",
        user="bob@example.test",
        last_sync_s=1_772_366_400.0,
    )
    assert ask(build(), subject).device == DeviceFacts(
        name="LAPTOP-1",
        operating_system="macOS",
        os_version="15.1",
        owner="personal",
        user="bob@example.test",
        last_sync=1_772_366_400.0,
    )


@pytest.mark.parametrize("subject", [DEVICE, BY_ENTRA])
def test_a_device_that_is_not_enrolled_is_not_managed(
    build: Build, simulator: IntuneSimulator, subject: DeviceId
) -> None:
    simulator.put_device(OTHER, macs=["D46E0E022897"], entra_id=OTHER)
    verdict = ask(build(), subject)
    assert (verdict.state, verdict.source, verdict.provider) == (
        ComplianceState.NOT_MANAGED,
        ComplianceSource.LIVE,
        "graph",
    )
    assert "enrolled" in verdict.detail


def no_such_address(verdict: Compliance) -> None:
    assert (verdict.state, verdict.source, verdict.provider) == (
        ComplianceState.UNKNOWN,
        ComplianceSource.LIVE,
        "graph",
    )
    assert verdict.detail == "graph lists wi-fi addresses only, and this one is not among them"


def test_an_intune_id_is_no_entra_id_and_the_other_way_round(build: Build, simulator: IntuneSimulator) -> None:
    enrol(simulator)
    source = build()
    assert ask(source, DeviceId(guid=ENTRA)).state is ComplianceState.NOT_MANAGED
    assert ask(source, DeviceId(guid=GUID, kind=DeviceIdKind.ENTRA)).state is ComplianceState.NOT_MANAGED


# -- by Intune id ---------------------------------------------------------------------------


@pytest.mark.parametrize("told", [{"id": OTHER}, {"id": None}, {}, {"complianceState": None}, {"complianceState": 1}])
def test_a_row_of_another_device_or_without_a_state_is_no_verdict(
    microsoft: Any, options: Any, wire: Any, told: dict[str, Any]
) -> None:
    body = {"id": GUID, "complianceState": "compliant", **told} if told else {}
    microsoft.always("else", wire.Said(kind="application/json", body=json.dumps(body).encode()))
    unavailable(ask(GraphSource(options())))


def test_another_devices_row_says_nothing_about_the_service(microsoft: Any, options: Any, wire: Any) -> None:
    body = json.dumps({"id": OTHER, "complianceState": "compliant"}).encode()
    microsoft.always("else", wire.Said(kind="application/json", body=body))
    verdict = ask(GraphSource(options()))
    unavailable(verdict, "another device")
    assert concerns_only_the_device(verdict.detail)


def test_a_listed_device_that_turns_out_to_be_another_is_no_verdict(microsoft: Any, options: Any, wire: Any) -> None:
    row = {"id": GUID, "wiFiMacAddress": MAC.hex12, "complianceState": "noncompliant"}
    for body in ({"value": [row]}, {**row, "id": OTHER, "complianceState": "compliant"}):
        microsoft.say("else", wire.Said(kind="application/json", body=json.dumps(body).encode()))
    unavailable(ask(GraphSource(options()), MAC), "another device")


def test_an_id_in_capitals_is_the_same_id(microsoft: Any, options: Any, wire: Any) -> None:
    body = json.dumps({"id": GUID.upper(), "complianceState": "compliant"}).encode()
    microsoft.always("else", wire.Said(kind="application/json", body=body))
    assert ask(GraphSource(options())).state is ComplianceState.COMPLIANT


@pytest.mark.parametrize("envelope", ["html", "empty"])
def test_a_404_of_a_proxy_is_an_outage(build: Build, simulator: IntuneSimulator, envelope: str) -> None:
    simulator.fault("status", only="graph_device", code=404, envelope=envelope)
    unavailable(ask(build()), "proxy")


# -- by Entra id ----------------------------------------------------------------------------


@pytest.mark.parametrize("place", [0, 3, 8])
def test_an_ignored_filter_never_lets_another_row_decide(build: Build, simulator: IntuneSimulator, place: int) -> None:
    """The device stands in the middle of a whole tenant, on a page that the first answer may not hold."""
    simulator.tune(graph_entra_filter_works=False, graph_page_size=3)
    for number in range(9):
        mine = {"guid": GUID, "entra_id": ENTRA, "graph_state": "noncompliant"}
        others = {"guid": guid(number), "entra_id": guid(100 + number), "graph_state": "compliant"}
        simulator.put_device(**(mine if number == place else others))
    assert ask(build(), BY_ENTRA).state is ComplianceState.NONCOMPLIANT


def test_an_ignored_filter_and_no_such_device_is_not_managed_by_the_whole_list(
    build: Build, simulator: IntuneSimulator
) -> None:
    simulator.tune(graph_entra_filter_works=False, graph_page_size=3)
    for number in range(9):
        simulator.put_device(guid(number), entra_id=guid(100 + number))
    assert ask(build(), BY_ENTRA).state is ComplianceState.NOT_MANAGED


def test_an_ignored_filter_without_the_whole_list_is_unavailable(build: Build, simulator: IntuneSimulator) -> None:
    simulator.tune(graph_entra_filter_works=False, graph_page_size=3)
    for number in range(9):
        simulator.put_device(guid(number), entra_id=guid(100 + number))
    simulator.fault("status", only="graph_list", code=400, after=2)
    verdict = ask(build(), BY_ENTRA)
    unavailable(verdict, "not there yet", "status 400")
    assert concerns_only_the_device(verdict.detail)


def test_an_ignored_filter_on_a_single_page_is_remarked(build: Build, simulator: IntuneSimulator) -> None:
    simulator.tune(graph_entra_filter_works=False)
    simulator.put_device(OTHER, entra_id=OTHER)
    verdict = ask(build(), BY_ENTRA)
    assert verdict.state is ComplianceState.NOT_MANAGED
    assert "ignored the filter and told of 1 others" in verdict.detail


@pytest.mark.parametrize("filters", [True, False])
@pytest.mark.parametrize(("second", "state"), [("compliant", "compliant"), ("noncompliant", "unknown")])
def test_two_devices_of_one_entra_id_agree_or_are_ambiguous(
    build: Build, simulator: IntuneSimulator, filters: bool, second: str, state: str
) -> None:
    simulator.tune(graph_entra_filter_works=filters, graph_page_size=2)
    enrol(simulator)
    for number in range(4):
        simulator.put_device(guid(number), entra_id=guid(100 + number))
    simulator.put_device(OTHER, entra_id=ENTRA, graph_state=second)
    assert ask(build(), BY_ENTRA).state == state


# -- by Wi-Fi address -----------------------------------------------------------------------


def test_the_verdict_of_an_address_is_fresh_though_the_list_is_not(build: Build, simulator: IntuneSimulator) -> None:
    enrol(simulator)
    source = build()
    assert ask(source, MAC).state is ComplianceState.COMPLIANT
    enrol(simulator, graph_state="noncompliant")
    assert ask(source, MAC).state is ComplianceState.NONCOMPLIANT
    assert len(simulator.history("graph_list")) == 1


def test_a_wired_address_is_not_found_and_nothing_follows_from_that(build: Build, simulator: IntuneSimulator) -> None:
    enrol(simulator, wired_macs=[MAC.hex12])
    no_such_address(ask(build(), MAC))


def test_an_address_of_a_device_that_is_gone_by_now_is_no_longer_known(
    build: Build, simulator: IntuneSimulator
) -> None:
    enrol(simulator)
    source = build()
    ask(source, MAC)
    simulator.remove_device(GUID)
    no_such_address(ask(source, MAC))


def test_an_address_that_belongs_to_another_device_by_now_is_not_judged_by_the_old_one(
    build: Build, simulator: IntuneSimulator
) -> None:
    enrol(simulator)
    source = build()
    ask(source, MAC)
    enrol(simulator, macs=["D46E0E022899"])
    no_such_address(ask(source, MAC))


def test_a_device_that_tells_its_address_in_the_list_alone_is_no_verdict(
    build: Build, simulator: IntuneSimulator
) -> None:
    enrol(simulator)
    source = build()
    ask(source, MAC)
    enrol(simulator, macs=[])
    unavailable(ask(source, MAC), "it does not tell it")


@pytest.mark.parametrize(
    ("words", "state"),
    [
        (["compliant", "compliant"], "compliant"),
        (["compliant", "noncompliant"], "unknown"),
        (["noncompliant", "conflict", "error"], "noncompliant"),
        (["compliant"] * 5, "compliant"),
    ],
)
def test_several_devices_of_one_address_agree_or_are_ambiguous(
    build: Build, simulator: IntuneSimulator, words: list[str], state: str
) -> None:
    for number, word in enumerate(words):
        simulator.put_device(guid(number), macs=[MAC.hex12], graph_state=word)
    verdict = ask(build(), MAC)
    assert verdict.state == state
    assert len(simulator.history("graph_device")) == len(words)


def test_a_shared_dock_with_many_devices_is_ambiguous_and_costs_no_questions(
    build: Build, simulator: IntuneSimulator
) -> None:
    for number in range(6):
        simulator.put_device(guid(number), macs=[MAC.hex12])
    verdict = ask(build(), MAC)
    assert verdict.state is ComplianceState.UNKNOWN
    assert "more than 5 devices" in verdict.detail
    assert not simulator.history("graph_device")


def test_one_of_two_devices_that_is_gone_does_not_count(build: Build, simulator: IntuneSimulator) -> None:
    enrol(simulator)
    simulator.put_device(OTHER, macs=[MAC.hex12], graph_state="noncompliant")
    source = build()
    assert ask(source, MAC).state is ComplianceState.UNKNOWN
    simulator.remove_device(OTHER)
    assert ask(source, MAC).state is ComplianceState.COMPLIANT


def test_one_of_two_devices_that_cannot_be_asked_leaves_no_verdict(build: Build, simulator: IntuneSimulator) -> None:
    enrol(simulator)
    simulator.put_device(OTHER, macs=[MAC.hex12])
    source = build()
    ask(source, MAC)
    simulator.fault("status", only="graph_device", value=OTHER, code=500)
    unavailable(ask(source, MAC), "500")


def test_an_address_is_unavailable_while_the_list_is_not_there(build: Build, simulator: IntuneSimulator) -> None:
    enrol(simulator)
    simulator.fault("status", only="graph_list", code=400)
    verdict = ask(build(), MAC)
    unavailable(verdict, "list of devices is not there yet")
    assert concerns_only_the_device(verdict.detail)  # devices are asked about as before


def test_an_old_list_still_leads_to_devices_but_proves_no_absence(build: Build, simulator: IntuneSimulator) -> None:
    enrol(simulator)
    source = build(allowed_age_s=0.000_001)
    assert ask(source, MAC).state is ComplianceState.COMPLIANT
    unavailable(ask(source, MacAddress("D4-6E-0E-02-28-00")), "old")


def test_many_threads_ask_at_once(build: Build, simulator: IntuneSimulator) -> None:
    for number in range(12):
        state = "compliant" if number % 2 else "noncompliant"
        simulator.put_device(guid(number), macs=[f"D46E0E0228{number:02X}"], graph_state=state)
    source, said = build(), dict[int, ComplianceState]()

    def look(number: int) -> None:
        mac = MacAddress(f"D4-6E-0E-02-28-{number:02X}")
        said[number] = ask(source, mac if number % 3 else DeviceId(guid=guid(number))).state

    threads = [threading.Thread(target=look, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert said == {number: ("compliant" if number % 2 else "noncompliant") for number in range(12)}


# -- status ---------------------------------------------------------------------------------


def test_warming_up_fetches_token_and_list(build: Build, simulator: IntuneSimulator, scene: Any) -> None:
    enrol(simulator)
    source = build()
    before = source.status()
    assert (before.token_left_s, before.roles, before.consent, before.devices.there) == (0.0, (), "", False)
    source.warm()
    assert scene.eventually(lambda: source.status().devices.there)
    status = source.status()
    assert status.token_left_s > 3000
    assert "DeviceManagementManagedDevices.Read.All" in status.roles
    assert (status.consent, status.paused_s, status.throttled) == ("", 0.0, 0)
    assert (status.devices.macs, status.devices.entra_ids) == (1, 1)
    assert len(status.credentials) == 1


def test_missing_consent_is_said_before_any_device_is_asked_about(
    build: Build, simulator: IntuneSimulator, scene: Any
) -> None:
    simulator.register_app(App(client_id=CLIENT_ID, secret=CLIENT_SECRET, graph_roles=("Application.Read.All",)))
    simulator.fault("latency", service="graph", ms=60_000)
    source = build()
    source.warm()
    assert scene.eventually(lambda: bool(source.status().consent))
    assert "no role DeviceManagementManagedDevices.Read.All" in source.status().consent
    assert not simulator.history("graph_device")
