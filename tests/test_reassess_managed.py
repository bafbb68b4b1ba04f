"""A managed device that came by its MAC under a monitor: no rule's profile is pushed to it, and its end refuses it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nacd import admit
from nacd.policy.conditions import AccessIs
from nacd.policy.model import Policy, Rule
from nacd.policy.monitor.scopes import Monitor, Monitors, Scope
from nacd.reassess import Reassessed, reassess
from nacd.session.macs.managed import MANAGED
from nacd.session.overrides import NO_OVERRIDE
from nacd.sessions import Grounds, Session
from nacd.values import NOT_ASKED, AccessKind, Decision, Effect, Endpoint, MacAddress, Nas
from tests.policy.test_evaluate_properties import NOW
from tests.test_reassess import session

MAC = "00-11-85-AA-BB-CC"
NAS = Nas(name="sw", vendor="generic")
GROUNDS = Grounds(access=AccessKind.MAB, nas=NAS, identity=Endpoint(mac=MacAddress(MAC)), mac=MAC)
REFUSED = Decision(
    effect=Effect.DENY, rule=MANAGED, profile="", reasons=("x",), policy_digest="d", refused_above=MANAGED
)
END = NOW + 100


def policy(*keep: str, rule: str = "printers", digest: str = "d") -> Policy:
    rules = (Rule(name=rule, line=1, conditions=(AccessIs(kinds=(AccessKind.MAB,)),), then="printers"),)
    monitor = Monitor(scope=Scope.EVERYWHERE, until=END, profile="open", keep=frozenset(keep))
    return Policy(rules=rules, digest=digest, monitors=Monitors(all=(monitor,)))


def let_in(by: Policy) -> Session:
    """By the monitor, though it was refused."""
    monitor = by.monitors.of(REFUSED, NAS, NOW)
    assert monitor is not None
    return session(admit.standing(monitor.given(REFUSED), NOT_ASKED, NOW), GROUNDS)


def again(one: Session, by: Policy, at: float, *, counts: bool = False) -> Reassessed:
    made = reassess(one, NOT_ASKED, NO_OVERRIDE, by, at, policy_counts=counts)
    assert isinstance(made, Reassessed)
    return made


def test_while_the_monitor_lasts_it_does_not_come_to_a_profile_that_is_kept() -> None:
    by = policy("printers")
    assert again(let_in(by), by, END - 1).wanted.profile == "open"


@pytest.mark.parametrize("counts", [False, True])
def test_when_the_monitor_ends_it_is_refused_as_its_next_login_is(counts: bool) -> None:
    one = let_in(policy())
    for by in (policy(), policy(digest="newer")):
        made = again(one, by, END, counts=counts)
        assert (made.wanted.effect, made.wanted.rule) == (Effect.DENY, MANAGED)
        assert made.down


def test_a_policy_without_the_monitor_changes_nothing_where_policies_do_not_count() -> None:
    one = let_in(policy())
    bare = replace(policy(digest="newer"), monitors=Monitors())
    assert again(one, bare, NOW).wanted.profile == "open"
    assert again(one, bare, NOW, counts=True).wanted.effect is Effect.DENY


def test_a_rule_that_is_called_so_is_a_rule() -> None:
    by = policy(rule=MANAGED)
    one = let_in(by)
    assert again(one, by, END).wanted.profile == "printers"
