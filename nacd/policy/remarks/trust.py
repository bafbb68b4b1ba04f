"""Rules that let in more than they seem to.

Knows: which rules accept without compliance, and without anything that proves who comes. Refuses to know: what a
profile opens. The nearest to it: a profile that some rule gives to compliant devices alone is taken for full access.

Silent on purpose: on a profile that is not full access where others are (a catch-all that quarantines is fine); on
rules with a list of their own (``mac_in``, ``device_in``, an inventory, MACs one by one); on 802.1X and VPNs by EAP,
where a certificate was verified whatever names the device.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from nacd.findings import Code
from nacd.policy.answered import ComplianceIs, OnVerdict
from nacd.policy.model import DENY, Rule
from nacd.policy.remarks.worlds import Worlds
from nacd.policy.requested import MacMatches
from nacd.policy.words import any_of
from nacd.values import AccessKind, ComplianceState

_GOOD: Final = frozenset({ComplianceState.COMPLIANT, ComplianceState.IN_GRACE})
_BAD: Final = (
    ComplianceState.NONCOMPLIANT,
    ComplianceState.NOT_MANAGED,
    ComplianceState.UNKNOWN,
    ComplianceState.UNAVAILABLE,
)
_LISTS: Final = frozenset({"mac_in", "device_in", "inventory"})


def remarks(rules: Sequence[Rule], worlds: Worlds) -> Iterator[tuple[str, str, str, Code]]:
    """Each with rule, key of the condition meant, message and code."""
    full = {rule.then for rule in rules if any(_is_good(each) for each in rule.conditions)} - {DENY}
    verified = worlds.of(kinds=[AccessKind.DOT1X, AccessKind.VPN]) & ~worlds.by_concentrator
    named = worlds.of(kinds=[AccessKind.VPN], sources=["certificate"])
    unproved = worlds.possible & ~verified & ~named
    bad = {state: worlds.of(states=[state]) & (verified | named) for state in _BAD}
    for rule, reach in zip(rules, worlds.reaches, strict=True):
        if rule.then == DENY or not reach.left or _is_asked(rule) or _is_listed(rule):
            continue
        states = [state for state, with_it in bad.items() if reach.left & with_it]
        if states and (rule.then in full or not full):
            message = f"this does not ask compliance: {any_of(states).replace(' or ', ' and ')} devices come in too"
            yield rule.name, "", message, Code.ACCEPT_ANY_STATE
        if reach.left & unproved:
            yield rule.name, *_unproved(rule)


def _is_good(condition: object) -> bool:
    return isinstance(condition, ComplianceIs) and _GOOD.issuperset(condition.states)


def _is_asked(rule: Rule) -> bool:
    """Whether it asks anything of the verdict: then other remarks say what there is to say."""
    return any(isinstance(each, ComplianceIs) for each in rule.asked) or any(
        isinstance(each, OnVerdict) for each in rule.conditions
    )


def _is_listed(rule: Rule) -> bool:
    return any(each.key in _LISTS or (isinstance(each, MacMatches) and not each.prefixes()) for each in rule.conditions)


def _unproved(rule: Rule) -> tuple[str, str, Code]:
    for each in rule.conditions:
        if isinstance(each, MacMatches):
            message = f"{each.wanted()} is no identity: whoever sets such a MAC comes in"
            return each.key, message, Code.MAC_PATTERN
    message = "this lets in endpoints that have proved nothing: no list, no compliance and no certificate is asked for"
    return "", message, Code.ACCEPT_UNPROVED
