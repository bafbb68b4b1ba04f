"""What does not add up in Graph's answers: odd, silent and contradictory rows, errors beside answers, old lists."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from nacd.intune.flight import Flights
from nacd.intune.graph.answers import judge, read_device, read_page
from nacd.intune.graph.directory import Directory
from nacd.intune.graph.index import IndexOptions
from nacd.intune.graph.source import GraphSource
from nacd.intune.nac.answers import concerns_only_the_device
from nacd.intune.nac.document import UnreadableError
from nacd.sim.intune import IntuneSimulator
from nacd.values import Compliance, ComplianceSource, ComplianceState, DeviceId, DeviceIdKind, MacAddress

JSON = "application/json"
GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
OTHER = "3a6d3c1e-8a41-4b7f-9e05-61d0c7b3a955"
ENTRA = "77777777-8a41-4b7f-9e05-61d0c7b3a9aa"
DEVICE = DeviceId(guid=GUID)
BY_ENTRA = DeviceId(guid=ENTRA, kind=DeviceIdKind.ENTRA)
MAC = MacAddress("D4-6E-0E-02-28-96")
OTHER_MAC = MacAddress("D4-6E-0E-02-28-97")
SUBJECTS = [DEVICE, BY_ENTRA, MAC]


def row(**changes: object) -> dict[str, object]:
    named = {"id": GUID, "azureADDeviceId": ENTRA, "wiFiMacAddress": MAC.hex12, "complianceState": "compliant"}
    return {**named, **changes}


def page(*rows: object, **beside: object) -> bytes:
    return json.dumps({"value": rows, **beside}).encode()


def ask(source: GraphSource, subject: DeviceId | MacAddress = DEVICE) -> Compliance:
    return source.lookup(subject, 8.0, time.time)


def unavailable(verdict: Compliance, *words: str) -> None:
    assert (verdict.state, verdict.source) == (ComplianceState.UNAVAILABLE, ComplianceSource.NONE)
    for word in words:
        assert word in verdict.detail


@pytest.fixture
def said(microsoft: Any, options: Any, wire: Any) -> Callable[..., GraphSource]:
    """Graph that says one body after the other, and then the last one for ever."""

    def build(*bodies: bytes) -> GraphSource:
        for body in bodies[:-1]:
            microsoft.say("else", wire.Said(kind=JSON, body=body))
        microsoft.always("else", wire.Said(kind=JSON, body=bodies[-1]))
        return GraphSource(options())

    return build


# -- one device twice -----------------------------------------------------------------------


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("words", [("compliant", "noncompliant"), ("noncompliant", "compliant")])
def test_rows_of_one_device_that_disagree_are_ambiguous_in_whatever_order(
    subject: DeviceId | MacAddress, words: tuple[str, str]
) -> None:
    rows = read_page(page(*(row(complianceState=word) for word in words)), JSON).rows
    verdict = judge(subject, rows, 1.0)
    assert verdict.state is ComplianceState.UNKNOWN
    assert verdict.detail.startswith("ambiguous: 2 rows of one device")


def test_rows_of_one_device_that_agree_have_the_facts_they_share() -> None:
    rows = read_page(page(row(osVersion="1", deviceName="a"), row(osVersion="2", deviceName="a")), JSON).rows
    verdict = judge(DEVICE, rows, 1.0)
    assert (verdict.state, verdict.device.name, verdict.device.os_version) == (ComplianceState.COMPLIANT, "a", "")


# -- grace ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("now", "state"), [(1772366399.0, "in_grace"), (1772366400.0, "unknown"), (2e9, "unknown")])
def test_a_grace_that_is_over_is_no_grace(now: float, state: str) -> None:
    graced = row(complianceState="inGracePeriod", complianceGracePeriodExpirationDateTime="2026-03-01T12:00:00Z")
    verdict = judge(DEVICE, [read_device(json.dumps(graced).encode(), JSON)], now)
    assert (verdict.state, verdict.source) == (state, ComplianceSource.LIVE)
    if state == "unknown":
        assert verdict.detail == "its grace is over, and graph has not said what came after"
        assert verdict.grace_until == 0.0


def test_a_grace_without_an_end_is_a_grace() -> None:
    graced = row(complianceState="inGracePeriod", complianceGracePeriodExpirationDateTime="0001-01-01T00:00:00Z")
    assert judge(DEVICE, [read_device(json.dumps(graced).encode(), JSON)], 2e9).state is ComplianceState.IN_GRACE


# -- answers that are none ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["error", "Error"])
def test_an_error_beside_an_answer_is_no_answer(name: str) -> None:
    error = {name: {"code": "x", "message": "y"}}
    with pytest.raises(UnreadableError, match="holds an error"):
        read_page(page(row(), **error), JSON)
    with pytest.raises(UnreadableError, match="holds an error"):
        read_device(json.dumps(row(**error)).encode(), JSON)


@pytest.mark.parametrize("name", ["@odata.nextLink", "@odata.nextlink", "@odata.NextLink", "@ODATA.NEXTLINK"])
def test_a_next_link_is_one_whatever_its_case(name: str) -> None:
    assert read_page(page(**{name: "/x"}), JSON).next_link == "/x"


def test_two_next_links_are_none() -> None:
    with pytest.raises(UnreadableError, match="no address"):
        read_page(page(**{"@odata.nextLink": "/x", "@odata.nextlink": "/y"}), JSON)


def test_a_next_link_has_a_length() -> None:
    assert len(read_page(page(**{"@odata.nextLink": "/" + "x" * 2_047}), JSON).next_link) == 2_048
    with pytest.raises(UnreadableError, match="more than 2048 characters"):
        read_page(page(**{"@odata.nextLink": "/" + "x" * 2_048}), JSON)


def test_a_page_with_more_values_than_one_has_is_refused() -> None:
    with pytest.raises(UnreadableError, match="more than 50000 values"):
        read_page(page(*([{}] * 30_000)), JSON)


# -- odd and silent rows --------------------------------------------------------------------


@pytest.mark.parametrize("odd", [7, None, {}, row(id="{{DeviceId}}"), row(id="00000000-0000-0000-0000-000000000000")])
def test_one_odd_row_leaves_the_others_readable(odd: object) -> None:
    read = read_page(page(row(), odd, row(id=OTHER)), JSON)
    assert [one.intune_id for one in read.rows] == [GUID, OTHER]
    assert read.odd == 1


def test_a_list_with_an_odd_row_leads_to_devices_but_proves_no_absence(said: Callable[..., GraphSource]) -> None:
    source = said(page(row(), {"id": "odd"}), json.dumps(row()).encode())
    assert ask(source, MAC).state is ComplianceState.COMPLIANT
    verdict = ask(source, OTHER_MAC)
    unavailable(verdict, "1 rows of the list of devices cannot be read")
    assert concerns_only_the_device(verdict.detail)


def test_a_look_that_shows_an_odd_row_again_does_not_count_it_again(
    said: Callable[..., GraphSource], scene: Any
) -> None:
    source = said(page(row(), {"id": "odd"}))
    source._directory._options = IndexOptions(refreshed_again_s=0.000_001)
    for _ in range(3):
        unavailable(ask(source, OTHER_MAC), ": 1 rows of the list")


def test_an_odd_row_by_an_entra_id_may_be_the_device(said: Callable[..., GraphSource]) -> None:
    unavailable(ask(said(page(row(), {"id": "odd"})), BY_ENTRA), "1 rows of graph's answer cannot be read")


@pytest.mark.parametrize("told", [None, "", "00000000-0000-0000-0000-000000000000", 7])
def test_a_row_by_an_entra_id_that_does_not_tell_its_own_may_be_the_device(
    said: Callable[..., GraphSource], told: object
) -> None:
    verdict = ask(said(page(row(azureADDeviceId=told, complianceState="noncompliant"))), BY_ENTRA)
    unavailable(verdict, f"graph named `{GUID}`")
    assert concerns_only_the_device(verdict.detail)


# -- how old a list is ----------------------------------------------------------------------


def directory(simulator: IntuneSimulator, scene: Any, options: IndexOptions | None = None) -> Directory:
    reach = scene.options_for(simulator)
    return Directory(scene.graph_at(reach), reach.cloud.graph, Flights(), options or IndexOptions())


def soon() -> float:
    return time.monotonic() + 8.0


def test_what_rests_on_the_list_is_dated_with_the_last_look_at_it(simulator: IntuneSimulator, scene: Any) -> None:
    simulator.tune(graph_entra_filter_works=False, graph_page_size=1)
    for number in range(3):
        simulator.put_device(f"00000000-0000-4000-8000-{number:012d}", entra_id=f"{number:08d}{ENTRA[8:]}")
    source = GraphSource(scene.options_for(simulator))
    for subject, state in ((BY_ENTRA, ComplianceState.NOT_MANAGED), (MAC, ComplianceState.UNKNOWN)):
        ask(source, subject)
        assert scene.eventually(lambda: source.status().devices.refreshed_s > 0.05)
        verdict = source.lookup(subject, 8.0, lambda: 1_000.0)
        assert verdict.state is state
        assert 1_000.0 - source.status().devices.refreshed_s <= verdict.as_of < 1_000.0 - 0.05


def test_what_is_missing_is_looked_for_by_the_look_that_is_due(simulator: IntuneSimulator, scene: Any) -> None:
    """Enrolled since the last look: no doubt about the list, and yet it must not say `no such device`."""
    simulator.put_device(OTHER, macs=[OTHER_MAC.hex12])
    found = directory(simulator, scene, IndexOptions(refreshed_again_s=0.000_001))
    assert found.by_mac(MAC.hex12, soon()).ids == ()
    simulator.put_device(GUID, macs=[MAC.hex12])
    assert found.by_mac(MAC.hex12, soon()).ids == (GUID,)


def test_a_look_that_fails_leaves_what_is_missing_with_the_age_of_the_list(
    simulator: IntuneSimulator, scene: Any
) -> None:
    found = directory(simulator, scene, IndexOptions(refreshed_again_s=0.000_001))
    found.by_mac(MAC.hex12, soon())
    simulator.fault("status", only="graph_list", code=400)
    assert scene.eventually(lambda: found.status().refreshed_s > 0.05)
    known = found.by_mac(MAC.hex12, soon())
    assert (known.ids, known.doubt) == ((), "")
    assert 0.05 < known.age_s <= found.status().refreshed_s


def test_nobody_waits_for_the_whole_tenant_while_the_list_says_something(
    simulator: IntuneSimulator, scene: Any
) -> None:
    found = directory(simulator, scene, IndexOptions(listed_again_s=0.000_001))
    found.by_mac(MAC.hex12, soon())
    simulator.fault("latency", only="graph_list", ms=2_500)
    began = time.monotonic()
    known = found.by_mac(MAC.hex12, soon())
    assert (known.ids, known.doubt) == ((), "")
    assert found.status().age_s > time.monotonic() - began  # the list from before, and the next one under way
    assert scene.eventually(lambda: len(simulator.history("graph_list")) == 2)
