"""From an answer to a verdict: the whole table, and that it leans one way."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.intune.nac.answers import (
    Verdict,
    concerns_only_the_device,
    judge,
    judge_status,
    read_devices,
    read_service,
)
from nacd.intune.nac.document import UnreadableError
from nacd.intune.refusals import ErrorText
from nacd.values import ComplianceState, DeviceId, MacAddress

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
OTHER = "3f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
DEVICE = DeviceId(guid=GUID)
MAC = MacAddress("00-26-B4-24-FE-B4")
NIL = 'i:nil="true"'
XML = "application/xml"


def device(
    inside: str = "<register_status>true</register_status><Compliance><status>true</status></Compliance>",
    guid: str = GUID,
    more: str = "",
) -> str:
    named = f"<guid>{guid}</guid>" if guid else ""
    return f"<device>{named}{more}<Attributes>{named}{inside}</Attributes></device>"


def state(registered: str, compliant: str) -> str:
    return f"<register_status>{registered}</register_status><Compliance><status>{compliant}</status></Compliance>"


def answer(*devices: str, extra: str = "") -> bytes:
    inside = f"<name>attributes</name>{extra}<deviceList>{''.join(devices)}</deviceList>"
    return f'<ise_api xmlns:i="x">{inside}</ise_api>'.encode()


def verdict(body: bytes, subject: DeviceId | MacAddress = DEVICE, kind: str = XML) -> Verdict:
    return judge(subject, read_devices(body, kind))


def said(body: bytes, subject: DeviceId | MacAddress = DEVICE) -> str:
    return verdict(body, subject).state.value


# -- plain answers --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("registered", "compliant", "expected"),
    [
        ("true", "true", "compliant"),
        (" TRUE ", "1", "compliant"),
        ("1", "False", "noncompliant"),
        ("true", "0", "noncompliant"),
        ("false", "true", "not_managed"),
        ("0", "false", "not_managed"),
        ("false", "", "not_managed"),
        ("true", "", "unavailable"),
        ("", "true", "unavailable"),
        ("", "", "unavailable"),
        ("yes", "true", "unavailable"),
        ("true", "yes", "unavailable"),
        ("true", "compliant", "unavailable"),
        ("false", "maybe", "unavailable"),
        ("true", "truetrue", "unavailable"),
    ],
)
def test_the_two_booleans_decide_and_nothing_else_is_one(registered: str, compliant: str, expected: str) -> None:
    found = verdict(answer(device(state(registered, compliant))))
    assert found.state.value == expected
    if expected == "unavailable":
        assert concerns_only_the_device(found.detail)


@pytest.mark.parametrize(
    "body",
    [
        b"<ise_api><name>attributes</name><api_version>3</api_version></ise_api>",
        b"<ise_api><name>attributes</name><deviceList/></ise_api>",
        b'<ise_api xmlns:i="x"><name>attributes</name><deviceList i:nil="true"/></ise_api>',
        b"<ise_api><deviceList></deviceList></ise_api>",
        b'<ise_api xmlns:i="x"><deviceList><device i:nil="true"/></deviceList></ise_api>',
        b"<ise_api><name>attributes</name><paging_info>0</paging_info><deviceList/></ise_api>",
    ],
)
def test_every_way_to_say_no_device_means_not_managed(body: bytes) -> None:
    assert said(body) == "not_managed"


@pytest.mark.parametrize(
    "body",
    [
        b"<ise_api/>",
        b"<ise_api><api_version>3</api_version></ise_api>",
        b"<ise_api><name>mdminfo</name></ise_api>",
        b"<ise_api><name>error</name><deviceList/></ise_api>",
        b"<ise_api><name>attributes</name><deviceList><gadget/></deviceList></ise_api>",
        b"<ise_api><name>attributes</name><deviceList>none</deviceList></ise_api>",
        b"<ise_api><name>attributes</name><deviceList/><deviceList/></ise_api>",
        b"<ise_api><name>attributes</name><error>internal</error></ise_api>",
        b"<ise_api><name>attributes</name><error/></ise_api>",
        b"<ise_api><name>attributes</name><error>internal</error><deviceList/></ise_api>",
        b"<ise_api><name>attributes</name><status>500</status></ise_api>",
        b"<ise_api><name>attributes</name><result><deviceList/></result></ise_api>",
        b"<ise_api><name>attributes</name><result>" + device().encode() + b"</result></ise_api>",
        b'<ise_api xmlns:i="x"><name>attributes</name><deviceList i:nil="true">' + device().encode() + b"</deviceList>"
        b"</ise_api>",
        answer(device().replace("<device>", f"<device {NIL}>")),
        answer(device().replace("<guid>", f"<guid {NIL}>", 1)),
    ],
)
def test_what_is_not_a_device_list_does_not_mean_not_managed(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        read_devices(body, XML)


def test_version_two_spelling_and_unknown_elements_are_read() -> None:
    body = (
        b"<ise_api><name>attributes</name><deviceList><device><macaddress>0026b424feb4</macaddress><attributes>"
        b"<register_status>true</register_status><new>x</new><compliance><status>true</status><failure_reason/>"
        b"</compliance></attributes></device></deviceList></ise_api>"
    )
    assert said(body, MAC) == "compliant"


def test_json_is_read_by_the_same_names() -> None:
    device = {
        "guid": GUID.upper(),
        "Attributes": {"guid": GUID, "register_status": True, "Compliance": {"status": False}},
    }
    body = json.dumps({"name": "attributes", "deviceList": [device]}).encode()
    assert verdict(body, kind="application/json").state is ComplianceState.NONCOMPLIANT
    empty = json.dumps({"name": "attributes", "deviceList": []}).encode()
    assert verdict(empty, kind="application/json").state is ComplianceState.NOT_MANAGED


# -- whose answer ---------------------------------------------------------------------------


@pytest.mark.parametrize("guid", [OTHER, "", "{" + OTHER + "}", NIL])
def test_another_device_is_no_answer(guid: str) -> None:
    found = verdict(answer(device(guid=guid)))
    assert found.state is ComplianceState.UNAVAILABLE
    assert concerns_only_the_device(found.detail)


@pytest.mark.parametrize("guid", [GUID.upper(), "{" + GUID + "}", f" {GUID} "])
def test_the_same_id_in_another_spelling_is_the_same_device(guid: str) -> None:
    assert said(answer(device(guid=guid))) == "compliant"


def test_a_device_that_names_two_ids_is_no_answer() -> None:
    body = answer(device().replace(f"<Attributes><guid>{GUID}", f"<Attributes><guid>{OTHER}"))
    assert said(body) == "unavailable"


def test_of_several_devices_the_one_asked_about_counts() -> None:
    good, bad = device(state("true", "true")), device(state("true", "nonsense"), guid=OTHER)
    assert said(answer(bad, good)) == "compliant"
    assert said(answer(good, device(state("true", "false")))) == "unknown"
    assert said(answer(good, device(state("true", "nonsense")))) == "unavailable"


def test_several_devices_for_one_mac_must_agree() -> None:
    yes, no, gone = (state("true", "true"), state("true", "false"), state("false", "true"))
    named = "<macaddress>0026B424FEB4</macaddress>"
    first = device(yes, more=named)
    agree = verdict(answer(first, device(yes, guid=OTHER, more=named)), MAC)
    assert (agree.state, "agree" in agree.detail) == (ComplianceState.COMPLIANT, True)
    for second in (no, gone):
        disagree = verdict(answer(first, device(second, guid=OTHER, more=named)), MAC)
        assert disagree.state is ComplianceState.UNKNOWN
        assert "ambiguous" in disagree.detail
    assert said(answer(first, device(state("true", ""), guid=OTHER, more=named)), MAC) == "unavailable"


@pytest.mark.parametrize("others", [1, 2, 100])
@pytest.mark.parametrize("named", ["", "<macaddress>0026B424FEB4</macaddress>"])
def test_among_several_devices_one_that_names_no_mac_may_be_anybodys(others: int, named: str) -> None:
    """A filter that was not heeded brings the first hundred devices of the tenant."""
    strangers = (device(guid=f"00000000-0000-4000-8000-{number:012d}") for number in range(others))
    found = verdict(answer(device(more=named), *strangers), MAC)
    assert found.state is ComplianceState.UNAVAILABLE
    assert concerns_only_the_device(found.detail)
    assert "names its mac" in found.detail


@pytest.mark.parametrize(
    "stated",
    [
        "00:26:b4:24:fe:b4",
        "AABBCCDDEEFF, 0026B424FEB4",
        "AABBCCDDEEFF;00-26-B4-24-FE-B4",
        "AABBCCDDEEFF 0026B424FEB4",
        "",
        "unknown",
    ],
)
def test_a_device_with_this_mac_among_its_own_is_the_one(stated: str) -> None:
    more = f"<macaddresses>{stated}</macaddresses>"
    assert said(answer(device(more=more)), MAC) == "compliant"


@pytest.mark.parametrize("between", ["", ",", ", ", ";", " ", "|", "\n", "/"])
def test_a_device_that_states_other_macs_only_is_another_one(between: str) -> None:
    other = f"<macaddresses>AABBCCDDEEFF{between}00-26-B4-24-FE-B5</macaddresses>"
    assert said(answer(device(more=other)), MAC) == "unavailable"


def test_a_list_that_goes_on_elsewhere_is_not_complete() -> None:
    more = "<paging_info>abc</paging_info>"
    assert said(answer(extra=more)) == "unavailable"
    assert said(answer(device(), extra=more), MAC) == "unavailable"
    assert said(answer(device(), extra=more)) == "compliant"


def test_a_busy_server_says_for_how_long() -> None:
    assert read_devices(answer(extra="<server_busy_wait_seconds>7</server_busy_wait_seconds>"), XML).busy_s == 7
    assert read_devices(answer(extra="<server_busy_wait_seconds>-1</server_busy_wait_seconds>"), XML).busy_s == 0


# -- properties -----------------------------------------------------------------------------

_texts = st.sampled_from(["true", "false", "1", "0", "", "TRUE", "yes", "null", "2", "true false"])


@settings(max_examples=200)
@given(st.lists(st.tuples(_texts, _texts, st.sampled_from([GUID, OTHER, ""])), max_size=3), st.booleans())
def test_compliant_needs_a_device_that_says_true_twice(rows: list[tuple[str, str, str]], by_mac: bool) -> None:
    body = answer(*(device(state(registered, compliant), guid=guid) for registered, compliant, guid in rows))
    found = verdict(body, MAC if by_mac else DEVICE)
    mine = [row for row in rows if by_mac or row[2] == GUID]
    true = {"true", "1"}
    if found.state is ComplianceState.COMPLIANT:
        assert mine
        assert all(registered.lower() in true and compliant.lower() in true for registered, compliant, _ in mine)
    if found.state is ComplianceState.NONCOMPLIANT:
        assert all(compliant.lower() in {"false", "0"} for _, compliant, _ in mine)
    if found.state is ComplianceState.NOT_MANAGED:
        assert not rows or all(registered.lower() in {"false", "0"} for registered, _, _ in mine)


@settings(max_examples=150)
@given(st.data())
def test_damage_never_makes_a_noncompliant_device_compliant(data: st.DataObject) -> None:
    body = bytearray(answer(device(state("true", "false"))))
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(body) - 1))
        body[position] = data.draw(st.integers(0, 255))
    try:
        found = verdict(bytes(body))
    except UnreadableError:
        return
    assert found.state is not ComplianceState.COMPLIANT


@pytest.mark.parametrize("status", [*range(201, 210), *range(300, 309), *range(400, 420), 429, *range(500, 512), 599])
def test_no_status_is_a_verdict(status: int) -> None:
    found = judge_status(status, ErrorText())
    assert found.state is ComplianceState.UNAVAILABLE
    assert str(status) in found.detail
    assert concerns_only_the_device(found.detail) == (status == 400)


# -- the service -------------------------------------------------------


def test_the_service_describes_itself() -> None:
    body = (
        b"<ise_api><name>mdminfo</name><api_path>/a/b-c/cisco/</api_path><redirect_url>https://p/</redirect_url>"
        b"<product_name>Intune</product_name><product_version>5.0</product_version></ise_api>"
    )
    service = read_service(body, XML)
    assert (service.api_path, service.redirect_url, service.product) == ("/a/b-c/cisco", "https://p/", "Intune 5.0")
    assert read_service(body.replace(b"<product_name>", b"<product_name>\xc2\x9b31m"), XML).product == "31mIntune 5.0"
    with pytest.raises(UnreadableError):
        read_service(answer(), XML)


@pytest.mark.parametrize("path", ["//evil.test/x", "https://evil.test/x", "x", "/a/../b", "/a?b", "/a#b", "/a b", "/"])
def test_a_path_that_could_be_more_than_a_path_is_dropped(path: str) -> None:
    assert (
        read_service(f"<ise_api><name>mdminfo</name><api_path>{path}</api_path></ise_api>".encode(), XML).api_path == ""
    )
