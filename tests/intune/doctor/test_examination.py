"""One tenant examined from end to end."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nacd.intune.cloud import cloud
from nacd.intune.doctor.examination import Examination, Question
from nacd.intune.doctor.step import Begun, Step
from nacd.intune.options import IntuneOptions, ManagedIdentity, PemCredential, SecretCredential
from nacd.sim.microsoft.state import CLIENT_SECRET, App
from nacd.values import DeviceId, MacAddress, Secret
from tests.intune.doctor.conftest import CODES, PLANTED, soon, whole

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
ENTRA = "11111111-2222-4333-8444-555555555555"
MAC = MacAddress("00-50-56-C0-FF-EE")


def examine(options: IntuneOptions, within_s: float = 30.0, **how: Any) -> dict[str, Step]:
    """Every step by its name."""
    said = list(Examination(Question(options=options, **how), soon(within_s)).steps())
    return {step.name: step for step in said if isinstance(step, Step)}


def failures(steps: dict[str, Step]) -> list[str]:
    return [step.name for step in steps.values() if step.status == "failed"]


def skipped(steps: dict[str, Step]) -> dict[str, str]:
    return {step.name: step.detail for step in steps.values() if step.status == "skipped"}


def test_a_healthy_tenant_passes_every_step(sim: Any, options: Any) -> None:
    sim.put_device(GUID, macs=[str(MAC)])
    steps = examine(options(), graph=True, device=DeviceId(guid=GUID), mac=MAC, bulk=True)
    assert failures(steps) == []
    assert skipped(steps) == {}
    assert list(steps) == [
        "trust",
        "clock",
        "dns",
        "tls",
        "credential",
        "graph token",
        "intune token",
        "roles",
        "discovery",
        "intune dns",
        "intune tls",
        "addresses",
        "mdminfo",
        "device",
        "device by graph",
        "mac",
        "mac by graph",
        "bulk page",
    ]


def test_each_step_is_announced_before_it_is_done(options: Any) -> None:
    said = list(Examination(Question(options=options()), soon(30)).steps())
    for begun, step in zip(said[::2], said[1::2], strict=True):
        assert isinstance(begun, Begun)
        assert isinstance(step, Step)
        assert begun.name == step.name
        assert bool(begun.doing) is (step.name != "device")


def test_nothing_is_asked_on_its_own_account(sim: Any, options: Any) -> None:
    sim.forget_history()
    steps = examine(options())
    assert skipped(steps) == {"device": "not asked: name one with --device GUID and --mac MAC"}
    assert not sim.history("bulk")


def test_a_static_endpoint_needs_neither_discovery_nor_graph(sim: Any, options: Any) -> None:
    sim.register_app(App(graph_roles=()))
    sim.forget_history()
    try:
        steps = examine(options(endpoint=sim.compliance_url))
    finally:
        sim.register_app(App())
    assert failures(steps) == []
    assert steps["discovery"].detail == f"not needed: `endpoint` is {sim.compliance_url}"
    assert "graph token" not in steps
    assert not sim.history("discovery")
    assert steps["mdminfo"].status == "ok"


def test_graph_alone_needs_nothing_of_intune(sim: Any, options: Any) -> None:
    sim.put_device(GUID)
    steps = examine(options(), nac=False, graph=True, device=DeviceId(guid=GUID))
    assert failures(steps) == []
    assert "intune token" not in steps
    assert {"discovery", "intune dns", "intune tls", "mdminfo", "device"} <= set(skipped(steps))
    assert skipped(steps)["mdminfo"] == "not needed: graph alone is asked about devices"
    assert steps["device by graph"].detail.startswith(f"{GUID}  compliant")


def test_a_refused_credential_stops_only_what_needs_a_token(sim: Any, options: Any) -> None:
    sim.fault("token", code=7000222)
    steps = examine(options(), device=DeviceId(guid=GUID), bulk=True)
    assert failures(steps) == ["graph token", "intune token"]
    assert skipped(steps) == {
        "roles": "not tried: needs a token",
        "discovery": "not tried: needs a token for graph",
        "intune dns": "not tried: needs intune's address, see `discovery`",
        "intune tls": "not tried: needs intune's address, see `discovery`",
        "mdminfo": "not tried: needs intune's address, see `discovery`",
        "device": "not tried: needs intune's address, see `discovery`",
        "bulk page": "not tried: needs intune's address, see `discovery`",
    }
    assert steps["tls"].status == steps["clock"].status == steps["addresses"].status == "ok"


def test_two_credentials_are_tried_each_alone_and_one_that_works_carries_on(options: Any) -> None:
    wrong = SecretCredential(secret=Secret(PLANTED.encode()))
    for credentials in ((wrong, *options().credentials), (*options().credentials, wrong)):
        steps = examine(options(credentials=credentials))
        which = "" if credentials[0] is wrong else "next "
        assert failures(steps) == [f"{which}graph token", f"{which}intune token"]
        assert "(AADSTS7000215)" in steps[f"{which}graph token"].detail
        assert steps["mdminfo"].status == "ok"


def test_an_intune_token_without_graphs_finds_the_way_by_a_static_endpoint_only(sim: Any, options: Any) -> None:
    sim.register_app(App(graph_roles=()))
    try:
        steps = examine(options())
    finally:
        sim.register_app(App())
    assert failures(steps) == ["roles", "discovery"]
    assert steps["mdminfo"].detail == "not tried: needs intune's address, see `discovery`"


def test_the_address_is_looked_up_once_for_all_questions(sim: Any, options: Any) -> None:
    sim.put_device(GUID, macs=[str(MAC)])
    sim.forget_history()
    assert failures(examine(options(), device=DeviceId(guid=GUID), mac=MAC)) == []
    assert len(sim.history("discovery")) == 1


def test_a_moved_service_is_examined_where_it_is_now(sim: Any, options: Any) -> None:
    sim.move_scale_unit("404")
    steps = examine(options())
    assert failures(steps) == []
    assert steps["intune tls"].detail.startswith(sim.unit_hosts[1])


def test_an_entra_id_is_recognised_when_graph_is_configured(sim: Any, options: Any) -> None:
    sim.put_device(GUID, entra_id=ENTRA)
    steps = examine(options(), graph=True, device=DeviceId(guid=ENTRA))
    assert "as an Entra device id" in steps["device"].detail
    assert steps["device"].status == "warning"


def test_an_untrusted_root_fails_tls_and_says_so_once(sim: Any, options: Any) -> None:
    sim.present("unknown_root")
    steps = examine(options())
    assert failures(steps) == ["tls"]
    assert steps["graph token"].detail == f"not tried: needs tls with `{sim.unit_hosts[0]}`, see `tls`"
    assert "missing root: " in steps["tls"].detail
    assert sum("sha-256" in step.detail for step in steps.values()) == 1
    assert steps["clock"].status == "skipped"


def test_a_ca_file_that_cannot_be_read_stops_what_speaks_to_anybody(options: Any, tmp_path: Path) -> None:
    bad = tmp_path / "roots.pem"
    bad.write_text("no certificate\n")
    steps = examine(options(ca_file=str(bad)))
    assert failures(steps) == ["trust"]
    assert "PEM file" in steps["trust"].fix
    assert skipped(steps)["tls"] == "not tried: needs trusted roots"
    assert skipped(steps)["graph token"] == "not tried: needs trusted roots"
    assert steps["dns"].status == "ok"
    assert steps["addresses"].status == "ok"


def test_with_a_proxy_its_name_alone_is_resolved_here(options: Any) -> None:
    steps = examine(options(proxy="http://nacd:planted-proxy-password@localhost:9"))
    assert steps["dns"].detail.startswith("localhost  ")
    assert steps["tls"].status == "failed"
    assert not any("planted" in whole(step) for step in steps.values())


def test_when_everything_hangs_each_step_ends_and_so_does_the_whole(sim: Any, options: Any) -> None:
    sim.fault("outage", mode="silent")
    started = time.monotonic()
    steps = examine(options(), within_s=2.0, graph=True, device=DeviceId(guid=GUID), mac=MAC, bulk=True)
    assert time.monotonic() - started < 10.0  # two seconds, and much patience for a busy machine
    assert "tls" in failures(steps)
    assert failures(steps)


def test_steps_for_which_no_time_is_left_are_failures(options: Any) -> None:
    steps = examine(options(), within_s=0.0, graph=True)
    assert failures(steps) == ["dns", "tls", "graph token", "intune token"]
    assert all(steps[name].detail == "not tried: the steps before took all the time" for name in failures(steps))
    late = examine(options(endpoint="https://localhost:1/x"), within_s=0.0, nac=False, graph=True, mac=MAC)
    assert "mac by graph" in failures(late)


def test_an_intune_slower_than_logins_wait_is_a_failure_although_it_answers(sim: Any, options: Any) -> None:
    sim.put_device(GUID)
    sim.fault("latency", service="compliance", ms=400)
    steps = examine(options(), device=DeviceId(guid=GUID), login_s=0.2)
    assert failures(steps) == ["device"]
    assert steps["device"].detail.startswith(f"{GUID}  compliant, in ")
    assert "logins wait 0.2 s only: every one would be `unavailable`" in steps["device"].detail
    assert "`compliance.lookup_deadline`" in steps["device"].fix


def test_without_a_device_the_service_itself_is_asked_twice_and_timed(sim: Any, options: Any) -> None:
    sim.fault("latency", service="compliance", ms=400)
    steps = examine(options(), login_s=0.2)
    assert failures(steps) == ["mdminfo"]
    assert "logins wait 0.2 s only" in steps["mdminfo"].detail


def test_a_graph_slower_than_logins_wait_is_a_failure_too(sim: Any, options: Any) -> None:
    sim.put_device(GUID)
    sim.fault("latency", service="graph", ms=400)
    steps = examine(options(), nac=False, graph=True, device=DeviceId(guid=GUID), login_s=0.2)
    assert failures(steps) == ["device by graph"]


def test_an_entra_id_is_recognised_where_graph_alone_is_asked(sim: Any, options: Any) -> None:
    sim.put_device(GUID, entra_id=ENTRA)
    steps = examine(options(), nac=False, graph=True, device=DeviceId(guid=ENTRA))
    assert steps["device by graph"].status == "warning"
    assert "graph knows this GUID as an Entra device id (compliant)" in steps["device by graph"].detail


def test_with_a_managed_identity_nobody_needs_the_login_service(sim: Any, options: Any) -> None:
    """Its tokens come from this machine; many sites let nothing else out."""
    roots = {"login": "https://localhost:1", "graph": sim.base_url, "resource": "https://api.manage.microsoft.com/"}
    how: dict[str, Any] = {"cloud": cloud("custom", roots), "credentials": (ManagedIdentity(),)}
    steps = examine(options(**how, endpoint=sim.compliance_url), within_s=10.0)
    for name in ("clock", "dns", "tls"):
        assert (steps[name].status, steps[name].detail[:10]) == ("skipped", "not needed")
    steps = examine(options(**how), within_s=10.0)
    assert steps["tls"].status == "ok"
    assert "localhost:1 " not in steps["tls"].detail
    secret = options().credentials[0]
    mixed = examine(options(cloud=how["cloud"], credentials=(ManagedIdentity(), secret)), within_s=10.0)
    assert "tls" in failures(mixed)


def planted(options: Any) -> IntuneOptions:
    wrong = SecretCredential(secret=Secret(PLANTED.encode()))
    built: IntuneOptions = options(credentials=(wrong, *options().credentials))
    return built


def leaks(steps: Iterable[Step]) -> list[str]:
    return [
        step.name
        for step in steps
        if any(word in whole(step) for word in (PLANTED, CLIENT_SECRET, "Bearer", "eyJ", "BEGIN"))
    ]


@pytest.mark.parametrize(
    "trouble",
    [
        {},
        *({"kind": "token", "code": code} for code in CODES),
        {"kind": "outage", "mode": "503"},
        {"kind": "outage", "mode": "reset"},
        {"kind": "outage", "mode": "refused"},
        {"kind": "status", "service": "all", "code": 401},
        {"kind": "status", "service": "all", "code": 403},
        {"kind": "throttle", "service": "all"},
        {"kind": "body", "service": "all", "variant": "html"},
        {"kind": "redirect", "service": "all"},
    ],
    ids=str,
)
def test_no_secret_is_ever_shown(sim: Any, options: Any, trouble: dict[str, Any]) -> None:
    if trouble:
        sim.fault(**trouble)
    steps = examine(planted(options), graph=True, device=DeviceId(guid=GUID), mac=MAC, bulk=True)
    assert leaks(steps.values()) == []
    assert failures(steps)  # the planted secret is wrong in every case


def test_a_login_service_that_repeats_the_secret_is_not_repeated(microsoft: Any, pki: Any, wire: Any) -> None:
    """Something in between may put into its error what it was sent."""
    body = {"error": "invalid_client", "error_description": f"you sent client_secret={PLANTED}"}
    microsoft.always("token", wire.Said(status=401, kind="application/json", body=body))
    roots = {"login": microsoft.root, "graph": microsoft.root, "resource": "https://api.manage.test/"}
    wanted = IntuneOptions(
        cloud=cloud("custom", roots),
        tenant="contoso.test",
        client_id="33333333-4444-5555-6666-777777777777",
        credentials=(SecretCredential(secret=Secret(PLANTED.encode())),),
        allowed_hosts=(f"localhost:{microsoft.port}",),
        ca_file=pki.ca_file,
    )
    steps = examine(wanted)
    assert "you sent client_secret=***" in steps["graph token"].detail
    assert leaks(steps.values()) == []


def test_a_list_that_graph_does_not_give_is_told_with_its_reason(sim: Any, options: Any) -> None:
    sim.fault("status", service="graph", code=403, only="graph_list")
    steps = examine(options(), nac=False, graph=True, mac=MAC)
    assert steps["mac by graph"].status == "warning"
    assert "graph's list of devices cannot be had: " in steps["mac by graph"].detail


def test_an_intune_that_cannot_be_spoken_to_is_not_asked_and_told_once(options: Any) -> None:
    steps = examine(options(endpoint="https://localhost:1/somewhere"), device=DeviceId(guid=GUID))
    assert failures(steps) == ["intune tls"]
    assert "cannot be reached: connection refused" in steps["intune tls"].detail
    assert steps["mdminfo"].detail == steps["device"].detail == "not tried: needs tls with intune, see `intune tls`"


@pytest.fixture
def by_certificate(sim: Any, options: Any, pki: Any) -> Iterator[IntuneOptions]:
    """An app that proves itself by a certificate: what it signs is verified, dates and all."""
    sim.register_app(App(certificates=(pki.app_certificate,)))
    yield options(credentials=(PemCredential(certificate=pki.app_certificate, private_key=Secret(pki.app_key)),))
    sim.register_app(App())


def test_a_certificate_proves_the_app_and_its_key_is_not_shown(by_certificate: IntuneOptions) -> None:
    steps = examine(by_certificate)
    assert failures(steps) == []
    assert steps["credential"].status == "warning"  # it ends within a month
    assert leaks(steps.values()) == []


def test_a_clock_that_is_off_explains_why_no_certificate_is_taken(sim: Any, by_certificate: IntuneOptions) -> None:
    sim.tune(clock_offset_s=3_600.0)
    steps = examine(by_certificate)
    assert failures(steps) == ["clock", "graph token", "intune token"]
    assert "60 minutes behind" in steps["clock"].detail
    assert "(AADSTS700024)" in steps["graph token"].detail
    assert steps["graph token"].fix.startswith("set the clock")


def test_a_certificate_that_is_not_registered_is_told_by_its_thumbprint(sim: Any, by_certificate: Any) -> None:
    sim.register_app(App())
    steps = examine(by_certificate)
    assert "(AADSTS700027)" in steps["graph token"].detail
    assert "the one whose thumbprint is shown under `credential`" in steps["graph token"].fix
    assert "thumbprint " in steps["credential"].detail
