"""The simulator as a whole: its ports, its door for orders, its scene."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from nacd.sim.intune import IntuneSimulator, obey
from nacd.sim.pki import DemoPki

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])


def test_it_listens_beyond_loopback_only_when_forced() -> None:
    with pytest.raises(ValueError, match=r"`0\.0\.0\.0`"):
        IntuneSimulator(host="0.0.0.0")
    IntuneSimulator(host="0.0.0.0", force=True)


def test_both_ports_are_on_loopback(simulator: IntuneSimulator) -> None:
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    listening = {line.split()[1] for line in lines if line.split()[3] == "0A"}
    for url in (simulator.base_url, simulator.management_url):
        assert f"0100007F:{port_of(url):04X}" in listening


def test_without_a_folder_it_makes_its_own_pki_and_forgets_it() -> None:
    with IntuneSimulator() as simulator:
        ca_file = Path(simulator.ca_file)
        session = requests.Session()
        session.trust_env = False
        answer = session.get(f"{simulator.authority}/v2.0/.well-known/openid-configuration", verify=str(ca_file))
        assert answer.json()["token_endpoint"] == f"{simulator.authority}/oauth2/v2.0/token"
    assert not ca_file.exists()
    with pytest.raises(RuntimeError):
        _ = simulator.management_url


def test_the_door_says_what_this_is(client: Any) -> None:
    answer = client.order("GET", "/").json()
    assert "not Microsoft" in answer["simulator"]
    assert answer["base_url"] == client.simulator.base_url
    assert "latency" in answer["faults"]


def test_a_device_is_set_changed_and_removed_through_the_door(client: Any) -> None:
    made = client.order("PUT", "/devices", {"guid": GUID, "macs": ["00:26:b4:24:fe:b4"], "compliant": False})
    assert (made.status_code, made.json()["macs"]) == (200, ["0026B424FEB4"])
    client.order("PUT", "/devices", {"guid": GUID, "compliant": True})
    (listed,) = client.order("GET", "/devices").json()
    assert (listed["macs"], listed["compliant"]) == (["0026B424FEB4"], True)
    assert client.order("DELETE", f"/devices/{GUID}").json() == {"removed": True}
    assert client.order("GET", "/devices").json() == []


def test_faults_tuning_history_and_reset_go_through_the_door(client: Any) -> None:
    assert client.order("POST", "/faults", {"kind": "status", "code": 500}).json() == {"on": "status 500"}
    assert client.order("POST", "/tuning", {"page_size": 3}).json()["page_size"] == 3
    assert client.by_guid(GUID).status_code == 500
    (seen,) = client.order("GET", "/history?kind=guid").json()
    assert (seen["value"], seen["status"], seen["fault"]) == (GUID, 500, "status 500")
    assert client.order("DELETE", "/faults/status").json() == {"on": []}
    client.order("DELETE", "/history")
    assert client.order("GET", "/history").json() == []
    client.order("POST", "/reset")
    assert client.order("GET", "/tuning").json()["page_size"] == 100


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("PUT", "/devices", {"guid": "x"}, 400, "`x` is no GUID"),
        ("PUT", "/devices", [1], 400, "JSON object"),
        ("POST", "/faults", {"kind": "poem"}, 400, "unknown fault `poem`"),
        ("POST", "/faults", {"kind": "busy", "times": "a"}, 400, "`times`"),
        ("POST", "/move", {"old": "x"}, 400, "not `x`"),
        ("GET", "/coffee", None, 404, "no order"),
    ],
)
def test_a_wrong_order_is_refused_in_words(
    client: Any, method: str, path: str, body: object, status: int, words: str
) -> None:
    answer = client.order(method, path, body)
    assert answer.status_code == status
    assert words in answer.json()["error"]


def test_broken_json_is_refused(client: Any) -> None:
    answer = client.session.put(f"{client.simulator.management_url}/devices", data="{", timeout=5)
    assert answer.status_code == 400


def test_a_web_page_under_another_name_gives_no_orders(client: Any) -> None:
    assert client.order("POST", "/reset", Host="evil.example.test:80").status_code == 403


def test_a_refused_outage_closes_the_port_and_clearing_opens_it_again(client: Any) -> None:
    token = client.token()
    client.by_guid(GUID, token)
    client.simulator.fault("outage", mode="refused")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port_of(client.simulator.base_url)), timeout=2)
    with pytest.raises(requests.ConnectionError):  # the kept-alive connection is cut as well
        client.by_guid(GUID, token)
    client.simulator.clear_faults("latency")
    with pytest.raises(requests.ConnectionError):
        client.by_guid(GUID, token)
    client.simulator.clear_faults()
    assert client.by_guid(GUID, token).status_code == 200


@pytest.mark.parametrize(("old", "status"), [("404", 404), ("redirect", 301)])
def test_a_moved_scale_unit_answers_at_the_new_place_only(client: Any, old: str, status: int) -> None:
    client.simulator.put_device(GUID)
    before = client.simulator.compliance_url
    token = client.token()
    after = client.simulator.move_scale_unit(old)
    question = f"/cisco/devices/?paging=0&querycriteria=guid&value={GUID}&filter=all"
    rows = client.graph("servicePrincipals/appId=0000000a-0000-0000-c000-000000000000/endpoints").json()["value"]
    assert rows[1]["uri"] == after != before
    assert [url.split("/")[2] for url in (before, after)] == list(client.simulator.unit_hosts)
    assert client.get(before + question, token).status_code == status
    assert client.get(after + question, token).status_code == 200
    client.simulator.reset()
    assert client.get(before + question, token).status_code == 200


def test_moving_twice_comes_home(simulator: IntuneSimulator) -> None:
    before = simulator.compliance_url
    assert simulator.move_scale_unit() != before
    assert simulator.move_scale_unit() == before


def test_a_moved_scale_unit_can_reset_connections_at_the_old_place(client: Any) -> None:
    before, token = client.simulator.compliance_url, client.token()
    client.simulator.move_scale_unit("reset")
    with pytest.raises(requests.ConnectionError):
        client.get(f"{before}/ciscoise/mdminfo/?ise_api_version=3", token)


def test_stopping_does_not_wait_for_a_slow_answer(demo_pki: DemoPki) -> None:
    simulator = IntuneSimulator(demo_pki.folder)
    simulator.start()
    simulator.fault("latency", ms=60_000, service="all")
    url, ca_file = f"{simulator.authority}/v2.0/.well-known/openid-configuration", simulator.ca_file

    def ask() -> None:
        session = requests.Session()
        session.trust_env = False
        try:
            session.get(url, verify=ca_file, timeout=30)
        except requests.ConnectionError:
            return

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.2)  # long enough for the question to be inside
    began = time.monotonic()
    simulator.stop()
    asking.join(5)
    assert time.monotonic() - began < 2
    assert not asking.is_alive()


def test_orders_can_be_given_without_http(simulator: IntuneSimulator) -> None:
    assert obey(simulator, "PUT", "/devices", {"guid": GUID})["guid"] == GUID  # type: ignore[index]
    with pytest.raises(LookupError):
        obey(simulator, "PATCH", "/devices", {})
