"""The EAP-TLS server's side of one conversation, as a table (RFC 5216 section 2.1, RFC 9190 section 2.1).

Theory. EAP is lock-step: one request of ours, one response of the peer. A response is a fragment
with more to come (PeerFragment), the last or only one (PeerFlight), empty (PeerAck), or a Nak
(PeerNak). We begin in STARTED with an EAP-TLS Start out. The peer's flight comes whole (PeerFlight)
or in pieces, which we acknowledge one by one (COLLECTING). Whole, it goes to TLS (HANDSHAKING), and TLS
answers in the same breath with TlsWants, TlsDone or TlsFailed. What TLS wants sent goes out in pieces
(SENDING) that the peer acknowledges one by one; with the last piece the flight is out, and the
state becomes the one it was sent for: HANDSHAKING (the peer's next flight is due), ESTABLISHED
(the peer is verified, its acknowledgement is due: in TLS 1.3 that follows the commitment octet), or
FAILED (an alert is out; whatever the peer answers, EAP-Failure follows, RFC 5216 section 2.1.3). The
acknowledgement in ESTABLISHED is SUCCEEDED; before it nothing has succeeded. A pair of state and
event that the table does not have is a protocol fault, refused in ``TlsServer.receive`` alone.

Knows: turns. Refuses to know: EAP headers, RADIUS, OpenSSL, who the peer is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from types import MappingProxyType
from typing import Any, TypeAlias

from nacd.eap import client_hello, fragments
from nacd.eap.message import EapMethod, method_name
from nacd.eap.tls.certificate import Failure
from nacd.eap.tls_engine import (
    HANDSHAKE_OCTETS,
    TlsContext,
    TlsDone,
    TlsEngine,
    TlsFailed,
    TlsWants,
    VerifiedPeer,
)
from nacd.errors import BadEap
from nacd.values import Instant

_HELLO_LIMIT = 16_384
"""Octets of a first flight: real ones have 300 to 2,000, and it is collected for anyone who asks."""

_PATIENCE_ROUNDS = 49
"""What old wpa_supplicants answer before they give up (the Identity was their 1st of 50); those of today: 99."""


class State(Enum):
    """Where a conversation stands; the theory is in the module's docstring."""

    STARTED = auto()
    COLLECTING = auto()
    SENDING = auto()
    HANDSHAKING = auto()
    ESTABLISHED = auto()
    SUCCEEDED = auto()
    FAILED = auto()


# -- events ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerFragment:
    """A piece of the peer's flight, more to come."""

    fragment: fragments.Fragment


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerFlight:
    """The last or only piece of the peer's flight."""

    fragment: fragments.Fragment


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerAck:
    """An empty EAP-TLS response."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerNak:
    """The peer wants another method; wanted: their numbers (RFC 3748 section 5.3.1)."""

    wanted: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerGarbage:
    """A response that is no EAP-TLS; reason: why not. No state takes it."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """The peer did not answer in time, or began anew."""


Event: TypeAlias = (
    PeerFragment | PeerFlight | PeerAck | PeerNak | PeerGarbage | TlsWants | TlsDone | TlsFailed | Expired
)


# -- steps ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Send this EAP-TLS type-data. chain and anchor: of the peer, once it is verified."""

    body: bytes
    chain: tuple[bytes, ...] = ()
    anchor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """The peer acknowledged the end: it is authenticated."""

    peer: VerifiedPeer


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """It is over; EAP-Failure is due."""

    failure: Failure


Step: TypeAlias = Send | Proved | Refused


def peer_event(body: bytes) -> Event:
    """What an EAP-TLS response is."""
    try:
        fragment = fragments.read(body)
    except BadEap as error:
        return PeerGarbage(reason=error.reason)
    if fragment.start:
        return PeerGarbage(reason="an EAP-TLS Start, which only a server sends")
    if fragment.more:
        return PeerFragment(fragment=fragment)
    return PeerAck() if fragment.is_ack else PeerFlight(fragment=fragment)


