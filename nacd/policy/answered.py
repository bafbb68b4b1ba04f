"""Conditions on what Intune answered: the verdict, its age and its way here, and the facts beside it.

Knows: how to test each, and which of them cannot go together. Refuses to know: how an answer is got, and who can
tell a fact (``config/`` knows the tenants).

All of them ``wait``: before the answer a rule with one of them is open. Only a verdict has an age, a source and
facts: with ``unavailable`` and ``not_asked`` all conditions here but ``compliance`` itself never hold. Whatever is
absent never holds either, also under ``over``: a device of which no sync is known is not one that synced long ago.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Final, TypeAlias

from nacd.policy import glob
from nacd.policy.words import Predicate, VersionBound, any_of, or_nothing, span
from nacd.values import NO_FACTS, ComplianceSource, ComplianceState, DeviceFacts, Facts

NO_VERDICT: Final = frozenset({ComplianceState.UNAVAILABLE, ComplianceState.NOT_ASKED})
"""States in which Intune has said nothing."""
ABSENT: Final = -1.0
"""The age of what has no date."""
AHEAD_S: Final = 300.0
"""How far clocks may differ. A date further ahead is wrong, and a wrong date tells no age."""

SYSTEMS: Final = ("Windows", "macOS", "iOS", "iPadOS", "Android", "Linux", "ChromeOS", "visionOS", "tvOS")
"""Operating systems that a rule can name."""
_SPELLINGS: Final = {system.casefold(): system for system in SYSTEMS} | {
    "win": "Windows",
    "mac": "macOS",
    "osx": "macOS",
    "macosx": "macOS",
    "androidforwork": "Android",
    "androidenterprise": "Android",
}


@lru_cache(maxsize=256)
def system(word: str) -> str:
    """The name out of ``SYSTEMS`` that this word spells, else the word as it is."""
    return _SPELLINGS.get(re.sub(r"[ _-]", "", word).casefold(), word)


def _device(facts: Facts) -> DeviceFacts:
    return NO_FACTS if facts.compliance.state in NO_VERDICT else facts.compliance.device


def _age_s(at: float, date: float) -> float:
    """Seconds since a date; ``ABSENT`` if date or present is not known, or the date is more than ``AHEAD_S`` ahead.

    Clocks differ: what is a little ahead has age 0. Both count in whole milliseconds, as an audit record has them: from
    a record the same age follows.
    """
    at_ms, date_ms = at * 1000 // 1, date * 1000 // 1
    known = at_ms > 0.0 and date_ms > 0.0 and date_ms - at_ms <= AHEAD_S * 1000
    return max(0.0, at_ms - date_ms) / 1000 if known else ABSENT


def _verdict_age_s(facts: Facts) -> float:
    return ABSENT if facts.compliance.state in NO_VERDICT else _age_s(facts.at, facts.compliance.as_of)


def _in_limit(age_s: float, limit_s: float, over: bool) -> bool:
    return age_s > limit_s if over else ABSENT < age_s <= limit_s


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplianceIs:
    """What Intune says of the device."""

    key: ClassVar[str] = "compliance"
    cost: ClassVar[int] = 9
    settled_by_nas: ClassVar[bool] = False
    waits: ClassVar[bool] = True
    states: tuple[ComplianceState, ...]

    def test(self) -> Predicate:
        states = self.states
        return lambda facts: facts.compliance.state in states

    def wanted(self) -> str:
        return any_of(self.states)

    def seen(self, facts: Facts) -> str:
        detail = f" ({facts.compliance.detail})" if facts.compliance.detail else ""
        return f"compliance is `{facts.compliance.state}`{detail}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictAge:
    """How long ago Intune said it, in seconds: at most the limit, or over it."""

    key: ClassVar[str] = "compliance_age"
    cost: ClassVar[int] = 9
    settled_by_nas: ClassVar[bool] = False
    waits: ClassVar[bool] = True
    limit_s: float
    over: bool

    def test(self) -> Predicate:
        limit_s, over = self.limit_s, self.over
        return lambda facts: _in_limit(_verdict_age_s(facts), limit_s, over)

    def wanted(self) -> str:
        return f"{'over' if self.over else 'at most'} `{span(self.limit_s)}`"

    def seen(self, facts: Facts) -> str:
        age_s = _verdict_age_s(facts)
        return "there is no verdict that has an age" if age_s == ABSENT else f"the verdict is `{span(age_s)}` old"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictFrom:
    """How the verdict came here: asked just now, kept and fresh, kept and stale, or out of the bulk list."""

    key: ClassVar[str] = "compliance_source"
    cost: ClassVar[int] = 9
    settled_by_nas: ClassVar[bool] = False
    waits: ClassVar[bool] = True
    sources: tuple[ComplianceSource, ...]

    def test(self) -> Predicate:
        sources = self.sources
        return lambda facts: facts.compliance.source in sources and facts.compliance.state not in NO_VERDICT

    def wanted(self) -> str:
        return any_of(self.sources)

    def seen(self, facts: Facts) -> str:
        if facts.compliance.state in NO_VERDICT:
            return f"there is no verdict: compliance is `{facts.compliance.state}`"
        return f"the verdict's source is `{facts.compliance.source}`"


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemIs:
    """The device's operating system, by the names of ``SYSTEMS``."""

    key: ClassVar[str] = "os"
    cost: ClassVar[int] = 9
    settled_by_nas: ClassVar[bool] = False
    waits: ClassVar[bool] = True
    systems: frozenset[str]

    def test(self) -> Predicate:
        systems = self.systems
        return lambda facts: system(_device(facts).operating_system) in systems

    def wanted(self) -> str:
        return any_of(sorted(self.systems))

    def seen(self, facts: Facts) -> str:
        return or_nothing(_device(facts).operating_system, "os")


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemVersion(VersionBound):
    """The version of the operating system, number by number: at least this one, or below it."""

    key: ClassVar[str] = "os_version"
    cost: ClassVar[int] = 9
    waits: ClassVar[bool] = True

    @staticmethod
    def text(facts: Facts) -> str:
        return _device(facts).os_version


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnershipIs:
    """Whose device it is, in Intune's words: ``company``, ``personal``, ``unknown``."""

    key: ClassVar[str] = "ownership"
    cost: ClassVar[int] = 9
    settled_by_nas: ClassVar[bool] = False
    waits: ClassVar[bool] = True
    owners: tuple[str, ...]

    def test(self) -> Predicate:
        owners = self.owners
        return lambda facts: _device(facts).owner in owners

    def wanted(self) -> str:
        return any_of(self.owners)

    def seen(self, facts: Facts) -> str:
        return or_nothing(_device(facts).owner, "ownership")


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSync:
    """How long ago the device reported to Intune, in seconds: at most the limit, or over it."""

    key: ClassVar[str] = "last_sync"
    cost: ClassVar[int] = 9
    settled_by_nas: ClassVar[bool] = False
    waits: ClassVar[bool] = True
    limit_s: float
    over: bool

    def test(self) -> Predicate:
        limit_s, over = self.limit_s, self.over
        return lambda facts: _in_limit(_age_s(facts.at, _device(facts).last_sync), limit_s, over)

    def wanted(self) -> str:
        return f"{'over' if self.over else 'at most'} `{span(self.limit_s)}` ago"

    def seen(self, facts: Facts) -> str:
        age_s = _age_s(facts.at, _device(facts).last_sync)
        return "there is no last_sync" if age_s == ABSENT else f"last_sync was `{span(age_s)}` ago"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceNameMatches:
    """The device's name in Intune, by glob."""

    key: ClassVar[str] = "device_name"
    cost: ClassVar[int] = 9
    settled_by_nas: ClassVar[bool] = False
    waits: ClassVar[bool] = True
    patterns: tuple[str, ...]

    def test(self) -> Predicate:
        fits = glob.any_compiled(self.patterns)
        return lambda facts: (text := _device(facts).name) != "" and fits(text)

    def wanted(self) -> str:
        return any_of(self.patterns)

    def seen(self, facts: Facts) -> str:
        return or_nothing(_device(facts).name, "device_name")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceUserMatches:
    """The device's primary user in Intune (user principal name), by glob."""

    key: ClassVar[str] = "device_user"
    cost: ClassVar[int] = 9
    settled_by_nas: ClassVar[bool] = False
    waits: ClassVar[bool] = True
    patterns: tuple[str, ...]

    def test(self) -> Predicate:
        fits = glob.any_compiled(self.patterns)
        return lambda facts: (text := _device(facts).user) != "" and fits(text)

    def wanted(self) -> str:
        return any_of(self.patterns)

    def seen(self, facts: Facts) -> str:
        return or_nothing(_device(facts).user, "device_user")


