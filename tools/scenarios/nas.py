"""Simulated switches as RADIUS clients: an address each, source ports with 256 identifiers, retransmissions.

Knows: how a NAS keeps requests apart, repeats the same octets, gives up, and what it must not believe.
Refuses to know: what is asked, and what an answer is good for. Shares no code with nacd.
"""

from __future__ import annotations

import socket
import time
from array import array
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tools.scenarios import wire
from tools.scenarios.loop import Loop

Then = Callable[[bytes | None], None]
"""Called with the verified answer, or None when the NAS has given up."""

_READ_AT_ONCE = 32


@dataclass(slots=True)
class Traffic:
    """What went over the wire. reply_s: from when a request was due (or first sent) to its answer.

    late: verified answers to requests that were answered or given up before. unverified: datagrams
    that no request of ours can have caused, by reason. crowded_out: requests whose identifier was needed.
    """

    requests: int = 0
    retransmissions: int = 0
    given_up: int = 0
    late: int = 0
    crowded_out: int = 0
    unverified: Counter[str] = field(default_factory=Counter)
    reply_s: array[float] = field(default_factory=lambda: array("d"))


class _Pending:
    __slots__ = ("due", "identifier", "lane", "octets", "since", "then", "tries_left")

    def __init__(self, lane: _Lane, identifier: int, octets: bytes, then: Then, tries: int, since: float) -> None:
        self.lane = lane
        self.identifier = identifier
        self.octets = octets
        self.then: Then | None = then
        self.tries_left = tries
        self.since = since
        self.due = 0.0


class _Lane:
    """One source port: its socket, what waits under each identifier, and what stood there before."""

    __slots__ = ("earlier", "next", "pending", "sock", "waiting")

    def __init__(self, source: str, server: tuple[str, int]) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        self.sock.bind((source, 0))
        self.sock.connect(server)
        self.pending: list[_Pending | None] = [None] * 256
        self.earlier: list[bytes] = [b""] * 256
        self.next = 0
        self.waiting = 0

    def free_identifier(self) -> int:
        while self.pending[self.next] is not None:
            self.next = (self.next + 1) & 255
        found, self.next = self.next, (self.next + 1) & 255
        return found


class Retries:
    """Repeats of everything unanswered; one timeout for all, so that the oldest is always due first."""

    def __init__(self, loop: Loop, timeout_s: float) -> None:
        self._loop = loop
        self._timeout_s = timeout_s
        self._queue: deque[tuple[float, _Pending, Switch]] = deque()
        self._ticking = False

    def watch(self, pending: _Pending, switch: Switch, now: float) -> None:
        """Call the switch when this is unanswered after the timeout."""
        pending.due = now + self._timeout_s
        self._queue.append((pending.due, pending, switch))
        if not self._ticking:
            self._ticking = True
            self._loop.at(pending.due, self._tick)

    def _tick(self) -> None:
        now = time.monotonic()
        while self._queue and self._queue[0][0] <= now:
            _, pending, switch = self._queue.popleft()
            if pending.then is not None:
                switch.overdue(pending, now)
        while self._queue and self._queue[0][1].then is None:
            self._queue.popleft()
        self._ticking = bool(self._queue)
        if self._ticking:
            self._loop.at(self._queue[0][0], self._tick)


class Switch:
    """One NAS towards one port of the server. tries: transmissions of a request before it gives up."""

    def __init__(
        self,
        loop: Loop,
        retries: Retries,
        *,
        source: str,
        server: tuple[str, int],
        secret: bytes,
        traffic: Traffic,
        tries: int = 3,
        max_lanes: int = 8,
    ) -> None:
        self.source = source
        self._loop = loop
        self._retries = retries
        self._server = server
        self._secret = secret
        self.traffic = traffic
        self._tries = tries
        self._max_lanes = max_lanes
        self._lanes: list[_Lane] = []

    def ask(self, code: int, attributes: bytes, then: Then, password: bytes = b"", due: float = 0.0) -> None:
        """Send one request; ``then`` hears of its answer or of its end. due: when it should have been sent."""
        lane = self._free_lane()
        identifier = lane.free_identifier()
        if code == wire.ACCESS_REQUEST:
            octets = wire.access_request(identifier, attributes, self._secret, password)
        else:
            octets = wire.accounting_request(identifier, attributes, self._secret)
        now = time.monotonic()
        pending = _Pending(lane, identifier, octets, then, self._tries - 1, due or now)
        lane.pending[identifier] = pending
        lane.waiting += 1
        self.traffic.requests += 1
        self._send(lane, octets)
        self._retries.watch(pending, self, now)

    def overdue(self, pending: _Pending, now: float) -> None:
        """No answer in time: the same octets again, or give up."""
        if pending.tries_left > 0:
            pending.tries_left -= 1
            self.traffic.retransmissions += 1
            self._send(pending.lane, pending.octets)
            self._retries.watch(pending, self, now)
            return
        self.traffic.given_up += 1
        self._finish(pending, None)

    def close(self) -> None:
        """Close every source port."""
        for lane in self._lanes:
            self._loop.forget(lane.sock)
            lane.sock.close()
        self._lanes.clear()

    def _send(self, lane: _Lane, octets: bytes) -> None:
        try:
            lane.sock.send(octets)
        except (BlockingIOError, ConnectionRefusedError):
            # As on a real wire: lost, and the retransmission will tell.
            return

    def _free_lane(self) -> _Lane:
        for lane in self._lanes:
            if lane.waiting < 256:
                return lane
        if len(self._lanes) < self._max_lanes:
            lane = _Lane(self.source, self._server)
            self._lanes.append(lane)
            self._loop.read(lane.sock, lambda: self._read(lane))
            return lane
        # Every identifier waits: the NAS forgets a request of the fullest kind, the longest waiting one.
        self.traffic.crowded_out += 1
        oldest = min((p for lane in self._lanes for p in lane.pending if p is not None), key=lambda p: p.since)
        self._finish(oldest, None)
        return oldest.lane

    def _read(self, lane: _Lane) -> None:
        for _ in range(_READ_AT_ONCE):
            try:
                octets = lane.sock.recv(4096)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                continue
            self._take(lane, octets)

    def _take(self, lane: _Lane, octets: bytes) -> None:
        identifier = octets[1] if len(octets) > 1 else 0
        pending = lane.pending[identifier]
        why = wire.distrust(octets, pending.octets[:20], self._secret) if pending is not None else "nothing was asked"
        if not why and pending is not None:
            self.traffic.reply_s.append(time.monotonic() - pending.since)
            self._finish(pending, octets)
            return
        earlier = lane.earlier[identifier]
        if earlier and not wire.distrust(octets, earlier, self._secret):
            self.traffic.late += 1
            return
        self.traffic.unverified[why] += 1

    def _finish(self, pending: _Pending, octets: bytes | None) -> None:
        lane = pending.lane
        lane.pending[pending.identifier] = None
        lane.earlier[pending.identifier] = pending.octets[:20]
        lane.waiting -= 1
        then, pending.then = pending.then, None
        if then is not None:
            then(octets)
