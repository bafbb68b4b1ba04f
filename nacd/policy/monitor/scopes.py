"""Monitor mode: where the policy's decisions are made and recorded as ever, and something else is answered for a while.

Knows: which monitor counts for a decision at a NAS, when it is over, and what is answered instead. Refuses to know: how
the decision came about, what the profile contains, and whatever is no decision of the policy (a failed login, a
person's order, a request that is no network access): about those nobody asks here.

Theory. The narrowest that is written counts: the rule's own, else that of a group of the NAS, else the one for
everywhere. Its end is an end: what is wider does not go on in its place, so nothing that is written here lets anybody
in past the date beside it. Of several groups of one NAS the monitor that ends first counts, for the same reason, and a
group that is enforced takes its NASes out of all but what a rule says of itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from nacd.values import Decision, Effect, Nas

_NASES_KEPT: Final = 4_096


class Scope(StrEnum):
    """How far a monitor reaches."""

    EVERYWHERE = "everywhere"
    GROUP = "group"
    RULE = "rule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """Until then decisions are answered with this profile. Raises ValueError when it is not whole.

    name: of the group or the rule, ``""`` everywhere. until: seconds since the epoch. keep: profiles that are given as
    they were decided.
    """

    scope: Scope
    name: str = ""
    until: float
    profile: str
    keep: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not self.until > 0.0 or not self.profile:
            raise ValueError("a monitor needs an end and a profile")
        if bool(self.name) == (self.scope is Scope.EVERYWHERE):
            raise ValueError("a monitor of a group or a rule has its name, and the one for everywhere has none")

    def is_in_force(self, at: float) -> bool:
        """at: seconds since the epoch; at no time at all it is not."""
        return 0.0 < at < self.until

    def given(self, decision: Decision, *, profile: str = "") -> Decision:
        """What is answered instead: the same rule and the same reasons. profile: another than the monitor's."""
        return replace(decision, effect=Effect.ALLOW, profile=profile or self.profile, refused_above="")

    def __str__(self) -> str:
        return "everywhere" if self.scope is Scope.EVERYWHERE else f"{self.scope} `{self.name}`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitors:
    """All of one policy. enforced: groups of NASes that are monitored no more, whatever is said of wider ones."""

    all: tuple[Monitor, ...] = ()
    enforced: frozenset[str] = frozenset()
    _rules: Mapping[str, Monitor] = field(init=False, repr=False, compare=False)
    _here: dict[frozenset[str], Monitor | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        keys = [(each.scope, each.name) for each in self.all]
        if len(set(keys)) != len(keys):
            raise ValueError("two monitors of the same scope")
        object.__setattr__(self, "_rules", {each.name: each for each in self.all if each.scope is Scope.RULE})
        object.__setattr__(self, "_here", {})

    def __bool__(self) -> bool:
        return bool(self.all)

    def of(self, decision: Decision, nas: Nas, at: float) -> Monitor | None:
        """The one whose answer is given in place of this decision of the policy; None: what was decided is answered."""
        if not self.all:
            return None
        own = None if decision.refused_above else self._rules.get(decision.rule)  # what stands there is no rule's name
        monitor = own or self._around(nas)
        if monitor is None or not monitor.is_in_force(at) or decision.profile in monitor.keep:
            return None
        return monitor

    def around(self, nas: Nas, at: float) -> Monitor | None:
        """The one that is in force at this NAS whatever rule decides; None: there is none."""
        monitor = self._around(nas) if self.all else None
        return monitor if monitor is not None and monitor.is_in_force(at) else None

    def reaches(self, monitor: Monitor, nas: Nas) -> bool:
        """Whether this one may be the one at a NAS; a rule's may be anywhere."""
        if monitor.scope is Scope.RULE:
            return True
        is_here = monitor.scope is Scope.EVERYWHERE or monitor.name in nas.groups
        return is_here and not nas.groups & self.enforced

    def in_force(self, at: float) -> Iterator[Monitor]:
        """All that have not ended."""
        return (each for each in self.all if each.is_in_force(at))

    def _around(self, nas: Nas) -> Monitor | None:
        """Worked out once for each set of groups. Whether it has ended is asked each time."""
        try:
            return self._here[nas.groups]
        except KeyError:
            if len(self._here) >= _NASES_KEPT:
                self._here.clear()
            found = self._here[nas.groups] = self._narrowest(nas.groups)
            return found

    def _narrowest(self, groups: frozenset[str]) -> Monitor | None:
        if groups & self.enforced:
            return None
        own = [each for each in self.all if each.scope is Scope.GROUP and each.name in groups]
        wide = [each for each in self.all if each.scope is Scope.EVERYWHERE]
        return min(own or wide, key=lambda each: (each.until, each.name), default=None)


NO_MONITORS: Final = Monitors()
