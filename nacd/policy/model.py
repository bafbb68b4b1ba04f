"""Rules and policies as values.

Knows: what makes a rule and a policy whole, and how rules become steps that can be run quickly.
Refuses to know: where they were written down and what the profiles they name contain.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from nacd.policy.conditions import ComplianceIs, Condition, Predicate
from nacd.values import AccessKind, ComplianceState, Facts, Nas, Unidentified

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
    """A rule made ready for one access kind on one NAS: what is left to test, cheapest first, and the compliance
    states it accepts.

    states is empty when the rule does not care (or names every state there is).
    """

    tests: tuple[Predicate, ...]
    states: tuple[ComplianceState, ...]
    rule: Rule


_NASES_KEPT = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Rules in order, and the digest of the text they were read from (lower-case hex)."""

    rules: tuple[Rule, ...]
    digest: str
    _steps: dict[tuple[AccessKind, str, frozenset[str]], tuple[Step, ...]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        if not self.digest:
            raise ValueError("a policy needs a digest")
        names = [rule.name for rule in self.rules]
        if len(set(names)) != len(names):
            raise ValueError("two rules have the same name")

    def steps(self, access: AccessKind, nas: Nas) -> tuple[Step, ...]:
        """The rules that can match this access kind on this NAS, in order, up to one that always does.

        Worked out once for each pair and kept: of two hundred rules most belong to other sites.
        """
        key = (access, nas.name, nas.groups)
        known = self._steps.get(key)
        if known is None:
            if len(self._steps) >= _NASES_KEPT:
                self._steps.clear()
            known = self._steps[key] = _steps(self.rules, access, nas)
        return known


def _steps(rules: tuple[Rule, ...], access: AccessKind, nas: Nas) -> tuple[Step, ...]:
    here = Facts(access=access, nas=nas, identity=Unidentified(reason="not asked"))
    steps: list[Step] = []
    for rule in rules:
        settled = [condition for condition in rule.conditions if condition.settled_by_nas]
        if all(condition.test()(here) for condition in settled):
            steps.append(_step(rule))
            if not steps[-1].tests and not steps[-1].states:
                break
    return tuple(steps)


def _step(rule: Rule) -> Step:
    states: tuple[ComplianceState, ...] = ()
    others: list[Condition] = []
    for condition in rule.conditions:
        if isinstance(condition, ComplianceIs):
            states = () if set(condition.states) == set(ComplianceState) else condition.states
        elif not condition.settled_by_nas:
            others.append(condition)
    others.sort(key=lambda condition: condition.cost)
    return Step(tests=tuple(condition.test() for condition in others), states=states, rule=rule)
