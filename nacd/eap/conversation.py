"""One peer's conversation: what is remembered between two of its packets.

Knows: the phase, the identifier due, what was sent last. Refuses to know: other peers (``conversations``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from nacd.eap.limits import WAITING_OCTETS, Station
from nacd.eap.tls_server import TlsServer
from nacd.values import AccessRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitIdentity:
    """We asked who is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitMd5:
    """We sent this challenge."""

    challenge: bytes


Phase: TypeAlias = AwaitIdentity | AwaitMd5 | TlsServer
Key: TypeAlias = tuple[str, bytes]


class Conversation:
    """One peer. Only ``Conversations`` touches it."""

    __slots__ = (
        "calling",
        "counted",
        "deadline",
        "held",
        "identifier",
        "identity",
        "key",
        "nas",
        "phase",
        "rounds",
        "sent",
        "station",
    )

    def __init__(self, key: Key, station: Station, request: AccessRequest, identifier: int) -> None:
        self.key = key
        self.station = station
        self.nas = request.nas.name
        self.calling = request.calling_station_id
        self.identity = ""
        self.identifier = identifier
        self.phase: Phase = AwaitIdentity()
        self.deadline = 0.0
        self.rounds = 0
        self.sent = b""
        self.held = WAITING_OCTETS
        self.counted = False
