"""Compliance Retrieval with Graph behind it, both over real HTTPS: who is asked when, and what is said of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from nacd.compliance.breaker import BreakerOptions
from nacd.compliance.listed import ListRefused, NoncompliantList
from nacd.intune.cloud import cloud
from nacd.intune.fallback import Fallback
from nacd.intune.graph.source import GraphSource
from nacd.intune.nac.answers import concerns_only_the_device
from nacd.intune.nac.source import IntuneSource
from nacd.intune.options import IntuneOptions, SecretCredential
from nacd.sim.intune import IntuneSimulator
from nacd.sim.microsoft.scene import CLIENT_SECRET
from nacd.values import Compliance, ComplianceSource, ComplianceState, DeviceId, DeviceIdKind, MacAddress, Secret

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
ENTRA = "77777777-8a41-4b7f-9e05-61d0c7b3a9aa"
DEVICE = DeviceId(guid=GUID)
MAC = MacAddress("D4-6E-0E-02-28-96")
PASSED_OVER = BreakerOptions(failures_to_open=2, open_s=60.0, max_open_s=60.0, probe_limit_s=60.0)


@dataclass
class Stage:
    """The simulated Microsoft, and both sources as one. NAC and Graph disagree, so that one sees who spoke."""

    microsoft: IntuneSimulator
    fallback: Fallback

    def ask(self, subject: DeviceId | MacAddress = DEVICE, deadline_s: float = 6.0) -> Compliance:
        return self.fallback.lookup(subject, deadline_s, time.time)

    def break_nac(self, code: int = 500) -> None:
        self.microsoft.fault("status", service="compliance", code=code)

    def break_graph(self) -> None:
        for kind in ("graph_device", "graph_list"):
            self.microsoft.fault("status", only=kind, code=500)

    def asked(self, kind: str = "guid") -> int:
        return len(self.microsoft.history(kind))


def options_for(microsoft: IntuneSimulator) -> IntuneOptions:
    base = microsoft.base_url
    return IntuneOptions(
        cloud=cloud("custom", {"login": base, "graph": base, "resource": "https://api.manage.microsoft.com/"}),
        tenant=microsoft.tenant,
        client_id=microsoft.client_id,
        credentials=(SecretCredential(secret=Secret(CLIENT_SECRET.encode())),),
        allowed_hosts=microsoft.unit_hosts,
        ca_file=microsoft.ca_file,
    )


@pytest.fixture(scope="module")
def running() -> Iterator[IntuneSimulator]:
    with IntuneSimulator() as microsoft:
        yield microsoft


@pytest.fixture
def build(running: IntuneSimulator) -> Callable[..., Stage]:
    running.reset()
    running.put_device(GUID, macs=[MAC.hex12], entra_id=ENTRA, compliant=True, graph_state="noncompliant")

    def make(passed_over: BreakerOptions = PASSED_OVER) -> Stage:
        options = options_for(running)
        sources = (IntuneSource(options), GraphSource(options))
        return Stage(running, Fallback(*sources, passed_over=passed_over))

    return make


@pytest.fixture
def stage(build: Callable[..., Stage]) -> Stage:
    return build()


def test_the_first_answers_and_the_second_is_not_asked(stage: Stage) -> None:
    verdict = stage.ask()
    assert (verdict.state, verdict.provider, verdict.detail) == (ComplianceState.COMPLIANT, "nac", "")
    assert stage.asked("graph_device") == 0


def test_an_address_that_graph_does_not_list_is_unavailable_for_graph_lists_no_wired_ones(stage: Stage) -> None:
    wired = MacAddress("00-11-85-00-AA-01")
    stage.microsoft.put_device(GUID, compliant=True, macs=[wired.hex12], wired_macs=[wired.hex12])
    assert stage.ask(wired).state is ComplianceState.COMPLIANT
    stage.break_nac()
    for _ in range(4):  # Graph second, then Graph first
        said = stage.ask(wired)
        assert said.state is ComplianceState.UNAVAILABLE
        assert "status 500" in said.detail
        assert "wi-fi" in said.detail
        assert said.source is ComplianceSource.NONE  # so that what NAC said before is not replaced


def test_what_graph_says_of_a_device_that_has_this_address_stands_be_it_unknown(stage: Stage) -> None:
    stage.microsoft.put_device(GUID, macs=[MAC.hex12], graph_state="configManager")
    stage.break_nac()
    said = stage.ask(MAC)
    assert (said.state, said.source) == (ComplianceState.UNKNOWN, ComplianceSource.LIVE)


@pytest.mark.parametrize("subject", [DEVICE, MAC])
def test_the_second_answers_when_the_first_does_not_and_says_so(stage: Stage, subject: DeviceId | MacAddress) -> None:
    stage.break_nac()
    verdict = stage.ask(subject)
    assert (verdict.state, verdict.provider) == (ComplianceState.NONCOMPLIANT, "graph")
    assert verdict.source is ComplianceSource.LIVE
    assert verdict.detail.startswith("said by the fallback graph, because nac: intune is failing (status 500)")
    assert verdict.device.operating_system == "Windows"


def test_an_answer_of_the_first_stands_whatever_it_is(stage: Stage) -> None:
    stage.microsoft.change_device(GUID, compliant=False, graph_state="compliant")
    assert stage.ask().state is ComplianceState.NONCOMPLIANT
    assert stage.ask(DeviceId(guid=GUID.replace("2", "3"))).state is ComplianceState.NOT_MANAGED
    assert stage.asked("graph_device") == 0


def test_an_unusable_answer_about_one_device_is_no_failure_of_the_first(stage: Stage) -> None:
    stage.microsoft.fault("body", only="guid", variant="guid_mismatch")
    for _ in range(4):
        assert stage.ask().provider == "graph"
    assert stage.fallback.first_leads
    assert stage.asked() == 4


def test_an_entra_id_is_answered_by_the_one_that_knows_them(stage: Stage) -> None:
    for _ in range(4):
        verdict = stage.ask(DeviceId(guid=ENTRA, kind=DeviceIdKind.ENTRA))
        assert (verdict.state, verdict.provider) == (ComplianceState.NONCOMPLIANT, "graph")
    assert "entra device id" in verdict.detail
    assert stage.fallback.first_leads


def test_a_question_that_the_first_cannot_be_asked_is_no_sign_that_it_is_well(stage: Stage) -> None:
    stage.break_nac()
    for subject in (DEVICE, DeviceId(guid=ENTRA, kind=DeviceIdKind.ENTRA), DEVICE):
        assert stage.ask(subject).provider == "graph"
    assert not stage.fallback.first_leads


def test_both_unavailable_names_both(stage: Stage) -> None:
    stage.break_nac()
    stage.break_graph()
    verdict = stage.ask()
    assert (verdict.state, verdict.source) == (ComplianceState.UNAVAILABLE, ComplianceSource.NONE)
    assert verdict.provider == ""
    assert "nac: intune is failing (status 500)" in verdict.detail
    assert "graph: graph is failing (status 500)" in verdict.detail
    assert not concerns_only_the_device(verdict.detail)


def test_an_entra_id_that_nobody_can_be_asked_about_is_unavailable(stage: Stage) -> None:
    stage.break_graph()
    assert stage.ask(DeviceId(guid=ENTRA, kind=DeviceIdKind.ENTRA)).state is ComplianceState.UNAVAILABLE


def test_two_failures_about_one_device_are_about_that_device(stage: Stage) -> None:
    stage.microsoft.fault("body", only="mac", variant="guid_mismatch")
    stage.microsoft.fault("body", only="mac", variant="no_status")
    stage.microsoft.fault("status", only="graph_list", code=400)
    verdict = stage.ask(MAC)
    assert verdict.state is ComplianceState.UNAVAILABLE
    assert concerns_only_the_device(verdict.detail)


def test_a_first_that_hangs_leaves_time_for_the_second(stage: Stage) -> None:
    stage.ask()
    stage.microsoft.fault("latency", only="guid", ms=60_000)
    verdict = stage.ask(deadline_s=2.0)
    assert (verdict.state, verdict.provider) == (ComplianceState.NONCOMPLIANT, "graph")
    assert "in time" in verdict.detail


def test_a_first_that_keeps_failing_is_passed_over(stage: Stage) -> None:
    stage.break_nac()
    for _ in range(2):
        assert stage.ask().provider == "graph"
    assert not stage.fallback.first_leads
    before = stage.asked()
    verdict = stage.ask()
    assert (verdict.provider, verdict.detail) == ("graph", "said by the fallback graph, because nac keeps failing")
    assert stage.asked() == before


def test_a_first_that_is_passed_over_is_asked_when_the_second_says_nothing(stage: Stage) -> None:
    stage.break_nac()
    for _ in range(2):
        stage.ask()
    stage.microsoft.clear_faults()
    stage.break_graph()
    verdict = stage.ask()
    assert (verdict.state, verdict.provider, verdict.detail) == (ComplianceState.COMPLIANT, "nac", "")
    stage.break_nac()
    assert "nac: intune is failing" in stage.ask().detail
    assert "graph: graph is failing" in stage.ask().detail


def test_one_call_finds_out_whether_the_first_is_back(build: Callable[..., Stage]) -> None:
    stage = build(BreakerOptions(failures_to_open=1, open_s=0.000_001, max_open_s=0.000_001, probe_limit_s=60.0))
    stage.break_nac()
    stage.ask()
    stage.microsoft.clear_faults()
    stage.microsoft.forget_history()
    stage.microsoft.fault("latency", only="guid", ms=800)
    together, said = threading.Barrier(6), list[Compliance]()

    def look() -> None:
        together.wait()
        said.append(stage.ask())

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(verdict.provider for verdict in said) == ["graph"] * 5 + ["nac"]
    assert stage.asked() == 1
    assert stage.fallback.first_leads
    assert stage.ask().provider == "nac"


def test_a_probe_that_fails_leaves_the_second_in_the_lead(build: Callable[..., Stage]) -> None:
    stage = build(BreakerOptions(failures_to_open=1, open_s=0.000_001, max_open_s=60.0, probe_limit_s=60.0))
    stage.break_nac()
    for _ in range(3):
        assert stage.ask().provider == "graph"
    assert not stage.fallback.first_leads


def test_the_list_and_how_things_stand_are_the_firsts(stage: Stage) -> None:
    stage.microsoft.change_device(GUID, compliant=False)
    listed = stage.fallback.noncompliant(6.0, time.time)
    assert isinstance(listed, NoncompliantList)
    assert listed.guids == {GUID}
    stage.break_nac()
    assert isinstance(stage.fallback.noncompliant(6.0, time.time), ListRefused)
    assert stage.fallback.status().endpoint == stage.microsoft.compliance_url
    assert not stage.microsoft.history("graph_list")


def test_warming_up_fetches_the_firsts_token_and_lists_no_devices(stage: Stage) -> None:
    stage.fallback.warm()
    until = time.monotonic() + 10
    while not stage.fallback.status().token_left_s:
        assert time.monotonic() < until
        time.sleep(0.005)
    assert not stage.microsoft.history("graph_list")


def test_throttling_of_both_is_counted(stage: Stage) -> None:
    assert stage.fallback.throttled == 0
    stage.microsoft.fault("throttle", only="guid", seconds=1)
    stage.microsoft.fault("throttle", only="graph_device", seconds=1)
    stage.ask()
    assert stage.fallback.throttled == 2
