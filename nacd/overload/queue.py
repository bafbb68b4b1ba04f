"""What waits to be worked on, and in which order.

Knows: lanes, room, shares, and until when somebody still waits for an answer. Refuses to know: what the work is.

Theory: when more comes in than can be worked off, finishing is worth more than beginning. Half a handshake
that is dropped is lost work twice: the peer starts anew. So continuations come first; then what is short and
closes something (accounting, Status-Server); then what begins. The later lanes are not starved: while they wait,
every eighth turn of a lane goes to the next one that has something, so a NAS that accounts for more than can be
written down, or whatever merely looks like a continuation, holds up nobody's login. Inside a lane the NASes take
turns: who sends most waits behind himself. Beginnings may fill three quarters of the room only, and one NAS only
its share of each lane, so that there is always room for the others.

A request waits as long as its NAS does. A repeat shows that the NAS still waits and renews that time; whoever
takes a request whose time is over knows that nobody listens any more.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping
from enum import IntEnum
from typing import Final, Generic, TypeAlias, TypeVar

from nacd.values import Instant

Work = TypeVar("Work")
Place: TypeAlias = tuple[object, ...]
"""What a repeat has in common with the request it repeats."""

_NEW_FILLS: Final = 0.75
_PASSES: Final = 8
_LONGEST_S: Final = 20.0


class Lane(IntEnum):
    """Which work comes first."""

    CONTINUATION = 0
    SHORT = 1
    NEW = 2


class Queued(Generic[Work]):
    """One request that waits. nas: its source address. octets: its length.

    received: when it came. patience_s: how long its NAS waits. wanted: when the NAS last asked for it,
    monotonic seconds. superseded: the NAS has sent another request in its place.
    """

    __slots__ = ("lane", "nas", "octets", "patience_s", "place", "received", "superseded", "wanted", "work")

    def __init__(
        self, *, work: Work, lane: Lane, nas: str, place: Place, octets: int, received: Instant, patience_s: float
    ) -> None:
        self.work = work
        self.lane = lane
        self.nas = nas
        self.place = place
        self.octets = octets
        self.received = received
        self.patience_s = patience_s
        self.wanted = received.monotonic
        self.superseded = False

    def is_stale(self, now: Instant) -> bool:
        """Whether its NAS has given it up."""
        return now.monotonic - self.wanted > self.patience_s


class WorkQueue(Generic[Work]):
    """Bounded in requests, in octets, and in what one NAS has in each lane. Not for several threads."""

    def __init__(self, *, max_requests: int, max_octets: int, max_per_nas: int) -> None:
        self._max_requests = max_requests
        self._max_octets = max_octets
        self._max_new = int(max_requests * _NEW_FILLS)
        self._max_new_octets = int(max_octets * _NEW_FILLS)
        self._max_per_nas = max_per_nas
        self._lanes: tuple[OrderedDict[str, deque[Queued[Work]]], ...] = tuple(OrderedDict() for _ in Lane)
        self._turns = [0 for _ in Lane]
        self._places: dict[Place, Queued[Work]] = {}
        self._octets = 0
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def octets(self) -> int:
        """Octets of all requests that wait."""
        return self._octets

    @property
    def depths(self) -> Mapping[str, int]:
        """Requests that wait, by the name of their lane."""
        return {
            lane.name.lower(): sum([len(waiting) for waiting in nases.values()])
            for lane, nases in zip(Lane, self._lanes, strict=True)
        }

    def put(self, queued: Queued[Work]) -> str:
        """Let it wait; the name of the limit that is reached if it may not, ``""`` if it does."""
        new = queued.lane is Lane.NEW
        octets = self._octets + queued.octets
        if self._count >= (self._max_new if new else self._max_requests):
            return "max_requests"
        if octets > (self._max_new_octets if new else self._max_octets):
            return "memory"
        nases = self._lanes[queued.lane]
        waiting = nases.get(queued.nas)
        if waiting is None:
            waiting = nases[queued.nas] = deque()
        elif len(waiting) >= self._max_per_nas:
            return "max_per_nas"
        waiting.append(queued)
        self._octets = octets
        self._count += 1
        # RFC 5080 section 2.2.2: of two requests in one place the newer counts.
        older = self._places.get(queued.place)
        if older is not None:
            older.superseded = True
        self._places[queued.place] = queued
        return ""

    def wanted(self, place: Place, now: Instant) -> None:
        """The NAS has sent this request again: it still waits for the answer. Not for ever: a repeat that comes
        after the table of duplicates has forgotten the request would be taken for a new one."""
        queued = self._places.get(place)
        if queued is not None and now.monotonic - queued.received.monotonic < _LONGEST_S:
            queued.wanted = now.monotonic

    def take(self) -> Queued[Work]:
        """The next to work on. Raises IndexError when nothing waits."""
        nases = self._next_lane()
        nas, waiting = next(iter(nases.items()))
        queued = waiting.popleft()
        if waiting:
            nases.move_to_end(nas)
        else:
            del nases[nas]
        self._octets -= queued.octets
        self._count -= 1
        if self._places.get(queued.place) is queued:
            del self._places[queued.place]
        return queued

    def _next_lane(self) -> OrderedDict[str, deque[Queued[Work]]]:
        """The lane whose turn it is. Raises IndexError when nothing waits."""
        waiting = [number for number, nases in enumerate(self._lanes) if nases]
        if not waiting:
            raise IndexError("nothing waits")
        for number in waiting[:-1]:
            self._turns[number] = (self._turns[number] + 1) % _PASSES
            if self._turns[number]:
                return self._lanes[number]
        return self._lanes[waiting[-1]]
