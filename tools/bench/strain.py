"""How long answers take under a given load, and what memory conversations hold.

Knows: shares of capacity, percentiles, half-open conversations. Refuses to know: how results are shown.
"""

from __future__ import annotations

import math
import os
import socket
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from OpenSSL import SSL

from tools.bench import load, logins, meter, radius, site
from tools.bench.cases import Loads, WrongAnswerError, demand_right
from tools.bench.servers.server import Server

SHARES = (0.25, 0.50, 0.75)
_CAPACITY_RUNS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """One open-loop run. share: of capacity; rate: a second; generator: how busy the load's own core was (0..1).

    whole_ms, server_ms: percentiles 50, 99 and 99.9, from the scheduled time to the last answer, and without what
    the load itself took (a supplicant computes, too). lost: requests without an answer, which count as endless.
    late_ms: how late the latest request was sent; what is late is the load's fault and counts all the same.
    """

    what: str
    side: str
    share: float
    rate: float
    count: int
    lost: int
    late_ms: float
    generator: float
    whole_ms: tuple[float, float, float]
    server_ms: tuple[float, float, float]


def percentiles(latencies_ns: Sequence[int], lost: int = 0) -> tuple[float, float, float]:
    """Milliseconds that 50, 99 and 99.9 of 100 stay below (nearest rank); infinite where that one was lost."""
    ordered = [*sorted(latencies_ns), *[math.inf] * lost]

    def at(share: float) -> float:
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)] / 1e6

    return at(0.5), at(0.99), at(0.999)


@dataclass(slots=True)
class _Watch:
    """How busy this process is from now on."""

    began: float = field(default_factory=time.monotonic)
    busy: float = field(default_factory=time.process_time)

    def share(self) -> float:
        return (time.process_time() - self.busy) / (time.monotonic() - self.began)


def mab_latency(loads: Loads, server: Server, side: str, seconds: float) -> list[Latency]:
    """MAB at each share of what one core can do by the CPU time a request takes."""
    cost_ns = statistics.median(loads.run_mab(server) for _ in range(_CAPACITY_RUNS))
    found = []
    for share in SHARES:
        rate = share * 1e9 / cost_ns
        watch, whole = _Watch(), load.Outcome()
        count = left = max(20, int(rate * seconds))
        while left > 0:
            # The same octets from other ports: other requests, as far as a server can tell.
            part = load.opened(loads.mab[:left], server.auth_port, site.SECRET, radius.ACCESS_ACCEPT, rate)
            demand_right(server, f"MAB at {rate:.0f}/s", part)
            whole.latencies_ns += part.latencies_ns
            whole.lost += part.lost
            whole.late_ns = max(whole.late_ns, part.late_ns)
            left -= len(loads.mab)
        ms = percentiles(whole.latencies_ns, whole.lost)
        found.append(
            Latency(
                what="MAB",
                side=side,
                share=share,
                rate=rate,
                count=count,
                lost=whole.lost,
                late_ms=whole.late_ns / 1e6,
                generator=watch.share(),
                whole_ms=ms,
                server_ms=ms,
            )
        )
    return found


def login_latency(
    loads: Loads, server: Server, side: str, credentials: site.Credentials, seconds: float
) -> list[Latency]:
    """EAP-TLS 1.3 logins at each share of what one core can do by the CPU time a login takes."""
    cost_ns = statistics.median(loads.run_logins(server, credentials, "1.3") for _ in range(_CAPACITY_RUNS))
    found = []
    for share in SHARES:
        rate = share * 1e9 / cost_ns
        batch, watch = logins.Logins(port=server.auth_port, credentials=credentials, tls="1.3"), _Watch()
        outcome = batch.opened(max(10, int(rate * seconds)), rate)
        demand_right(server, f"EAP-TLS at {rate:.0f}/s", outcome)
        found.append(
            Latency(
                what="EAP-TLS 1.3, P-256",
                side=side,
                share=share,
                rate=rate,
                count=outcome.answered + outcome.lost,
                lost=outcome.lost,
                late_ms=outcome.late_ns / 1e6,
                generator=watch.share(),
                whole_ms=percentiles(outcome.latencies_ns, outcome.lost),
                server_ms=percentiles(batch.waited_ns, outcome.lost),
            )
        )
    return found


# -- memory -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What half-open conversations hold, in octets of resident memory. idle: of the server before them."""

    side: str
    idle: int
    waiting: int
    waiting_each: float
    handshakes: int
    handshake_each: float


def half_open(fresh: Sequence[Server], side: str, credentials: site.Credentials, waiting: int, handshakes: int) -> Held:
    """Open conversations and leave them. fresh: two servers that have held none, one for each kind."""
    hello = _client_hello(credentials)
    idle = meter.resident_octets(fresh[0].pids)
    return Held(
        side=side,
        idle=idle,
        waiting=waiting,
        waiting_each=_growth(fresh[0], waiting, b""),
        handshakes=handshakes,
        handshake_each=_growth(fresh[1], handshakes, hello),
    )


def _growth(server: Server, count: int, hello: bytes) -> float:
    """Octets more for each conversation, after the first tenth: what a server sets up once is not theirs."""
    first = max(1, count // 10)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(3.0)
        sock.connect(("127.0.0.1", server.auth_port))
        for number in range(first):
            _open(sock, number, hello)
        before = meter.resident_octets(server.pids)
        for number in range(first, first + count):
            _open(sock, number, hello)
    return (meter.resident_octets(server.pids) - before) / count


def _open(sock: socket.socket, station: int, hello: bytes) -> None:
    fixed = radius.attribute(1, b"host/bench") + radius.number(6, 2) + radius.at_a_port(site.supplicant(station))
    eap, state = _ask(sock, station * 2, fixed + radius.eap_message(logins.identity(b"host/bench")))
    if hello:
        answer = logins.response(eap[1], 13, b"\0" + hello)
        body = fixed + radius.eap_message(answer) + radius.attribute(radius.STATE, state)
        _ask(sock, station * 2 + 1, body)


def _ask(sock: socket.socket, number: int, body: bytes) -> tuple[bytes, bytes]:
    authenticator = os.urandom(16)
    sock.send(radius.access_request(number & 0xFF, authenticator, body, site.SECRET))
    answer = sock.recv(4096)
    if answer[0] != radius.ACCESS_CHALLENGE or not radius.is_genuine(answer, authenticator, site.SECRET):
        raise WrongAnswerError(f"a half-open conversation was answered with code {answer[0]}")
    return logins.take_apart(answer)


def _client_hello(credentials: site.Credentials) -> bytes:
    conn = SSL.Connection(logins.client_context(credentials, "1.3"), None)
    conn.set_connect_state()
    try:
        conn.do_handshake()
    except SSL.WantReadError:
        return bytes(conn.bio_read(4096))
    raise RuntimeError("a handshake that needs no server")
