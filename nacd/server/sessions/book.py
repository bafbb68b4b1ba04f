"""The database of sessions as the event loop sees it: changes go in, and everybody hears what became of them.

Knows: which thread waits for the disk, and in which order outcomes are told. Refuses to know: what a change means
(``session/``), and what follows from it (the listeners).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Final, NamedTuple, TypeAlias, TypeVar

from nacd.server.lookups.threads import Threads
from nacd.sessions import Change
from nacd.store.live.outcome import Applied
from nacd.store.sessions import SessionStore
from nacd.values import Instant

T = TypeVar("T")
Listener: TypeAlias = Callable[[Change, Applied], None]
_READERS: Final = 2
_AT_ONCE: Final = 500
"""Changes that are told of before the loop does something else."""


class _Done(NamedTuple):
    """left: what has not been told yet, and to whom."""

    outcomes: tuple[Applied, ...]
    future: asyncio.Future[tuple[Applied, ...]]
    left: Iterator[tuple[Listener, Change, Applied]]


class Book:
    """For one event loop, on which it is made and used."""

    def __init__(self, store: SessionStore, clock: Callable[[], Instant]) -> None:
        self._store = store
        self._clock = clock
        self._listeners: list[Listener] = []
        self._readers = Threads(_READERS, "sessions")
        self._done: deque[_Done] = deque()
        self._called = False
        self._waiting = 0

    @property
    def problem(self) -> str:
        """What keeps the database from working just now, ``""`` when all is well."""
        return self._store.problem

    @property
    def waiting(self) -> int:
        """Changes that wait for the disk."""
        return self._waiting

    def listen(self, listener: Listener) -> None:
        """Call this on the loop for every change that is on the disk, in their order, before ``write`` is done.

        What a listener raises is a bug for the loop's log, and keeps nobody from hearing of that change and others.
        """
        self._listeners.append(listener)

    def write(self, changes: Sequence[Change]) -> asyncio.Future[tuple[Applied, ...]]:
        """Carry out a slice of work in one transaction. The future never fails; what was not stored says so."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[tuple[Applied, ...]] = loop.create_future()
        kept = tuple(changes)
        self._waiting += len(kept)
        self._store.submit_all(kept).add_done_callback(partial(self._written, loop, kept, future))
        return future

    async def read(self, ask: Callable[[SessionStore], T]) -> T:
        """Ask the database in a thread of its own. Raises what ``ask`` raises."""
        return await self._readers.run(partial(ask, self._store))

    def close(self) -> None:
        """Read no more. The database is its owner's to close."""
        self._readers.close()

    def _written(
        self,
        loop: asyncio.AbstractEventLoop,
        changes: tuple[Change, ...],
        future: asyncio.Future[tuple[Applied, ...]],
        stored: Future[tuple[Applied, ...]],
    ) -> None:
        """In the writer's thread. One call wakes the loop for all that a commit has settled."""
        outcomes = stored.result()
        self._done.append(_Done(outcomes, future, self._words(changes, outcomes)))
        if not self._called:
            self._called = True
            with contextlib.suppress(RuntimeError):  # the loop has been closed
                loop.call_soon_threadsafe(self._tell)

    def _words(
        self, changes: Sequence[Change], outcomes: Sequence[Applied]
    ) -> Iterator[tuple[Listener, Change, Applied]]:
        for change, outcome in zip(changes, outcomes, strict=True):
            if outcome.stored:
                for listener in self._listeners:
                    yield listener, change, outcome

    def _tell(self) -> None:
        self._called = False
        told = 0
        try:
            while self._done and told < _AT_ONCE:
                done = self._done[0]
                # After a listener that has failed this goes on with the next one.
                for listener, change, outcome in done.left:
                    listener(change, outcome)
                self._done.popleft()
                told += len(done.outcomes)
                self._waiting -= len(done.outcomes)
                if not done.future.done():
                    done.future.set_result(done.outcomes)
        finally:
            if self._done:
                asyncio.get_running_loop().call_soon(self._tell)
