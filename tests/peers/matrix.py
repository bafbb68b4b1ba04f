"""The matrix of EAP-TLS logins: its cells, what was on the wire in each, and how many rounds each must take.

A cell is a kind of key on both sides (``p256`` and ``rsa2048`` behind one intermediate, ``rsa4096`` behind three),
a TLS version, nacd's fragment size and the supplicant's. A round is one EAP request of ours with its response.
EAP is lock-step, so with c pieces of each flight of the supplicant and s of each of ours:

    rounds = 1 (Start) + (c_hello - 1) + s_server + (c_client - 1) + s_ending

where a piece of the supplicant's holds ``fragment_size`` octets of TLS, and one of ours the size of the EAP packet
less 6 (header, type, flags), and less 4 more in the first of several (RFC 5216 section 3.1).

eapol_test 2.10 gives up at the 101st request it sees; the first is the Identity request it makes itself, so
a login may take 99 rounds. nacd's own limit (`eap.conversations.max_rounds`) is 100. Octets of the flights of
rsa4096, of which 99 rounds are too few for exactly one pair of sizes (the last octets differ from PKI to PKI):

    TLS 1.2: hello 184, server 6048, client 5880, ending 51
      nacd 100, supplicant 100: 1 + 1 + 65 + 58 + 1 = 126  too many
      nacd 100, supplicant 500: 1 + 0 + 65 + 11 + 1 =  78  the longest that passes beside
      nacd 500, supplicant 100: 1 + 1 + 13 + 58 + 1 =  74    ... the one below
    TLS 1.3: hello 189, server 6239, client 5904, ending 181
      nacd 100, supplicant 100: 1 + 1 + 67 + 59 + 2 = 130  too many
      nacd 100, supplicant 500: 1 + 0 + 67 + 11 + 2 =  81
      nacd 500, supplicant 100: 1 + 1 + 13 + 59 + 1 =  75

The longest of rsa2048 takes 46 rounds, of p256 34. The tests take the octets from the capture, not from here.

Knows: cells, captured packets, the arithmetic. Refuses to know: nacd from inside; which cell ought to pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

SIZES = (100, 500, 1024, 1400)
KINDS = ("p256", "rsa2048", "rsa4096")
VERSIONS = ("TLSv1.2", "TLSv1.3")

PATH_MTU = 1_400
# IPv6, UDP and RADIUS headers, Message-Authenticator, State, and 40 octets for the Proxy-States of others; each 253
# octets of what is left over cost two more in an EAP-Message attribute.
LARGEST_PACKET = PATH_MTU - (40 + 8 + 20 + 18 + 19 + 40) - 2 * 5
SUPPLICANT_ROUNDS = 99

REQUEST, RESPONSE, EAP_TLS = "1", "2", "13"
_LENGTH_INCLUDED, _MORE_FRAGMENTS = 0x80, 0x40


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One login. ours: nacd's ``eap.fragment_size``; theirs: the supplicant's ``fragment_size``; both in octets."""

    kind: str
    tls: str
    ours: int
    theirs: int

    @property
    def name(self) -> str:
        return f"{self.kind} {self.tls} nacd {self.ours} supplicant {self.theirs}"

    @property
    def mac(self) -> str:
        """The Calling-Station-Id that its packets are found by."""
        place = SIZES.index(self.ours) * 16 + SIZES.index(self.theirs)
        return f"00-16-3E-{KINDS.index(self.kind):02X}-{VERSIONS.index(self.tls):02X}-{place:02X}"

    @property
    def address(self) -> str:
        """Where its NAS is: tshark takes two logins from one port for one, and the kernel may give a port again."""
        return f"127.0.0.{16 + 16 * VERSIONS.index(self.tls) + SIZES.index(self.theirs)}"

    @property
    def packet_size(self) -> int:
        """Octets of the largest EAP packet nacd may send: what was configured, or what keeps within the path MTU."""
        return min(self.ours, LARGEST_PACKET)


CELLS = tuple(
    Cell(kind=kind, tls=tls, ours=ours, theirs=theirs)
    for kind in KINDS
    for ours in SIZES
    for tls in VERSIONS
    for theirs in SIZES
)
TOO_LONG = frozenset(Cell(kind="rsa4096", tls=tls, ours=100, theirs=100) for tls in VERSIONS)
"""The cells that no supplicant with a limit of 100 rounds can finish; the arithmetic is in the module's docstring."""


