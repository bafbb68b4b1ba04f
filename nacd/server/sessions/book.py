"""The database of sessions as the event loop sees it: changes go in, and everybody hears what became of them.

Knows: which thread waits for the disk, in which order outcomes are told, and what can wait for company. Refuses to
know: what a change means (``session/``), and what follows from it (the listeners).

Logins that say nothing new go to the disk with whatever is written next, and before it; so whatever is said of a
session later finds it as it would have been.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Final, NamedTuple, TypeAlias, TypeVar

from nacd.admit import CameBack
from nacd.server.lookups.threads import Threads
from nacd.session.familiar import Familiar
from nacd.session.table import apply
from nacd.sessions import Authorized, CameAgain, Change, Entry, Gone, NasRestarted, Session, Wished
from nacd.store.live.outcome import Applied
from nacd.store.sessions import SessionStore
from nacd.values import Instant

T = TypeVar("T")
Listener: TypeAlias = Callable[[Change, Applied], None]
_READERS: Final = 2
_AT_ONCE: Final = 500
"""Changes that are told of before the loop does something else."""
_ALONE_S: Final = 2.0
_MOST_AGAIN: Final = 2_000


class _Done(NamedTuple):
    """outcomes: of what was asked for. told: how many changes there were. left: what has not been told yet, and to
    whom."""

    outcomes: tuple[Applied, ...]
    told: int
    future: asyncio.Future[tuple[Applied, ...]]
    left: Iterator[tuple[Listener, Change, Applied]]


class Book:
    """For one event loop, on which it is made and used."""

    def __init__(self, store: SessionStore, clock: Callable[[], Instant], *, alone_s: float = _ALONE_S) -> None:
        """alone_s: how long a login that says nothing new waits for something else to be written."""
        self._alone_s = alone_s
        self._store = store
        self._clock = clock
        self._listeners: list[Listener] = []
        self._readers = Threads(_READERS, "sessions")
        self._done: deque[_Done] = deque()
        self._called = False
        self._waiting = 0
        self.familiar: Final = Familiar()
        self._again: dict[int, CameBack | CameAgain] = {}
        self._alone: asyncio.TimerHandle | None = None

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
        again = self._take_again()
        for change in changes:
            if isinstance(change, Authorized):
                self.familiar.leave(change.place, change.names)
            elif isinstance(change, Wished | Gone):
                self.familiar.forget(change.id)
            elif isinstance(change, NasRestarted):
                self.familiar.forget_nas(change.nas)
        kept = (*(_entry(id, each) for id, each in again.items()), *changes)
        self._waiting += len(kept)
        self._store.submit_all(kept).add_done_callback(partial(self._written, loop, kept, len(again), future))
        return future

    def came_again(self, back: CameBack) -> bool:
        """Have it written down, though not at once. False if something has become of the session since it was looked
        at: then it is to be written in full."""
        id = back.session.id
        if self.familiar.find(id) is not back.session:
            return False
        self._again[id] = back
        if len(self._again) >= _MOST_AGAIN:
            self._write_again()
        else:
            self._later()
        return True

    async def read(self, ask: Callable[[SessionStore], T]) -> T:
        """Ask the database in a thread of its own. Raises what ``ask`` raises."""
        return await self._readers.run(partial(ask, self._store))

    def close(self) -> None:
        """Read no more. The database is its owner's to close."""
        self._write_again()
        self._readers.close()

    def _take_again(self) -> dict[int, CameBack | CameAgain]:
        """What waits; of what was not taken once, only that of which nothing has become since: the rest is old."""
        waits, self._again = self._again, {}
        return {
            id: each
            for id, each in waits.items()
            if isinstance(each, CameBack) or isinstance(self.familiar.find(id), Session)
        }

    def _later(self) -> None:
        if self._alone is None:
            self._alone = asyncio.get_running_loop().call_later(self._alone_s, self._write_again)

    def _write_again(self) -> None:
        if self._alone is not None:
            self._alone.cancel()
            self._alone = None
        if self._again:
            self.write(())

    def _written(
        self,
        loop: asyncio.AbstractEventLoop,
        changes: tuple[Entry, ...],
        again: int,
        future: asyncio.Future[tuple[Applied, ...]],
        stored: Future[tuple[Applied, ...]],
    ) -> None:
        """In the writer's thread. One call wakes the loop for all that a commit has settled. again: how many of the
        changes nobody has asked for."""
        outcomes = stored.result()
        self._done.append(_Done(outcomes[again:], len(outcomes), future, self._words(changes, outcomes)))
        if not self._called:
            self._called = True
            with contextlib.suppress(RuntimeError):  # the loop has been closed
                loop.call_soon_threadsafe(self._tell)

    def _words(
        self, entries: Sequence[Entry], outcomes: Sequence[Applied]
    ) -> Iterator[tuple[Listener, Change, Applied]]:
        """On the loop, one after the other."""
        for entry, written in zip(entries, outcomes, strict=True):
            change = entry.login if isinstance(entry, CameAgain) else entry
            outcome = self._as_it_is(entry, written) if isinstance(entry, CameAgain) else written
            if outcome.stored:
                self._learn(change, outcome)
                for listener in self._listeners:
                    yield listener, change, outcome

    def _as_it_is(self, change: CameAgain, outcome: Applied) -> Applied:
        """Nothing was read for it. What is not stored is tried again, with whatever is written next; what there is no
        room for is not, and the next login is written in full."""
        known = self.familiar.find(change.id)
        if not outcome.stored:
            if change.id in self._again:
                return outcome  # it came once more
            if isinstance(known, Session) and len(self._again) < _MOST_AGAIN:
                self._again[change.id] = change
                self._later()
            else:
                self.familiar.forget(change.id)
            return outcome
        if isinstance(outcome.session, Session) or not isinstance(known, Session):
            return outcome
        made = apply(known, change)
        return Applied(session=made, changed=True) if isinstance(made, Session) else outcome

    def _learn(self, change: Change, outcome: Applied) -> None:
        for id in outcome.ended:
            self.familiar.forget(id)
        session = outcome.session
        if isinstance(session, Session) and (
            isinstance(change, Authorized) or isinstance(self.familiar.find(session.id), Session)
        ):
            self.familiar.learn(session)

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
                told += done.told
                self._waiting -= done.told
                if not done.future.done():
                    done.future.set_result(done.outcomes)
        finally:
            if self._done:
                asyncio.get_running_loop().call_soon(self._tell)


def _entry(id: int, again: CameBack | CameAgain) -> CameAgain:
    return again if isinstance(again, CameAgain) else CameAgain(id=id, login=again.login())
