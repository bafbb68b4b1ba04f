"""The whole way: address, token, question, verdict; and everything that can go wrong on it."""

from __future__ import annotations

import email.utils
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from nacd.intune.nac.answers import concerns_only_the_device
from nacd.intune.nac.source import IntuneSource
from nacd.intune.options import IntuneOptions
from nacd.values import Compliance, ComplianceSource, ComplianceState, DeviceId, DeviceIdKind, MacAddress
from tests.intune.nac.tenant import Notebook

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
DEVICE = DeviceId(guid=GUID)
MAC = MacAddress("00-26-B4-24-FE-B4")
Build = Callable[..., IntuneOptions]


def ask(source: IntuneSource, subject: DeviceId | MacAddress = DEVICE, deadline_s: float = 5.0) -> Compliance:
    return source.lookup(subject, deadline_s, time.time)


def unavailable(verdict: Compliance, *words: str) -> None:
    assert verdict.state is ComplianceState.UNAVAILABLE
    assert verdict.source is ComplianceSource.NONE
    for word in words:
        assert word in verdict.detail


@pytest.fixture
def source(options: Build) -> IntuneSource:
    return IntuneSource(options())


# -- answers --------------------------------------------------------------------------------


def test_a_compliant_device_is_compliant_and_the_verdict_is_dated(source: IntuneSource, microsoft: Any) -> None:
    verdict = source.lookup(DEVICE, 5.0, lambda: 1234.5)
    assert verdict == Compliance(
        state=ComplianceState.COMPLIANT, as_of=1234.5, source=ComplianceSource.LIVE, provider="nac"
    )
    call = microsoft.last("devices")
    assert call.path.endswith("/ComplianceRetrievalService/cisco/devices/")
    assert call.query == {"paging": ["0"], "querycriteria": ["guid"], "value": [GUID], "filter": ["all"]}
    assert call.headers["accept"] == "application/xml"
    assert call.headers["client-request-id"]
    assert call.headers["authorization"].startswith("Bearer ey")


def test_a_mac_is_asked_as_twelve_upper_case_digits(source: IntuneSource, microsoft: Any, wire: Any) -> None:
    microsoft.device = wire.list_xml(wire.device_xml(compliant="false"))
    assert ask(source, MAC).state is ComplianceState.NONCOMPLIANT
    assert microsoft.last("devices").query["value"] == ["0026B424FEB4"]
    assert microsoft.last("devices").query["querycriteria"] == ["macaddress"]


def test_an_empty_list_means_not_managed(source: IntuneSource, microsoft: Any, wire: Any) -> None:
    microsoft.device = wire.list_xml()
    assert ask(source).state is ComplianceState.NOT_MANAGED


def test_an_entra_id_is_never_sent(source: IntuneSource, microsoft: Any) -> None:
    verdict = ask(source, DeviceId(guid=GUID, kind=DeviceIdKind.ENTRA))
    assert verdict.state is ComplianceState.UNKNOWN
    assert not microsoft.calls


def test_another_device_in_the_answer_is_no_verdict_and_no_outage(
    source: IntuneSource, microsoft: Any, wire: Any
) -> None:
    microsoft.device = wire.list_xml(wire.device_xml(guid=GUID.replace("2", "3")))
    verdict = ask(source)
    unavailable(verdict, "another device")
    assert concerns_only_the_device(verdict.detail)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/html", b"<html><body>Sign in to the proxy</body></html>"),
        ("", b"<ise_api/>"),
        ("application/xml", b"<ise_api><name>attributes</name><deviceList>"),
        ("application/xml", b""),
        ("application/json", b"true"),
    ],
)
def test_an_unreadable_answer_is_unavailable(
    source: IntuneSource, microsoft: Any, wire: Any, kind: str, body: bytes
) -> None:
    microsoft.always("devices", wire.Said(kind=kind, body=body))
    unavailable(ask(source))


# -- the status table -----------------------------------------------------------------------


def test_400_is_our_fault_and_never_not_managed(source: IntuneSource, microsoft: Any, wire: Any) -> None:
    microsoft.say("devices", wire.Said(status=400, kind="application/json", body={"Message": "Bad value"}))
    verdict = ask(source)
    unavailable(verdict, "400", "Bad value")
    assert concerns_only_the_device(verdict.detail)
    assert ask(source).state is ComplianceState.COMPLIANT


