"""Duplicate detection (RFC 5080 section 2.2.2).

Knows: which requests were admitted and what was answered. Refuses to know: whether a request is
genuine; it must have been verified before it comes here, or a forgery could push a real one out.

A place is (role, source, port, identifier); the authenticator says whether it is the same request.
While it is worked on, a repeat is dropped; once answered, a repeat gets the same octets; another
authenticator in the same place is a new request and the old one is forgotten. Nothing ticks: each call
clears a few expired entries, and entries stand in the order in which they expire.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from nacd.values import Instant

LIFETIME_S: Final = 30.0
CAPACITY: Final = 100_000
OCTET_BUDGET: Final = 64 * 1024 * 1024
_CLEARED_PER_CALL: Final = 8

Place: TypeAlias = tuple[str, str, int, int, bool]


class RequestKey(NamedTuple):
    """place: (role, source address, source port, Identifier, signed). authenticator: the request's.

    An unsigned request (``auto``, ``accept``) has a place of its own: whoever can send one without the
    secret must not push a signed one out of the table.
    """

    place: Place
    authenticator: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """Not seen before: work on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InProgress:
    """Being worked on: drop it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Already answered: send these octets again."""

    octets: bytes


Verdict: TypeAlias = New | InProgress | Replay

_NEW: Final = New()
_IN_PROGRESS: Final = InProgress()


class _Entry:
    __slots__ = ("authenticator", "expires", "octets")

    def __init__(self, authenticator: bytes, expires: float) -> None:
        self.authenticator = authenticator
        self.expires = expires
        self.octets = b""


class DedupTable:
    """Bounded in entries, in octets kept and in time. One table serves both roles."""

    def __init__(
        self, lifetime_s: float = LIFETIME_S, capacity: int = CAPACITY, octet_budget: int = OCTET_BUDGET
    ) -> None:
        self._lifetime_s = lifetime_s
        self._capacity = capacity
        self._octet_budget = octet_budget
        self._octets_kept = 0
        # Ordered: a plain dict is slow at giving up its first key again and again.
        self._entries: OrderedDict[Place, _Entry] = OrderedDict()

    def admit(self, key: RequestKey, now: Instant) -> Verdict:
        """What this request is. ``New`` takes its place and forgets any other request in it."""
        self._clear_expired(now)
        entry = self._entries.get(key.place)
        if entry is not None:
            if entry.authenticator == key.authenticator and entry.expires > now.monotonic:
                return Replay(octets=entry.octets) if entry.octets else _IN_PROGRESS
            self._remove(key.place)
        while len(self._entries) >= self._capacity:
            self._remove(next(iter(self._entries)))
        self._entries[key.place] = _Entry(key.authenticator, now.monotonic + self._lifetime_s)
        return _NEW

    def remember(self, key: RequestKey, octets: bytes, now: Instant) -> None:
        """Keep the answer for its lifetime from now. An answer to a request that is no longer in its
        place (expired, replaced, never admitted) is not kept."""
        entry = self._entries.get(key.place)
        if entry is None or entry.authenticator != key.authenticator or entry.expires <= now.monotonic:
            return
        self._remove(key.place)
        entry.octets = octets
        entry.expires = now.monotonic + self._lifetime_s
        self._octets_kept += len(octets)
        self._entries[key.place] = entry
        while self._octets_kept > self._octet_budget:
            self._remove(next(iter(self._entries)))

    def forget(self, key: RequestKey) -> None:
        """No answer will come: let the next repeat be tried anew."""
        entry = self._entries.get(key.place)
        if entry is not None and entry.authenticator == key.authenticator:
            self._remove(key.place)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def octets_kept(self) -> int:
        """Octets of remembered answers."""
        return self._octets_kept

    def _remove(self, place: Place) -> None:
        self._octets_kept -= len(self._entries.pop(place).octets)

    def _clear_expired(self, now: Instant) -> None:
        # A few per call keep up with any load: each call adds one entry at most.
        for _ in range(_CLEARED_PER_CALL):
            oldest = next(iter(self._entries), None)
            if oldest is None or self._entries[oldest].expires > now.monotonic:
                return
            self._remove(oldest)
