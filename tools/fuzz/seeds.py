"""Where the mutations begin: real packets of the simulated NAS (pyrad) and live handshakes of the stdlib's ``ssl``.

Knows: how to make seeds at run time and a fast EAP-TLS peer. Refuses to know: nacd's own codec. Nothing random
stays in a packet: the same seed number must break the same octets.
"""

from __future__ import annotations

import socket
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import IO
from unittest import mock

from nacd.sim.nas import Nas
from nacd.sim.pki import COMPLIANT_GUID, SERVER_NAME, Issued
from nacd.sim.tls_keys import Keys, keys_from_log
from tools.fuzz.site import PRINTER, SECRETS, SOURCES

LAPTOP = "00-1B-44-11-3A-B7"
IDENTITY = b"host/laptop"
STATE_PLACE = b"\x00" + b"state-goes-here!"
"""A State of the right length that the door replaces by the live one."""
_KEY_LOG_LIMIT = 1 << 20


def eap_response(identifier: int, method: int, body: bytes) -> bytes:
    """One EAP-Response (RFC 3748 section 4.1)."""
    return bytes((2, identifier)) + (5 + len(body)).to_bytes(2) + bytes((method,)) + body


# -- RADIUS -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """One genuine request and who sends it. depth: rounds of EAP that must have gone before."""

    source: int
    accounting: bool
    octets: bytes
    depth: int = 0


@contextmanager
def standstill() -> Iterator[None]:
    """No chance and no time for whoever makes seeds: what they hold is the same in each run."""
    with mock.patch("os.urandom", Random(1).randbytes), mock.patch("time.time", return_value=1_800_000_000.0):
        yield


