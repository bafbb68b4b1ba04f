"""The simulated Graph over HTTPS: discovery and managed devices, with the ways in which they mislead."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests

from nacd.sim.microsoft.graph import managed_device
from nacd.sim.microsoft.state import App, SimDevice
from tests.sim.conftest import GRAPH_SCOPE

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
OTHER = "7b0e5d92-41c6-4f38-a1d7-90c2e6f4b813"
INTUNE_APP = "0000000a-0000-0000-c000-000000000000"
LISTING = "deviceManagement/managedDevices"


@pytest.fixture
def graph_app(client: Any) -> Iterator[Any]:
    """Gives the app other Graph roles, and the old ones back."""
    before = client.simulator.state.app(client.simulator.client_id)
    yield lambda *roles: client.simulator.register_app(replace(before, graph_roles=roles))
    client.simulator.register_app(before)


def walk(client: Any, path: str, pages: int = 20) -> list[str]:
    """The ids of all rows, over at most ``pages`` pages."""
    seen: list[str] = []
    while path and pages:
        page = client.graph(path).json()
        seen += [row["id"] for row in page["value"]]
        path, pages = page.get("@odata.nextLink", "").partition("/v1.0/")[2], pages - 1
    return seen


@pytest.mark.parametrize("path", [f"appId={INTUNE_APP}/endpoints", f"appId={INTUNE_APP}"])
def test_discovery_names_the_service_in_its_first_spelling_only_when_complete(client: Any, path: str) -> None:
    answer = client.graph(f"servicePrincipals/{path}")
    assert answer.status_code == (200 if path.endswith("endpoints") else 404)


@pytest.mark.parametrize("spelling", ["providerName", "serviceName"])
def test_discovery_leads_to_compliance_retrieval(client: Any, spelling: str) -> None:
    client.simulator.tune(provider_spelling=spelling)
    rows = client.graph(f"servicePrincipals(appId='{INTUNE_APP}')/endpoints").json()["value"]
    uris = {row[spelling]: row["uri"] for row in rows}
    assert set(uris) == {"NACAPIService", "ComplianceRetrievalService"}
    info = client.get(f"{uris['ComplianceRetrievalService']}/ciscoise/mdminfo/?ise_api_version=3", client.token())
    assert b"<product_name>Microsoft Intune</product_name>" in info.content


@pytest.mark.parametrize(
    ("discovery", "uris"),
    [
        ("nac_only", ["/StatelessNACService"]),
        ("empty", []),
        ("foreign_host", ["/StatelessNACService", "https://fef.elsewhere.example.test/"]),
        ("plain_http", ["/StatelessNACService", "http://localhost"]),
    ],
)
def test_discovery_can_mislead(client: Any, discovery: str, uris: list[str]) -> None:
    client.simulator.tune(discovery=discovery)
    rows = client.graph(f"servicePrincipals/appId={INTUNE_APP}/endpoints").json()["value"]
    assert len(rows) == len(uris)
    assert all(part in row["uri"] for part, row in zip(uris, rows, strict=True))


def test_discovery_may_come_in_two_pages(client: Any) -> None:
    client.simulator.tune(discovery="next_link")
    first = client.graph(f"servicePrincipals/appId={INTUNE_APP}/endpoints").json()
    second = client.graph(first["@odata.nextLink"].partition("/v1.0/")[2]).json()
    assert [row["providerName"] for row in second["value"]] == ["ComplianceRetrievalService"]
    assert "@odata.nextLink" not in second


def test_graph_gives_one_device_with_the_columns_selected(client: Any) -> None:
    client.simulator.put_device(GUID, compliant=True, graph_state="inGracePeriod")
    path = f"deviceManagement/managedDevices/{GUID}"
    row = client.graph(f"{path}?$select=id,complianceState").json()
    row.pop("@odata.context")
    assert row == {"id": GUID, "complianceState": "inGracePeriod"}
    missing = client.graph(f"deviceManagement/managedDevices/{OTHER}")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "ResourceNotFound")


def test_graph_ignores_a_filter_it_does_not_know(client: Any) -> None:
    client.simulator.put_device(GUID, macs=["0026B424FEB4"])
    client.simulator.put_device(OTHER, entra_id=GUID)
    listing = "deviceManagement/managedDevices?$filter="
    assert len(client.graph(f"{listing}wiFiMacAddress eq '0026B424FEB4'").json()["value"]) == 2
    (row,) = client.graph(f"{listing}azureADDeviceId eq '{GUID}'").json()["value"]
    assert row["id"] == OTHER
    client.simulator.tune(graph_filters_work=False)
    assert len(client.graph(f"{listing}azureADDeviceId eq '{GUID}'").json()["value"]) == 2


def test_graph_lists_in_pages(client: Any) -> None:
    client.simulator.tune(page_size=2)
    for number in range(5):
        client.simulator.put_device(GUID[:-1] + str(number))
    seen, path = [], "deviceManagement/managedDevices?$select=id"
    while path:
        page = client.graph(path).json()
        seen += [row["id"][-1] for row in page["value"]]
        path = page.get("@odata.nextLink", "").partition("/v1.0/")[2]
    assert seen == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("discovery", ["next_link_foreign", "next_link_loop"])
def test_discovery_may_lead_on_to_a_stranger_or_in_a_circle(client: Any, discovery: str) -> None:
    client.simulator.tune(discovery=discovery)
    first = client.graph(f"servicePrincipals/appId={INTUNE_APP}/endpoints").json()["@odata.nextLink"]
    if discovery == "next_link_foreign":
        assert first.startswith("https://graph.elsewhere.example.test/")
    else:
        assert client.graph(first.partition("/v1.0/")[2]).json()["@odata.nextLink"] == first


def test_discovery_without_a_role_is_told_in_graphs_own_words(client: Any, graph_app: Any) -> None:
    graph_app("DeviceManagementManagedDevices.Read.All")
    answer = client.graph(f"servicePrincipals/appId={INTUNE_APP}/endpoints")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "Authorization_RequestDenied")
    assert answer.json()["error"]["message"].startswith("Insufficient privileges")


@pytest.mark.parametrize("path", [LISTING, f"{LISTING}/{GUID}"])
def test_devices_without_a_role_are_refused_with_intunes_envelope_inside(
    client: Any, graph_app: Any, path: str
) -> None:
    client.simulator.put_device(GUID)
    graph_app("Application.Read.All")
    answer = client.graph(path)
    inner = json.loads(answer.json()["error"]["message"])
    assert (answer.status_code, inner["_version"]) == (403, 3)
    assert "DeviceManagementManagedDevices.Read.All" in inner["Message"]


def test_a_device_shows_its_facts(client: Any) -> None:
    client.simulator.put_device(
        GUID,
        macs=["AAAAAAAAAAAA", "BBBBBBBBBBBB"],
        wired_macs=["AAAAAAAAAAAA"],
        name="LAPTOP-7",
        operating_system="macOS",
        os_version="15.1",
        owner="personal",
        user="bob@example.test",
        last_sync_s=1_800_000_000.0,
    )
    row = client.graph(f"{LISTING}/{GUID}").json()
    assert (row["deviceName"], row["operatingSystem"], row["osVersion"]) == ("LAPTOP-7", "macOS", "15.1")
    assert (row["managedDeviceOwnerType"], row["userPrincipalName"]) == ("personal", "bob@example.test")
    assert (row["wiFiMacAddress"], row["ethernetMacAddress"]) == ("BBBBBBBBBBBB", "AAAAAAAAAAAA")
    assert row["lastSyncDateTime"] == "2027-01-15T08:00:00Z"
    (listed,) = client.graph(LISTING).json()["value"]
    assert (listed["wiFiMacAddress"], listed["ethernetMacAddress"]) == ("BBBBBBBBBBBB", None)


def test_the_wired_mac_is_shown_only_for_one_device_alone() -> None:
    device = SimDevice(guid=GUID, macs=("AAAAAAAAAAAA", "BBBBBBBBBBBB"), wired_macs=("BBBBBBBBBBBB",))
    assert managed_device(device, alone=True)["ethernetMacAddress"] == "BBBBBBBBBBBB"
    listed = managed_device(device, alone=False)
    assert (listed["ethernetMacAddress"], listed["wiFiMacAddress"]) == (None, "AAAAAAAAAAAA")


@pytest.mark.parametrize(
    ("expression", "ids"),
    [
        ("lastSyncDateTime gt 2027-01-15T08:00:00Z", [OTHER]),
        ("lastSyncDateTime ge 2027-01-15T08:00:00.000Z", [GUID, OTHER]),
        ("lastSyncDateTime lt 2027-01-15T08:00:01Z", [GUID]),
        ("complianceState eq 'noncompliant'", [OTHER]),
        ("lastSyncDateTime gt 2027-01-15T08:00:00Z and complianceState eq 'compliant'", []),
        ("lastSyncDateTime gt yesterday", [GUID, OTHER]),
        ("serialNumber eq 'x'", [GUID, OTHER]),
        ("serialNumber eq 'x' and complianceState eq 'noncompliant'", [GUID, OTHER]),
        (f"azureADDeviceId ne '{GUID}'", [GUID, OTHER]),
    ],
)
def test_a_filter_works_or_is_ignored_in_silence(client: Any, expression: str, ids: list[str]) -> None:
    client.simulator.put_device(GUID, last_sync_s=1_800_000_000.0)
    client.simulator.put_device(OTHER, last_sync_s=1_800_000_060.0, compliant=False)
    assert walk(client, f"{LISTING}?$filter={expression}") == ids


def test_the_filter_by_entra_id_alone_can_be_switched_off(client: Any) -> None:
    client.simulator.put_device(GUID, entra_id=OTHER, last_sync_s=5.0)
    client.simulator.put_device(OTHER, entra_id=GUID, last_sync_s=5.0, compliant=False)
    client.simulator.tune(graph_entra_filter_works=False)
    assert walk(client, f"{LISTING}?$filter=azureADDeviceId eq '{GUID}'") == [GUID, OTHER]
    assert walk(client, f"{LISTING}?$filter=complianceState eq 'noncompliant'") == [OTHER]


def test_top_makes_a_page_shorter_and_never_longer(client: Any) -> None:
    client.simulator.tune(graph_page_size=3)
    ids = [GUID[:-1] + str(number) for number in range(5)]
    for guid in ids:
        client.simulator.put_device(guid)
    assert [len(client.graph(f"{LISTING}?$top={top}").json()["value"]) for top in (2, 1000)] == [2, 3]
    assert walk(client, f"{LISTING}?$select=id&$top=2") == ids


def test_the_way_on_keeps_the_filter_and_the_columns(client: Any) -> None:
    client.simulator.tune(graph_page_size=1)
    client.simulator.put_device(GUID, compliant=False)
    client.simulator.put_device(OTHER)
    client.simulator.put_device(OTHER[:-1] + "4", compliant=False)
    path = f"{LISTING}?$select=id&$filter=complianceState eq 'noncompliant'"
    assert walk(client, path) == [GUID, OTHER[:-1] + "4"]


@pytest.mark.parametrize(
    ("way", "begins"),
    [("foreign_host", "https://graph.elsewhere.example.test/v1.0/"), ("plain_http", "http://localhost:")],
)
def test_a_listing_may_lead_on_to_a_stranger(client: Any, way: str, begins: str) -> None:
    client.simulator.tune(graph_page_size=1, graph_next_link=way)
    client.simulator.put_device(GUID)
    client.simulator.put_device(OTHER)
    assert client.graph(LISTING).json()["@odata.nextLink"].startswith(begins)


def test_a_listing_may_go_in_a_circle(client: Any) -> None:
    client.simulator.tune(graph_page_size=1, graph_next_link="loop")
    client.simulator.put_device(GUID)
    client.simulator.put_device(OTHER)
    assert walk(client, LISTING, pages=4) == [GUID] * 4


def test_a_throttled_graph_says_so_with_and_without_a_time(client: Any) -> None:
    client.simulator.fault("throttle", only="graph_list", seconds=7, times=1)
    client.simulator.fault("throttle", only="graph_device", retry_after="none")
    listed, alone = client.graph(LISTING), client.graph(f"{LISTING}/{GUID}")
    assert (listed.status_code, listed.headers["Retry-After"]) == (429, "7")
    assert (alone.status_code, "Retry-After" in alone.headers) == (429, False)
    assert listed.json()["error"]["code"] == "TooManyRequests"
    assert client.graph(LISTING).status_code == 200


def test_what_was_said_of_a_device_stands_in_the_history(client: Any) -> None:
    client.simulator.put_device(GUID, graph_state="inGracePeriod")
    client.graph(f"{LISTING}/{GUID}")
    client.graph(f"{LISTING}/{OTHER}")
    assert [seen.said for seen in client.simulator.history("graph_device")] == [f"{GUID}=inGracePeriod", "not_managed"]


def test_a_token_for_intune_is_none_for_graph(client: Any) -> None:
    answer = client.get(f"{client.simulator.base_url}/v1.0/{LISTING}", client.token())
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")


def test_an_app_that_may_write_may_read(client: Any) -> None:
    role = "DeviceManagementManagedDevices.ReadWrite.All"
    client.simulator.register_app(App(client_id="00000000-0000-4000-8000-0000000000dd", graph_roles=(role,)))
    token = client.ask_token(
        client_id="00000000-0000-4000-8000-0000000000dd", scope="https://graph.microsoft.com/.default"
    ).json()["access_token"]
    assert client.get(f"{client.simulator.base_url}/v1.0/{LISTING}", token).status_code == 200


# -- groups ---------------------------------------------------------------------------------

GROUP, ANOTHER = "6b4b9f4e-7a0d-4a63-9a39-000000000001", "6b4b9f4e-7a0d-4a63-9a39-000000000002"
USER = "88888888-8a41-4b7f-9e05-61d0c7b3a9bb"
MEMBERS = ("Application.Read.All", "DeviceManagementManagedDevices.Read.All", "User.Read.All", "GroupMember.Read.All")


def check(client: Any, groups: object, user: str = USER) -> Any:
    simulator = client.simulator
    return requests.post(
        f"{simulator.base_url}/v1.0/users/{user}/checkMemberGroups",
        json={"groupIds": groups},
        headers={"Authorization": f"Bearer {client.token(GRAPH_SCOPE)}"},
        verify=simulator.ca_file,
        timeout=10,
    )


def test_groups_are_told_to_whoever_has_both_permissions(client: Any, graph_app: Any) -> None:
    client.simulator.put_device(GUID, user_id=USER, user_groups=[GROUP])
    refused = check(client, [GROUP])
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "Authorization_RequestDenied")
    graph_app(*MEMBERS)
    assert check(client, [ANOTHER, GROUP]).json()["value"] == [GROUP]


@pytest.mark.parametrize("groups", [[], ["staff"], "staff", None, [GROUP] * 21])
def test_a_question_about_no_groups_or_too_many_is_refused(client: Any, graph_app: Any, groups: object) -> None:
    graph_app(*MEMBERS)
    client.simulator.put_device(GUID, user_id=USER)
    assert check(client, groups).status_code == 400


def test_a_user_that_nobody_knows_is_not_found(client: Any, graph_app: Any) -> None:
    graph_app(*MEMBERS)
    client.simulator.put_device(GUID, user="")
    missing = check(client, [GROUP])
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "Request_ResourceNotFound")
