"""The wire contract the simulated Microsoft keeps: its paths, Compliance Retrieval's XML, discovery's JSON, errors.

Knows: which question a path is, and the shape of every answer, good and spoilt. Refuses to know:
sockets, tokens, who asks. The good shapes are those of Cisco's "ISE MDM API v3" as Microsoft serves it.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias
from urllib.parse import unquote
from xml.sax.saxutils import escape

from nacd.sim.microsoft.faults import JSON_VARIANTS
from nacd.sim.microsoft.scene import SimDevice, canonical_guid

Json: TypeAlias = "str | int | bool | list[Json] | dict[str, Json] | None"

CR_PATH = "/TrafficGateway/TrafficRoutingService/ResourceAccess/ComplianceRetrievalService"
INTUNE_APP_ID = "0000000a-0000-0000-c000-000000000000"
BAD_QUERY = "bad query"
LOGIN_PATH = re.compile(r"/(?P<tenant>[^/]+)/(?P<call>v2\.0/\.well-known/openid-configuration|oauth2/v2\.0/token)")
DISCOVERY_PATHS = (
    f"/v1.0/servicePrincipals/appId={INTUNE_APP_ID}/endpoints",
    f"/v1.0/servicePrincipals(appId='{INTUNE_APP_ID}')/endpoints",
)
MANAGED_DEVICES = "/v1.0/deviceManagement/managedDevices"
ACTION_PATH = re.compile(
    r"/(?P<version>v1\.0|beta)/deviceManagement/managedDevices/(?P<device>[^/]+)/(microsoft\.graph\.)?(?P<verb>\w+)"
)
MEMBER_GROUPS_PATH = re.compile(r"/v1\.0/users/(?P<user>[^/]+)/checkMemberGroups")
XML_TYPE = "application/xml; charset=utf-8"
JSON_TYPE = "application/json; charset=utf-8"
HTML = (
    b"<!DOCTYPE html><html><head><title>Sign in to the network</title></head>"
    b"<body><h1>Your proxy wants a word</h1></body></html>"
)

_NAMESPACES = (
    ' xmlns:i="http://www.w3.org/2001/XMLSchema-instance"'
    ' xmlns="http://schemas.datacontract.org/2004/07/Microsoft.Intune.ResourceAccess.ComplianceRetrievalService.Model"'
)
_REDIRECT_URL = "https://portal.manage.microsoft.com/networkaccesscontrol/index"


def classify(path: str, query: dict[str, str]) -> tuple[str, str, str]:
    """(service, kind, value) of a path. What nobody knows is ``compliance other``."""
    match = LOGIN_PATH.fullmatch(path)
    if match:
        return "login", "token" if match["call"].endswith("token") else "openid", unquote(match["tenant"])
    if path in DISCOVERY_PATHS:
        return "graph", "discovery", INTUNE_APP_ID
    if path == MANAGED_DEVICES:
        return "graph", "graph_list", query.get("$filter", "")
    if action := ACTION_PATH.fullmatch(path):
        return "graph", "action", action["device"]
    if path.startswith(MANAGED_DEVICES + "/"):
        return "graph", "graph_device", path.removeprefix(MANAGED_DEVICES + "/")
    if member := MEMBER_GROUPS_PATH.fullmatch(path):
        return "graph", "member_groups", unquote(member["user"])
    if path.startswith(("/v1.0/", "/beta/")):
        return "graph", "other", path
    if path == f"{CR_PATH}/ciscoise/mdminfo/" and query.get("ise_api_version") == "3":
        return "compliance", "mdminfo", ""
    if path == f"{CR_PATH}/cisco/devices/":
        return "compliance", *_device_question(query)
    return "compliance", "other", path


def _device_question(query: dict[str, str]) -> tuple[str, str]:
    criteria, value = query.get("querycriteria", ""), query.get("value", "")
    if query.get("filter") == "all" and "paging" in query:
        if criteria == "guid" and is_guid(value):
            return "guid", value
        if criteria == "macaddress" and re.fullmatch(r"[0-9A-Fa-f]{12}", value):
            return "mac", value
        by = query.get("deviceidentifier")
        if criteria == "compliance" and value.lower() in ("true", "false") and by in ("guid", "macaddress"):
            return "bulk", value
    return "other", BAD_QUERY


def is_guid(value: str) -> bool:
    """Whether the text is a GUID in any spelling."""
    try:
        return bool(canonical_guid(value))
    except ValueError:
        return False


def mdminfo(page_size: int) -> bytes:
    """The server's own description."""
    return _root(
        "<name>mdminfo</name><api_version>3</api_version>"
        f"<api_path>{CR_PATH}/cisco</api_path><redirect_url>{_REDIRECT_URL}</redirect_url>"
        f"<query_max_size>{page_size}</query_max_size><messaging_support>false</messaging_support>"
        "<vendor>Microsoft</vendor><product_name>Microsoft Intune</product_name>"
        "<product_version>5.0</product_version>"
    )


