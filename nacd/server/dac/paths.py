"""Source ports and Identifiers: which may be used now.

Knows: a pool of sockets for each source address, what is in use, what rests. Refuses to know: what is sent.

Theory: a NAS recognizes a repeated request by source port and Identifier, and may do so for the whole window in which
it accepts an Event-Timestamp (RFC 5176 section 6.3). So an Identifier that was used rests for that window after its
last transmission: one port carries 256 requests in it, no more, whoever was asked. When a port's Identifiers are used
up the next port opens; a port whose Identifiers have all rested closes. A port is never given back earlier, because
the kernel may hand out the same number again at once.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from nacd.radius.dynauth.transaction import REPLAY_WINDOW_S
from nacd.server.dac import sockets
from nacd.server.dac.sockets import Address

IDENTIFIERS: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """window_s: how long an Identifier rests. ports: most sockets that are open at once. ports_per_nas: one NAS may
    have as many requests in the window as go through so many of them."""

    window_s: float = REPLAY_WINDOW_S
    ports: int = 256
    ports_per_nas: int = 64

    def __post_init__(self) -> None:
        if self.window_s <= 0 or self.ports < 1 or self.ports_per_nas < 1:
            raise ValueError("the window and the numbers of ports are positive")


DEFAULT: Final = Limits()


class Group(NamedTuple):
    """Requests that share sockets. source: our address, ``""`` = the route's choice. apart: a NAS of its own."""

    source: str
    family: socket.AddressFamily
    apart: Address | None = None


class Path:
    """One socket and its Identifiers. slots: those that are in use or rest."""

    __slots__ = ("free", "group", "slots", "sock")

    def __init__(self, sock: socket.socket, group: Group, start: int) -> None:
        """start: the first Identifier. It differs each time: a restarted daemon may get an old port again."""
        self.sock = sock
        self.group = group
        self.free = deque((start + step) % IDENTIFIERS for step in range(IDENTIFIERS))
        self.slots: dict[int, Slot] = {}


class Slot:
    """One Identifier of one port, taken for one request. nas: its name; peer: who was asked; answered: it ended with
    an answer. free_at: seconds of the monotonic clock, 0.0 while it is in use."""

    __slots__ = ("answered", "free_at", "identifier", "nas", "path", "peer")

    def __init__(self, path: Path, identifier: int, nas: str, peer: Address) -> None:
        self.path = path
        self.identifier = identifier
        self.nas = nas
        self.peer = peer
        self.answered = False
        self.free_at = 0.0


class Paths:
    """Hands out slots and takes them back. ``now`` is seconds of the monotonic clock, never less than before."""

    def __init__(
        self,
        readable: Callable[[Path], None],
        random: Callable[[int], bytes],
        limits: Limits = DEFAULT,
    ) -> None:
        """readable: called when a path's socket has something to read. random: octets, for first Identifiers."""
        self._readable = readable
        self._random = random
        self._window_s = limits.window_s
        self._ports = limits.ports
        self._per_nas = limits.ports_per_nas * IDENTIFIERS
        self._open: dict[Group, deque[Path]] = {}
        """Paths with a free Identifier."""
        self._all: set[Path] = set()
        self._resting: deque[Slot] = deque()
        self._held: Counter[Address] = Counter()

    def __len__(self) -> int:
        return len(self._all)

    def take(self, group: Group, nas: str, peer: Address, now: float) -> Slot | None:
        """An Identifier that nobody has used in the window; None: they are used up just now.

        Raises OSError when a further socket cannot be opened.
        """
        self.sweep(now)
        if self._held[peer] >= self._per_nas:
            return None
        usable = self._open.get(group)
        if not usable:
            if len(self._all) >= self._ports:
                return None
            usable = self._open.setdefault(group, deque())
            usable.append(self._opened(group))
        path = usable[0]
        slot = Slot(path, path.free.popleft(), nas, peer)
        if not path.free:
            usable.popleft()
        path.slots[slot.identifier] = slot
        self._held[peer] += 1
        return slot

    def release(self, slot: Slot, now: float, *, answered: bool) -> None:
        """Nothing more is sent in this slot: it rests from now on."""
        slot.answered = answered
        slot.free_at = now + self._window_s
        self._resting.append(slot)

    def free_at(self) -> float | None:
        """When the next Identifier has rested; None: none rests."""
        return self._resting[0].free_at if self._resting else None

    def sweep(self, now: float) -> None:
        """What has rested is free again; a socket that nobody has used for the window is closed."""
        while self._resting and self._resting[0].free_at <= now:
            slot = self._resting.popleft()
            path = slot.path
            del path.slots[slot.identifier]
            self._held[slot.peer] -= 1
            if not self._held[slot.peer]:
                del self._held[slot.peer]
            if not path.free:
                self._open.setdefault(path.group, deque()).append(path)
            path.free.append(slot.identifier)
            if not path.slots:
                self._close(path)

    def close(self) -> None:
        """Close every socket."""
        for path in tuple(self._all):
            self._close(path)
        self._resting.clear()
        self._held.clear()

    def _opened(self, group: Group) -> Path:
        path = Path(sockets.open_from(group.source, group.family), group, self._random(1)[0])
        asyncio.get_running_loop().add_reader(path.sock.fileno(), self._readable, path)
        self._all.add(path)
        return path

    def _close(self, path: Path) -> None:
        asyncio.get_running_loop().remove_reader(path.sock.fileno())
        path.sock.close()
        self._all.discard(path)
        usable = self._open.get(path.group)
        if usable is not None and path in usable:
            usable.remove(path)
        if not usable:
            self._open.pop(path.group, None)
