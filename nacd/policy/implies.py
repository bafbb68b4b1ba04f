"""Which condition holds wherever another one does, which never do together, and what is left of Intune's answers.

Knows: all conditions, two by two. Refuses to know: rules, and what to say of them (``lint``). "No" always means
"not sure" too; "yes" is a promise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from nacd.policy import answered, glob
from nacd.policy.answered import (
    ComplianceIs,
    DeviceNameMatches,
    DeviceUserMatches,
    LastSync,
    OwnershipIs,
    SystemIs,
    UserGroupIs,
    VerdictAge,
    VerdictFrom,
)
from nacd.policy.certified import ExpiresIn, IssuerMatches, SubjectMatches
from nacd.policy.conditions import (
    NOT,
    AccessIs,
    AssuranceAtLeast,
    Condition,
    GroupIs,
    IdentityFrom,
    LocationIn,
    NasIs,
    Not,
    Positive,
    UserMatches,
    is_within,
)
from nacd.policy.during import During
from nacd.policy.requested import IN_INVENTORY, InventoryHas, Listed, MacIn, MacMatches
from nacd.policy.words import AnyOf, Fits, OneOf, VersionBound
from nacd.values import ComplianceState

_NO_GROUPS: Final[Mapping[str, frozenset[str]]] = {}


def reachable(conditions: Iterable[Condition]) -> frozenset[ComplianceState]:
    """The states in which all these conditions can hold; none when they surely exclude each other."""
    inner, positive = list[Positive](), list[Positive]()
    for each in conditions:
        if isinstance(each, Not):
            inner.append(each.inner)
        else:
            positive.append(each)
    states = answered.reachable(positive)
    for unwanted in inner:
        if isinstance(unwanted, ComplianceIs):
            states -= frozenset(unwanted.states)
            continue
        if isinstance(unwanted, UserGroupIs):
            states -= answered.NO_VERDICT
        if any(implies(other, unwanted, _NO_GROUPS) for other in positive):
            return frozenset()
    return states


def excludes(have: Positive, other: Positive) -> bool:
    """Whether ``other`` fails wherever ``have`` holds; False also means "not sure"."""
    match have, other:
        case (AccessIs(kinds=these), AccessIs(kinds=those)):
            return set(these).isdisjoint(those)
        case (IdentityFrom(sources=here), IdentityFrom(sources=there)):
            return set(here).isdisjoint(there)
        case (NasIs(names=one), NasIs(names=two)) | (SystemIs(systems=one), SystemIs(systems=two)):
            return one.isdisjoint(two)
        case (OneOf(names=one), OneOf(names=two)) if type(have) is type(other):
            return one.isdisjoint(two)
        case (ExpiresIn(limit_s=a, below=below), ExpiresIn(limit_s=b, below=also)):
            return below != also and (a <= b if below else b <= a)
        case (LocationIn(places=one), LocationIn(places=two)):
            return not any(is_within(a, b) or is_within(b, a) for a in one for b in two)
        case (VerdictFrom(sources=mine), VerdictFrom(sources=theirs)):
            return set(mine).isdisjoint(theirs)
        case (OwnershipIs(owners=few), OwnershipIs(owners=many)):
            return set(few).isdisjoint(many)
        case (During(), During()):  # of one policy, and so of one time zone
            return have.minutes() & other.minutes() == 0
        case _:
            return False


def implies(have: Condition, want: Condition, groups: Mapping[str, frozenset[str]]) -> bool:
    """Whether ``want`` holds wherever ``have`` does; False also means "not sure".

    groups: NAS name to the groups it is in; empty when not known.
    """
    match have, want:
        case (Not(inner=narrow), Not(inner=wide)):
            return implies(wide, narrow, groups)
        case (_, Not(inner=other)):
            return not isinstance(have, Not) and excludes(have, other)
        case (
            (UserMatches(patterns=narrows), UserMatches(patterns=wides))
            | (SubjectMatches(patterns=narrows), SubjectMatches(patterns=wides))
            | (IssuerMatches(patterns=narrows), IssuerMatches(patterns=wides))
        ):
            return all(any(glob.takes_in(w, n) for w in wides) for n in narrows)
        case (Listed(), Listed()) if type(have) is type(want):
            return have.macs <= want.macs and _lasts(have, want)
        case (MacMatches() | MacIn() as these, MacMatches() | MacIn() as those):
            return _macs_imply(these, those)
        case (AccessIs(kinds=kinds), AccessIs(kinds=more)):
            return set(kinds) <= set(more)
        case (IdentityFrom(sources=here), IdentityFrom(sources=there)):
            return set(here) <= set(there)
        case NasIs(names=few), NasIs(names=many):
            return few <= many
        case InventoryHas(), InventoryHas(names=many) if IN_INVENTORY in many:
            return True
        case (OneOf(names=few), OneOf(names=many)) | (AnyOf(names=few), AnyOf(names=many)) if type(have) is type(want):
            return few <= many
        case (ExpiresIn(limit_s=a, below=below), ExpiresIn(limit_s=b, below=also)):
            return below == also and (a <= b if below else a >= b)
        case (Fits(patterns=narrows), Fits(patterns=wides)) if type(have) is type(want):
            return all(any(glob.takes_in(w, n) for w in wides) for n in narrows)
        case (VersionBound(version=mine, below=below), VersionBound(version=theirs, below=also)):
            return type(have) is type(want) and below == also and (mine <= theirs if below else mine >= theirs)
        case (LocationIn(places=few), LocationIn(places=many)):
            return all(any(is_within(place, wide) for wide in many) for place in few)
        case (GroupIs(groups=few), GroupIs(groups=many)):
            return few <= many
        case (NasIs(names=names), GroupIs(groups=any_group)):
            return all(not any_group.isdisjoint(groups.get(name, frozenset())) for name in names)
        case (AssuranceAtLeast(level=high), AssuranceAtLeast(level=low)):
            return high >= low
        case (During(), During()):  # of one policy, and so of one time zone
            return have.minutes() & ~want.minutes() == 0
        case _:
            return _answer_implies(have, want)


def _answer_implies(have: Condition, want: Condition) -> bool:
    """The same for conditions on the answer. A longer age takes in a shorter one only in the same direction."""
    match have, want:
        case (VerdictAge(limit_s=a, over=over), VerdictAge(limit_s=b, over=also)) | (
            LastSync(limit_s=a, over=over),
            LastSync(limit_s=b, over=also),
        ):
            return over == also and (a >= b if over else a <= b)
        case (VerdictFrom(sources=here), VerdictFrom(sources=there)):
            return set(here) <= set(there)
        case (SystemIs(systems=few), SystemIs(systems=many)):
            return few <= many
        case (OwnershipIs(owners=one), OwnershipIs(owners=other)):
            return set(one) <= set(other)
        case (UserGroupIs(ids=some), UserGroupIs(ids=more)):
            return some <= more
        case (DeviceNameMatches(patterns=narrows), DeviceNameMatches(patterns=wides)) | (
            DeviceUserMatches(patterns=narrows),
            DeviceUserMatches(patterns=wides),
        ):
            return all(any(glob.takes_in(w, n) for w in wides) for n in narrows)
        case _:
            return False


def _lasts(have: Listed, want: Listed) -> bool:
    """Whether everything on the one list counts on the other for as long."""
    wanted, mine = dict(want.ends), dict(have.ends)
    return all(mine.get(each, _NEVER) <= end for each, end in wanted.items() if each in have.macs)


_NEVER: Final = float("inf")


def _macs_imply(have: MacMatches | MacIn, want: MacMatches | MacIn) -> bool:
    whole = have.macs if isinstance(have, MacIn) else have.exact()
    beginnings = () if isinstance(have, MacIn) else have.prefixes()
    if isinstance(want, MacIn):
        return not beginnings and whole <= want.macs and whole.isdisjoint(mac for mac, _ in want.ends)
    exact, prefixes = want.exact(), want.prefixes()
    if beginnings and not (prefixes and all(beginning.startswith(prefixes) for beginning in beginnings)):
        return False
    return all(mac in exact or (prefixes and mac.startswith(prefixes)) for mac in whole)


# -- where to look for what is implied -------------------------------------------------------

ANY: Final = ""
"""Whatever has no better landmark stands here, and is looked at by everybody."""


def landmarks(want: Condition) -> Iterable[str]:
    """Where this condition is to be found by those that imply it: at each of these."""
    match want:
        case NasIs(names=names) | OneOf(names=names) | AnyOf(names=names):
            return names
        case GroupIs(groups=names):
            return names
        case MacMatches() | Listed():
            return want.beginnings()
        case (
            UserMatches(patterns=patterns)
            | SubjectMatches(patterns=patterns)
            | IssuerMatches(patterns=patterns)
            | DeviceNameMatches(patterns=patterns)
            | DeviceUserMatches(patterns=patterns)
            | Fits(patterns=patterns)
        ):
            return {_anchor(pattern) for pattern in patterns}
        case _:
            return (ANY,)


def sightings(have: Condition, key: str, groups: Mapping[str, frozenset[str]]) -> Iterable[str]:
    """Landmarks of all conditions with that key that this one may imply. One of its values is enough: all must fit."""
    match have:
        case NasIs(names=names) if key == "group":
            return groups.get(min(names), frozenset())
        case InventoryHas(names=names) if key == have.key:
            return (min(names), IN_INVENTORY)
        case NasIs(names=names) | OneOf(names=names) | AnyOf(names=names) if key == have.key:
            return (min(names),)
        case GroupIs(groups=names) if key == have.key:
            return (min(names),)
        case MacMatches() | Listed() if not key.startswith(NOT):
            first = next(iter(have.beginnings()), "")
            return [first[:length] for length in range(len(first) + 1)]
        case (
            UserMatches(patterns=patterns)
            | SubjectMatches(patterns=patterns)
            | IssuerMatches(patterns=patterns)
            | DeviceNameMatches(patterns=patterns)
            | DeviceUserMatches(patterns=patterns)
            | Fits(patterns=patterns)
        ) if key == have.key:
            text = patterns[0].casefold()
            return {
                ANY,
                *(f"^{text[:end]}" for end in range(len(text) + 1)),
                *(text[at:] + "$" for at in range(len(text))),
            }
        case _:
            return (ANY,)


def _anchor(pattern: str) -> str:
    """The text that a pattern begins with, else the one that it ends with; ``ANY`` if it is open at both ends."""
    folded = pattern.casefold()
    first, last = re.split(r"[*?]", folded)[0], re.split(r"[*?]", folded)[-1]
    return f"^{first}" if first else f"{last}$" if last else ANY
