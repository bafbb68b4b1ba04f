"""A NAS and an EAP peer of these tests' own, by hand down to the octet, so that every packet can be bent.

RADIUS is `struct` and `hmac`, EAP is `struct`, TLS is the standard library's over memory. Nothing of nacd is in here.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import os
import socket
import ssl
import struct
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CHALLENGE, ACCEPT, REJECT, SILENCE = 11, 2, 3, 0
REQUEST, RESPONSE, SUCCESS, FAILURE = 1, 2, 3, 4
IDENTITY, NOTIFICATION, NAK, TLS = 1, 2, 3, 13
LENGTH, MORE, START = 0x80, 0x40, 0x20
EAP_MESSAGE, STATE, ERROR_CAUSE, MESSAGE_AUTHENTICATOR = 79, 24, 101, 80
_SERIALS = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Answer:
    """One verified answer; code 0 is silence. ignored: Error-Cause 202 came with it."""

    code: int = SILENCE
    eap: bytes = b""
    state: bytes = b""
    ignored: bool = False

    @property
    def is_failure(self) -> bool:
        """Access-Reject with EAP-Failure inside: the supplicant knows that it has to begin anew."""
        return self.code == REJECT and len(self.eap) == 4 and self.eap[0] == FAILURE

    @property
    def is_start(self) -> bool:
        return self.code == CHALLENGE and self.eap[4:] == bytes((TLS, START))


class Box:
    """A NAS with one endpoint on one port. ``elsewhere`` moves it to another UDP source port."""

    def __init__(
        self,
        port: int,
        secret: bytes,
        *,
        source: str = "127.0.0.1",
        mac: str = "",
        nas_port: int = 0,
        framed_mtu: int = 0,
    ) -> None:
        serial = next(_SERIALS)
        self.mac = mac or f"02-00-5E-20-{serial >> 8:02X}-{serial & 255:02X}"
        self.nas_port = nas_port or serial
        self.framed_mtu = framed_mtu
        self.user = b"host/laptop"
        self.patience_s = 3.0
        self._secret = secret
        self._to = ("127.0.0.1", port)
        self._source = source
        self._identifier = 0
        self._last = b""
        self._socket = self._open()
        self._old: list[socket.socket] = []

    def _open(self) -> socket.socket:
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.bind((self._source, 0))
        one.connect(self._to)
        return one

    def elsewhere(self) -> Box:
        self._old.append(self._socket)
        self._socket = self._open()
        return self

    def close(self) -> None:
        for one in (self._socket, *self._old):
            one.close()

    def ask(self, eap: bytes, state: bytes = b"") -> Answer:
        """One Access-Request with this EAP packet, and its verified answer."""
        self._identifier = (self._identifier + 1) & 255
        self._last = self._request(eap, state)
        return self.again()

    def again(self) -> Answer:
        """The last request once more, from wherever the NAS is now."""
        self._socket.send(self._last)
        return self.listen()

    def listen(self) -> Answer:
        self._socket.settimeout(self.patience_s)
        try:
            return self._read(self._socket.recv(65_535))
        except TimeoutError:
            return Answer()

    def _request(self, eap: bytes, state: bytes) -> bytes:
        mac = self.mac.encode()
        pairs = [
            (MESSAGE_AUTHENTICATOR, bytes(16)),
            (1, self.user),
            (4, bytes((10, 20, 0, 1))),
            (5, struct.pack("!I", self.nas_port)),
            (87, f"Gi1/0/{self.nas_port}".encode()),
            (6, struct.pack("!I", 2)),
            (61, struct.pack("!I", 15)),
            (31, mac),
        ]
        if self.framed_mtu:
            pairs.append((12, struct.pack("!I", self.framed_mtu)))
        # RFC 3579 section 3.1: an EAP-Start is an EAP-Message without octets
        pieces = [eap[at : at + 253] for at in range(0, len(eap), 253)] or [b""]
        pairs += [(EAP_MESSAGE, piece) for piece in pieces]
        if state:
            pairs.append((STATE, state))
        attributes = b"".join(bytes((kind, 2 + len(value))) + value for kind, value in pairs)
        head = struct.pack("!BBH", 1, self._identifier, 20 + len(attributes)) + os.urandom(16)
        proof = hmac.digest(self._secret, head + attributes, "md5")
        return head + attributes[:2] + proof + attributes[18:]

    def _read(self, octets: bytes) -> Answer:
        code, identifier, length = struct.unpack("!BBH", octets[:4])
        asked = self._last[4:20]
        assert (identifier, length) == (self._last[1], len(octets))
        assert octets[4:20] == hashlib.md5(octets[:4] + asked + octets[20:] + self._secret).digest()
        eap, state, ignored, at, proved = b"", b"", False, 20, False
        while at < length:
            kind, size = octets[at], octets[at + 1]
            value = octets[at + 2 : at + size]
            if kind == EAP_MESSAGE:
                eap += value
            elif kind == STATE:
                state = value
            elif kind == ERROR_CAUSE:
                ignored = value == struct.pack("!I", 202)
            elif kind == MESSAGE_AUTHENTICATOR:
                blank = octets[:4] + asked + octets[20 : at + 2] + bytes(16) + octets[at + 18 :]
                proved = hmac.compare_digest(value, hmac.digest(self._secret, blank, "md5"))
            at += size
        assert proved, "no valid Message-Authenticator"
        return Answer(code, eap, state, ignored)


def eap_packet(code: int, identifier: int, method: int, body: bytes = b"") -> bytes:
    return struct.pack("!BBHB", code, identifier & 255, 5 + len(body), method) + body


def fragments(flight: bytes, size: int = 1000, length: str = "first") -> list[bytes]:
    """Type-data of each fragment. length: the L flag goes with the ``first``, with ``every`` one, or ``never``."""
    cut = [flight[at : at + size] for at in range(0, len(flight), size)]
    made = []
    for number, piece in enumerate(cut):
        more = MORE if number < len(cut) - 1 else 0
        with_length = length == "every" or (length == "first" and number == 0)
        head = struct.pack("!BI", LENGTH | more, len(flight)) if with_length else bytes((more,))
        made.append(head + piece)
    return made


class Talk:
    """One EAP conversation as the peer's side has it: what is due, and ways to say something else."""

    def __init__(self, box: Box, identity: bytes = b"host/laptop") -> None:
        self.box = box
        self.identity = identity
        self.answer = Answer()
        self.state = b""
        self.asked = 7

    def begin(self) -> Answer:
        """EAP-Response/Identity, as a NAS sends it first."""
        return self.say(self.identity, method=IDENTITY)

    def say(
        self, body: bytes, *, method: int = TLS, code: int = RESPONSE, identifier: int = -1, state: bytes | None = None
    ) -> Answer:
        """One EAP packet; what is not given is what is due."""
        wanted = self.asked if identifier < 0 else identifier
        return self.ask(eap_packet(code, wanted, method, body), self.state if state is None else state)

    def ask(self, eap: bytes, state: bytes) -> Answer:
        return self.take(self.box.ask(eap, state))

    def take(self, answer: Answer) -> Answer:
        self.answer = answer
        if answer.code == CHALLENGE:
            self.state, self.asked = answer.state, answer.eap[1]
        return answer

    def flight(self, octets: bytes, size: int = 1000, length: str = "first") -> bytes:
        """Send a TLS flight (nothing: an acknowledgement), and give the server's, whole; ``b""`` at the end."""
        pieces = fragments(octets, size, length) or [b"\x00"]
        for number, piece in enumerate(pieces):
            self.say(piece)
            if self.answer.code != CHALLENGE:
                return b""
            if number < len(pieces) - 1:
                assert self.answer.eap[5:] == b"\x00", "a fragment is acknowledged"
        return self.collect()

    def collect(self) -> bytes:
        """The rest of the server's flight, acknowledged piece by piece."""
        gathered = b""
        while self.answer.code == CHALLENGE:
            flags, octets = self.answer.eap[5], self.answer.eap[6:]
            gathered += octets[4:] if flags & LENGTH else octets
            if not flags & MORE:
                return gathered
            self.say(b"\x00")
        return b""

    def login(self, client: Client, *, size: int = 1000, length: str = "first") -> Answer:
        """Be honest from beginning to end."""
        self.begin()
        flight = client.turn(b"")
        for _ in range(400):
            if self.answer.code != CHALLENGE:
                return self.answer
            flight = client.turn(self.flight(flight, size, length))
        raise AssertionError("the conversation does not end")

    def until_server_flight(self, client: Client) -> bytes:
        """Up to the server's certificate: the client's next flight, not yet sent."""
        self.begin()
        return client.turn(self.flight(client.turn(b"")))

    def until_established(self, client: Client) -> bytes:
        """Up to the server's last flight: only an acknowledgement is due. Gives that flight."""
        return self.flight(self.until_server_flight(client))


