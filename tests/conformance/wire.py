"""The NAS's end of the wire, and what was said over it."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field

from nacd.sim.nas_reply import Reply
from tests.conformance.octets import STATUS, Answer, answer, request


@dataclass(slots=True)
class Wire:
    """One UDP socket of a NAS, to one port of nacd."""

    sock: socket.socket

    def raw(self, octets: bytes) -> bytes:
        self.sock.send(octets)
        return self.sock.recv(65_535)

    def ask(self, octets: bytes) -> Answer:
        """The verified answer."""
        return answer(self.raw(octets), octets)

    def is_silent(self, octets: bytes) -> bool:
        """Whether this gets no answer: a Status-Server sent right after it is what is answered first."""
        probe = request(code=STATUS, identifier=255)
        self.sock.send(octets)
        return self.ask_identifier(probe) == 255

    def ask_identifier(self, octets: bytes) -> int:
        return self.raw(octets)[1]


@dataclass(slots=True)
class Talk:
    """Every packet of one EAP conversation. requests: EAP of nacd. responses: EAP of the peer."""

    replies: list[Reply] = field(default_factory=list)
    responses: list[bytes] = field(default_factory=list)

    @property
    def requests(self) -> list[bytes]:
        return [reply.eap for reply in self.replies]

    @property
    def last(self) -> Reply:
        return self.replies[-1]
