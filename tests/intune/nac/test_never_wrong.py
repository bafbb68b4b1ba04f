"""The one property that matters: trouble never becomes a verdict, in whatever mixture it comes.

Compliant is said only of a device that is compliant; noncompliant only of one that is not; not_managed only of one
that is not there, or by an answer that says so in so many words.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nacd.compliance.listed import ListRefused, NoncompliantList
from nacd.intune.nac.source import IntuneSource
from nacd.sim.intune import IntuneSimulator
from nacd.sim.microsoft.faults import JSON_VARIANTS, VARIANTS
from nacd.sim.microsoft.scene import App
from nacd.values import ComplianceState, DeviceId, MacAddress
from tests.intune.nac.tenant import DEVICE, GUID, MAC, OTHER_GUID, Notebook, ask, settle, tenant

SAY_NOT_MANAGED = {"nil_list", "empty_list", "no_list", "not_registered"}


def fault(kind: str, **parameters: Any) -> dict[str, Any]:
    return {"kind": kind, **parameters}


FAULTS: list[dict[str, Any]] = [
    *(fault("body", service="compliance", variant=variant) for variant in VARIANTS),
    *(fault("body", service=service, variant=one) for service in ("login", "graph") for one in JSON_VARIANTS),
    *(
        fault("status", service=service, code=code)
        for service in ("login", "graph", "compliance")
        for code in (400, 401, 403, 404, 408, 410, 418, 429, 500, 502, 503, 504)
    ),
    *(
        fault("outage", service=service, mode=mode)
        for service in ("login", "graph", "compliance")
        for mode in ("reset", "503", "500")
    ),
    fault("outage", mode="refused"),
    *(fault("throttle", retry_after=form) for form in ("seconds", "date", "garbage", "none")),
    *(fault("token", code=code) for code in (700016, 7000215, 7000222, 700027, 500011, 90002)),
    *(fault("redirect", service=service) for service in ("login", "graph", "compliance")),
    fault("busy", seconds=5),
    fault("latency", ms=40),
    fault("drip", ms=1),
]
SCENES = ("compliant", "noncompliant", "absent")


def set_scene(simulator: IntuneSimulator, scene: str) -> None:
    settle()
    simulator.reset()
    simulator.register_app(App())
    simulator.put_device(OTHER_GUID, macs=["0200DEADBEEF"], compliant=scene != "compliant")
    if scene != "absent":
        simulator.put_device(GUID, macs=[MAC.hex12], compliant=scene == "compliant")


def switch_on(simulator: IntuneSimulator, chosen: dict[str, Any], times: int = 0) -> None:
    whole = chosen.get("mode") == "refused"
    simulator.fault(**chosen, **({} if whole or not times else {"times": times}))


def assert_true_of(scene: str, state: ComplianceState, faults: list[dict[str, Any]], detail: str) -> None:
    assert state is not ComplianceState.COMPLIANT or scene == "compliant", detail
    assert state is not ComplianceState.NONCOMPLIANT or scene == "noncompliant", detail
    if state is ComplianceState.NOT_MANAGED and scene != "absent":
        said = {one.get("variant") for one in faults} & SAY_NOT_MANAGED
        not_found = any(one.get("code") == 404 and one["service"] == "compliance" for one in faults)
        assert said or not_found, detail


@pytest.mark.parametrize(
    ("chosen", "scene"),
    [
        (one, scene)
        for one in FAULTS
        for scene in (SCENES if one.get("service") not in ("login", "graph") else ("noncompliant",))
    ],
    ids=lambda value: "-".join(str(word) for word in value.values()) if isinstance(value, dict) else value,
)
def test_no_single_trouble_becomes_a_verdict(
    lasting_simulator: IntuneSimulator, chosen: dict[str, Any], scene: str
) -> None:
    set_scene(lasting_simulator, scene)
    switch_on(lasting_simulator, chosen)
    verdict = ask(IntuneSource(tenant(lasting_simulator)), deadline_s=2.0)
    assert_true_of(scene, verdict.state, [chosen], verdict.detail)
    assert (verdict.provider == "nac") == (verdict.state is not ComplianceState.UNAVAILABLE)
    assert verdict.detail or verdict.state is not ComplianceState.UNAVAILABLE


@pytest.mark.slow
@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    scene=st.sampled_from(SCENES),
    subject=st.sampled_from([DEVICE, MAC]),
    faults=st.lists(st.tuples(st.sampled_from(FAULTS), st.integers(0, 2)), min_size=1, max_size=4),
    moved=st.sampled_from(["", "404", "reset", "redirect"]),
)
def test_no_mixture_of_troubles_becomes_a_verdict_or_a_part_of_a_list(
    lasting_simulator: IntuneSimulator,
    scene: str,
    subject: DeviceId | MacAddress,
    faults: list[tuple[dict[str, Any], int]],
    moved: str,
) -> None:
    set_scene(lasting_simulator, scene)
    notebook = Notebook(lasting_simulator.compliance_url)
    if moved:
        lasting_simulator.move_scale_unit(moved)
    for chosen, times in faults:
        switch_on(lasting_simulator, chosen, times)
    source = IntuneSource(tenant(lasting_simulator), notebook)
    for _ in range(2):
        verdict = ask(source, subject, deadline_s=1.5)
        assert_true_of(scene, verdict.state, [chosen for chosen, _times in faults], verdict.detail)
    listed = source.noncompliant(1.5, lambda: 0.0)
    if isinstance(listed, NoncompliantList):
        assert GUID not in listed.guids or scene == "noncompliant"
    else:
        assert isinstance(listed, ListRefused)
        assert listed.detail
