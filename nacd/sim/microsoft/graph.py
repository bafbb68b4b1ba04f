"""The simulated Graph: service discovery, one managed device, and the listing with its traps.

Knows: the role each question wants, ``$select``, ``$filter``, ``$top``, paging, and how all of them mislead.
Refuses to know: device actions (``actions``), how tokens are made, HTTP.
"""

from __future__ import annotations

import datetime
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from nacd.sim.microsoft import answers
from nacd.sim.microsoft.actions import READ_WRITE, act
from nacd.sim.microsoft.answers import CR_PATH, DISCOVERY_PATHS, MANAGED_DEVICES, Json, graph_error, is_guid
from nacd.sim.microsoft.exchange import Answer, Request, json_answer
from nacd.sim.microsoft.login import Login
from nacd.sim.microsoft.scene import SimDevice, Tuning
from nacd.sim.microsoft.state import TenantState

DISCOVERY_ROLES = (
    "Application.Read.All",
    "Application.ReadWrite.All",
    "Application.ReadWrite.OwnedBy",
    "Directory.Read.All",
    "ServicePrincipalEndpoint.Read.All",
)
GROUP_ROLES = (("User.Read.All", "GroupMember.Read.All"), ("User.Read.All", "Group.Read.All"), ("Directory.Read.All",))
"""Each is enough for ``checkMemberGroups``."""
MOST_GROUPS = 20
DEVICE_ROLES = ("DeviceManagementManagedDevices.Read.All", READ_WRITE)

_ELSEWHERE = "https://graph.elsewhere.example.test"
_TERM = re.compile(r"(lastSyncDateTime|azureADDeviceId|complianceState) (eq|gt|ge|lt|le) '?([^']*?)'?")
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}


@dataclass(frozen=True, slots=True)
class Graph:
    """Answers questions to Graph by the state as it stands."""

    state: TenantState
    login: Login

    def answer(self, request: Request, origin: str, cr_origin: str) -> Answer:
        """origin: where Graph itself is; cr_origin: where discovery says that Compliance Retrieval is."""
        shown = self.login.check(request.authorization, "graph")
        if shown.problem:
            return json_answer(401, graph_error("InvalidAuthenticationToken", shown.problem, nested=False))
        if request.kind == "action":
            return act(request, shown.roles, self.state)
        if request.kind == "discovery":
            if not set(DISCOVERY_ROLES) & set(shown.roles):
                words = "Insufficient privileges to complete the operation."
                return json_answer(403, graph_error("Authorization_RequestDenied", words, nested=False))
            return self._discovery(request, origin, cr_origin)
        if request.kind == "member_groups":
            return member_groups(request, shown.roles, self.state.devices())
        if request.kind not in ("graph_device", "graph_list"):
            return json_answer(404, graph_error("ResourceNotFound", "resource not found", nested=False))
        if not set(DEVICE_ROLES) & set(shown.roles):
            return json_answer(403, graph_error("Forbidden", f"the application lacks {DEVICE_ROLES[0]}"))
        if request.kind == "graph_device":
            return self._device(request)
        return json_answer(
            200, managed_devices(self.state.devices(), request.query, origin + MANAGED_DEVICES, self.state.tuning)
        )

    def _device(self, request: Request) -> Answer:
        device = self.state.device(request.value)
        if device is None:
            return json_answer(404, graph_error("ResourceNotFound", "device not found"), "not_managed")
        row = selected(managed_device(device, alone=True), request.query.get("$select", ""))
        body: dict[str, Json] = {"@odata.context": "$metadata#deviceManagement/managedDevices/$entity", **row}
        return json_answer(200, body, f"{device.guid}={device.compliance_state}")

    def _discovery(self, request: Request, origin: str, cr_origin: str) -> Answer:
        tuning = self.state.tuning
        uri, names, next_link = cr_origin + CR_PATH, ["NACAPIService", "ComplianceRetrievalService"], ""
        if tuning.discovery == "nac_only":
            names = names[:1]
        elif tuning.discovery == "empty":
            names = []
        elif tuning.discovery == "foreign_host":
            uri = f"https://fef.elsewhere.example.test{CR_PATH}"
        elif tuning.discovery == "plain_http":
            uri = uri.replace("https://", "http://", 1)
        elif tuning.discovery.startswith("next_link"):
            second = request.query.get("$skiptoken") == "2"
            names = names[1:] if second else names[:1]
            next_link = "" if second else f"{origin}{DISCOVERY_PATHS[0]}?$skiptoken=2"
        if tuning.discovery == "next_link_foreign":
            next_link = f"{_ELSEWHERE}{DISCOVERY_PATHS[0]}?$skiptoken=2"
        elif tuning.discovery == "next_link_loop":
            names, next_link = ["NACAPIService"], f"{origin}{DISCOVERY_PATHS[0]}?$skiptoken=2"
        return json_answer(200, answers.endpoints(uri, tuning.provider_spelling, names, next_link))


