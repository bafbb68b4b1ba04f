"""One event loop for thousands of simulated endpoints: timers and sockets, nothing else.

Knows: when something is due and which socket has something to read. Refuses to know: RADIUS. It
measures how late it is itself (``lag``), so that a slow load generator is not taken for a slow server.
"""

from __future__ import annotations

import heapq
import select
import socket
import time
from array import array
from collections.abc import Callable
from itertools import count

_DUE_AT_ONCE = 32


class Loop:
    """Timers by ``at``, readers by ``read``; times are ``time.monotonic()`` seconds."""

    def __init__(self) -> None:
        self._poll = select.epoll()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._readers: dict[int, Callable[[], None]] = {}
        self._ending = False
        self.lag = array("d")
        """Seconds between the time a timer was due and its run."""

    def at(self, when: float, run: Callable[[], None]) -> None:
        """Run this once at ``when``, or as soon after as can be."""
        heapq.heappush(self._timers, (when, next(self._order), run))

    def read(self, sock: socket.socket, run: Callable[[], None]) -> None:
        """Run this whenever the socket has something to read."""
        self._readers[sock.fileno()] = run
        self._poll.register(sock.fileno(), select.EPOLLIN)

    def forget(self, sock: socket.socket) -> None:
        """The opposite of ``read``."""
        self._poll.unregister(sock.fileno())
        del self._readers[sock.fileno()]

    def end(self) -> None:
        """Let ``run`` return."""
        self._ending = True

    def run(self, until: float) -> None:
        """Work until that time or until somebody calls ``end``."""
        self._ending = False
        while not self._is_over(until):
            self._run_due(time.monotonic())
            soonest = min(self._timers[0][0] if self._timers else until, until)
            wait_s = 0.0 if self._is_over(until) else max(0.0, soonest - time.monotonic())
            for descriptor, _ in self._poll.poll(wait_s):
                reader = self._readers.get(descriptor)
                if reader is not None:
                    reader()

    def _is_over(self, until: float) -> bool:
        return self._ending or time.monotonic() >= until

    def _run_due(self, now: float) -> None:
        for _ in range(_DUE_AT_ONCE):
            if not self._timers or self._timers[0][0] > now:
                return
            when, _, run = heapq.heappop(self._timers)
            self.lag.append(max(0.0, time.monotonic() - when))
            run()
