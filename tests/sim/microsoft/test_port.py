"""The HTTPS port, asked by requests and by bare sockets."""

from __future__ import annotations

import concurrent.futures
import contextlib
import email.utils
import errno
import re
import select
import socket
import ssl
import time
import xml.etree.ElementTree as ET
from typing import Any

import pytest
import requests

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
OTHER = "7b0e5d92-41c6-4f38-a1d7-90c2e6f4b813"
INTUNE_APP = "0000000a-0000-0000-c000-000000000000"


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


def test_every_answer_says_it_is_a_simulator(client: Any) -> None:
    answer = client.by_guid(GUID)
    assert answer.headers["X-Simulator"] == "nacd"
    assert "not Microsoft" in answer.headers["Server"]


def test_the_request_id_comes_back_and_stands_in_the_history(client: Any) -> None:
    client.session.headers.update({"client-request-id": "abc-1", "User-Agent": "tester/1"})
    assert client.by_guid(GUID).headers["client-request-id"] == "abc-1"
    (seen,) = client.simulator.history("guid")
    assert (seen.request_id, seen.user_agent, seen.value, seen.status) == ("abc-1", "tester/1", GUID, 200)


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
    assert client.graph(f"{path}?$select=id,complianceState").json() == {"id": GUID, "complianceState": "inGracePeriod"}
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


# -- faults on the wire


@pytest.mark.parametrize(("mode", "status"), [("503", 503), (500, 500)])
def test_an_outage_can_be_a_status(client: Any, mode: object, status: int) -> None:
    client.simulator.fault("outage", mode=mode, service="compliance")
    assert client.by_guid(GUID).status_code == status


def test_an_outage_can_be_a_reset_connection(client: Any) -> None:
    token = client.token()
    client.simulator.fault("outage", mode="reset", times=1)
    with pytest.raises(requests.ConnectionError):
        client.by_guid(GUID, token)
    assert client.simulator.history()[-1].status == 0
    assert client.by_guid(GUID, token).status_code == 200


def test_the_kernel_sends_a_reset_and_not_a_close(client: Any) -> None:
    client.simulator.fault("outage", mode="reset")
    context = ssl.create_default_context(cafile=client.simulator.ca_file)
    port = int(client.simulator.base_url.rpartition(":")[2])
    plain = socket.create_connection(("127.0.0.1", port), timeout=5)
    with context.wrap_socket(plain, server_hostname="localhost") as tls:
        tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        poll = select.poll()
        poll.register(tls, select.POLLERR)
        assert poll.poll(5000)
        assert tls.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNRESET


@pytest.mark.parametrize("retry_after", ["seconds", "date", "none"])
def test_throttling_says_when_to_come_back_in_three_ways(client: Any, clock: Any, retry_after: str) -> None:
    client.simulator.fault("throttle", retry_after=retry_after, seconds=17)
    answer = client.by_guid(GUID)
    header = answer.headers.get("Retry-After", "")
    assert answer.status_code == 429
    if retry_after == "date":
        assert abs(email.utils.parsedate_to_datetime(header).timestamp() - clock() - 17) < 3
    else:
        assert header == {"seconds": "17", "none": ""}[retry_after]
    assert answer.json()["RetryAfter"] == (None if retry_after == "none" else 17)


def test_a_401_can_come_once(client: Any) -> None:
    client.simulator.fault("status", code=401, times=1)
    token = client.token()
    assert [client.by_guid(GUID, token).status_code for _ in range(2)] == [401, 200]


@pytest.mark.parametrize("code", [400, 403, 404])
def test_a_status_comes_with_intunes_error_envelope(client: Any, code: int) -> None:
    client.simulator.fault("status", code=code, value=GUID)
    answer = client.by_guid(GUID)
    assert answer.status_code == code
    assert "Activity ID: " in answer.json()["Message"]
    assert client.by_guid(OTHER).status_code == 200


def test_latency_delays_the_answer_and_only_that(client: Any) -> None:
    client.simulator.put_device(GUID)
    token = client.token()
    client.simulator.fault("latency", ms=150)
    began = time.monotonic()
    assert found(client.by_guid(GUID, token)) == [GUID]
    assert time.monotonic() - began >= 0.15


@pytest.mark.slow
def test_a_dripping_answer_outlives_a_read_timeout(client: Any) -> None:
    token = client.token()
    client.simulator.fault("drip", ms=1)
    began = time.monotonic()
    answer = client.session.get(
        f"{client.simulator.compliance_url}/ciscoise/mdminfo/?ise_api_version=3",
        headers={"Authorization": f"Bearer {token}"},
        verify=client.simulator.ca_file,
        timeout=(5, 0.1),
    )
    assert b"Microsoft Intune" in answer.content
    assert time.monotonic() - began > 0.3


def test_a_redirect_names_another_host(client: Any) -> None:
    client.simulator.fault("redirect", location="https://elsewhere.example.test/x")
    answer = client.by_guid(GUID)
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://elsewhere.example.test/x")


def test_a_proxys_page_comes_as_html_with_200(client: Any) -> None:
    client.simulator.fault("body", variant="html")
    answer = client.by_guid(GUID)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html")


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


def test_tokens_can_be_refused_with_any_code(client: Any) -> None:
    client.simulator.fault("token", code=7000222)
    answer = client.ask_token()
    assert (answer.status_code, answer.json()["error_codes"]) == (401, [7000222])


def test_a_fault_of_one_service_spares_the_others(client: Any) -> None:
    client.simulator.fault("status", code=503, service="graph")
    assert client.graph(f"servicePrincipals/appId={INTUNE_APP}/endpoints").status_code == 503
    assert client.by_guid(GUID).status_code == 200


def test_post_to_a_question_is_refused(client: Any) -> None:
    url = f"{client.simulator.compliance_url}/cisco/devices/"
    assert client.session.post(url, data="x", verify=client.simulator.ca_file, timeout=5).status_code == 405


def test_a_peer_that_speaks_no_tls_harms_nobody(client: Any) -> None:
    port = int(client.simulator.base_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as plain:
        plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            plain.recv(100)
    assert client.by_guid(GUID).status_code == 200


@pytest.mark.slow
def test_two_hundred_requests_a_second_are_survived(client: Any) -> None:
    client.simulator.put_device(GUID)
    token = client.token()
    url = f"{client.simulator.compliance_url}/cisco/devices/?paging=0&querycriteria=guid&value={GUID}&filter=all"

    def fifty(_: int) -> int:
        with requests.Session() as session:
            session.trust_env = False
            session.headers["Authorization"] = f"Bearer {token}"
            session.verify = client.simulator.ca_file
            return sum(session.get(url, timeout=10).status_code == 200 for _ in range(50))

    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answered = sum(pool.map(fifty, range(16)))
    assert answered == 800
    assert 800 / (time.monotonic() - began) > 200
