"""Which certificate the port presents, judged by Python's TLS engine and by openssl's."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
from typing import Any

import pytest
import requests

from nacd.sim.pki import DemoPki
from nacd.sim.presented import CHAINS, server_context


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def shake_hands(simulator: Any, name: str = "localhost") -> str:
    """``""``, or why the certificate was refused."""
    context = ssl.create_default_context(cafile=simulator.ca_file)
    with socket.create_connection(("127.0.0.1", port_of(simulator.base_url)), timeout=5) as plain:
        try:
            context.wrap_socket(plain, server_hostname=name).close()
        except ssl.SSLCertVerificationError as refused:
            return str(refused.verify_message)
    return ""


@pytest.mark.parametrize(
    ("chain", "words"),
    [
        ("unknown_root", "unable to get local issuer certificate"),
        ("expired", "certificate has expired"),
        ("wrong_name", "Hostname mismatch"),
        ("missing_intermediate", "unable to get local issuer certificate"),
    ],
)
def test_a_careful_client_refuses_every_bad_chain(client: Any, chain: str, words: str) -> None:
    assert shake_hands(client.simulator) == ""
    assert client.order("POST", "/tls", {"chain": chain}).status_code == 200
    assert words in shake_hands(client.simulator)
    client.simulator.present("good")
    assert shake_hands(client.simulator) == ""


def test_the_chain_of_a_breaking_proxy_has_two_certificates_and_not_the_good_root(client: Any) -> None:
    client.simulator.present("unknown_root")
    shown = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port_of(client.simulator.base_url)}", "-showcerts"],
        input=b"",
        capture_output=True,
        timeout=20,
        check=False,
    ).stdout.decode()
    assert shown.count("BEGIN CERTIFICATE") == 2
    assert "breaking proxy root" in shown
    assert re.search(r"web root", shown) is None


def test_open_connections_are_cut_when_the_certificate_changes(client: Any) -> None:
    token = client.token()
    client.simulator.present("unknown_root")
    with pytest.raises(requests.exceptions.SSLError):
        client.by_guid("2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954", token)


def test_a_reset_brings_the_good_certificate_back(client: Any) -> None:
    client.simulator.present("expired")
    client.simulator.reset()
    assert shake_hands(client.simulator) == ""


def test_a_bad_chain_outlives_a_closed_port(client: Any) -> None:
    client.simulator.present("wrong_name")
    client.simulator.fault("outage", mode="refused")
    client.simulator.clear_faults()
    assert "Hostname mismatch" in shake_hands(client.simulator)


def test_a_chain_nobody_knows_is_named(demo_pki: DemoPki) -> None:
    with pytest.raises(ValueError, match="`rusty`"):
        server_context("rusty", demo_pki.folder, "localhost")


@pytest.mark.parametrize("chain", CHAINS)
def test_every_chain_can_be_made_for_another_host(demo_pki: DemoPki, chain: str) -> None:
    assert isinstance(server_context(chain, demo_pki.folder, "sim.example.test"), ssl.SSLContext)
