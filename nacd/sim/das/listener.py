"""A Dynamic Authorization Server (RFC 5176) of a simulated NAS: verifies what it is asked, answers by a script.

Knows: the socket, repetitions, and when each answer leaves. Refuses to know: sessions, and anything of the client's
code. Requests that are not believed are kept and go unanswered, as on a real NAS.
"""

from __future__ import annotations

import heapq
import select
import socket
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from nacd.sim.das.answers import ACK, Answer, Script, always
from nacd.sim.das.heard import DEMANDS, Demand, Heard, attributes, faults

_Due = tuple[float, int, bytes, tuple[str, int], bool]


class Das:
    """One address that listens while it is entered.

    answers: the script. demands: what a request must have. window_s: how far an Event-Timestamp may be from now, and
    how long an Identifier of a port is remembered. port 0: the kernel chooses. Raises OSError for an address in use.
    """

    def __init__(
        self,
        secret: bytes,
        answers: Script = always(ACK),  # noqa: B008 -- a script without memory
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        demands: frozenset[Demand] = DEMANDS,
        window_s: float = 300.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.secret = secret
        self.answers = answers
        self._demands = demands
        self._window_s = window_s
        self._clock = clock
        self._heard: list[Heard] = []
        self._known: dict[tuple[tuple[str, int], int], tuple[Heard, Sequence[Answer]]] = {}
        """(address, Identifier) -> its last request and what is answered."""
        self._due: list[_Due] = []
        self._count = 0
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._own, self._other = (socket.socket(family, socket.SOCK_DGRAM) for _ in range(2))
        self._own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024 * 1024)
        self._own.bind((host, port))
        self._other.bind((host, 0))
        self._own.setblocking(False)
        self._alarm, self._alarmed = socket.socketpair()
        self._news = threading.Condition()
        self._forgotten = False
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening; what had not left yet never leaves."""
        self._alarm.close()
        if self._thread.is_alive():
            self._thread.join(5)
        for one in (self._own, self._other, self._alarmed):
            one.close()

    @property
    def host(self) -> str:
        return str(self._own.getsockname()[0])

    @property
    def port(self) -> int:
        return int(self._own.getsockname()[1])

    @property
    def heard(self) -> list[Heard]:
        """Everything so far, in order: requests, their repetitions, and what was not believed."""
        with self._news:
            return list(self._heard)

    @property
    def asked(self) -> list[Heard]:
        """The requests that were believed, without repetitions."""
        return [heard for heard in self.heard if not heard.faults and heard.transmission == 1]

    def wait_for(self, count: int, within_s: float = 10.0) -> list[Heard]:
        """Until ``count`` datagrams were heard; all of them. Raises TimeoutError."""
        with self._news:
            if not self._news.wait_for(lambda: len(self._heard) >= count, within_s):
                raise TimeoutError(f"{len(self._heard)} of {count} datagrams within {within_s:.0f} s")
            return list(self._heard)

    def forget(self) -> None:
        """Know no request that was heard before: what comes again is new, as after a start."""
        self._forgotten = True

    # -- in its own thread

    def _serve(self) -> None:
        while True:
            wait_s = max(0.0, self._due[0][0] - time.monotonic()) if self._due else None
            ready, _, _ = select.select([self._own, self._alarmed], [], [], wait_s)
            if self._alarmed in ready:
                return
            if ready:
                octets, peer = self._own.recvfrom(65_535)
                self._receive(octets, (str(peer[0]), int(peer[1])))
            while self._due and self._due[0][0] <= time.monotonic():
                _, _, octets, peer, elsewhere = heapq.heappop(self._due)
                (self._other if elsewhere else self._own).sendto(octets, peer)

    def _receive(self, octets: bytes, peer: tuple[str, int]) -> None:
        if self._forgotten:
            self._forgotten = False
            self._known.clear()
        heard = self._judged(octets, peer)
        answers: Sequence[Answer] = ()
        if not heard.faults:
            again = heard.transmission > 1
            place = (peer, octets[1])
            answers = self._known[place][1] if again else tuple(self.answers(heard))
            self._known[place] = (heard, answers)
        with self._news:
            self._heard.append(heard)
            self._news.notify_all()
        for answer in answers:
            if heard.transmission > answer.silent_tries:
                self._send_later(answer, heard)

    def _judged(self, octets: bytes, peer: tuple[str, int]) -> Heard:
        at = time.monotonic()
        wrong = faults(octets, self.secret, self._demands, self._clock(), self._window_s)
        if wrong:
            return Heard(octets=octets, peer=peer, at=at, faults=tuple(wrong))
        read = attributes(octets, self.secret)
        before = self._known.get((peer, octets[1]))
        if before is None or at - before[0].at > self._window_s:
            return Heard(octets=octets, peer=peer, at=at, attributes=read)
        if before[0].octets != octets:
            # RFC 5176 section 2.3: within the window it could be taken for a repetition of the other one.
            return Heard(octets=octets, peer=peer, at=at, attributes=read, faults=("identifier again",))
        return Heard(octets=octets, peer=peer, at=at, attributes=read, transmission=before[0].transmission + 1)

    def _send_later(self, answer: Answer, heard: Heard) -> None:
        octets = answer.octets(heard, self.secret, self._clock())
        due = time.monotonic() + answer.after_s
        for _ in range(answer.copies):
            self._count += 1
            heapq.heappush(self._due, (due, self._count, octets, heard.peer, answer.elsewhere))
