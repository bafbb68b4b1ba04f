"""The whole door: a broken request, signed anew, through admission, EAP, policy, audit and back as an answer.

Knows: how a datagram is brought past the Message-Authenticator, and what must hold of whatever comes back.
Refuses to know: how nacd decides. An input is three octets (who sends, how, after how many genuine rounds of
EAP) and one packet; after a whole handshake the packet is a live one, broken by chance from the octets behind.

The oracle for an Access-Accept is a necessary condition that no mutation can make by accident: the MAC of the
printer, the GUID of the compliant device from the concentrator, or a handshake whose keys both sides share.
"""

from __future__ import annotations

import re
from random import Random
from typing import Final
from urllib.parse import unquote_to_bytes

from nacd.radius.admission import Role
from nacd.sim.nas_reply import distrust
from nacd.sim.pki import COMPLIANT_GUID
from tools.fuzz import mutate, wire
from tools.fuzz.engine import Target
from tools.fuzz.seeds import IDENTITY, LAPTOP, STATE_PLACE, Peer, PeerKind, client_hello, eap_response, requests
from tools.fuzz.site import ADMITTED, GOOD_PEERS, POLICY, PRINTER, RESENT, SECRETS, SOURCES, STEP_S, Site, WayBack
from tools.fuzz.wire import Judgement, Piece, check

STAGES: Final = (
    "decoded",
    "past Message-Authenticator",
    "EAP begun",
    "TLS fed",
    "decided",
    "answered",
    "accepted",
)
_DECODED, _PAST, _EAP, _TLS, _DECIDED, _ANSWERED, _ACCEPTED = (1 << bit for bit in range(7))

ACCOUNTING, AS_IT_IS, OTHER_STATE, OTHER_IDENTIFIER, OTHER_LENGTH, TWICE = (1 << bit for bit in range(6))
"""Flags of an input: to the accounting port; not signed anew; State, EAP identifier, Length left as they are;
sent a second time, as a NAS that heard nothing does."""
LIVE_FLIGHT, LIVE_END = 3, 4
"""Depths from which the packet is made of a live handshake: the client's last flight, its last acknowledgement."""

_UNSIGNED_MAY = frozenset({"127.0.0.3", "127.0.0.4"})
_MISREAD = frozenset({"too_short", "bad_length", "too_long", "bad_attribute_length", "attribute_zero"})
_UNBELIEVED = _MISREAD | {
    "bad_message_authenticator",
    "repeated_message_authenticator",
    "bad_accounting_authenticator",
}
_CODES = {Role.AUTH: (1, 12), Role.ACCT: (4, 12)}
_GUID = COMPLIANT_GUID.encode()
_PRINTER = PRINTER.replace("-", "").encode()
_ROUNDS = 12


