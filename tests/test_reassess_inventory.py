"""Deciding again about a session whose MAC stands in the inventory no more, or otherwise."""

from __future__ import annotations

import pytest
from hypothesis import given

from nacd import admit
from nacd.policy.conditions import AccessIs
from nacd.policy.evaluate import evaluate
from nacd.policy.model import Policy, Rule
from nacd.policy.requested import InventoryHas
from nacd.reassess import Reassessed, reassess
from nacd.session.overrides import NO_OVERRIDE
from nacd.sessions import Grounds, Names, Phase, Place, Session
from nacd.values import NOT_ASKED, AccessKind, Effect, Endpoint, Facts, MacAddress, Nas
from tests.policy.test_evaluate_properties import NOW, every_facts, policies

MAC = "00-11-85-AA-BB-CC"
NAS = Nas(name="n", vendor="generic")


def policy(digest: str = "d", *words: str) -> Policy:
    conditions = (AccessIs(kinds=(AccessKind.MAB,)), InventoryHas(names=frozenset(words or ("printers",))))
    return Policy(rules=(Rule(name="r", line=1, conditions=conditions, then="printers"),), digest=digest)


def session(*listed: str, by: Policy) -> Session:
    """Let in by a policy while its MAC stood so in the inventory."""
    grounds = Grounds(access=AccessKind.MAB, nas=NAS, identity=Endpoint(mac=MacAddress(MAC)), mac=MAC, inventory=listed)
    decision = evaluate(by, admit.facts(grounds, NOT_ASKED, NOW))
    standing = admit.standing(decision, NOT_ASKED, NOW)
    return Session(
        id=1, place=Place(nas="n", source="s"), names=Names(), phase=Phase.LIVE, authorized_at=NOW,
        standing=standing, grounds=grounds,
    )  # fmt: skip


def wanted(one: Session, by: Policy, *listed: str, counts: bool = False) -> Effect:
    made = reassess(one, NOT_ASKED, NO_OVERRIDE, by, NOW, policy_counts=counts, inventory=listed)
    assert isinstance(made, Reassessed)
    return made.wanted.effect


@pytest.mark.parametrize("counts", [False, True])
def test_what_counts_is_how_it_stands_there_now(counts: bool) -> None:
    one = session("any", "printers", by=policy())
    assert wanted(one, policy(), "any", "printers", counts=counts) is Effect.ALLOW
    assert wanted(one, policy(), "any", "lab", counts=counts) is Effect.DENY
    assert wanted(one, policy(), counts=counts) is Effect.DENY


def test_a_removal_counts_though_the_policy_is_another_by_now_which_does_not_count() -> None:
    one = session("any", "printers", by=policy())
    assert wanted(one, policy("another")) is Effect.DENY
    # The new policy alone would take it away too, and that is not to count.
    assert wanted(one, policy("third", "lab"), "any", "printers") is Effect.ALLOW


@given(policies(), every_facts())
def test_by_the_same_words_nothing_changes(of: Policy, facts: Facts) -> None:
    grounds = Grounds(
        access=facts.access, nas=facts.nas, identity=facts.identity, mac=facts.mac, inventory=facts.inventory
    )
    decision = evaluate(of, admit.facts(grounds, facts.compliance, NOW))
    standing = admit.standing(decision, facts.compliance, NOW)
    one = Session(
        id=1, place=Place(nas="n", source="s"), names=Names(), phase=Phase.LIVE, authorized_at=NOW,
        standing=standing, grounds=grounds,
    )  # fmt: skip
    made = reassess(one, facts.compliance, NO_OVERRIDE, of, NOW, policy_counts=True, inventory=facts.inventory)
    assert isinstance(made, Reassessed)
    assert made.wanted == standing
