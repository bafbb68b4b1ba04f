"""Who signs its requests with Message-Authenticator, who does not, and since when (CVE-2024-3596).

Knows: per source address, how many requests came with and without it, and when last. Refuses to know: secrets, and what
a request without it is worth (``admission``).

Two tables. Only a verified signature writes into the first. It does not cover the address, though: whoever has sniffed
one signed request can play it back from any address of the same client. So what is in the first table is never pushed
out: when there is no room, every address of that client has to sign from then on. The worst that can be done is that a
NAS which cannot sign is refused until somebody forgets it by hand; nothing can make nacd believe again what cannot be
proved. Whatever comes unsigned may be from anybody: it is counted in the second table, where the worst that can be done
is to make an admin wait with ``require``.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

CAPACITY: Final = 65_536
"""Addresses remembered in each table."""
_MOST_NEWS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """An address that has shown that it signs. nas: its client. Times are seconds since the epoch.

    signed: Access-Requests that nobody forced it to sign. eap: those with EAP, which must be signed
    in any case (RFC 3579 section 3.1) and so show nothing of the rest.
    """

    nas: str
    source: str
    first: float
    last: float
    signed: int = 0
    eap: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsigned:
    """An address from which something came unsigned. taken: requests that were worked on; refused: that were not."""

    nas: str
    source: str
    first: float
    last: float
    taken: int = 0
    refused: int = 0


class _Signing:
    __slots__ = ("eap", "first", "last", "nas", "signed")

    def __init__(self, nas: str, first: float) -> None:
        self.nas = nas
        self.first = self.last = first
        self.signed = self.eap = 0


class _Bare:
    __slots__ = ("first", "last", "nas", "refused", "taken")

    def __init__(self, nas: str, first: float) -> None:
        self.nas = nas
        self.first = self.last = first
        self.taken = self.refused = 0


class MessageAuthenticatorLedger:
    """For one event loop. With ``message_authenticator: auto``: once seen, required from then on."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._signing: dict[str, _Signing] = {}
        self._everywhere: set[str] = set()
        self._bare: dict[str, OrderedDict[str, _Bare]] = {}
        self._bare_count = 0
        self._news: deque[Signs] = deque(maxlen=_MOST_NEWS)
        self.untold = 0
        """Addresses that were news, and of which too many came at once for ``news`` to name them."""
        self.forgot = False
        """Whether something was forgotten since whoever keeps this has looked: a crash must not bring it back."""
        self.since = 0.0
        """When counting began, seconds since the epoch; 0.0 before the first request."""

    # -- what comes from NASes

    def signed(self, nas: str, source: str, at: float, *, eap: bool) -> None:
        """A verified request with Message-Authenticator. at: seconds since the epoch."""
        row = self._signing.get(source)
        if row is None or row.nas != nas:
            if row is None and len(self._signing) >= self._capacity:
                if not eap:
                    self._everywhere.add(nas)
                return
            row = self._signing[source] = _Signing(nas, at)
            self.since = self.since or at
        row.last = at
        if eap:
            row.eap += 1
            return
        row.signed += 1
        if row.signed == 1:
            self.untold += len(self._news) == _MOST_NEWS  # it pushes out the oldest
            self._news.append(_signs(source, row))

    def unsigned(self, nas: str, source: str, at: float, *, taken: bool) -> None:
        """A request without Message-Authenticator. taken: it was worked on all the same."""
        row = self._bare_row(nas, source, at)
        self._bare[nas].move_to_end(source)
        self.since = self.since or at
        row.last = at
        if taken:
            row.taken += 1
        else:
            row.refused += 1

    def requires(self, nas: str, source: str) -> bool:
        """Whether a request from this address of this client must be signed, under ``auto``."""
        row = self._signing.get(source)
        return nas in self._everywhere or (row is not None and row.nas == nas and row.signed > 0)

    def forget(self, nas: str, source: str = "") -> int:
        """Begin anew with one address of this client, or with all of them; how many were known."""
        self.forgot = True
        known = [at for at, row in self._signing.items() if row.nas == nas and source in ("", at)]
        for at in known:
            del self._signing[at]
        if not source:
            self._everywhere.discard(nas)
        bare = self._bare.get(nas, OrderedDict())
        for at in [at for at in bare if source in ("", at)]:
            del bare[at]
            self._bare_count -= 1
        return len(known)

    # -- for people, and for the disk: in a thread of its own, too, for a hundred thousand rows take a third of a second

    def news(self) -> Iterator[Signs]:
        """Addresses that have signed of their own accord for the first time, each once."""
        while self._news:
            yield self._news.popleft()

    def signing(self) -> tuple[Signs, ...]:
        """All that sign."""
        return tuple(_signs(source, row) for source, row in list(self._signing.items()))

    def bare(self) -> tuple[Unsigned, ...]:
        """All that something came from unsigned."""
        return tuple(
            Unsigned(nas=row.nas, source=source, first=row.first, last=row.last, taken=row.taken, refused=row.refused)
            for rows in list(self._bare.values())
            for source, row in list(rows.items())
        )

    def everywhere(self) -> tuple[str, ...]:
        """Clients of which every address must sign, for want of room to tell them apart."""
        return tuple(sorted(self._everywhere))

    def recall(
        self, signing: Iterable[Signs], bare: Iterable[Unsigned], since: float, everywhere: Iterable[str] = ()
    ) -> None:
        """What was known before the restart. It is no news."""
        for each in signing:
            row = self._signing[each.source] = _Signing(each.nas, each.first)
            row.last, row.signed, row.eap = each.last, each.signed, each.eap
        self._everywhere.update(everywhere)
        for one in bare:
            bare_row = self._bare_row(one.nas, one.source, one.first)
            bare_row.last, bare_row.taken, bare_row.refused = one.last, one.taken, one.refused
        self.since = since

    def __len__(self) -> int:
        return len(self._signing)

    def _bare_row(self, nas: str, source: str, first: float) -> _Bare:
        """What has no room pushes out another of its own client: else forged addresses of one would make another look
        as if nothing had ever come unsigned."""
        rows = self._bare.setdefault(nas, OrderedDict())
        row = rows.get(source)
        if row is None:
            if self._bare_count >= self._capacity:
                (rows or max(self._bare.values(), key=len)).popitem(last=False)
                self._bare_count -= 1
            row = rows[source] = _Bare(nas, first)
            self._bare_count += 1
        return row


def _signs(source: str, row: _Signing) -> Signs:
    return Signs(nas=row.nas, source=source, first=row.first, last=row.last, signed=row.signed, eap=row.eap)
