"""The door to HTTP: what it sends, what it believes, and that the environment has no say."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nacd.errors import SourceError
from nacd.intune.client import BODY_LIMIT, HttpAnswer, HttpClient, UnreachableError


def fetch(client: HttpClient, url: str, **more: Any) -> HttpAnswer:
    return client.send("GET", url, headers={"Authorization": "Bearer t"}, until=time.monotonic() + 5, **more)


@pytest.fixture
def client(pki: Any) -> HttpClient:
    return HttpClient(ca_file=pki.ca_file)


def test_the_environment_changes_nothing(
    client: HttpClient, microsoft: Any, pki: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine localhost login thief password loot\nmachine 127.0.0.1 login thief password loot\n")
    netrc.chmod(0o600)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, pki.other_ca_file)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert fetch(HttpClient(ca_file=pki.ca_file), microsoft.root + "/devices/").status == 200
    assert fetch(client, microsoft.root + "/devices/").status == 200
    assert {call.headers["authorization"] for call in microsoft.calls} == {"Bearer t"}


def test_the_environment_cannot_add_trust_either(microsoft: Any, pki: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, pki.ca_file)
    for client in (HttpClient(ca_file=pki.other_ca_file), HttpClient()):
        with pytest.raises(UnreachableError, match="the certificate of `localhost` is not trusted"):
            fetch(client, microsoft.root + "/devices/")
    assert not microsoft.calls


def test_a_certificate_for_another_name_is_not_trusted(client: HttpClient, microsoft: Any) -> None:
    with pytest.raises(UnreachableError, match="not trusted"):
        fetch(client, f"https://127.0.0.1:{microsoft.port}/devices/")


def test_redirects_are_handed_back(client: HttpClient, microsoft: Any, elsewhere: Any, wire: Any) -> None:
    microsoft.say("devices", wire.Said(status=302, headers={"Location": elsewhere.root}))
    assert fetch(client, microsoft.root + "/devices/").status == 302
    assert not elsewhere.calls


@pytest.mark.parametrize("location", ["http://[::1", "https://a:b", "//", "\x00", "http://" + "a" * 70 + ".test/"])
def test_a_redirect_to_what_is_no_address_is_handed_back_too(
    client: HttpClient, microsoft: Any, wire: Any, location: str
) -> None:
    said = wire.Said(status=302, body=b"moved", headers={"Location": location})
    microsoft.say("devices", said)
    assert fetch(client, microsoft.root + "/devices/").body == b"moved"


def test_the_body_of_a_redirect_is_cut_off_like_any_other(client: HttpClient, microsoft: Any, wire: Any) -> None:
    endless = wire.Said(status=302, body=b"x" * (BODY_LIMIT + 1), headers={"Location": microsoft.root})
    microsoft.always("devices", endless)
    with pytest.raises(SourceError, match="longer than"):
        fetch(client, microsoft.root + "/devices/")


def test_a_body_in_impossible_pieces_is_no_answer(client: HttpClient, microsoft: Any, wire: Any) -> None:
    pieces = wire.Said(body=b"-5\r\nhello\r\n0\r\n\r\n", headers={"Transfer-Encoding": "chunked"})
    microsoft.always("devices", pieces)
    with pytest.raises(UnreachableError):
        fetch(client, microsoft.root + "/devices/")


def test_cookies_are_not_kept(client: HttpClient, microsoft: Any, wire: Any) -> None:
    microsoft.say("devices", wire.Said(headers={"Set-Cookie": "a=b; Path=/"}))
    fetch(client, microsoft.root + "/devices/")
    fetch(client, microsoft.root + "/devices/")
    assert "cookie" not in microsoft.last("devices").headers


def test_one_thread_keeps_its_connection(client: HttpClient, microsoft: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch(client, microsoft.root + "/devices/")
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a second connection"))
    fetch(client, microsoft.root + "/devices/")


def test_a_connection_that_was_idle_for_long_is_not_used_again(
    client: HttpClient, microsoft: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected = []
    real = socket.socket.connect
    monkeypatch.setattr(socket.socket, "connect", lambda *args: connected.append(1) or real(*args))
    fetch(client, microsoft.root + "/devices/")
    fetch(client, microsoft.root + "/devices/")
    assert len(connected) == 1
    monkeypatch.setattr("nacd.intune.client._IDLE_S", -1.0)
    assert fetch(client, microsoft.root + "/devices/").status == 200
    assert len(connected) == 2


def test_a_body_without_end_is_cut_off(client: HttpClient, microsoft: Any, wire: Any) -> None:
    microsoft.always("devices", wire.Said(body=b"x" * (BODY_LIMIT + 1)))
    with pytest.raises(SourceError, match="longer than"):
        fetch(client, microsoft.root + "/devices/")


def test_a_body_that_unpacks_without_end_is_cut_off(client: HttpClient, microsoft: Any, wire: Any) -> None:
    bomb = gzip.compress(b"\0" * (BODY_LIMIT * 4))
    microsoft.always("devices", wire.Said(body=bomb, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(SourceError, match="longer than"):
        fetch(client, microsoft.root + "/devices/")


def test_a_body_cut_short_is_no_answer(client: HttpClient, microsoft: Any, wire: Any) -> None:
    microsoft.always("devices", wire.Said(body=b"abc", headers={"Content-Length": "100", "Connection": "close"}))
    with pytest.raises(UnreachableError):
        fetch(client, microsoft.root + "/devices/")


def test_only_https_is_spoken_unless_said_otherwise(client: HttpClient, plain: Any) -> None:
    with pytest.raises(SourceError, match="only over https"):
        fetch(client, f"http://localhost:{plain.port}/devices/")
    assert fetch(client, f"http://localhost:{plain.port}/devices/", local=True).status == 200


def test_a_refused_connection_and_a_wrong_protocol_are_said(client: HttpClient, plain: Any) -> None:
    with pytest.raises(UnreachableError, match="`localhost` refuses the connection"):
        fetch(client, "https://localhost:1/")
    with pytest.raises(UnreachableError, match="tls with `localhost` failed"):
        fetch(client, f"https://localhost:{plain.port}/")


def test_no_time_left_is_said_without_asking(client: HttpClient, microsoft: Any) -> None:
    with pytest.raises(UnreachableError, match="no time left"):
        client.send("GET", microsoft.root, headers={}, until=time.monotonic() - 1)
    assert not microsoft.calls


def test_the_content_type_is_read_without_its_parameters() -> None:
    assert HttpAnswer(status=200, headers={"content-type": "Text/XML; charset=utf-8"}).content_type == "text/xml"
    assert HttpAnswer(status=200).content_type == ""


@pytest.fixture
def proxy(microsoft: Any) -> Iterator[tuple[str, list[bytes]]]:
    """A CONNECT proxy; what it was asked is kept."""
    asked: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, target: socket.socket) -> None:
        try:
            while octets := source.recv(65_536):
                target.sendall(octets)
        except OSError:
            target.close()

    def serve() -> None:
        near, _ = listening.accept()
        asked.append(near.recv(4096))
        far = socket.create_connection(("127.0.0.1", microsoft.port))
        near.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        threading.Thread(target=pump, args=(near, far), daemon=True).start()
        pump(far, near)

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://user:pass@127.0.0.1:{listening.getsockname()[1]}", asked
    listening.shutdown(socket.SHUT_RDWR)  # its thread ends
    listening.close()


def test_the_proxy_of_the_options_is_used_and_sees_no_token(
    proxy: tuple[str, list[bytes]], microsoft: Any, pki: Any
) -> None:
    address, asked = proxy
    assert fetch(HttpClient(ca_file=pki.ca_file, proxy=address), microsoft.root + "/devices/").status == 200
    assert asked[0].startswith(f"CONNECT localhost:{microsoft.port} HTTP/1.".encode())
    assert b"Proxy-Authorization: Basic" in asked[0]
    assert b"Bearer" not in asked[0]


def test_a_proxy_is_reached_by_its_ipv6_address(pki: Any) -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listening:
        asked: list[bytes] = []

        def serve() -> None:
            near, _ = listening.accept()
            with near:
                asked.append(near.recv(4096))
                near.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        client = HttpClient(ca_file=pki.ca_file, proxy=f"http://[::1]:{listening.getsockname()[1]}")
        with pytest.raises(UnreachableError, match="the proxy does not lead to `localhost`"):
            fetch(client, "https://localhost:2/")
        serving.join(10)
    assert asked[0].startswith(b"CONNECT localhost:2 HTTP/1.")


def test_a_proxy_that_is_not_there_is_said_without_its_password(pki: Any) -> None:
    client = HttpClient(ca_file=pki.ca_file, proxy="http://user:hunter2@127.0.0.1:1")
    with pytest.raises(UnreachableError, match="proxy") as caught:
        fetch(client, "https://localhost:2/")
    assert "hunter2" not in str(caught.value)
