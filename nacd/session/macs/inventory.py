"""The inventory: MACs that people have let in by name, each with an owner, a reason and perhaps an end.

Knows: what an entry must say, which MACs stand for no machine, and by which words a MAC stands in it at a moment.
Refuses to know: where entries are kept, who may make one, and what a rule makes of those words.

Theory. An entry is no permission: a rule of the policy asks for it (``inventory``), and says what it is good for. So
whoever may write entries chooses among what the policy's author has laid out, and can give nothing else. A MAC is free
to show, so what is entered should name one machine: a randomised MAC names none, a group address never sends.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from nacd.values import MacAddress

MOST: Final = 200_000
"""Entries: some 0.6 KB of memory each."""
MOST_TAGS: Final = 8
MOST_OWNER: Final = 120
MOST_REASON: Final = 253
ANY: Final = "any"
"""The word that every entry has, and no tag can be."""
_TAG: Final = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,30}[a-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One MAC. Raises ValueError, in words for whoever writes it, when it is not whole.

    mac: as ``MacAddress`` spells it. tags: lower case, sorted. at, until: seconds since the epoch; until 0.0: without
    end. even_if_managed: it counts also while nacd knows this MAC by a certificate. by: who entered it.
    """

    mac: str
    owner: str
    reason: str
    by: str
    at: float
    until: float = 0.0
    tags: tuple[str, ...] = ()
    even_if_managed: bool = False

    def __post_init__(self) -> None:
        for name, text, most in (("owner", self.owner, MOST_OWNER), ("reason", self.reason, MOST_REASON)):
            if not text.strip():
                raise ValueError(f"an entry needs {'an' if name == 'owner' else 'a'} {name}")
            if len(text) > most or not text.isprintable():
                raise ValueError(f"the {name} is one line of text, at most {most} characters")
        if self.until and self.until <= self.at:
            raise ValueError("an entry ends after it begins")
        if len(self.tags) > MOST_TAGS:
            raise ValueError(f"an entry has at most {MOST_TAGS} tags")
        if self.tags != tuple(sorted({tag(each) for each in self.tags})):
            raise ValueError("tags stand once, in the order of the alphabet")

    def is_in_force(self, now: float) -> bool:
        """It has not run out. now: seconds since the epoch."""
        return not self.until or now < self.until

    @property
    def words(self) -> tuple[str, ...]:
        """By which a rule may ask for it."""
        return (ANY, *self.tags)

    def says_the_same(self, other: Entry) -> bool:
        """Whether both let in the same, for the same reason; who wrote it and when is another matter."""
        return _said(self) == _said(other)


def _said(entry: Entry) -> tuple[object, ...]:
    return (entry.mac, entry.owner, entry.reason, entry.until, entry.tags, entry.even_if_managed)


def tag(word: str) -> str:
    """A tag in its one spelling. Raises ValueError."""
    folded = word.strip().casefold()
    if folded == ANY:
        raise ValueError(f"`{ANY}` is no tag: every entry answers to it")
    if not _TAG.fullmatch(folded):
        raise ValueError(f"`{word[:40]}` is no tag: write a-z, 0-9, `-` and `_`, at most 32 characters")
    return folded


def tags(words: Iterable[str]) -> tuple[str, ...]:
    """Tags as an entry has them. Raises ValueError."""
    return tuple(sorted({tag(word) for word in words if word.strip()}))


def misgiving(mac: MacAddress, *, allow_randomised: bool = False) -> str:
    """Why this MAC is not entered, in words; ``""`` for nothing."""
    if int(mac.text[:2], 16) & 0x01:
        return f"`{mac}` is a group address: no machine sends from it"
    if mac.locally_administered and not allow_randomised:
        return (
            f"`{mac}` is locally administered: phones and laptops make such addresses up and change them, so it names"
            " no machine; switch randomising off there, or say --allow-randomised if it is fixed for good"
        )
    return ""


class Inventory:
    """All entries in memory, those that have run out too. For one thread, but for ``entries``."""

    def __init__(self) -> None:
        self.unread = False
        """Whether nobody could read yet what stands in it: then it is not empty, and tells nothing about sessions."""
        self._entries: dict[str, Entry] = {}
        self._ends: list[tuple[float, str]] = []

    def load(self, entries: Iterable[Entry], now: float) -> None:
        """Know these and no others. now: ends before this are nobody's news; seconds since the epoch."""
        self._entries = {each.mac: each for each in entries}
        self._collect_ends(now)

    def __len__(self) -> int:
        return len(self._entries)

    def entries(self) -> tuple[Entry, ...]:
        """All of them, as they are now. For any thread."""
        return tuple(self._entries.values())

    def find(self, mac: str) -> Entry | None:
        """Its entry, also one that has run out."""
        return self._entries.get(mac)

    def words(self, mac: str, now: float) -> tuple[str, ...]:
        """By which words it stands there; none if it does not, or not any more. now: seconds since the epoch."""
        found = self._entries.get(mac)
        return found.words if found is not None and found.is_in_force(now) else ()

    def put(self, entry: Entry) -> None:
        """Know this one, instead of an older one about the same MAC."""
        self._entries[entry.mac] = entry
        if entry.until:
            heapq.heappush(self._ends, (entry.until, entry.mac))
            if len(self._ends) > 2 * len(self._entries) + 1_000:  # ends of entries that were replaced since
                self._collect_ends(self._ends[0][0] - 1.0)

    def forget(self, mac: str) -> None:
        """Know it no more."""
        self._entries.pop(mac, None)

    def ran_out(self, now: float) -> tuple[str, ...]:
        """MACs whose end has come since this was asked last. now: seconds since the epoch."""
        return tuple(self._over(now))

    def _over(self, now: float) -> Iterator[str]:
        while self._ends and self._ends[0][0] <= now:
            until, mac = heapq.heappop(self._ends)
            found = self._entries.get(mac)
            if found is not None and found.until == until:
                yield mac

    def _collect_ends(self, after: float) -> None:
        self._ends = [(each.until, each.mac) for each in self._entries.values() if each.until > after]
        heapq.heapify(self._ends)
