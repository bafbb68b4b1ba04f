"""The octets of the answers, held against the shapes documented for Compliance Retrieval and Graph."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET

import pytest

from nacd.sim.microsoft import answers
from nacd.sim.microsoft.faults import VARIANTS
from nacd.sim.microsoft.state import SimDevice

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
DEVICE = SimDevice(guid=GUID, macs=("0026B424FEB4",), compliant=False)
NAMESPACE = "http://schemas.datacontract.org/2004/07/Microsoft.Intune.ResourceAccess.ComplianceRetrievalService.Model"
HEAD = f'<ise_api xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns="{NAMESPACE}">'

ONE_DEVICE = f"""{HEAD}
  <name>attributes</name><api_version>3</api_version>
  <deviceList><device>
    <guid>{GUID}</guid>
    <Attributes>
      <guid>{GUID}</guid>
      <register_status>true</register_status>
      <Compliance><status>false</status></Compliance>
    </Attributes>
  </device></deviceList>
</ise_api>"""

MDMINFO = f"""{HEAD}
  <name>mdminfo</name><api_version>3</api_version>
  <api_path>/TrafficGateway/TrafficRoutingService/ResourceAccess/ComplianceRetrievalService/cisco</api_path>
  <redirect_url>https://portal.manage.microsoft.com/networkaccesscontrol/index</redirect_url>
  <query_max_size>100</query_max_size><messaging_support>false</messaging_support>
  <vendor>Microsoft</vendor><product_name>Microsoft Intune</product_name><product_version>5.0</product_version>
