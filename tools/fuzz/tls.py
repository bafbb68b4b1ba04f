"""EAP without RADIUS around it: sequences of odd EAP packets, and real TLS handshakes with broken flights.

Knows: how a flight is cut, edited and mended, and what may follow. Refuses to know: OpenSSL's reasons. The rule
behind both targets: nobody is authenticated whose key is not proved, and what both sides then hold is the same.
"""

from __future__ import annotations

import base64
import hashlib
import ssl
from random import Random
from typing import Final

import orjson
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from nacd.identity.mac import parse, spellings
from nacd.sim.pki import COMPLIANT_GUID, Issued, intune_uri
from nacd.steps import Answer, Continue, NeedCompliance, Silent, Step
from nacd.values import (
    NO_SECRET,
    AccessRequest,
    AuditEvent,
    Challenge,
    EapFailed,
    EapIgnored,
    EapStep,
    MacAddress,
    Md5Verified,
    Nas,
    ReplyCode,
)
from tools.fuzz import mutate
from tools.fuzz.engine import Target
from tools.fuzz.seeds import IDENTITY, LAPTOP, Peer, PeerKind, client_hello, eap_response
from tools.fuzz.site import GOOD_PEERS, PRINTER, STEP_S, Site
from tools.fuzz.wire import Finding, check

_LARGEST_EAP = 3_800
_ROUNDS = 40
_EDITS = 64


def _request(nas: Nas, eap: bytes, state: bytes, *, mac: str = LAPTOP, port: str = "") -> AccessRequest:
    user = IDENTITY.decode() if mac == LAPTOP else mac
    return AccessRequest(
        nas=nas,
        source="127.0.0.1",
        source_port=700,
        user_name=user,
        nas_port_type="Ethernet",
        nas_port=port,
        calling_station_id=mac,
        has_eap=True,
        eap=eap,
        state=state,
    )


def _check_eap_request(eap: bytes) -> None:
    check(5 <= len(eap) <= _LARGEST_EAP, f"an EAP-Request of {len(eap)} octets")
    check(eap[0] == 1 and int.from_bytes(eap[2:4]) == len(eap), "an EAP-Request whose header is wrong")


