"""What is lawful in a policy but surely not meant.

Knows: rules that can never match, states that cannot come, facts that seldom come, verdicts a cloned MAC can
take, something asked of whatever verdict. Refuses to know: where the rules stand in a file (a note names rule and
condition, ``config/`` finds the place) and how to refuse a policy.

A rule can never match when one earlier rule has the same or weaker conditions. Compliance is the one
condition on which several earlier rules may share the work: each takes some states away. Other conditions on
the answer are compared like all the rest; and where there is one, the states without a verdict are away already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from nacd.findings import Code
from nacd.policy.answered import (
    DEVICE_KEYS,
    NO_VERDICT,
    ComplianceIs,
    OnVerdict,
    SystemVersion,
)
from nacd.policy.conditions import (
    NO_SOURCE,
    AccessIs,
    AssuranceAtLeast,
    Condition,
    GroupIs,
    IdentityFrom,
    NasIs,
)
from nacd.policy.during import ALWAYS, During
from nacd.policy.implies import reachable
from nacd.policy.model import DENY, Policy, Rule
from nacd.policy.remarks import gaps, negated, trust
from nacd.policy.remarks.shadow import Comparison
from nacd.policy.remarks.worlds import Site, Worlds
from nacd.policy.words import any_of
from nacd.values import AccessKind, Assurance, ComplianceState, IdentitySource

_GOOD = frozenset({ComplianceState.COMPLIANT, ComplianceState.IN_GRACE})
_BAD = frozenset({ComplianceState.NONCOMPLIANT, ComplianceState.NOT_MANAGED})
_NEVER_ASKED_ABOUT = frozenset(ComplianceState) - {ComplianceState.NOT_ASKED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A remark on one rule. condition: the key of the condition meant, ``""`` for the whole rule. code: out of
    ``findings``."""

    rule: str
    condition: str
    message: str
    code: Code


def notes(policy: Policy, *, groups: Mapping[str, frozenset[str]], graph: bool, graph_sure: bool) -> tuple[Note, ...]:
    """All remarks, in the order of the rules.

    groups: NAS name to the groups it is in; empty when not known. graph: whether Microsoft Graph is ever
    asked, the only source of ``in_grace`` and of facts about devices. graph_sure: whether every answer is its.
    """
    found: list[Note] = []
    comparison = Comparison(policy.rules, groups)
    for number, rule in enumerate(policy.rules):
        found.extend(_states(rule, graph))
        found.extend(_verdicts(rule, _left_over(number, policy.rules, comparison)))
        found.extend(_versions(rule))
        found.extend(_times(rule))
        found.extend(_facts(rule, graph_sure))
        found.extend(_cloned(rule))
        found.extend(_no_such_nas(rule, groups))
        found.extend(_shadowed(number, policy.rules, comparison))
        found.extend(
            Note(rule=rule.name, condition=key, message=said, code=code) for key, said, code in negated.remarks(rule)
        )
    if comparison.gave_up:
        message = "the rules are too many and too much alike: not all of them were compared with those above them"
        found.append(Note(rule=policy.rules[-1].name, condition="", message=message, code=Code.RULES_NOT_COMPARED))
    return tuple(found)


def survey(policy: Policy, site: Site, dead: AbstractSet[str]) -> tuple[Note, ...]:
    """What only the whole site tells: rules that nothing here reaches, states without a rule, and whom rules let in.

    dead: rules that ``notes`` says of that they never match.
    """
    worlds = Worlds(policy.rules, site)
    found = [*gaps.remarks(policy.rules, worlds, site, dead), *trust.remarks(policy.rules, worlds)]
    return tuple(Note(rule=rule, condition=key, message=said, code=code) for rule, key, said, code in found)


NEVER: Final = frozenset({Code.RULE_NEVER_MATCHES, Code.RULE_SHADOWED})
"""What is said of a rule that never matches."""


def _condition(rule: Rule, key: str) -> Condition | None:
    return next((condition for condition in rule.conditions if condition.key == key), None)


def _on_device(rule: Rule) -> str:
    """Key of the first condition on facts of the device, ``""`` if there is none."""
    return next((condition.key for condition in rule.conditions if condition.key in DEVICE_KEYS), "")


def _states(rule: Rule, graph: bool) -> Iterator[Note]:
    compliance = _condition(rule, "compliance")
    if not isinstance(compliance, ComplianceIs):
        return
    if ComplianceState.IN_GRACE in compliance.states and not graph:
        message = "`in_grace` never comes: NAC 2.0 does not tell it, only Microsoft Graph does"
        yield Note(rule=rule.name, condition="compliance", message=message, code=Code.STATE_NEVER_COMES)
    identity = _condition(rule, "identity")
    if isinstance(identity, IdentityFrom) and set(identity.sources) == {NO_SOURCE}:
        states = set(compliance.states) & _NEVER_ASKED_ABOUT
        if states:
            message = (
                f"{any_of(state for state in compliance.states if state in states)} never comes here:"
                " nobody can ask about an endpoint that nothing names, its compliance is `not_asked`"
            )
            yield Note(rule=rule.name, condition="compliance", message=message, code=Code.STATE_NEVER_COMES)


def _left_over(number: int, rules: tuple[Rule, ...], comparison: Comparison) -> frozenset[ComplianceState]:
    """Bad verdicts that rules above leave to a rule that lets in, asks for a verdict, and not what it says."""
    rule = rules[number]
    if (
        rule.then == DENY
        or _condition(rule, "compliance")
        or not any(isinstance(c, OnVerdict) for c in rule.conditions)
    ):
        return frozenset()
    taken = [reachable(rules[earlier].conditions) for earlier in comparison.above(number)]
    return _BAD.difference(*taken)


