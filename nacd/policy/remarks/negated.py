"""What is lawful under `not` but surely not meant.

Knows: rules that `not` keeps from ever matching, and who comes in by it without having been thought of: whatever is
absent is not what it says. Refuses to know: other rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from nacd.findings import Code
from nacd.policy.answered import DEVICE_KEYS, NO_VERDICT, ComplianceIs, OnVerdict, UserGroupIs
from nacd.policy.conditions import (
    NOT,
    AccessIs,
    AssuranceAtLeast,
    Condition,
    IdentityFrom,
    Not,
    Positive,
    excludes_nothing,
)
from nacd.policy.during import ALWAYS, During
from nacd.policy.implies import implies, reachable
from nacd.policy.model import DENY, Rule
from nacd.policy.remarks.shadow import is_of_states
from nacd.policy.words import any_of
from nacd.values import Assurance, ComplianceState, IdentitySource

_GOOD: Final = frozenset({ComplianceState.COMPLIANT, ComplianceState.IN_GRACE})


def remarks(rule: Rule) -> Iterator[tuple[str, str, Code]]:
    """Each with the key of the condition meant, and code: what `not` can never mean, and who comes in unthought of."""
    positive = [each for each in rule.conditions if not isinstance(each, Not)]
    if any(isinstance(each, ComplianceIs) for each in rule.asked) and not reachable(
        each for each in rule.conditions if is_of_states(each)
    ):
        message = "this rule can never match: `not` takes away every state that is left"
        yield f"{NOT}.compliance", message, Code.RULE_NEVER_MATCHES
    for condition in rule.conditions:
        if not isinstance(condition, Not):
            continue
        inner = condition.inner
        never = next((each for each in positive if implies(each, inner, {})), None)
        if never is not None:
            message = f"this rule can never match: `{never.key}` beside `not` makes sure that this holds"
            yield condition.key, message, Code.RULE_NEVER_MATCHES
        elif not isinstance(inner, ComplianceIs) and _always_holds(inner):
            message = "this rule can never match: what must not hold here always holds"
            yield condition.key, message, Code.RULE_NEVER_MATCHES
        elif rule.then != DENY and (forgotten := _forgotten(inner, rule, positive)):
            yield condition.key, forgotten, Code.NOT_LETS_IN


def _always_holds(condition: Condition) -> bool:
    match condition:
        case AccessIs() | IdentityFrom() | AssuranceAtLeast():
            return excludes_nothing(condition)
        case During():
            return condition.minutes() == ALWAYS
        case _:
            return False


def _forgotten(inner: Condition, rule: Rule, positive: list[Positive]) -> str:
    """Who comes in besides those that were thought of, ``""`` for nobody."""
    keys = {each.key for each in positive}
    left = reachable(rule.conditions)
    if isinstance(inner, ComplianceIs):
        rest = sorted(left - _GOOD)
        return (
            f"this lets in {any_of(rest).replace(' or ', ' and ')} too: better write the states that may come in"
            if (rest and "compliance" not in keys)
            else ""
        )
    if isinstance(inner, UserGroupIs):
        return ""  # whoever is not known to be outside stays out
    if isinstance(inner, OnVerdict):
        silent = sorted(left & NO_VERDICT)
        if silent:
            return f"this lets in also where there is no verdict ({any_of(silent)}): write `compliance` beside `not`"
        return "" if inner.key in keys or inner.key not in DEVICE_KEYS else f"this lets in also where {_absent(inner)}"
    if inner.key in ("mac", "mac_in", "inventory"):
        return "this keeps out nobody who wants in: a MAC is free to choose, and another one is let in"
    if inner.key in _NO_SURPRISE or inner.key in keys or (inner.key in _OF_CERTIFICATE and _shows_one(positive)):
        return ""
    return f"this lets in also where {_absent(inner)}"


def _absent(condition: Condition) -> str:
    return f"there is no `{condition.key}`"


_NO_SURPRISE: Final = frozenset(
    {"access", "nas", "vendor", "group", "identity", "assurance", "during", "ssid", "bssid"}
)
"""What is always there, and what everybody expects not to be there by cable."""
_OF_CERTIFICATE: Final = frozenset(
    ["issuer", "subject", "template", "eku", "san_dns", "san_uri", "san_upn", "expires_in"]
)


def _shows_one(positive: list[Positive]) -> bool:
    """Whether there surely is a certificate."""
    sources = next((set(each.sources) for each in positive if isinstance(each, IdentityFrom)), set[str]())
    sure = any(isinstance(each, AssuranceAtLeast) and each.level is Assurance.CERTIFICATE for each in positive)
    return sure or sources == {IdentitySource.CERTIFICATE} or any(each.key in _OF_CERTIFICATE for each in positive)
