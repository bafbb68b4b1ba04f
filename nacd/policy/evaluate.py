"""Trying the rules in order: the first whose conditions all hold decides, else default-deny.

Knows: the order, and when an answer of Intune could still change the outcome. Refuses to know: how to
get that answer. Evaluation is total: it has no error of its own and never waits.

Theory. Without the answer a rule is one of three things: *out* (another condition fails), *in* (all
hold and it does not care about the answer), or *open* (only conditions on the answer are left: its state,
its age, the facts beside it). A rule in decides; a rule out is passed over. The first open rule is where
asking starts to matter: some answers meet it and others do not, so one answer ends at this rule and another
goes on to a different one. So asking is needed exactly when an open rule comes before the first rule that is
in. (A rule that no answer can meet would spoil that "exactly"; it is no step, ``model._steps`` leaves it out.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, overload

from nacd.policy.conditions import Condition, Not
from nacd.policy.model import DEFAULT_DENY, DENY, Policy, Rule
from nacd.values import Decision, Effect, Facts, RuleTrial, Unidentified


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsCompliance:
    """The outcome hinges on what Intune says; ``rule`` is the first rule where it does."""

    rule: str


@overload
def evaluate(policy: Policy, facts: Facts, *, asked: Literal[True] = ...) -> Decision: ...
@overload
def evaluate(policy: Policy, facts: Facts, *, asked: Literal[False]) -> NeedsCompliance | Decision: ...


def evaluate(policy: Policy, facts: Facts, *, asked: bool = True) -> Decision | NeedsCompliance:
    """Decide. With ``asked=False`` the compliance in ``facts`` is taken as not known yet:
    the answer is ``NeedsCompliance`` exactly when some compliance could change the decision."""
    state = facts.compliance.state
    for _, (tests, states, late, rule) in policy.steps(facts.access, facts.nas).of(facts):
        for test in tests:
            if not test(facts):
                break
        else:
            if not states and not late:
                return _decision(policy, rule, facts, asked)
            if not asked:
                return NeedsCompliance(rule=rule.name)
            if (not states or state in states) and (not late or all(test(facts) for test in late)):
                return _decision(policy, rule, facts, asked)
    return Decision(
        effect=Effect.DENY,
        rule=DEFAULT_DENY,
        profile="",
        reasons=_nothing_matched(facts, asked),
        policy_digest=policy.digest,
    )


_EVERYTHING = ("the rule matches everything",)
_PATTERNS = frozenset({"mac", "issuer", "subject", "san_dns", "san_uri", "san_upn", "user", "bssid"}) | frozenset(
    {"client_platform", "device_name", "device_user"}
)


def _decision(policy: Policy, rule: Rule, facts: Facts, asked: bool) -> Decision:
    denied = rule.then == DENY
    return Decision(
        effect=Effect.DENY if denied else Effect.ALLOW,
        rule=rule.name,
        profile="" if denied else rule.then,
        reasons=tuple([_holds(each, facts) for each in rule.conditions if asked or not each.waits]) or _EVERYTHING,
        policy_digest=policy.digest,
    )


def _holds(condition: Condition, facts: Facts) -> str:
    """What was found; for patterns and what must not be also what it was held against."""
    seen = condition.seen(facts)
    if isinstance(condition, Not):
        return f"{seen}, not {condition.inner.wanted()}"
    if condition.key in _PATTERNS and f"`{condition.wanted().strip('`')}`" not in seen:
        return f"{seen}, which matches {condition.wanted()}"
    return seen


def _nothing_matched(facts: Facts, asked: bool) -> tuple[str, ...]:
    identity = facts.identity
    if isinstance(identity, Unidentified):
        named = f"nothing names the endpoint: {identity.reason}"
    else:
        named = f"identity comes from `{identity.source}`"
    return (
        "no rule matched",
        f"access is `{facts.access}`",
        f"nas is `{facts.nas.name}`",
        named,
        f"compliance is `{facts.compliance.state}`" if asked else "compliance makes no difference",
    )


def explain(policy: Policy, facts: Facts) -> tuple[RuleTrial, ...]:
    """Every rule tried, in order, up to the one that decides: why not, and at last why.

    The last trial is the decision's rule; ``default-deny`` when no rule matched.
    """
    trials: list[RuleTrial] = []
    for rule in policy.rules:
        failed = _first_failure(rule, facts)
        trials.append(RuleTrial(rule=rule.name, matched=not failed, detail=failed or _why(rule, facts)))
        if not failed:
            return tuple(trials)
    return (*trials, RuleTrial(rule=DEFAULT_DENY, matched=True, detail="no rule matched"))


def _first_failure(rule: Rule, facts: Facts) -> str:
    for condition in rule.conditions:
        if not condition.test()(facts):
            return f"{condition.seen(facts)}, the rule wants {condition.wanted()}"
    return ""


def _why(rule: Rule, facts: Facts) -> str:
    return "; ".join(_holds(condition, facts) for condition in rule.conditions) or "the rule matches everything"
