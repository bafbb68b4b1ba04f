"""Answers that are ready: recorded together, then sent.

Knows: that no answer leaves before its record is in the file, and what goes out instead when it cannot be there.
Refuses to know: what an answer says.

Theory: one write for all records of a slice of work costs what one write for one record does, and whoever waits for
several answers is woken once. So answers wait for the end of the slice, a few milliseconds at most.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol

from nacd.radius.admission import Admission
from nacd.radius.dedup import RequestKey
from nacd.server.recorder import Recorder
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
    """One answer. received: when its request came. event: its record, None if it has none. unrecorded: what to send, if
    anything, when the record was lost and access stops for it."""

    key: RequestKey
    path: Path
    octets: bytes
    received: Instant
    event: AuditEvent | None
    unrecorded: Callable[[], bytes]


class Outbox:
    """Not for several threads. An error while one answer is sent keeps no other from being sent at the next flush."""

    def __init__(self, recorder: Recorder, admission: Admission) -> None:
        self._recorder = recorder
        self._admission = admission
        self._ready: list[Outgoing] = []
        self._settled: deque[tuple[Outgoing, bytes]] = deque()

    def __len__(self) -> int:
        return len(self._ready) + len(self._settled)

    def put(self, outgoing: Outgoing) -> None:
        """To leave with the next flush."""
        self._ready.append(outgoing)

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
        while self._settled:
            each, octets = self._settled.popleft()
            if octets:
                self._admission.remember(each.key, octets, now)
                self.transmit(octets, each.path, now)

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