class Door(Target):
    """One site, and every request that ever comes to it."""

    name = "door"
    stages = STAGES

    def __init__(self, policy: str = POLICY) -> None:
        self.site = Site(policy)
        ca_pem = self.site.pki.devices.root_pem
        versions = ("1.3", "1.2", "1.3", "1.2", "1.3")
        self._kinds = [PeerKind(one, tls, ca_pem) for one, tls in zip(self.site.pki.peers, versions, strict=True)]
        self._hello = client_hello()
        self._count = 0
        self._peer: Peer | None = None
        self._genuine = False
        self._state = b""
        self._due = 0

    def seeds(self) -> list[bytes]:
        """One input for each kind of request, from each NAS, and genuine logins."""
        made = [bytes((one.source, one.accounting, one.depth)) + one.octets for one in requests()] * 8
        made += [bytes((source, 0, depth | kind << 4)) for source in range(3) for depth in (3, 4) for kind in range(5)]
        return made

    def mutate(self, seed: bytes, chance: Random) -> bytes:
        """Mostly the packet attribute by attribute; now and then who sends it and how."""
        source, flags, depth = seed[:3].ljust(3, b"\0")
        if chance.random() < 0.06:
            source = int(chance.random() * 256)
        if chance.random() < 0.16:
            flags ^= 1 << int(chance.random() * 6)
        if chance.random() < 0.02:
            depth = int(chance.random() * 256)
        head = bytes((source, flags, depth))
        if depth & 15 >= LIVE_FLIGHT:
            return head + (chance.randbytes(4) if chance.random() < 0.9 else b"")
        return head + mutate.radius(seed[3:], chance)

    def mend(self, octets: bytes) -> bytes:
        """For an engine that breaks octets blindly: the packet's lengths made right again."""
        return octets[:3] + wire.mended(octets[3:]) if len(octets) > 3 + wire.HEADER else octets

    def execute(self, octets: bytes) -> int:
        """Send one input; the stages it reached, as bits. Raises Finding, or whatever nacd lets out."""
        source = SOURCES[octets[0] % len(SOURCES)] if octets else SOURCES[0]
        flags, depth = octets[1:2].ljust(1, b"\0")[0], octets[2:3].ljust(1, b"\0")[0]
        secret = SECRETS[source]
        self._count += 1
        if not self._count % 500:
            self.site.tick()
        self._peer, self._state, self._due, self._genuine = None, b"", 0, False
        rounds = depth & 15
        if rounds and source != SOURCES[-1]:
            live = self._begin(source, min(rounds, LIVE_END), (depth >> 4) % len(self._kinds))
            packet = self._broken(live, octets[3:]) if rounds >= LIVE_FLIGHT else octets[3:]
        else:
            packet = octets[3:]
        if not flags & AS_IT_IS:
            packet = self._signed(packet, flags, secret)
        return self._send(packet, source, flags, secret)

    def rest(self) -> None:
        """After an hour of silence nothing is remembered of anybody. Raises Finding."""
        site = self.site
        sizes = f"{len(site.dedup)} requests, {len(site.verdicts)} verdicts, {site.conversations.counters}"
        check(len(site.dedup) <= 100_000 and len(site.verdicts) <= 2_000, f"tables outgrew their limits: {sizes}")
        site.clock.pass_by(3600.0)
        for _ in range(len(site.dedup) // 4 + 2):
            # An Access-Request clears up after others as it passes; a NAS's own probe leaves nothing else behind.
            self._plain(wire.packet(1, 1, bytes(16), [(80, bytes(16)), (1, b"nacd-probe")]), SOURCES[0])
        site.tick()
        counters = site.conversations.counters
        check(not counters.waiting and not counters.handshaking, f"conversations outlive their peers: {counters}")
        check(not counters.held_octets, f"octets are held for nobody: {counters}")
        check(len(site.dedup) <= 256, f"{len(site.dedup)} requests are remembered after an hour")

    def close(self) -> None:
        """Take the site down."""
        for kind in self._kinds:
            kind.close()
        self.site.close()

    # -- before the broken packet -------------------------------------------------------------

    def _begin(self, source: str, depth: int, kind: int) -> bytes:
        """Genuine rounds up to ``depth``; the EAP packet that is due then."""
        eap = self._round(source, eap_response(9, 1, IDENTITY))
        if depth < LIVE_FLIGHT:
            return self._round(source, eap_response(self._due, 13, b"\0" + self._hello)) if depth == 2 else eap
        self._peer = self._kinds[kind].peer()
        self._genuine = kind < GOOD_PEERS
        answer, flight = self._peer.answer(), b""
        for _ in range(_ROUNDS):
            eap = self._round(source, eap_response(self._due, 13, b"\0" + answer))
            if len(eap) < 6 or eap[4] != 13:
                return b""
            flags = eap[5]
            flight += eap[10:] if flags & 0x80 else eap[6:]
            if flags & 0x40:
                answer = b""
                continue
            answer, flight = self._peer.answer(flight), b""
            if (depth == LIVE_FLIGHT and answer) or not answer:
                break
        return eap_response(self._due, 13, b"\0" + answer)

    def _round(self, source: str, eap: bytes) -> bytes:
        """One genuine round; the server's EAP packet, and its State kept."""
        pairs = [(1, IDENTITY), (31, LAPTOP.encode()), (61, b"\0\0\0\x0f"), (6, b"\0\0\0\x02"), (80, bytes(16))]
        pairs += [(79, eap[at : at + 253]) for at in range(0, len(eap), 253)]
        if self._state:
            pairs.append((24, self._state))
        reply = self._plain(wire.packet(1, self._count & 0xFF, self._count.to_bytes(16), pairs), source)
        pieces = wire.walk(reply) or []
        self._state = next((piece.value for piece in pieces if piece.number == wire.STATE), self._state)
        given = wire.eap_of(pieces)
        self._due = given[1] if len(given) > 1 else 0
        return given

    def _plain(self, packet: bytes, source: str) -> bytes:
        way = WayBack(source, 700)
        self.site.clock.pass_by(STEP_S)
        self._count += 1
        packet = packet[:1] + bytes((self._count & 0xFF,)) + packet[2:4] + self._count.to_bytes(16) + packet[20:]
        self.site.deliver(wire.signed(packet, SECRETS[source]), way, Role.AUTH)
        return way.replies[0] if way.replies else b""

    def _broken(self, eap: bytes, chance: bytes) -> bytes:
        pairs = [(1, IDENTITY), (31, LAPTOP.encode()), (61, b"\0\0\0\x0f"), (80, bytes(16)), (24, STATE_PLACE)]
        pairs += [(79, eap[at : at + 253]) for at in range(0, len(eap), 253)]
        packet = wire.packet(1, 77, self._count.to_bytes(16), pairs)
        return mutate.radius(packet, Random(chance)) if chance else packet

    def _signed(self, packet: bytes, flags: int, secret: bytes) -> bytes:
        """The packet as a NAS with the secret would send it, with the live State and EAP identifier put in."""
        if not flags & OTHER_LENGTH:
            packet = wire.trimmed(packet)
        if self._state and not flags & OTHER_STATE:
            packet = packet.replace(STATE_PLACE, self._state, 1)
            if not flags & OTHER_IDENTIFIER:
                packet = _with_identifier(packet, self._due)
        lost = not self._state and not wire.signature_place(packet) and len(packet) < wire.LONGEST - 18
        if lost and packet[19:20] < b"\xc0":
            # A packet that lost its signature gets one, three times in four: what is behind it is worth more.
            packet = wire.trimmed(packet[:20] + bytes((80, 18)) + bytes(16) + packet[20:])
        return wire.signed(packet, secret)

    # -- the broken packet --------------------------------------------------------------------

    def _send(self, packet: bytes, source: str, flags: int, secret: bytes) -> int:
        role = Role.ACCT if flags & ACCOUNTING else Role.AUTH
        site = self.site
        site.clock.pass_by(STEP_S)
        way = WayBack(source, 1024 + self._count % 60_000)
        became = site.deliver(packet, way, role)
        judgement = wire.judge(packet, secret)
        _check_admission(became, judgement, source, role)
        reached = _DECODED if judgement.well_formed else 0
        if became == ADMITTED:
            reached |= _PAST
        check(len(way.replies) <= 1, f"{len(way.replies)} replies to one request")
        if way.replies:
            check(became == ADMITTED, "a reply to a request that was not admitted")
            reached |= _ANSWERED | self._check_answer(way.replies[0], judgement, source, role)
            reached |= self._progress(way.replies[0], judgement)
        if flags & TWICE:
            again = WayBack(source, way.port)
            site.deliver(packet, again, role)
            same = again.replies in (way.replies, []) or judgement.octets[0] == wire.STATUS_SERVER
            check(same or not way.replies, "a retransmission got another answer")
        return reached

    def _progress(self, reply: bytes, judgement: Judgement) -> int:
        """How far an answered Access-Request came, as a NAS sees it."""
        if judgement.octets[0] != wire.ACCESS_REQUEST:
            return 0
        reached = _DECIDED if reply[0] in (wire.ACCEPT, wire.REJECT) else 0
        eap = wire.eap_of(judgement.pieces)
        if eap:
            reached |= _EAP
            due = bool(self._state) and self._state in (
                piece.value for piece in judgement.pieces if piece.number == wire.STATE
            )
            if due and len(eap) > 6 and eap[0] == 2 and eap[1] == self._due and eap[4] == 13:
                reached |= _TLS
        return reached

    def _check_answer(self, reply: bytes, judgement: Judgement, source: str, role: Role) -> int:
        request = judgement.octets
        pieces = wire.check_reply(reply, request, role.value, SECRETS[source])
        if not self._count % 256:
            why = distrust(reply, request, SECRETS[source])
            check(not why, f"the simulated NAS does not believe the reply: {why}")
        if request[0] != wire.ACCESS_REQUEST:
            return 0
        wire.check_eap_reply(reply[0], wire.eap_of(pieces))
        if reply[0] != wire.ACCEPT:
            keys = [piece for piece in pieces if piece.number == 26 and piece.value[:4] == b"\0\0\x017"]
            check(not keys, "keys leave outside an Accept")
            return 0
        self._check_accept(pieces, judgement, source)
        return _ACCEPTED

    def _check_accept(self, reply: list[Piece], judgement: Judgement, source: str) -> None:
        """Whether anything in the request can have earned it. Raises Finding."""
        values: dict[int, list[bytes]] = {}
        for piece in judgement.pieces:
            values.setdefault(piece.number, []).append(piece.value)
        calling = re.sub(rb"[-:. \t\0]", b"", values.get(31, [b""])[0]).upper()
        if calling == _PRINTER and not (self._state and self._peer):
            return
        said = re.sub(rb"[^0-9a-f-]", b"", unquote_to_bytes(b"|".join(values.get(26, []))).lower())
        if source == "127.0.0.2" and _GUID in said and 79 not in values:
            return
        check(79 in values and self._peer is not None, "an Accept for a request that shows nothing")
        check(self._genuine, "an Accept for a peer whose certificate is no good")
        check(self._peer is not None and self._peer.finished, "an Accept before the handshake was over")
        request = judgement.octets
        receive = wire.mppe_key(reply, 17, request[4:20], SECRETS[source])
        send = wire.mppe_key(reply, 16, request[4:20], SECRETS[source])
        mine = self._peer.keys().msk if self._peer is not None else b""
        check(bool(mine) and receive + send == mine, "an Accept whose keys are not those of the peer")


def _check_admission(became: str, judgement: Judgement, source: str, role: Role) -> None:
    """Two readers, one verdict: what is admitted is verified, and what is verified is not refused. Raises Finding."""
    code = judgement.octets[0] if judgement.octets else 0
    if became not in (ADMITTED, RESENT):
        if became in _MISREAD:
            check(not judgement.well_formed, f"a well-formed packet is dropped as `{became}`")
        elif became in _UNBELIEVED:
            check(not judgement.verified, f"a verified packet is dropped as `{became}`")
        return
    check(source != SOURCES[-1], "a stranger is answered")
    check(judgement.well_formed, "a packet is admitted that is not well-formed")
    check(code in _CODES[role], f"code {code} is admitted on the {role} port")
    if not judgement.verified:
        numbers = {piece.number for piece in judgement.pieces}
        unsigned = code == wire.ACCESS_REQUEST and not numbers & {wire.SIGNATURE, wire.EAP_MESSAGE, wire.PROXY_STATE}
        check(unsigned and source in _UNSIGNED_MAY, "a packet is admitted whose signature does not verify")


def _with_identifier(packet: bytes, identifier: int) -> bytes:
    """The packet with this identifier in its EAP header, if it has one in its first EAP-Message."""
    at = wire.HEADER
    while at + 3 < len(packet) and packet[at + 1] >= 2:
        if packet[at] == wire.EAP_MESSAGE:
            return packet[: at + 3] + bytes((identifier,)) + packet[at + 4 :] if packet[at + 1] > 3 else packet
        at += packet[at + 1]
    return packet
