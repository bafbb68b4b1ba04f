"""From a datagram to what is sent back: the hand that carries out what the rooms decide.

Knows: the order of one request (admission, spine, audit, encode, remember, send). Refuses to
know: policy, TLS, Intune. An exception that leaves this module is a bug; the listener ends it in silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from time import perf_counter
from typing import Any, NamedTuple, Protocol

from nacd.account import account, change
from nacd.admit import NOTHING, Nothing, TurnedAway
from nacd.compliance.question import Question
from nacd.eap.message import names_its_peer
from nacd.errors import ReplyTooLong
from nacd.overload.gate import Gate, HeldBack
from nacd.overload.late import LateAnswers
from nacd.overload.queue import Lane, Queued, WorkQueue
from nacd.policy.monitor.scopes import Monitors, Scope
from nacd.radius import reply as replies
from nacd.radius.admission import Admission, Drop, Fresh, Resend, Role
from nacd.radius.attributes import access_request, accounting_request
from nacd.radius.packet import EAP_MESSAGE, STATE, Code, Packet
from nacd.server.logs.requests import current, marked
from nacd.server.lookups.tenants import Lookups
from nacd.server.lookups.watch import LiveDevices
from nacd.server.metrics.requests.building import counting
from nacd.server.outbox import Outbox, Outgoing, Path, Sessions, Unstored
from nacd.server.recorder import Recorder
from nacd.server.reload import outcomes
from nacd.server.reload.generation import Generation
from nacd.server.reload.in_force import InForce
from nacd.sessions import Session, Standing
from nacd.steps import Answer, Continue, NeedCompliance, Silent
from nacd.store.handover import Handover
from nacd.store.live.outcome import Applied
from nacd.values import AccessRequest, AuditEvent, Compliance, DeviceId, DeviceIdKind, Instant, Reply, ReplyCode

Waiting = Coroutine[Any, Any, None]
Refused = Callable[[AccessRequest, str, Standing], None]


class Judging(Protocol):
    """Whoever knows which device a MAC was seen with."""

    def judged(self, asked: Question, learnt: Compliance, now: Instant) -> Compliance:
        """What counts of a verdict."""

    def is_on_disk(self, asked: Question, now: Instant) -> bool:
        """Whether ``recall`` may change that."""

    async def recall(self, tenant: str, key: str) -> None:
        """Have what lies on disk in memory."""


class Received(NamedTuple):
    """A verified request and the way back. generation: that was in force when it came, which decides all of it."""

    fresh: Fresh
    path: Path
    role: Role
    generation: Generation


class Worker:
    """Carries each request through the rooms of the configuration that was in force when it came.

    judging: what a verdict about a MAC is worth. sessions: who writes down what begins and is accounted for.
    refused: told of each endpoint that the policy refuses, with its MAC. handover: to the service for device actions,
    None without one.
    decided: told the record of each answer that was made, when it waits to leave; what it does must take no time.
    ``receive`` lets them wait, ``answer`` makes their answers, ``flush`` records and sends these.
    """

    def __init__(
        self,
        *,
        admission: Admission,
        queue: WorkQueue[Received],
        gate: Gate,
        in_force: InForce,
        lookup: Lookups,
        live: LiveDevices,
        judging: Judging,
        recorder: Recorder,
        sessions: Sessions,
        refused: Refused,
        clock: Callable[[], Instant],
        random: Callable[[int], bytes],
        reject_delay_s: float = 1.0,
        handover: Handover | None = None,
        decided: Callable[[AuditEvent], object] | None = None,
    ) -> None:
        self._admission = admission
        self._queue = queue
        self._gate = gate
        self._late: LateAnswers[Outgoing] = LateAnswers(delay_s=reject_delay_s)
        self._outbox = Outbox(recorder, admission, sessions, clock)
        self.counts = self._outbox.tally = counting(in_force, queue, self._outbox)
        self._refused = refused
        self._in_force = in_force
        self._lookup = lookup
        self._live = live
        self._judging = judging
        self._handover = handover
        self._decided = decided
        self.leaving = False
        """Set before the end: what is under way goes on, and no EAP conversation begins that could not be finished."""
        self.monitored: Counter[tuple[Scope, str]] = Counter()
        """Requests that a monitor has answered, by its scope and name."""
        self._recorder = recorder
        self._clock = clock
        self._random = random

    @property
    def monitors(self) -> Monitors:
        """Of the policy in force."""
        return self._in_force.current.assembled.loaded.policy.monitors

    @property
    def waiting(self) -> int:
        """Requests that nobody has taken."""
        return len(self._queue)

    @property
    def late(self) -> int:
        """Answers held back."""
        return len(self._late)

    def receive(self, datagram: bytes, path: Path, role: Role) -> None:
        """Take one datagram in: drop it, answer it from memory if it is a repeat, or let it wait."""
        now = self._clock()
        force = self._in_force
        generation = force.current if force.canary is None else force.choose(path.source)
        verdict = self._admission.receive(datagram, path.source, path.port, role, now, generation.table)
        match verdict:
            case Fresh():
                if force.several:
                    verdict, generation = force.continued(verdict, path.source, generation)
                self._let_wait(Received(verdict, path, role, generation), now)
            case Resend():
                self.counts.resent += 1
                self._outbox.transmit(verdict.octets, path, now)
            case Drop():
                if verdict.repeats is not None:
                    self._queue.wanted(verdict.repeats, now)
                self._recorder.dropped(
                    nas=verdict.nas, reason=verdict.reason, source=path.source, detail=verdict.detail, now=now
                )

    def next(self) -> Queued[Received]:
        """The request to answer next. Raises IndexError when none waits."""
        return self._queue.take()

    def answer(self, queued: Queued[Received]) -> Waiting | None:
        """Answer one request. Returns the rest of the work if it has to wait for Intune, else None."""
        received = queued.work
        now = self._clock()
        if queued.superseded:
            self._drop(received, "superseded", now)
            return None
        if queued.is_stale(now):
            self._admission.forget(received.fresh.key)
            detail = f"requests wait longer than this NAS does (`timeout`, {queued.patience_s:g} s): nacd is overloaded"
            self._drop(received, "stale", now, detail=detail)
            return None
        fresh = received.fresh
        self.counts.queue.observe(now.monotonic - queued.received.monotonic)
        code = fresh.packet.code
        if code == Code.STATUS_SERVER:
            # RFC 5997: no side effects. While Accepts are stopped the NAS had better ask somebody else.
            if not self._recorder.refusing:
                self._send(received, replies.status_response(fresh.packet, fresh.client, received.role))
            return None
        if code == Code.ACCOUNTING_REQUEST:
            self._account(received, now)
            return None
        return self._authorize(received, queued, now)

    @property
    def held_back(self) -> Mapping[str, int]:
        """How often each limit of ``overload`` refused a beginning from memory."""
        return self._gate.counts

    def flush(self, *, hurry: bool = False) -> None:
        """Record what was decided since the last time, then send it; held-back answers when due (hurry: all)."""
        now = self._clock()
        for late in self._late.all() if hurry else self._late.due(now):
            self._outbox.put(late)
        self._outbox.flush(now)

    def _let_wait(self, received: Received, now: Instant) -> None:
        fresh = received.fresh
        packet = fresh.packet
        queued = Queued(
            work=received,
            lane=_lane(packet),
            nas=received.path.source,
            place=fresh.key.place,
            octets=len(packet.octets),
            received=now,
            patience_s=fresh.client.timeout_s,
        )
        reached = self._queue.put(queued)
        if reached:
            self._admission.forget(fresh.key)
            detail = f"the limit `overload.{reached}` is reached: {len(self._queue)} requests wait"
            self._drop(received, f"overload_{reached}", now, detail=detail)

    def _drop(self, received: Received, reason: str, now: Instant, *, detail: str = "") -> None:
        nas, source = received.fresh.client.nas.name, received.path.source
        if received.role is Role.AUTH:
            self.counts.silent(received.fresh.client.nas)
        self._recorder.dropped(nas=nas, reason=reason, source=source, detail=detail, now=now)

    def _account(self, received: Received, now: Instant) -> None:
        """RFC 2866 section 4.2: what is not on disk and recorded is not answered, so that the NAS keeps it."""
        fresh, path, dictionary = received.fresh, received.path, received.generation.dictionary
        request = accounting_request(fresh.packet, fresh.client, path.source, path.port, dictionary)
        self.counts.accounted(request.nas)
        octets, number = replies.accounting_response(fresh.packet, fresh.client), current()

        def lost(reason: str) -> bytes:
            self._admission.forget(fresh.key)
            self._drop(received, reason, now)
            return b""

        def answer(session: int) -> Outgoing:
            event = marked(account(request, session, now), number)
            return Outgoing(fresh.key, path, octets, now, event, lambda: lost("accounting_not_recorded"))

        def stored(applied: Applied) -> Outgoing | None:
            if not applied.stored:
                lost("accounting_not_stored")
                return None
            return answer(applied.session.id if isinstance(applied.session, Session) else 0)

        changed = change(request, now)
        if isinstance(changed, Nothing):
            self._outbox.put(answer(0))
        else:
            self._outbox.store(Unstored(changed, stored))

    async def settle(self, patience_s: float) -> None:
        """Wait until what is being written is answered, this many seconds at most."""
        await self._outbox.settle(patience_s)

    def _authorize(self, received: Received, queued: Queued[Received], now: Instant) -> Waiting | None:
        fresh, path, generation = received.fresh, received.path, received.generation
        request = access_request(fresh.packet, fresh.client, path.source, path.port, generation.dictionary)
        if request.user_name in fresh.client.probe_users and not request.has_eap:
            # A probe asks whether somebody is there; a Reject says so, and opens nothing. As for Status-Server.
            if self._recorder.refusing:
                self._admission.forget(fresh.key)
            else:
                self._send(received, self._encode(Reply(code=ReplyCode.REJECT), received))
            return None
        if queued.lane is Lane.NEW:
            if self.leaving and request.has_eap:  # silence: the NAS asks again, and whoever comes after us answers
                self._admission.forget(fresh.key)
                self._drop(received, "stopping", now)
                return None
            asked = self._gate.ask(request, now)
            if isinstance(asked, HeldBack):
                self._hold_back(asked, request, received, now)
                return None
            self._ask_ahead(request)
        step = generation.authorizer.identify(request, now)
        match step:
            case Answer():
                self._carry_out(step, request, received, queued.received, now)
            case Continue():
                if isinstance(step.early, Question):
                    self._lookup.start(step.early, request, at_most_s=self._live.at_most_s(step.early, now))
                self._challenge(step.reply, received, now)
            case Silent():
                self._admission.forget(fresh.key)
                self._drop(received, "eap_discarded", now)
            case NeedCompliance():
                return self._decide(step, received, queued.received, now)
        return None

    def _ask_ahead(self, request: AccessRequest) -> None:
        """An endpoint that came back will most likely prove to be what it was: the answer is there when it has."""
        guess = self._live.guess(request.station) if request.has_eap else None
        if guess is not None:
            self._lookup.start(guess, request, guess=True)

    def _hold_back(self, held: HeldBack, request: AccessRequest, received: Received, now: Instant) -> None:
        """Refuse from memory, and late, so that whoever asks in a loop asks less often."""
        answer = received.generation.authorizer.refuse(request, held.code, held.reason, now)
        octets = self._encode(answer.reply, received)
        self.counts.held_back(request.nas)
        refusal = Outgoing(received.fresh.key, received.path, octets, now, marked(answer.event), lambda: octets)
        if not self._late.put(refusal, now):
            self._outbox.put(refusal)

    def _challenge(self, reply: Reply, received: Received, now: Instant) -> None:
        try:
            octets = self._encode(reply, received)
        except ReplyTooLong as too_long:
            # Only a long Proxy-State beside large fragments does this: a setting of the admin's, not a bug.
            self._admission.forget(received.fresh.key)
            detail = f"{too_long}: make `eap.fragment_size` smaller, proxies need room for Proxy-State"
            self._drop(received, "challenge_too_long", now, detail=detail)
        else:
            self._send(received, octets)

    def _decide(self, need: NeedCompliance, received: Received, came: Instant, now: Instant) -> Waiting | None:
        known = self._lookup.known(need.question, now, self._live.at_most_s(need.question, now))
        if known is None or self._judging.is_on_disk(need.question, now):
            return self._decide_later(need, received, came)
        self._conclude(need, known, received, came, now)
        return None

    async def _decide_later(self, need: NeedCompliance, received: Received, came: Instant) -> None:
        at_most_s = self._live.at_most_s(need.question, self._clock())
        began = perf_counter()
        learnt = await self._lookup.compliance(need.question, need.request, at_most_s)
        self.counts.lookup.observe(perf_counter() - began)
        if self._judging.is_on_disk(need.question, self._clock()):
            await self._judging.recall(need.question.tenant, need.question.key)
        self._conclude(need, learnt, received, came, self._clock())
        self.flush()

    def _conclude(
        self, need: NeedCompliance, learnt: Compliance, received: Received, came: Instant, now: Instant
    ) -> None:
        """The answer; whoever gets in by what Intune says is asked about for as long as it stays."""
        judged = self._judging.judged(need.question, learnt, now)
        answer = received.generation.authorizer.decide(need, judged, now)
        if self._carry_out(answer, need.request, received, came, now) is ReplyCode.ACCEPT:
            self._live.seen(need.question, need.request)
            self._act(answer.actions, need.question, now)

    def _act(self, verbs: tuple[str, ...], question: Question, now: Instant) -> None:
        """Hand over what Intune is to do with a device that was let into quarantine. Nothing waits for it."""
        subject = question.subject
        if self._handover is None or not isinstance(subject, DeviceId) or subject.kind is not DeviceIdKind.INTUNE:
            return
        for verb in verbs:
            why = self._handover.ask(verb, subject.guid, question.tenant)
            if why:
                self._recorder.warn_seldom(f"actions {why}", f"`nacd actions` was not asked to {verb}: {why}", now)

    def _carry_out(
        self, answer: Answer, request: AccessRequest, received: Received, came: Instant, now: Instant
    ) -> ReplyCode:
        """Encode, then hand over to be recorded and sent: a record never claims an answer that could not be built, and
        no session begins by one. Returns what is sent."""
        reply, event, left = answer.reply, answer.event, answer.left
        if answer.blames_endpoint:
            self._gate.refused(request, now)
        elif reply.code is ReplyCode.ACCEPT:
            self._gate.accepted(request)
        try:
            octets = self._encode(reply, received)
        except ReplyTooLong:
            reply, event = answer.refusal, answer.too_long(now)
            left = left if isinstance(left, TurnedAway) else NOTHING
            octets = self._encode(reply, received)

        if answer.monitored is not None and reply.code is ReplyCode.ACCEPT:
            self.monitored[answer.monitored.scope, answer.monitored.name] += 1

        def unrecorded() -> bytes:
            if reply.code is ReplyCode.ACCEPT and self._recorder.refusing:
                return self._encode(answer.refusal, received)
            return octets

        if isinstance(left, TurnedAway):
            self._refused(request, left.mac, left.standing)
        received.generation.outcomes[request.nas.name, outcomes.of_answer(answer, reply.code)] += 1
        key, path = received.fresh.key, received.path
        self._outbox.put(Outgoing(key, path, octets, came, marked(event), unrecorded, left, request.nas))
        if self._decided is not None:
            self._decided(event)
        return reply.code

    def _encode(self, reply: Reply, received: Received) -> bytes:
        fresh = received.fresh
        return replies.encode(reply, fresh.packet, fresh.client, received.generation.dictionary, self._random)

    def _send(self, received: Received, octets: bytes) -> None:
        """What leaves no record: a step of a conversation, an answer to a probe."""
        self.counts.sent(received.fresh.client.nas, received.fresh.packet.code, octets[0])
        self._outbox.put(Outgoing(received.fresh.key, received.path, octets, _NEVER, None, lambda: octets))


_NEVER = Instant(wall=0.0, monotonic=0.0)


def _lane(packet: Packet) -> Lane:
    if packet.code != Code.ACCESS_REQUEST:
        return Lane.SHORT
    goes_on = packet.has(STATE) and not names_its_peer(packet.first(EAP_MESSAGE))
    return Lane.CONTINUATION if goes_on else Lane.NEW
