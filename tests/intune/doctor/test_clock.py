"""The clock against Microsoft's."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest

from nacd.intune.client import HttpClient
from nacd.intune.cloud import cloud
from nacd.intune.doctor.clock import skew
from tests.intune.doctor.conftest import soon, whole


def test_a_clock_that_agrees_is_well(options: Any, http: HttpClient) -> None:
    found = skew(http, options(), soon())
    assert found.status == "ok"
    assert found.fix == ""


@pytest.mark.parametrize(
    ("there_s", "status", "words"),
    [
        (30.0, "ok", "30 s off"),
        (130.0, "warning", "2 minutes behind `localhost:"),
        (-130.0, "warning", "2 minutes ahead of `localhost:"),
        (600.0, "failed", "10 minutes behind `localhost:"),
        (-8_000.0, "failed", "2 hours ahead of `localhost:"),
        (40 * 86_400.0, "failed", "40 days behind `localhost:"),
    ],
)
def test_a_clock_that_is_off_is_told_by_how_much_and_which_way(
    sim: Any, options: Any, http: HttpClient, there_s: float, status: str, words: str
) -> None:
    sim.tune(clock_offset_s=there_s)
    found = skew(http, options(), soon())
    assert found.status == status
    assert words in found.detail or (status == "ok" and found.detail in ("29 s off", "31 s off"))
    assert ("timedatectl" in found.fix) is (status != "ok")


def test_a_clock_too_far_off_is_named_with_the_code_that_it_leads_to(sim: Any, options: Any, http: HttpClient) -> None:
    sim.tune(clock_offset_s=-400.0)
    assert "AADSTS700024" in skew(http, options(), soon()).detail


def test_a_login_service_that_cannot_be_asked_leaves_the_clock_unmeasured(sim: Any, options: Any) -> None:
    sim.fault("outage", mode="refused")
    found = skew(HttpClient(ca_file=sim.ca_file), options(), soon())
    assert found.status == "skipped"
    assert "not measured: `localhost` refuses the connection" in found.detail
    assert f"this machine says it is {time.strftime('%Y-', time.gmtime())}" in found.detail


def test_an_untrusted_chain_is_not_told_twice(sim: Any, options: Any) -> None:
    sim.present("unknown_root")
    found = skew(HttpClient(ca_file=sim.ca_file), options(), soon())
    assert found.status == "skipped"
    assert "is not trusted" in found.detail
    assert "sha-256" not in whole(found)


def test_an_answer_without_a_date_leaves_it_unmeasured(pki: Any, options: Any) -> None:
    def serve(listener: socket.socket) -> None:
        with pki.server.wrap_socket(listener.accept()[0], server_side=True) as tls:
            tls.recv(4096)
            tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        root = f"https://localhost:{listener.getsockname()[1]}"
        roots = {"login": root, "graph": root, "resource": "https://api.manage.test/"}
        wanted = options(cloud=cloud("custom", roots))
        found = skew(HttpClient(ca_file=pki.ca_file), wanted, soon())
    assert found.status == "warning"
    assert "carries no date" in found.detail
    assert "proxy" in found.fix
