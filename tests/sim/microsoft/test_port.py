"""The HTTPS port, asked by requests and by bare sockets."""

from __future__ import annotations

import concurrent.futures
import contextlib
import email.utils
import errno
import select
import socket
import ssl
import time
from typing import Any

import pytest
import requests

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
OTHER = "7b0e5d92-41c6-4f38-a1d7-90c2e6f4b813"


def test_every_answer_says_it_is_a_simulator(client: Any) -> None:
    answer = client.by_guid(GUID)
    assert answer.headers["X-Simulator"] == "nacd"
    assert "not Microsoft" in answer.headers["Server"]


def test_the_request_id_comes_back_and_stands_in_the_history(client: Any) -> None:
    client.session.headers.update({"client-request-id": "abc-1", "User-Agent": "tester/1"})
    assert client.by_guid(GUID).headers["client-request-id"] == "abc-1"
    (seen,) = client.simulator.history("guid")
    assert (seen.request_id, seen.user_agent, seen.value, seen.status) == ("abc-1", "tester/1", GUID, 200)


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


def test_a_peer_that_speaks_no_tls_harms_nobody(client: Any) -> None:
    port = int(client.simulator.base_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as plain:
        plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            plain.recv(100)
    assert client.by_guid(GUID).status_code == 200


@pytest.mark.slow
def test_sixteen_connections_that_are_kept_alive_are_all_answered(client: Any) -> None:
    client.simulator.put_device(GUID)
    token = client.token()
    url = f"{client.simulator.compliance_url}/cisco/devices/?paging=0&querycriteria=guid&value={GUID}&filter=all"

    def fifty(_: int) -> int:
        with requests.Session() as session:
            session.trust_env = False
            session.headers["Authorization"] = f"Bearer {token}"
            session.verify = client.simulator.ca_file
            return sum(session.get(url, timeout=10).status_code == 200 for _ in range(50))

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(fifty, range(16))) == 800
    assert client.simulator.state.counts()["guid"] == {"200": 800}


@pytest.mark.parametrize("offset_s", [0.0, -7200.0, 86_400.0])
def test_every_date_header_is_of_the_simulators_clock(client: Any, offset_s: float) -> None:
    client.simulator.tune(clock_offset_s=offset_s)
    url = f"{client.simulator.authority}/v2.0/.well-known/openid-configuration"
    for answer in (client.get(url), client.by_guid(GUID)):
        told = email.utils.parsedate_to_datetime(answer.headers["Date"]).timestamp()
        assert abs(told - time.time() - offset_s) < 10


def test_the_history_is_on_the_machines_clock(client: Any) -> None:
    client.simulator.tune(clock_offset_s=86_400.0)
    client.simulator.fault("latency", ms=50)
    before = time.time()
    client.by_guid(GUID)
    (seen,) = client.simulator.history("guid")
    assert before <= seen.at <= seen.answered_at - 0.05 <= time.time()


def test_a_silent_port_takes_connections_and_says_nothing(client: Any) -> None:
    token = client.token()
    client.by_guid(GUID, token)
    client.simulator.fault("outage", mode="silent")
    url = f"{client.simulator.compliance_url}/ciscoise/mdminfo/?ise_api_version=3"
    with pytest.raises(requests.Timeout):  # the kept-alive connection is cut, and a new one gets nowhere
        client.session.get(url, verify=client.simulator.ca_file, timeout=0.3)
    port = int(client.simulator.base_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as plain:
        context = ssl.create_default_context(cafile=client.simulator.ca_file)
        plain.settimeout(0.2)
        with pytest.raises(TimeoutError):
            context.wrap_socket(plain, server_hostname="localhost")
    client.simulator.clear_faults()
    assert client.by_guid(GUID, token).status_code == 200
