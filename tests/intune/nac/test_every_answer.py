"""Every row of the status table and every rule of the parser, each against the simulator over real HTTPS."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import pytest

from nacd.intune.nac.answers import concerns_only_the_device
from nacd.intune.nac.source import IntuneSource
from nacd.sim.intune import IntuneSimulator
from nacd.sim.microsoft.scene import App
from nacd.values import ComplianceSource, ComplianceState, DeviceId, MacAddress
from tests.intune.nac.tenant import DEVICE, GUID, MAC, OTHER_GUID, Notebook, ask, assert_unavailable, tenant

COMPLIANT, NONCOMPLIANT = ComplianceState.COMPLIANT, ComplianceState.NONCOMPLIANT
NOT_MANAGED, UNKNOWN = ComplianceState.NOT_MANAGED, ComplianceState.UNKNOWN

SPELLINGS = (
    "bom",
    "lower_case",
    "capitals",
    "no_namespace",
    "prefixed",
    "unknown_elements",
    "spaced",
    "digits",
    "json",
    "two_agree",
)
"""The same answer in other words."""

EMPTY = ("nil_list", "empty_list", "no_list", "not_registered")
"""Answers that say: no such device here."""

UNREADABLE = (
    "html",
    "truncated",
    "doctype",
    "empty",
    "huge",
    "text_type",
    "nil_status",
    "nil_register",
    "no_status",
    "no_register",
    "odd_status",
)
"""Answers that say nothing, whatever the device is."""


def enrol(simulator: IntuneSimulator, *, compliant: bool = True) -> None:
    simulator.put_device(GUID, macs=[MAC.hex12], compliant=compliant)


# -- 200 ------------------------------------------------------------------------------------


@pytest.mark.parametrize("subject", [DEVICE, MAC], ids=["guid", "mac"])
@pytest.mark.parametrize("compliant", [True, False])
def test_200_says_what_the_device_is(
    simulator: IntuneSimulator, asked: IntuneSource, subject: DeviceId | MacAddress, compliant: bool
) -> None:
    enrol(simulator, compliant=compliant)
    verdict = ask(asked, subject)
    assert verdict.state is (COMPLIANT if compliant else NONCOMPLIANT)
    assert (verdict.provider, verdict.source) == ("nac", ComplianceSource.LIVE)


@pytest.mark.parametrize("subject", [DEVICE, MAC], ids=["guid", "mac"])
@pytest.mark.parametrize("compliant", [True, False])
@pytest.mark.parametrize("variant", SPELLINGS)
def test_the_same_answer_in_another_spelling_says_the_same(
    simulator: IntuneSimulator, asked: IntuneSource, variant: str, compliant: bool, subject: DeviceId | MacAddress
) -> None:
    enrol(simulator, compliant=compliant)
    simulator.fault("body", variant=variant)
    verdict = ask(asked, subject)
    assert verdict.state is (COMPLIANT if compliant else NONCOMPLIANT), verdict.detail


@pytest.mark.parametrize("subject", [DEVICE, MAC], ids=["guid", "mac"])
def test_a_device_nobody_enrolled_is_not_managed(
    simulator: IntuneSimulator, asked: IntuneSource, subject: DeviceId | MacAddress
) -> None:
    verdict = ask(asked, subject)
    assert (verdict.state, verdict.provider) == (NOT_MANAGED, "nac")


@pytest.mark.parametrize("variant", EMPTY)
def test_every_way_to_list_nothing_means_not_managed(
    simulator: IntuneSimulator, asked: IntuneSource, variant: str
) -> None:
    enrol(simulator)
    simulator.fault("body", variant=variant)
    assert ask(asked).state is NOT_MANAGED


def test_a_device_that_is_listed_as_not_registered_is_not_managed(
    simulator: IntuneSimulator, asked: IntuneSource
) -> None:
    simulator.put_device(GUID, registered=False)
    verdict = ask(asked)
    assert (verdict.state, verdict.detail) == (NOT_MANAGED, "intune lists it as not registered")


@pytest.mark.parametrize("variant", UNREADABLE)
def test_an_answer_that_cannot_be_read_says_nothing(
    simulator: IntuneSimulator, asked: IntuneSource, variant: str
) -> None:
    enrol(simulator)
    simulator.fault("body", variant=variant)
    assert_unavailable(ask(asked))


def test_html_is_said_to_come_from_a_proxy(simulator: IntuneSimulator, asked: IntuneSource) -> None:
    enrol(simulator)
    simulator.fault("body", variant="html", only="single")
    assert_unavailable(ask(asked), "text/html", "proxy or tls inspection")


def test_a_doctype_is_named(simulator: IntuneSimulator, asked: IntuneSource) -> None:
    enrol(simulator)
    simulator.fault("body", variant="doctype", only="single")
    assert_unavailable(ask(asked), "doctype")


def test_another_guid_in_the_answer_concerns_this_device_only(simulator: IntuneSimulator, asked: IntuneSource) -> None:
    enrol(simulator)
    simulator.fault("body", variant="guid_mismatch", times=1, only="single")
    verdict = ask(asked)
    assert_unavailable(verdict, "answered about another device")
    assert concerns_only_the_device(verdict.detail)
    assert ask(asked).state is COMPLIANT


@pytest.mark.parametrize("compliant", [True, False])
def test_of_two_devices_the_one_with_the_guid_counts(
    simulator: IntuneSimulator, asked: IntuneSource, compliant: bool
) -> None:
    enrol(simulator, compliant=compliant)
    simulator.fault("body", variant="two_devices")
    assert ask(asked).state is (COMPLIANT if compliant else NONCOMPLIANT)


@pytest.mark.parametrize("compliant", [True, False])
def test_two_devices_for_a_mac_that_agree_are_one_verdict(
    simulator: IntuneSimulator, asked: IntuneSource, compliant: bool
) -> None:
    for guid in (GUID, OTHER_GUID):
        simulator.put_device(guid, macs=[MAC.hex12], compliant=compliant)
    verdict = ask(asked, MAC)
    assert verdict.state is (COMPLIANT if compliant else NONCOMPLIANT)
    assert "2 devices" in verdict.detail


def test_two_devices_for_a_mac_that_disagree_are_ambiguous(simulator: IntuneSimulator, asked: IntuneSource) -> None:
    simulator.put_device(GUID, macs=[MAC.hex12], compliant=True)
    simulator.put_device(OTHER_GUID, macs=[MAC.hex12], compliant=False)
    verdict = ask(asked, MAC)
    assert (verdict.state, verdict.provider) == (UNKNOWN, "nac")
    assert "ambiguous" in verdict.detail


def test_two_devices_for_a_mac_that_name_none_are_no_verdict(simulator: IntuneSimulator, asked: IntuneSource) -> None:
    simulator.tune(mac_element=False, mac_list=False)
    for guid in (GUID, OTHER_GUID):
        simulator.put_device(guid, macs=[MAC.hex12], compliant=True)
    verdict = ask(asked, MAC)
    assert_unavailable(verdict, "not each of them names its mac")
    assert concerns_only_the_device(verdict.detail)


# -- 4xx ------------------------------------------------------------------------------------


@pytest.mark.parametrize("envelope", ["intune", "nested", "plain", "html", "empty"])
def test_400_is_about_our_question_and_never_not_managed(
    simulator: IntuneSimulator, asked: IntuneSource, envelope: str
) -> None:
    enrol(simulator)
    simulator.fault("status", code=400, times=1, only="single", envelope=envelope)
    verdict = ask(asked)
    assert_unavailable(verdict, "400")
    assert concerns_only_the_device(verdict.detail)
    assert asked.status().paused_s == 0
    assert ask(asked).state is COMPLIANT


def test_401_once_costs_a_token_and_nothing_else(simulator: IntuneSimulator, asked: IntuneSource) -> None:
    enrol(simulator)
    ask(asked)
    before = len(simulator.history("token"))
    simulator.fault("status", code=401, times=1, only="single")
    assert ask(asked).state is COMPLIANT
    assert len(simulator.history("token")) == before + 1


def test_401_twice_backs_off_for_five_minutes(simulator: IntuneSimulator, asked: IntuneSource) -> None:
    enrol(simulator)
    simulator.fault("status", code=401, times=2, only="single")
    assert_unavailable(ask(asked), "401", "two slashes")
    assert_unavailable(ask(asked), "401", "not asked again")
    assert len(simulator.history("guid")) == 2
    assert asked.status().paused_s > 290


def test_403_says_which_role_is_missing_and_backs_off(simulator: IntuneSimulator, asked: IntuneSource) -> None:
    enrol(simulator)
    simulator.register_app(App(intune_roles=("update_device_health",)))
    assert_unavailable(ask(asked), "403", "consent missing", "get_device_compliance", "update_device_health")
    assert asked.status().paused_s > 290
    assert "get_device_compliance" in asked.status().consent


def test_missing_consent_is_said_before_anybody_is_asked_about_a_device(simulator: IntuneSimulator) -> None:
    simulator.register_app(App(intune_roles=(), graph_roles=()))
    source = IntuneSource(tenant(simulator))
    assert_unavailable(ask(source), "Application.Read.All")
    words = source.status().consent
    assert "Application.Read.All (it has: none)" in words
    assert not simulator.history("guid")


@pytest.mark.parametrize("subject", [DEVICE, MAC], ids=["guid", "mac"])
def test_404_from_a_healthy_service_means_not_managed(
    simulator: IntuneSimulator, asked: IntuneSource, subject: DeviceId | MacAddress
) -> None:
    enrol(simulator)
    simulator.fault("status", code=404, only="single")
    verdict = ask(asked, subject)
    assert (verdict.state, verdict.provider) == (NOT_MANAGED, "nac")


@pytest.mark.parametrize(
    "trouble",
    [
        {"kind": "status", "code": 404},
        {"kind": "status", "code": 500},
        {"kind": "body", "variant": "html"},
        {"kind": "body", "variant": "truncated"},
        {"kind": "outage", "mode": "reset"},
    ],
    ids=lambda trouble: "-".join(str(word) for word in trouble.values()),
)
def test_404_from_a_service_that_is_not_healthy_says_nothing(
    simulator: IntuneSimulator, asked: IntuneSource, trouble: dict[str, object]
) -> None:
    enrol(simulator)
    simulator.fault("status", code=404, only="single")
    simulator.fault(str(trouble["kind"]), only="mdminfo", **{key: trouble[key] for key in trouble if key != "kind"})
    assert_unavailable(ask(asked), "404")


@pytest.mark.parametrize(
    ("form", "expected_s"), [("seconds", 120.0), ("date", 120.0), ("none", 30.0), ("garbage", 120.0)]
)
def test_429_leaves_intune_alone_for_as_long_as_it_says(
    simulator: IntuneSimulator, asked: IntuneSource, form: str, expected_s: float
) -> None:
    enrol(simulator)
    simulator.fault("throttle", retry_after=form, seconds=120, times=1, only="single")
    assert_unavailable(ask(asked), "throttling")
    assert_unavailable(ask(asked, MAC), "not asked again")
    assert len(simulator.history("guid")) == 1
    assert not simulator.history("mac")
    assert expected_s - 10 < asked.status().paused_s <= expected_s + 1
    assert (asked.throttled, asked.status().throttled) == (1, 1)


# -- 5xx, silence and slowness --------------------------------------------------------------


@pytest.mark.parametrize("code", [500, 502, 503, 504])
def test_a_failure_of_the_service_is_tried_once_more(
    simulator: IntuneSimulator, asked: IntuneSource, code: int
) -> None:
    enrol(simulator)
    simulator.fault("status", code=code, times=1, only="single")
    assert ask(asked).state is COMPLIANT
    assert len(simulator.history("guid")) == 2


@pytest.mark.parametrize("code", [500, 502, 503, 504])
def test_a_failure_that_stays_says_nothing_and_is_tried_twice_at_most(
    simulator: IntuneSimulator, asked: IntuneSource, code: int
) -> None:
    enrol(simulator)
    simulator.fault("status", code=code, only="single")
    assert_unavailable(ask(asked), str(code))
    assert len(simulator.history("guid")) == 2
    assert asked.throttled == 0


def test_a_cut_connection_is_tried_once_more(simulator: IntuneSimulator, asked: IntuneSource) -> None:
    enrol(simulator)
    simulator.fault("outage", mode="reset", service="compliance", times=1, only="single")
    assert ask(asked).state is COMPLIANT


@pytest.mark.parametrize("mode", ["reset", "refused", "503", "500"])
def test_an_outage_says_nothing(simulator: IntuneSimulator, asked: IntuneSource, mode: str) -> None:
    enrol(simulator)
    assert ask(asked).state is COMPLIANT
    simulator.fault("outage", mode=mode)
    assert_unavailable(ask(asked, deadline_s=3.0))
    simulator.clear_faults()
    assert ask(asked).state is COMPLIANT


@pytest.mark.slow
@pytest.mark.parametrize(
    "trouble",
    [
        lambda simulator: simulator.fault("outage", mode="silent"),
        lambda simulator: simulator.fault("latency", ms=20_000, only="single"),
        lambda simulator: simulator.fault("drip", ms=30, only="single"),
        lambda simulator: simulator.fault("latency", ms=20_000, only="token"),
        lambda simulator: simulator.fault("latency", ms=20_000, only="discovery"),
        lambda simulator: simulator.fault("latency", ms=20_000, only="openid"),
    ],
    ids=["silent", "slow answer", "slow drip", "slow token", "slow discovery", "slow openid"],
)
def test_whatever_is_slow_ends_at_the_deadline(
    slow_simulator: IntuneSimulator, trouble: Callable[[IntuneSimulator], object]
) -> None:
    enrol(slow_simulator)
    trouble(slow_simulator)
    started = time.monotonic()
    assert_unavailable(ask(IntuneSource(tenant(slow_simulator)), deadline_s=0.4))
    assert time.monotonic() - started < 5.0


# -- elsewhere ------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_is_not_followed(simulator: IntuneSimulator, asked: IntuneSource, code: int) -> None:
    enrol(simulator)
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        location = f"https://localhost:{elsewhere.getsockname()[1]}/cisco/devices/"
        simulator.fault("redirect", code=code, location=location, only="single")
        assert_unavailable(ask(asked), "redirect", str(code))
        elsewhere.settimeout(0.0)
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


@pytest.mark.parametrize("old", ["404", "reset", "redirect"])
def test_a_moved_scale_unit_is_found_again(simulator: IntuneSimulator, old: str) -> None:
    enrol(simulator, compliant=False)
    notebook = Notebook(simulator.compliance_url)
    simulator.move_scale_unit(old)
    source = IntuneSource(tenant(simulator), notebook)
    assert ask(source).state is NONCOMPLIANT
    assert source.status().endpoint == simulator.compliance_url
    assert notebook.base == simulator.compliance_url


def test_a_moved_scale_unit_that_discovery_does_not_know_yet_says_nothing(simulator: IntuneSimulator) -> None:
    enrol(simulator)
    notebook = Notebook(simulator.compliance_url)
    simulator.move_scale_unit("404")
    simulator.fault("status", code=503, only="discovery")
    assert_unavailable(ask(IntuneSource(tenant(simulator), notebook)), "404")


def test_a_busy_server_is_left_alone_though_its_answer_counts(simulator: IntuneSimulator, asked: IntuneSource) -> None:
    enrol(simulator)
    simulator.fault("busy", seconds=60, only="single")
    assert ask(asked).state is COMPLIANT
    assert_unavailable(ask(asked), "left alone")
    assert 50 < asked.status().paused_s <= 60
