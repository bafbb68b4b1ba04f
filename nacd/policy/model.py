"""Rules and policies as values.

Knows: what makes a rule and a policy whole, and how rules become steps that can be run quickly.
Refuses to know: where they were written down and what the profiles they name contain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from nacd.policy.answered import ComplianceIs, LastSync, VerdictAge, reachable
from nacd.policy.conditions import Condition, MacIn, MacMatches
from nacd.policy.during import During
from nacd.policy.words import Predicate
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
    """A rule made ready: what is left to test, cheapest first, and what it asks of Intune's answer.

    states: those it accepts, empty when it does not care (or names every state there is). late: tests of the answer
    beside its state. A rule with neither does not wait for an answer.
    """

    tests: tuple[Predicate, ...]
    states: tuple[ComplianceState, ...]
    late: tuple[Predicate, ...]
    rule: Rule


Numbered: TypeAlias = tuple[int, Step]

_NASES_KEPT = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class MacIndex:
    """Which rules name a MAC, by the MAC or by its beginning. One for the whole policy: lists may be long."""

    rules: Mapping[str, tuple[int, ...]]
    lengths: tuple[int, ...]

    def find(self, mac: str) -> set[int]:
        """Numbers of the rules whose first condition on MACs holds for this one."""
        found: set[int] = set()
        for length in self.lengths:
            found.update(self.rules.get(mac[:length], ()))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The rules that can match one access kind on one NAS, ready to be tried.

    Theory: of two hundred rules most belong to other sites, and most of the rest name MACs of other makers. So
    the first kind is left out when the steps are made, and the second is found by the MAC; what is found that way
    has passed its MAC test. always: rules that name no MAC. named: the others, by number.
    """

    always: tuple[Numbered, ...]
    named: Mapping[int, Step]
    index: MacIndex

    def of(self, mac: str) -> tuple[Numbered, ...]:
        """The steps to try for this MAC (``""`` for none), in the order of the rules."""
        found = self.index.find(mac) & self.named.keys() if mac and self.named else ()
        if not found:
            return self.always
        return tuple(sorted([*self.always, *((number, self.named[number]) for number in found)]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Rules in order, and the digest of the text they were read from (lower-case hex)."""

    rules: tuple[Rule, ...]
    digest: str
    _macs: MacIndex = field(init=False, repr=False, compare=False)
    _steps: dict[tuple[AccessKind, str, frozenset[str]], Steps] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        if not self.digest:
            raise ValueError("a policy needs a digest")
        names = [rule.name for rule in self.rules]
        if len(set(names)) != len(names):
            raise ValueError("two rules have the same name")
        object.__setattr__(self, "_macs", _mac_index(self.rules))

    @property
    def asks_the_clock(self) -> bool:
        """Whether a rule asks what time it is."""
        return any(isinstance(each, During) for rule in self.rules for each in rule.conditions)

    @property
    def depends_on_time(self) -> bool:
        """Whether the same facts may be decided otherwise later: a rule asks what time it is, or how old something."""
        ages = (isinstance(each, VerdictAge | LastSync) for rule in self.rules for each in rule.conditions)
        return self.asks_the_clock or any(ages)

    def steps(self, access: AccessKind, nas: Nas) -> Steps:
        """The rules that can match here, worked out once for each access kind and NAS and kept."""
        key = (access, nas.name, nas.groups)
        known = self._steps.get(key)
        if known is None:
            if len(self._steps) >= _NASES_KEPT:
                self._steps.clear()
            known = self._steps[key] = _steps(self.rules, self._macs, access, nas)
        return known


def _on_macs(rule: Rule) -> MacMatches | MacIn | None:
    return next((condition for condition in rule.conditions if isinstance(condition, MacMatches | MacIn)), None)


def _mac_index(rules: tuple[Rule, ...]) -> MacIndex:
    found: dict[str, tuple[int, ...]] = {}
    for number, rule in enumerate(rules):
        condition = _on_macs(rule)
        for beginning in condition.beginnings() if condition is not None else ():
            found[beginning] = (*found.get(beginning, ()), number)
    return MacIndex(rules=found, lengths=tuple(sorted({len(beginning) for beginning in found})))


def _steps(rules: tuple[Rule, ...], macs: MacIndex, access: AccessKind, nas: Nas) -> Steps:
    here = Facts(access=access, nas=nas, identity=Unidentified(reason="not asked"))
    always: list[Numbered] = []
    named: dict[int, Step] = {}
    for number, rule in enumerate(rules):
        if not all(condition.test()(here) for condition in rule.conditions if condition.settled_by_nas):
            continue
        if not reachable(rule.conditions):
            continue
        on_macs = _on_macs(rule)
        step = _step(rule, [each for each in rule.conditions if not each.settled_by_nas and each is not on_macs])
        if on_macs is not None:
            named[number] = step
            continue
        always.append((number, step))
        if not step.tests and not step.states and not step.late:
            break
    return Steps(always=tuple(always), named=named, index=macs)


def _step(rule: Rule, conditions: list[Condition]) -> Step:
    states: tuple[ComplianceState, ...] = ()
    tests: list[Condition] = []
    late: list[Condition] = []
    for condition in conditions:
        if isinstance(condition, ComplianceIs):
            states = () if set(condition.states) == set(ComplianceState) else condition.states
        else:
            (late if condition.waits else tests).append(condition)
    tests.sort(key=lambda condition: condition.cost)
    return Step(
        tests=tuple(condition.test() for condition in tests),
        states=states,
        late=tuple(condition.test() for condition in late),
        rule=rule,
    )
