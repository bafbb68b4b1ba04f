"""A Dynamic Authorization Client of a few lines: pyrad writes the requests and judges the answers."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from pyrad.packet import CoAPacket

from nacd.sim.nas import Key
from nacd.sim.nas_reply import Value, dictionary

SECRET = b"a secret of some length"
DISCONNECT, COA = 40, 43


def request(
    *pairs: tuple[Key, Value],
    code: int = DISCONNECT,
    identifier: int = 7,
    secret: bytes = SECRET,
    timestamp: int | None = 0,
    signed: bool = True,
) -> CoAPacket:
    """A request. timestamp: seconds from now, None for none."""
    packet = CoAPacket(code=code, id=identifier, secret=secret, dict=dictionary())
    if signed:
        packet.add_message_authenticator()
    if timestamp is not None:
        packet["Event-Timestamp"] = int(time.time()) + timestamp
    for name, value in pairs:
        packet.AddAttribute(name, value)
    return packet


@dataclass(slots=True)
class Asker:
    """One port that asks."""

    to: tuple[str, int]
    patience_s: float = 5.0
    sock: socket.socket = field(default_factory=lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))

    def __post_init__(self) -> None:
        self.sock.bind(("127.0.0.1", 0))

    def send(self, octets: bytes) -> None:
        self.sock.sendto(octets, self.to)

    def receive(self, within_s: float | None = None) -> tuple[bytes, tuple[str, int]] | None:
        """One datagram and who sent it; None: none came."""
        self.sock.settimeout(self.patience_s if within_s is None else within_s)
        try:
            octets, peer = self.sock.recvfrom(65_535)
        except TimeoutError:
            return None
        return octets, peer

    def ask(self, packet: CoAPacket) -> tuple[int, Sequence[int]]:
        """Code of the believed answer and its Error-Causes; (0, []) for silence."""
        self.send(packet.RequestPacket())
        received = self.receive()
        if received is None:
            return 0, []
        reply = packet.CreateReply(packet=received[0])
        assert packet.VerifyReply(reply, received[0]), "the answer is not signed right"
        return reply.code, [int.from_bytes(value) for value in reply.get(101, [])]
