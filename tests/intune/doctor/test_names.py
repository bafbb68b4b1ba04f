"""Names and their addresses. The resolver is the system's own, or one that fails as the system's does."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from nacd.intune.doctor.names import addresses
from tests.intune.doctor.conftest import soon


def answering(*found: str) -> Any:
    return lambda _host, port, **_: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]


def refusing(number: int) -> Any:
    def resolve(*_: object, **__: object) -> Any:
        raise socket.gaierror(number, "words of the c library")

    return resolve


def test_a_name_is_shown_with_its_addresses() -> None:
    found = addresses(("localhost",), soon(), public=False)
    assert found.status == "ok"
    assert "localhost" in found.detail
    assert "127.0.0.1" in found.detail or "::1" in found.detail


def test_many_addresses_are_counted() -> None:
    found = addresses(("a.test",), soon(), public=True, resolver=answering(*(f"20.190.0.{n}" for n in range(9))))
    assert "20.190.0.5 and 3 more" in found.detail


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (socket.EAI_NONAME, "there is no such name"),
        (socket.EAI_AGAIN, "no name server answers"),
        (socket.EAI_FAIL, "words of the c library"),
    ],
)
def test_what_the_resolver_says_is_put_into_words(number: int, words: str) -> None:
    found = addresses(("login.test",), soon(), public=True, resolver=refusing(number))
    assert found.status == "failed"
    assert found.detail == f"login.test  {words}"
    assert "/etc/resolv.conf" in found.fix
    assert "`getent ahosts login.test`" in found.fix


def test_a_resolver_that_is_stuck_is_not_waited_for() -> None:
    release = threading.Event()

    def stuck(*_: object, **__: object) -> Any:
        release.wait(30)
        return []

    try:
        found = addresses(("a.test",), soon(0.1), public=True, resolver=stuck)
    finally:
        release.set()
    assert found.status == "failed"
    assert found.detail == "a.test  no answer in time"


def test_every_name_is_told_when_one_is_missing() -> None:
    def half(host: str, port: int, **more: Any) -> Any:
        return (refusing(socket.EAI_NONAME) if host == "bad.test" else answering("20.190.0.1"))(host, port, **more)

    found = addresses(("good.test", "bad.test"), soon(), public=True, resolver=half)
    assert found.status == "failed"
    assert found.detail.splitlines() == ["good.test  20.190.0.1", "bad.test  there is no such name"]
    assert "bad.test" in found.fix


@pytest.mark.parametrize("address", ["10.0.0.1", "0.0.0.0", "127.0.0.1", "fe80::1%eth0"])
def test_microsoft_at_a_private_address_is_remarkable(address: str) -> None:
    found = addresses(("login.test",), soon(), public=True, resolver=answering(address))
    assert found.status == "warning"
    assert "`login.test` has no public address" in found.fix


def test_a_private_address_is_well_for_a_cloud_of_ones_own() -> None:
    assert addresses(("login.test",), soon(), public=False, resolver=answering("10.0.0.1")).status == "ok"
