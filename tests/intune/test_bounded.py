"""Connections end at the deadline in every phase; trust comes from the named file alone."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nacd.errors import SourceError
from nacd.intune import bounded
from nacd.intune.bounded import limit, tls_context
from nacd.intune.client import HttpClient, UnreachableError


@pytest.fixture
def mute() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def late(client: HttpClient, url: str, seconds: float = 0.15) -> float:
    started = time.monotonic()
    with pytest.raises(UnreachableError, match="in time"):
        client.send("GET", url, headers={}, until=started + seconds)
    return time.monotonic() - started


@pytest.mark.slow
def test_a_tls_handshake_that_never_comes_is_over_in_time(mute: int, pki: Any) -> None:
    assert late(HttpClient(ca_file=pki.ca_file), f"https://localhost:{mute}/") < 2.0


@pytest.mark.slow
def test_a_proxy_that_never_answers_is_over_in_time(mute: int, pki: Any) -> None:
    client = HttpClient(ca_file=pki.ca_file, proxy=f"http://127.0.0.1:{mute}")
    started = time.monotonic()
    with pytest.raises(UnreachableError):
        client.send("GET", "https://localhost:1/", headers={}, until=started + 0.15)
    assert time.monotonic() - started < 2.0


@pytest.mark.slow
def test_a_name_that_does_not_resolve_in_time_is_over_in_time(pki: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded.socket, "getaddrinfo", lambda *_a, **_k: time.sleep(4) or [])
    started = time.monotonic()
    with pytest.raises(bounded.SourceError, match=r"resolving `slow.test` takes too long"):
        HttpClient(ca_file=pki.ca_file).send("GET", "https://slow.test/", headers={}, until=started + 0.1)
    assert time.monotonic() - started < 2.0


def test_a_name_that_does_not_exist_is_said(pki: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: Any, **_kwargs: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(bounded.socket, "getaddrinfo", unknown)
    with pytest.raises(bounded.SourceError, match=r"`gone.test` cannot be resolved: Name or service not known"):
        HttpClient(ca_file=pki.ca_file).send("GET", "https://gone.test/", headers={}, until=time.monotonic() + 5)


def test_a_name_that_nobody_can_have_is_said(pki: Any) -> None:
    long = "a" * 64 + ".manage.microsoft.com"
    with pytest.raises(SourceError, match="longer than 63 characters"):
        HttpClient(ca_file=pki.ca_file).send("GET", f"https://{long}/", headers={}, until=time.monotonic() + 5)


def test_the_next_address_is_tried_when_one_refuses(microsoft: Any, pki: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., Any] = socket.getaddrinfo
    dead = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 1))
    monkeypatch.setattr(
        bounded.socket, "getaddrinfo", lambda *a, **k: [dead, *real("127.0.0.1", microsoft.port, type=k["type"])]
    )
    answer = HttpClient(ca_file=pki.ca_file).send(
        "GET", microsoft.root + "/devices/", headers={}, until=time.monotonic() + 5
    )
    assert answer.status == 200


def test_limits_nest() -> None:
    with limit(1.0):
        with limit(2.0):
            assert bounded._LIMIT.until == 2.0
        assert bounded._LIMIT.until == 1.0


def test_only_the_named_file_is_trusted(pki: Any) -> None:
    context = tls_context(pki.ca_file)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert len(context.get_ca_certs()) == 1


def test_without_a_file_the_operating_system_decides_and_not_the_environment(
    pki: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", pki.ca_file)
    names = [dict(part[0] for part in found["subject"]) for found in tls_context("").get_ca_certs()]
    assert {"commonName": "ca"} not in names


def test_a_file_that_is_not_there_is_an_error(tmp_path: Any) -> None:
    with pytest.raises(OSError):
        tls_context(str(tmp_path / "none.pem"))
