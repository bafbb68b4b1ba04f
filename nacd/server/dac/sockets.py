"""UDP sockets that ask: one datagram out, answers and ICMP errors in.

Knows: binding to a source address, the error queue (ip(7), ``IP_RECVERR``). Refuses to know: RADIUS. The sockets are
not connected, so that an answer from the wrong address is seen and counted instead of vanishing in the kernel.
"""

from __future__ import annotations

import socket
from typing import NamedTuple

# Linux numbers; Python's socket module names them only from 3.14 on.
_IP_RECVERR = getattr(socket, "IP_RECVERR", 11)
_IPV6_RECVERR = getattr(socket, "IPV6_RECVERR", 25)

_RECEIVE_BUFFER = 1024 * 1024
# A packet has at most 4,096 octets; what follows in the datagram is padding (RFC 2865 section 3).
_DATAGRAM_MAX = 4_096
_ERRORS_AT_ONCE = 64


class Address(NamedTuple):
    """host: an IP address as the kernel writes it, without scope. port: UDP."""

    host: str
    port: int


def address(host: str, port: int) -> Address:
    """The address as the kernel will name it. Raises ValueError unless ``host`` is an IP address."""
    plain = host.partition("%")[0]
    try:
        packed = socket.inet_pton(family(host), plain)
    except OSError as error:
        raise ValueError(f"`{host}` is no IP address") from error
    return Address(socket.inet_ntop(family(host), packed), port)


def family(host: str) -> socket.AddressFamily:
    """IPv4 or IPv6, by the look of the address."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def open_from(source: str, kind: socket.AddressFamily) -> socket.socket:
    """A non-blocking socket on a port the kernel chooses. source: our address, ``""``: whichever the route prefers.

    Raises OSError when there is no such address here, or no socket left.
    """
    sock = socket.socket(kind, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        if kind == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
        sock.bind((source or ("::" if kind == socket.AF_INET6 else "0.0.0.0"), 0))
    except OSError:
        sock.close()
        raise
    return sock


def send(sock: socket.socket, octets: bytes, host: str, port: int) -> None:
    """One datagram. Raises OSError; an earlier ICMP error about somebody else is not raised."""
    try:
        sock.sendto(octets, (host, port))
    except OSError:
        # With an error queue the kernel reports what an earlier datagram met on the next call, once (ip(7)).
        sock.sendto(octets, (host, port))


def receive(sock: socket.socket) -> tuple[bytes, Address]:
    """One datagram and who sent it. Raises BlockingIOError when there is none, OSError for an ICMP error."""
    octets, peer = sock.recvfrom(_DATAGRAM_MAX)
    return octets, Address(peer[0].partition("%")[0], peer[1])


def refusals(sock: socket.socket) -> list[tuple[bytes, Address]]:
    """ICMP errors that came back: the beginning of what we had sent, and where it was to go. Empties the queue: what
    is left in it would wake the loop again and again."""
    found: list[tuple[bytes, Address]] = []
    for _ in range(_ERRORS_AT_ONCE):
        try:
            sent, _, _, to = sock.recvmsg(_DATAGRAM_MAX, 512, socket.MSG_ERRQUEUE)
        except OSError:
            break
        found.append((sent, Address(to[0].partition("%")[0], to[1])))
    return found
