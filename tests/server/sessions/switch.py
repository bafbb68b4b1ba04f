"""A NAS that is asked, by pyrad: it knows which sessions it was asked about, and answers as badly as told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyrad.packet import CoAPacket

SECRET = "the-secret-of-all-nases-here"


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A request that was verified. number: Acct-Session-Id."""

    code: int
    number: str
    bounces: bool
    octets: bytes


Answer = int | str
"""``ack``, ``silent``, or an Error-Cause."""


class Switch(asyncio.DatagramProtocol):
    """A NAS. answers: what it says to a request. obeyed: what happens after an ACK."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.heard: list[Heard] = []
        self.datagrams = 0
        self.answers: Callable[[Heard], Answer] = lambda _: "ack"
        self.obeyed: Callable[[Heard], None] = lambda _: None
        self._seen: set[bytes] = set()
        self._transport: Any = None

    @property
    def port(self) -> int:
        return int(self._transport.get_extra_info("sockname")[1])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.datagrams += 1
        packet = CoAPacket(packet=data, secret=SECRET.encode())
        assert packet.VerifyCoARequest()
        assert packet.verify_message_authenticator()
        number = packet[44][0].decode() if 44 in packet else ""
        heard = Heard(code=packet.code, number=number, bounces=b"bounce-host-port" in data, octets=data)
        again = data in self._seen
        self._seen.add(data)
        if not again:
            self.heard.append(heard)
        answer = self.answers(heard)
        if answer == "silent":
            return
        reply = packet.CreateReply()
        if answer != "ack":
            reply.code += 1
            reply[101] = [int(answer).to_bytes(4)]
        self._transport.sendto(bytes(reply.ReplyPacket()), addr)
        if answer == "ack" and not again:
            self.obeyed(heard)

    def close(self) -> None:
        self._transport.close()