def test_401_drops_the_token_and_asks_once_more(source: IntuneSource, microsoft: Any, wire: Any) -> None:
    microsoft.say("devices", wire.Said(status=401))
    assert ask(source).state is ComplianceState.COMPLIANT
    sent = [call.headers["authorization"] for call in microsoft.calls if "/devices/" in call.path]
    assert len(set(sent)) == 2


def test_401_twice_pauses_and_names_the_missing_consent(options: Build, microsoft: Any, wire: Any) -> None:
    microsoft.roles = ["something_else"]
    microsoft.always("devices", wire.Said(status=401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}))
    source = IntuneSource(options())
    unavailable(ask(source), "401", "get_device_compliance", "something_else", "invalid_token")
    asked = microsoft.count("devices")
    assert asked == 2
    unavailable(ask(source), "not asked again for")
    assert microsoft.count("devices") == asked
    assert 290 < source.status().paused_s <= 300


def test_403_pauses_for_five_minutes(source: IntuneSource, microsoft: Any, wire: Any) -> None:
    microsoft.say("devices", wire.Said(status=403))
    unavailable(ask(source), "403")
    unavailable(ask(source), "not asked again")
    assert 290 < source.status().paused_s <= 300


def test_404_with_a_healthy_service_means_not_managed(source: IntuneSource, microsoft: Any, wire: Any) -> None:
    ask(source)
    microsoft.always("devices", wire.Said(status=404))
    assert ask(source).state is ComplianceState.NOT_MANAGED


@pytest.mark.parametrize("probe", [{"status": 404}, {"status": 503}, {"kind": "text/html", "body": b"hello"}])
def test_404_without_a_healthy_service_is_unavailable(
    source: IntuneSource, microsoft: Any, wire: Any, probe: dict[str, Any]
) -> None:
    microsoft.always("devices", wire.Said(status=404))
    microsoft.always("mdminfo", wire.Said(**probe))
    unavailable(ask(source), "404")


@pytest.mark.parametrize("headers", [{"Retry-After": "120"}, {}, {"Retry-After": "date"}, {"Retry-After": "soon"}])
def test_429_pauses_everybody(source: IntuneSource, microsoft: Any, wire: Any, headers: dict[str, str]) -> None:
    if headers.get("Retry-After") == "date":
        headers = {"Retry-After": email.utils.formatdate(time.time() + 120, usegmt=True)}
    expected_s = 120 if headers.get("Retry-After", "soon") != "soon" else 30
    microsoft.say("devices", wire.Said(status=429, headers=headers))
    unavailable(ask(source), "throttling")
    unavailable(ask(source, MAC), "not asked again")
    assert microsoft.count("devices") == 1
    assert expected_s - 5 < source.status().paused_s <= expected_s + 1


def test_a_busy_server_is_left_alone_though_its_answer_counts(source: IntuneSource, microsoft: Any, wire: Any) -> None:
    extra = "<server_busy_wait_seconds>60</server_busy_wait_seconds>"
    microsoft.say("devices", wire.Said(body=wire.list_xml(wire.device_xml(), extra=extra)))
    assert ask(source).state is ComplianceState.COMPLIANT
    unavailable(ask(source), "left alone")


@pytest.mark.parametrize("status", [500, 503])
def test_5xx_is_tried_once_more(source: IntuneSource, microsoft: Any, wire: Any, status: int) -> None:
    microsoft.say("devices", wire.Said(status=status))
    assert ask(source).state is ComplianceState.COMPLIANT
    assert microsoft.count("devices") == 2


def test_5xx_twice_is_unavailable(source: IntuneSource, microsoft: Any, wire: Any) -> None:
    microsoft.say("devices", wire.Said(status=503), wire.Said(status=503))
    verdict = ask(source)
    unavailable(verdict, "503")
    assert not concerns_only_the_device(verdict.detail)


def test_a_long_retry_after_is_not_waited_for_in_the_call(source: IntuneSource, microsoft: Any, wire: Any) -> None:
    microsoft.say("devices", wire.Said(status=503, headers={"Retry-After": "20"}))
    unavailable(ask(source), "503")
    assert microsoft.count("devices") == 1
    assert 15 < source.status().paused_s <= 20


