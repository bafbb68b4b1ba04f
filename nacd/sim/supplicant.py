"""A simulated EAP-TLS supplicant on Python's own ``ssl``, and a whole login through a simulated NAS.

Knows: the peer's side of EAP (RFC 3748) and EAP-TLS (RFC 5216, RFC 9190), with fragments both ways,
and how to work out the keys a second time, from OpenSSL's key log instead of an exporter. Refuses
to know: RADIUS (the NAS carries it) and anything of the server's code.

The peer believes an EAP-Success only when it is due: after the server proved itself, and in TLS 1.3
after the octet 0x00 that promises the handshake is over (RFC 9190 section 2.5).
"""

from __future__ import annotations

import os
import ssl
import struct
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal

from nacd.sim.nas import Nas
from nacd.sim.nas_reply import Reply, Value
from nacd.sim.tls_keys import Keys, keys_from_log

REQUEST, RESPONSE, SUCCESS, FAILURE = 1, 2, 3, 4
IDENTITY, NAK, TLS, PEAP = 1, 3, 13, 25
LENGTH, MORE, START = 0x80, 0x40, 0x20

TlsChoice = Literal["1.2", "1.3", "any"]
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How a supplicant misbehaves; responses count from 1, 0 = never.

    nak_to: answer EAP-TLS with a Nak that asks for this method (25 is PEAP). wrong_identifier_in,
    garbage_in: the response that goes out with another Identifier, or with TLS octets that are
    none. stop_in: fall silent instead of this response. length_flag: when fragments carry the L bit.
    """

    nak_to: int = 0
    wrong_identifier_in: int = 0
    garbage_in: int = 0
    stop_in: int = 0
    length_flag: Literal["first", "every", "never", "always"] = "first"


@dataclass(slots=True)
class Supplicant:
    """One EAP peer for one login. ca_pem, server_name: whom it trusts as RADIUS server; ``""`` = any name.

    certificate_pem (leaf first, with intermediates) and key_pem empty: it has no certificate.
    fragment_size: TLS octets in one EAP packet. allow_weak: present an RSA-1024 certificate and
    speak to a weak server. Raises ssl.SSLError for a certificate that does not fit its key.

    outcome is ``pending``, then ``success``, ``failure``, ``stopped`` or ``unbelieved`` (a Success
    that was not due). problem says why, in words; notes what the server did against the RFCs.
    """

    identity: str
    ca_pem: bytes
    certificate_pem: bytes = b""
    key_pem: bytes = field(default=b"", repr=False)
    server_name: str = ""
    tls: TlsChoice = "any"
    fragment_size: int = 1000
    allow_weak: bool = False
    behaviour: Behaviour = field(default_factory=Behaviour)

    outcome: str = "pending"
    problem: str = ""
    notes: list[str] = field(default_factory=list)
    tls_version: str = ""
    cipher: str = ""
    server_certificate: bytes = b""
    keys: Keys = field(default_factory=Keys, repr=False)
    responses: int = 0

    _incoming: ssl.MemoryBIO = field(default_factory=ssl.MemoryBIO, repr=False)
    _outgoing: ssl.MemoryBIO = field(default_factory=ssl.MemoryBIO, repr=False)
    _object: ssl.SSLObject = field(init=False, repr=False)
    _log: IO[bytes] = field(init=False, repr=False)
    _received: bytes = field(default=b"", repr=False)
    _announced: int = field(default=0, repr=False)
    _gathered: bytes = field(default=b"", repr=False)
    _to_send: bytes = field(default=b"", repr=False)
    _flight: int = field(default=0, repr=False)
    _done: bool = field(default=False, repr=False)
    _committed: bool = field(default=False, repr=False)

    def __post_init__(self) -> None:
        context = _context(self)
        with tempfile.NamedTemporaryFile(prefix="nacd-sim-keys-", delete=False) as named:
            context.keylog_filename = named.name
            self._log = open(named.name, "rb")  # noqa: SIM115 - closed by close()
        Path(named.name).unlink()  # OpenSSL and we hold it open; nobody else ever sees it
        name = self.server_name or None
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)

    # -- EAP

    def start(self) -> bytes:
        """The EAP-Response/Identity that a NAS hands on first."""
        return self._respond(os.urandom(1)[0], IDENTITY, self.identity.encode())

    def receive(self, eap: bytes) -> bytes:
        """Answer one EAP packet; ``b""`` when there is nothing (more) to say."""
        if self.outcome != "pending":
            return b""
        if len(eap) < 4 or struct.unpack("!H", eap[2:4])[0] > len(eap):
            return self._note("an EAP packet whose length is wrong")
        code, identifier, length = struct.unpack("!BBH", eap[:4])
        if code in (SUCCESS, FAILURE):
            self._finish(code)
            return b""
        if code != REQUEST or length < 5:
            return self._note(f"an EAP packet of code {code} and length {length}")
        method, body = eap[4], eap[5:length]
        if method == IDENTITY:
            return self._respond(identifier, IDENTITY, self.identity.encode())
        if method != TLS or self.behaviour.nak_to:
            return self._respond(identifier, NAK, bytes([self.behaviour.nak_to or TLS]))
        return self._tls(identifier, body)

    def close(self) -> None:
        """Forget the key log. Done at the end of a login by itself."""
        self._log.close()

    def _respond(self, identifier: int, method: int, body: bytes) -> bytes:
        self.responses += 1
        if self.responses == self.behaviour.stop_in:
            self._end("stopped", "fell silent, as it was told to")
            return b""
        if self.responses == self.behaviour.garbage_in:
            method, body = TLS, b"\0" + os.urandom(200)
        if self.responses == self.behaviour.wrong_identifier_in:
            identifier ^= 0x55
        return struct.pack("!BBHB", RESPONSE, identifier, 5 + len(body), method) + body

    def _finish(self, code: int) -> None:
        if code == FAILURE:
            self._end("failure", self.problem or "the server refused")
        elif not self._done:
            self._end("unbelieved", "EAP-Success before the handshake was over")
        elif self.tls_version == "TLSv1.3" and not self._committed:
            self._end("unbelieved", "EAP-Success without the commitment octet (RFC 9190 section 2.5)")
        else:
            self._end("success", "")

    def _end(self, outcome: str, problem: str) -> None:
        self.outcome, self.problem = outcome, problem
        self.close()

    def _note(self, note: str) -> bytes:
        self.notes.append(note)
        return b""

    # -- EAP-TLS

    def _tls(self, identifier: int, body: bytes) -> bytes:
        if not body:
            return self._note("an EAP-TLS packet without flags")
        flags, octets = body[0], body[1:]
        if flags & LENGTH:
            if len(octets) < 4:
                return self._note("an EAP-TLS length that is cut short")
            announced, octets = struct.unpack("!I", octets[:4])[0], octets[4:]
            self._check_length(flags, announced)
        if flags & START:
            if octets:
                self._note("data in EAP-TLS Start")
            return self._next_fragment(identifier, self._handshake(b""))
        if not octets and self._to_send:
            return self._next_fragment(identifier, b"")
        self._gathered += octets
        if flags & MORE:
            return self._respond(identifier, TLS, b"\0")
        whole, self._gathered = self._gathered, b""
        if self._announced and self._announced != len(whole):
            self._note(f"announced {self._announced} octets and sent {len(whole)}")
        self._announced = 0
        return self._next_fragment(identifier, self._handshake(whole))

    def _check_length(self, flags: int, announced: int) -> None:
        if flags & START:
            self._note("a length in EAP-TLS Start")
        elif not self._gathered and not flags & MORE:
            self._note("a length on a message that is not fragmented (RFC 9190 section 2.1.9)")
        self._announced = announced

    def _next_fragment(self, identifier: int, flight: bytes) -> bytes:
        """The next part of what is to be sent, or an acknowledgement when there is nothing."""
        first = bool(flight)
        if first:
            self._to_send, self._flight = flight, len(flight)
        part, self._to_send = self._to_send[: self.fragment_size], self._to_send[self.fragment_size :]
        flags = MORE if self._to_send else 0
        fragmented = self._flight > self.fragment_size
        when = self.behaviour.length_flag
        if part and (when == "always" or (fragmented and (when == "every" or (when == "first" and first)))):
            return self._respond(identifier, TLS, struct.pack("!BI", flags | LENGTH, self._flight) + part)
        return self._respond(identifier, TLS, bytes([flags]) + part)

    def _handshake(self, octets: bytes) -> bytes:
        """Feed OpenSSL; what it wants to send, an alert as well, comes back."""
        self._received += octets
        if octets:
            self._incoming.write(octets)
        try:
            if not self._done:
                self._object.do_handshake()
                self._established()
            self._read_commitment()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self.problem = self.problem or _in_words(error)
        return self._outgoing.read()

    def _established(self) -> None:
        self._done = True
        self.tls_version = self._object.version() or ""
        self.cipher = (self._object.cipher() or ("",))[0]
        self.server_certificate = self._object.getpeercert(binary_form=True) or b""
        self.keys = keys_from_log(self._log.read().decode(), self.tls_version, self.cipher, self._received)

    def _read_commitment(self) -> None:
        """Application data: exactly one octet 0x00 in TLS 1.3, none at all in TLS 1.2."""
        octets = self._object.read(64)
        if self.tls_version == "TLSv1.3" and octets == b"\0" and not self._committed:
            self._committed = True
        elif octets:
            self._note(f"{len(octets)} octets of application data that nobody asked for")


def _context(supplicant: Supplicant) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = bool(supplicant.server_name)
    if supplicant.allow_weak:
        context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.load_verify_locations(cadata=supplicant.ca_pem.decode())
    if supplicant.tls != "any":
        context.minimum_version = context.maximum_version = _VERSIONS[supplicant.tls]
    if supplicant.certificate_pem:
        with tempfile.TemporaryDirectory(prefix="nacd-sim-") as folder:  # ssl reads files only; 0700
            chain, key = Path(folder, "chain.pem"), Path(folder, "key.pem")
            chain.write_bytes(supplicant.certificate_pem)
            key.write_bytes(supplicant.key_pem)
            context.load_cert_chain(chain, key)
    return context


def _in_words(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate is not trusted: {error.verify_message}"
    reason = (error.reason or str(error)).lower().replace("_", " ")
    return f"TLS: {reason}"


# -- a whole login --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginResult:
    """How a login went. code, attributes: of the last reply (0: silence). rounds: requests sent.

    keys: ``match`` when MS-MPPE keys came and are those the supplicant worked out by itself,
    ``mismatch``, or ``absent``. ``succeeded`` wants all of Accept, EAP-Success and no wrong key.
    """

    code: int
    code_name: str
    attributes: tuple[tuple[str, Value], ...]
    rounds: int
    tls_version: str
    cipher: str
    eap_outcome: str
    problem: str
    keys: str
    notes: tuple[str, ...]
    reply: Reply
    reply_octets: bytes
    seconds: float

    @property
    def succeeded(self) -> bool:
        """Both sides agree that the endpoint is in."""
        return self.code == 2 and self.eap_outcome == "success" and self.keys != "mismatch"

    def first(self, name: str) -> Value:
        """The first value of an attribute of the last reply, ``""`` when there is none."""
        return self.reply.first(name)


def login(nas: Nas, supplicant: Supplicant, *, mac: str = "02-00-5E-10-00-01", max_rounds: int = 200) -> LoginResult:
    """Carry EAP between supplicant and server until there is an end, silence, or too many rounds."""
    began, rounds = time.monotonic(), 0
    state, reply = b"", Reply()
    eap = supplicant.start()
    while eap and rounds < max_rounds:
        rounds += 1
        reply = nas.eap(eap, user=supplicant.identity, mac=mac, state=state)
        if reply.code == 0:
            break
        state = reply.state
        eap = supplicant.receive(reply.eap) if reply.eap else b""
        if reply.code != 11:
            break
    supplicant.close()
    return LoginResult(
        code=reply.code,
        code_name=reply.code_name,
        attributes=reply.attributes,
        rounds=rounds,
        tls_version=supplicant.tls_version,
        cipher=supplicant.cipher,
        eap_outcome=supplicant.outcome,
        problem=supplicant.problem,
        keys=_compare(reply, supplicant.keys),
        notes=tuple(supplicant.notes),
        reply=reply,
        reply_octets=reply.octets,
        seconds=time.monotonic() - began,
    )


def _compare(reply: Reply, keys: Keys) -> str:
    if not reply.recv_key and not reply.send_key:
        return "absent"
    # RFC 5216 section 2.3: the peer's first half is what the NAS receives with
    same = reply.recv_key + reply.send_key == keys.msk
    return "match" if same and keys.msk else "mismatch"
