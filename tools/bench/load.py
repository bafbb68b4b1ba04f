"""Load with requests made beforehand: MAB and accounting, in a closed or an open loop.

Knows: sockets, windows and schedules; that every answer must be genuine and of the expected code. Refuses to
know: which server answers. The same octets go to both servers.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from tools.bench.radius import is_genuine

_SOCKETS = 8
SILENCE_S = 10.0
"""What counts as lost in a closed loop: a machine with much else to do may keep a server waiting for seconds."""
_SILENCE_AT_THE_END_S = 2.0
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@qq")


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of a run. wrong: not genuine, or not the expected code. latencies_ns: open loop only.

    seconds: from the first request to the last answer. late_ns: how late the latest request was sent.
    """

    answered: int = 0
    lost: int = 0
    wrong: int = 0
    seconds: float = 0.0
    late_ns: int = 0
    latencies_ns: list[int] = field(default_factory=list)
    sample: bytes = b""
    sample_authenticator: bytes = b""

    @property
    def is_clean(self) -> bool:
        """Every request got the right answer."""
        return not self.lost and not self.wrong


def open_sockets(port: int, *, stamped: bool = False) -> list[socket.socket]:
    """Fresh, connected, non-blocking sockets, each with a port of its own. stamped: with the kernel's arrival time."""
    made = []
    for _ in range(_SOCKETS):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.setblocking(False)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        if stamped:
            stamp_arrivals(one)
        one.connect(("127.0.0.1", port))
        made.append(one)
    return made


def stamp_arrivals(one: socket.socket) -> None:
    """Have the kernel say when each datagram came; see ``receive_stamped``."""
    one.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)


def shares(requests: Sequence[bytes]) -> list[list[bytes]]:
    """The requests of each socket. Request n must carry Identifier n // 8 % 256: see ``identifier``."""
    return [list(requests[start::_SOCKETS]) for start in range(_SOCKETS)]


def identifier(position: int) -> int:
    """Which Identifier the request at this position must carry, so that each socket counts through all 256."""
    return position // _SOCKETS % 256


def closed(
    requests: Sequence[bytes], port: int, secret: bytes, code: int, window: int, silence_s: float = SILENCE_S
) -> Outcome:
    """Keep ``window`` requests under way until all are answered; a long silence ends it with the rest lost."""
    outcome = Outcome()
    sockets = open_sockets(port)
    per_socket = max(1, min(window // _SOCKETS, 128))
    waiting: dict[int, dict[int, bytes]] = {}
    left: dict[int, deque[bytes]] = {}
    by_fd = {one.fileno(): one for one in sockets}
    poll = select.epoll()
    began = time.monotonic()
    for one, share in zip(sockets, shares(requests), strict=True):
        queue = left[one.fileno()] = deque(share)
        due = waiting[one.fileno()] = {}
        poll.register(one, select.EPOLLIN)
        for _ in range(min(per_socket, len(queue))):
            _send(one, queue.popleft(), due)
    last = began
    while outcome.answered + outcome.wrong < len(requests):
        ready = poll.poll(silence_s)
        if not ready:
            break
        for fd, _ in ready:
            _drain(by_fd[fd], waiting[fd], left[fd], secret, code, outcome)
        last = time.monotonic()
    outcome.seconds = last - began
    outcome.lost = len(requests) - outcome.answered - outcome.wrong
    poll.close()
    for one in sockets:
        one.close()
    return outcome


def _send(one: socket.socket, request: bytes, due: dict[int, bytes]) -> None:
    due[request[1]] = request[4:20]
    one.send(request)


def _drain(
    one: socket.socket, due: dict[int, bytes], queue: deque[bytes], secret: bytes, code: int, outcome: Outcome
) -> None:
    """Take every answer that is there, and send the next request for each."""
    while True:
        try:
            answer = one.recv(4096)
        except BlockingIOError:
            return
        authenticator = due.pop(answer[1], b"")
        if authenticator and answer[0] == code and is_genuine(answer, authenticator, secret):
            outcome.answered += 1
            outcome.sample, outcome.sample_authenticator = answer, authenticator
        else:
            outcome.wrong += 1
        if queue:
            _send(one, queue.popleft(), due)


_UnderWay: TypeAlias = dict[int, list[tuple[bytes, int]]]
"""By Identifier, with authenticator and due time: behind a slow server an Identifier comes round before its answer."""


def opened(requests: Sequence[bytes], port: int, secret: bytes, code: int, rate: float) -> Outcome:
    """Send each request at its scheduled time, whatever the server does; latency counts from that time.

    rate: requests a second. The end of a latency is when the kernel had the answer, so that slowness of this
    program in reading counts for nobody, while its lateness in sending counts against the server.
    """
    outcome = Outcome()
    sockets = open_sockets(port, stamped=True)
    index = {one.fileno(): place for place, one in enumerate(sockets)}
    under_way: list[_UnderWay] = [{} for _ in sockets]
    gap_ns = 1e9 / rate
    first_ns = time.time_ns() + 2_000_000
    sent, total = 0, len(requests)
    quiet_since = time.monotonic()
    while outcome.answered + outcome.wrong < total:
        now_ns = time.time_ns()
        while sent < total and first_ns + int(sent * gap_ns) <= now_ns:
            request, place = requests[sent], sent % _SOCKETS
            due_ns = first_ns + int(sent * gap_ns)
            under_way[place].setdefault(request[1], []).append((request[4:20], due_ns))
            sockets[place].send(request)
            outcome.late_ns = max(outcome.late_ns, now_ns - due_ns)
            sent += 1
        wait_s = (first_ns + int(sent * gap_ns) - time.time_ns()) / 1e9 if sent < total else 0.5
        ready, _, _ = select.select(sockets, (), (), max(0.0, min(wait_s, 0.5)))
        for one in ready:
            _take_stamped(one, under_way[index[one.fileno()]], secret, code, outcome)
        if ready:
            quiet_since = time.monotonic()
        elif sent == total and time.monotonic() - quiet_since > _SILENCE_AT_THE_END_S:
            break
    outcome.seconds = (time.time_ns() - first_ns) / 1e9
    outcome.lost = total - outcome.answered - outcome.wrong
    for one in sockets:
        one.close()
    return outcome


def receive_stamped(one: socket.socket) -> tuple[bytes, int]:
    """One datagram and when the kernel had it (ns since the epoch). Raises BlockingIOError when there is none."""
    octets, ancillary, _, _ = one.recvmsg(4096, 64)
    for _, kind, value in ancillary:
        if kind == _SO_TIMESTAMPNS:
            seconds, ns = _TIMESPEC.unpack(value[:16])
            return octets, seconds * 1_000_000_000 + ns
    return octets, time.time_ns()


def _take_stamped(one: socket.socket, under_way: _UnderWay, secret: bytes, code: int, outcome: Outcome) -> None:
    while True:
        try:
            answer, arrived_ns = receive_stamped(one)
        except BlockingIOError:
            return
        due = under_way.get(answer[1], [])
        matching = [each for each in due if is_genuine(answer, each[0], secret)]
        if matching and answer[0] == code:
            due.remove(matching[0])
            outcome.answered += 1
            outcome.latencies_ns.append(arrived_ns - matching[0][1])
        else:
            outcome.wrong += 1
