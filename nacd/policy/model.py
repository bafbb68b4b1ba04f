"""Rules and policies as values.

Knows: what makes a rule and a policy whole, and how rules become steps that can be run quickly.
Refuses to know: where they were written down and what the profiles they name contain.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from nacd.policy.conditions import ComplianceIs, Condition, Predicate
from nacd.values import ComplianceState

DENY = "deny"
"""What ``then:`` says to refuse."""
DEFAULT_DENY = "default-deny"
"""The rule behind a decision when no rule matched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When all conditions hold, then this profile, or ``deny``. line: in the policy file, from 1."""

    name: str
    line: int
    conditions: tuple[Condition, ...]
    then: str

    def __post_init__(self) -> None:
        if not self.name or not self.then:
            raise ValueError("a rule needs a name and a profile or `deny`")
        if self.name == DEFAULT_DENY:
            raise ValueError(f"`{DEFAULT_DENY}` is what happens when no rule matches")
        keys = [condition.key for condition in self.conditions]
        if len(set(keys)) != len(keys):
            raise ValueError(f"rule `{self.name}` has a condition twice")


class Step(NamedTuple):
    """A rule made ready: predicates, cheapest first, and the compliance states it accepts.

    states is empty when the rule does not care (or names every state there is).
    """

    tests: tuple[Predicate, ...]
    states: tuple[ComplianceState, ...]
    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Rules in order, and the digest of the text they were read from (lower-case hex)."""

    rules: tuple[Rule, ...]
    digest: str
    steps: tuple[Step, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.digest:
            raise ValueError("a policy needs a digest")
        names = [rule.name for rule in self.rules]
        if len(set(names)) != len(names):
            raise ValueError("two rules have the same name")
        object.__setattr__(self, "steps", tuple(_step(rule) for rule in self.rules))


def _step(rule: Rule) -> Step:
    states: tuple[ComplianceState, ...] = ()
    others: list[Condition] = []
    for condition in rule.conditions:
        if isinstance(condition, ComplianceIs):
            states = () if set(condition.states) == set(ComplianceState) else condition.states
        else:
            others.append(condition)
    others.sort(key=lambda condition: condition.cost)
    return Step(tests=tuple(condition.test() for condition in others), states=states, rule=rule)
