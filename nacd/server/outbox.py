"""Answers that are ready: recorded together, then sent; and the sessions that they begin, or that are accounted for.

Knows: that no answer leaves before its record is in the file, what goes out instead when it cannot be there, and that
accounting waits for the disk with the sessions (RFC 2866 section 2). Refuses to know: what an answer says.

Theory: one write for all records of a slice of work costs what one write for one record does, and whoever waits for
several answers is woken once. So answers wait for the end of the slice, a few milliseconds at most. The same holds for
sessions: one change of all that the slice has brought. An Accept does not wait for it, for the session of an Accept
that a crash forgets is known again by its next login; what is accounted for would be lost for good.

What a full disk does not take of Accepts waits in memory, the newest of each place, and goes there first when there is
room. Nothing that is accounted for is taken meanwhile: it would begin a session of which nobody knows what for. It
waits for the next try, a second at most.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple, Protocol, TypeAlias

from nacd.admit import NOTHING, CameBack, Left
from nacd.audit.blocks import thousandths
from nacd.radius.admission import Admission
from nacd.radius.dedup import RequestKey
from nacd.server.metrics.requests.counting import Counting
from nacd.server.metrics.requests.histogram import Histogram
from nacd.server.metrics.requests.leaving import Leaving
from nacd.server.recorder import Recorder
from nacd.sessions import Accounted, Authorized, Change, Gone, NasRestarted, Phase, Place
from nacd.store.live.outcome import Applied
from nacd.values import AuditEvent, Instant, Nas

MOST_KEPT: Final = 10_000
"""Accepts that wait for a disk that takes nothing: of some kilobytes each."""
_AT_ONCE: Final = 500
_RETRY_S: Final = 1.0
_NO_ROOM: Final = Applied(stored=False, why="sessions from before wait for the disk")
# It changes nothing: that it is said to be stored shows that the disk took what went with it.
_PROBE: Final = Gone(id=0, phase=Phase.ENDED, at=0.0, cause="")

Spot: TypeAlias = tuple[Place, str]
"""A place and a User-Name: many may come from the address of one VPN client."""


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
    begins when this is sent as it is. nas: whose answer it is counted as when it leaves; None: it is no final one, or
    is counted already.
    """

    key: RequestKey
    path: Path
    octets: bytes
    received: Instant
    event: AuditEvent | None
    unrecorded: Callable[[], bytes]
    left: Left = NOTHING
    nas: Nas | None = None


class Unstored(NamedTuple):
    """What is accounted for. then: told what became of it on the disk; the answer, None for silence."""

    change: Accounted | NasRestarted
    then: Callable[[Applied], Outgoing | None]


class Sessions(Protocol):
    """Who writes sessions down."""

    def write(self, changes: Sequence[Change]) -> asyncio.Future[tuple[Applied, ...]]:
        """Carry them out in their order; the future never fails."""
        ...

    def came_again(self, back: CameBack) -> bool:
        """Whether it is seen to; if not, it is to be written in full."""
        ...


