"""From a datagram to what is sent back: the hand that carries out what the rooms decide.

Knows: the order of one request (admission, spine, audit, encode, remember, send). Refuses to
know: policy, TLS, Intune. An exception that leaves this module is a bug; the listener ends it in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, Protocol

from nacd.account import account
from nacd.authorize import Answer, Authorizer, Continue, NeedCompliance, Silent
from nacd.compliance.question import Question
from nacd.errors import ReplyTooLong
from nacd.radius import reply as replies
from nacd.radius.admission import Admission, Drop, Fresh, Resend, Role
from nacd.radius.attributes import access_request, accounting_request
from nacd.radius.dictionary import Dictionary
from nacd.radius.packet import Code
from nacd.server.lookup import Lookup
from nacd.server.recorder import Recorder
from nacd.values import AuditEvent, Instant, Reply, ReplyCode

Waiting = Coroutine[Any, Any, None]


class Path(Protocol):
    """The way back to whoever asked."""

    @property
    def source(self) -> str:
        """The sender's address."""
        ...

    @property
    def port(self) -> int:
        """The sender's UDP port."""
        ...

    def send(self, octets: bytes) -> None:
        """Send one datagram."""
        ...


class Worker:
    """Carries requests through the rooms of one configuration."""

    def __init__(
        self,
        *,
        admission: Admission,
        authorizer: Authorizer,
        dictionary: Dictionary,
        lookup: Lookup,
        recorder: Recorder,
        clock: Callable[[], Instant],
        random: Callable[[int], bytes],
    ) -> None:
        self._admission = admission
        self._authorizer = authorizer
        self._dictionary = dictionary
        self._lookup = lookup
        self._recorder = recorder
        self._clock = clock
        self._random = random

    def receive(self, datagram: bytes, path: Path, role: Role) -> Waiting | None:
        """Answer one datagram. Returns the rest of the work if it has to wait for Intune, else None."""
        now = self._clock()
        verdict = self._admission.receive(datagram, path.source, path.port, role, now)
        match verdict:
            case Fresh():
                return self._fresh(verdict, path, role, now)
            case Resend():
                self._transmit(verdict.octets, path, now)
            case Drop():
                self._recorder.dropped(
                    nas=verdict.nas, reason=verdict.reason, source=path.source, detail=verdict.detail, now=now
                )
        return None

    def _fresh(self, fresh: Fresh, path: Path, role: Role, now: Instant) -> Waiting | None:
        code = fresh.packet.code
        if code == Code.STATUS_SERVER:
            # RFC 5997: no side effects. While Accepts are stopped the NAS had better ask somebody else.
            if not self._recorder.refusing:
                self._send(fresh, replies.status_response(fresh.packet, fresh.client, role), path, now)
            return None
        if code == Code.ACCOUNTING_REQUEST:
            self._account(fresh, path, now)
            return None
        return self._authorize(fresh, path, now)

    def _account(self, fresh: Fresh, path: Path, now: Instant) -> None:
        request = accounting_request(fresh.packet, fresh.client, path.source, path.port, self._dictionary)
        if self._recorder.take(account(request, now), now):
            self._send(fresh, replies.accounting_response(fresh.packet, fresh.client), path, now)
        else:
            # RFC 2866 section 4.2: what is not recorded is not answered, so that the NAS keeps it.
            self._admission.forget(fresh.key)
            self._recorder.dropped(
                nas=request.nas.name, reason="accounting_not_recorded", source=path.source, detail="", now=now
            )

    def _authorize(self, fresh: Fresh, path: Path, now: Instant) -> Waiting | None:
        request = access_request(fresh.packet, fresh.client, path.source, path.port, self._dictionary)
        if request.user_name in fresh.client.probe_users and not request.has_eap:
            # A probe asks whether somebody is there; a Reject says so, and opens nothing. As for Status-Server.
            if self._recorder.refusing:
                self._admission.forget(fresh.key)
            else:
                self._send(fresh, self._encode(Reply(code=ReplyCode.REJECT), fresh), path, now)
            return None
        step = self._authorizer.identify(request, now)
        match step:
            case Answer():
                self._carry_out(step, fresh, path, now, now)
            case Continue():
                if isinstance(step.early, Question):
                    self._lookup.start(step.early)
                self._challenge(step.reply, fresh, path, now)
            case Silent():
                self._admission.forget(fresh.key)
                self._recorder.dropped(
                    nas=request.nas.name, reason="eap_discarded", source=path.source, detail="", now=now
                )
            case NeedCompliance():
                return self._decide(step, fresh, path, now)
        return None

    def _challenge(self, reply: Reply, fresh: Fresh, path: Path, now: Instant) -> None:
        try:
            octets = self._encode(reply, fresh)
        except ReplyTooLong as too_long:
            # Only a long Proxy-State beside large fragments does this: a setting of the admin's, not a bug.
            self._admission.forget(fresh.key)
            detail = f"{too_long}: make `eap.fragment_size` smaller, proxies need room for Proxy-State"
            self._recorder.dropped(
                nas=fresh.client.nas.name, reason="challenge_too_long", source=path.source, detail=detail, now=now
            )
        else:
            self._send(fresh, octets, path, now)

    def _decide(self, need: NeedCompliance, fresh: Fresh, path: Path, now: Instant) -> Waiting | None:
        known = self._lookup.known(need.question, now)
        if known is None:
            return self._decide_later(need, fresh, path)
        self._carry_out(self._authorizer.decide(need, known, now), fresh, path, now, now)
        return None

    async def _decide_later(self, need: NeedCompliance, fresh: Fresh, path: Path) -> None:
        learnt = await self._lookup.compliance(need.question)
        now = self._clock()
        self._carry_out(self._authorizer.decide(need, learnt, now), fresh, path, need.received, now)

    def _carry_out(self, answer: Answer, fresh: Fresh, path: Path, received: Instant, now: Instant) -> None:
        """Encode, record, remember, send: a record never claims an answer that could not be built."""
        reply, event = answer.reply, answer.event
        try:
            octets = self._encode(reply, fresh)
        except ReplyTooLong:
            reply, event = answer.refusal, answer.too_long(now)
            octets = self._encode(reply, fresh)
        recorded = self._recorder.take(self._timed(event, received), now)
        if not recorded and self._recorder.refusing and reply.code is ReplyCode.ACCEPT:
            octets = self._encode(answer.refusal, fresh)
        self._send(fresh, octets, path, now)

    def _timed(self, event: AuditEvent, received: Instant) -> AuditEvent:
        """The rooms have no clock of their own: how long the work took is known only here."""
        if "latency_ms" not in event.fields:
            return event
        took_ms = round((self._clock().monotonic - received.monotonic) * 1000, 3)
        return replace(event, fields={**event.fields, "latency_ms": took_ms})

    def _encode(self, reply: Reply, fresh: Fresh) -> bytes:
        return replies.encode(reply, fresh.packet, fresh.client, self._dictionary, self._random)

    def _send(self, fresh: Fresh, octets: bytes, path: Path, now: Instant) -> None:
        self._admission.remember(fresh.key, octets, now)
        self._transmit(octets, path, now)

    def _transmit(self, octets: bytes, path: Path, now: Instant) -> None:
        try:
            path.send(octets)
        except OSError as error:
            # Route gone, buffers full: the NAS asks again and gets the answer from memory.
            self._recorder.warn_seldom(f"send {error.errno}", f"an answer could not be sent: {error}", now)
