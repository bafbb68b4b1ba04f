"""Single flight: many threads want one slow thing, one thread fetches it, nobody waits past its time.

Knows: threads and waiting. Refuses to know: what is fetched. A flight runs in a daemon thread of
its own, so a stuck one costs one thread, and neither holds its waiters nor the end of the process.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar

from nacd.errors import SourceError

T = TypeVar("T")


class Flights:
    """The flights under way, by key. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[Hashable, Future[Any]] = {}

    def run(self, key: Hashable, work: Callable[[], T], until: float, what: str) -> T:
        """The result of ``work``, joined or started; waits until ``until`` (monotonic seconds).

        Raises SourceError: the one ``work`` raised, or that ``what`` took too long.
        """
        flight: Future[T] = self._join(key, work)
        try:
            return flight.result(timeout=max(0.0, until - time.monotonic()))
        except TimeoutError:
            raise SourceError(f"{what} takes too long") from None

    def start(self, key: Hashable, work: Callable[[], object]) -> None:
        """Fetch in the background unless that is under way already; nobody waits."""
        self._join(key, work)

    def _join(self, key: Hashable, work: Callable[[], T]) -> Future[T]:
        with self._lock:
            flight = self._under_way.get(key)
            if flight is not None:
                return flight
            flight = self._under_way[key] = Future()
        thread = threading.Thread(target=self._fly, args=(key, work, flight), name="intune-flight", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            self._land(key)
            flight.set_exception(SourceError("no thread can be started"))
        return flight

    def _fly(self, key: Hashable, work: Callable[[], T], flight: Future[T]) -> None:
        trouble = SourceError("stopped by a bug, see the log")
        try:
            result = work()
        except SourceError as expected:
            trouble = expected
        else:
            self._land(key)
            flight.set_result(result)
        finally:
            # A bug goes on to the thread's hook, which prints it; its waiters are let go all the same.
            if not flight.done():
                self._land(key)
                flight.set_exception(trouble)

    def _land(self, key: Hashable) -> None:
        """Off the table first, so that whoever comes after the result starts anew."""
        with self._lock:
            del self._under_way[key]
