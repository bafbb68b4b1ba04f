"""The wire contract the simulated Microsoft keeps: its paths, Compliance Retrieval's XML, Graph's JSON, errors.

Knows: which question a path is, and the shape of every answer, good and spoilt. Refuses to know:
sockets, tokens, who asks. The good shapes are those of Cisco's "ISE MDM API v3" as Microsoft serves it.
"""

from __future__ import annotations

import json
import operator
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import TypeAlias
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

from nacd.sim.microsoft.state import SimDevice, canonical_guid

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
_TERM = re.compile(r"(lastSyncDateTime|azureADDeviceId|complianceState) (eq|gt|ge|lt|le) '?([^']*)'?")
_COMPARE = {"eq": operator.eq, "gt": operator.gt, "ge": operator.ge, "lt": operator.lt, "le": operator.le}
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
    if path.startswith(MANAGED_DEVICES + "/"):
        return "graph", "graph_device", path.removeprefix(MANAGED_DEVICES + "/")
    if path.startswith("/v1.0/"):
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
    devices: Sequence[SimDevice], *, mac: str = "", paging_info: str = "", busy_wait_s: int | None = None
) -> bytes:
    """The answer to every device question; ``mac``: the one asked about, shown beside the guid."""
    busy = "" if busy_wait_s is None else f"<server_busy_wait_seconds>{busy_wait_s}</server_busy_wait_seconds>"
    paging = f"<paging_info>{escape(paging_info)}</paging_info>" if paging_info else ""
    rows = "".join(_row(device, mac) for device in devices)
    listed = f"<deviceList>{rows}</deviceList>" if rows else "<deviceList/>"
    return _root(f"<name>attributes</name><api_version>3</api_version>{busy}{paging}{listed}")


def device_list_json(devices: Sequence[SimDevice], *, paging_info: str = "") -> bytes:
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
    return as_octets(body)