class TlsServer:
    """One EAP-TLS conversation. packet_size: octets of the largest EAP packet to send."""

    __slots__ = ("_assembler", "_context", "_ending", "_engine", "_fragmenter", "_packet_size", "_rest", "state")

    def __init__(self, context: TlsContext, packet_size: int) -> None:
        self.state = State.STARTED
        self._context = context
        self._packet_size = packet_size
        self._rest = State.STARTED
        self._engine: TlsEngine | None = None
        self._assembler: fragments.Assembler | None = None
        self._fragmenter: fragments.Fragmenter | None = None
        self._ending: VerifiedPeer | Failure | None = None

    @property
    def handshaking(self) -> bool:
        """A TLS connection is open for this conversation."""
        return self._engine is not None

    @property
    def held_octets(self) -> int:
        """Memory beyond the conversation itself: TLS connection and fragments, in octets."""
        collected = len(self._assembler) if self._assembler else 0
        unsent = len(self._fragmenter) if self._fragmenter else 0
        return collected + unsent + (HANDSHAKE_OCTETS if self._engine else 0)

    def opens_tls(self, event: Event) -> bool:
        """Whether this event would make a TLS connection."""
        return (
            isinstance(event, PeerFlight) and self.state in (State.STARTED, State.COLLECTING) and self._engine is None
        )

    def receive(self, event: Event, now: Instant) -> Step:
        """Apply one event. After ``Proved`` or ``Refused`` the conversation is over."""
        action = TABLE.get((self.state, type(event)))
        if action is None:
            return self._refuse(self._fault(event))
        try:
            return action(self, event, now)
        except BadEap as error:
            return self._refuse(Failure(code="bad_tls", reason=f"the supplicant broke EAP-TLS: {error.reason}"))

    def _fault(self, event: Event) -> Failure:
        if isinstance(self._ending, Failure):
            return self._ending
        if isinstance(event, PeerGarbage):
            return Failure(code="bad_tls", reason=f"the supplicant broke EAP-TLS: {event.reason}")
        kind = type(event).__name__
        reason = f"the supplicant is out of step: `{kind}` is not expected in state `{self.state.name}`"
        return Failure(code="protocol_fault", reason=reason)

    def _refuse(self, failure: Failure) -> Refused:
        self.state = State.FAILED
        self._ending = failure
        self._engine = None
        self._assembler = None
        self._fragmenter = None
        return Refused(failure=failure)

    # -- actions, in the order of the table -------------------------------------------------

    def _collect(self, event: PeerFragment, _now: Instant) -> Step:
        self._assemble(event.fragment)
        self.state = State.COLLECTING
        return Send(body=fragments.ACK_BODY)

    def _feed(self, event: PeerFlight, now: Instant) -> Step:
        flight = self._assemble(event.fragment).take()
        self._assembler = None
        if self._engine is None:
            hello = client_hello.read(flight)
            self._engine = TlsEngine(self._context, hello)
        self.state = State.HANDSHAKING
        return self.receive(self._engine.feed(flight, now), now)

    def _assemble(self, fragment: fragments.Fragment) -> fragments.Assembler:
        if self._assembler is None:
            self._assembler = fragments.Assembler(fragments.MAX_MESSAGE if self._engine else _HELLO_LIMIT)
        self._assembler.add(fragment)
        return self._assembler

    def _answer_nak(self, event: PeerNak, _now: Instant) -> Step:
        if EapMethod.TLS in event.wanted:
            return Send(body=fragments.START_BODY)
        return self._refuse(method_refused(event.wanted))

    def _send_wanted(self, event: TlsWants, _now: Instant) -> Step:
        if not event.outbound:
            raise BadEap("its TLS flight is not whole")
        return self._send_flight(event.outbound, State.HANDSHAKING)

    def _send_last(self, event: TlsDone, _now: Instant) -> Step:
        self._ending = event.peer
        return self._send_flight(event.outbound, State.ESTABLISHED)

    def _send_alert(self, event: TlsFailed, _now: Instant) -> Step:
        refused = self._refuse(event.failure)
        return self._send_flight(event.outbound, State.FAILED) if event.outbound else refused

    def _send_flight(self, flight: bytes, rest: State) -> Step:
        self._fragmenter = fragments.Fragmenter(flight, self._packet_size)
        self._rest = rest
        return self._send_next()

    def _continue(self, _event: PeerAck, _now: Instant) -> Step:
        return self._send_next()

    def _send_next(self) -> Step:
        self.state = self._rest
        if self._fragmenter is None:
            raise BadEap("nothing is left to acknowledge")
        body = self._fragmenter.next()
        if len(self._fragmenter):
            self.state = State.SENDING
        else:
            self._fragmenter = None
        if isinstance(self._ending, VerifiedPeer):
            return Send(body=body, chain=self._ending.chain, anchor=self._ending.anchor)
        return Send(body=body)

    def _hear(self, event: PeerFlight, now: Instant) -> Step:
        flight = self._assemble(event.fragment).take()
        if self._engine is None:
            raise BadEap("the handshake is over")
        return self.receive(self._engine.feed(flight, now), now)

    def _succeed(self, event: PeerAck, _now: Instant) -> Step:
        if not isinstance(self._ending, VerifiedPeer):
            return self._refuse(self._fault(event))
        self.state = State.SUCCEEDED
        self._engine = None
        return Proved(peer=self._ending)

    def _close(self, event: Event, _now: Instant) -> Step:
        return self._refuse(self._fault(event))

    def _expire(self, _event: Expired, _now: Instant) -> Step:
        return self._refuse(
            silent_peer(self.state, handshaking=self.handshaking, server=str(self._context.server.name))
        )


