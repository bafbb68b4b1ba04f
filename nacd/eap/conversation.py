"""One peer's conversation, all of them together, and their books.

Knows: what is remembered between two packets of a peer; how many conversations there are, through whom, what they
hold, and whose each is. Refuses to know: what is said in them (``conversations``).
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from dataclasses import dataclass
from typing import Final, TypeAlias

from nacd.eap.limits import NO_STATION, WAITING_OCTETS, Abandoned, EapOptions, Station
from nacd.eap.tls_engine import HANDSHAKE_OCTETS
from nacd.eap.tls_server import TlsServer
from nacd.values import NO_PORT, AccessRequest, Port


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitIdentity:
    """We asked who is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitMd5:
    """We sent this challenge."""

    challenge: bytes


Phase: TypeAlias = AwaitIdentity | AwaitMd5 | TlsServer
Key: TypeAlias = tuple[str, bytes]
NOBODY: Final = object()
"""Whose a conversation is that there is none of."""
_ABANDONED_KEPT: Final = 1_000


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
        "owner",
        "phase",
        "port",
        "rounds",
        "sent",
        "station",
        "station_name",
    )

    def __init__(self, key: Key, station: Station, request: AccessRequest, identifier: int) -> None:
        self.key = key
        self.station = station
        self.nas = request.nas.name
        self.owner = NOBODY
        self.calling = request.calling_station_id
        self.station_name = request.station
        self.port: Port = request.port
        self.identity = ""
        self.identifier = identifier
        self.phase: Phase = AwaitIdentity()
        self.deadline = 0.0
        self.rounds = 0
        self.sent = b""
        self.held = WAITING_OCTETS
        self.counted = False


class Books:
    """How many conversations there are, through which NAS and port, of which station, and what they hold.

    A limit is named as in the configuration; ``limited`` counts how often each one refused somebody. Of handshakes and
    memory no NAS address gets all: who is silent in the middle of handshakes behind one keeps nobody out elsewhere.
    """

    def __init__(self, options: EapOptions) -> None:
        self.options = options
        """Those that count from now on; what there is already stays."""
        self.live = 0
        self.handshaking = 0
        self.held_octets = 0
        self.limited: Counter[str] = Counter()
        self._handshakes_of: Counter[str] = Counter()
        self._octets_of: Counter[str] = Counter()
        # Keyed by (source,), (source, station) and the port's four words: of different lengths, so never equal.
        self._of: Counter[tuple[str, ...]] = Counter()

    def no_room(self, request: AccessRequest) -> str:
        """The limit that keeps this request from beginning a conversation, ``""`` if none does."""
        options = self.options
        reached = ""
        if self.live - self.handshaking >= options.max_waiting:
            reached = "max_waiting"
        elif self._too_much(request.source, WAITING_OCTETS):
            reached = "memory"
        elif self._of[(request.source,)] >= options.max_per_nas:
            reached = "max_per_nas"
        elif request.port != NO_PORT and self._of[request.port] >= options.max_per_port:
            reached = "max_per_port"
        elif request.station and self._of[(request.source, request.station)] >= options.max_per_station:
            reached = "max_per_station"
        return self._counted(reached)

    def no_room_for_handshake(self, source: str) -> str:
        """The limit that keeps a conversation behind this address from opening TLS, ``""`` if none does."""
        most = self.options.max_handshakes
        reached = ""
        if self.handshaking >= most or self._handshakes_of[source] >= _share(most):
            reached = "max_handshakes"
        elif self._too_much(source, HANDSHAKE_OCTETS):
            reached = "memory"
        return self._counted(reached)

    def over_memory(self, source: str) -> str:
        """``memory`` when more is held than may be, by all or behind this address, else ``""``."""
        return self._counted("memory" if self._too_much(source, 0) else "")

    def opened(self, conversation: Conversation) -> None:
        """One more."""
        self.live += 1
        self._holds(conversation, conversation.held)
        self._of.update(_holders(conversation))

    def closed(self, conversation: Conversation) -> None:
        """One less, with all it held."""
        self.live -= 1
        self._holds(conversation, -conversation.held)
        self._shakes(conversation, -conversation.counted)
        for holder in _holders(conversation):
            self._of[holder] -= 1
            if not self._of[holder]:
                del self._of[holder]

    def moved(self, conversation: Conversation) -> None:
        """It may hold more or less after a step."""
        server = conversation.phase
        if not isinstance(server, TlsServer):
            return
        held = WAITING_OCTETS + server.held_octets
        self._holds(conversation, held - conversation.held)
        conversation.held = held
        self._shakes(conversation, server.handshaking - conversation.counted)
        conversation.counted = server.handshaking

    def _holds(self, conversation: Conversation, more: int) -> None:
        self.held_octets += more
        _add(self._octets_of, conversation.key[0], more)

    def _shakes(self, conversation: Conversation, more: int) -> None:
        self.handshaking += more
        _add(self._handshakes_of, conversation.key[0], more)

    def _too_much(self, source: str, more: int) -> bool:
        most = self.options.max_octets
        return self.held_octets + more > most or self._octets_of[source] + more > _share(most)

    def _counted(self, reached: str) -> str:
        if reached:
            self.limited[reached] += 1
        return reached


def _share(whole: int) -> int:
    """What one NAS address may take of it."""
    return whole - whole // 4


def _add(counts: Counter[str], of: str, more: int) -> None:
    if more:
        counts[of] += more
        if not counts[of]:
            del counts[of]


def _holders(conversation: Conversation) -> tuple[tuple[str, ...], ...]:
    source = conversation.key[0]
    holders: list[tuple[str, ...]] = [(source,)]
    if conversation.port != NO_PORT:
        holders.append(conversation.port)
    if conversation.station_name:
        holders.append((source, conversation.station_name))
    return tuple(holders)


class Ongoing:
    """Every conversation there is, whosever: they share the limits, and a station has one at a time.

    concluded: proved, and perhaps still being decided upon: the response that ended it, and until when to know it.
    """

    def __init__(self, options: EapOptions | None = None) -> None:
        self.live: OrderedDict[Key, Conversation] = OrderedDict()  # soonest deadline first, with one lifetime for all
        self.stations: dict[Station, Key] = {}
        self.concluded: OrderedDict[Key, tuple[int, float]] = OrderedDict()
        self.abandoned: deque[Abandoned] = deque(maxlen=_ABANDONED_KEPT)
        self.books = Books(options if options is not None else EapOptions())
        self.tally = {"started": 0, "authenticated": 0, "failed": 0, "ignored": 0, "abandoned": 0}

    def owner(self, source: str, state: bytes) -> object:
        """Whose the conversation is that goes on with this State, ``NOBODY`` if there is none."""
        found = self.live.get((source, state))
        return NOBODY if found is None else found.owner

    def remove(self, conversation: Conversation) -> None:
        """It is over."""
        del self.live[conversation.key]
        if self.stations.get(conversation.station) == conversation.key:
            del self.stations[conversation.station]
        self.books.closed(conversation)

    def keep(self, conversation: Conversation) -> None:
        """It has begun."""
        self.live[conversation.key] = conversation
        if conversation.station != NO_STATION:
            self.stations[conversation.station] = conversation.key
        self.books.opened(conversation)

    def drop(self, owner: object) -> int:
        """End all of this owner's, without a word to the peers: how many there were."""
        gone = [each for each in self.live.values() if each.owner is owner]
        for each in gone:
            self.remove(each)
        return len(gone)
