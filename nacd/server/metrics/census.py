"""Sessions counted now and then: it is too slow for whoever asks to wait for it.

Knows: that the database takes a tenth of a second to count a million rows, so that it happens in a thread, and whoever
asks is told the last count. Refuses to know: what the numbers are for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final, Protocol, TypeAlias

EVERY_S: Final = 15.0


class Countable(Protocol):
    """The database of sessions, as far as it is counted."""

    def counts(self) -> Mapping[str, int]: ...


Ask: TypeAlias = Callable[[Countable], Mapping[str, int]]


class Read(Protocol):
    """Asks the database in a thread."""

    def __call__(self, ask: Ask) -> Awaitable[Mapping[str, int]]: ...


class Census:
    """read: runs its argument with the database in a thread. every_s: from one count to the next."""

    def __init__(self, read: Read, every_s: float = EVERY_S) -> None:
        self._read = read
        self._every_s = every_s
        self.counted: Mapping[str, int] = MappingProxyType({})
        """Sessions by phase, and ``pending``, when they were counted last; empty before that."""

    async def run(self) -> None:
        """Count for ever."""
        while True:
            self.counted = await self._read(_counts)
            await asyncio.sleep(self._every_s)


def _counts(store: Countable) -> Mapping[str, int]:
    return store.counts()