def test_nothing_is_tried_again_once_another_question_has_been_throttled(
    source: IntuneSource, microsoft: Any, wire: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def throttled_meanwhile(_seconds: float) -> None:
        microsoft.say("devices", wire.Said(status=429, headers={"Retry-After": "60"}))
        unavailable(ask(source), "429")

    microsoft.say("devices", wire.Said(status=503))
    monkeypatch.setattr("nacd.intune.nac.source.time.sleep", throttled_meanwhile)
    unavailable(ask(source), "429", "not asked again for ")
    assert microsoft.count("devices") == 2


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(
    source: IntuneSource, microsoft: Any, elsewhere: Any, wire: Any, status: int
) -> None:
    there = {"Location": f"{elsewhere.root}/cisco/devices/?x=1"}
    microsoft.always("devices", wire.Said(status=status, headers=there))
    unavailable(ask(source), "redirect")
    assert not elsewhere.calls


def test_an_unheard_of_status_is_unavailable(source: IntuneSource, microsoft: Any, wire: Any) -> None:
    microsoft.always("devices", wire.Said(status=204))
    unavailable(ask(source), "204")


# -- a moved service ------------------------------------------------------------------------


@pytest.fixture
def moved(options: Build, microsoft: Any, elsewhere: Any, wire: Any) -> IntuneSource:
    """The address kept from the last run is no longer good; Graph knows the new one."""
    kept = Notebook(microsoft.root + wire.SERVICE)
    body = wire.endpoints(elsewhere.root + wire.SERVICE)
    # The first background look fails, so that the question meets the old address.
    microsoft.always("endpoints", wire.Said(kind="application/json", body=body))
    hosts = (f"localhost:{microsoft.port}", f"localhost:{elsewhere.port}")
    return IntuneSource(options(allowed_hosts=hosts), kept)


@pytest.mark.parametrize("status", [404, 301])
def test_a_moved_service_is_found_and_asked(
    moved: IntuneSource, microsoft: Any, elsewhere: Any, wire: Any, status: int
) -> None:
    microsoft.always("devices", wire.Said(status=status))
    assert ask(moved).state is ComplianceState.COMPLIANT
    assert elsewhere.count("devices") == 1
    assert moved.status().endpoint.startswith(elsewhere.root)


def test_an_old_host_that_refuses_leads_to_the_new_one(options: Build, microsoft: Any, wire: Any) -> None:
    kept = Notebook("https://localhost:1/gone")
    hosts = (f"localhost:{microsoft.port}", "localhost:1")
    source = IntuneSource(options(allowed_hosts=hosts), kept)
    assert ask(source).state is ComplianceState.COMPLIANT
    assert kept.base == microsoft.root + wire.SERVICE


@pytest.mark.parametrize("status", [401, 403, 410, 421, 503])
def test_an_old_host_that_answers_with_a_refusal_has_graph_asked_where_the_new_one_is(
    microsoft: Any,
    elsewhere: Any,
    wire: Any,
    status: int,
    options: Build,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nacd.intune.nac.discovery._FIRST_PAUSE_S", 0.0)
    hosts = (f"localhost:{microsoft.port}", f"localhost:{elsewhere.port}")
    source = IntuneSource(options(allowed_hosts=hosts))
    assert ask(source).state is ComplianceState.COMPLIANT
    body = wire.endpoints(elsewhere.root + wire.SERVICE)
    microsoft.always("endpoints", wire.Said(kind="application/json", body=body))
    microsoft.always("devices", wire.Said(status=status))
    unavailable(ask(source), str(status))
    assert wire.eventually(lambda: source.status().endpoint.startswith(elsewhere.root))


# -- the service's own path -----------------------------------------------------------------


def test_the_path_the_service_names_is_used_but_never_a_host(
    options: Build, microsoft: Any, elsewhere: Any, wire: Any
) -> None:
    microsoft.always("mdminfo", wire.Said(body=wire.service_xml("/other/place")))
    source = IntuneSource(options())
    source.warm()
    assert wire.eventually(lambda: "networkaccesscontrol" in source.status().portal)
    assert ask(source).state is ComplianceState.COMPLIANT
    assert microsoft.last("devices").path == "/other/place/devices/"


@pytest.mark.parametrize("path", ["//localhost:{port}/x", "https://localhost:{port}/x", "/a/../b", "/x?y=1", "x"])
def test_a_path_that_is_more_than_a_path_is_ignored(
    options: Build, microsoft: Any, elsewhere: Any, wire: Any, path: str
) -> None:
    microsoft.always("mdminfo", wire.Said(body=wire.service_xml(path.format(port=elsewhere.port))))
    source = IntuneSource(options())
    source.warm()
    assert wire.eventually(lambda: "networkaccesscontrol" in source.status().portal)
    assert ask(source).state is ComplianceState.COMPLIANT
    assert microsoft.last("devices").path == wire.API_PATH + "/devices/"
    assert not elsewhere.calls


# -- time -----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("what", ["openid", "token", "endpoints", "devices"])
def test_whoever_is_stuck_the_deadline_holds(source: IntuneSource, microsoft: Any, wire: Any, what: str) -> None:
    microsoft.always(what, wire.Said(hold_s=20.0))
    started = time.monotonic()
    unavailable(ask(source, deadline_s=0.2))
    assert time.monotonic() - started < 2.0


@pytest.mark.slow
@pytest.mark.parametrize("headers", [False, True])
def test_a_slow_drip_does_not_outlive_the_deadline(
    source: IntuneSource, microsoft: Any, wire: Any, headers: bool
) -> None:
    ask(source)
    said = wire.Said(body=wire.list_xml(wire.device_xml()), drip_s=0.02, drip_headers=headers)
    microsoft.always("devices", said)
    started = time.monotonic()
    unavailable(ask(source, deadline_s=0.2), "in time")
    assert time.monotonic() - started < 2.0


@pytest.mark.slow
def test_a_slow_token_may_use_the_time_of_both_tries(
    options: Build, microsoft: Any, wire: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nacd.intune.nac.source._FIRST_TRY_S", 0.1)
    source = IntuneSource(options(endpoint=microsoft.root + wire.SERVICE))
    microsoft.say("token", wire.Said(hold_s=0.6, kind="application/json", body=wire.token_body()))
    assert ask(source, deadline_s=1.1).state is ComplianceState.COMPLIANT


def test_no_time_at_all_is_unavailable(source: IntuneSource) -> None:
    unavailable(ask(source, deadline_s=0.0))
    unavailable(ask(source, deadline_s=-1.0))


@pytest.mark.slow
def test_a_stuck_login_service_holds_no_thread_past_its_deadline(
    source: IntuneSource, microsoft: Any, wire: Any
) -> None:
    microsoft.always("token", wire.Said(hold_s=20.0))
    took: list[float] = []

    def one() -> None:
        started = time.monotonic()
        unavailable(ask(source, deadline_s=0.2))
        took.append(time.monotonic() - started)

    threads = [threading.Thread(target=one) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(took) == 16
    assert max(took) < 2.0
    assert microsoft.count("token") == 1


def test_sixteen_threads_share_one_token_and_one_address(source: IntuneSource, microsoft: Any) -> None:
    verdicts: list[Compliance] = []
    threads = [threading.Thread(target=lambda: verdicts.append(ask(source))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [verdict.state for verdict in verdicts] == [ComplianceState.COMPLIANT] * 16
    assert microsoft.count("token") == 2  # one for Graph, one for Intune
    assert microsoft.count("endpoints") == 1
    assert microsoft.count("devices") == 16


# -- endpoint and status ---------------------------------------------------------------------


def test_a_fixed_endpoint_needs_no_graph(options: Build, microsoft: Any, wire: Any) -> None:
    source = IntuneSource(options(endpoint=microsoft.root + wire.SERVICE + "/", allowed_hosts=()))
    assert ask(source).state is ComplianceState.COMPLIANT
    assert microsoft.count("endpoints") == 0
    assert not any("localhost" in scope for call in microsoft.calls for scope in call.form.get("scope", []))


def test_the_status_says_how_things_stand(source: IntuneSource, microsoft: Any) -> None:
    assert source.status().endpoint == ""
    ask(source)
    status = source.status()
    assert status.endpoint.startswith(microsoft.root)
    assert 3500 < status.token_left_s <= 3599
    assert status.roles == ("get_device_compliance",)
    assert status.paused_s == 0
    assert (status.consent, status.throttled, status.bulk_ignored) == ("", 0, 0)
    assert [(one.kind, one.in_use, one.refused) for one in status.credentials] == [("client secret", True, "")]
