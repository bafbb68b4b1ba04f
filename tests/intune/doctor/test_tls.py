"""Handshakes with good servers and with everything that stands in their way."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nacd.intune.doctor.tls import handshakes, roots
from tests.intune.doctor.conftest import soon, whole


def host_of(sim: Any) -> str:
    return str(sim.unit_hosts[0])


Server = Callable[[Callable[[socket.socket], None]], str]


@pytest.fixture
def server() -> Iterator[Server]:
    """``server(talk)``: ``localhost:port`` of a listener that does with each connection what ``talk`` does."""
    listeners: list[socket.socket] = []

    def listen(talk: Callable[[socket.socket], None]) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    talk(connection)

        threading.Thread(target=serve, daemon=True).start()
        return f"localhost:{listener.getsockname()[1]}"

    yield listen
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def test_a_good_handshake_shows_version_cipher_and_issuer(sim: Any, options: Any) -> None:
    found, _ = handshakes((host_of(sim),), options(), soon())
    assert found.status == "ok"
    assert re.fullmatch(rf"{host_of(sim)}  TLSv1\.3, TLS_\w+, issued by .*nacd demo.*", found.detail)


def test_an_unknown_root_is_shown_with_the_chain_the_fingerprints_and_the_root_that_is_missing(
    sim: Any, options: Any
) -> None:
    sim.present("unknown_root")
    found, _ = handshakes((host_of(sim),), options(), soon())
    assert found.status == "failed"
    assert "the certificate is not trusted: unable to get local issuer certificate" in found.detail
    assert len(re.findall(r"sha-256 [0-9a-f]{64}", found.detail)) == 2
    (missing,) = re.findall(r"missing root: (.+)", found.detail)
    assert found.detail.count(f"issued by {missing}") == 1  # of the topmost certificate
    assert "Microsoft does not support tls inspection on these hosts" in found.fix
    assert f"Put the missing root into `ca_file` ({sim.ca_file})" in found.fix


def test_without_a_ca_file_the_root_belongs_into_the_systems_store(sim: Any, options: Any) -> None:
    found, _ = handshakes((host_of(sim),), options(ca_file=""), soon())
    assert found.status == "failed"
    assert "the operating system's trust store" in found.fix


def test_an_expired_certificate_asks_after_the_clock(sim: Any, options: Any) -> None:
    sim.present("expired")
    found, _ = handshakes((host_of(sim),), options(), soon())
    assert found.status == "failed"
    assert "certificate has expired" in found.detail
    assert "missing root" not in found.detail
    assert re.match(
        r"this machine says it is \d{4}-\d\d-\d\d \d\d:\d\d UTC: if that is wrong, set the clock", found.fix
    )


def test_a_certificate_for_another_name_is_another_server(sim: Any, options: Any) -> None:
    sim.present("wrong_name")
    found, _ = handshakes((host_of(sim),), options(), soon())
    assert found.status == "failed"
    assert "Hostname mismatch" in found.detail
    assert "missing root" not in found.detail
    assert found.fix.startswith("another server answers for this name")


def test_a_server_that_speaks_no_tls_is_told(server: Server, options: Any) -> None:
    def say_hello(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        connection.recv(4096)

    found, _ = handshakes((server(say_hello),), options(), soon())
    assert found.status == "failed"
    assert "tls failed: wrong version number" in found.detail
    assert "openssl s_client -connect localhost:" in found.fix


def test_a_port_that_nobody_listens_on_is_told(sim: Any, options: Any) -> None:
    sim.fault("outage", mode="refused")
    found, _ = handshakes((host_of(sim),), options(), soon())
    assert found.status == "failed"
    assert "cannot be reached: connection refused" in found.detail
    assert f"let this machine reach `{host_of(sim)}` (tcp, port {host_of(sim).partition(':')[2]})" in found.fix


def test_a_server_that_never_answers_is_given_up_in_time(sim: Any, options: Any) -> None:
    sim.fault("outage", mode="silent")
    found, _ = handshakes((host_of(sim), sim.unit_hosts[1]), options(), soon(2.0))
    assert found.status == "failed"
    assert found.detail.count("does not answer in time") == 2
    assert "firewall" in found.fix


def test_every_host_is_told_when_one_is_bad(sim: Any, options: Any, server: Server) -> None:
    bad = server(lambda connection: None)
    found, deaf = handshakes((host_of(sim), bad), options(), soon())
    assert found.status == "failed"
    assert deaf == {bad}
    good_line, bad_line = found.detail.splitlines()
    assert "TLSv1.3" in good_line
    assert bad_line.startswith(bad)


def test_a_proxy_that_does_not_lead_there_is_told_without_its_password(sim: Any, options: Any, server: Server) -> None:
    def refuse(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")

    proxy = f"http://nacd:planted-proxy-password@{server(refuse)}"
    found, _ = handshakes((host_of(sim),), options(proxy=proxy), soon())
    assert found.status == "failed"
    assert "the proxy does not lead to `localhost`" in found.detail
    assert f"the proxy must allow `CONNECT {host_of(sim)}`" in found.fix
    assert "planted" not in whole(found)


def test_trusted_roots_are_counted(options: Any) -> None:
    found = roots(options())
    assert found.status == "ok"
    assert found.detail.startswith("1 root in ")


def test_a_ca_file_without_certificates_is_an_error(options: Any, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing here\n")
    with pytest.raises(OSError, match=r".*"):
        roots(options(ca_file=str(tmp_path / "empty.pem")))
