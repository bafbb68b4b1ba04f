"""What whoever started the daemon is told, octet by octet, with a socket of the test's own."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from nacd.server.service.notify import Notify, from_environment


class Ear:
    """A supervisor's socket."""

    def __init__(self, name: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{name[1:]}" if name.startswith("@") else name)
        self._socket.settimeout(2)

    def heard(self) -> list[str]:
        """The next datagram, by its lines."""
        return self._socket.recv(65536).decode().split("\n")

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["a path", "an abstract name"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "notify") if request.param == "a path" else f"@nacd-test-{uuid.uuid4().hex}"


@pytest.fixture
def ear(address: str) -> Iterator[Ear]:
    made = Ear(address)
    yield made
    made.close()


def test_words_go_out_as_lines_of_one_datagram(address: str, ear: Ear) -> None:
    assert Notify(address).say(READY=1, STATUS="serving")
    assert ear.heard() == ["READY=1", "STATUS=serving"]


def test_a_line_break_in_a_value_begins_no_word_of_its_own(address: str, ear: Ear) -> None:
    Notify(address).say(STATUS="a\nWATCHDOG=trigger\r\n b")
    assert ear.heard() == ["STATUS=a WATCHDOG=trigger b"]


def test_more_time_is_asked_for_in_microseconds(address: str, ear: Ear) -> None:
    Notify(address).longer(2.5)
    assert ear.heard() == ["EXTEND_TIMEOUT_USEC=2500000"]


def test_nobody_is_told_when_nobody_is_named() -> None:
    silent = Notify()
    assert not silent.is_heard
    assert not silent.say(READY=1)


@pytest.mark.parametrize("wrong", ["notify", "", "@", "/"])
def test_an_address_that_is_none_is_nobody(wrong: str) -> None:
    assert not Notify(wrong).is_heard


def test_a_supervisor_that_is_gone_is_no_error(tmp_path: Path) -> None:
    assert not Notify(str(tmp_path / "gone")).say(READY=1)


def test_a_supervisor_that_does_not_read_keeps_nobody_waiting(address: str, ear: Ear) -> None:
    notify = Notify(address)
    told = [notify.say(WATCHDOG=1) for _ in range(10_000)]
    assert told[0]
    assert not told[-1]


def test_the_environment_is_read_once_and_children_do_not_inherit_it() -> None:
    environment = {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "77", "HOME": "/"}
    notify = from_environment(environment, pid=77)
    assert notify.is_heard
    assert notify.watchdog_s == 30.0
    assert environment == {"HOME": "/"}


@pytest.mark.parametrize(
    "environment",
    [
        {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "78"},
        {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "soon"},
        {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "²"},
        {"NOTIFY_SOCKET": "@x"},
        {"WATCHDOG_USEC": "30000000"},
    ],
)
def test_a_watchdog_that_is_not_ours_is_not_fed(environment: dict[str, str]) -> None:
    assert from_environment(environment, pid=77).watchdog_s == 0.0
