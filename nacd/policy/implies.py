"""Which condition holds wherever another one does, which never do together, and what is left of Intune's answers.

Knows: all conditions, two by two. Refuses to know: rules, and what to say of them (``lint``). "No" always means
"not sure" too; "yes" is a promise.
"""

from __future__ import annotations

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
    SystemVersion,
    VerdictAge,
    VerdictFrom,
)
from nacd.policy.certified import IssuerMatches, SubjectMatches
from nacd.policy.conditions import (
    AccessIs,
    AssuranceAtLeast,
    Condition,
    GroupIs,
    IdentityFrom,
    NasIs,
    Not,
    Positive,
    TenantIs,
    UserMatches,
)
from nacd.policy.during import During
from nacd.policy.requested import MacIn, MacMatches, SsidIs
from nacd.values import ComplianceState

_NO_GROUPS: Final[Mapping[str, frozenset[str]]] = {}


def reachable(conditions: Iterable[Condition]) -> frozenset[ComplianceState]:
    """The states in which all these conditions can hold; none when they surely exclude each other."""
    inner = [each.inner for each in conditions if isinstance(each, Not)]
    positive = [each for each in conditions if not isinstance(each, Not)]
    states = answered.reachable(positive)
    for each in inner:
        if isinstance(each, ComplianceIs):
            states -= frozenset(each.states)
        elif any(implies(other, each, _NO_GROUPS) for other in positive):
            return frozenset()
    return states


def excludes(have: Positive, other: Positive) -> bool:
    """Whether ``other`` fails wherever ``have`` holds; False also means "not sure"."""
    match have, other:
        case (AccessIs(kinds=these), AccessIs(kinds=those)):
            return set(these).isdisjoint(those)
        case (IdentityFrom(sources=here), IdentityFrom(sources=there)):
            return set(here).isdisjoint(there)
        case (
            (NasIs(names=one), NasIs(names=two))
            | (SsidIs(names=one), SsidIs(names=two))
            | (TenantIs(names=one), TenantIs(names=two))
            | (SystemIs(systems=one), SystemIs(systems=two))
        ):
            return one.isdisjoint(two)
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
        case (MacMatches() | MacIn() as these, MacMatches() | MacIn() as those):
            return _macs_imply(these, those)
        case (AccessIs(kinds=kinds), AccessIs(kinds=more)):
            return set(kinds) <= set(more)
        case (IdentityFrom(sources=here), IdentityFrom(sources=there)):
            return set(here) <= set(there)
        case (NasIs(names=few), NasIs(names=many)) | (SsidIs(names=few), SsidIs(names=many)):
            return few <= many
        case (GroupIs(groups=few), GroupIs(groups=many)):
            return few <= many
        case (NasIs(names=names), GroupIs(groups=any_group)):
            return all(not any_group.isdisjoint(groups.get(name, frozenset())) for name in names)
        case (AssuranceAtLeast(level=high), AssuranceAtLeast(level=low)):
            return high >= low
        case (TenantIs(names=few), TenantIs(names=many)):
            return few <= many
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
        case (SystemVersion(version=mine, below=below), SystemVersion(version=theirs, below=also)):
            return below == also and (mine <= theirs if below else mine >= theirs)
        case (OwnershipIs(owners=one), OwnershipIs(owners=other)):
            return set(one) <= set(other)
        case (DeviceNameMatches(patterns=narrows), DeviceNameMatches(patterns=wides)) | (
            DeviceUserMatches(patterns=narrows),
            DeviceUserMatches(patterns=wides),
        ):
            return all(any(glob.takes_in(w, n) for w in wides) for n in narrows)
        case _:
            return False


def _macs_imply(have: MacMatches | MacIn, want: MacMatches | MacIn) -> bool:
    whole = have.macs if isinstance(have, MacIn) else have.exact()
    beginnings = () if isinstance(have, MacIn) else have.prefixes()
    if isinstance(want, MacIn):
        return not beginnings and (whole is want.macs or whole <= want.macs)
    exact, prefixes = want.exact(), want.prefixes()
    if beginnings and not (prefixes and all(beginning.startswith(prefixes) for beginning in beginnings)):
        return False
    return all(mac in exact or (prefixes and mac.startswith(prefixes)) for mac in whole)
