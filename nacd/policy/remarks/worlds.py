"""All requests that can come to these NASes, as far as few words tell them apart; and which of them a rule takes.

Knows: how access kind, NAS, identity and compliance go together. Refuses to know: what to say of it (``gaps``,
``trust``).

Theory. NAS, access kind, source of the identity and state of compliance have few values each, so all their combinations
can be looked at: these are the worlds, a bit each, and what a condition takes is a number of as many bits. NASes that
no rule tells apart count as one. A condition on anything else (a user, a MAC, an age) holds in a world or not,
nobody can say; of two rules only equal ones count as the same. So ``may`` are the worlds in which a rule can match,
and it surely takes those in which whatever else it asks is asked by a rule below too.

Worlds that cannot come are left out: a MAB shows no certificate, only a concentrator's word names by ``vpn``, and
nobody is asked about an endpoint that nothing names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations, product
from operator import or_
from typing import Final

from nacd.policy.answered import ComplianceIs
from nacd.policy.conditions import (
    IDENTITY_SOURCES,
    NO_SOURCE,
    AccessIs,
    AssuranceAtLeast,
    Condition,
    GroupIs,
    IdentityFrom,
    LocationIn,
    NasIs,
    Not,
    VendorIs,
)
from nacd.policy.implies import reachable
from nacd.policy.model import Rule
from nacd.values import (
    AccessKind,
    Assurance,
    Authentication,
    ComplianceState,
    Facts,
    IdentitySource,
    Nas,
    Unidentified,
)

MAX_CLASSES: Final = 256
"""Kinds of NASes that are looked at one by one; where rules tell more of them apart, what they ask of NASes is open."""
_BLOCK: Final = tuple(product(AccessKind, IDENTITY_SOURCES, ComplianceState))
_BITS: Final = len(_BLOCK)
_LEVELS: Final = {
    IdentitySource.CERTIFICATE.value: Assurance.CERTIFICATE,
    IdentitySource.VPN.value: Assurance.VPN,
    IdentitySource.MAC.value: Assurance.MAC,
    NO_SOURCE: Assurance.NONE,
}
_NEVER_OF_MAB: Final = frozenset(
    ["issuer", "subject", "template", "eku", "san_dns", "san_uri", "san_upn", "expires_in", "user", "realm"]
)
"""Conditions on what only a certificate or a concentrator tells: a MAB has neither."""
_OF_NAS: Final = NasIs | GroupIs | VendorIs | LocationIn


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a policy is in force. eap: whether EAP-TLS is set up. sources: what may name an endpoint. states: what
    can be learnt of one that is named, ``not_asked`` included."""

    nases: tuple[Nas, ...]
    eap: bool
    sources: frozenset[IdentitySource]
    states: frozenset[ComplianceState]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Of one rule. may: the worlds in which it can match; left: those of them that rules above do not surely take."""

    may: int
    left: int


class Worlds:
    """Those that can come at a site, told apart as far as these rules do. Sets of worlds are numbers, a bit each.

    possible: all of them. by_concentrator: those of NASes that have authenticated by themselves. reaches: how far each
    rule reaches, in their order.
    """

    def __init__(self, rules: Sequence[Rule], site: Site) -> None:
        classes = _classes(rules, site.nases)
        self._fine = len(classes) <= MAX_CLASSES
        self._nases = classes if self._fine else _classes((), site.nases)
        self._each = sum(1 << (number * _BITS) for number in range(len(self._nases)))
        self._by_name: dict[str, int] = {}
        self._by_group: dict[str, int] = {}
        for number, nas in enumerate(self._nases):
            block = _FULL << (number * _BITS)
            self._by_name[nas.name] = self._by_name.get(nas.name, 0) | block
            for group in nas.groups:
                self._by_group[group] = self._by_group.get(group, 0) | block
        self._known: dict[Condition, int | None] = {}
        self.possible = self._of_nases(lambda nas: _possible(nas, site))
        self.by_concentrator = self._of_nases(lambda nas: _FULL if _is_concentrator(nas) else 0)
        self._no_mab = self.of(kinds=set(AccessKind) - {AccessKind.MAB})
        self._by_states: dict[frozenset[ComplianceState], int] = {}
        numbers: dict[Condition, int] = {}
        self._seen = [self._rule(rule, numbers) for rule in rules]
        self.reaches = tuple(self._walk())

    def of(
        self,
        kinds: Iterable[AccessKind] = tuple(AccessKind),
        sources: Iterable[str] = IDENTITY_SOURCES,
        states: Iterable[ComplianceState] = tuple(ComplianceState),
    ) -> int:
        """The worlds with these words, on any NAS, be they possible or not."""
        some, few, many = set(kinds), set(sources), set(states)
        return _bits(lambda kind, source, state: kind in some and source in few and state in many) * self._each

    def takers(self, number: int) -> tuple[int, ...]:
        """Which rules above the one of this number surely take something of it, until nothing is left."""
        worlds, wanted = self._seen[number]
        found = []
        for earlier, (may, others) in enumerate(self._seen[:number]):
            if may & worlds and others <= wanted:
                found.append(earlier)
                worlds &= ~may
            if not worlds:
                break
        return tuple(found)

    def _walk(self) -> Iterator[Reach]:
        count = Counter(others for _, others in self._seen)
        parts = [_parts(others) for _, others in self._seen]
        needed = {part for some in parts for part in some} | {others for others, times in count.items() if times > 1}
        taken: dict[frozenset[int], int] = {}
        for (may, others), some in zip(self._seen, parts, strict=True):
            left = may
            for part in (others, *some):
                if part in taken:
                    left &= ~taken[part]
            yield Reach(may=may, left=left)
            if others in needed:
                taken[others] = taken.get(others, 0) | may

    def _rule(self, rule: Rule, numbers: dict[Condition, int]) -> tuple[int, frozenset[int]]:
        """The worlds in which it can match, and the numbers of all conditions that worlds do not tell."""
        may = self.possible
        others = []
        for condition in rule.conditions:
            mask = self._mask(condition)
            if mask is not None:
                may &= mask
                continue
            others.append(numbers.setdefault(condition, len(numbers)))
            if condition.key in _NEVER_OF_MAB:
                may &= self._no_mab
        if others:
            states = reachable(rule.conditions)
            if states not in self._by_states:
                self._by_states[states] = self.of(states=states)
            may &= self._by_states[states]
        return may, frozenset(others)

    def _mask(self, condition: Condition) -> int | None:
        if condition not in self._known:
            self._known[condition] = self._made(condition)
        return self._known[condition]

    def _made(self, condition: Condition) -> int | None:
        """None: worlds do not tell."""
        match condition:
            case Not(inner=inner):
                mask = self._mask(inner)
                return None if mask is None else self.possible & ~mask
            case AccessIs(kinds=kinds):
                return self.of(kinds=kinds)
            case IdentityFrom(sources=sources):
                return self.of(sources=sources)
            case AssuranceAtLeast(level=level):
                return self.of(sources=[source for source, own in _LEVELS.items() if own >= level])
            case ComplianceIs(states=states):
                return self.of(states=states)
            case NasIs(names=names) if self._fine:
                return reduce(or_, (self._by_name.get(name, 0) for name in names), 0)
            case GroupIs(groups=groups) if self._fine:
                return reduce(or_, (self._by_group.get(group, 0) for group in groups), 0)
            case VendorIs() | LocationIn() if self._fine:
                test = condition.test()
                return self._of_nases(lambda nas: _FULL if test(_asked_by(nas)) else 0)
            case _:
                return None

    def _of_nases(self, block: Callable[[Nas], int]) -> int:
        return sum(block(nas) << (number * _BITS) for number, nas in enumerate(self._nases))


def _bits(fits: Callable[[AccessKind, str, ComplianceState], bool]) -> int:
    """The worlds of one NAS with which this is so."""
    return sum(1 << number for number, words in enumerate(_BLOCK) if fits(*words))


_FULL: Final = (1 << _BITS) - 1


def _asked_by(nas: Nas) -> Facts:
    return Facts(access=AccessKind.DOT1X, nas=nas, identity=Unidentified(reason="not asked"))


def _is_concentrator(nas: Nas) -> bool:
    return nas.authentication is Authentication.DONE_BY_NAS


def _possible(nas: Nas, site: Site) -> int:
    """What can come from one NAS. Where it is not sure that something cannot, it can."""

    def fits(kind: AccessKind, source: str, state: ComplianceState) -> bool:
        if source == NO_SOURCE:
            return can_name(kind, "") and state is ComplianceState.NOT_ASKED
        return IdentitySource(source) in site.sources and can_name(kind, source) and state in site.states

    def can_name(kind: AccessKind, source: str) -> bool:
        match kind:
            case AccessKind.DOT1X:
                return not _is_concentrator(nas) and site.eap and source != IdentitySource.VPN
            case AccessKind.MAB:
                return not _is_concentrator(nas) and source in ("", IdentitySource.MAC)
            case AccessKind.VPN if _is_concentrator(nas):
                return site.eap or source != IdentitySource.CERTIFICATE
            case AccessKind.VPN:  # by EAP, through a port that its NAS calls virtual
                return site.eap and source != IdentitySource.VPN

    return _bits(fits)


def _classes(rules: Sequence[Rule], nases: Sequence[Nas]) -> list[Nas]:
    """One of each kind of NAS that these rules tell apart, with nothing but what they ask."""
    asked = {condition for rule in rules for condition in rule.asked if isinstance(condition, _OF_NAS)}
    names = frozenset[str]().union(*(each.names for each in asked if isinstance(each, NasIs)))
    groups = frozenset[str]().union(*(each.groups for each in asked if isinstance(each, GroupIs)))
    by_vendor = any(isinstance(each, VendorIs) for each in asked)
    by_location = any(isinstance(each, LocationIn) for each in asked)
    found = {
        Nas(
            name=nas.name if nas.name in names else "",
            vendor=nas.vendor if by_vendor else "",
            groups=nas.groups & groups,
            authentication=nas.authentication,
            location=nas.location if by_location else "",
        ): None
        for nas in nases
    }
    return list(found)


def _parts(others: frozenset[int]) -> tuple[frozenset[int], ...]:
    """What a rule above may ask of the same, and surely match wherever this one does; of many some are enough."""
    most = len(others) if len(others) <= _FEW else 2
    return tuple(frozenset(some) for length in range(most) for some in combinations(others, length))


_FEW: Final = 4