</ise_api>"""


def without_layout(text: str) -> bytes:
    return re.sub(r">\s+<", "><", text).encode()


def local_names(xml: bytes) -> list[str]:
    return [element.tag.rpartition("}")[2] for element in ET.fromstring(xml).iter()]


def test_one_device_is_answered_octet_for_octet() -> None:
    assert answers.device_list([DEVICE]) == without_layout(ONE_DEVICE)


def test_the_server_describes_itself_octet_for_octet() -> None:
    assert answers.mdminfo(100) == without_layout(MDMINFO)


def test_nobody_is_an_empty_list() -> None:
    (found,) = ET.fromstring(answers.device_list([])).findall(f"{{{NAMESPACE}}}deviceList")
    assert list(found) == []


def test_paging_and_busy_wait_stand_in_the_root() -> None:
    root = ET.fromstring(answers.device_list([DEVICE], paging_info="100", busy_wait_s=7))
    assert root.findtext(f"{{{NAMESPACE}}}paging_info") == "100"
    assert root.findtext(f"{{{NAMESPACE}}}server_busy_wait_seconds") == "7"


def test_a_mac_question_shows_the_mac() -> None:
    assert b"<device><macaddress>0026B424FEB4</macaddress><guid>" in answers.device_list([DEVICE], mac="0026B424FEB4")


@pytest.mark.parametrize("variant", [word for word in VARIANTS if word != "json"])
def test_every_spoilt_body_differs_from_the_good_one(variant: str) -> None:
    good = answers.device_list([DEVICE])
    spoilt, content_type = answers.spoil(variant, good)
    types = {"html": "text/html", "text_type": "text/plain; charset=utf-8"}
    assert (spoilt != good) is (variant != "text_type")
    assert content_type == types.get(variant, answers.XML_TYPE)


@pytest.mark.parametrize("variant", ["truncated", "empty"])
def test_some_bodies_are_no_xml(variant: str) -> None:
    with pytest.raises(ET.ParseError):
        ET.fromstring(answers.spoil(variant, answers.device_list([DEVICE]))[0])


@pytest.mark.parametrize("variant", sorted(set(VARIANTS) - {"json", "truncated", "empty", "html"}))
def test_the_other_spoilt_bodies_are_well_formed(variant: str) -> None:
    xml = answers.spoil(variant, answers.device_list([DEVICE]))[0]
    assert local_names(xml)[0].lower() == "ise_api"


@pytest.mark.parametrize(
    ("variant", "words"),
    [
        ("nil_register", b'<register_status i:nil="true"/>'),
        ("nil_status", b'<Compliance><status i:nil="true"/></Compliance>'),
        ("no_register", b"</guid><Compliance>"),
        ("empty_list", b"<deviceList></deviceList>"),
        ("nil_list", b'<deviceList i:nil="true"/>'),
        ("digits", b"<register_status>1</register_status><Compliance><status>0</status>"),
        ("capitals", b"<DEVICELIST><DEVICE><GUID>"),
        ("lower_case", b"<attributes>"),
        ("prefixed", b"<m:deviceList><m:device>"),
        ("unknown_elements", b"<jail_broken>"),
        ("no_namespace", b"<ise_api><name>"),
        ("spaced", b"<status>\n FALSE </status>"),
    ],
)
def test_a_variant_is_what_its_name_says(variant: str, words: bytes) -> None:
    assert words in answers.spoil(variant, answers.device_list([DEVICE]))[0]


def test_two_devices_may_agree() -> None:
    spoilt, _ = answers.spoil("two_agree", answers.device_list([DEVICE], mac="0026B424FEB4"))
    states = [element.text for element in ET.fromstring(spoilt).iter() if element.tag.endswith("}status")]
    assert states == ["false", "false"]
    assert len(set(re.findall(rb"<guid>([^<]*)<", spoilt))) == 2


def test_a_variant_nobody_knows_is_named() -> None:
    with pytest.raises(ValueError, match="`poem`"):
        answers.spoil("poem", b"<x/>")


def test_two_devices_for_a_mac_say_opposite_things() -> None:
    spoilt, _ = answers.spoil("two_devices", answers.device_list([DEVICE], mac="0026B424FEB4"))
    states = [element.text for element in ET.fromstring(spoilt).iter() if element.tag.endswith("}status")]
    assert states == ["false", "true"]
    assert len(set(re.findall(rb"<guid>([^<]*)<", spoilt))) == 2


def test_a_mismatched_guid_is_the_same_twice_and_not_the_one_asked() -> None:
    spoilt, _ = answers.spoil("guid_mismatch", answers.device_list([DEVICE]))
    found = re.findall(rb"<guid>([^<]*)<", spoilt)
    assert found[0] == found[1] != GUID.encode()


def test_json_uses_the_same_names() -> None:
    (row,) = json.loads(answers.device_list_json([DEVICE]))["deviceList"]
    assert row["Attributes"] == {"guid": GUID, "register_status": True, "Compliance": {"status": False}}


def test_graph_hides_intunes_error_in_a_string() -> None:
    inner = json.loads(answers.graph_error("Forbidden", "no")["error"]["message"])  # type: ignore[index, call-overload]
    assert inner["Message"].startswith("no - Operation ID (for customer support): ")


@pytest.mark.parametrize(
    ("path", "query", "found"),
    [
        ("/contoso/oauth2/v2.0/token", {}, ("login", "token", "contoso")),
        ("/contoso/v2.0/.well-known/openid-configuration", {}, ("login", "openid", "contoso")),
        (f"{answers.CR_PATH}/ciscoise/mdminfo/", {"ise_api_version": "3"}, ("compliance", "mdminfo", "")),
        ("/v1.0/deviceManagement/managedDevices/x/syncDevice", {}, ("graph", "action", "x")),
        ("/v1.0/deviceManagement/managedDevices/x/microsoft.graph.wipe", {}, ("graph", "action", "x")),
        ("/beta/deviceManagement/managedDevices/x", {}, ("graph", "other", "/beta/deviceManagement/managedDevices/x")),
        (f"{answers.CR_PATH}/cisco/devices", {}, ("compliance", "other", f"{answers.CR_PATH}/cisco/devices")),
        (f"{answers.CR_PATH}/cisco/devices/", {"querycriteria": "guid"}, ("compliance", "other", "bad query")),
    ],
)
def test_a_path_is_one_question(path: str, query: dict[str, str], found: tuple[str, str, str]) -> None:
    assert answers.classify(path, query) == found
