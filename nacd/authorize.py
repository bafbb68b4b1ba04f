"""The spine of an Access-Request: identify, (one wait outside), decide.

Knows: the order of the rooms, and which answer follows from which outcome. Refuses to know:
octets, sockets, the clock, HTTP. ``identify`` either answers or says which question must be
asked; whoever can wait asks it and comes back to ``decide``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from nacd import admit
from nacd import given as given_for
from nacd.admit import NO_TICKET, TOKEN_OCTETS, Marks, Ticket
from nacd.audit import events
from nacd.audit.blocks import attributes as attributes_shown
from nacd.compliance.question import Answerable, NotAskable, Question, question
from nacd.eap.conversations import Conversations
from nacd.eap.limits import Abandoned
from nacd.eap.message import encode_failure
from nacd.given import NOTHING_CARRIED, carried
from nacd.identity import certificate as certificates
from nacd.identity.access_kind import Refused, access_kind
from nacd.identity.chargeable import chargeable_user_identity
from nacd.identity.name import name
from nacd.identity.rules import IdentityRules
from nacd.policy.evaluate import NeedsCompliance, evaluate
from nacd.policy.model import Policy
from nacd.session import overrides
from nacd.session.familiar import Familiar, Visit, keeps_its_name
from nacd.session.macs.managed import ManagedMacs
from nacd.session.overrides import Orders, Override
from nacd.session.table import Found
from nacd.sessions import Session
from nacd.steps import Answer, Continue, NeedCompliance, NoEap, NoQuestion, Proof, Silent, Step
from nacd.values import (
    NO_SECRET,
    NOT_ASKED,
    AccessKind,
    AccessRequest,
    Attribute,
    AuditEvent,
    Challenge,
    Compliance,
    ComplianceState,
    Decision,
    EapFailed,
    EapIgnored,
    Effect,
    Facts,
    Instant,
    Md5Verified,
    Named,
    Nas,
    NoCertificate,
    PeerAuthenticated,
    Rendered,
    Reply,
    ReplyCode,
    Secret,
)
from nacd.vendor.download import AccessLists, NoPage, Reach, anywhere, is_list_name

# RFC 3579 section 2.2 and RFC 5176 section 3.5: "Invalid EAP Packet (Ignored)".
_IGNORED_PACKET = (Attribute(name="Error-Cause", value=202),)
_MD5_NO_MAB = Refused(code="no_access_kind", reason="EAP-MD5 is taken for MAB only, and this request is no MAB")
# What ends a conversation without the supplicant's having done anything wrong.
_NOT_THE_ENDPOINT = frozenset({"overloaded", "conversation_unknown"})
# What stands above monitor mode, for the record.
_PROOF_FIRST = "without proof of who it is, EAP ends in a failure whatever is answered"
_ORDER_FIRST = "a person has ordered it"
_NO_RULE_TRIED = "it was refused before any rule was tried"
_PLAIN_REJECT = Reply(code=ReplyCode.REJECT)
_NO_EAP = Refused(code="no_eap", reason="nacd is configured without an `eap` section, so it cannot speak EAP")


class Authorizer:
    """One configuration's way from a verified Access-Request to an answer.

    conversations: None if the configuration has no ``eap`` section. rendered: every (profile, vendor)
    pair that a rule or an order can reach, encoded at load. chargeable_key: of this site, for Chargeable-User-Identity;
    without it (``nacd explain``) none is given. graph_tenants: tenants that Graph is asked about. orders: what people
    have ordered above the policy. managed: keeps managed devices from coming by their MAC; without it they may. marks:
    see ``Marks``. token: makes octets that nobody can foresee. reach: which NAS may be given which profile.
    familiar: whoever may come again.
    """

    def __init__(
        self,
        *,
        conversations: Conversations | None,
        identity_rules: IdentityRules,
        policy: Policy,
        rendered: Mapping[tuple[str, str], Rendered],
        chargeable_key: Secret = NO_SECRET,
        graph_tenants: frozenset[str] = frozenset(),
        orders: Orders | None = None,
        managed: ManagedMacs | None = None,
        marks: Marks = Marks(),  # noqa: B008  frozen
        token: Callable[[int], bytes] = bytes,
        reach: Reach = anywhere,
        familiar: Familiar | None = None,
    ) -> None:
        self._conversations = conversations
        self._identity_rules = identity_rules
        self._policy = policy
        self._monitors = policy.monitors
        self._rendered = rendered
        self._lists = AccessLists(rendered, reach)
        # What the record says of a profile's attributes is the same each time.
        self._profiles = {pair: (each, attributes_shown(each.attributes)) for pair, each in rendered.items()}
        self._chargeable_key = chargeable_key
        self._graph_tenants = graph_tenants
        self._orders = orders if orders is not None else Orders()
        self._managed = managed
        self._marks = marks
        self._token = token
        self._familiar = familiar if familiar is not None else Familiar()

    def identify(self, request: AccessRequest, now: Instant) -> Step:
        """Go as far as the request alone allows.

        now: when the packet was received. Returns an answer, silence, a challenge, or the
        question without which no rule decides.
        """
        if is_list_name(request.user_name):
            return self._list(request, now)
        kind = access_kind(request)
        if isinstance(kind, Refused):
            return self._refused(request, kind, now)
        if not request.has_eap:
            return self._named(request, name(request, kind, NoCertificate(), self._identity_rules), NoEap(), now)
        if self._conversations is None:
            return self.refuse(request, _NO_EAP.code, _NO_EAP.reason, now)
        return self._by_eap(self._conversations, request, kind, now)

    def decide(self, need: NeedCompliance, compliance: Compliance, now: Instant) -> Answer:
        """Decide with what Intune said (or that it said nothing). Always an answer."""
        facts = self._facts(need.request, need.named, compliance, now)
        ordered = self._ordered(need.request, need.named, now)
        decision = ordered or self._judged(evaluate(self._policy, facts, asked=True), need.named, now)
        whole = (need.request, need.named, need.proof, facts, decision, need.received, now)
        return self._answer(*whole, key=need.question.key, ordered=ordered is not None)

    def refuse(self, request: AccessRequest, code: str, reason: str, now: Instant) -> Answer:
        """Refuse without trying. code: a stable word for the record."""
        return replace(self._refused(request, Refused(code=code, reason=reason), now), blames_endpoint=False)

    def _refused(self, request: AccessRequest, refused: Refused, now: Instant) -> Answer:
        event = events.refused(request=request, refusal=refused.code, reason=refused.reason, latency_ms=0.0, now=now)
        event = given_for.unmonitored(event, self._monitors, request.nas, now, _NO_RULE_TRIED)
        # RFC 3579 section 2.6.5: a Reject inside EAP carries EAP-Failure, so that the supplicant knows too.
        failure = encode_failure(request.eap[1]) if len(request.eap) > 1 else b""
        return _rejected(Reply(code=ReplyCode.REJECT, eap=failure), event, blames_endpoint=True)

    @property
    def limited(self) -> Mapping[str, int]:
        """How often each limit of ``eap.conversations`` refused somebody."""
        return self._conversations.counters.limited if self._conversations is not None else {}

    def expire(self, now: Instant) -> tuple[AuditEvent, ...]:
        """Drop conversations whose peer went away; what there is to say of each."""
        if self._conversations is None:
            return ()
        return tuple(_went_away(gone, now) for gone in self._conversations.expire(now))

    def _by_eap(self, conversations: Conversations, request: AccessRequest, kind: AccessKind, now: Instant) -> Step:
        step = conversations.receive(request, now)
        match step:
            case Challenge():
                again = _IGNORED_PACKET if step.ignored else ()
                return Continue(
                    reply=Reply(code=ReplyCode.CHALLENGE, eap=step.eap, state=step.state, attributes=again),
                    early=self._early(request, kind, step, now),
                )
            case EapIgnored():
                return Silent(reason=step.reason)
            case EapFailed():
                event = events.eap_failed(request=request, failed=step, access=kind, latency_ms=0.0, now=now)
                event = given_for.unmonitored(event, self._monitors, request.nas, now, _PROOF_FIRST)
                reject = Reply(code=ReplyCode.REJECT, eap=step.eap)
                return _rejected(reject, event, blames_endpoint=step.code not in _NOT_THE_ENDPOINT)
            case PeerAuthenticated():
                facts = certificates.read(step.chain, step.anchor)
                # A supplicant whose name looks like a MAC and that refuses MD5 for TLS has done 802.1X, not MAB.
                proved = AccessKind.DOT1X if kind is AccessKind.MAB else kind
                named = name(request, proved, facts, self._identity_rules)
                self._orders.machines.learn(proved, named.identity, named.mac, named.tenant, now.wall)
                return self._named(request, named, step, now)
            case Md5Verified() if kind is not AccessKind.MAB:
                # User-Name and EAP identity disagree: a MAC's password must not pass for a login.
                return self._refused(request, _MD5_NO_MAB, now)
            case Md5Verified():
                return self._named(request, name(request, kind, NoCertificate(), self._identity_rules), step, now)

    def _list(self, request: AccessRequest, now: Instant) -> Continue | Answer:
        """A NAS that fetches an access list: its lines or a refusal, and nothing else (no rule is asked)."""
        found = self._lists.page(request, {each.profile for each in self._orders})
        if isinstance(found, NoPage):
            return self.refuse(request, found.code, found.reason, now)
        if found.state:
            return Continue(reply=Reply(code=ReplyCode.CHALLENGE, fixed=found.octets, state=found.state))
        event = events.list_downloaded(request=request, listed=found.listed, latency_ms=0.0, now=now)
        reply = Reply(code=ReplyCode.ACCEPT, fixed=found.octets)
        return Answer(reply=reply, event=event, refusal=_PLAIN_REJECT, too_long=lambda _now: event)

    def _early(
        self, request: AccessRequest, kind: AccessKind, challenge: Challenge, now: Instant
    ) -> Question | NoQuestion:
        """The certificate is verified one round before the answer: ask now, if a rule will want it."""
        if not challenge.chain:
            return NoQuestion()
        facts = certificates.read(challenge.chain, challenge.anchor)
        named = name(request, kind, facts, self._identity_rules)
        asked = ask_about(named, self._graph_tenants)
        undecided = evaluate(self._policy, self._facts(request, named, NOT_ASKED, now), asked=False)
        return asked if isinstance(asked, Question) and isinstance(undecided, NeedsCompliance) else NoQuestion()

    def _named(self, request: AccessRequest, named: Named, proof: Proof, now: Instant) -> Answer | NeedCompliance:
        facts = self._facts(request, named, NOT_ASKED, now)
        ordered = self._ordered(request, named, now)
        decision = evaluate(self._policy, facts, asked=False)
        if isinstance(decision, Decision):
            whole = (request, named, proof, facts, ordered or self._judged(decision, named, now), now, now)
            return self._answer(*whole, ordered=ordered is not None)
        asked = ask_about(named, self._graph_tenants)
        if ordered is not None:
            # Nobody need be asked now; when the order ends, this is what the policy will want to know.
            key = asked.key if isinstance(asked, Question) else ""
            return self._answer(request, named, proof, facts, ordered, now, now, key=key, ordered=True)
        if isinstance(asked, NotAskable):
            need = self._facts(request, named, asked.compliance, now)
            decision = self._judged(evaluate(self._policy, need, asked=True), named, now)
            return self._answer(request, named, proof, need, decision, now, now)
        return NeedCompliance(question=asked, request=request, named=named, proof=proof, received=now)

    def _facts(self, request: AccessRequest, named: Named, compliance: Compliance, now: Instant) -> Facts:
        return facts_of(request, named, compliance, now, self._orders.inventory.words(named.mac, now.wall))

    def _judged(self, decision: Decision, named: Named, now: Instant) -> Decision:
        return self._managed.judged(decision, named, now.wall) if self._managed is not None else decision

    def _ordered(self, request: AccessRequest, named: Named, now: Instant) -> Decision | None:
        """What a person has ordered about this endpoint; None: the policy decides."""
        found = self._orders.in_force(named.identity, named.mac, named.tenant, now.wall)
        if not isinstance(found, Override):
            return None
        sayable = not found.profile or (found.profile, request.nas.vendor) in self._rendered
        return overrides.decision(found, self._policy.digest, sayable=sayable, about=named.identity)

    def _answer(
        self,
        request: AccessRequest,
        named: Named,
        proof: Proof,
        facts: Facts,
        decision: Decision,
        received: Instant,
        now: Instant,
        *,
        key: str = "",
        ordered: bool = False,
    ) -> Answer:
        monitor = None if ordered else self._monitors.of(decision, facts.nas, facts.at)
        given = decision if monitor is None else monitor.given(decision)
        refusal = Reply(code=ReplyCode.REJECT, eap=proof.failure) if proof.failure else _PLAIN_REJECT
        reply, own, ticket, known = refusal, NOTHING_CARRIED, NO_TICKET, self._familiar.at(request)
        if given.effect is Effect.ALLOW:
            ticket = self._ticket(request, named, known)
            profile = self._profiles[given.profile, request.nas.vendor]
            own = carried(profile, request, named, facts, ticket.attributes, now)
            reply = _accept(request, proof, profile[0], own.own)
        voice = (given.profile, request.nas.vendor) in self._marks.voice
        visit = Visit(request, named, key, facts.link, facts.inventory, voice, ticket.chargeable)
        event = events.decision(
            request=request,
            named=named,
            compliance=facts.compliance,
            decision=decision,
            rendered=own.rendered,
            shown=own.shown,
            latency_ms=(now.monotonic - received.monotonic) * 1000,
            now=now,
            tls_version=proof.tls_version if isinstance(proof, PeerAuthenticated) else "",
            cipher=proof.cipher if isinstance(proof, PeerAuthenticated) else "",
            peer_identity="" if isinstance(proof, NoEap) else proof.peer_identity,
            chargeable_user_identity=ticket.chargeable,
            link=facts.link,
            inventory=facts.inventory,
        )
        if monitor is not None:
            denied = decision.effect is Effect.DENY
            decided = None if denied else self._profiles[decision.profile, request.nas.vendor]
            event = given_for.monitored(event, monitor, decided, request, named, facts, now)
        elif self._monitors.all:
            event = given_for.unmonitored(event, self._monitors, request.nas, now, _ORDER_FIRST if ordered else "")
        sent = own.rendered.attributes + own.own if own.rendered is not None else ()
        # Who is refused as managed may do 802.1X the next moment, and must not be held back from that.
        no_fault = facts.compliance.state is ComplianceState.UNAVAILABLE or bool(given.refused_above)
        blames = given.effect is Effect.DENY and not no_fault
        return Answer(
            reply=reply,
            event=event,
            refusal=refusal,
            too_long=partial(_too_long, request, named, given, sent),
            blames_endpoint=blames,
            actions=own.rendered.on_quarantine if own.rendered is not None else (),
            left=admit.left(visit, known, given, facts.compliance, ticket, own.timeout_s, now.wall),
            monitored=monitor,
        )

    def _ticket(self, request: AccessRequest, named: Named, known: Found) -> Ticket:
        """Whoever is known there for sure keeps the token of its session."""
        token = ""
        if request.nas.vendor in self._marks.tokens:
            if isinstance(known, Session) and keeps_its_name(known, request):
                token = known.names.token
            token = token or self._token(TOKEN_OCTETS).hex()
        wanted = request.chargeable_identity_requested
        return Ticket(token=token, chargeable=self._chargeable(request, named) if wanted else "")

    def _chargeable(self, request: AccessRequest, named: Named) -> str:
        """What a NAS that asked for it gets in the Accept, and in no other answer (RFC 4372 section 2.1)."""
        if self._chargeable_key == NO_SECRET:
            return ""
        return chargeable_user_identity(
            self._chargeable_key, named, user_name=request.user_name, operator_name=request.operator_name
        )


def ask_about(named: Named, graph_tenants: frozenset[str]) -> Answerable:
    """The question that this naming raises. graph_tenants: those asked through Graph too, which knows Entra ids."""
    asked = question(named.identity, tenant=named.tenant, knows_entra=named.tenant in graph_tenants)
    if isinstance(asked, Question) and not named.tenant:
        return NotAskable(compliance=replace(NOT_ASKED, detail=named.tenant_detail))
    return asked


def facts_of(
    request: AccessRequest, named: Named, compliance: Compliance, now: Instant, inventory: tuple[str, ...] = ()
) -> Facts:
    """What the policy may look at, out of a request and its naming. inventory: as in ``Facts``."""
    return Facts(
        access=named.access,
        nas=request.nas,
        identity=named.identity,
        certificate=named.certificate,
        compliance=compliance,
        mac=named.mac,
        user=named.user,
        ssid=request.ssid,
        tenant=named.tenant,
        at=now.wall,
        link=admit.link(request),
        inventory=inventory,
    )


def _accept(request: AccessRequest, proof: Proof, rendered: Rendered, attributes: tuple[Attribute, ...]) -> Reply:
    reply = Reply(code=ReplyCode.ACCEPT, fixed=rendered.octets, attributes=attributes, eap=proof.success)
    if isinstance(proof, PeerAuthenticated):
        # EAP-Key-Name only for a NAS that asks for it (RFC 4072 section 4.1.4; MACsec).
        return replace(reply, msk=proof.msk, key_name=proof.session_id if request.key_name_requested else b"")
    return reply


def _rejected(reject: Reply, event: AuditEvent, *, blames_endpoint: bool) -> Answer:
    return Answer(
        reply=reject, event=event, refusal=reject, too_long=lambda _now: event, blames_endpoint=blames_endpoint
    )


def _too_long(
    request: AccessRequest, named: Named, decision: Decision, sent: tuple[Attribute, ...], now: Instant
) -> AuditEvent:
    return events.reply_too_long(request=request, named=named, decision=decision, sent=sent, octets=0, now=now)


def _went_away(gone: Abandoned, now: Instant) -> AuditEvent:
    request = AccessRequest(
        nas=Nas(name=gone.nas, vendor=""),
        source=gone.source,
        source_port=0,
        calling_station_id=gone.calling_station_id,
        user_name=gone.peer_identity,
    )
    failure = gone.failure
    failed = EapFailed(
        code=failure.code,
        reason=failure.reason,
        eap=b"",
        peer_identity=gone.peer_identity,
        subject=failure.subject,
        issuer=failure.issuer,
    )
    return events.eap_failed(request=request, failed=failed, access=AccessKind.DOT1X, latency_ms=0.0, now=now)
