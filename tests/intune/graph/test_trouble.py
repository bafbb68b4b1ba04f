"""Trouble on the way to Graph: none of it ever becomes a verdict, whatever was asked about."""

from __future__ import annotations

import time
from typing import Any

import pytest

from nacd.intune.graph.source import GraphSource
from nacd.sim.intune import IntuneSimulator
from nacd.values import Compliance, ComplianceSource, ComplianceState, DeviceId, DeviceIdKind, MacAddress

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
ENTRA = "77777777-8a41-4b7f-9e05-61d0c7b3a9aa"
DEVICE = DeviceId(guid=GUID)
BY_ENTRA = DeviceId(guid=ENTRA, kind=DeviceIdKind.ENTRA)
MAC = MacAddress("D4-6E-0E-02-28-96")
SUBJECTS = [DEVICE, BY_ENTRA, MAC]


def ask(source: GraphSource, subject: DeviceId | MacAddress = DEVICE, deadline_s: float = 8.0) -> Compliance:
    return source.lookup(subject, deadline_s, time.time)


def unavailable(verdict: Compliance, *words: str) -> None:
    assert verdict.state is ComplianceState.UNAVAILABLE
    assert verdict.source is ComplianceSource.NONE
    assert verdict.provider == ""
    for word in words:
        assert word in verdict.detail


@pytest.fixture
def source(simulator: IntuneSimulator, scene: Any) -> GraphSource:
    """Graph with one compliant device, which every subject names."""
    simulator.put_device(GUID, macs=[MAC.hex12], entra_id=ENTRA)
    return GraphSource(scene.options_for(simulator))


TROUBLE: list[dict[str, Any]] = [
    {"kind": "outage", "service": "graph", "mode": "reset"},
    {"kind": "outage", "service": "graph", "mode": "503"},
    {"kind": "outage", "service": "graph", "mode": "500"},
    {"kind": "outage", "service": "login", "mode": "503"},
    {"kind": "token", "code": 7000215},
    {"kind": "redirect", "service": "graph"},
    {"kind": "throttle", "service": "graph"},
    {"kind": "throttle", "service": "graph", "retry_after": "none"},
    {"kind": "drip", "service": "graph", "ms": 50},
    *({"kind": "status", "service": "graph", "code": code} for code in (400, 401, 403, 410, 418, 501, 504)),
    *(
        {"kind": "status", "service": "graph", "code": 404, "envelope": envelope}
        for envelope in ("html", "empty", "intune")
    ),
    *(
        {"kind": "body", "service": "graph", "variant": variant}
        for variant in ("html", "truncated", "huge", "empty", "list", "text_type")
    ),
]


@pytest.mark.parametrize("subject", SUBJECTS, ids=["intune", "entra", "mac"])
@pytest.mark.parametrize("trouble", TROUBLE, ids=lambda trouble: "-".join(map(str, trouble.values())))
def test_no_trouble_ever_becomes_a_verdict(
    source: GraphSource, simulator: IntuneSimulator, subject: DeviceId | MacAddress, trouble: dict[str, Any]
) -> None:
    simulator.fault(**trouble)
    unavailable(ask(source, subject, 0.6))


@pytest.mark.parametrize("subject", SUBJECTS, ids=["intune", "entra", "mac"])
def test_an_answer_with_a_byte_order_mark_is_an_answer(
    source: GraphSource, simulator: IntuneSimulator, subject: DeviceId | MacAddress
) -> None:
    simulator.fault("body", service="graph", variant="bom")
    assert ask(source, subject).state is ComplianceState.COMPLIANT


def test_graph_is_not_asked_while_it_wants_to_be_left_alone(source: GraphSource, simulator: IntuneSimulator) -> None:
    simulator.fault("throttle", service="graph", seconds=40, times=1)
    unavailable(ask(source), "status 429")
    for subject in SUBJECTS:
        unavailable(ask(source, subject, 0.5), "429")
    assert len(simulator.history("graph_device")) == 1
    assert not simulator.history("graph_list")
    assert source.throttled == 1
    assert 30 < source.status().paused_s <= 40
    assert "429" in source.status().paused_why


def test_nothing_is_asked_after_the_deadline(source: GraphSource, simulator: IntuneSimulator) -> None:
    unavailable(ask(source, deadline_s=0.0))
    assert not simulator.history("graph_device")
