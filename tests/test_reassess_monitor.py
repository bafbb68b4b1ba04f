"""Live sessions under monitor mode: left alone while it lasts, decided by the policy from its end on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd import admit
from nacd.policy.evaluate import evaluate
from nacd.policy.model import Policy
from nacd.policy.monitor.scopes import NO_MONITORS, Monitor, Monitors, Scope
from nacd.reassess import EXPIRED, Reassessed, reassess
from nacd.session.overrides import NO_OVERRIDE, InForce
from nacd.session.table import is_same_decision
from nacd.sessions import Session, Standing
from nacd.values import Compliance, Effect, Facts
from tests.policy.test_evaluate_properties import NOW, every_facts, policies
from tests.test_reassess import CERTIFICATE, GROUNDS, POLICY, order, session, verdict

END = NOW + 100


def watched(policy: Policy = POLICY, until: float = END, *keep: str) -> Policy:
    monitor = Monitor(scope=Scope.EVERYWHERE, until=until, profile="open", keep=frozenset(keep))
    return replace(policy, monitors=Monitors(all=(monitor,)))


def under(profile: str, told: Compliance, policy: Policy = POLICY) -> Session:
    """A session that was let in with this profile."""
    decision = evaluate(policy, admit.facts(GROUNDS, told, NOW))
    given = replace(decision, effect=Effect.ALLOW, profile=profile)
    return session(admit.standing(given, told, NOW))


def again(
    one: Session,
    told: Compliance,
    policy: Policy,
    at: float,
    ordered: InForce = NO_OVERRIDE,
    *,
    policy_counts: bool = False,
) -> Reassessed:
    made = reassess(one, told, ordered, policy, at, policy_counts=policy_counts)
    assert isinstance(made, Reassessed)
    return made


def stays(one: Session, made: Reassessed) -> bool:
    return is_same_decision(one.standing, made.wanted)


@pytest.mark.parametrize("state", ["compliant", "noncompliant", "unknown", "not_managed"])
def test_while_it_lasts_no_verdict_takes_anybody_off(state: str) -> None:
    one = under("open", verdict("compliant"))
    made = again(one, verdict(state), watched(), END - 1)
    assert stays(one, made)
    assert not made.down


@pytest.mark.parametrize(("state", "profile"), [("compliant", "staff"), ("noncompliant", "fix"), ("unknown", "")])
def test_from_its_end_on_the_policy_decides(state: str, profile: str) -> None:
    one = under("open", verdict(state))
    made = again(one, verdict(state), watched(), END)
    assert made.wanted.profile == profile
    assert made.wanted.effect is (Effect.ALLOW if profile else Effect.DENY)
    assert made.down  # so the guard of changes that take away looks at it


def test_the_end_counts_also_where_a_newer_policy_is_not_to_count() -> None:
    one = under("open", verdict("unknown"), replace(POLICY, digest="older"))
    made = again(one, verdict("unknown"), watched(), END)
    assert made.wanted.effect is Effect.DENY


def test_taking_the_monitor_out_is_a_change_of_the_policy() -> None:
    one = under("open", verdict("unknown"), replace(POLICY, digest="older"))
    assert stays(one, again(one, verdict("unknown"), POLICY, NOW))
    assert again(one, verdict("unknown"), POLICY, NOW, policy_counts=True).wanted.effect is Effect.DENY


def test_what_was_let_in_with_a_kept_profile_stays_while_it_lasts() -> None:
    one = under("staff", verdict("compliant"))
    policy = watched(POLICY, END, "staff")
    made = again(one, verdict("unknown"), policy, END - 1)
    assert stays(one, made)
    assert again(one, verdict("unknown"), policy, END).wanted.effect is Effect.DENY


def test_a_persons_order_is_carried_out() -> None:
    one = under("open", verdict("compliant"))
    made = again(one, verdict("compliant"), watched(), NOW, order("block"))
    assert (made.wanted.effect, made.wanted.rule) == (Effect.DENY, "override-block")


def test_a_certificate_that_ends_ends_its_session() -> None:
    grounds = replace(GROUNDS, certificate=CERTIFICATE)
    one = replace(under("open", verdict("compliant")), grounds=grounds)
    made = again(one, verdict("compliant"), watched(POLICY, NOW + 1_000), CERTIFICATE.not_after)
    assert (made.wanted.effect, made.wanted.rule) == (Effect.DENY, EXPIRED)


@given(policies(), every_facts(), every_facts(), st.booleans())
def test_monitor_mode_alone_never_wants_a_refusal_and_its_end_wants_what_the_policy_says(
    plain: Policy, then: Facts, now: Facts, policy_counts: bool
) -> None:
    policy = replace(watched(plain, NOW + 1), monitors=watched(plain, NOW + 1).monitors)
    grounds = replace(
        GROUNDS, access=then.access, nas=then.nas, identity=then.identity, mac=then.mac, user=then.user, key="x"
    )
    one = replace(under("open", then.compliance, plain), grounds=grounds)
    during = again(one, now.compliance, policy, NOW, policy_counts=policy_counts)
    assert stays(one, during)
    after = again(one, now.compliance, policy, NOW + 1, policy_counts=policy_counts)
    bare = evaluate(replace(plain, monitors=NO_MONITORS), admit.facts(grounds, now.compliance, NOW + 1))
    assert isinstance(one.standing, Standing)
    assert (after.wanted.effect, after.wanted.profile) == (bare.effect, bare.profile)


def test_a_profile_that_a_person_had_ordered_does_not_stay_when_the_order_is_lifted_though_it_is_kept() -> None:
    one = under("fix", verdict("compliant"))
    assert isinstance(one.standing, Standing)
    one = replace(one, standing=replace(one.standing, rule="override-quarantine"))
    assert again(one, verdict("compliant"), watched(POLICY, END, "fix"), NOW).wanted.profile == "open"