def spoil(variant: str, xml: bytes) -> tuple[bytes, str]:
    """A good XML body made bad in one way, with its content type. ``json`` is not made here."""
    text = xml.decode()
    if variant == "html":
        return HTML, "text/html"
    if variant == "truncated":
        return xml[: len(xml) * 2 // 3], XML_TYPE
    if variant == "doctype":
        hostile = '<!DOCTYPE ise_api [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
        return (hostile + text.replace("<api_version>3<", "<api_version>&b;<")).encode(), XML_TYPE
    if variant == "bom":
        return b"\xef\xbb\xbf" + xml, XML_TYPE
    if variant == "empty":
        return b"", XML_TYPE
    if variant == "huge":
        return xml.replace(b"</ise_api>", b"<!--" + b"x" * (3 << 20) + b"--></ise_api>"), XML_TYPE
    return _respelled(variant, text).encode(), XML_TYPE


def _respelled(variant: str, text: str) -> str:
    if variant == "guid_mismatch":
        return re.sub(r"<guid>[^<]*</guid>", f"<guid>{uuid.uuid4()}</guid>", text)
    if variant == "nil_status":
        return re.sub(r"<status>[^<]*</status>", '<status i:nil="true"/>', text)
    if variant == "nil_list":
        return re.sub(r"<deviceList>.*</deviceList>|<deviceList/>", '<deviceList i:nil="true"/>', text)
    if variant == "no_list":
        return re.sub(r"<deviceList>.*</deviceList>|<deviceList/>", "", text)
    if variant == "no_status":
        return re.sub(r"<Compliance>.*?</Compliance>", "<Compliance/>", text)
    if variant == "odd_status":
        return re.sub(r"<status>[^<]*</status>", "<status>perhaps</status>", text)
    if variant == "spaced":
        return re.sub(r"<(status|register_status)>([^<]*)<", lambda hit: f"<{hit[1]}>\n {hit[2].upper()} <", text)
    if variant == "not_registered":
        return re.sub(r"<register_status>[^<]*<", "<register_status>false<", text)
    if variant == "lower_case":
        return text.replace("Attributes>", "attributes>").replace("Compliance>", "compliance>")
    if variant == "no_namespace":
        return text.replace(_NAMESPACES, "")
    if variant == "two_devices":
        return re.sub(r"(<device>.*?</device>)", lambda hit: hit[1] + _contrary(hit[1]), text, count=1)
    raise ValueError(f"no such variant `{variant}`")


def _contrary(row: str) -> str:
    """A second device of another guid that says the opposite."""
    row = re.sub(r"<guid>[^<]*</guid>", f"<guid>{uuid.uuid4()}</guid>", row)
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


def graph_error(code: str, message: str) -> dict[str, Json]:
    """Graph's error, with Intune's envelope as a string inside, as Graph hands it through."""
    inner = json.dumps(intune_error(message))
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


def managed_device(device: SimDevice, *, alone: bool) -> dict[str, Json]:
    """A row of ``managedDevices``; the wired MAC is only filled when the device is asked for alone."""
    wireless = [mac for mac in device.macs if mac not in device.wired_macs]
    wired = device.wired_macs[0] if alone and device.wired_macs else None
    return {
        "id": device.guid,
        "azureADDeviceId": device.entra_id,
        "deviceName": device.name,
        "complianceState": device.compliance_state,
        "complianceGracePeriodExpirationDateTime": device.grace_until,
        "lastSyncDateTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(device.last_sync_s)),
        "operatingSystem": "Windows",
        "managementAgent": "mdm",
        "managedDeviceOwnerType": "company",
        "userPrincipalName": "alice@example.test",
        "serialNumber": f"SIM-{device.guid[:8].upper()}",
        "wiFiMacAddress": wireless[0] if wireless else "",
        "ethernetMacAddress": wired,
    }


def managed_devices(
    devices: Sequence[SimDevice], query: Mapping[str, str], url: str, page_size: int, filters_work: bool
) -> dict[str, Json]:
    """A page of ``managedDevices``. A filter Graph does not support is ignored in silence: everything comes back."""
    if filters_work:
        devices = [device for device in devices if _passes(device, query.get("$filter", ""))]
    top, skipped = query.get("$top", ""), query.get("$skiptoken", "0")
    size = int(top) if top.isdecimal() and int(top) else page_size
    begin = int(skipped) if skipped.isdecimal() else 0
    rows: list[Json] = [
        selected(managed_device(device, alone=False), query.get("$select", ""))
        for device in devices[begin : begin + size]
    ]
    body: dict[str, Json] = {"@odata.context": "$metadata#deviceManagement/managedDevices", "value": rows}
    if begin + size < len(devices):
        kept = "".join(f"{name}={quote(value)}&" for name, value in query.items() if name != "$skiptoken")
        body["@odata.nextLink"] = f"{url}?{kept}$skiptoken={begin + size}"
    return body


def selected(row: dict[str, Json], select: str) -> dict[str, Json]:
    """The columns that ``$select`` names, or all."""
    names = [name for name in select.split(",") if name]
    return {name: value for name, value in row.items() if name in names} if names else row


def _passes(device: SimDevice, expression: str) -> bool:
    row = managed_device(device, alone=False)
    for term in expression.split(" and "):
        match = _TERM.fullmatch(term.strip())
        if match is not None and not _COMPARE[match[2]](str(row[match[1]]), match[3]):
            return False
    return True


def as_octets(body: Json) -> bytes:
    """Compact JSON."""
    return json.dumps(body, separators=(",", ":")).encode()


def _root(inner: str) -> bytes:
    return f"<ise_api{_NAMESPACES}>{inner}</ise_api>".encode()


def _row(device: SimDevice, mac: str) -> str:
    shown = f"<macaddress>{mac}</macaddress>" if mac else ""
    return (
        f"<device>{shown}<guid>{device.guid}</guid><Attributes><guid>{device.guid}</guid>"
        f"<register_status>{_word(device.registered)}</register_status>"
        f"<Compliance><status>{_word(device.compliant)}</status></Compliance></Attributes></device>"
    )


def _word(value: bool) -> str:
    return "true" if value else "false"
