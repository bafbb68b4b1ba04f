"""The line in which questions wait, and whose turn is next.

Knows: ranks, NASes, ports, and until when each waits. Refuses to know: what is asked, how many at once, clocks.

Theory. When there are more questions than can be asked in time, who asks most must not be who is answered most. So
inside a rank the NASes take turns, inside a NAS its ports do, and only inside a port is it first come, first served:
a port that cycles through addresses waits behind itself. What has no port of its own (by air, through a VPN) shares
one place among the ports of its NAS. A better rank comes first, but the worse one is not starved: while both wait,
every ``passes``-th turn of a rank goes to the next one down, which passes on in the same way, so the *k*-th rank after
the best waits for fewer than ``2 * passes ** k`` turns. What has waited beyond its time is not worth asking: it never
gets a turn, and is handed back as expired. Each step costs the same however many wait, but for the order of the
times, which is a heap.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Generic, TypeAlias, TypeVar

from nacd.values import NO_PORT, Instant, Port

Item = TypeVar("Item", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nobody waits whose turn it could be."""


NOTHING: Final = Nothing()
_NO_LIMITS: Final[Mapping[int, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Place:
    rank: int
    nas: str
    port: Port
    number: int


_Holder: TypeAlias = tuple[int, str, Port]
_Ports: TypeAlias = "OrderedDict[Port, OrderedDict[Item, None]]"
_Nases: TypeAlias = "OrderedDict[str, _Ports[Item]]"


class Line(Generic[Item]):
    """max_waiting: in all; max_per_nas, max_per_port: of one rank from one NAS and from one port (``NO_PORT`` is no
    port, and has no limit of its own). passes: see the theory above; at least 2. max_by_rank: of one rank, so that
    what is free to invent leaves room for the rest. Items are told apart as dictionary keys are."""

    def __init__(
        self,
        *,
        max_waiting: int,
        max_per_nas: int,
        max_per_port: int,
        passes: int = 8,
        max_by_rank: Mapping[int, int] = _NO_LIMITS,
    ) -> None:
        if min(max_waiting, max_per_nas, max_per_port) < 1 or passes < 2:
            raise ValueError("limits are at least 1, and at most every second turn is passed on")
        self._max_waiting = max_waiting
        self._max_per_nas = max_per_nas
        self._max_per_port = max_per_port
        self._passes = passes
        self._max_by_rank = dict(max_by_rank)
        self._of_rank: dict[int, int] = {}
        self._ranks: dict[int, _Nases[Item]] = {}
        self._turns: dict[int, int] = {}
        self._places: dict[Item, _Place] = {}
        self._held: dict[_Holder, int] = {}  # with NO_PORT: the whole NAS
        self._times: list[tuple[float, int, Item]] = []
        self._until: dict[Item, float] = {}
        self._expired: list[Item] = []
        self._number = 0

    def __len__(self) -> int:
        return len(self._places)

    def put(self, item: Item, *, rank: int, nas: str, port: Port, until: float) -> str:
        """Let it wait; the name of the limit that is reached if it may not, ``""`` if it does.

        rank: 0 is best. until: monotonic seconds. ValueError for an item that waits already.
        """
        if item in self._places:
            raise ValueError("it waits already")
        over = self._over(rank, nas, port)
        if not over:
            self._enter(item, rank, nas, port, until)
        return over

    def promote(self, item: Item, rank: int) -> None:
        """To the end of a better rank, whatever its limits; nothing for an item that does not wait or is as good."""
        place = self._places.get(item)
        if place is not None and rank < place.rank:
            until = self._until[item]
            self._leave(item)
            self._enter(item, rank, place.nas, place.port, until)

    def _enter(self, item: Item, rank: int, nas: str, port: Port, until: float) -> None:
        self._number += 1
        place = _Place(rank, nas, port, self._number)
        self._places[item] = place
        self._of_rank[rank] = self._of_rank.get(rank, 0) + 1
        for holder in _holders(place):
            self._held[holder] = self._held.get(holder, 0) + 1
        ports = self._ranks.setdefault(rank, OrderedDict()).setdefault(nas, OrderedDict())
        ports.setdefault(port, OrderedDict())[item] = None
        self._until[item] = until
        heapq.heappush(self._times, (until, self._number, item))

    def waits(self, worst: int) -> bool:
        """Whether anything of this rank or a better one waits; what is past its time counts until it is noticed."""
        return any(rank <= worst for rank in self._ranks)

    def take(self, now: Instant, *, worst: int | None = None) -> Item | Nothing:
        """The next one, out of the line. worst: the last rank that may be taken now; any if None."""
        self._notice_expired(now)
        ranks = sorted(rank for rank in self._ranks if worst is None or rank <= worst)
        if not ranks:
            return NOTHING
        nases = self._ranks[self._next_rank(ranks)]
        nas, ports = next(iter(nases.items()))
        port, items = next(iter(ports.items()))
        item = next(iter(items))
        # To the end of their lines before it leaves, and they with it if it was the last.
        nases.move_to_end(nas)
        ports.move_to_end(port)
        self._leave(item)
        return item

    def extend(self, item: Item, until: float) -> None:
        """Let it wait longer, at its place. until: as in ``put``; an earlier one changes nothing, nor does one for an
        item that does not wait."""
        place = self._places.get(item)
        if place is not None and until > self._until[item]:
            self._until[item] = until
            heapq.heappush(self._times, (until, place.number, item))
            self._forget_times()

    def expired(self, now: Instant) -> tuple[Item, ...]:
        """What has waited beyond its time since the last call, the earliest first."""
        self._notice_expired(now)
        expired = tuple(self._expired)
        self._expired.clear()
        return expired

    def _over(self, rank: int, nas: str, port: Port) -> str:
        of_rank = self._of_rank.get(rank, 0)
        if len(self._places) >= self._max_waiting or of_rank >= self._max_by_rank.get(rank, self._max_waiting):
            return "max_waiting"
        if self._held.get((rank, nas, NO_PORT), 0) >= self._max_per_nas:
            return "max_per_nas"
        if port != NO_PORT and self._held.get((rank, nas, port), 0) >= self._max_per_port:
            return "max_per_port"
        return ""

    def _next_rank(self, ranks: list[int]) -> int:
        for rank in ranks[:-1]:
            self._turns[rank] = (self._turns.get(rank, 0) + 1) % self._passes
            if self._turns[rank]:
                return rank
        return ranks[-1]

    def _leave(self, item: Item) -> None:
        place = self._places.pop(item)
        del self._until[item]
        self._of_rank[place.rank] -= 1
        for holder in _holders(place):
            self._held[holder] -= 1
            if not self._held[holder]:
                del self._held[holder]
        nases = self._ranks[place.rank]
        ports = nases[place.nas]
        del ports[place.port][item]
        if not ports[place.port]:
            del ports[place.port]
        if not ports:
            del nases[place.nas]
        if not nases:
            del self._ranks[place.rank]
        self._forget_times()

    def _notice_expired(self, now: Instant) -> None:
        while self._times and self._times[0][0] <= now.monotonic:
            _, number, item = heapq.heappop(self._times)
            if self._waits_as(item, number) and self._until[item] <= now.monotonic:
                self._leave(item)
                self._expired.append(item)

    def _forget_times(self) -> None:
        """Times of those that left stay in the heap until there are more of them than of those that wait."""
        if len(self._times) > 2 * len(self._places) + 64:
            self._times = [(self._until[item], place.number, item) for item, place in self._places.items()]
            heapq.heapify(self._times)

    def _waits_as(self, item: Item, number: int) -> bool:
        place = self._places.get(item)
        return place is not None and place.number == number


def _holders(place: _Place) -> tuple[_Holder, ...]:
    whole: _Holder = (place.rank, place.nas, NO_PORT)
    return (whole,) if place.port == NO_PORT else (whole, (place.rank, place.nas, place.port))