class Outbox:
    """Not for several threads. An error while one answer is sent keeps no other from being sent at the next flush."""

    def __init__(
        self,
        recorder: Recorder,
        admission: Admission,
        sessions: Sessions,
        clock: Callable[[], Instant],
        *,
        retry_s: float = _RETRY_S,
    ) -> None:
        """retry_s: how long a disk that took nothing is left alone."""
        self.counts = Leaving()
        self.tally: Counting | None = None
        """Told of each answer with a record by what leaves, not by what was decided; None: nobody counts."""
        self._recorder = recorder
        self._admission = admission
        self._sessions = sessions
        self._clock = clock
        self._ready: list[Outgoing] = []
        self._unstored: list[Unstored] = []
        self._writing: set[asyncio.Future[tuple[Applied, ...]]] = set()
        self._settled: deque[tuple[Outgoing, bytes]] = deque()
        self._retry_s = retry_s
        self._kept: OrderedDict[Spot, Authorized] = OrderedDict()
        self._lost = 0
        self._deferred: list[Unstored] = []
        self._keeping: asyncio.Future[tuple[Applied, ...]] | None = None
        self._again: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._ready) + len(self._settled)

    @property
    def kept(self) -> int:
        """Accepts that were sent, and of which the disk knows nothing yet."""
        return len(self._kept)

    @property
    def unstored(self) -> int:
        """What is accounted for and is not on its way to the disk yet."""
        return len(self._unstored) + len(self._deferred)

    def put(self, outgoing: Outgoing) -> None:
        """To leave with the next flush."""
        self._ready.append(outgoing)

    def store(self, unstored: Unstored) -> None:
        """To be written down with the next flush, and answered after that."""
        self._unstored.append(unstored)

    async def settle(self, patience_s: float) -> None:
        """Wait until what is being written is answered, this many seconds at most."""
        self.flush(self._clock())
        self._write_kept()
        writing = self._writing | ({self._keeping} if self._keeping is not None else set())
        if writing:
            await asyncio.wait(writing, timeout=patience_s)
        await asyncio.sleep(0)  # what was written is answered by callbacks of this round of the loop

    def flush(self, now: Instant) -> None:
        """Record, remember for retransmissions, send."""
        began, whole = time.perf_counter(), self.counts.whole
        events = [_timed(each.event, each.received, now, whole) for each in self._ready if each.event is not None]
        ready, self._ready = self._ready, []
        recorded: bool | None = None
        try:
            recorded = self._recorder.take(events, now)
        finally:
            if not recorded:
                self.counts.unrecorded += len(events)
            # What leaves is settled before anything does: what comes of the file meanwhile must not change it. When
            # recording itself broke (a bug), what needs a record ends in silence, and is not tried again and again.
            tally = self.tally
            for each in ready:
                if recorded or each.event is None:
                    self._settled.append((each, each.octets))
                    if tally is not None and each.nas is not None and each.event is not None:
                        tally.answered(each.nas, each.event)
                    continue
                octets = each.unrecorded() if recorded is False else b""
                if octets:
                    self._settled.append((each, octets))
                if tally is not None and each.nas is not None:
                    tally.answered_unrecorded(each.nas, each.event, octets, as_decided=octets is each.octets)
        begun: list[Authorized] = []
        try:
            while self._settled:
                each, octets = self._settled.popleft()
                if octets:
                    self._admission.remember(each.key, octets, now)
                    self.transmit(octets, each.path, now)
                    if octets is each.octets:
                        self._begin(each.left, begun)
        finally:
            self._write(begun)
        if ready:
            self.counts.leaving.observe(time.perf_counter() - began)

    def _begin(self, left: Left, begun: list[Authorized]) -> None:
        if isinstance(left, Authorized):
            begun.append(left)
        elif isinstance(left, CameBack) and not self._sessions.came_again(left):
            begun.append(left.login())

    def _write(self, begun: list[Authorized]) -> None:
        """An Accept comes before what is accounted for: it may be about the same session."""
        unstored, self._unstored = self._unstored, []
        if not begun and not unstored:
            return
        if self._kept:
            self._keep(begun)
            self._deferred += unstored
            return
        writing = self._sessions.write([*begun, *(each.change for each in unstored)])
        self._writing.add(writing)
        writing.add_done_callback(partial(self._written, begun, unstored))

    def _written(
        self,
        begun: Sequence[Authorized],
        unstored: Sequence[Unstored],
        writing: asyncio.Future[tuple[Applied, ...]],
    ) -> None:
        self._writing.discard(writing)
        outcomes = writing.result()
        self._keep([each for each, applied in zip(begun, outcomes, strict=False) if not applied.stored])
        for each, applied in zip(unstored, outcomes[len(begun) :], strict=True):
            answer = each.then(applied)
            if answer is not None:
                self.put(answer)
        self.flush(self._clock())

    # -- a disk that takes nothing -----------------------------------------------------------------

    def _keep(self, begun: Sequence[Authorized]) -> None:
        for each in begun:
            spot = (each.place, each.names.user_name)
            self._kept.pop(spot, None)
            self._kept[spot] = each
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
                self._lost += 1
        if begun:
            lost = f", and {self._lost} are lost" if self._lost else ""
            text = f"the disk does not take sessions: {len(self._kept)} Accepts wait in memory{lost}"
            self._recorder.warn_seldom("accepts kept", text, self._clock())
            self._later()

    def _later(self) -> None:
        if self._again is None and self._keeping is None:
            self._again = asyncio.get_running_loop().call_later(self._retry_s, self._write_kept)

    def _write_kept(self) -> None:
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if not self._kept or self._keeping is not None:
            return
        some = [each for each, _ in zip(self._kept.items(), range(_AT_ONCE), strict=False)]
        self._keeping = self._sessions.write([*(each for _, each in some), _PROBE])
        self._keeping.add_done_callback(partial(self._kept_written, some))

    def _kept_written(
        self, some: Sequence[tuple[Spot, Authorized]], writing: asyncio.Future[tuple[Applied, ...]]
    ) -> None:
        self._keeping = None
        if not writing.result()[-1].stored:
            deferred, self._deferred = self._deferred, []
            for each in deferred:
                each.then(_NO_ROOM)
            self._later()
            return
        for spot, begun in some:
            if self._kept.get(spot) is begun:  # else there is a newer one
                del self._kept[spot]
        self._write_kept()
        if not self._kept:
            self._unstored, self._deferred = self._deferred + self._unstored, []
            self.flush(self._clock())

    def transmit(self, octets: bytes, path: Path, now: Instant) -> None:
        """Send one datagram that needs no record."""
        try:
            path.send(octets)
        except OSError as error:
            # Route gone, buffers full: the NAS asks again and gets the answer from memory.
            self._recorder.warn_seldom(f"send {error.errno}", f"an answer could not be sent: {error}", now)


def _timed(event: AuditEvent, received: Instant, now: Instant, whole: Histogram) -> AuditEvent:
    """The rooms have no clock of their own: how long the work took is known only here."""
    if "latency_ms" in event.fields:
        took_s = now.monotonic - received.monotonic
        whole.observe(took_s)
        event.fields["latency_ms"] = thousandths(took_s * 1000)
    return event
