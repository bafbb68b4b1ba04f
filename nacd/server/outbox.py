"""Answers that are ready: recorded together, then sent; and the sessions that they begin, or that are accounted for.

Knows: that no answer leaves before its record is in the file, what goes out instead when it cannot be there, and that
accounting waits for the disk with the sessions (RFC 2866 section 2). Refuses to know: what an answer says.

Theory: one write for all records of a slice of work costs what one write for one record does, and whoever waits for
several answers is woken once. So answers wait for the end of the slice, a few milliseconds at most. The same holds for
sessions: one change of all that the slice has brought. An Accept does not wait for it, for the session of an Accept
that a crash forgets is known again by its next login; what is accounted for would be lost for good.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from nacd.admit import NOTHING, Left
from nacd.radius.admission import Admission
from nacd.radius.dedup import RequestKey
from nacd.server.recorder import Recorder
from nacd.sessions import Accounted, Authorized, Change, NasRestarted
from nacd.store.live.outcome import Applied
from nacd.values import AuditEvent, Instant


class Path(Protocol):
    """The way back to whoever asked."""

    @property
    def source(self) -> str:
        """The sender's address."""
        ...

    @property
    def port(self) -> int:
        """The sender's UDP port."""
        ...

    def send(self, octets: bytes) -> None:
        """Send one datagram."""
        ...


class Outgoing(NamedTuple):
    """One answer. received: when its request came. event: its record, None if it has none.

    unrecorded: what to send, if anything, when the record was lost and access stops for it. left: the session that
    begins when this is sent as it is.
    """

    key: RequestKey
    path: Path
    octets: bytes
    received: Instant
    event: AuditEvent | None
    unrecorded: Callable[[], bytes]
    left: Left = NOTHING


class Unstored(NamedTuple):
    """What is accounted for. then: told what became of it on the disk; the answer, None for silence."""

    change: Accounted | NasRestarted
    then: Callable[[Applied], Outgoing | None]


class Sessions(Protocol):
    """Who writes sessions down."""

    def write(self, changes: Sequence[Change]) -> asyncio.Future[tuple[Applied, ...]]:
        """Carry them out in their order; the future never fails."""
        ...


class Outbox:
    """Not for several threads. An error while one answer is sent keeps no other from being sent at the next flush."""

    def __init__(
        self, recorder: Recorder, admission: Admission, sessions: Sessions, clock: Callable[[], Instant]
    ) -> None:
        self._recorder = recorder
        self._admission = admission
        self._sessions = sessions
        self._clock = clock
        self._ready: list[Outgoing] = []
        self._unstored: list[Unstored] = []
        self._writing: set[asyncio.Future[tuple[Applied, ...]]] = set()
        self._settled: deque[tuple[Outgoing, bytes]] = deque()

    def __len__(self) -> int:
        return len(self._ready) + len(self._settled)

    def put(self, outgoing: Outgoing) -> None:
        """To leave with the next flush."""
        self._ready.append(outgoing)

    def store(self, unstored: Unstored) -> None:
        """To be written down with the next flush, and answered after that."""
        self._unstored.append(unstored)

    async def settle(self, patience_s: float) -> None:
        """Wait until what is being written is answered, this many seconds at most."""
        self.flush(self._clock())
        if self._writing:
            await asyncio.wait(set(self._writing), timeout=patience_s)
        await asyncio.sleep(0)  # what was written is answered by callbacks of this round of the loop

    def flush(self, now: Instant) -> None:
        """Record, remember for retransmissions, send."""
        events = [_timed(each.event, each.received, now) for each in self._ready if each.event is not None]
        ready, self._ready = self._ready, []
        recorded: bool | None = None
        try:
            recorded = self._recorder.take(events, now)
        finally:
            # What leaves is settled before anything does: what comes of the file meanwhile must not change it. When
            # recording itself broke (a bug), what needs a record ends in silence, and is not tried again and again.
            for each in ready:
                if recorded or each.event is None:
                    self._settled.append((each, each.octets))
                elif recorded is False:
                    self._settled.append((each, each.unrecorded()))
        begun: list[Change] = []
        try:
            while self._settled:
                each, octets = self._settled.popleft()
                if octets:
                    self._admission.remember(each.key, octets, now)
                    self.transmit(octets, each.path, now)
                    if isinstance(each.left, Authorized) and octets is each.octets:
                        begun.append(each.left)
        finally:
            self._write(begun)

    def _write(self, begun: list[Change]) -> None:
        """An Accept comes before what is accounted for: it may be about the same session."""
        unstored, self._unstored = self._unstored, []
        if not begun and not unstored:
            return
        writing = self._sessions.write([*begun, *(each.change for each in unstored)])
        if unstored:
            self._writing.add(writing)
            writing.add_done_callback(partial(self._written, unstored))

    def _written(self, unstored: Sequence[Unstored], writing: asyncio.Future[tuple[Applied, ...]]) -> None:
        self._writing.discard(writing)
        for each, applied in zip(unstored, writing.result()[-len(unstored) :], strict=True):
            answer = each.then(applied)
            if answer is not None:
                self.put(answer)
        self.flush(self._clock())

    def transmit(self, octets: bytes, path: Path, now: Instant) -> None:
        """Send one datagram that needs no record."""
        try:
            path.send(octets)
        except OSError as error:
            # Route gone, buffers full: the NAS asks again and gets the answer from memory.
            self._recorder.warn_seldom(f"send {error.errno}", f"an answer could not be sent: {error}", now)


def _timed(event: AuditEvent, received: Instant, now: Instant) -> AuditEvent:
    """The rooms have no clock of their own: how long the work took is known only here."""
    if "latency_ms" in event.fields:
        event.fields["latency_ms"] = round((now.monotonic - received.monotonic) * 1000, 3)
    return event
