"""Answers leave from the address that was asked."""

import socket

import pytest

from nacd.server import sockets


def exchange(bound_to: str, asked_at: str, family: socket.AddressFamily) -> tuple[bytes, str]:
    server = sockets.bind(bound_to, 0)
    client = socket.socket(family, socket.SOCK_DGRAM)
    client.settimeout(2)
    with server, client:
        client.sendto(b"hello", (asked_at, server.getsockname()[1]))
        server.setblocking(True)
        octets, path = sockets.receive(server)
        assert octets == b"hello"
        path.send(b"world")
        answer, source = client.recvfrom(100)
        assert path.port == client.getsockname()[1]
        return answer, source[0]


@pytest.mark.parametrize("asked_at", ["127.0.0.1", "127.0.0.2", "127.1.2.3"])
def test_a_wildcard_socket_answers_from_the_ipv4_address_that_was_asked(asked_at: str) -> None:
    assert exchange("0.0.0.0", asked_at, socket.AF_INET) == (b"world", asked_at)


def test_a_wildcard_ipv6_socket_answers_from_the_address_that_was_asked() -> None:
    assert exchange("::", "::1", socket.AF_INET6) == (b"world", "::1")


def test_an_empty_socket_blocks_nobody() -> None:
    with sockets.bind("127.0.0.1", 0) as sock, pytest.raises(BlockingIOError):
        sockets.receive(sock)


def test_no_second_daemon_takes_the_same_port() -> None:
    with sockets.bind("127.0.0.1", 0) as first, pytest.raises(OSError, match="in use"):
        sockets.bind("127.0.0.1", first.getsockname()[1])
