"""Sockets that ask: source address, answers, ICMP errors."""

from __future__ import annotations

import select
import socket
from contextlib import closing

import pytest

from nacd.server.dac import sockets
from nacd.server.dac.sockets import Address
from tests.conftest import unavailable


def readable(sock: socket.socket) -> bool:
    """Within five seconds, also when only its error queue has something."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(5_000))


def dead_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("source", ["127.0.0.1", "127.0.0.44", ""])
def test_a_datagram_leaves_from_the_source_address_and_its_answer_comes_back(source: str) -> None:
    with (
        closing(sockets.open_from(source, socket.AF_INET)) as ours,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nas,
    ):
        nas.bind(("127.0.0.1", 0))
        nas.settimeout(5)
        sockets.send(ours, b"question", *nas.getsockname())
        octets, back = nas.recvfrom(100)
        assert (octets, back) == (b"question", (source or "127.0.0.1", ours.getsockname()[1]))
        nas.sendto(b"answer", back)
        assert readable(ours)
        assert sockets.receive(ours) == (b"answer", Address(*nas.getsockname()))
        with pytest.raises(BlockingIOError):
            sockets.receive(ours)


def test_an_icmp_error_names_what_was_sent_and_where_to() -> None:
    with closing(sockets.open_from("127.0.0.1", socket.AF_INET)) as ours:
        port = dead_port()
        sockets.send(ours, b"\x28\x07 the whole request", "127.0.0.1", port)
        assert readable(ours)
        ((sent, to),) = sockets.refusals(ours)
        assert sent.startswith(b"\x28\x07")
        assert to == Address("127.0.0.1", port)
        assert sockets.refusals(ours) == []


def test_an_icmp_error_about_one_nas_does_not_stop_a_datagram_to_another() -> None:
    with (
        closing(sockets.open_from("127.0.0.1", socket.AF_INET)) as ours,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nas,
    ):
        nas.bind(("127.0.0.1", 0))
        nas.settimeout(5)
        sockets.send(ours, b"lost", "127.0.0.1", dead_port())
        assert readable(ours)
        sockets.send(ours, b"arrives", *nas.getsockname())
        assert nas.recv(100) == b"arrives"


def test_icmp_errors_over_ipv6_are_told_too(has_ipv6: bool) -> None:
    if not has_ipv6:
        unavailable("this machine has no ::1")
    with closing(sockets.open_from("", socket.AF_INET6)) as ours:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
            port = probe.getsockname()[1]
        sockets.send(ours, b"\x28\x07", "::1", port)
        assert readable(ours)
        assert sockets.refusals(ours) == [(b"\x28\x07", Address("::1", port))]


@pytest.mark.parametrize(
    ("host", "plain"),
    [("127.0.0.1", "127.0.0.1"), ("0:0:0:0:0:0:0:1", "::1"), ("FE80::1%lo", "fe80::1"), ("::ffff:1.2.3.4", "")],
)
def test_addresses_are_spelled_as_the_kernel_spells_them(host: str, plain: str) -> None:
    assert sockets.address(host, 1) == Address(plain or host, 1)


@pytest.mark.parametrize("host", ["switch", "", "1.2.3", "1.2.3.4.5", "::g"])
def test_what_is_no_address_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="no IP address"):
        sockets.address(host, 1)


def test_a_source_address_that_is_not_ours_is_an_error_and_leaks_no_socket() -> None:
    with pytest.raises(OSError, match="assign"):
        sockets.open_from("192.0.2.77", socket.AF_INET)
