"""The same question about several hosts at the same time, none of them waited for past its time.

Knows: threads and waiting. Refuses to know: what is asked.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

from nacd.errors import SourceError

T = TypeVar("T")


def together(hosts: Sequence[str], work: Callable[[str], T], until: float) -> list[tuple[str, T | SourceError]]:
    """What ``work`` says of each host, in their order; a SourceError it raised, or that it took too long.

    until: monotonic seconds. A stuck one costs a daemon thread, which does not hold up the end of the program.
    """
    flights: list[tuple[str, Future[T]]] = []
    for host in hosts:
        flight: Future[T] = Future()
        flights.append((host, flight))
        threading.Thread(target=_fly, args=(flight, work, host), name="doctor", daemon=True).start()
    landed: list[tuple[str, T | SourceError]] = []
    for host, flight in flights:
        result = _landed(flight, until)
        landed.append((host, result))
    return landed


def _fly(flight: Future[T], work: Callable[[str], T], host: str) -> None:
    trouble = SourceError("stopped by a bug, see above")
    try:
        result = work(host)
    except SourceError as expected:
        trouble = expected
    else:
        flight.set_result(result)
    finally:
        # A bug goes on to the thread's hook, which prints it; whoever waits is let go all the same.
        if not flight.done():
            flight.set_exception(trouble)


def _landed(flight: Future[T], until: float) -> T | SourceError:
    try:
        return flight.result(timeout=max(0.0, until - time.monotonic()))
    except TimeoutError:
        return SourceError("no answer in time")
    except SourceError as trouble:
        return trouble
