"""The closed list of what a rule may ask, each compiled to a predicate over facts.

Knows: for every condition how to test it, how to say what was wanted and what was found. Refuses to
know: how an admin spells it (``config/``) and how rules are tried (``evaluate.py``). There are no
expressions and no templates: a new question is a new class here, or beside it (``requested``, ``certified``,
``answered``, ``during``).

A condition about a fact that is absent never holds: ``user: "*"`` means "there is a user". So its negation holds
where the fact is absent: ``Not`` asks nothing but whether the condition under it fails.
``cost``: cheaper ones are tried first. ``settled_by_nas``: the access kind and the NAS alone decide it. ``waits``:
Intune's answer decides it (those are in ``answered.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from nacd.policy import glob
from nacd.policy.answered import AnswerCondition, ComplianceIs, UserGroupIs
from nacd.policy.certified import (
    EkuIs,
    ExpiresIn,
    IssuerMatches,
    SanDns,
    SanUpn,
    SanUri,
    SubjectMatches,
    TemplateIs,
)
from nacd.policy.during import During
from nacd.policy.requested import (
    BssidMatches,
    ClientPlatform,
    ClientPlatformVersion,
    ClientVersion,
    DeviceIn,
    InventoryHas,
    MacIn,
    MacMatches,
    PortTypeIs,
    SsidIs,
    TunnelGroupIs,
)
from nacd.policy.words import OneOf, Predicate, any_of, or_nothing
from nacd.values import AccessKind, Assurance, ComplianceState, Facts, Identity, IdentitySource, Unidentified

NO_SOURCE = "none"
"""The identity source of an endpoint that nothing names."""
NOT = "not"
"""What stands before the key of a condition that must not hold."""
IDENTITY_SOURCES = ("certificate", "vpn", "mac", NO_SOURCE)


def _source(identity: Identity) -> str:
    return NO_SOURCE if isinstance(identity, Unidentified) else identity.source.value


def _assurance(identity: Identity) -> Assurance:
    return Assurance.NONE if isinstance(identity, Unidentified) else identity.assurance


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessIs:
    """How the endpoint came to the NAS."""

    key: ClassVar[str] = "access"
    cost: ClassVar[int] = 0
    settled_by_nas: ClassVar[bool] = True
    waits: ClassVar[bool] = False
    kinds: tuple[AccessKind, ...]

    def test(self) -> Predicate:
        kinds = self.kinds
        return lambda facts: facts.access in kinds

    def wanted(self) -> str:
        return any_of(self.kinds)

    def seen(self, facts: Facts) -> str:
        return f"access is `{facts.access}`"


@dataclass(frozen=True, slots=True, kw_only=True)
class NasIs:
    """Which NAS asks, by its name in the configuration."""

    key: ClassVar[str] = "nas"
    cost: ClassVar[int] = 0
    settled_by_nas: ClassVar[bool] = True
    waits: ClassVar[bool] = False
    names: frozenset[str]

    def test(self) -> Predicate:
        names = self.names
        return lambda facts: facts.nas.name in names

    def wanted(self) -> str:
        return any_of(sorted(self.names))

    def seen(self, facts: Facts) -> str:
        return f"nas is `{facts.nas.name}`"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupIs:
    """Which groups the NAS that asks belongs to; one in common is enough."""

    key: ClassVar[str] = "group"
    cost: ClassVar[int] = 0
    settled_by_nas: ClassVar[bool] = True
    waits: ClassVar[bool] = False
    groups: frozenset[str]

    def test(self) -> Predicate:
        disjoint = self.groups.isdisjoint
        return lambda facts: not disjoint(facts.nas.groups)

    def wanted(self) -> str:
        return any_of(sorted(self.groups))

    def seen(self, facts: Facts) -> str:
        groups = facts.nas.groups & self.groups or facts.nas.groups
        if not groups:
            return f"nas `{facts.nas.name}` is in no group"
        return f"nas `{facts.nas.name}` is in group {any_of(sorted(groups)).replace(' or ', ' and ')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityFrom:
    """Where the identity was read; ``none`` stands for an endpoint that nothing names."""

    key: ClassVar[str] = "identity"
    cost: ClassVar[int] = 1
    settled_by_nas: ClassVar[bool] = False
    waits: ClassVar[bool] = False
    sources: tuple[str, ...]

    def test(self) -> Predicate:
        named = tuple(IdentitySource(source) for source in self.sources if source != NO_SOURCE)
        unnamed = NO_SOURCE in self.sources

        def test(facts: Facts) -> bool:
            identity = facts.identity
            return unnamed if isinstance(identity, Unidentified) else identity.source in named

        return test

    def wanted(self) -> str:
        return any_of(self.sources)

    def seen(self, facts: Facts) -> str:
        if isinstance(facts.identity, Unidentified):
            return f"nothing names the endpoint: {facts.identity.reason}"
        return f"identity comes from `{_source(facts.identity)}`"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssuranceAtLeast:
    """How far the identity must be trusted."""

    key: ClassVar[str] = "assurance"
    cost: ClassVar[int] = 1
    settled_by_nas: ClassVar[bool] = False
    waits: ClassVar[bool] = False
    level: Assurance

    def test(self) -> Predicate:
        level = self.level
        return lambda facts: _assurance(facts.identity) >= level

    def wanted(self) -> str:
        return f"`{self.level.name.lower()}` or better"

    def seen(self, facts: Facts) -> str:
        return f"assurance is `{_assurance(facts.identity).name.lower()}`"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserMatches:
    """The user's name as the supplicant or the NAS gave it, by glob."""

    key: ClassVar[str] = "user"
    cost: ClassVar[int] = 2
    settled_by_nas: ClassVar[bool] = False
    waits: ClassVar[bool] = False
    patterns: tuple[str, ...]

    def test(self) -> Predicate:
        fits = glob.any_compiled(self.patterns)
        return lambda facts: (text := facts.user) != "" and fits(text)

    def wanted(self) -> str:
        return any_of(self.patterns)

    def seen(self, facts: Facts) -> str:
        return or_nothing(facts.user, "user")