# -- arithmetic ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Flights:
    """TLS octets of the four flights of a full handshake, in their order."""

    hello: int
    server: int
    client: int
    ending: int

    def rounds(self, packet_size: int, theirs: int) -> int:
        """EAP requests of a whole login. packet_size: octets of our largest EAP packet; theirs: of their TLS pieces."""
        waits = pieces(self.hello, theirs) - 1 + pieces(self.client, theirs) - 1
        return 1 + waits + our_pieces(self.server, packet_size) + our_pieces(self.ending, packet_size)


def pieces(octets: int, room: int) -> int:
    """Pieces of at most ``room`` octets."""
    return -(-octets // room)


def our_pieces(octets: int, packet_size: int) -> int:
    """EAP packets of at most ``packet_size`` for one flight; the first of several carries the length too."""
    room = packet_size - 6
    return 1 if octets <= room else 1 + pieces(octets - (room - 4), room)


# -- what was captured ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Datagram:
    """One captured packet. ip_octets: the IP header included; eap_octets, eap_flags: 0 where there are none."""

    code: str
    ip_octets: int
    in_ip_fragments: bool
    signed_well: bool
    eap_code: str
    eap_identifier: str
    eap_octets: int
    eap_method: str
    eap_flags: int

    @property
    def tls_octets(self) -> int:
        """TLS octets in this EAP-TLS packet."""
        return self.eap_octets - 6 - (4 if self.eap_flags & _LENGTH_INCLUDED else 0)


@dataclass(slots=True, kw_only=True)
class Talk:
    """One login as captured: what the supplicant said (through its NAS), and what nacd answered."""

    said: list[Datagram] = field(default_factory=list)
    answered: list[Datagram] = field(default_factory=list)

    @property
    def requests(self) -> list[Datagram]:
        """EAP requests of nacd, each once however often it was sent."""
        return _once([each for each in self.answered if each.eap_code == REQUEST])

    @property
    def flights(self) -> Flights:
        """The octets of the flights of a login that came to its end."""
        theirs = _flights([each for each in self.said if each.eap_code == RESPONSE])
        ours = _flights(self.requests)
        assert (len(theirs), len(ours)) == (2, 2), f"not a whole handshake: {theirs} {ours}"
        return Flights(hello=theirs[0], server=ours[0], client=theirs[1], ending=ours[1])


def _once(packets: Sequence[Datagram]) -> list[Datagram]:
    """Without retransmissions: EAP counts its identifiers up."""
    return [each for at, each in enumerate(packets) if not at or packets[at - 1].eap_identifier != each.eap_identifier]


def _flights(packets: Sequence[Datagram]) -> list[int]:
    totals, collected = [], 0
    for each in _once(packets):
        if each.eap_method == EAP_TLS and each.tls_octets:
            collected += each.tls_octets
            if not each.eap_flags & _MORE_FRAGMENTS:
                totals.append(collected)
                collected = 0
    return totals


_FIELDS = (
    *("frame.number", "radius.reqframe", "radius.Calling_Station_Id"),
    *("radius.code", "ip.len", "ip.flags.mf", "ip.frag_offset", "radius.authenticator.valid"),
    *("eap.code", "eap.id", "eap.len", "eap.type", "eap.tls.flags"),
)


def talks(wire: Any) -> dict[str, Talk]:
    """Calling-Station-Id -> everything captured of its login. An answer belongs where tshark found its request;
    what belongs to nobody is under ``""``."""
    found: dict[str, Talk] = {}
    asked_by: dict[str, str] = {}
    for frame, request, mac, *rest in wire.fields("ip", *_FIELDS):
        if mac:
            asked_by[frame] = mac
            found.setdefault(mac, Talk()).said.append(_datagram(rest))
        else:
            found.setdefault(asked_by.get(request, ""), Talk()).answered.append(_datagram(rest))
    return found


def _datagram(row: Sequence[str]) -> Datagram:
    code, ip_octets, more, offset, valid, eap_code, identifier, eap_octets, method, flags = row
    return Datagram(
        code=code,
        ip_octets=int(ip_octets),
        in_ip_fragments=(more, offset) != ("0", "0"),
        signed_well=valid == "1",
        eap_code=eap_code,
        eap_identifier=identifier,
        eap_octets=int(eap_octets or 0),
        eap_method=method,
        eap_flags=int(flags or "0", 16),
    )