class Sequences(Target):
    """The EAP state machine, fed with up to a dozen packets. An input is a list of (flags, length, octets)."""

    name = "eap"
    stages = ("conversation begun", "answered", "ignored", "refused", "proved by MD5")
    OTHER_STATE, OTHER_IDENTIFIER, RIGHT_MD5, NO_STATE, TIME_PASSES, OTHER_NAS = (1 << bit for bit in range(6))

    def __init__(self) -> None:
        self._site = Site()
        self._eap = self._site.conversations
        nases = {client.nas.name: client.nas for client in self._site.assembled.clients}
        self._nases = (nases["switch"], nases["old"])
        self._count = 0

    def seeds(self) -> list[bytes]:
        mac = PRINTER.replace("-", "").lower().encode()
        hello = client_hello()
        identity, nak = eap_response(3, 1, IDENTITY), eap_response(1, 3, b"\x19")
        first = eap_response(1, 13, b"\xc0" + len(hello).to_bytes(4) + hello[:200])
        then, last = eap_response(1, 13, b"\x40" + hello[200:300]), eap_response(1, 13, b"\0" + hello[300:])
        whole, ack = eap_response(1, 13, b"\0" + hello), eap_response(1, 13, b"\0")
        md5 = [(self.OTHER_NAS, eap_response(3, 1, mac)), (self.OTHER_NAS | self.RIGHT_MD5, eap_response(1, 4, b""))]
        plain = [
            [identity, first, then, last, ack, ack],
            [identity, whole, ack, ack, ack],
            [identity, whole, whole],
            [b"", identity, nak, ack],
            [identity, identity, whole, nak],
            [identity, eap_response(1, 21, b"\0"), eap_response(1, 254, bytes(8)), eap_response(1, 2, b""), ack],
            [identity, eap_response(1, 3, b"\x0d"), whole, ack],
            [identity, bytes((1, 1, 0, 5, 1)), bytes((3, 1, 0, 4)), bytes((9, 1, 0, 9)), b"\x02", whole],
        ]
        lists = [[(0, eap) for eap in one] for one in plain]
        odd_md5 = [md5[0], (self.OTHER_NAS, eap_response(1, 3, b"\x0d")), (self.OTHER_NAS, whole)]
        return [
            _joined(one) for one in (*lists, md5, [md5[0], (self.OTHER_NAS, eap_response(1, 4, bytes(17)))], odd_md5)
        ]

    def mutate(self, seed: bytes, chance: Random) -> bytes:
        packets = _split(seed)
        for _ in range(1 + int(chance.random() ** 2 * 3)):
            at = int(chance.random() * len(packets)) if packets else 0
            roll = chance.random()
            if packets and roll < 0.55:
                flags, octets = packets[at]
                broken = mutate.octets(octets, chance)
                if chance.random() < 0.8 and len(broken) >= 4:
                    broken = broken[:2] + (len(broken) & 0xFFFF).to_bytes(2) + broken[4:]
                packets[at] = (flags, broken[:0xFFFF])
            elif packets and roll < 0.70:
                packets.insert(at, packets[int(chance.random() * len(packets))])
            elif packets and roll < 0.80:
                packets.append(packets.pop(at))
            elif packets and roll < 0.87:
                del packets[at]
            elif packets:
                packets[at] = (packets[at][0] ^ 1 << int(chance.random() * 6), packets[at][1])
            else:
                packets.append((0, chance.randbytes(9)))
        return _joined(packets[:12])

    def execute(self, octets: bytes) -> int:
        state, due, sent = b"", 0, b""
        reached = 0
        self._count += 1
        for flags, packet in _split(octets)[:12]:
            nas = self._nases[bool(flags & self.OTHER_NAS)]
            mac = PRINTER if flags & self.OTHER_NAS else LAPTOP
            if flags & self.RIGHT_MD5 and len(sent) > 21:
                answer = hashlib.md5(bytes((due,)) + PRINTER.encode() + sent[6:22], usedforsecurity=False).digest()
                packet = eap_response(due, 4, b"\x10" + answer)
            if len(packet) > 1 and not flags & self.OTHER_IDENTIFIER:
                packet = packet[:1] + bytes((due,)) + packet[2:]
            given = b"" if flags & self.NO_STATE else bytes(17) if flags & self.OTHER_STATE else state
            now = self._site.clock.pass_by(31.0 if flags & self.TIME_PASSES else STEP_S)
            request = _request(nas, packet, given, mac=mac, port=str(self._count % 5_000))
            step = self._eap.receive(request, now)
            reached |= self._judge(step, request, sent)
            if isinstance(step, Challenge):
                state, due, sent = step.state, step.eap[1], step.eap
            elif not isinstance(step, EapIgnored):
                state = b""
        if not self._count % 1_000:
            self._eap.expire(self._site.clock())
        return reached

    def _judge(self, step: EapStep, request: AccessRequest, sent: bytes) -> int:
        match step:
            case Challenge():
                _check_eap_request(step.eap)
                check(len(step.state) == 17 and not step.chain, "a Challenge that believes somebody, or has no State")
                return 4 if step.ignored else 3
            case EapFailed():
                right = not step.eap or (len(step.eap) == 4 and step.eap[0] == 4 and step.eap[2:] == b"\0\x04")
                check(right and bool(step.code) and bool(step.reason), "a refusal without EAP-Failure or reason")
                orjson.dumps(step.reason + step.peer_identity)
                return 8
            case EapIgnored():
                return 4
            case Md5Verified():
                self._check_md5(request, sent)
                return 16
            case _:
                raise Finding("a peer is authenticated by TLS though nobody here has a key")

    def _check_md5(self, request: AccessRequest, sent: bytes) -> None:
        seen = parse(request.calling_station_id)
        words = spellings(seen) if isinstance(seen, MacAddress) else ()
        heads = bytes((request.eap[1],)), sent[6:22]
        right = {hashlib.md5(heads[0] + w.encode() + heads[1], usedforsecurity=False).digest() for w in words}
        check(request.nas.eap_md5_mab and request.eap[6:22] in right, "MD5 verified that is not the MAC's")

    def rest(self) -> None:
        self._eap.expire(self._site.clock.pass_by(3600.0))
        counters = self._eap.counters
        left = counters.waiting + counters.handshaking + counters.held_octets
        check(not left, f"conversations outlive their peers: {counters}")

    def close(self) -> None:
        self._site.close()


