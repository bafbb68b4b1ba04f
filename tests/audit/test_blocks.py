from collections.abc import Callable
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.audit import blocks
from nacd.values import (
    NO_FACTS,
    NOT_ASKED,
    AccessRequest,
    CertificateFacts,
    Compliance,
    ComplianceSource,
    ComplianceState,
    DeviceFacts,
    Endpoint,
    Instant,
    MacAddress,
    Named,
    Nas,
    NoCertificate,
    Unidentified,
)


@pytest.mark.parametrize(
    ("wall", "shown"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1_790_000_000.0, "2026-09-21T14:13:20.000Z"),
        (1_790_000_000.9999, "2026-09-21T14:13:20.999Z"),
        (-0.001, "1969-12-31T23:59:59.999Z"),
        (float("inf"), "9999-12-31T23:59:59.999Z"),
        (float("-inf"), "0001-01-01T00:00:00.000Z"),
        (float("nan"), "1970-01-01T00:00:00.000Z"),
    ],
)
def test_a_time_is_utc_with_milliseconds(wall: float, shown: str) -> None:
    assert blocks.timestamp(wall) == shown


@given(st.floats())
def test_any_number_has_a_time(wall: float) -> None:
    assert len(blocks.timestamp(wall)) == len("2026-09-21T14:13:20.000Z")


@given(st.floats(0, 4e9), st.floats(0, 4e9))
def test_times_sort_as_text_as_they_do_as_numbers(one: float, other: float) -> None:
    assert (blocks.timestamp(min(one, other))) <= blocks.timestamp(max(one, other))


def test_an_endpoint_that_is_not_asked_about_says_why(named: Named) -> None:
    mac = MacAddress("02-00-00-00-00-01")
    block = blocks.identity(replace(named, identity=Endpoint(mac=mac, ask=False, ask_detail="randomised")))
    assert block["kind"] == "endpoint"
    assert block["mac"] == "02-00-00-00-00-01"
    assert block["assurance"] == "mac"
    assert block["detail"] == "randomised"
    assert block["id"] == ""


def test_an_unidentified_one_says_why_and_keeps_its_attempts(named: Named) -> None:
    block = blocks.identity(replace(named, identity=Unidentified(reason="two ids")))
    assert (block["kind"], block["assurance"], block["detail"]) == ("unidentified", "none", "two ids")
    assert block["attempts"] == [
        {"source": "vpn", "outcome": "absent", "detail": "not a VPN request"},
        {"source": "certificate", "outcome": "found", "detail": "by CA `devices`"},
    ]


def test_no_certificate_is_no_block(certificate: CertificateFacts) -> None:
    assert blocks.certificate(NoCertificate()) == {}
    assert blocks.certificate(certificate)["certificate"]["not_after"] == "2027-01-15T08:00:00.000Z"  # type: ignore[index,call-overload]


def test_compliance_has_an_age_unless_nobody_asked(compliance: Compliance, at: Callable[[float], Instant]) -> None:
    assert blocks.compliance(compliance, at(0))["age_s"] == 12.0
    never = blocks.compliance(NOT_ASKED, at(0))
    assert (never["as_of"], never["age_s"]) == ("", -1)
    future = Compliance(state=ComplianceState.UNKNOWN, as_of=at(60).wall, source=ComplianceSource.LIVE)
    assert blocks.compliance(future, at(0))["age_s"] == 0.0


def test_what_is_known_of_the_device_stands_there_only_when_something_is(
    compliance: Compliance, at: Callable[[float], Instant]
) -> None:
    for nothing in (NO_FACTS, DeviceFacts()):
        block = blocks.compliance(replace(compliance, device=nothing, provider="nac", grace_until=0.0), at(0))
        assert "device" not in block
        assert (block["provider"], block["grace_until"]) == ("nac", "")
    one = blocks.compliance(replace(compliance, device=DeviceFacts(owner="personal")), at(0))["device"]
    assert one == {
        "name": "",
        "operating_system": "",
        "os_version": "",
        "owner": "personal",
        "user": "",
        "last_sync": "",
    }


def test_every_fact_of_the_vocabulary_has_its_place_in_the_record(
    compliance: Compliance, named: Named, at: Callable[[float], Instant]
) -> None:
    block = blocks.compliance(compliance, at(0))
    assert set(block) == {each.name for each in fields(Compliance)} | {"age_s"}
    assert set(block["device"]) == {each.name for each in fields(DeviceFacts)}  # type: ignore[arg-type]
    assert blocks.identity(named)["tenant"] == "contoso"
    assert blocks.identity(replace(named, tenant=""))["tenant"] == ""


def test_the_nas_is_described_by_our_word_and_its_own(request_of: Callable[..., AccessRequest]) -> None:
    block = blocks.nas(request_of())
    assert (block["name"], block["source"], block["identifier"]) == ("campus", "10.20.0.1", "sw-1")
    wired = replace(request_of(), nas=Nas(name="campus", vendor="cisco-ios", groups=frozenset({"wired", "campus"})))
    assert (block["groups"], blocks.nas(wired)["groups"]) == ([], ["campus", "wired"])
    assert blocks.session(request_of()) == {"acct_session_id": "0000001A", "audit_session_id": "0A140001"}
