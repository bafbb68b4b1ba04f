"""The NAS's end of the wire, and what was said over it."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from nacd.sim.nas_reply import Reply
from tests.conformance.octets import STATUS, Answer, answer, request


@dataclass(slots=True)
class Wire:
    """One UDP socket of a NAS, to one port of nacd. settle: waits until what nacd has read is answered."""

    sock: socket.socket
    settle: Callable[[], None]

    def raw(self, octets: bytes) -> bytes:
        self.sock.send(octets)
        return self.sock.recv(65_535)

    def ask(self, octets: bytes) -> Answer:
        """The verified answer."""
        return answer(self.raw(octets), octets)

    def is_silent(self, octets: bytes) -> bool:
        """Whether this gets no answer. That a Status-Server sent right after it is answered shows that it was read;
        an answer to it may take longer than that one, so what had to be done for it is waited for."""
        self.sock.send(octets)
        if self.ask_identifier(request(code=STATUS, identifier=255)) != 255:
            return False
        self.settle()
        return not self.has_more()

    def has_more(self) -> bool:
        """Whether another answer is there already."""
        return bool(select.select([self.sock], [], [], 0)[0])

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