@dataclass(frozen=True, slots=True, kw_only=True)
class UserGroupIs:
    """The device's primary user is in one of these groups of Entra ID, by their object ids, through other groups too.

    called: (id, name) of those that have a name in the policy, for words. Under ``not`` it is not enough that nobody
    said so: the user must be known to be outside each of them (``none``).
    """

    key: ClassVar[str] = "user_group"
    cost: ClassVar[int] = 9
    settled_by_nas: ClassVar[bool] = False
    waits: ClassVar[bool] = True
    ids: frozenset[str]
    called: tuple[tuple[str, str], ...] = ()

    def test(self) -> Predicate:
        ids = self.ids
        return lambda facts: not ids.isdisjoint(_device(facts).in_groups)

    def none(self) -> Predicate:
        """What holds where the user surely is in none of them."""
        ids = self.ids
        return lambda facts: ids.issubset(_device(facts).outside_groups)

    def wanted(self) -> str:
        return any_of(self._named(self.ids))

    def seen(self, facts: Facts) -> str:
        told = _device(facts)
        inside, unknown = self.ids & set(told.in_groups), self.ids - {*told.in_groups, *told.outside_groups}
        if inside:
            return f"the device's user is in group {any_of(self._named(inside)).replace(' or ', ' and ')}"
        if unknown:
            why = told.groups_doubt or ("it has none" if not told.user else "nobody was asked")
            return f"nobody knows whether the device's user is in group {any_of(self._named(unknown))}: {why}"
        return f"the device's user is not in group {any_of(self._named(self.ids))}"

    def _named(self, ids: Iterable[str]) -> list[str]:
        called = dict(self.called)
        return sorted(called.get(id, id) for id in ids)


