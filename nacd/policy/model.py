"""Rules and policies as values.

Knows: what makes a rule and a policy whole. Refuses to know: where they were written down, what the profiles they
name contain, and how rules are tried quickly (``steps``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from nacd.policy.answered import LastSync, VerdictAge, groups_asked
from nacd.policy.certified import ExpiresIn
from nacd.policy.conditions import Condition, Not, Positive
from nacd.policy.during import During
from nacd.policy.monitor.scopes import NO_MONITORS, Monitors
from nacd.policy.requested import Listed
from nacd.policy.steps import Compiled, Steps
from nacd.values import AccessKind, Nas

DENY = "deny"
"""What ``then:`` says to refuse."""
DEFAULT_DENY = "default-deny"
"""The rule behind a decision when no rule matched."""
_AN_ORDER = "stands for an order of a person, which no guard holds back"
TAKEN: Final[Mapping[str, str]] = MappingProxyType(
    {
        DEFAULT_DENY: "is what happens when no rule matches",
        "override-quarantine": _AN_ORDER,
        "override-block": _AN_ORDER,
        "override-allow": _AN_ORDER,
        "certificate-expired": "stands for a certificate that has ended, which no outage of Intune holds back",
    }
)
"""Names that no rule may have, and why: they stand where a rule is named, and more than its name follows from them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When all conditions hold, then this profile, or ``deny``. line: in the policy file, from 1."""

    name: str
    line: int
    conditions: tuple[Condition, ...]
    then: str

    @property
    def asked(self) -> tuple[Positive, ...]:
        """All that it asks, be it that it holds or that it does not."""
        return tuple(each.inner if isinstance(each, Not) else each for each in self.conditions)

    def __post_init__(self) -> None:
        if not self.name or not self.then:
            raise ValueError("a rule needs a name and a profile or `deny`")
        if self.name in TAKEN:
            raise ValueError(f"`{self.name}` {TAKEN[self.name]}")
        keys = [condition.key for condition in self.conditions]
        if len(set(keys)) != len(keys):
            raise ValueError(f"rule `{self.name}` has a condition twice")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Rules in order, and the digest of the text they were read from (lower-case hex).

    monitors: where something else is answered than the rules decide.
    """

    rules: tuple[Rule, ...]
    digest: str
    monitors: Monitors = NO_MONITORS
    _compiled: Compiled[Rule] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.digest:
            raise ValueError("a policy needs a digest")
        names = [rule.name for rule in self.rules]
        if len(set(names)) != len(names):
            raise ValueError("two rules have the same name")
        object.__setattr__(self, "_compiled", Compiled([(rule, rule.conditions) for rule in self.rules]))

    @property
    def user_groups(self) -> frozenset[str]:
        """Object ids of all groups that rules ask about."""
        return groups_asked(each for rule in self.rules for each in rule.asked)

    @property
    def asks_the_clock(self) -> bool:
        """Whether a rule asks what time it is."""
        return any(isinstance(each, During) for rule in self.rules for each in rule.asked)

    @property
    def depends_on_time(self) -> bool:
        """Whether the same facts may be decided otherwise later: a rule asks what time it is, or how long ago or
        ahead something is."""
        return self.asks_the_clock or any(_ages(each) for rule in self.rules for each in rule.asked)

    def steps(self, access: AccessKind, nas: Nas) -> Steps[Rule]:
        """The rules that can match here, worked out once for each access kind and NAS and kept."""
        return self._compiled.steps(access, nas)


def _ages(condition: Positive) -> bool:
    """Whether it may hold now and not later, or the other way round."""
    return isinstance(condition, VerdictAge | LastSync | ExpiresIn) or (
        isinstance(condition, Listed) and bool(condition.ends)
    )
