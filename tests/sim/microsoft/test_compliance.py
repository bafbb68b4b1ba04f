"""The simulated Compliance Retrieval over HTTPS: devices by GUID and MAC, the list, and every way it can be spelled."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
import requests

from nacd.sim.microsoft.faults import VARIANTS

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
OTHER = "7b0e5d92-41c6-4f38-a1d7-90c2e6f4b813"
BULK = {"querycriteria": "compliance", "value": "false", "deviceidentifier": "guid"}


def statuses(answer: requests.Response) -> list[str]:
    return [str(element.text) for element in ET.fromstring(answer.content).iter() if element.tag.endswith("}status")]


def found(answer: requests.Response) -> list[str]:
    return re.findall(r"<Attributes><guid>([^<]*)<", answer.text)


def paging_info(answer: requests.Response) -> str:
    return "".join(re.findall(r"<paging_info>([^<]*)<", answer.text))


def test_a_device_is_asked_for_by_guid_and_by_mac(client: Any) -> None:
    client.simulator.put_device(GUID, macs=["00-26-B4-24-FE-B4"], compliant=False)
    token = client.token()
    by_guid = client.by_guid(GUID, token)
    by_mac = client.devices(token, querycriteria="macaddress", value="0026B424FEB4")
    assert by_guid.headers["Content-Type"] == "application/xml; charset=utf-8"
    assert (found(by_guid), statuses(by_guid)) == ([GUID], ["false"])
    assert (found(by_mac), statuses(by_mac)) == ([GUID], ["false"])


def test_an_unknown_device_is_an_empty_list(client: Any) -> None:
    answer = client.by_guid(OTHER)
    assert (answer.status_code, found(answer)) == (200, [])


@pytest.mark.parametrize(
    "query",
    [
        {"querycriteria": "guid", "value": "{{DeviceId}}"},
        {"querycriteria": "macaddress", "value": "00-26-B4-24-FE-B4"},
        {"querycriteria": "serial", "value": "1"},
        {"querycriteria": "compliance", "value": "false"},
        {"querycriteria": "guid", "value": GUID, "filter": "some"},
    ],
)
def test_a_question_out_of_shape_is_a_400(client: Any, query: dict[str, str]) -> None:
    assert client.devices(client.token(), **query).status_code == 400


def test_the_list_of_noncompliant_devices_comes_in_pages_that_count_once(client: Any) -> None:
    client.simulator.tune(page_size=2, bulk_free_s=0)
    for number in range(5):
        client.simulator.put_device(GUID[:-1] + str(number), compliant=number == 0)
    token, page, seen = client.token(), "0", []
    for _ in range(2):
        answer = client.devices(token, querycriteria="compliance", value="false", deviceidentifier="guid", paging=page)
        seen += [guid[-1] for guid in found(answer)]
        page = paging_info(answer)
    assert (seen, page) == (["1", "2", "3", "4"], "0")


def test_the_list_is_given_once_in_four_hours(client: Any, clock: Any) -> None:
    client.simulator.tune(bulk_free_s=0)
    question = {"querycriteria": "compliance", "value": "false", "deviceidentifier": "macaddress"}
    assert client.devices(client.token(), **question).status_code == 200
    assert client.devices(client.token(), **question).status_code == 503
    clock.seconds += 4 * 3600
    assert client.devices(client.token(), **question).status_code == 200


def test_paging_can_loop(client: Any) -> None:
    client.simulator.tune(page_size=1, loop_paging=True)
    client.simulator.put_device(GUID, compliant=False)
    question = {"querycriteria": "compliance", "value": "false", "deviceidentifier": "guid"}
    pages = [paging_info(client.devices(client.token(), **question, paging=page)) for page in ("0", "1")]
    assert pages == ["1", "1"]


def test_a_wrong_body_is_played_on_device_questions(client: Any) -> None:
    client.simulator.put_device(GUID)
    client.simulator.fault("body", variant="guid_mismatch")
    (answered,) = found(client.by_guid(GUID))
    assert answered != GUID


def test_json_is_answered_as_json(client: Any) -> None:
    client.simulator.put_device(GUID)
    client.simulator.fault("body", variant="json")
    assert client.by_guid(GUID).json()["deviceList"][0]["guid"] == GUID


def test_a_busy_server_says_how_long(client: Any) -> None:
    client.simulator.fault("busy", seconds=9)
    assert b"<server_busy_wait_seconds>9<" in client.by_guid(GUID).content


def walk(client: Any, pages: int = 10) -> tuple[list[str], list[str]]:
    """(GUIDs, paging marks) of the list of noncompliant devices, over at most ``pages`` pages."""
    token, guids, marks = client.token(), list[str](), ["0"]
    for _ in range(pages):
        answer = client.devices(token, **BULK, paging=marks[-1])
        assert answer.status_code == 200
        guids += found(answer)
        marks.append(paging_info(answer).replace("&amp;", "&"))
        if marks[-1] == "0":
            break
    return guids, marks[1:]


@pytest.mark.parametrize(("devices", "pages"), [(0, 1), (2, 1), (3, 2), (5, 3), (6, 3)])
@pytest.mark.parametrize("opaque", [False, True])
def test_the_list_has_as_many_pages_as_it_needs(client: Any, devices: int, pages: int, opaque: bool) -> None:
    client.simulator.tune(page_size=2, opaque_paging=opaque)
    guids = [GUID[:-1] + str(number) for number in range(devices)]
    for guid in guids:
        client.simulator.put_device(guid, compliant=False)
    listed, marks = walk(client)
    assert (listed, len(marks)) == (guids, pages)
    assert all(mark.isdecimal() is not opaque for mark in marks[:-1])


def test_an_opaque_mark_wants_to_be_encoded_and_is_known_again(client: Any) -> None:
    client.simulator.tune(page_size=1, opaque_paging=True)
    client.simulator.put_device(GUID, compliant=False)
    client.simulator.put_device(OTHER, compliant=False)
    _, marks = walk(client)
    assert {" ", "&", "="} <= set(marks[0])
    assert client.devices(client.token(), **BULK, paging="made up").status_code == 400


@pytest.mark.parametrize("opaque", [False, True])
def test_paging_can_loop_and_can_be_endless(client: Any, opaque: bool) -> None:
    client.simulator.put_device(GUID, compliant=False)
    client.simulator.tune(page_size=1, opaque_paging=opaque, loop_paging=True)
    assert len(set(walk(client, pages=4)[1])) == 1
    client.simulator.tune(loop_paging=False, endless_paging=True)
    marks = walk(client, pages=4)[1]
    assert (len(set(marks)), "0" in marks) == (4, False)


def test_a_bulk_run_may_fail_in_its_middle(client: Any) -> None:
    client.simulator.tune(page_size=1)
    for guid in (GUID, OTHER):
        client.simulator.put_device(guid, compliant=False)
    client.simulator.fault("status", code=503, only="bulk", after=1)
    token = client.token()
    assert [client.devices(token, **BULK, paging=page).status_code for page in ("0", "1")] == [200, 503]


def test_the_first_hour_of_a_window_is_free_and_the_rest_is_503(client: Any, clock: Any) -> None:
    token, came = client.token(), []
    client.simulator.tune(token_lifetime_s=100_000)
    token = client.token()
    for minutes in (0, 30, 59, 61, 200, 239, 241, 300):
        clock.seconds = minutes * 60.0
        came.append(client.devices(token, **BULK).status_code)
    assert came == [200, 200, 200, 503, 503, 503, 200, 200]
    assert client.by_guid(GUID, token).status_code == 200


def test_a_new_window_can_be_ordered(client: Any) -> None:
    client.simulator.tune(bulk_free_s=0)
    token = client.token()
    came = [client.devices(token, **BULK).status_code for _ in range(2)]
    client.order("POST", "/bulk-window")
    assert [*came, client.devices(token, **BULK).status_code] == [200, 503, 200]


def test_the_list_by_mac_shows_macs(client: Any) -> None:
    client.simulator.put_device(GUID, macs=["0026B424FEB4"], compliant=False)
    question = BULK | {"deviceidentifier": "macaddress"}
    assert b"<macaddress>0026B424FEB4</macaddress>" in client.devices(client.token(), **question).content
    assert b"macaddress" not in client.devices(client.token(), **BULK).content


def test_two_devices_that_share_a_mac_are_both_listed(client: Any) -> None:
    for guid, compliant in ((GUID, True), (OTHER, False)):
        client.simulator.put_device(guid, macs=["0026B424FEB4"], compliant=compliant)
    answer = client.devices(client.token(), querycriteria="macaddress", value="0026b424feb4")
    assert (found(answer), statuses(answer)) == ([GUID, OTHER], ["true", "false"])
    (seen,) = client.simulator.history("mac")
    assert seen.said == f"{GUID}=compliant, {OTHER}=noncompliant"


def test_the_macs_of_a_device_may_be_listed_and_left_out(client: Any) -> None:
    client.simulator.put_device(GUID, macs=[f"0026B424FEB{digit}" for digit in range(6)])
    client.simulator.tune(mac_list=True, mac_element=False)
    answer = client.devices(client.token(), querycriteria="macaddress", value="0026B424FEB4").text
    assert "<macaddress>" not in answer
    assert re.findall(r"<macaddresses>(.*)</macaddresses>", answer)[0].count(",") == 4


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("only", ["guid", "mac", "bulk", "mdminfo"])
def test_every_wrong_body_is_played_on_every_question(client: Any, variant: str, only: str) -> None:
    client.simulator.put_device(GUID, macs=["0026B424FEB4"], compliant=False)
    token = client.token()
    ask = {
        "guid": lambda: client.by_guid(GUID, token),
        "mac": lambda: client.devices(token, querycriteria="macaddress", value="0026B424FEB4"),
        "bulk": lambda: client.devices(token, **BULK),
        "mdminfo": lambda: client.get(f"{client.simulator.compliance_url}/ciscoise/mdminfo/?ise_api_version=3", token),
    }[only]
    good = ask()
    client.simulator.fault("body", variant=variant, only=only, times=1)
    bad, after = ask(), ask()
    assert bad.status_code == 200
    assert after.content == good.content
    if only != "mdminfo" or variant in ("html", "truncated", "bom", "huge", "empty", "doctype", "json", "prefixed"):
        assert (bad.content, bad.headers["Content-Type"]) != (good.content, good.headers["Content-Type"])


def test_what_was_said_stands_in_the_history_and_nothing_when_it_was_spoilt(client: Any) -> None:
    client.simulator.put_device(GUID, compliant=False)
    token = client.token()
    client.by_guid(GUID, token)
    client.by_guid(OTHER, token)
    client.simulator.fault("body", variant="two_agree", times=1)
    client.by_guid(GUID, token)
    client.simulator.put_device(GUID, registered=False)
    client.by_guid(GUID, token)
    said = [seen.said for seen in client.simulator.history("guid")]
    assert said == [f"{GUID}=noncompliant", "not_managed", "", f"{GUID}=not_managed"]


@pytest.mark.parametrize("only", ["bulk", "single"])
def test_a_busy_server_can_be_busy_with_one_kind_of_question(client: Any, only: str) -> None:
    client.simulator.fault("busy", seconds=9, only=only)
    token = client.token()
    answers = {"bulk": client.devices(token, **BULK), "single": client.by_guid(GUID, token)}
    assert {kind for kind, answer in answers.items() if b"server_busy_wait_seconds" in answer.content} == {only}
