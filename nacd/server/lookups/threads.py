"""Threads for what blocks, that never hold up the end of the process.

Knows: work and whoever waits for it on the event loop. Refuses to know: what is done. The standard pool's threads are
waited for when the interpreter ends, however long Microsoft keeps them; these are let go.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")


class _Work(NamedTuple):
    work: Callable[[], Any]
    loop: asyncio.AbstractEventLoop
    result: asyncio.Future[Any]


class Threads:
    """At most ``count`` of them, begun when they are needed. For use on one event loop."""

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._name = name
        self._begun = 0
        self._busy = 0
        self._waiting: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()

    def run(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Do it in a thread as soon as one is free. A future that is cancelled before that is not worked on.

        Raises RuntimeError when there is no thread at all and none can be started.
        """
        loop = asyncio.get_running_loop()
        result: asyncio.Future[T] = loop.create_future()
        if self._begun < min(self._count, self._busy + 1):
            self._begin()
        self._busy += 1
        result.add_done_callback(self._one_less)
        self._waiting.put(_Work(work, loop, result))
        return result

    def close(self) -> None:
        """Let the threads end when they have done what they are at."""
        for _ in range(self._begun):
            self._waiting.put(None)

    def _begin(self) -> None:
        thread = threading.Thread(target=self._serve, name=f"{self._name}-{self._begun + 1}", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            if not self._begun:
                raise
            return  # the system has no more of them: those that there are do the work
        self._begun += 1

    def _one_less(self, _result: asyncio.Future[Any]) -> None:
        self._busy -= 1

    def _serve(self) -> None:
        while self._serve_one():
            pass  # between two works nothing of the last one is held

    def _serve_one(self) -> bool:
        """False when there is to be no more."""
        wanted = self._waiting.get()
        if wanted is None:
            return False
        if not wanted.result.cancelled():
            try:
                outcome = wanted.work()
            except Exception as bug:  # noqa: BLE001 - whoever waits has it raised
                _tell(wanted, wanted.result.set_exception, bug)
            else:
                _tell(wanted, wanted.result.set_result, outcome)
        return True


def _tell(done: _Work, settle: Callable[[Any], None], outcome: Any) -> None:
    """On the loop, unless nobody is there any more."""
    with contextlib.suppress(RuntimeError):  # the loop has been closed
        done.loop.call_soon_threadsafe(lambda: None if done.result.done() else settle(outcome))