def requests() -> list[Request]:
    """Everything our NASes ask on an ordinary day, one of each."""
    with standstill(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        made: list[Request] = []
        for number in range(4):
            with Nas(
                server="127.0.0.1",
                secret=SECRETS[SOURCES[number]],
                port=deaf.getsockname()[1],
                accounting_port=deaf.getsockname()[1],
                timeout_s=0.0005,
                tries=1,
                address="192.0.2.7",
                framed_mtu=1400 if number else 0,
                proxy_states=(b"proxied",) if number == 1 else (),
            ) as nas:
                made += _of(nas, number)
    return made


def _of(nas: Nas, source: int) -> list[Request]:
    made: list[Request] = []

    def keep(_reply: object, *, accounting: bool = False, depth: int = 0) -> None:
        made.append(Request(source, accounting, nas.last_octets, depth))

    hello, fragment = eap_response(1, 13, b"\0" + client_hello()), eap_response(1, 13, b"\xc0\0\0\1\0" + bytes(90))
    for method in ("pap", "chap", "none"):
        keep(nas.mab(PRINTER, method=method, spelling="aa:bb:cc:dd:ee:ff", extra=[("NAS-Port-Id", "Gi1/0/9")]))
    keep(nas.vpn("alice", device_uid=f"ID:Microsoft Endpoint Manager:GUID:{COMPLIANT_GUID}", device_mac=LAPTOP))
    keep(nas.vpn("bob", service_type="", pairs=["mdm-tlv=device-uid=" + 40 * "a"], extra=[(25, b"class-of-bob")]))
    user = "host/laptop" if source != 2 else PRINTER.replace("-", "").lower()
    mac = LAPTOP if source != 2 else PRINTER
    keep(nas.eap(eap_response(7, 1, user.encode()), user=user, mac=mac))
    keep(nas.eap(b"", user=user, mac=mac))
    keep(nas.eap(eap_response(1, 13, b"\0"), user=user, mac=mac, state=STATE_PLACE), depth=2)
    keep(nas.eap(eap_response(1, 3, b"\x19"), user=user, mac=mac, state=STATE_PLACE), depth=1)
    keep(nas.eap(eap_response(1, 4, b"\x10" + bytes(16)), user=user, mac=mac, state=STATE_PLACE), depth=1)
    keep(nas.eap(hello, user=user, mac=mac, state=STATE_PLACE), depth=1)
    keep(nas.eap(fragment, user=user, mac=mac, state=STATE_PLACE), depth=1)
    odd = [
        (66, b"\x01198.51.100.4"),
        (64, b"\x01\0\0\x0d"),
        (102, b"\0"),
        (26, b"\0\0\0\x09\x01\x0dshell:a=b"),
        (60, b"x" * 16),
    ]
    keep(nas.mab(PRINTER, method="none", extra=odd))
    # RFC 6929: extended, nested, long in two pieces, and with a vendor; RFC 4372 and RFC 5580 beside them.
    extended = [(241, b"\x01abcd"), (241, b"\x04\x01\x06\0\0\0\x07"), (245, b"\x01\x80abc"), (245, b"\x01\0def")]
    extended += [(241, b"\x1a\0\0\0\x09\x01x"), (246, b"\x1a\0\0\0\0\x09\x05yz"), (89, b"\0"), (126, b"1example.org")]
    keep(nas.mab(PRINTER, method="none", extra=extended))
    keep(nas.exchange([("User-Name", "nacd-probe"), (2, bytes(16))]))
    for status in ("Start", "Interim-Update", "Stop", "Accounting-On"):
        keep(
            nas.accounting(status, session_id="8d1", user="alice", mac=LAPTOP, extra=[(25, b"c"), (46, b"\0\0\1\0")]),
            accounting=True,
        )
    keep(nas.status())
    keep(nas.status(accounting=True), accounting=True)
    return made


# -- an EAP-TLS peer ------------------------------------------------------------------------------


def client_hello(version: str = "") -> bytes:
    """The first flight of a client that speaks 1.2 and 1.3, or only one of them; always the same octets."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        _context(None, version).wrap_bio(incoming, outgoing, server_hostname=SERVER_NAME).do_handshake()
    except ssl.SSLWantReadError:
        return _without_chance(outgoing.read())
    raise ValueError("a client that does not wait for its server")


def _without_chance(hello: bytes) -> bytes:
    """Random and Session-Id fixed (RFC 8446 section 4.1.2), and the key of an X25519 share (group 0x001d)."""
    fixed = Random(2).randbytes(32)
    hello = hello[:11] + fixed + hello[43:]
    if hello[43] == 32:
        hello = hello[:44] + fixed + hello[76:]
    share = hello.find(b"\x00\x1d\x00\x20")
    return hello[: share + 4] + fixed + hello[share + 36 :] if share > 0 else hello


def _context(issued: Issued | None, version: str, ca_pem: bytes = b"") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if version:
        chosen = ssl.TLSVersion.TLSv1_2 if version == "1.2" else ssl.TLSVersion.TLSv1_3
        context.minimum_version = context.maximum_version = chosen
    if ca_pem:
        context.load_verify_locations(cadata=ca_pem.decode())
    if issued is not None:
        with tempfile.TemporaryDirectory(prefix="nacd-fuzz-") as folder:
            chain, key = issued.write(Path(folder), "peer")
            context.load_cert_chain(chain, key)
    return context


class PeerKind:
    """One kind of peer: its context made once, for many handshakes. One handshake at a time."""

    def __init__(self, issued: Issued | None, version: str, ca_pem: bytes) -> None:
        self.issued = issued
        self.context = _context(issued, version, ca_pem)
        with tempfile.NamedTemporaryFile(prefix="nacd-fuzz-keys-", delete=False) as named:
            self.context.keylog_filename = named.name
            self._log: IO[bytes] = open(named.name, "r+b")  # noqa: SIM115 - closed by close()
        Path(named.name).unlink()

    def peer(self) -> Peer:
        """A new handshake; what the key log holds of the last one is skipped."""
        if self._log.seek(0, 2) > _KEY_LOG_LIMIT:
            self._log.truncate(0)
            self._log.seek(0)
        return Peer(self)

    def log(self) -> str:
        """The key log since this handshake began."""
        return self._log.read().decode()

    def close(self) -> None:
        self._log.close()


@dataclass(slots=True)
class Peer:
    """One handshake of the client's side; ``answer`` takes the server's flight and gives the next one."""

    kind: PeerKind
    received: bytes = b""
    finished: bool = False
    _incoming: ssl.MemoryBIO = field(default_factory=ssl.MemoryBIO)
    _outgoing: ssl.MemoryBIO = field(default_factory=ssl.MemoryBIO)
    _object: ssl.SSLObject = field(init=False)

    def __post_init__(self) -> None:
        self._object = self.kind.context.wrap_bio(self._incoming, self._outgoing, server_hostname=SERVER_NAME)

    def answer(self, flight: bytes = b"") -> bytes:
        """The next flight, an alert as well; ``b""`` when the peer has nothing to say."""
        self.received += flight
        if flight:
            self._incoming.write(flight)
        try:
            if not self.finished:
                self._object.do_handshake()
                self.finished = True
        except ssl.SSLError:
            pass  # wants more, or has written its alert: both show in what it sends
        return self._outgoing.read()

    def keys(self) -> Keys:
        """Keying material as this side has it, by the key log."""
        cipher = self._object.cipher()
        return keys_from_log(self.kind.log(), self._object.version() or "", cipher[0] if cipher else "", self.received)
