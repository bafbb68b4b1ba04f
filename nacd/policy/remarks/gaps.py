"""Rules that nothing reaches, and states that no rule takes.

Knows: what follows from the worlds of a site. Refuses to know: pairs of rules that worlds do not tell (``shadow``), and
whether a rule should let in (``trust``).

Silent on purpose: on ``not_asked`` (nobody was asked, and default-deny is what an endpoint gets that nothing names); on
an access kind that no rule takes at all (whoever writes no rule for it wants none of it); and on a state that some rule
takes under conditions on other things (a user, a list), or for some NASes or identities only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from nacd.findings import Code
from nacd.policy.answered import ComplianceIs
from nacd.policy.conditions import AccessIs, IdentityFrom
from nacd.policy.model import DENY, Rule
from nacd.policy.remarks.worlds import Site, Worlds
from nacd.policy.words import any_of
from nacd.values import AccessKind, ComplianceState

_NAMED: Final = 50
"""For how many rules the ones above are named that take everything: each is a walk through all of them."""


def remarks(
    rules: Sequence[Rule], worlds: Worlds, site: Site, dead: AbstractSet[str]
) -> Iterator[tuple[str, str, str, Code]]:
    """Each with rule, key of the condition meant, message and code. dead: rules that are known never to match."""
    budget = _NAMED
    for number, (rule, reach) in enumerate(zip(rules, worlds.reaches, strict=True)):
        if rule.name in dead:
            continue
        if not reach.may:
            message = "this rule can never match: no NAS and no source that is set up here gives what it asks for"
            yield rule.name, "", message, Code.RULE_NOT_HERE
        elif not reach.left:
            takers = [rules[each] for each in worlds.takers(number)] if budget > 0 else []
            budget -= 1
            yield rule.name, "", _shadowed(rule, takers), Code.RULE_SHADOWED
        elif reach.left != reach.may:
            yield from _partly(rule, worlds, reach.may, reach.left)
    yield from _holes(rules, worlds, site)


def _shadowed(rule: Rule, takers: Sequence[Rule]) -> str:
    what = "refuse" if rule.then == DENY else "accept"
    if not takers:
        return f"this rule can never match: rules above take everything it would {what}"
    names = [f"`{each.name}` (line {each.line})" for each in takers]
    who = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    takes = "takes" if len(names) == 1 else "together take"
    return f"this rule can never match: {who} above {takes} everything it would {what}"


def _partly(rule: Rule, worlds: Worlds, may: int, left: int) -> Iterator[tuple[str, str, str, Code]]:
    """Words that a rule names and that rules above take from it."""
    for condition in rule.conditions:
        match condition:
            case AccessIs(kinds=kinds):
                lost = [str(kind) for kind in kinds if _is_lost(worlds.of(kinds=[kind]), may, left)]
            case IdentityFrom(sources=sources):
                lost = [source for source in sources if _is_lost(worlds.of(sources=[source]), may, left)]
            case ComplianceIs(states=states):
                lost = [str(state) for state in states if _is_lost(worlds.of(states=[state]), may, left)]
            case _:
                lost = []
        if lost:
            message = f"{any_of(lost)} never comes to this rule: rules above take it"
            yield rule.name, condition.key, message, Code.RULE_PARTLY_SHADOWED


def _is_lost(worlds: int, may: int, left: int) -> bool:
    return bool(worlds & may) and not worlds & left


def _holes(rules: Sequence[Rule], worlds: Worlds, site: Site) -> Iterator[tuple[str, str, str, Code]]:
    covered = 0
    for reach in worlds.reaches:
        covered |= reach.may
    for kind in AccessKind:
        here = worlds.of(kinds=[kind]) & worlds.possible
        if not here & covered:
            continue
        missing = [
            state
            for state in ComplianceState
            if state in site.states - {ComplianceState.NOT_ASKED}
            and (comes := here & worlds.of(states=[state]))
            and not comes & covered
        ]
        if missing:
            last = max(number for number, reach in enumerate(worlds.reaches) if reach.may & here)
            message = f"below it no rule takes access `{kind}` with compliance {any_of(missing)}: default-deny refuses"
            yield rules[last].name, "", message, Code.STATE_WITHOUT_RULE
