"""Load with EAP-TLS logins: many supplicants at once behind one switch, in a closed or an open loop.

Knows: the peer's side of EAP-TLS (RFC 5216, RFC 9190) and when a login counts: an Access-Accept whose keys are
those that the supplicant worked out by itself. Refuses to know: which server answers.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from OpenSSL import SSL
from OpenSSL._util import lib as _lib  # pyOpenSSL has no words for a list of groups

from tools.bench import radius, site
from tools.bench.load import SILENCE_S, Outcome, open_sockets, receive_stamped

TlsVersion = Literal["1.2", "1.3"]
TLS_VERSIONS: tuple[TlsVersion, ...] = ("1.2", "1.3")
_VERSIONS = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}
GROUP = "X25519"
_GROUPS = b"X25519:P-256"  # a P-256 certificate cannot be used in TLS 1.2 unless the client offers its curve
CIPHERS = b"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
"""For TLS 1.2; in 1.3 both servers and OpenSSL's clients agree on AES-256-GCM by themselves."""
_SUITES = frozenset({*CIPHERS.decode().split(":"), "TLS_AES_256_GCM_SHA384"})
_FRAGMENT = 1_200
_IDENTITY, _TLS = 1, 13
_LENGTH, _MORE, _START = 0x80, 0x40, 0x20
_READ = 65_536
_STATIONS = 1_024
"""Ports with a supplicant; 128 of them share a socket and its 256 Identifiers."""