def _split(octets: bytes) -> list[tuple[int, bytes]]:
    packets: list[tuple[int, bytes]] = []
    at = 0
    while at + 3 <= len(octets) and len(packets) < 24:
        size = int.from_bytes(octets[at + 1 : at + 3])
        packets.append((octets[at], octets[at + 3 : at + 3 + size]))
        at += 3 + size
    return packets


def _joined(packets: list[tuple[int, bytes]]) -> bytes:
    return b"".join(bytes((flags,)) + len(octets).to_bytes(2) + octets for flags, octets in packets)


# -- handshakes -----------------------------------------------------------------------------------


class Handshakes(Target):
    """Real handshakes through the whole spine, with one flight broken, or with a broken certificate well signed.

    An input: who tries (five kinds of peer, or ``SIGNED``), which flight and how it is cut, then edits of four
    octets each. Behind ``SIGNED`` stands the chance by which a certificate is broken before it is signed.
    """

    name = "tls"
    stages = ("TLS fed", "server flight sent", "last flight fed", "authenticated", "certificate read")
    SIGNED: Final = 5
    _FED, _SERVER, _LAST, _PROVED, _READ = (1 << bit for bit in range(5))

    def __init__(self) -> None:
        self._site = site = Site()
        self._nas = site.assembled.clients[0].nas
        ca = site.pki.devices.root_pem
        tls = ("1.3", "1.2", "1.3", "1.2", "1.2")
        self._kinds = [PeerKind(one, version, ca) for one, version in zip(site.pki.peers, tls, strict=True)]
        self._leaf = site.pki.signer.authority.issue_client(
            "anything", uris=[intune_uri(COMPLIANT_GUID)], upn="a@example.test", template="1.3.6.1.4.1.311.21.8.7"
        )
        self._tbs = self._leaf.certificate.tbs_certificate_bytes
        self._count = 0

    def seeds(self) -> list[bytes]:
        flights = [bytes((kind, which)) for kind in range(5) for which in (0, 1, 4, 5, 9)]
        edits = (b"", b"\x01\x40\x00\x01", b"\xc0\x80\x00\x10", b"\x06\x30\x00\x00", b"\x07\x10\x03\x01")
        return [one + edit for one in flights for edit in edits] + [bytes((self.SIGNED, 0, n)) for n in range(14)]

    def mutate(self, seed: bytes, chance: Random) -> bytes:
        if seed[:1] == bytes((self.SIGNED,)):
            return seed[:2] + chance.randbytes(6)
        edits = b"".join(
            bytes((int(chance.random() * 256), *chance.randbytes(3))) for _ in range(1 + int(chance.random() ** 2 * 3))
        )
        which = seed[1] if chance.random() < 0.9 else int(chance.random() * 16)
        return bytes((seed[0], which)) + (seed[2:] if chance.random() < 0.1 else b"") + edits

    def execute(self, octets: bytes) -> int:
        kind, which = octets[:2].ljust(2, b"\0")
        kind %= 6
        if kind == self.SIGNED:
            return self._signed(octets[2:])
        peer = self._kinds[kind].peer()
        return self._login(peer, which, octets[2 : 2 + _EDITS], b"" if kind < GOOD_PEERS else b"never")

    def _signed(self, chance: bytes) -> int:
        """A login with a certificate that was broken first and signed then: everything in it is the CA's word."""
        tbs = mutate.certificate(self._tbs, Random(chance)) if chance else self._tbs
        der = self._site.pki.signer.sign(tbs)
        pem = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"
        try:
            issued = Issued(certificate_pem=pem, chain_pem=pem, key_pem=self._leaf.key_pem)
            kind = PeerKind(issued, "1.3" if chance[-1:] < b"\x80" else "1.2", self._site.pki.devices.root_pem)
        except (ssl.SSLError, OSError):
            return 0  # OpenSSL's client does not take it either: nobody could present it
        try:
            return self._login(kind.peer(), 0, b"", der)
        finally:
            kind.close()

    def _login(self, peer: Peer, which: int, edits: bytes, leaf: bytes) -> int:
        """leaf: what the peer presents; ``b""``: its own; ``never``: it must not get in."""
        cut = (0, 300, 64, 1000)[which >> 2 & 3]
        reached = 0
        step = self._ask(eap_response(3, 1, IDENTITY), b"")
        flight = peer.answer()
        for number in range(6):
            if number == which & 1:
                flight = mutate.tls(flight, edits)
            step = self._flight(flight, cut, step)
            reached |= self._LAST if number else self._FED
            if not isinstance(step, Continue):
                break
            incoming, step = self._collect(step)
            if not isinstance(step, Continue):
                break
            reached |= self._SERVER
            flight = peer.answer(incoming)
            if not flight:
                step = self._ask(eap_response(step.reply.eap[1], 13, b"\0"), step.reply.state)
                break
        return reached | self._end(step, peer, leaf)

    def _flight(self, flight: bytes, cut: int, step: Step) -> Step:
        """One flight of the peer's, in fragments; the answer to its last one."""
        size = cut or max(len(flight), 1)
        pieces = [flight[at : at + size] for at in range(0, len(flight), size)][:_ROUNDS] or [b""]
        for number, piece in enumerate(pieces):
            if not isinstance(step, Continue):
                return step
            more = number + 1 < len(pieces)
            head = bytes(((0x40 if more else 0) | (0x80 if more and not number else 0),))
            length = len(flight).to_bytes(4) if head[0] & 0x80 else b""
            step = self._ask(eap_response(step.reply.eap[1], 13, head + length + piece), step.reply.state)
        return step

    def _collect(self, step: Continue) -> tuple[bytes, Step]:
        """The server's flight, acknowledged fragment by fragment, and its last packet."""
        flight = b""
        last: Step = step
        for _ in range(_ROUNDS):
            if not isinstance(last, Continue) or len(last.reply.eap) < 6 or last.reply.eap[4] != 13:
                break
            flags, body = last.reply.eap[5], last.reply.eap[6:]
            flight += body[4:] if flags & 0x80 else body
            if not flags & 0x40:
                break
            last = self._ask(eap_response(last.reply.eap[1], 13, b"\0"), last.reply.state)
        return flight, last

    def _ask(self, eap: bytes, state: bytes) -> Step:
        self._count += 1
        now = self._site.clock.pass_by(STEP_S)
        step = self._site.authorizer.identify(_request(self._nas, eap, state), now)
        if isinstance(step, Continue):
            _check_eap_request(step.reply.eap)
        if not self._count % 2_000:
            for event in self._site.authorizer.expire(now):
                _check_event(event)
        return step

    def _end(self, step: Step, peer: Peer, leaf: bytes) -> int:
        if isinstance(step, Answer) and step.reply.code is ReplyCode.REJECT:
            _check_event(step.event)
            # A refusal that speaks of the identity comes after a proof, one that does not, before.
            return self._READ if "identity" in step.event.fields else 0
        if isinstance(step, Continue | Silent):
            return 0
        check(leaf != b"never", "a peer is authenticated whose certificate is no good")
        check(peer.finished, "a peer is authenticated that has not finished")
        secret = step.reply.msk if isinstance(step, Answer) else getattr(step.proof, "msk", NO_SECRET)
        check(secret.reveal() == peer.keys().msk != b"", "server and peer hold different keys")
        if isinstance(step, NeedCompliance):
            self._check_name(step, peer, leaf)
        return self._PROVED | self._READ

    def _check_name(self, step: NeedCompliance, peer: Peer, leaf: bytes) -> None:
        shown = leaf or (
            x509.load_pem_x509_certificate(peer.kind.issued.certificate_pem).public_bytes(Encoding.DER)
            if peer.kind.issued
            else b""
        )
        check(bool(shown), "a certificate out of nowhere")
        guid = str(step.question.subject).lower()
        said = bytes(octet for octet in shown.lower() if octet in b"0123456789abcdef-")
        check(guid.encode() in said or isinstance(step.question.subject, MacAddress), "a device id out of nowhere")

    def rest(self) -> None:
        self._site.authorizer.expire(self._site.clock.pass_by(3600.0))
        counters = self._site.conversations.counters
        left = counters.waiting + counters.handshaking + counters.held_octets
        check(not left, f"conversations outlive their peers: {counters}")

    def close(self) -> None:
        for kind in self._kinds:
            kind.close()
        self._site.close()


def _check_event(event: AuditEvent) -> None:
    """An audit event that no JSON can hold would end the request in a bug."""
    orjson.dumps({"code": event.code, **event.fields})