def device_list(
    devices: Sequence[SimDevice],
    *,
    mac: str = "",
    by_mac: bool = False,
    mac_list: bool = False,
    paging_info: str = "",
    busy_wait_s: int | None = None,
) -> bytes:
    """The answer to every device question. mac: the one asked about, shown beside the guid; by_mac: each device
    shows a MAC of its own. mac_list: ``macaddresses`` too, with commas, at most five."""
    busy = "" if busy_wait_s is None else f"<server_busy_wait_seconds>{busy_wait_s}</server_busy_wait_seconds>"
    paging = f"<paging_info>{escape(paging_info)}</paging_info>" if paging_info else ""
    rows = "".join(_row(device, "".join(device.macs[:1]) if by_mac else mac, mac_list) for device in devices)
    listed = f"<deviceList>{rows}</deviceList>" if rows else "<deviceList/>"
    return _root(f"<name>attributes</name><api_version>3</api_version>{busy}{paging}{listed}")


def device_list_json(devices: Sequence[SimDevice], *, paging_info: str = "", busy_wait_s: int | None = None) -> bytes:
    """The same names in JSON, as a negotiating service might send them."""
    rows: list[Json] = [
        {
            "guid": device.guid,
            "Attributes": {
                "guid": device.guid,
                "register_status": device.registered,
                "Compliance": {"status": device.compliant},
            },
        }
        for device in devices
    ]
    body: dict[str, Json] = {"name": "attributes", "api_version": 3, "deviceList": rows}
    if paging_info:
        body["paging_info"] = paging_info
    if busy_wait_s is not None:
        body["server_busy_wait_seconds"] = busy_wait_s
    return as_octets(body)


def mdminfo_json(page_size: int) -> bytes:
    """The server's own description in JSON."""
    return as_octets({"name": "mdminfo", "api_version": 3, "api_path": f"{CR_PATH}/cisco", "query_max_size": page_size})


def spoil(variant: str, xml: bytes) -> tuple[bytes, str]:
    """A good XML body made bad in one way, with its content type. ``json`` is not made here."""
    if variant == "doctype":
        hostile = '<!DOCTYPE ise_api [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
        return (hostile + xml.decode().replace("<api_version>3<", "<api_version>&b;<")).encode(), XML_TYPE
    if variant == "huge":
        return xml.replace(b"</ise_api>", b"<!--" + b"x" * (3 << 20) + b"--></ise_api>"), XML_TYPE
    if variant in JSON_VARIANTS:
        return _broken(variant, xml, XML_TYPE)
    respell = _RESPELL.get(variant)
    if respell is None:
        raise ValueError(f"no such variant `{variant}`")
    return respell(xml.decode()).encode(), XML_TYPE


def spoil_json(variant: str, body: bytes) -> tuple[bytes, str]:
    """A good JSON body made bad in one of JSON_VARIANTS, with its content type; as it was in any other."""
    if variant == "huge":
        return body[:-1] + b" " * (3 << 20) + body[-1:], JSON_TYPE
    if variant == "list":
        return b"[" + body + b"]", JSON_TYPE
    return _broken(variant, body, JSON_TYPE) if variant in JSON_VARIANTS else (body, JSON_TYPE)


