"""Limits of the EAP room, what it counts, and what it reports of peers that went away.

Knows: what a conversation costs and how large an EAP packet may be. Refuses to know: conversations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from nacd.eap.tls.certificate import Failure
from nacd.values import AccessRequest

STATE_OCTETS = 16
"""Random octets of a State, behind the worker's number."""
WAITING_OCTETS = 4_096
"""What a conversation without a TLS connection is accounted with; it costs less."""
_EAPOL_HEADER = 4
_SMALLEST_PACKET, _LARGEST_PACKET = 64, 3_800

# what a RADIUS datagram carries beside the EAP packet: IPv6 and UDP headers, RADIUS header, Message-Authenticator,
# State, and some room for Proxy-State
_DATAGRAM_OVERHEAD = 40 + 8 + 20 + 18 + 2 + 1 + STATE_OCTETS + 40
_CHUNK = 253


@dataclass(frozen=True, slots=True, kw_only=True)
class EapOptions:
    """Limits of the room; every one has a default that suits a site of some ten thousand devices.

    lifetime_s: a conversation whose peer is silent this long is dropped (30).
    max_waiting: conversations without a TLS connection, about 4 KiB each (20,000).
    max_handshakes: conversations with one, about 64 KiB each (2,000).
    max_octets: memory for all of them (256 MiB). Of these two, what is behind one NAS address may take three quarters:
    by air a peer can be as many as it likes, and there must be room for those behind other addresses.
    max_rounds: requests in one conversation (100).
    max_per_nas, max_per_port, max_per_station: conversations through one NAS address (10,000), through one port
    (64), and of one Calling-Station-Id at one NAS address (100).
    fragment_size: octets of the largest EAP packet we send; 0 takes what keeps the whole UDP datagram within
    path_mtu (1,400 octets), and more than that is never sent. A smaller Framed-MTU of the NAS always wins.
    worker: number of this process, 0..255, the first octet of every State.
    Raises ValueError for a limit that cannot work.
    """

    lifetime_s: float = 30.0
    max_waiting: int = 20_000
    max_handshakes: int = 2_000
    max_octets: int = 256 * 1024 * 1024
    max_rounds: int = 100
    max_per_nas: int = 10_000
    max_per_port: int = 64
    max_per_station: int = 100
    fragment_size: int = 0
    path_mtu: int = 1_400
    worker: int = 0

    def __post_init__(self) -> None:
        if self.fragment_size and not _SMALLEST_PACKET <= self.fragment_size <= _LARGEST_PACKET:
            raise ValueError(
                f"fragment size `{self.fragment_size}`: take {_SMALLEST_PACKET} to {_LARGEST_PACKET} octets"
            )
        if not 576 <= self.path_mtu <= 9_000:
            raise ValueError(f"path MTU `{self.path_mtu}`: take 576 to 9000 octets")
        if not 0 <= self.worker <= 255:
            raise ValueError(f"worker `{self.worker}`: take 0 to 255")
        shares = min(self.max_per_nas, self.max_per_port, self.max_per_station)
        if min(shares, self.lifetime_s, self.max_waiting, self.max_handshakes, self.max_octets, self.max_rounds) <= 0:
            raise ValueError("a limit of eap is zero or less")

    @property
    def packet_size(self) -> int:
        """Octets of the largest EAP packet when the NAS does not ask for less."""
        room = min(self.path_mtu - _DATAGRAM_OVERHEAD, _LARGEST_PACKET)
        room -= 2 * -(-room // (_CHUNK + 2))  # each 253 octets cost two more in an EAP-Message attribute
        return min(self.fragment_size or room, room)

    def packet_size_for(self, framed_mtu: int) -> int:
        """The same for one NAS. framed_mtu: what fits its link, EAPOL header included (RFC 3579 section 2.4)."""
        size = self.packet_size
        return min(size, framed_mtu - _EAPOL_HEADER) if framed_mtu >= _SMALLEST_PACKET else size


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandoned:
    """A conversation whose peer went away. No packet is due, but somebody may ask what became of it."""

    nas: str
    source: str
    calling_station_id: str
    peer_identity: str
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """For metrics. The first five and ``limited`` only grow; the others are now.

    limited: how often each limit refused somebody, by its name in the configuration.
    """

    started: int
    authenticated: int
    failed: int
    ignored: int
    abandoned: int
    waiting: int
    handshaking: int
    held_octets: int
    limited: Mapping[str, int]


def owner(state: bytes) -> int:
    """Number of the worker that made this State; 0 for an empty one."""
    return state[0] if state else 0


Station: TypeAlias = tuple[str, ...]
NO_STATION: Station = ()


def station_of(request: AccessRequest) -> Station:
    """Who can have only one conversation at a time; ``NO_STATION`` when the request does not say.

    Behind one VPN address there may be many users. The port belongs to it: another port that borrows a
    MAC must not end its owner's login.
    """
    if not request.station:
        return NO_STATION
    user = request.user_name if request.nas_port_type == "Virtual" else ""
    nas = (request.source, request.nas_identifier, request.nas_address)
    return (*nas, request.nas_port, request.nas_port_id, request.station, user)
