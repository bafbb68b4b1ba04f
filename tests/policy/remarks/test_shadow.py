from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.policy.answered import ComplianceIs
from nacd.policy.certified import IssuerMatches
from nacd.policy.conditions import AccessIs, Condition, GroupIs, NasIs, Not, UserMatches
from nacd.policy.implies import implies
from nacd.policy.model import Rule
from nacd.policy.remarks import shadow
from nacd.policy.remarks.shadow import Comparison
from nacd.policy.requested import MacIn, MacMatches, SsidIs
from nacd.values import AccessKind, ComplianceState

GROUPS = {"sw1": frozenset({"wired"}), "ap1": frozenset({"wifi"})}
DOT1X = AccessIs(kinds=(AccessKind.DOT1X,))


def made(*conditions: tuple[Condition, ...]) -> tuple[Rule, ...]:
    return tuple(Rule(name=f"r{n}", line=n, conditions=each, then="p") for n, each in enumerate(conditions))


def above(*conditions: tuple[Condition, ...]) -> list[int]:
    """Numbers of the rules that take in the last one."""
    return list(Comparison(made(*conditions), GROUPS).above(len(conditions) - 1))


def users(*patterns: str) -> UserMatches:
    return UserMatches(patterns=patterns)


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ((), (DOT1X,)),
        ((users("*"),), (users("a@x"),)),
        ((users("*@contoso.com"),), (users("pc-*@contoso.com"),)),
        ((users("host/*"),), (users("HOST/pc1", "host/pc2"),)),
        ((users("b", "a*"),), (users("alice"), DOT1X)),
        ((MacMatches(patterns=("AA-*",)),), (MacIn(files=("f",), macs=frozenset({"AA-00-00-00-00-01"})),)),
        ((MacMatches(patterns=("*",)),), (MacMatches(patterns=("00-1*",)),)),
        ((GroupIs(groups=frozenset({"wired", "x"})),), (NasIs(names=frozenset({"sw1"})), DOT1X)),
        ((Not(inner=SsidIs(names=frozenset({"Guest"}))),), (SsidIs(names=frozenset({"Corp"})),)),
        ((Not(inner=users("a")),), (Not(inner=users("a*")),)),
        ((DOT1X, Not(inner=users("a"))), (DOT1X, Not(inner=users("a")), users("b*"))),
    ],
)
def test_a_weaker_rule_is_found(wide: tuple[Condition, ...], narrow: tuple[Condition, ...]) -> None:
    assert above(wide, narrow) == [0]
    assert above(narrow, wide) == []


def test_states_are_left_to_others() -> None:
    good, bad = (ComplianceIs(states=(state,)) for state in (ComplianceState.COMPLIANT, ComplianceState.UNKNOWN))
    assert above((DOT1X, good), (DOT1X, bad)) == [0]
    assert above((DOT1X, Not(inner=good)), (DOT1X, bad)) == [0]


def test_looking_ends_where_it_would_take_too_long(monkeypatch) -> None:
    monkeypatch.setattr(shadow, "_PAIRS", 500)
    rules = made(*[(users(f"*{number}*"),) for number in range(100)])
    comparison = Comparison(rules, {})
    assert not comparison.gave_up
    for number in range(100):
        list(comparison.above(number))
    assert comparison.gave_up


NAMES = st.sets(st.sampled_from(["a", "b", "c"]), min_size=1).map(frozenset)
PATTERNS = st.lists(st.sampled_from(["*", "a*", "*a", "?a", "ab*ba", "*b*", "aba", "b"]), min_size=1, max_size=2)
MACS = ("AA-BB-CC-00-00-01", "AA-BB-CC-00-00-02", "00-11-22-33-44-55")
CONDITIONS = st.one_of(
    st.builds(NasIs, names=st.sets(st.sampled_from(["sw1", "ap1"]), min_size=1).map(frozenset)),
    st.builds(GroupIs, groups=st.sets(st.sampled_from(["wired", "wifi"]), min_size=1).map(frozenset)),
    st.builds(SsidIs, names=NAMES),
    st.builds(UserMatches, patterns=PATTERNS.map(tuple)),
    st.builds(IssuerMatches, patterns=PATTERNS.map(tuple)),
    st.builds(
        MacMatches, patterns=st.lists(st.sampled_from([*MACS, "AA-*", "A*", "*"]), min_size=1, max_size=2).map(tuple)
    ),
    st.builds(MacIn, files=st.just(("f",)), macs=st.sets(st.sampled_from(MACS), min_size=1).map(frozenset)),
    st.just(DOT1X),
)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(CONDITIONS, CONDITIONS, st.booleans(), st.booleans()).map(
            lambda drawn: tuple(
                {
                    each.key: each
                    for each in (
                        Not(inner=drawn[0]) if drawn[2] else drawn[0],
                        Not(inner=drawn[1]) if drawn[3] else drawn[1],
                    )
                }.values()
            )
        ),
        min_size=2,
        max_size=7,
    )
)
def test_what_is_found_is_what_trying_all_pairs_finds(drawn: list[tuple[Condition, ...]]) -> None:
    rules = made(*drawn)
    comparison = Comparison(rules, GROUPS)
    for narrow, wide in itertools.combinations(reversed(range(len(rules))), 2):
        takes_in = all(
            any(implies(have, want, GROUPS) for have in rules[narrow].conditions) for want in rules[wide].conditions
        )
        assert (wide in list(comparison.above(narrow))) == takes_in
