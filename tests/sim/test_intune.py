"""The simulator as a whole: its ports, its scene, and two of them side by side."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from nacd.sim.intune import IntuneSimulator
from nacd.sim.microsoft.state import App
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


@pytest.mark.parametrize("old", ["404", "reset"])
def test_a_moved_scale_unit_answers_again_where_discovery_says(client: Any, old: str) -> None:
    client.simulator.put_device(GUID)
    client.order("POST", "/move", {"old": old})
    assert client.by_guid(GUID).status_code == 200
    assert client.simulator.history("guid")[-1].said == f"{GUID}=compliant"


def test_an_old_unit_may_refuse_connections_when_it_is_the_second_one(client: Any) -> None:
    with pytest.raises(ValueError, match="sign-in and Graph too"):
        client.simulator.move_scale_unit("refused")
    second = client.simulator.move_scale_unit()
    first = client.simulator.move_scale_unit("refused")
    port = int(second.split(":")[2].partition("/")[0])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=2)
    client.simulator.clear_faults()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=2)
    assert client.simulator.compliance_url == first
    assert client.by_guid(GUID).status_code == 200
    client.simulator.reset()
    socket.create_connection(("127.0.0.1", port), timeout=2).close()


def test_two_tenants_live_side_by_side_and_know_nothing_of_each_other(demo_pki: DemoPki, client: Any) -> None:
    other_app = App(client_id="00000000-0000-4000-8000-0000000000bb", secret="other")
    with IntuneSimulator(demo_pki.folder, tenant="fabrikam.example", app=other_app) as other:
        assert other.tenant_id != client.simulator.tenant_id
        client.simulator.put_device(GUID, compliant=True)
        other.put_device(GUID, compliant=False)
        there = type(client)(other, client.session)
        answer = there.ask_token("fabrikam.example", client_id=other_app.client_id, client_secret="other")
        token = answer.json()["access_token"]
        assert b"<status>false<" in there.by_guid(GUID, token).content
        assert b"<status>true<" in client.by_guid(GUID).content
        assert client.by_guid(GUID, token).status_code == 401
        assert client.ask_token("fabrikam.example").json()["error_codes"] == [90002]
        other.fault("outage", mode="refused")
        assert client.by_guid(GUID).status_code == 200
        assert [len(one.history("guid")) for one in (other, client.simulator)] == [1, 3]


def test_a_tenant_may_have_a_guid_of_its_own(demo_pki: DemoPki) -> None:
    assert IntuneSimulator(demo_pki.folder, tenant_id=GUID).tenant_id == GUID


def test_a_fault_and_a_knob_hold_while_it_is_asked_by_many(client: Any) -> None:
    """The scene is changed while sixteen threads ask: no answer is half of one state and half of another."""
    client.simulator.put_device(GUID, compliant=True)
    token, wrong = client.token(), list[str]()

    def ask() -> None:
        session = requests.Session()
        session.trust_env = False
        for _ in range(20):
            text = type(client)(client.simulator, session).by_guid(GUID, token).text
            if not ("<status>true<" in text or "<status>false<" in text):
                wrong.append(text)

    asking = [threading.Thread(target=ask) for _ in range(16)]
    for thread in asking:
        thread.start()
    for number in range(50):
        client.simulator.change_device(GUID, compliant=bool(number % 2))
    for thread in asking:
        thread.join(30)
    assert wrong == []
    said = [(seen.at, seen.answered_at, seen.said) for seen in client.simulator.history("guid")]
    assert len(said) == 320
    for at, answered_at, words in said:
        past = client.simulator.past(GUID)
        then = {one.compliant for one in past if at <= one.at <= answered_at}
        then.add(client.simulator.at_time(GUID, at).compliant)
        assert (words == f"{GUID}=compliant") in then