def client_context(credentials: site.Credentials, tls: TlsVersion) -> SSL.Context:
    """One TLS version, one group, one cipher, our certificate; the server's chain is verified."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(_VERSIONS[tls])
    context.set_max_proto_version(_VERSIONS[tls])
    context.set_cipher_list(CIPHERS)
    if _lib.SSL_CTX_set1_curves_list(context._context, _GROUPS) != 1:
        raise ValueError(f"OpenSSL does not know the groups `{_GROUPS.decode()}`")
    context.use_certificate_chain_file(str(credentials.client_chain))
    context.use_privatekey_file(str(credentials.client_key))
    context.load_verify_locations(str(credentials.server_ca))
    context.set_verify(SSL.VERIFY_PEER, lambda _conn, _cert, _error, _depth, ok: bool(ok))
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    return context


def response(identifier: int, method: int, body: bytes) -> bytes:
    """An EAP-Response (RFC 3748 section 4.1)."""
    return bytes((2, identifier)) + (5 + len(body)).to_bytes(2) + bytes((method,)) + body


def identity(name: bytes) -> bytes:
    """The EAP-Response/Identity a switch hands on first."""
    return response(0, _IDENTITY, name)


class Peer:
    """One supplicant in one login. ``answer`` takes each EAP-Request; ``keys`` are there when TLS is done."""

    __slots__ = ("_conn", "_done", "_gathered", "_left", "_version")

    def __init__(self, context: SSL.Context, tls: TlsVersion) -> None:
        self._conn = SSL.Connection(context, None)
        self._conn.set_connect_state()
        self._version = tls
        self._gathered: list[bytes] = []
        self._left = b""
        self._done = False

    def answer(self, eap: bytes) -> bytes:
        """The EAP-Response to this EAP-Request. Raises SSL.Error for a server that fails, ValueError for other EAP."""
        if len(eap) < 6 or eap[0] != 1 or eap[4] != _TLS:
            raise ValueError("not an EAP-TLS request")
        identifier, flags = eap[1], eap[5]
        octets = eap[10:] if flags & _LENGTH else eap[6:]
        if self._left:
            return self._fragment(identifier)
        if flags & _MORE:
            self._gathered.append(octets)
            return response(identifier, _TLS, b"\0")
        whole = b"".join(self._gathered) + octets
        self._gathered.clear()
        self._left = self._handshake(whole)
        return self._fragment(identifier)

    @property
    def group(self) -> str:
        """The group that the key exchange used, as OpenSSL calls it; empty before the end."""
        return (self._conn.get_group_name() or "") if self._done else ""

    @property
    def cipher(self) -> str:
        """The cipher suite; empty before the end."""
        return (self._conn.get_cipher_name() or "") if self._done else ""

    def keys(self) -> bytes:
        """The first 64 octets of the MSK (RFC 5216 section 2.3, RFC 9190 section 2.3); empty before the end."""
        if not self._done:
            return b""
        if self._version == "1.3":
            return bytes(self._conn.export_keying_material(b"EXPORTER_EAP_TLS_Key_Material", 128, b"\x0d")[:64])
        return bytes(self._conn.export_keying_material(b"client EAP encryption", 128, None)[:64])

    def _fragment(self, identifier: int) -> bytes:
        whole = len(self._left)
        part, self._left = self._left[:_FRAGMENT], self._left[_FRAGMENT:]
        if not self._left:
            return response(identifier, _TLS, b"\0" + part)
        # The length goes with the first fragment; a flight here has two at the most.
        return response(identifier, _TLS, bytes((_MORE | _LENGTH,)) + whole.to_bytes(4) + part)

    def _handshake(self, octets: bytes) -> bytes:
        if octets:
            self._conn.bio_write(octets)
        try:
            if not self._done:
                self._conn.do_handshake()
                self._done = True
            self._conn.recv(64)  # the commitment octet of TLS 1.3, or nothing yet
        except SSL.WantReadError:
            pass
        try:
            return bytes(self._conn.bio_read(_READ))
        except SSL.WantReadError:
            return b""


@dataclass(slots=True)
class _Login:
    """One login under way. place: of its socket; station: a port of the switch; scheduled_ns: when it was due."""

    peer: Peer
    place: int
    station: int
    port_octets: bytes
    scheduled_ns: int
    sent_ns: int = 0
    waited_ns: int = 0
    authenticator: bytes = b""


@dataclass(slots=True, kw_only=True)
class Logins:
    """A batch of logins against one server. packets: Access-Requests sent for all of them together.

    stray: answers that nobody waits for or that are not genuine; each leaves a login lost, too. waited_ns: for
    each login, how long its requests were under way altogether.
    """

    port: int
    credentials: site.Credentials
    tls: TlsVersion
    packets: int = 0
    stray: int = 0
    waited_ns: list[int] = field(default_factory=list)
    outcome: Outcome = field(default_factory=Outcome)
    _context: SSL.Context = field(init=False)
    _sockets: list[socket.socket] = field(default_factory=list)
    _free: deque[int] = field(default_factory=lambda: deque(range(_STATIONS)))
    _next: list[int] = field(default_factory=list)
    _live: dict[tuple[int, int], _Login] = field(default_factory=dict)

    def closed(self, total: int, window: int) -> Outcome:
        """``window`` logins at a time until all are over."""
        return self._run(total, window, 0.0)

    def opened(self, total: int, rate: float) -> Outcome:
        """Begin each login at its scheduled time; its latency, to the Accept, counts from that time."""
        return self._run(total, 0, rate)

    def _run(self, total: int, window: int, rate: float) -> Outcome:
        self._context = client_context(self.credentials, self.tls)
        self._sockets = open_sockets(self.port, stamped=True)
        self._next = [0] * len(self._sockets)
        first_ns, gap_ns = time.time_ns() + 1_000_000, 1e9 / rate if rate else 0.0
        begun, last = 0, time.monotonic()
        while self.outcome.answered + self.outcome.wrong < total:
            wait_s = 0.5
            while begun < total and self._free and (not window or len(self._live) < window):
                due_ns = first_ns + int(begun * gap_ns)
                wait_s = (due_ns - time.time_ns()) / 1e9 if rate else 0.0
                if wait_s > 0:
                    break
                self._begin(due_ns)
                self.outcome.late_ns = max(self.outcome.late_ns, time.time_ns() - due_ns if rate else 0)
                begun += 1
            ready, _, _ = select.select(self._sockets, (), (), max(0.0, min(wait_s, 0.5)) if rate else 0.5)
            for sock in ready:
                self._take(sock)
            if ready:
                last = time.monotonic()
            elif self._live and time.monotonic() - last > SILENCE_S:
                break
        self.outcome.seconds = (time.time_ns() - first_ns) / 1e9
        self.outcome.lost = total - self.outcome.answered - self.outcome.wrong
        for sock in self._sockets:
            sock.close()
        return self.outcome

    def _begin(self, due_ns: int) -> None:
        station = self._free.popleft()
        # A station of its own each: a second login from the same port would end the first.
        fixed = radius.attribute(1, b"host/bench") + radius.number(6, 2) + radius.at_a_port(site.supplicant(station))
        peer = Peer(self._context, self.tls)
        login = _Login(peer, station % len(self._sockets), station, fixed, due_ns)
        self._ask(login, identity(b"host/bench"), b"")

    def _ask(self, login: _Login, eap: bytes, state: bytes) -> None:
        # Never the Identifier just used: a server may still be at work on clearing up after it.
        number = self._next[login.place]
        while (login.place, number) in self._live:
            number = (number + 1) & 0xFF
        self._next[login.place] = (number + 1) & 0xFF
        self._live[login.place, number] = login
        login.authenticator = os.urandom(16)
        body = login.port_octets + radius.eap_message(eap) + state
        request = radius.access_request(number, login.authenticator, body, site.SECRET)
        login.sent_ns = time.time_ns()
        self._sockets[login.place].send(request)
        self.packets += 1

    def _take(self, sock: socket.socket) -> None:
        place = self._sockets.index(sock)
        while True:
            try:
                octets, arrived_ns = receive_stamped(sock)
            except BlockingIOError:
                return
            login = self._live.get((place, octets[1]))
            if login is None or not radius.is_genuine(octets, login.authenticator, site.SECRET):
                self.stray += 1
            else:
                del self._live[place, octets[1]]
                login.waited_ns += arrived_ns - login.sent_ns
                self._advance(login, octets, arrived_ns)

    def _advance(self, login: _Login, octets: bytes, arrived_ns: int) -> None:
        if octets[0] == radius.ACCESS_CHALLENGE:
            eap, state = take_apart(octets)
            try:
                answer = login.peer.answer(eap)
            except (SSL.Error, ValueError):
                self._end(login, good=False)
                return
            self._ask(login, answer, radius.attribute(radius.STATE, state))
            return
        keys = radius.session_keys(octets, login.authenticator, site.SECRET)
        good = octets[0] == radius.ACCESS_ACCEPT and len(keys) == 64 and keys == login.peer.keys()
        good = good and login.peer.group.casefold() == GROUP.casefold() and login.peer.cipher in _SUITES
        if good:
            self.outcome.latencies_ns.append(arrived_ns - login.scheduled_ns)
            self.waited_ns.append(login.waited_ns)
            self.outcome.sample, self.outcome.sample_authenticator = octets, login.authenticator
        self._end(login, good=good)

    def _end(self, login: _Login, *, good: bool) -> None:
        if good:
            self.outcome.answered += 1
        else:
            self.outcome.wrong += 1
        self._free.append(login.station)


def take_apart(challenge: bytes) -> tuple[bytes, bytes]:
    """The EAP packet and the State of an Access-Challenge."""
    eap, state = b"", b""
    for code, value in radius.attributes(challenge):
        if code == radius.EAP_MESSAGE:
            eap += value
        elif code == radius.STATE:
            state = value
    return eap, state
