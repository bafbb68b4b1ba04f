"""Which of two secrets each NAS proved last, while both are valid.

Knows: per address, the secret that was used last and when the other one was; which one a NAS answered with when it was
asked. Refuses to know: how a packet proves its secret (``admission``), and who is told.

Only what was verified writes here, so only somebody with one of the two secrets can fill it, and only for NASes that
have two: all others leave no trace and cost nothing. What nothing signs is kept apart: a password that one of the two
secrets shows is a weaker word, for it may be a request that somebody sends once more. It tells people that the old
secret is in use, and chooses nothing. A pair of secrets that is not the one before (the change is over, or the next one
has begun) is seen anew.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from nacd.radius.clients import Client
from nacd.values import NO_SECRET, Secret

CAPACITY: Final = 65_536
"""Addresses remembered; the one silent for longest goes first."""
_MOST_CHANGES: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A NAS that has come with the other secret for the first time. at: seconds since the epoch.

    to_next: whether that is ``next_secret``. before_at: when it came with the other one last.
    """

    nas: str
    source: str
    to_next: bool
    at: float
    before_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One address of a NAS with two secrets. Times are seconds since the epoch, 0.0 for never.

    by_next: whether what came last came with ``next_secret``, by its signature, or by its password where nothing proves
    the opposite. old_at, next_at: when each was used last. answers_next: whether it answered with ``next_secret`` when
    it was asked last; None: it has answered nothing.
    """

    source: str
    by_next: bool | None
    old_at: float
    next_at: float
    answers_next: bool | None


class _Seen:
    __slots__ = ("nas", "other", "other_at", "told", "used", "used_at")

    def __init__(self, nas: str, used: Secret, other: Secret, at: float) -> None:
        self.nas = nas
        self.used, self.other = used, other
        self.used_at, self.other_at = at, 0.0
        self.told = False
        """Whether a change has been told. A NAS that goes to and fro (two boxes behind one address, accounting with
        another secret than logins) is told once."""

    def is_of(self, client: Client) -> bool:
        """Whether these are its two secrets, and its own."""
        if self.nas != client.nas.name:
            return False
        return {self.used.reveal(), self.other.reveal()} == {client.secret.reveal(), client.next_secret.reveal()}


class SecretsSeen:
    """For one event loop. What is here outlives a change of clients."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._seen: OrderedDict[str, _Seen] = OrderedDict()
        self._unsigned: OrderedDict[str, _Seen] = OrderedDict()
        self._answered: OrderedDict[tuple[str, str], Secret] = OrderedDict()
        self._turned: dict[str, tuple[Client, Client]] = {}
        self._watched: dict[str, tuple[tuple[Secret, ...], float]] = {}
        self._changes: deque[Changed] = deque(maxlen=_MOST_CHANGES)
        self.forgotten = 0
        """Addresses that had to make room for others."""

    # -- what comes from NASes

    def expected(self, client: Client, source: str) -> Client:
        """The client with that of its two secrets in front which this address proved last."""
        seen = self._seen.get(source)
        if seen is not None and seen.used == client.next_secret and seen.nas == client.nas.name:
            return self.turned(client)
        return client

    def turned(self, client: Client) -> Client:
        """The client with its other secret in front."""
        kept = self._turned.get(client.nas.name)
        if kept is None or kept[0] is not client:
            kept = self._turned[client.nas.name] = (client, client.turned())
        return kept[1]

    def saw(self, client: Client, used: Secret, source: str, at: float) -> None:
        """This address has proved one of the two secrets of its NAS, now. client: as it is configured. at: seconds
        since the epoch."""
        seen = self._seen.get(source)
        if seen is not None and seen.used == used and seen.is_of(client):
            seen.used_at = at
            self._seen.move_to_end(source)
            return
        other = client.secret if used == client.next_secret else client.next_secret
        if seen is None or not seen.is_of(client):
            self._keep(source, _Seen(client.nas.name, used, other, at))
            return
        before_at = seen.used_at
        seen.used, seen.other, seen.used_at, seen.other_at = used, other, at, before_at
        self._seen.move_to_end(source)
        if not seen.told:
            seen.told = True
            to_next = used == client.next_secret
            self._changes.append(
                Changed(nas=client.nas.name, source=source, to_next=to_next, at=at, before_at=before_at)
            )

    def saw_unsigned(self, client: Client, used: Secret, source: str, at: float) -> None:
        """The password of an unsigned request was hidden with one of the two secrets, now. As for ``saw``."""
        seen = self._unsigned.get(source)
        if seen is None or not seen.is_of(client):
            other = client.secret if used == client.next_secret else client.next_secret
            self._unsigned[source] = _Seen(client.nas.name, used, other, at)
        elif seen.used == used:
            seen.used_at = at
        else:
            seen.used, seen.other, seen.used_at, seen.other_at = used, seen.used, at, seen.used_at
        self._unsigned.move_to_end(source)
        if len(self._unsigned) > self._capacity:
            self._unsigned.popitem(last=False)
            self.forgotten += 1

    def changes(self) -> Iterator[Changed]:
        """Those since the last time, each once."""
        while self._changes:
            yield self._changes.popleft()

    # -- what NASes are asked

    def ask_with(self, nas: str, host: str, source: str, secrets: tuple[Secret, Secret]) -> tuple[Secret, Secret]:
        """The two secrets in the order to try them: first what this address answered with last, else what it sends
        with. host: who is asked. source: where the session came from."""
        known = self._answered.get((nas, host))
        if known is None:
            seen = self._seen.get(host) or self._seen.get(source)
            known = seen.used if seen is not None and seen.nas == nas else NO_SECRET
        return (secrets[1], secrets[0]) if known == secrets[1] else secrets

    def answered(self, nas: str, host: str, secret: Secret) -> None:
        """It has answered, and proved this secret by it."""
        key = (nas, host)
        self._answered[key] = secret
        self._answered.move_to_end(key)
        if len(self._answered) > self._capacity:
            self._answered.popitem(last=False)

    # -- for people

    def watch(self, name: str, secrets: tuple[Secret, ...], at: float) -> None:
        """From now on this NAS has these secrets beside each other. at: seconds since the epoch."""
        if name not in self._watched or self._watched[name][0] != secrets:
            self._watched[name] = (secrets, at)

    def since(self, name: str) -> float:
        """Since when it has had them, as far as this daemon knows: seconds since the epoch, 0.0 if it does not."""
        return self._watched[name][1] if name in self._watched else 0.0

    def sightings(self, client: Client, asked_with: tuple[Secret, Secret]) -> tuple[Sighting, ...]:
        """Every address of this NAS, those that still come with the old secret first. client: as it is configured.

        asked_with: the two secrets that it is asked with.
        """
        name = client.nas.name
        seen = {source: each for source, each in self._seen.items() if each.is_of(client)}
        bare = {source: each for source, each in self._unsigned.items() if each.is_of(client)}
        answers = {
            host: secret for (nas, host), secret in self._answered.items() if nas == name and secret in asked_with
        }
        told = (
            _sighting(at, seen.get(at), bare.get(at), answers.get(at), client, asked_with)
            for at in {*seen, *bare, *answers}
        )
        return tuple(sorted(told, key=lambda each: (each.by_next is not False, each.source)))

    def __len__(self) -> int:
        return len(self._seen)

    def _keep(self, source: str, seen: _Seen) -> None:
        self._seen[source] = seen
        self._seen.move_to_end(source)
        if len(self._seen) > self._capacity:
            self._seen.popitem(last=False)
            self.forgotten += 1


def _sighting(
    source: str,
    seen: _Seen | None,
    bare: _Seen | None,
    answered: Secret | None,
    client: Client,
    asked_with: tuple[Secret, Secret],
) -> Sighting:
    by_next, old_at, next_at = _uses(seen, client)
    bare_next, bare_old_at, bare_next_at = _uses(bare, client)
    # What is not proved never says that the old one can go where a proof says the opposite.
    if by_next is None or (by_next and bare_next is False and bare_old_at >= next_at):
        by_next = bare_next
    return Sighting(
        source=source,
        by_next=by_next,
        old_at=max(old_at, bare_old_at),
        next_at=max(next_at, bare_next_at),
        answers_next=None if answered is None else answered == asked_with[1],
    )


def _uses(seen: _Seen | None, client: Client) -> tuple[bool | None, float, float]:
    """Whether ``next_secret`` was used last, and when the old one and the next one were; None and 0.0 for never."""
    if seen is None:
        return None, 0.0, 0.0
    if seen.used == client.next_secret:
        return True, seen.other_at, seen.used_at
    return False, seen.used_at, seen.other_at
