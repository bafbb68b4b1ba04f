"""The spine of an Access-Request: identify, (one wait outside), decide.

Knows: the order of the rooms, and which answer follows from which outcome. Refuses to know:
octets, sockets, the clock, HTTP. ``identify`` either answers or says which question must be
asked; whoever can wait asks it and comes back to ``decide``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from nacd.audit import events
from nacd.compliance.question import NotAskable, Question, question
from nacd.eap.conversations import Conversations
from nacd.eap.message import failure_for
from nacd.identity import certificate as certificates
from nacd.identity.access_kind import Refused, access_kind
from nacd.identity.name import name
from nacd.identity.rules import IdentityRules
from nacd.policy.evaluate import NeedsCompliance, evaluate
from nacd.policy.model import Policy
from nacd.values import (
    NOT_ASKED,
    AccessKind,
    AccessRequest,
    Attribute,
    AuditEvent,
    Certificate,
    CertificateFacts,
    Challenge,
    Compliance,
    Decision,
    EapFailed,
    EapIgnored,
    Effect,
    Facts,
    Instant,
    Md5Verified,
    Named,
    NoCertificate,
    PeerAuthenticated,
    Rendered,
    Reply,
    ReplyCode,
    Secret,
)

# A session without a timeout of its own ends with the certificate when that is nearer than this.
_CERTIFICATE_HORIZON_S = 30 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class NoEap:
    """The request was decided without EAP."""

    success: bytes = b""
    failure: bytes = b""


Proof: TypeAlias = PeerAuthenticated | Md5Verified | NoEap


@dataclass(frozen=True, slots=True, kw_only=True)
class NoQuestion:
    """Nothing to look up early."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """Nothing may be sent, and why (RFC 3748 section 4: discard)."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Continue:
    """An Access-Challenge. early: what can be asked of Intune while the peer answers."""

    reply: Reply
    early: Question | NoQuestion = field(default_factory=NoQuestion)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A final answer with its audit event. refusal: sent instead if the audit log cannot take the event."""

    reply: Reply
    event: AuditEvent
    refusal: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedCompliance:
    """The policy cannot decide without asking Intune this question."""

    question: Question
    request: AccessRequest
    named: Named
    proof: Proof
    received: Instant


Step: TypeAlias = Silent | Continue | Answer | NeedCompliance


class Authorizer:
    """One configuration's way from a verified Access-Request to an answer.

    rendered: every (profile, vendor) pair that a rule can reach, encoded at load.
    """

    def __init__(
        self,
        *,
        conversations: Conversations,
        identity_rules: IdentityRules,
        policy: Policy,
        rendered: Mapping[tuple[str, str], Rendered],
    ) -> None:
        self._conversations = conversations
        self._identity_rules = identity_rules
        self._policy = policy
        self._rendered = rendered

    def identify(self, request: AccessRequest, now: Instant) -> Step:
        """Go as far as the request alone allows.

        now: when the packet was received. Returns an answer, silence, a challenge, or the
        question without which no rule decides.
        """
        kind = access_kind(request)
        if isinstance(kind, Refused):
            return _refused(request, kind, now)
        if not request.has_eap:
            return self._named(request, name(request, kind, NoCertificate(), self._identity_rules), NoEap(), now)
        step = self._conversations.receive(request, now)
        match step:
            case Challenge():
                return Continue(
                    reply=Reply(code=ReplyCode.CHALLENGE, eap=step.eap, state=step.state),
                    early=self._early(request, kind, step),
                )
            case EapIgnored():
                return Silent(reason=step.reason)
            case EapFailed():
                reject = Reply(code=ReplyCode.REJECT, eap=step.eap)
                event = events.eap_failed(request=request, access=kind, failed=step, now=now)
                return Answer(reply=reject, event=event, refusal=reject)
            case PeerAuthenticated():
                facts = certificates.read(step.chain, step.anchor)
                return self._named(request, name(request, kind, facts, self._identity_rules), step, now)
            case Md5Verified():
                return self._named(request, name(request, kind, NoCertificate(), self._identity_rules), step, now)

    def decide(self, need: NeedCompliance, compliance: Compliance, now: Instant) -> Answer:
        """Decide with what Intune said (or that it said nothing). Always an answer."""
        facts = facts_of(need.request, need.named, compliance)
        decision = evaluate(self._policy, facts, asked=True)
        return self._answer(need.request, need.named, need.proof, facts, decision, need.received, now)

    def _early(self, request: AccessRequest, kind: AccessKind, challenge: Challenge) -> Question | NoQuestion:
        """The certificate is verified one round before the answer: ask now, if a rule will want it."""
        if not challenge.chain:
            return NoQuestion()
        facts = certificates.read(challenge.chain, challenge.anchor)
        named = name(request, kind, facts, self._identity_rules)
        asked = question(named.identity)
        undecided = evaluate(self._policy, facts_of(request, named, NOT_ASKED), asked=False)
        return asked if isinstance(asked, Question) and isinstance(undecided, NeedsCompliance) else NoQuestion()

    def _named(self, request: AccessRequest, named: Named, proof: Proof, now: Instant) -> Answer | NeedCompliance:
        facts = facts_of(request, named, NOT_ASKED)
        decision = evaluate(self._policy, facts, asked=False)
        if isinstance(decision, Decision):
            return self._answer(request, named, proof, facts, decision, now, now)
        asked = question(named.identity)
        if isinstance(asked, NotAskable):
            need = facts_of(request, named, asked.compliance)
            decision = evaluate(self._policy, need, asked=True)
            return self._answer(request, named, proof, need, decision, now, now)
        return NeedCompliance(question=asked, request=request, named=named, proof=proof, received=now)

    def _answer(
        self,
        request: AccessRequest,
        named: Named,
        proof: Proof,
        facts: Facts,
        decision: Decision,
        received: Instant,
        now: Instant,
    ) -> Answer:
        refusal = Reply(code=ReplyCode.REJECT, eap=proof.failure)
        if decision.effect is Effect.ALLOW:
            rendered = self._rendered[decision.profile, request.nas.vendor]
            attributes = _per_request(rendered, named.certificate, now)
            reply = _accept(request, proof, rendered, attributes)
            sent, omitted = rendered.attributes + attributes, rendered.omitted
        else:
            reply, sent, omitted = refusal, (), ()
        event = events.decision(
            request=request,
            named=named,
            compliance=facts.compliance,
            decision=decision,
            sent=sent,
            omitted=omitted,
            tls_version=proof.tls_version if isinstance(proof, PeerAuthenticated) else "",
            latency_ms=round((now.monotonic - received.monotonic) * 1000, 3),
            now=now,
        )
        return Answer(reply=reply, event=event, refusal=refusal)


def facts_of(request: AccessRequest, named: Named, compliance: Compliance) -> Facts:
    """What the policy may look at, out of a request and its naming."""
    return Facts(
        access=named.access,
        nas=request.nas,
        identity=named.identity,
        certificate=named.certificate,
        compliance=compliance,
        mac=named.mac,
        user=named.user,
        ssid=request.ssid,
    )


def _accept(request: AccessRequest, proof: Proof, rendered: Rendered, attributes: tuple[Attribute, ...]) -> Reply:
    authenticated = isinstance(proof, PeerAuthenticated)
    return Reply(
        code=ReplyCode.ACCEPT,
        fixed=rendered.octets,
        attributes=attributes,
        eap=proof.success,
        msk=proof.msk if authenticated else Secret(b""),
        key_name=proof.session_id if authenticated and request.key_name_requested else b"",
    )


def _per_request(rendered: Rendered, certificate: Certificate, now: Instant) -> tuple[Attribute, ...]:
    """Session-Timeout and what happens then: no session outlives the certificate it stands on."""
    timeout_s = rendered.session_timeout_s
    if isinstance(certificate, CertificateFacts):
        left_s = max(1, int(certificate.not_after - now.wall))
        if timeout_s:
            timeout_s = min(timeout_s, left_s)
        elif left_s < _CERTIFICATE_HORIZON_S:
            timeout_s = left_s
    if not timeout_s:
        return ()
    # RFC 3580 section 3.17: RADIUS-Request re-authenticates when the time is up, Default ends the session.
    action = "RADIUS-Request" if rendered.reauthenticate else "Default"
    return (
        Attribute(name="Session-Timeout", value=timeout_s),
        Attribute(name="Termination-Action", value=action),
    )


def _refused(request: AccessRequest, refused: Refused, now: Instant) -> Answer:
    # RFC 3579 section 2.6.5: a Reject inside EAP carries EAP-Failure, so that the supplicant knows too.
    reject = Reply(code=ReplyCode.REJECT, eap=failure_for(request.eap) if request.has_eap else b"")
    return Answer(reply=reject, event=events.refused(request=request, refused=refused.reason, now=now), refusal=reject)