def _verdicts(rule: Rule, left_over: frozenset[ComplianceState]) -> Iterator[Note]:
    """What needs a verdict, where there is none, or where it may be any verdict."""
    first = next((condition for condition in rule.conditions if isinstance(condition, OnVerdict)), None)
    if first is None:
        return
    identity, compliance = _condition(rule, "identity"), _condition(rule, "compliance")
    if isinstance(identity, IdentityFrom) and set(identity.sources) == {NO_SOURCE}:
        message = "this rule can never match: nobody can ask about an endpoint that nothing names"
        yield Note(rule=rule.name, condition=first.key, message=message, code=Code.RULE_NEVER_MATCHES)
    if isinstance(compliance, ComplianceIs):
        lost = [state for state in compliance.states if state in NO_VERDICT]
        if len(lost) == len(compliance.states):
            message = f"this rule can never match: with {any_of(lost)} there is no verdict, and no `{first.key}`"
            yield Note(rule=rule.name, condition=first.key, message=message, code=Code.RULE_NEVER_MATCHES)
        return
    if left_over:
        named = " and ".join(f"`{state}`" for state in sorted(left_over))
        message = f"this does not ask what the verdict says: without `compliance` {named} devices fit too"
        yield Note(rule=rule.name, condition=first.key, message=message, code=Code.VERDICT_NOT_ASKED)


def _versions(rule: Rule) -> Iterator[Note]:
    version = _condition(rule, "os_version")
    if isinstance(version, SystemVersion) and version.below and version.version == (0,):
        message = "this rule can never match: no version is below `0`"
        yield Note(rule=rule.name, condition="os_version", message=message, code=Code.RULE_NEVER_MATCHES)


def _times(rule: Rule) -> Iterator[Note]:
    """Hours of which there are none are refused where they are read; here is the opposite."""
    during = _condition(rule, "during")
    if isinstance(during, During) and during.minutes() == ALWAYS:
        yield Note(
            rule=rule.name,
            condition="during",
            message="these hours are the whole week: they leave nothing out",
            code=Code.HOURS_ALWAYS,
        )


def _facts(rule: Rule, graph_sure: bool) -> Iterator[Note]:
    key = _on_device(rule)
    if key and not graph_sure:
        message = (
            f"only Microsoft Graph tells `{key}`, and not every answer is its: where NAC is asked first,"
            " this matches only while NAC fails and `fallback: graph` answers"
        )
        yield Note(rule=rule.name, condition=key, message=message, code=Code.FACTS_SELDOM_TOLD)


def _cloned(rule: Rule) -> Iterator[Note]:
    """A good verdict or facts that let in, of whatever the MAC names: they are a device's, the MAC is anybody's."""
    compliance = _condition(rule, "compliance")
    good = not isinstance(compliance, ComplianceIs) or not _GOOD.isdisjoint(compliance.states)
    key = "compliance" if compliance else _on_device(rule)
    if rule.then == DENY or not key or not good:
        return
    identity, assurance = _condition(rule, "identity"), _condition(rule, "assurance")
    if isinstance(identity, IdentityFrom) and IdentitySource.MAC not in identity.sources:
        return
    if isinstance(assurance, AssuranceAtLeast) and assurance.level > Assurance.MAC:
        return
    access, what = _condition(rule, "access"), "verdict" if compliance else "facts"
    if isinstance(access, AccessIs) and set(access.kinds) == {AccessKind.MAB}:
        message = f"a MAC can be cloned, and a cloned MAC takes another device's {what}: give it little access"
    else:
        message = f"a MAC can be cloned: without `identity: certificate` a cloned MAC takes another device's {what}"
    yield Note(rule=rule.name, condition=key, message=message, code=Code.MAC_CLONED)


def _no_such_nas(rule: Rule, groups: Mapping[str, frozenset[str]]) -> Iterator[Note]:
    nas, group = _condition(rule, "nas"), _condition(rule, "group")
    if not (isinstance(nas, NasIs) and isinstance(group, GroupIs)):
        return
    known = [name for name in nas.names if name in groups]
    if known and all(groups[name].isdisjoint(group.groups) for name in known):
        message = f"this rule can never match: no nas out of {nas.wanted()} is in group {group.wanted()}"
        yield Note(rule=rule.name, condition="group", message=message, code=Code.RULE_NEVER_MATCHES)


def _shadowed(number: int, rules: tuple[Rule, ...], comparison: Comparison) -> Iterator[Note]:
    rule = rules[number]
    left = set(reachable(rule.conditions))
    if not left:
        return
    shadows: list[str] = []
    for earlier in comparison.above(number):
        other = rules[earlier]
        taken = reachable(other.conditions)
        if taken & left:
            shadows.append(f"`{other.name}` (line {other.line})")
            left -= taken
        if not left:
            who = shadows[0] if len(shadows) == 1 else f"{', '.join(shadows[:-1])} and {shadows[-1]}"
            takes = "takes" if len(shadows) == 1 else "together take"
            what = "refuse" if rule.then == DENY else "accept"
            message = f"this rule can never match: {who} above {takes} everything it would {what}"
            yield Note(rule=rule.name, condition="", message=message, code=Code.RULE_SHADOWED)
            return