def realm(user: str) -> str:
    """What stands behind the last ``@`` (RFC 7542), else before the first backslash; lower case."""
    _, at, behind = user.rpartition("@")
    return (behind if at else user.partition("\\")[0] if "\\" in user else "").casefold()


@dataclass(frozen=True, slots=True, kw_only=True)
class RealmIs(OneOf):
    """The realm of the user's name, in lower case."""

    key: ClassVar[str] = "realm"

    @staticmethod
    def text(facts: Facts) -> str:
        return realm(facts.user)


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantIs(OneOf):
    """Which tenant is asked about the endpoint, by its name in the configuration."""

    key: ClassVar[str] = "tenant"

    @staticmethod
    def text(facts: Facts) -> str:
        return facts.tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorIs(OneOf):
    """The vendor of the NAS that asks, as the configuration says."""

    key: ClassVar[str] = "vendor"
    cost: ClassVar[int] = 0
    settled_by_nas: ClassVar[bool] = True

    @staticmethod
    def text(facts: Facts) -> str:
        return facts.nas.vendor


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationIn:
    """Where the NAS that asks stands: one of these places, or within one."""

    key: ClassVar[str] = "location"
    cost: ClassVar[int] = 0
    settled_by_nas: ClassVar[bool] = True
    waits: ClassVar[bool] = False
    places: frozenset[str]

    def test(self) -> Predicate:
        places = tuple(self.places)
        return lambda facts: any(is_within(facts.nas.location, place) for place in places)

    def wanted(self) -> str:
        return any_of(sorted(self.places))

    def seen(self, facts: Facts) -> str:
        return or_nothing(facts.nas.location, "location")


def is_within(location: str, place: str) -> bool:
    """Whether a location is this place, or one within it."""
    return location == place or location.startswith(f"{place}/")


Positive: TypeAlias = (
    AccessIs
    | NasIs
    | GroupIs
    | IdentityFrom
    | AssuranceAtLeast
    | MacMatches
    | MacIn
    | DeviceIn
    | InventoryHas
    | IssuerMatches
    | SubjectMatches
    | TemplateIs
    | EkuIs
    | SanDns
    | SanUri
    | SanUpn
    | ExpiresIn
    | UserMatches
    | SsidIs
    | BssidMatches
    | PortTypeIs
    | TunnelGroupIs
    | ClientPlatform
    | ClientPlatformVersion
    | ClientVersion
    | RealmIs
    | TenantIs
    | VendorIs
    | LocationIn
    | During
    | AnswerCondition
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """That a condition does not hold: something else is there, or nothing at all. (Groups are another matter: see
    ``UserGroupIs``.)"""

    inner: Positive

    @property
    def key(self) -> str:
        return f"{NOT}.{self.inner.key}"

    @property
    def cost(self) -> int:
        return self.inner.cost

    @property
    def settled_by_nas(self) -> bool:
        return self.inner.settled_by_nas

    @property
    def waits(self) -> bool:
        return self.inner.waits

    def test(self) -> Predicate:
        if isinstance(self.inner, UserGroupIs):
            return self.inner.none()
        holds = self.inner.test()
        return lambda facts: not holds(facts)

    def wanted(self) -> str:
        return f"anything but {self.inner.wanted()}"

    def seen(self, facts: Facts) -> str:
        return self.inner.seen(facts)


Condition: TypeAlias = Positive | Not


def excludes_nothing(condition: Condition) -> bool:
    """Whether this condition keeps out nobody: it holds for every request, or asks what anybody can claim.

    ``mac: "*"`` is the second kind: it leaves out no port, and a MAC is free to make up. So is a time of day: it comes
    for everybody. And so is what must not hold: who stays out says nothing of who comes in.
    """
    match condition:
        case During() | Not():
            return True
        case AccessIs(kinds=kinds):
            return set(kinds) == set(AccessKind)
        case IdentityFrom(sources=sources):
            return set(sources) == set(IDENTITY_SOURCES)
        case ComplianceIs(states=states):
            return set(states) == set(ComplianceState)
        case AssuranceAtLeast(level=level):
            return level is Assurance.NONE
        case MacMatches(patterns=patterns):
            return "*" in patterns
        case _:
            return False
