"""Which generation decides a request.

Knows: the one in force, the one that is tried out with some NASes, and the old ones that conversations still need.
Refuses to know: how a generation comes about (``preparing``), and when one is worth going on with (``canary``).

A request belongs to the generation that is in force when it is received, an EAP conversation to the one in which it
began. Packets are verified with the secret that is valid when they come: whose secret is not valid any more has no say,
also not in the middle of something.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final
from weakref import WeakValueDictionary

from nacd.eap.conversation import Ongoing
from nacd.radius.admission import Fresh
from nacd.radius.packet import STATE
from nacd.server.reload.generation import Generation

MOST_OLD: Final = 4
"""Old generations that may live on for their conversations; one more, and the oldest one's conversations end."""


class InForce:
    """For one event loop. ``current`` and ``canary`` are read for each packet; nothing else is needed for most."""

    def __init__(
        self, first: Generation, ongoing: Ongoing, report: Callable[[str], object] = lambda _text: None
    ) -> None:
        """report: told when conversations had to be ended."""
        self.current = first
        self.canary: Generation | None = None
        self.several = False
        """Whether a conversation may belong to another generation than the one in force."""
        self.group = ""
        """The NASes that ``canary`` answers."""
        self.ended_early = 0
        """Conversations that were ended because there were too many generations."""
        self._ongoing = ongoing
        self._report = report
        self._alive: WeakValueDictionary[int, Generation] = WeakValueDictionary({first.number: first})

    def choose(self, source: str) -> Generation:
        """Whose a packet from this address is while one is tried out."""
        canary = self.canary
        if canary is not None:
            client = canary.table.find(source)
            if client is not None and self.group in client.nas.groups:
                return canary
        return self.current

    def continued(self, fresh: Fresh, source: str, generation: Generation) -> tuple[Fresh, Generation]:
        """Whose a verified packet is that may go on with a conversation. generation: in force for its NAS.

        What is decided of it is decided by the old generation's word on this NAS; it is answered with the secret that
        is valid now. An address that belongs to another NAS than then begins anew.
        """
        state = fresh.packet.first(STATE)
        owner = self._ongoing.owner(source, state) if state else None
        if not isinstance(owner, Generation) or owner is generation:
            return fresh, generation
        before = owner.table.find(source)
        if before is None or before.nas.name != fresh.client.nas.name:
            return fresh, generation
        return fresh._replace(client=replace(before, secret=fresh.client.secret)), owner

    def put(self, new: Generation) -> None:
        """It decides everything from now on, whatever was tried out."""
        self._alive[new.number] = new
        self.several = True
        self.group = ""
        self.current, self.canary = new, None
        self._settle()

    def try_out(self, new: Generation, group: str) -> None:
        """It decides for the NASes of this group, by its own word on who is in it."""
        self._alive[new.number] = new
        self.several = True
        self.group = group
        self.canary = new
        self._settle()

    def take_back(self) -> None:
        """Nothing new begins with what was tried out."""
        self.canary, self.group = None, ""
        self._settle()

    def all(self) -> tuple[Generation, ...]:
        """Every one that is alive, the oldest first."""
        return tuple(sorted(self._alive.values(), key=lambda each: each.number))

    def old(self) -> tuple[Generation, ...]:
        """Those that nothing new begins with, the oldest first."""
        return tuple(each for each in self.all() if each is not self.current and each is not self.canary)

    @property
    def limited(self) -> Mapping[str, int]:
        """How often each limit of ``eap.conversations`` refused somebody."""
        return self._ongoing.books.limited

    @property
    def ongoing(self) -> Ongoing:
        """Every EAP conversation."""
        return self._ongoing

    @property
    def conversations(self) -> int:
        """EAP conversations that are going on."""
        return self._ongoing.books.live

    def tidy(self) -> None:
        """Now and then."""
        if self.several:
            self.several = len(self._alive) > 1

    def _settle(self) -> None:
        eap = self.current.assembled.eap
        if eap is not None:
            self._ongoing.books.options = eap.options
        for oldest in self._too_many():
            del self._alive[oldest.number]
            count = self._ongoing.drop(oldest)
            self.ended_early += count
            if count:
                self._report(
                    f"{count} EAP conversations begin anew: they began {self.current.number - oldest.number}"
                    f" configurations ago, and at most {MOST_OLD} old ones are kept"
                )

    def _too_many(self) -> Iterator[Generation]:
        old = self.old()
        yield from old[: max(0, len(old) - MOST_OLD)]
