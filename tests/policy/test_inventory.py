"""The condition `inventory`: a MAC that people have entered, found without trying all rules."""

from __future__ import annotations

from typing import Any

import pytest

from nacd.policy.conditions import AccessIs, Not
from nacd.policy.evaluate import evaluate, explain
from nacd.policy.implies import implies
from nacd.policy.lint import notes
from nacd.policy.model import Policy, Rule
from nacd.policy.requested import InventoryHas, in_inventory
from nacd.values import AccessKind, Endpoint, Facts, MacAddress, Nas

MAC = "00-11-85-AA-BB-CC"
NAS = Nas(name="n", vendor="generic")


def has(*words: str) -> InventoryHas:
    return InventoryHas(names=frozenset(words))


def rule(name: str, *conditions: Any, then: str = "printers") -> Rule:
    return Rule(name=name, line=1, conditions=(AccessIs(kinds=(AccessKind.MAB,)), *conditions), then=then)


def facts(*words: str, mac: str = MAC) -> Facts:
    return Facts(
        access=AccessKind.MAB, nas=NAS, identity=Endpoint(mac=MacAddress(MAC)), mac=mac, inventory=in_inventory(words)
    )


@pytest.mark.parametrize(
    ("asked", "there", "holds"),
    [
        (("printers",), ("printers",), True),
        (("printers",), ("lab",), False),
        (("printers", "lab"), ("lab",), True),
        (("any",), ("lab",), True),
        (("any",), ("any",), True),
        (("any",), (), False),
        (("printers",), ("any",), False),
    ],
)
def test_it_holds_for_one_tag_in_common_and_any_for_every_entry(
    asked: tuple[str, ...], there: tuple[str, ...], holds: bool
) -> None:
    assert has(*asked).test()(facts(*there)) is holds
    policy = Policy(rules=(rule("r", has(*asked)),), digest="d")
    assert (evaluate(policy, facts(*there)).rule == "r") is holds


def test_what_was_found_is_told_in_words() -> None:
    assert has("printers").wanted() == "a mac of the inventory tagged `printers`"
    assert has("any", "x").wanted() == "a mac of the inventory"
    assert has("x").seen(facts()) == f"mac `{MAC}` is not in the inventory"
    assert has("x").seen(facts(mac="")) == "there is no mac"
    assert has("x").seen(facts("any")) == f"mac `{MAC}` is in the inventory, without a tag"
    assert has("x").seen(facts("a", "b")) == f"mac `{MAC}` is in the inventory, tagged `a` and `b`"
    trials = explain(Policy(rules=(rule("r", has("printers")),), digest="d"), facts("lab"))
    assert trials[0].detail.endswith("tagged `lab`, the rule wants a mac of the inventory tagged `printers`")


def test_of_thousands_of_rules_by_tag_only_those_of_its_tags_are_tried() -> None:
    rules = [rule(f"r{number}", has(f"t{number}", "lab") if number % 1_000 == 7 else has(f"t{number}"))
             for number in range(5_000)]  # fmt: skip
    steps = Policy(rules=tuple(rules), digest="d").steps(AccessKind.MAB, NAS)
    assert [number for number, _ in steps.of(facts())] == []
    assert [number for number, _ in steps.of(facts("lab", "t9"))] == [7, 9, 1_007, 2_007, 3_007, 4_007]
    found = dict(steps.of(facts("t9")))
    assert found[9].tests == ()  # being found has been the test


def test_one_tag_makes_sure_of_more_and_every_tag_of_any() -> None:
    assert implies(has("a"), has("a", "b"), {})
    assert not implies(has("a", "b"), has("a"), {})
    assert implies(has("a"), has("any"), {})
    assert not implies(has("any"), has("a"), {})


def test_a_rule_below_one_that_takes_every_entry_can_never_match() -> None:
    policy = Policy(rules=(rule("all", has("any")), rule("printers", has("printers"))), digest="d")
    found = notes(policy, groups={}, graph=False, graph_sure=False)
    assert [(note.rule, "`all`" in note.message) for note in found if "can never match" in note.message] == [
        *(("printers", True),),
    ]


def test_to_let_in_whoever_is_not_in_the_inventory_keeps_nobody_out() -> None:
    policy = Policy(rules=(rule("guests", Not(inner=has("banned"))),), digest="d")
    found = notes(policy, groups={}, graph=False, graph_sure=False)
    assert any("a MAC is free to choose" in note.message for note in found)
