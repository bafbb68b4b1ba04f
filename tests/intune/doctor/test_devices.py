"""One real question about a device."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from nacd.intune.doctor.devices import ask, missing, unlisted
from nacd.intune.graph.source import GraphSource
from nacd.intune.nac.source import IntuneSource
from nacd.values import Compliance, ComplianceSource, ComplianceState, DeviceId, MacAddress
from tests.intune.doctor.conftest import soon

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
OTHER = "7b0e5d92-41c6-4f38-a1d7-90c2e6f4b813"
ENTRA = "11111111-2222-4333-8444-555555555555"
MAC = MacAddress("00-50-56-C0-FF-EE")


@pytest.fixture
def nac(options: Any) -> IntuneSource:
    return IntuneSource(options())


@pytest.fixture
def graph(options: Any) -> GraphSource:
    return GraphSource(options())


@pytest.mark.parametrize(("compliant", "state"), [(True, "compliant"), (False, "noncompliant")])
def test_a_known_device_is_an_answer_whatever_its_state(
    sim: Any, nac: IntuneSource, compliant: bool, state: str
) -> None:
    sim.put_device(GUID, macs=[str(MAC)], compliant=compliant)
    for subject in (DeviceId(guid=GUID), MAC):
        found = ask(nac, subject, 5.0)
        assert found.status == "ok"
        assert found.detail.startswith(f"{subject}  {state}, in ")
        assert found.detail.splitlines()[0].endswith(" ms")


def test_graph_tells_more_of_a_device(sim: Any, graph: GraphSource) -> None:
    sim.put_device(GUID, name="LAPTOP-7")
    found = ask(graph, DeviceId(guid=GUID), 5.0)
    assert found.status == "ok"
    assert "LAPTOP-7, Windows" in found.detail


def test_a_guid_that_nobody_knows_is_looked_up_in_the_portal(nac: IntuneSource) -> None:
    found = ask(nac, DeviceId(guid=OTHER), 5.0)
    assert found.status == "warning"
    assert found.detail.startswith(f"{OTHER}  not_managed")
    assert "Hardware > Intune Device ID must show this GUID" in found.fix
    assert "an Entra device id looks alike" in found.fix


def test_an_entra_id_is_recognised_with_the_help_of_graph(sim: Any, nac: IntuneSource, graph: GraphSource) -> None:
    sim.put_device(GUID, entra_id=ENTRA)
    found = ask(nac, DeviceId(guid=ENTRA), 5.0, graph)
    assert found.status == "warning"
    assert "graph knows this GUID as an Entra device id (compliant): it is no Intune device id" in found.detail
    assert "write {{DeviceId}} (Intune), not {{AAD_Device_ID}} (Entra)" in found.fix


def test_a_guid_that_graph_does_not_know_either_is_just_unknown(nac: IntuneSource, graph: GraphSource) -> None:
    found = ask(nac, DeviceId(guid=OTHER), 5.0, graph)
    assert found.status == "warning"
    assert "Entra device id (" not in found.detail


def test_a_graph_that_fails_makes_no_entra_id_of_anything(sim: Any, nac: IntuneSource, graph: GraphSource) -> None:
    ask(nac, DeviceId(guid=OTHER), 5.0)  # token and address are there now
    sim.fault("status", service="graph", code=503)
    assert "Entra device id (" not in ask(nac, DeviceId(guid=OTHER), 3.0, graph).detail


@pytest.mark.slow
def test_only_the_first_question_is_slow_and_no_login_asks_it(sim: Any, nac: IntuneSource) -> None:
    sim.put_device(GUID)
    sim.fault("latency", service="login", ms=2_100, times=1)
    found = ask(nac, DeviceId(guid=GUID), 8.0, login_s=4.0)
    assert found.status == "ok", found.detail


def test_a_source_that_fails_the_second_time_fails() -> None:
    """It was slow, and then it was not slow but down."""
    found = ask(Failing(), DeviceId(guid=GUID), 5.0, login_s=0.001)
    assert found.status == "failed"
    assert "down (status 500)" in found.detail


class Failing:
    """A source that answers once, slowly, and fails then at once."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def lookup(self, subject: Any, deadline_s: float, now: Callable[[], float]) -> Compliance:
        if self._asked.is_set():
            return Compliance(
                state=ComplianceState.UNAVAILABLE, as_of=0.0, source=ComplianceSource.NONE, detail="down (status 500)"
            )
        self._asked.wait(0.02)
        self._asked.set()
        return Compliance(state=ComplianceState.COMPLIANT, as_of=now(), source=ComplianceSource.LIVE)


def test_a_mac_that_nobody_knows_speaks_of_docks(nac: IntuneSource) -> None:
    found = ask(nac, MAC, 5.0)
    assert found.status == "warning"
    assert "docks, adapters and wired ports" in found.fix


def test_a_random_mac_is_told_apart(nac: IntuneSource) -> None:
    assert "random or made up" in ask(nac, MacAddress("02-50-56-C0-FF-EE"), 5.0).fix


def test_two_devices_that_disagree_are_a_warning(sim: Any, nac: IntuneSource) -> None:
    sim.put_device(GUID, macs=[str(MAC)], compliant=True)
    sim.put_device(OTHER, macs=[str(MAC)], compliant=False)
    found = ask(nac, MAC, 5.0)
    assert found.status == "warning"
    assert "unknown" in found.detail
    assert "2 devices" in found.detail


def test_an_answer_that_does_not_come_is_a_failure(sim: Any, nac: IntuneSource) -> None:
    sim.fault("status", code=500)
    found = ask(nac, DeviceId(guid=GUID), 20.0)
    assert found.status == "failed"
    assert "unavailable" in found.detail
    assert "intune is failing (status 500)" in found.detail


def test_nobody_is_asked_about_when_nobody_is_named() -> None:
    assert missing().detail == "not asked: name one with --device GUID and --mac MAC"


def test_graphs_list_is_waited_for(sim: Any, graph: GraphSource) -> None:
    sim.put_device(GUID, macs=[str(MAC)])
    sim.fault("latency", service="graph", only="graph_list", ms=200)
    assert unlisted(graph, soon()) == ""
    assert ask(graph, MAC, 5.0).detail.startswith(f"{MAC}  compliant")


def test_graphs_list_is_not_waited_for_without_end(sim: Any, graph: GraphSource) -> None:
    sim.fault("latency", service="graph", only="graph_list", ms=1_500)
    assert unlisted(graph, soon(0.2)) == "graph's list of devices is still being read"
