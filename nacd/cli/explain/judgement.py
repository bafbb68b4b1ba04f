"""What nacd would do with one request, and why, told on a sheet.

Knows: how to lay out naming, compliance, rules and reply. Refuses to decide anything: naming, policy and
reply attributes come from the same functions that serve logins.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from nacd.authorize import Authorizer, ask_about, facts_of
from nacd.cli import inventory
from nacd.cli.explain.sheet import (
    Sheet,
    answer_text,
    code_of,
    decision_document,
    moment_text,
    plain,
    reply_document,
    rules_document,
    value_text,
    width_of,
)
from nacd.compliance.question import NotAskable
from nacd.compliance.question import Question as Ask
from nacd.config.settings import ONLY_TENANT
from nacd.identity.name import name
from nacd.policy.answered import NO_VERDICT, OnVerdict
from nacd.policy.evaluate import NeedsCompliance, evaluate, explain
from nacd.policy.model import DEFAULT_DENY, Rule
from nacd.server.assembly import Assembled
from nacd.server.clock import instant
from nacd.server.lookups import building
from nacd.steps import NeedCompliance, NoEap
from nacd.values import (
    NOT_ASKED,
    AccessKind,
    AccessRequest,
    Attribute,
    Certificate,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Decision,
    Device,
    Effect,
    Endpoint,
    Facts,
    Instant,
    MacAddress,
    Named,
    Unidentified,
)

_LIVE_LIMIT_S = 15.0
# The spine wants to know whom it would have asked; for its decision that makes no difference.
_NOBODY = MacAddress("00-00-00-00-00-00")
POSSIBLE_STATES = tuple(state for state in ComplianceState if state is not ComplianceState.NOT_ASKED)
"""What asking Intune can come to."""


class WrongUsage(Exception):
    """The options do not fit together, or not this file; the text says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """Where compliance comes from: a state to assume (``""`` = show each), or Intune itself."""

    state: str = ""
    live: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Where and when a question is put. now: the moment that it is answered for."""

    assembled: Assembled
    sheet: Sheet
    now: Instant
    assumed: Assumption = Assumption()


def tell(scene: Scene, request: AccessRequest, kind: AccessKind, certificate: Certificate) -> None:
    """Name, ask, decide, and say each. Raises OSError if Intune is to be asked and its CA file cannot be read."""
    tell_named(scene, request, name(request, kind, certificate, scene.assembled.identity_rules))


def tell_named(scene: Scene, request: AccessRequest, named: Named) -> None:
    """The same for an endpoint that has been named. Raises as ``tell``."""
    sheet, assembled, assumed = scene.sheet, scene.assembled, scene.assumed
    _tell_name(sheet, named)
    listed = inventory.words(assembled, sheet, named.mac, scene.now.wall)
    facts = facts_of(request, named, NOT_ASKED, scene.now, listed)
    judge = _Judge(scene, request, named, listed)
    asked = ask_about(named, assembled.graph_tenants)
    needed = isinstance(evaluate(assembled.loaded.policy, facts, asked=False), NeedsCompliance)
    sheet.put(asked=asked.key if isinstance(asked, Ask) and needed else "")
    if isinstance(asked, NotAskable):
        if needed:
            known = asked.compliance
            sheet.field("compliance", f"{known.state.value}, without asking Intune: {known.detail}")
        else:
            sheet.field("compliance", "not asked: no rule needs it here")
        if assumed.state or assumed.live:
            sheet.field("", "Intune is not asked about this one, so the option makes no difference")
        judge.decide(asked.compliance if needed else NOT_ASKED)
    elif assumed.live:
        known = _ask(scene, asked)
        if not needed:
            sheet.field("", "no rule needs it here: a login would be decided without asking")
        judge.decide(known if needed else NOT_ASKED)
    elif not needed:
        sheet.field("compliance", "not asked: no rule needs it here")
        judge.decide(NOT_ASKED)
    elif assumed.state:
        sheet.field("compliance", f"{assumed.state}, assumed")
        judge.decide(_assume(ComplianceState(assumed.state), scene.now))
    else:
        sheet.field("compliance", f"to be asked of Intune ({asked.key})")
        judge.decide_each(facts)


def _assume(state: ComplianceState, now: Instant) -> Compliance:
    """An answer of just now. Facts about the device are not made up: rules on them do not match."""
    source = ComplianceSource.NONE if state in NO_VERDICT else ComplianceSource.LIVE
    return Compliance(state=state, as_of=now.wall, source=source, detail="assumed")


def _tell_name(sheet: Sheet, named: Named) -> None:
    sheet.field("access", named.access.value)
    match named.identity:
        case Device(id=device, source=source, assurance=assurance):
            who = f"{device.kind.value} device {device.guid}"
            sheet.field("device", f"{who} (source {source.value}, assurance {assurance.name.lower()})")
            identity = {"kind": "device", "register": device.kind.value, "id": device.guid}
        case Endpoint(mac=mac, source=source, assurance=assurance):
            sheet.field("endpoint", f"{mac} (source {source.value}, assurance {assurance.name.lower()})")
            identity = {"kind": "endpoint", "mac": mac.text}
        case Unidentified(reason=reason):
            sheet.field("device", "nothing names it")
            identity = {"kind": "unidentified", "detail": reason}
    if not isinstance(named.identity, Unidentified):
        identity |= {"source": named.identity.source.value, "assurance": named.identity.assurance.name.lower()}
    if named.tenant not in ("", ONLY_TENANT):
        sheet.field("tenant", named.tenant)
    for attempt in named.attempts:
        sheet.say(f"  {attempt.source.value:<12}{attempt.outcome.value}: {attempt.detail}")
    if named.user:
        sheet.field("user", named.user)
    sheet.put(
        access=named.access.value,
        identity=identity,
        attempts=plain(named.attempts),
        tenant=named.tenant,
        mac=named.mac,
        user=named.user,
    )


def _ask(scene: Scene, asked: Ask) -> Compliance:
    """Ask Intune now, and say what came."""
    assembled, sheet = scene.assembled, scene.sheet
    section = assembled.loaded.settings.tenant_sections[asked.tenant]
    source = building.source(section, assembled.tenants[asked.tenant])
    started = instant()
    known = source.lookup(asked.subject, _LIVE_LIMIT_S, time.time)
    now = instant()
    took_s, age_s = now.monotonic - started.monotonic, max(0.0, now.wall - known.as_of)
    detail = f": {known.detail}" if known.detail else ""
    sheet.field("compliance", f"{known.state.value}{detail}")
    sheet.field("", f"asked of Intune just now ({asked.key}), {age_s:.0f} s old, source {known.source.value}")
    deadline_s = assembled.loaded.settings.compliance.lookup_deadline.total_seconds()
    if took_s > deadline_s:
        sheet.field("", f"it took {took_s:.1f} s; a login waits {deadline_s:g} s and would be decided as `unavailable`")
    return known


class _Judge:
    """One request, decided under one compliance or another."""

    def __init__(self, scene: Scene, request: AccessRequest, named: Named, listed: tuple[str, ...]) -> None:
        self._assembled = scene.assembled
        self._sheet = scene.sheet
        self._now = scene.now
        self._request = request
        self._named = named
        self._listed = listed
        self._question = Ask(tenant="", key="", subject=_NOBODY)
        self._authorizer = Authorizer(
            conversations=None,
            identity_rules=scene.assembled.identity_rules,
            policy=scene.assembled.loaded.policy,
            rendered=scene.assembled.rendered,
        )

    def decide(self, known: Compliance) -> None:
        """Every rule tried, the decision, the reply."""
        policy, sheet = self._assembled.loaded.policy, self._sheet
        facts = facts_of(self._request, self._named, known, self._now, self._listed)
        sheet.say("rules")
        trials = explain(policy, facts)
        for number, trial in enumerate(trials, 1):
            self._tell_rule(number, trial.rule, f"{'matches' if trial.matched else 'no'}: {trial.detail}")
        decision = evaluate(policy, facts)
        sheet.field("decision", answer_text(decision.effect, decision.rule, decision.profile))
        monitor = policy.monitors.of(decision, self._request.nas, self._now.wall)
        if monitor is not None:
            until = moment_text(monitor.until)
            sheet.field("monitor", f"{monitor}, until {until}: profile `{monitor.profile}` is given instead")
        sheet.put(compliance=plain(known), rules=rules_document(trials))
        self._put(decision, known, sheet.document)

    def decide_each(self, facts: Facts) -> None:
        """Every rule as far as it goes without compliance, then the decision for each state."""
        policy, sheet = self._assembled.loaded.policy, self._sheet
        sheet.say("rules")
        rules = [(rule.name, _without_compliance(rule, facts)) for rule in policy.rules]
        last = next((at for at, (_, verdict) in enumerate(rules, 1) if verdict == "matches"), 0)
        rules = rules[:last] if last else [*rules, (DEFAULT_DENY, "matches what no rule matched")]
        for number, (rule, verdict) in enumerate(rules, 1):
            self._tell_rule(number, rule, verdict)
        sheet.put(rules=[_rule_document(number, *each) for number, each in enumerate(rules, 1)])
        sheet.say("decision, by what Intune says")
        if any(isinstance(each, OnVerdict) for rule in policy.rules for each in rule.asked):
            sheet.say("  (as if it had said so just now, and nothing more about the device: --live asks)")
        by_profile: dict[str, tuple[Decision, Compliance]] = {}
        for state in POSSIBLE_STATES:
            known = _assume(state, self._now)
            decision = evaluate(policy, facts_of(self._request, self._named, known, self._now, self._listed))
            sheet.say(
                f"  {state.value:<14}{code_of(decision.effect)}  {decision.profile or '-':<14}rule `{decision.rule}`"
            )
            self._put(decision, known, sheet.part("decisions").document, silent=True)
            given = self._given(decision)
            if given is not decision:
                sheet.say(f"{'':<16}(monitored: profile `{given.profile}` is given instead)")
            if given.profile:
                by_profile.setdefault(given.profile, (given, known))
        for profile, (decision, known) in by_profile.items():
            sheet.field("profile", f"`{profile}`")
            self._tell_attributes(decision, known)

    def _tell_rule(self, number: int, rule: str, text: str) -> None:
        width = width_of(rule.name for rule in self._assembled.loaded.policy.rules)
        self._sheet.say(f"  {number:>2} {rule:<{width}}  {text}")

    def _put(self, decision: Decision, known: Compliance, document: dict[str, object], *, silent: bool = False) -> None:
        """The decision and what its answer carries, on the sheet. silent: for programs only."""
        given = self._given(decision)
        if not silent and given.effect is Effect.ALLOW:
            self._tell_attributes(given, known)
        reply, left_out = self._reply(given, known) if given.effect is Effect.ALLOW else ((), ())
        document |= {
            **({"compliance": known.state.value} if silent else {}),
            "decision": decision_document(decision),
            "monitored": given is not decision,
            "given": {"effect": given.effect.value, "profile": given.profile},
            "reply": reply_document(reply),
            "left_out": list(left_out),
        }

    def _given(self, decision: Decision) -> Decision:
        """What is answered: under a monitor something else than is decided."""
        monitor = self._assembled.loaded.policy.monitors.of(decision, self._request.nas, self._now.wall)
        return decision if monitor is None else monitor.given(decision)

    def _reply(self, decision: Decision, known: Compliance) -> tuple[tuple[Attribute, ...], tuple[str, ...]]:
        """What the Accept carries; those of this request alone (its timeout) are made by the spine itself."""
        rendered = self._assembled.rendered[decision.profile, self._request.nas.vendor]
        need = NeedCompliance(
            question=self._question,
            request=self._request,
            named=self._named,
            proof=NoEap(),
            received=self._now,
        )
        reply = self._authorizer.decide(need, known, self._now).reply
        return (*rendered.attributes, *reply.attributes), rendered.omitted

    def _tell_attributes(self, decision: Decision, known: Compliance) -> None:
        reply, left_out = self._reply(decision, known)
        for attribute in reply:
            self._sheet.say(f"  {value_text(attribute)}")
        if not reply:
            self._sheet.say("  no attributes")
        if left_out:
            words = f"(optional, and `{self._request.nas.vendor}` has no words for it)"
            self._sheet.field("left out", f"{', '.join(left_out)} {words}")


def _rule_document(number: int, rule: str, verdict: str) -> dict[str, object]:
    """A rule before compliance is known. result: ``matches``, ``no`` or ``if``, with what it depends on."""
    result = next((word for word in ("no", "if") if verdict.startswith((f"{word}:", f"{word} "))), "matches")
    return {"number": number, "rule": rule, "result": result, "detail": verdict.partition(" ")[2]}


def _without_compliance(rule: Rule, facts: Facts) -> str:
    """How far this rule gets before Intune has answered."""
    wanted = []
    for condition in rule.conditions:
        if condition.waits:
            wanted.append(f"{condition.key.removeprefix('not.')} is {condition.wanted()}")
        elif not condition.test()(facts):
            return f"no: {condition.seen(facts)}, the rule wants {condition.wanted()}"
    return f"if {' and '.join(wanted)}" if wanted else "matches"
