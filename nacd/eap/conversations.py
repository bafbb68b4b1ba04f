"""Every EAP conversation in progress, found by the source address and the State attribute (RFC 3579 section 2).

Knows: who is in the middle of what, how many that may be, how long, and at what price in memory.
Refuses to know: TLS (``tls_server``), RADIUS octets, and what a verified certificate is good for.

Nothing here waits or ticks: what is overdue is dropped when the next request comes, or by ``expire``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

from nacd.eap import md5, message, tls_server
from nacd.eap.conversation import AwaitIdentity, AwaitMd5, Conversation, Ongoing
from nacd.eap.fragments import START_BODY
from nacd.eap.limits import (
    STATE_OCTETS,
    Abandoned,
    Counters,
    EapOptions,
    owner,
    station_of,
)
from nacd.eap.message import EapCode, EapMessage, EapMethod
from nacd.eap.tls.certificate import Failure
from nacd.eap.tls_engine import TlsContext
from nacd.eap.tls_server import Expired, PeerNak, Proved, Refused, Send, State, TlsServer
from nacd.errors import BadEap
from nacd.values import (
    AccessRequest,
    Challenge,
    EapFailed,
    EapIgnored,
    EapStep,
    Instant,
    Md5Verified,
    PeerAuthenticated,
)

__all__ = ["Abandoned", "Conversations", "Counters", "EapOptions", "owner"]

_CONCLUDED_KEPT = 10_000
_EXPIRED_PER_PACKET = 16
_OUTCOMES: Mapping[type, str] = MappingProxyType(
    {EapFailed: "failed", EapIgnored: "ignored", PeerAuthenticated: "authenticated", Md5Verified: "authenticated"}
)


class Conversations:
    """All conversations of one worker. Not for several threads.

    random: that many random octets. md5_passwords: what proves a MAC identity by EAP-MD5.
    A new ``TlsContext`` may be set at any time (``context``); what has begun TLS keeps its own.
    ongoing: shared by those that stand side by side while one takes the other's place: each goes on with what it began
    itself, and with nothing else. ``owner`` says whose what begins here is; it must not be kept alive by this.
    """

    def __init__(
        self,
        context: TlsContext,
        options: EapOptions,
        random: Callable[[int], bytes],
        md5_passwords: Callable[[AccessRequest, str], Collection[bytes]] = md5.accepted_passwords,
        *,
        ongoing: Ongoing | None = None,
    ) -> None:
        self.context = context
        self.owner: Callable[[], object] = _one_alone
        self._options = options
        self._random = random
        self._md5_passwords = md5_passwords
        self._ongoing = ongoing if ongoing is not None else Ongoing(options)
        self._live = self._ongoing.live
        self._stations = self._ongoing.stations
        self._concluded = self._ongoing.concluded
        self._abandoned = self._ongoing.abandoned
        self._books = self._ongoing.books
        self._tally = self._ongoing.tally

    @property
    def counters(self) -> Counters:
        """A snapshot."""
        return Counters(
            **self._tally,
            waiting=self._books.live - self._books.handshaking,
            handshaking=self._books.handshaking,
            held_octets=self._books.held_octets,
            limited=dict(self._books.limited),
        )

    def receive(self, request: AccessRequest, now: Instant) -> EapStep:
        """Take the EAP packet of one Access-Request and say what follows. Never raises for what a peer can send."""
        self._drop_overdue(now, _EXPIRED_PER_PACKET)
        step = self._step(request, now)
        outcome = _OUTCOMES.get(type(step), "")
        if outcome:
            self._tally[outcome] += 1
        return step

    def expire(self, now: Instant) -> tuple[Abandoned, ...]:
        """Drop whatever is overdue, and hand out all that was abandoned since the last call (the newest 1,000)."""
        self._drop_overdue(now, len(self._live))
        handed = tuple(self._abandoned)
        self._abandoned.clear()
        return handed

    # -- one request ------------------------------------------------------------------------

    def _step(self, request: AccessRequest, now: Instant) -> EapStep:
        if not request.has_eap:
            return EapIgnored(reason="the request has no EAP-Message")
        if not request.eap:
            return self._ask_identity(request, now)
        conversation = self._find(request, now)
        try:
            response = message.decode(request.eap)
        except BadEap as error:
            return self._ignore(conversation, request, error.reason)
        if response.code is not EapCode.RESPONSE:
            return self._ignore(conversation, request, f"an EAP {response.code.name.title()} from a supplicant")
        if conversation is not None and response.identifier != conversation.identifier:
            reason = f"EAP identifier {response.identifier}, due is {conversation.identifier}"
            return self._ignore(conversation, request, reason)
        if response.method == EapMethod.IDENTITY:
            return self._begin(request, response, conversation, now)
        if conversation is None and self._is_concluded(request, response.identifier, now):
            return EapIgnored(reason="this EAP conversation has been proved and is being decided upon")
        if conversation is None:
            return _failed(_UNKNOWN, response.identifier)
        conversation.rounds += 1
        if conversation.rounds > self._options.max_rounds:
            return self._fail(conversation, self._too_many_rounds(), response.identifier)
        return self._advance(conversation, request, response, now)

    def _ignore(self, conversation: Conversation | None, request: AccessRequest, reason: str) -> EapStep:
        """EAP discards this packet; RADIUS still answers, with the last request again (RFC 3579 section 2.2).

        Silence would tell the NAS that the server is dead, and anybody at a port could make it think so.
        """
        self._tally["ignored"] += 1
        identifier = request.eap[1] if len(request.eap) > 1 else 0
        if conversation is None:
            return _failed(Failure(code="invalid_eap", reason=reason), identifier)
        conversation.rounds += 1
        if conversation.rounds > self._options.max_rounds:
            return self._fail(conversation, self._too_many_rounds(), identifier)
        return Challenge(eap=conversation.sent, state=conversation.key[1], ignored=reason)

    def _too_many_rounds(self) -> Failure:
        reason = f"more than {self._options.max_rounds} rounds in one EAP conversation; send larger fragments"
        return Failure(code="too_many_rounds", reason=reason)

    def _ask_identity(self, request: AccessRequest, now: Instant) -> EapStep:
        """EAP-Start: an empty EAP-Message asks us to speak first (RFC 3579 section 2.1)."""
        identifier = self._random(1)[0]
        conversation = self._admit(request, identifier, now)
        if isinstance(conversation, str):
            return self._overloaded(conversation, "", identifier)
        conversation.sent = message.encode_request(identifier, EapMethod.IDENTITY)
        return Challenge(eap=conversation.sent, state=conversation.key[1])

    def _begin(
        self, request: AccessRequest, response: EapMessage, conversation: Conversation | None, now: Instant
    ) -> EapStep:
        identity = message.identity_text(response.body)
        if conversation is None or not isinstance(conversation.phase, AwaitIdentity):
            # Who starts over within a conversation has had its rounds: else it could do so for ever.
            rounds = conversation.rounds + 1 if conversation is not None else 0
            if conversation is not None and rounds > self._options.max_rounds:
                return self._fail(conversation, self._too_many_rounds(), response.identifier)
            admitted = self._admit(request, response.identifier, now)
            if isinstance(admitted, str):
                return self._overloaded(admitted, identity, response.identifier)
            conversation = admitted
            conversation.rounds = rounds
        conversation.identity = identity
        if request.nas.eap_md5_mab and md5.hex12(identity):
            return self._challenge_md5(conversation, now)
        return self._start_tls(conversation, request, now)

    def _challenge_md5(self, conversation: Conversation, now: Instant) -> EapStep:
        challenge = self._random(md5.CHALLENGE_OCTETS)
        conversation.phase = AwaitMd5(challenge=challenge)
        return self._request(conversation, EapMethod.MD5, md5.encode_challenge(challenge), now)

    def _start_tls(self, conversation: Conversation, request: AccessRequest, now: Instant) -> Challenge:
        conversation.phase = TlsServer(self.context, self._options.packet_size_for(request.framed_mtu))
        return self._request(conversation, EapMethod.TLS, START_BODY, now)

    def _advance(
        self, conversation: Conversation, request: AccessRequest, response: EapMessage, now: Instant
    ) -> EapStep:
        phase = conversation.phase
        is_nak = response.method == EapMethod.NAK
        match phase:
            case TlsServer() if is_nak or response.method == EapMethod.TLS:
                return self._advance_tls(conversation, phase, response, now)
            case AwaitMd5() if is_nak and EapMethod.TLS in response.body:
                return self._start_tls(conversation, request, now)
            case AwaitMd5() if is_nak:
                failure = tls_server.method_refused(tuple(response.body))
                return self._fail(conversation, failure, response.identifier)
            case AwaitMd5() if response.method == EapMethod.MD5:
                return self._check_md5(conversation, phase, request, response, now)
            case _:
                conversation.rounds -= 1  # `_ignore` counts this packet
                reason = f"{message.method_name(response.method)} was not asked for"
                return self._ignore(conversation, request, reason)

    def _check_md5(
        self,
        conversation: Conversation,
        phase: AwaitMd5,
        request: AccessRequest,
        response: EapMessage,
        now: Instant,
    ) -> EapStep:
        identity, identifier = conversation.identity, response.identifier
        passwords = self._md5_passwords(request, identity)
        failure = md5.judge(response, phase.challenge, request, identity, passwords)
        if failure.code:
            return self._fail(conversation, failure, identifier)
        self._conclude(conversation, identifier, now)
        return Md5Verified(
            peer_identity=identity,
            success=message.encode_success(identifier),
            failure=message.encode_failure(identifier),
        )

    def _advance_tls(
        self, conversation: Conversation, server: TlsServer, response: EapMessage, now: Instant
    ) -> EapStep:
        identifier = response.identifier
        event = _tls_event(response)
        if server.opens_tls(event) and (reached := self._books.no_room_for_handshake(conversation.key[0])):
            self._ongoing.remove(conversation)
            return self._overloaded(reached, conversation.identity, identifier)
        step = server.receive(event, now)
        self._books.moved(conversation)
        match step:
            case Refused(failure=failure):
                return self._fail(conversation, failure, identifier)
            case Proved(peer=peer):
                self._conclude(conversation, identifier, now)
                return PeerAuthenticated(
                    chain=peer.chain,
                    anchor=peer.anchor,
                    tls_version=peer.tls_version,
                    cipher=peer.cipher,
                    peer_identity=conversation.identity,
                    msk=peer.msk,
                    session_id=peer.session_id,
                    success=message.encode_success(identifier),
                    failure=message.encode_failure(identifier),
                )
            case Send(body=body, chain=chain, anchor=anchor):
                if reached := self._books.over_memory(conversation.key[0]):
                    self._ongoing.remove(conversation)
                    return self._overloaded(reached, conversation.identity, identifier)
                return self._request(conversation, EapMethod.TLS, body, now, chain=chain, anchor=anchor)

    # -- answers ----------------------------------------------------------------------------

    def _request(
        self,
        conversation: Conversation,
        method: EapMethod,
        body: bytes,
        now: Instant,
        *,
        chain: tuple[bytes, ...] = (),
        anchor: str = "",
    ) -> Challenge:
        conversation.identifier = (conversation.identifier + 1) & 0xFF
        conversation.deadline = now.monotonic + self._options.lifetime_s
        self._live.move_to_end(conversation.key)
        conversation.sent = message.encode_request(conversation.identifier, method, body)
        return Challenge(eap=conversation.sent, state=conversation.key[1], chain=chain, anchor=anchor)

    def _fail(self, conversation: Conversation, failure: Failure, identifier: int) -> EapFailed:
        self._ongoing.remove(conversation)
        return _failed(failure, identifier, conversation.identity)

    def _overloaded(self, reached: str, identity: str, identifier: int) -> EapFailed:
        books = self._books
        share = " (one NAS address gets three quarters)" if reached in ("max_handshakes", "memory") else ""
        reason = (
            f"the limit `eap.conversations.{reached}`{share} is reached ({books.live} conversations, "
            f"{books.handshaking} in TLS, {books.held_octets >> 20} MiB); "
            "is a port flapping, or has every switch restarted?"
        )
        return _failed(Failure(code="overloaded", reason=reason), identifier, identity)

    def _conclude(self, conversation: Conversation, identifier: int, now: Instant) -> None:
        """Proved. The same response under a new RADIUS Identifier must not overtake the answer with a Reject."""
        self._ongoing.remove(conversation)
        self._concluded[conversation.key] = (identifier, now.monotonic + self._options.lifetime_s)
        if len(self._concluded) > _CONCLUDED_KEPT:
            self._concluded.popitem(last=False)

    def _is_concluded(self, request: AccessRequest, identifier: int, now: Instant) -> bool:
        known, until = self._concluded.get((request.source, request.state), (-1, 0.0))
        return known == identifier and now.monotonic < until

    # -- the books --------------------------------------------------------------------------

    def _find(self, request: AccessRequest, now: Instant) -> Conversation | None:
        found = self._live.get((request.source, request.state))
        if found is None or found.owner is not self.owner():
            return None
        if found.deadline <= now.monotonic:
            self._abandon(found, now)
            return None
        return found

    def _admit(self, request: AccessRequest, identifier: int, now: Instant) -> Conversation | str:
        """A new conversation, or the name of the limit that leaves no room for it."""
        station = station_of(request)
        if station in self._stations:
            self._abandon(self._live[self._stations[station]], now, replaced=True)
        if reached := self._books.no_room(request):
            return reached
        state = bytes((self._options.worker,)) + self._random(STATE_OCTETS)
        conversation = Conversation((request.source, state), station, request, identifier)
        conversation.deadline = now.monotonic + self._options.lifetime_s
        conversation.owner = self.owner()
        self._ongoing.keep(conversation)
        self._tally["started"] += 1
        return conversation

    def _abandon(self, conversation: Conversation, now: Instant, *, replaced: bool = False) -> None:
        """The peer went silent or began anew; keep for ``expire`` why, as far as one can tell."""
        self._ongoing.remove(conversation)
        self._tally["abandoned"] += 1
        server = conversation.phase
        if replaced and not (isinstance(server, TlsServer) and server.state is not State.STARTED):
            return  # a NAS that asks twice is nothing to report
        step = server.receive(Expired(), now) if isinstance(server, TlsServer) else _SILENT
        if isinstance(step, Refused):
            self._abandoned.append(
                Abandoned(
                    nas=conversation.nas,
                    source=conversation.key[0],
                    calling_station_id=conversation.calling,
                    peer_identity=conversation.identity,
                    failure=tls_server.after_rounds(conversation.rounds, step.failure),
                )
            )

    def _drop_overdue(self, now: Instant, at_most: int) -> None:
        for _ in range(at_most):
            oldest = next(iter(self._live.values()), None)
            if oldest is None or oldest.deadline > now.monotonic:
                return
            self._abandon(oldest, now)


_SILENT = Refused(failure=Failure(code="peer_silent", reason="the supplicant never answered the first question"))
_UNKNOWN = Failure(
    code="conversation_unknown",
    reason="this EAP conversation is unknown or over (too slow, given up for a newer one of the same endpoint, "
    "begun with another server, or before nacd was restarted); it begins anew",
)
_ONE = object()


def _one_alone() -> object:
    return _ONE


def _tls_event(response: EapMessage) -> tls_server.Event:
    if response.method == EapMethod.NAK:
        return PeerNak(wanted=tuple(response.body))
    return tls_server.peer_event(response.body)


def _failed(failure: Failure, identifier: int, identity: str = "") -> EapFailed:
    return EapFailed(
        code=failure.code,
        reason=failure.reason,
        eap=message.encode_failure(identifier),
        peer_identity=identity,
        subject=failure.subject,
        issuer=failure.issuer,
    )