Action: TypeAlias = Callable[[TlsServer, Any, Instant], Step]

TABLE: Mapping[tuple[State, type], Action] = MappingProxyType(
    {
        (State.STARTED, PeerFragment): TlsServer._collect,
        (State.STARTED, PeerFlight): TlsServer._feed,
        (State.STARTED, PeerNak): TlsServer._answer_nak,
        (State.STARTED, Expired): TlsServer._expire,
        (State.COLLECTING, PeerFragment): TlsServer._collect,
        (State.COLLECTING, PeerFlight): TlsServer._feed,
        (State.COLLECTING, Expired): TlsServer._expire,
        (State.HANDSHAKING, TlsWants): TlsServer._send_wanted,
        (State.HANDSHAKING, TlsDone): TlsServer._send_last,
        (State.HANDSHAKING, TlsFailed): TlsServer._send_alert,
        (State.HANDSHAKING, PeerFragment): TlsServer._collect,
        (State.HANDSHAKING, PeerFlight): TlsServer._feed,
        (State.HANDSHAKING, Expired): TlsServer._expire,
        (State.SENDING, PeerAck): TlsServer._continue,
        (State.SENDING, Expired): TlsServer._expire,
        (State.ESTABLISHED, PeerAck): TlsServer._succeed,
        (State.ESTABLISHED, PeerFlight): TlsServer._hear,
        (State.ESTABLISHED, TlsFailed): TlsServer._send_alert,
        (State.ESTABLISHED, Expired): TlsServer._expire,
        (State.FAILED, PeerAck): TlsServer._close,
        (State.FAILED, PeerFragment): TlsServer._close,
        (State.FAILED, PeerFlight): TlsServer._close,
        (State.FAILED, PeerNak): TlsServer._close,
        (State.FAILED, Expired): TlsServer._close,
    }
)


def method_refused(wanted: tuple[int, ...]) -> Failure:
    """The sentence for a Nak that does not name EAP-TLS."""
    named = " or ".join(method_name(number) for number in wanted if number)
    asks = (
        f"and asks for {named}" if named else "and offers no other method (often: it has no client certificate to use)"
    )
    reason = (
        f"the supplicant refuses EAP-TLS {asks}; nacd accepts certificates only: set the device's network profile to "
        f"EAP-TLS (Windows: `Smart Card or other certificate`) and give it a client certificate"
    )
    return Failure(code="method_refused", reason=reason)


def silent_peer(state: State, *, handshaking: bool, server: str) -> Failure:
    """The sentence for a supplicant that stopped answering."""
    if state is State.HANDSHAKING:
        reason = (
            f"the supplicant went silent after it saw server certificate {server}; most often it does not trust that "
            f"certificate, waits for its user to choose one, or large packets are lost on the way (path MTU)"
        )
        return Failure(code="peer_silent", reason=reason)
    if state is State.SENDING or handshaking:
        reason = (
            f"the supplicant went silent in the middle of the handshake (`{state.name}`); are large packets lost on "
            f"the way (path MTU, Framed-MTU)?"
        )
        return Failure(code="peer_silent", reason=reason)
    reason = f"the supplicant never answered the start of EAP-TLS (`{state.name}`); is it there, and set to EAP-TLS?"
    return Failure(code="peer_silent", reason=reason)


def after_rounds(rounds: int, failure: Failure) -> Failure:
    """``failure``, in better words where a supplicant that went silent has had many rounds before."""
    if failure.code != "peer_silent" or rounds < _PATIENCE_ROUNDS:
        return failure
    reason = (
        f"the supplicant went silent after {rounds} rounds; many give up at 50 or 100: send larger fragments "
        f"(`eap.fragment_size`, Framed-MTU, the supplicant's own), or make the certificate chains shorter"
    )
    return replace(failure, reason=reason)