DeviceCondition: TypeAlias = (
    SystemIs | SystemVersion | OwnershipIs | LastSync | DeviceNameMatches | DeviceUserMatches | UserGroupIs
)
"""Conditions on facts of the device: Microsoft Graph alone tells them."""
OnVerdict: TypeAlias = VerdictAge | VerdictFrom | DeviceCondition
"""Conditions that need a verdict, whatever it says."""
AnswerCondition: TypeAlias = ComplianceIs | OnVerdict

DEVICE_KEYS: Final = frozenset(
    kind.key
    for kind in (SystemIs, SystemVersion, OwnershipIs, LastSync, DeviceNameMatches, DeviceUserMatches, UserGroupIs)
)
"""The keys of ``DeviceCondition``."""


def groups_asked(conditions: Iterable[object]) -> frozenset[str]:
    """Object ids of all groups that these ask about."""
    return frozenset(id for each in conditions if isinstance(each, UserGroupIs) for id in each.ids)


_EVERY_STATE: Final = frozenset(ComplianceState)


def reachable(conditions: Iterable[object]) -> frozenset[ComplianceState]:
    """The states in which conditions on the answer can all hold; none when they exclude each other."""
    states = _EVERY_STATE
    for condition in conditions:
        if isinstance(condition, ComplianceIs):
            states &= frozenset(condition.states)
        elif isinstance(condition, OnVerdict):
            states -= NO_VERDICT
    return states