def _broken(variant: str, body: bytes, content_type: str) -> tuple[bytes, str]:
    if variant == "html":
        return HTML, "text/html"
    if variant == "truncated":
        return body[: len(body) * 2 // 3], content_type
    if variant == "bom":
        return b"\xef\xbb\xbf" + body, content_type
    return (b"", content_type) if variant == "empty" else (body, "text/plain; charset=utf-8")


def _replacing(pattern: str, by: str) -> Callable[[str], str]:
    return lambda text: re.sub(pattern, by, text)


def _other_guid(text: str) -> str:
    return re.sub(r"<guid>[^<]*</guid>", f"<guid>{uuid.uuid4()}</guid>", text)


def _prefixed(text: str) -> str:
    return re.sub(r"<(/?)(?=\w)", r"<\1m:", text.replace(" xmlns=", " xmlns:m="))


def _two(text: str, change: Callable[[str], str]) -> str:
    return re.sub(r"(<device>.*?</device>)", lambda hit: hit[1] + change(hit[1]), text, count=1)


_LIST = r"<deviceList>.*</deviceList>|<deviceList/>"
_RESPELL: Mapping[str, Callable[[str], str]] = {
    "guid_mismatch": _other_guid,
    "nil_status": _replacing(r"<status>[^<]*</status>", '<status i:nil="true"/>'),
    "nil_register": _replacing(r"<register_status>[^<]*</register_status>", '<register_status i:nil="true"/>'),
    "nil_list": _replacing(_LIST, '<deviceList i:nil="true"/>'),
    "empty_list": _replacing(_LIST, "<deviceList></deviceList>"),
    "no_list": _replacing(_LIST, ""),
    "no_status": _replacing(r"<Compliance>.*?</Compliance>", "<Compliance/>"),
    "no_register": _replacing(r"<register_status>[^<]*</register_status>", ""),
    "odd_status": _replacing(r"<status>[^<]*</status>", "<status>perhaps</status>"),
    "digits": lambda text: text.replace(">true<", ">1<").replace(">false<", ">0<"),
    "spaced": lambda text: re.sub(
        r"<(status|register_status)>([^<]*)<", lambda hit: f"<{hit[1]}>\n {hit[2].upper()} <", text
    ),
    "not_registered": _replacing(r"<register_status>[^<]*<", "<register_status>false<"),
    "lower_case": lambda text: text.replace("Attributes>", "attributes>").replace("Compliance>", "compliance>"),
    "capitals": lambda text: re.sub(r"<(/?)([a-zA-Z_]+)", lambda hit: f"<{hit[1]}{hit[2].upper()}", text),
    "no_namespace": lambda text: text.replace(_NAMESPACES, ""),
    "prefixed": _prefixed,
    "unknown_elements": lambda text: text.replace(
        "<api_version>", "<weather><status>fine</status></weather><api_version>"
    ).replace("<register_status>", "<jail_broken>false</jail_broken><register_status>"),
    "two_devices": lambda text: _two(text, _contrary),
    "two_agree": lambda text: _two(text, _other_guid),
}


def _contrary(row: str) -> str:
    """A second device of another guid that says the opposite."""
    row = _other_guid(row)
    opposite = {"true": "false", "false": "true"}
    return re.sub(r"<status>(true|false)<", lambda hit: f"<status>{opposite[hit[1]]}<", row)


def intune_error(message: str, retry_after_s: int | None = None) -> dict[str, Json]:
    """Intune's own error envelope."""
    nothing = "00000000-0000-0000-0000-000000000000"
    return {
        "_version": 3,
        "Message": f"{message} - Operation ID (for customer support): {nothing} - Activity ID: {uuid.uuid4()}"
        " - Url: https://fef.simulator.example.test/",
        "CustomApiErrorPhrase": "",
        "RetryAfter": retry_after_s,
        "ErrorSourceService": "",
        "HttpHeaders": "{}",
    }


def graph_error(code: str, message: str, *, nested: bool = True) -> dict[str, Json]:
    """Graph's error; nested: with Intune's envelope as a string inside, as Graph hands it through."""
    inner = json.dumps(intune_error(message)) if nested else message
    return {"error": {"code": code, "message": inner, "innerError": {"request-id": str(uuid.uuid4())}}}


def endpoints(cr_uri: str, spelling: str, names: Sequence[str], next_link: str = "") -> dict[str, Json]:
    """Graph's service discovery with the rows named."""
    uris = {"NACAPIService": cr_uri.rpartition("/TrafficGateway")[0] + "/StatelessNACService"}
    rows: list[Json] = [
        {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
            "deletedDateTime": None,
            "capability": name,
            "providerId": str(uuid.uuid5(uuid.NAMESPACE_OID, name)),
            spelling: name,
            "providerResourceId": INTUNE_APP_ID,
            "uri": uris.get(name, cr_uri),
        }
        for name in names
    ]
    body: dict[str, Json] = {"@odata.context": "$metadata#endpoints", "value": rows}
    if next_link:
        body["@odata.nextLink"] = next_link
    return body


def as_octets(body: Json) -> bytes:
    """Compact JSON."""
    return json.dumps(body, separators=(",", ":")).encode()


def _root(inner: str) -> bytes:
    return f"<ise_api{_NAMESPACES}>{inner}</ise_api>".encode()


def _row(device: SimDevice, mac: str, mac_list: bool) -> str:
    shown = f"<macaddress>{mac}</macaddress>" if mac else ""
    macs = f"<macaddresses>{','.join(device.macs[:5])}</macaddresses>" if mac_list else ""
    return (
        f"<device>{shown}<guid>{device.guid}</guid><Attributes><guid>{device.guid}</guid>{macs}"
        f"<register_status>{_word(device.registered)}</register_status>"
        f"<Compliance><status>{_word(device.compliant)}</status></Compliance></Attributes></device>"
    )


def _word(value: bool) -> str:
    return "true" if value else "false"
