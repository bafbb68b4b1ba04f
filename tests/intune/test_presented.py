"""What an untrusted server presents is shown, by a connection that sends nothing."""

from __future__ import annotations

import hashlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from nacd.intune import presented as module
from nacd.intune.client import HttpClient, UnreachableError
from nacd.intune.presented import Onlooker, Presented, presented


class Listener:
    """A TLS port that counts its connections and keeps what it is sent."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._context = context
        self.port = self._listening.getsockname()[1]
        self.accepted = 0
        self.received = b""
        self.done = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                raw, _ = self._listening.accept()
            except OSError:
                return
            self.accepted += 1
            raw.settimeout(5)
            try:
                with self._context.wrap_socket(raw, server_side=True) as tls:
                    while octets := tls.recv(4096):
                        self.received += octets
            except OSError:
                raw.close()
            self.done.set()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)  # its thread ends
        self._listening.close()


@pytest.fixture
def chain(pki: Any) -> ssl.SSLContext:
    """A server that presents its certificate and the one above it."""
    folder = Path(pki.ca_file).parent
    both = folder / "chain.pem"
    both.write_bytes((folder / "server.pem").read_bytes() + Path(pki.ca_file).read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context


@pytest.fixture
def listener(chain: ssl.SSLContext) -> Iterator[Listener]:
    made = Listener(chain)
    yield made
    made.close()


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


def test_the_whole_chain_is_seen_and_nothing_is_sent(listener: Listener, pki: Any) -> None:
    seen = presented("localhost", listener.port, soon())
    root = x509.load_pem_x509_certificate(Path(pki.ca_file).read_bytes())
    assert seen.problem == ""
    assert seen.subjects == ("CN=localhost", "CN=ca")
    assert seen.issuers == ("CN=ca", "CN=ca")
    assert seen.fingerprints[-1] == hashlib.sha256(root.public_bytes(Encoding.DER)).hexdigest()
    assert seen.root == "CN=ca"
    assert listener.done.wait(5)
    assert listener.received == b""


def test_the_words_name_issuer_fingerprint_and_missing_root(listener: Listener) -> None:
    seen = presented("localhost", listener.port, soon())
    words = seen.words()
    assert "`CN=localhost`, issued by `CN=ca`" in words
    assert f"sha-256 {seen.fingerprints[-1]}" in words
    assert "the missing root is `CN=ca`" in words
    assert "missing" not in seen.words(root_missing=False)


@pytest.mark.parametrize("kind", ["refused", "plain", "nobody"])
def test_where_nothing_can_be_seen_the_words_say_why(plain: Any, kind: str) -> None:
    host, port = ("localhost", plain.port) if kind == "plain" else ("localhost", 1)
    if kind == "nobody":
        host = "nobody.invalid"
    seen = presented(host, port, soon())
    assert seen.problem
    assert not seen.fingerprints
    assert seen.problem in seen.words()


@pytest.mark.slow
def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        started = time.monotonic()
        seen = presented("localhost", mute.getsockname()[1], started + 0.2)
    assert "did not answer in time" in seen.problem
    assert time.monotonic() - started < 3.0


def test_an_answer_that_comes_from_a_request_says_what_was_presented(listener: Listener, pki: Any) -> None:
    client = HttpClient(ca_file=pki.other_ca_file)
    for _ in range(2):
        with pytest.raises(UnreachableError, match=r"not trusted: .*; it presents .*the missing root is `CN=ca`"):
            client.send("GET", f"https://localhost:{listener.port}/", headers={}, until=soon())
    assert listener.received == b""
    assert listener.accepted == 3  # two that were refused, and one look


def test_a_name_that_does_not_match_is_not_said_to_be_a_missing_root(listener: Listener, pki: Any) -> None:
    client = HttpClient(ca_file=pki.ca_file)
    with pytest.raises(UnreachableError, match="it presents `CN=localhost`") as caught:
        client.send("GET", f"https://127.0.0.1:{listener.port}/", headers={}, until=soon())
    assert "missing root" not in str(caught.value)


def test_a_host_is_looked_at_once_in_ten_minutes(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    onlooker = Onlooker()
    for _ in range(5):
        assert onlooker.look("localhost", listener.port, soon()).root == "CN=ca"
    assert listener.accepted == 1
    monkeypatch.setattr(module, "_AGAIN_S", -1.0)
    assert onlooker.look("localhost", listener.port, soon()).root == "CN=ca"
    assert listener.accepted == 2


def test_sixteen_who_are_refused_at_once_look_once(listener: Listener) -> None:
    onlooker = Onlooker()
    seen: list[Presented] = []
    threads = [
        threading.Thread(target=lambda: seen.append(onlooker.look("localhost", listener.port, soon())))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one.root for one in seen} == {"CN=ca"}
    assert listener.accepted == 1


def test_names_of_strangers_are_shown_without_tricks() -> None:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a\x1b[2J`b\n" + "c" * 40)])
    shown = module._shown(name)
    assert shown.isprintable()
    assert "`" not in shown
    long = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "d" * 64)] * 9)
    assert len(module._shown(long)) <= 160


@pytest.fixture
def proxy(listener: Listener) -> Iterator[tuple[str, list[bytes]]]:
    """A CONNECT proxy that leads to the listener, and what it was asked; it says no to anybody else."""
    asked: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, target: socket.socket) -> None:
        try:
            while octets := source.recv(65_536):
                target.sendall(octets)
        except OSError:
            target.close()

    def serve() -> None:
        while True:
            try:
                near, _ = listening.accept()
            except OSError:
                return
            asked.append(near.recv(4096))
            if b"refused.test" in asked[-1]:
                near.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", listener.port))
            near.sendall(b"HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n")
            threading.Thread(target=pump, args=(near, far), daemon=True).start()
            threading.Thread(target=pump, args=(far, near), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://user:p%40ss@127.0.0.1:{listening.getsockname()[1]}", asked
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


def test_the_look_goes_through_the_proxy(proxy: tuple[str, list[bytes]]) -> None:
    address, asked = proxy
    seen = presented("fef.unit.test", 443, soon(), address)
    assert seen.subjects == ("CN=localhost", "CN=ca")
    assert asked[0].startswith(b"CONNECT fef.unit.test:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic dXNlcjpwQHNz" in asked[0]


def test_a_proxy_that_is_not_there_is_not_taken_for_the_host_behind_it() -> None:
    with socket.socket() as held:  # bound, and nobody listens
        held.bind(("127.0.0.1", 0))
        seen = presented("behind.test", 443, soon(), f"http://127.0.0.1:{held.getsockname()[1]}")
    assert seen.problem == "the proxy `127.0.0.1` cannot be reached: connection refused"


def test_a_proxy_that_says_no_is_said(proxy: tuple[str, list[bytes]]) -> None:
    seen = presented("refused.test", 443, soon(), proxy[0])
    assert seen.problem == "the proxy does not lead to `refused.test`"


def test_the_chain_is_read_by_the_public_name_where_python_has_it(pki: Any) -> None:
    class Later:  # as ssl.SSLSocket is since Python 3.13
        def get_unverified_chain(self) -> list[bytes]:
            return [b"leaf", b"above"]

    class Never:  # a Python with neither name
        def getpeercert(self, binary_form: bool) -> bytes:
            return b"leaf" if binary_form else b""

    assert module._chain(Later()) == [b"leaf", b"above"]  # type: ignore[arg-type]
    assert module._chain(Never()) == [b"leaf"]  # type: ignore[arg-type]
    assert module._named([]).problem == "it presents no certificate"


def test_a_certificate_of_an_odd_version_is_said_to_be_unreadable(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Version 2 is no ValueError to the parser."""
    read = module._chain

    def odd(tls: ssl.SSLSocket) -> list[bytes]:
        return [der.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020101"), 1) for der in read(tls)]

    monkeypatch.setattr(module, "_chain", odd)
    assert presented("localhost", listener.port, soon()).problem == "the certificates of `localhost` cannot be read"


def test_certificates_that_cannot_be_read_are_said(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_chain", lambda _tls: [b"no der"])
    assert presented("localhost", listener.port, soon()).problem == "the certificates of `localhost` cannot be read"