def managed_device(device: SimDevice, *, alone: bool) -> dict[str, Json]:
    """A row of ``managedDevices``; the wired MAC is only filled when the device is asked for alone."""
    synced = datetime.datetime.fromtimestamp(device.last_sync_s, datetime.UTC)
    return {
        "id": device.guid,
        "azureADDeviceId": device.entra_id,
        "deviceName": device.name,
        "complianceState": device.compliance_state,
        "complianceGracePeriodExpirationDateTime": device.grace_until,
        "lastSyncDateTime": synced.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "operatingSystem": device.operating_system,
        "osVersion": device.os_version,
        "managementAgent": "mdm",
        "managedDeviceOwnerType": device.owner,
        "userId": device.owner_id,
        "userPrincipalName": device.user,
        "serialNumber": f"SIM-{device.guid[:8].upper()}",
        "wiFiMacAddress": device.wifi_mac,
        "ethernetMacAddress": device.wired_macs[0] if alone and device.wired_macs else None,
    }


def member_groups(request: Request, roles: Sequence[str], devices: Sequence[SimDevice]) -> Answer:
    """Which of the groups in the body the user is in, through other groups too; 20 at most."""
    if not any(set(each) <= set(roles) for each in GROUP_ROLES):
        words = "Insufficient privileges to complete the operation."
        return json_answer(403, graph_error("Authorization_RequestDenied", words, nested=False))
    body = request.json_body()
    asked = body.get("groupIds") if body is not None else None
    if not isinstance(asked, list) or not asked or not all(isinstance(one, str) and is_guid(one) for one in asked):
        return json_answer(400, graph_error("Request_BadRequest", "`groupIds` wants ids", nested=False))
    if len(asked) > MOST_GROUPS:
        words = f"{len(asked)} groups are more than {MOST_GROUPS}"
        return json_answer(400, graph_error("Directory_ResultSizeLimitExceeded", words, nested=False))
    owned = [device for device in devices if device.owner_id == request.value.lower()]
    if not owned:
        words = f"Resource '{request.value}' does not exist or one of its queried reference-property objects"
        return json_answer(404, graph_error("Request_ResourceNotFound", words, nested=False))
    joined = {group.lower() for device in owned for group in device.user_groups}
    return json_answer(
        200,
        {
            "@odata.context": "$metadata#Collection(Edm.String)",
            "value": [one for one in asked if one.lower() in joined],
        },
    )


def managed_devices(
    devices: Sequence[SimDevice], query: Mapping[str, str], url: str, tuning: Tuning
) -> dict[str, Json]:
    """A page of ``managedDevices``. A filter Graph does not support is ignored in silence: everything comes back."""
    passes = _filter(query.get("$filter", ""), tuning)
    if passes is not None:
        devices = [device for device in devices if passes(device)]
    top, skipped = query.get("$top", ""), query.get("$skiptoken", "0")
    size = tuning.graph_page_size or tuning.page_size
    if top.isdecimal() and int(top):
        size = min(size, int(top))
    begin = int(skipped) if skipped.isdecimal() else 0
    rows: list[Json] = [
        selected(managed_device(device, alone=False), query.get("$select", ""))
        for device in devices[begin : begin + size]
    ]
    body: dict[str, Json] = {"@odata.context": "$metadata#deviceManagement/managedDevices", "value": rows}
    loop = tuning.graph_next_link == "loop"
    if begin + size < len(devices) or loop:
        kept = "".join(f"{name}={quote(value)}&" for name, value in query.items() if name != "$skiptoken")
        if tuning.graph_next_link == "foreign_host":
            url = _ELSEWHERE + MANAGED_DEVICES
        elif tuning.graph_next_link == "plain_http":
            url = url.replace("https://", "http://", 1)
        body["@odata.nextLink"] = f"{url}?{kept}$skiptoken={begin if loop else begin + size}"
    return body


def selected(row: dict[str, Json], select: str) -> dict[str, Json]:
    """The columns that ``$select`` names, or all."""
    names = [name.strip() for name in select.split(",") if name.strip()]
    return {name: value for name, value in row.items() if name in names} if names else row


def _filter(expression: str, tuning: Tuning) -> Callable[[SimDevice], bool] | None:
    """What a ``$filter`` lets through; None when Graph does not support it, which it keeps to itself."""
    if not expression or not tuning.graph_filters_work:
        return None
    tests: list[Callable[[SimDevice], bool]] = []
    for term in expression.split(" and "):
        test = _term(term.strip(), tuning)
        if test is None:
            return None
        tests.append(test)
    return lambda device: all(test(device) for test in tests)


def _term(term: str, tuning: Tuning) -> Callable[[SimDevice], bool] | None:
    match = _TERM.fullmatch(term)
    if match is None:
        return None
    name, compare, wanted = match[1], _COMPARE[match[2]], match[3]
    if name == "lastSyncDateTime":
        try:
            moment = datetime.datetime.fromisoformat(wanted).timestamp()
        except ValueError:
            return None
        return lambda device: compare(int(device.last_sync_s), moment)
    if match[2] != "eq":
        return None
    if name == "complianceState":
        return lambda device: device.compliance_state == wanted
    if not tuning.graph_entra_filter_works:
        return None
    return lambda device: device.entra_id.lower() == wanted.lower()
