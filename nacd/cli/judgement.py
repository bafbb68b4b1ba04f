"""What nacd would do with one request, and why, in lines for people.

Knows: how to lay out naming, compliance, rules and reply. Refuses to decide anything: naming, policy and
reply attributes come from the same functions that serve logins.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from nacd.authorize import Authorizer, ask_about, facts_of
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
    MacAddress,
    Named,
    Nas,
    Unidentified,
)

_MARGIN = 12
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


def say(text: str) -> None:
    """One line; what a stranger wrote into a certificate or a packet must not steer the terminal."""
    print("".join(c if c.isprintable() else "?" for c in text))


def say_field(title: str, text: str) -> None:
    """A line with its title in the margin."""
    say(f"{title:<{_MARGIN}}{text}")


def nas_line(nas: Nas) -> str:
    """A NAS in words."""
    groups = f"groups {', '.join(sorted(nas.groups))}" if nas.groups else "in no group"
    return f"`{nas.name}` ({nas.vendor}; {groups})"


def value_text(attribute: Attribute) -> str:
    """``Name = value``, with the tag where there is one."""
    value = attribute.value
    text = f"0x{value.hex()}" if isinstance(value, bytes) else str(value)
    return f"{attribute.name}{f':{attribute.tag}' if attribute.tag else ''} = {text}"


def tell(
    assembled: Assembled, request: AccessRequest, kind: AccessKind, certificate: Certificate, assumed: Assumption
) -> None:
    """Name, ask, decide, and say each. Raises OSError if Intune is to be asked and its CA file cannot be read."""
    named = name(request, kind, certificate, assembled.identity_rules)
    _tell_name(named)
    facts = facts_of(request, named, NOT_ASKED, instant())
    judge = _Judge(assembled, request, named)
    asked = ask_about(named, assembled.graph_tenants)
    needed = isinstance(evaluate(assembled.loaded.policy, facts, asked=False), NeedsCompliance)
    if isinstance(asked, NotAskable):
        if needed:
            known = asked.compliance
            say_field("compliance", f"{known.state.value}, without asking Intune: {known.detail}")
        else:
            say_field("compliance", "not asked: no rule needs it here")
        if assumed.state or assumed.live:
            say_field("", "Intune is not asked about this one, so the option makes no difference")
        judge.decide(asked.compliance if needed else NOT_ASKED)
    elif assumed.live:
        known = _ask(assembled, asked)
        if not needed:
            say_field("", "no rule needs it here: a login would be decided without asking")
        judge.decide(known if needed else NOT_ASKED)
    elif not needed:
        say_field("compliance", "not asked: no rule needs it here")
        judge.decide(NOT_ASKED)
    elif assumed.state:
        say_field("compliance", f"{assumed.state}, assumed")
        judge.decide(_assume(ComplianceState(assumed.state)))
    else:
        say_field("compliance", f"to be asked of Intune ({asked.key})")
        judge.decide_each(facts)


def _assume(state: ComplianceState) -> Compliance:
    """An answer of just now. Facts about the device are not made up: rules on them do not match."""
    source = ComplianceSource.NONE if state in NO_VERDICT else ComplianceSource.LIVE
    return Compliance(state=state, as_of=instant().wall, source=source, detail="assumed")


def _tell_name(named: Named) -> None:
    say_field("access", named.access.value)
    match named.identity:
        case Device(id=device, source=source, assurance=assurance):
            who = f"{device.kind.value} device {device.guid}"
            say_field("device", f"{who} (source {source.value}, assurance {assurance.name.lower()})")
        case Endpoint(mac=mac, source=source, assurance=assurance):
            say_field("endpoint", f"{mac} (source {source.value}, assurance {assurance.name.lower()})")
        case Unidentified():
            say_field("device", "nothing names it")
    if named.tenant not in ("", ONLY_TENANT):
        say_field("tenant", named.tenant)
    for attempt in named.attempts:
        say(f"  {attempt.source.value:<12}{attempt.outcome.value}: {attempt.detail}")
    if named.user:
        say_field("user", named.user)


def _ask(assembled: Assembled, asked: Ask) -> Compliance:
    """Ask Intune now, and say what came."""
    section = assembled.loaded.settings.tenant_sections[asked.tenant]
    source = building.source(section, assembled.tenants[asked.tenant])
    started = instant()
    known = source.lookup(asked.subject, _LIVE_LIMIT_S, time.time)
    now = instant()
    took_s, age_s = now.monotonic - started.monotonic, max(0.0, now.wall - known.as_of)
    detail = f": {known.detail}" if known.detail else ""
    say_field("compliance", f"{known.state.value}{detail}")
    say_field("", f"asked of Intune just now ({asked.key}), {age_s:.0f} s old, source {known.source.value}")
    deadline_s = assembled.loaded.settings.compliance.lookup_deadline.total_seconds()
    if took_s > deadline_s:
        say_field("", f"it took {took_s:.1f} s; a login waits {deadline_s:g} s and would be decided as `unavailable`")
    return known


class _Judge:
    """One request, decided under one compliance or another."""

    def __init__(self, assembled: Assembled, request: AccessRequest, named: Named) -> None:
        self._assembled = assembled
        self._request = request
        self._named = named
        self._question = Ask(tenant="", key="", subject=_NOBODY)
        self._authorizer = Authorizer(
            conversations=None,
            identity_rules=assembled.identity_rules,
            policy=assembled.loaded.policy,
            rendered=assembled.rendered,
        )

    def decide(self, known: Compliance) -> None:
        """Every rule tried, the decision, the reply."""
        policy = self._assembled.loaded.policy
        facts = facts_of(self._request, self._named, known, instant())
        say("rules")
        for number, trial in enumerate(explain(policy, facts), 1):
            self._tell_rule(number, trial.rule, f"{'matches' if trial.matched else 'no'}: {trial.detail}")
        decision = evaluate(policy, facts)
        if decision.effect is Effect.DENY:
            say_field("decision", f"Access-Reject by rule `{decision.rule}`")
            return
        say_field("decision", f"Access-Accept by rule `{decision.rule}`, profile `{decision.profile}`")
        self._tell_attributes(decision, known)

    def decide_each(self, facts: Facts) -> None:
        """Every rule as far as it goes without compliance, then the decision for each state."""
        say("rules")
        for number, rule in enumerate(self._assembled.loaded.policy.rules, 1):
            verdict = _without_compliance(rule, facts)
            self._tell_rule(number, rule.name, verdict)
            if verdict == "matches":
                break
        else:
            self._tell_rule(len(self._assembled.loaded.policy.rules) + 1, DEFAULT_DENY, "matches what no rule matched")
        say("decision, by what Intune says")
        if any(isinstance(each, OnVerdict) for rule in self._assembled.loaded.policy.rules for each in rule.asked):
            say("  (as if it had said so just now, and nothing more about the device: --live asks)")
        by_profile: dict[str, tuple[Decision, Compliance]] = {}
        for state in POSSIBLE_STATES:
            known = _assume(state)
            decision = evaluate(self._assembled.loaded.policy, facts_of(self._request, self._named, known, instant()))
            code = "Access-Accept" if decision.effect is Effect.ALLOW else "Access-Reject"
            say(f"  {state.value:<14}{code}  {decision.profile or '-':<14}rule `{decision.rule}`")
            if decision.profile:
                by_profile.setdefault(decision.profile, (decision, known))
        for profile, (decision, known) in by_profile.items():
            say_field("profile", f"`{profile}`")
            self._tell_attributes(decision, known)

    def _tell_rule(self, number: int, rule: str, text: str) -> None:
        width = max(
            len(known) for known in (DEFAULT_DENY, *(rule.name for rule in self._assembled.loaded.policy.rules))
        )
        say(f"  {number:>2} {rule:<{width}}  {text}")

    def _tell_attributes(self, decision: Decision, known: Compliance) -> None:
        """What the Accept carries; those of this request alone (its timeout) are made by the spine itself."""
        vendor = self._request.nas.vendor
        rendered = self._assembled.rendered[decision.profile, vendor]
        now = instant()
        need = NeedCompliance(
            question=self._question,
            request=self._request,
            named=self._named,
            proof=NoEap(),
            received=now,
        )
        reply = self._authorizer.decide(need, known, now).reply
        for attribute in (*rendered.attributes, *reply.attributes):
            say(f"  {value_text(attribute)}")
        if not rendered.attributes and not reply.attributes:
            say("  no attributes")
        if rendered.omitted:
            say_field("left out", f"{', '.join(rendered.omitted)} (optional, and `{vendor}` has no words for it)")


def _without_compliance(rule: Rule, facts: Facts) -> str:
    """How far this rule gets before Intune has answered."""
    wanted = []
    for condition in rule.conditions:
        if condition.waits:
            wanted.append(f"{condition.key.removeprefix('not.')} is {condition.wanted()}")
        elif not condition.test()(facts):
            return f"no: {condition.seen(facts)}, the rule wants {condition.wanted()}"
    return f"if {' and '.join(wanted)}" if wanted else "matches"
