"""What lint claims, held against trying everything that can happen in a small domain."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from nacd.findings import Code
from nacd.policy import lint
from nacd.policy.answered import ComplianceIs
from nacd.policy.conditions import AccessIs, AssuranceAtLeast, GroupIs, IdentityFrom, NasIs, UserMatches
from nacd.policy.evaluate import evaluate
from nacd.policy.model import DEFAULT_DENY, DENY, Policy
from nacd.policy.remarks import gaps
from nacd.policy.remarks.worlds import MAX_CLASSES, Site, Worlds
from nacd.policy.requested import MacIn
from nacd.values import AccessKind, Assurance, ComplianceState, Facts, IdentitySource, Nas, Unidentified
from tests.policy.remarks import small

NEVER = lint.NEVER | {Code.RULE_NOT_HERE}
EVERYTHING = Site(nases=small.NASES, eap=True, sources=frozenset(IdentitySource), states=frozenset(ComplianceState))
DOT1X, MAB, VPN = (AccessIs(kinds=(kind,)) for kind in AccessKind)
CERTIFICATE = IdentityFrom(sources=("certificate",))
ALICE = UserMatches(patterns=("alice",))


def compliance_is(*states: str) -> ComplianceIs:
    return ComplianceIs(states=tuple(ComplianceState(state) for state in states))


def all_notes(policy: Policy, site: Site) -> list[lint.Note]:
    """As `nacd check` puts them together."""
    groups = {nas.name: nas.groups for nas in site.nases}
    graph = ComplianceState.IN_GRACE in site.states
    first = lint.notes(policy, groups=groups, graph=graph, graph_sure=graph)
    dead = {note.rule for note in first if note.code in lint.NEVER}
    return [*first, *lint.survey(policy, site, dead)]


def dead_rules(policy: Policy, site: Site) -> set[str]:
    return {note.rule for note in all_notes(policy, site) if note.code in NEVER}


def holes_told(policy: Policy, site: Site) -> set[tuple[str, str]]:
    """Access kind and state of each that no rule is said to take."""
    told = set()
    for note in all_notes(policy, site):
        if note.code == Code.STATE_WITHOUT_RULE:
            kind = note.message.split("access `")[1].split("`")[0]
            states = note.message.split("compliance ")[1].split(": default")[0]
            told |= {(kind, state.strip("` ")) for state in states.replace(" or ", ",").split(",")}
    return told


def holes(policy: Policy, facts: Iterable[Facts]) -> set[tuple[str, str]]:
    """The same by trying everything; and without what lint is silent on, by its own word."""
    comes: dict[tuple[AccessKind, ComplianceState], set[str]] = {}
    for each in facts:
        comes.setdefault((each.access, each.compliance.state), set()).add(evaluate(policy, each).rule)
    decided = {kind for (kind, _), rules in comes.items() if rules != {DEFAULT_DENY}}
    return {
        (kind.value, state.value)
        for (kind, state), rules in comes.items()
        if rules == {DEFAULT_DENY} and kind in decided and state is not ComplianceState.NOT_ASKED
    }


def words(facts: Facts) -> dict[str, str]:
    """What conditions on words of finite kind look at."""
    identity = facts.identity
    source = "none" if isinstance(identity, Unidentified) else identity.source.value
    return {"access": facts.access.value, "identity": source, "compliance": facts.compliance.state.value}


def named_in(message: str, before: str) -> set[str]:
    """The words in backticks in front of some text."""
    return set(re.findall(r"`([^`]*)`", message.split(before)[0]))


EXHAUSTIVE = settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow], deadline=None)


@pytest.mark.slow
@EXHAUSTIVE
@given(policy=small.policies(small.FINITE), site=small.SITES)
def test_of_conditions_of_finite_kind_lint_tells_exactly_what_trying_everything_shows(
    policy: Policy, site: Site
) -> None:
    facts = list(small.all_facts(site, users=False))
    deciding = {evaluate(policy, each).rule for each in facts}
    assert dead_rules(policy, site) == {rule.name for rule in policy.rules} - deciding
    assert holes_told(policy, site) == holes(policy, facts)


@pytest.mark.slow
@EXHAUSTIVE
@given(policy=small.policies(small.FINITE | small.OPEN), site=small.SITES)
def test_whatever_else_rules_ask_lint_claims_nothing_that_is_not_so(policy: Policy, site: Site) -> None:
    facts = list(small.all_facts(site, users=True))
    deciding = {evaluate(policy, each).rule for each in facts}
    assert deciding.isdisjoint(dead_rules(policy, site))
    assert holes_told(policy, site) <= holes(policy, facts)


@pytest.mark.slow
@EXHAUSTIVE
@given(policy=small.policies(small.FINITE | small.OPEN), site=small.SITES)
def test_what_is_said_never_to_come_to_a_rule_does_not_come(policy: Policy, site: Site) -> None:
    decided = [(evaluate(policy, each).rule, words(each)) for each in small.all_facts(site, users=True)]
    for note in all_notes(policy, site):
        if note.code == Code.RULE_PARTLY_SHADOWED:
            lost = named_in(note.message, " never comes")
            assert lost
            assert not [seen for rule, seen in decided if rule == note.rule and seen[note.condition] in lost]


@pytest.mark.slow
@EXHAUSTIVE
@given(policy=small.policies(small.FINITE), site=small.SITES)
def test_whoever_is_said_to_come_in_too_does_come_in(policy: Policy, site: Site) -> None:
    decided = [(evaluate(policy, each), words(each)) for each in small.all_facts(site, users=False)]
    for note in all_notes(policy, site):
        seen = [found for decision, found in decided if decision.rule == note.rule and decision.profile]
        if note.code == Code.ACCEPT_ANY_STATE:
            coming = set(re.findall(r"`([a-z_]+)`", note.message.split(": ")[1]))
            assert coming
            assert coming <= {each["compliance"] for each in seen}
        elif note.code == Code.ACCEPT_UNPROVED:
            assert [each for each in seen if each["identity"] != "certificate" and each["access"] != "dot1x"]


# -- one by one -----------------------------------------------------------------------------


def told(policy: Policy, code: Code, site: Site = EVERYTHING) -> list[tuple[str, str, str]]:
    return [(note.rule, note.condition, note.message) for note in all_notes(policy, site) if note.code == code]


def test_rules_that_share_the_access_kinds_together_take_everything(rule, policy) -> None:
    both = (AccessIs(kinds=(AccessKind.DOT1X, AccessKind.MAB)), GroupIs(groups=frozenset({"g1"})))
    rules = policy(rule("one", DOT1X, line=2), rule("two", MAB, line=3), rule("both", *both, line=4))
    ((name, condition, message),) = told(rules, Code.RULE_SHADOWED)
    assert (name, condition) == ("both", "")
    assert "`one` (line 2) and `two` (line 3) above together take everything it would accept" in message


def test_rules_for_every_nas_together_take_everything(rule, policy) -> None:
    each = [rule(name, NasIs(names=frozenset({name}))) for name in ("n1", "n2", "n3")]
    assert [name for name, _, _ in told(policy(*each, rule("rest", DOT1X)), Code.RULE_SHADOWED)] == ["rest"]
    assert told(policy(*each[:2], rule("rest", VPN)), Code.RULE_SHADOWED) == []


def test_rules_that_ask_the_same_of_a_user_share_the_rest(rule, policy) -> None:
    kinds = [rule(f"alice {kind}", ALICE, AccessIs(kinds=(kind,))) for kind in (AccessKind.DOT1X, AccessKind.VPN)]
    assert [name for name, _, _ in told(policy(*kinds, rule("alice", ALICE)), Code.RULE_SHADOWED)] == ["alice"]
    bob = rule("bob", UserMatches(patterns=("bob",)))
    assert told(policy(*kinds, bob), Code.RULE_SHADOWED) == []


def test_a_rule_that_refuses_what_never_comes_says_refuse(rule, policy) -> None:
    rules = policy(rule("all", DOT1X), rule("no", DOT1X, CERTIFICATE, then=DENY))
    ((_, _, message),) = told(rules, Code.RULE_SHADOWED)
    assert message.endswith("everything it would refuse")


@pytest.mark.parametrize(
    ("conditions", "site"),
    [
        ((MAB, CERTIFICATE), EVERYTHING),
        ((MAB, ALICE), EVERYTHING),
        ((DOT1X, IdentityFrom(sources=("vpn",))), EVERYTHING),
        ((DOT1X, NasIs(names=frozenset({"n3"}))), EVERYTHING),
        ((MAB, AssuranceAtLeast(level=Assurance.VPN)), EVERYTHING),
        ((DOT1X,), replace(EVERYTHING, eap=False)),
        ((VPN, IdentityFrom(sources=("vpn",))), replace(EVERYTHING, nases=small.NASES[:2])),
        ((IdentityFrom(sources=("mac",)),), replace(EVERYTHING, sources=frozenset({IdentitySource.CERTIFICATE}))),
        ((compliance_is("in_grace"),), replace(EVERYTHING, states=small.BY_NAC)),
    ],
)
def test_what_no_nas_and_no_source_here_gives_never_matches(rule, policy, conditions: Any, site: Site) -> None:
    rules = policy(rule("odd", *conditions, then=DENY), rule("rest", then=DENY))
    assert [name for name, _, _ in told(rules, Code.RULE_NOT_HERE, site)] == ["odd"]


def test_a_rule_that_is_known_never_to_match_is_told_of_once(rule, policy) -> None:
    rules = policy(rule("a", MAB, then=DENY), rule("b", MAB, CERTIFICATE, then=DENY))
    assert len([note for note in all_notes(rules, EVERYTHING) if note.rule == "b"]) == 1


def test_a_state_that_rules_above_take_is_told_at_its_condition(rule, policy) -> None:
    rules = policy(
        rule("good", DOT1X, compliance_is("compliant")), rule("rest", DOT1X, compliance_is("compliant", "unknown"))
    )
    ((name, condition, message),) = told(rules, Code.RULE_PARTLY_SHADOWED)
    assert (name, condition) == ("rest", "compliance")
    assert message == "`compliant` never comes to this rule: rules above take it"


def test_states_without_a_rule_are_told_by_access_kind_at_the_last_rule_for_it(rule, policy) -> None:
    rules = policy(
        rule("good", DOT1X, compliance_is("compliant", "in_grace")),
        rule("bad", DOT1X, compliance_is("noncompliant", "not_managed", "unknown"), then=DENY),
        rule("vpn", VPN, compliance_is("compliant")),
        rule("printers", MAB, MacIn(files=("f",), macs=frozenset(small.MACS))),
    )
    assert told(rules, Code.STATE_WITHOUT_RULE) == [
        ("bad", "", "below it no rule takes access `dot1x` with compliance `unavailable`: default-deny refuses"),
        (
            "vpn",
            "",
            "below it no rule takes access `vpn` with compliance `noncompliant`, `in_grace`, `not_managed`, `unknown`"
            " or `unavailable`: default-deny refuses",
        ),
    ]


def test_a_kind_that_no_rule_takes_and_what_nobody_is_asked_about_are_passed_over_in_silence(rule, policy) -> None:
    rules = policy(rule("vpn", VPN, compliance_is(*(set(ComplianceState) - {ComplianceState.NOT_ASKED}))))
    assert told(rules, Code.STATE_WITHOUT_RULE) == []


def test_more_kinds_of_nases_than_are_looked_at_are_not_told_apart(rule, policy) -> None:
    nases = tuple(Nas(name=f"n{number}", vendor="generic") for number in range(MAX_CLASSES + 2))
    each = [rule(nas.name, NasIs(names=frozenset({nas.name})), then=DENY) for nas in nases]
    rules = policy(*each, rule("rest", DOT1X, then=DENY))
    assert told(rules, Code.RULE_SHADOWED, replace(EVERYTHING, nases=nases)) == []
    few = replace(EVERYTHING, nases=nases[:100])
    assert [name for name, _, _ in told(policy(*each[:100], rule("rest", DOT1X, then=DENY)), Code.RULE_SHADOWED, few)]


def test_of_very_many_dead_rules_the_later_ones_do_not_name_those_above(rule, policy) -> None:
    rules = policy(rule("all", DOT1X), *(rule(f"r{n}", DOT1X, ALICE) for n in range(60)))
    worlds = Worlds(rules.rules, EVERYTHING)
    found = [message for _, _, message, _ in gaps.remarks(rules.rules, worlds, EVERYTHING, frozenset())]
    assert len([message for message in found if "`all` (line 1)" in message]) == 50
    assert len([message for message in found if "rules above take everything" in message]) == 10