class Client:
    """A TLS client over memory. keys: its key log, for whoever forges records."""

    def __init__(self, context: ssl.SSLContext, session: ssl.SSLSession | None = None) -> None:
        self.inward, self.outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        with tempfile.NamedTemporaryFile(prefix="hostile-keys-") as log:
            context.keylog_filename = log.name
            self._log = Path(log.name).open("rb")  # noqa: SIM115 - lives as long as the client
        self.tls = context.wrap_bio(self.inward, self.outward, session=session)
        self.error = ""
        self.heard = b""
        self.application = b""
        self.bend: Callable[[bytes], bytes] = lambda flight: flight

    def turn(self, octets: bytes) -> bytes:
        """Take the server's flight, give the next one."""
        self.heard += octets
        if octets:
            self.inward.write(octets)
        try:
            self.tls.do_handshake()
            self.application += self.tls.read(64)
        except ssl.SSLWantReadError:
            pass
        except (ssl.SSLError, ssl.SSLEOFError) as error:
            self.error = str(error)
        return self.bend(self.outward.read())

    def keys(self) -> dict[str, bytes]:
        """Label to secret, out of the key log."""
        self._log.seek(0)
        lines = (line.split() for line in self._log.read().decode().splitlines() if not line.startswith("#"))
        return {label: bytes.fromhex(secret) for label, _, secret in lines}

    def close(self) -> None:
        self._log.close()
