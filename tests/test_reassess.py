"""The same decision made again, with newer knowledge."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd import admit
from nacd.policy.answered import VerdictAge
from nacd.policy.conditions import AccessIs, ComplianceIs
from nacd.policy.during import During, Hours
from nacd.policy.evaluate import evaluate
from nacd.policy.model import TAKEN, Policy, Rule
from nacd.reassess import EXPIRED, Reassessed, baseline, is_down, is_ordered, reassess
from nacd.session.overrides import NO_OVERRIDE, InForce, Override, OverrideEffect, SubjectKind
from nacd.session.table import is_same_decision
from nacd.sessions import Grounds, Names, NotOurs, Pending, Phase, Place, Session, Standing
from nacd.values import (
    NOT_ASKED,
    AccessKind,
    CertificateFacts,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Effect,
    Facts,
    Nas,
    Unidentified,
)
from tests.policy.test_evaluate_properties import NOW, every_facts, policies

MAC = "02-00-00-00-00-01"
GROUNDS = Grounds(
    access=AccessKind.DOT1X,
    nas=Nas(name="sw", vendor="generic"),
    identity=Unidentified(reason="a test"),
    key="mac:x",
    mac=MAC,
)
CERTIFICATE = CertificateFacts(
    subject="CN=pc", issuer="CN=ca", serial="1", fingerprint="f", not_before=0.0, not_after=NOW + 100
)


def verdict(state: str) -> Compliance:
    return Compliance(state=ComplianceState(state), as_of=NOW, source=ComplianceSource.LIVE)


def rule(name: str, then: str, *states: str) -> Rule:
    when = (ComplianceIs(states=tuple(map(ComplianceState, states))),) if states else ()
    return Rule(name=name, line=1, conditions=when, then=then)


POLICY = Policy(rules=(rule("good", "staff", "compliant"), rule("bad", "fix", "noncompliant")), digest="d")
"""Everything else is refused."""


def session(standing: Standing | NotOurs, grounds: Grounds | NotOurs = GROUNDS) -> Session:
    return Session(
        id=1,
        place=Place(nas="sw", source="10.0.0.1"),
        names=Names(),
        phase=Phase.LIVE,
        authorized_at=NOW,
        standing=standing,
        grounds=grounds,
    )


def decided(state: str = "compliant", policy: Policy = POLICY, grounds: Grounds = GROUNDS, at: float = NOW) -> Session:
    """One that has just been let in, or is to be refused."""
    decision = evaluate(policy, admit.facts(grounds, verdict(state), at))
    return session(admit.standing(decision, verdict(state), at), grounds)


def order(effect: str, profile: str = "") -> Override:
    return Override(
        id=7,
        subject_kind=SubjectKind.MAC,
        subject=MAC,
        tenant="",
        effect=OverrideEffect(effect),
        profile=profile,
        reason="a test",
        by="anna",
        at=NOW,
        until=NOW + 600,
    )


def again(
    of: Session,
    state: str = "compliant",
    ordered: InForce = NO_OVERRIDE,
    policy: Policy = POLICY,
    at: float = NOW,
    counts: bool = True,
    sayable: bool = True,
) -> Reassessed:
    made = reassess(of, verdict(state), ordered, policy, at, policy_counts=counts, sayable=sayable)
    assert isinstance(made, Reassessed)
    return made


# -- what it rests on -----------------------------------------------------------------------------


@pytest.mark.parametrize("source", [ComplianceSource.STALE, ComplianceSource.BULK])
def test_a_change_by_a_stale_verdict_or_a_list_rests_on_old_knowledge(source: ComplianceSource) -> None:
    one, bad = decided(), replace(verdict("noncompliant"), source=source)

    def rests(of: Session, by: Compliance, ordered: InForce = NO_OVERRIDE, at: float = NOW) -> bool:
        made = reassess(of, by, ordered, POLICY, at, policy_counts=True)
        assert isinstance(made, Reassessed)
        assert not is_same_decision(made.wanted, of.standing)
        return made.old

    assert rests(one, bad)
    assert not rests(one, replace(bad, source=ComplianceSource.LIVE))
    assert not rests(one, replace(bad, source=ComplianceSource.CACHE))
    assert not rests(one, bad, order("block"))
    assert not rests(replace(one, grounds=replace(GROUNDS, certificate=CERTIFICATE)), bad, at=NOW + 100)
    assert not rests(replace(one, grounds=replace(GROUNDS, key="")), bad)


def test_hours_that_end_rest_on_no_verdict_however_old_and_an_age_does() -> None:
    minute = Hours(days=frozenset({3}), begins=16, ends=17)  # NOW is in it
    for condition in (During(hours=(minute,), zone=UTC, zone_name="UTC"), VerdictAge(limit_s=600, over=False)):
        ruled = replace(POLICY, rules=(replace(POLICY.rules[0], conditions=(*POLICY.rules[0].conditions, condition)),))
        one = decided()
        stale = replace(verdict("compliant"), source=ComplianceSource.STALE)
        made = reassess(one, stale, NO_OVERRIDE, ruled, NOW + 3600, policy_counts=True)
        assert isinstance(made, Reassessed)
        assert made.wanted.effect is Effect.DENY
        assert made.old is isinstance(condition, VerdictAge)


# -- nothing new ----------------------------------------------------------------------------------


def grounds_of(facts: Facts) -> Grounds:
    certificate = facts.certificate
    if isinstance(certificate, CertificateFacts):
        certificate = replace(certificate, not_after=facts.at + 1)
    return Grounds(
        access=facts.access,
        nas=facts.nas,
        identity=facts.identity,
        certificate=certificate,
        tenant=facts.tenant,
        mac=facts.mac,
        user=facts.user,
        ssid=facts.ssid,
    )


@given(policies(), every_facts(), st.booleans())
def test_by_the_facts_that_it_was_decided_with_nothing_changes(policy: Policy, facts: Facts, counts: bool) -> None:
    grounds = grounds_of(facts)
    decision = evaluate(policy, admit.facts(grounds, facts.compliance, NOW))
    one = session(admit.standing(decision, facts.compliance, NOW), grounds)
    made = reassess(one, facts.compliance, NO_OVERRIDE, policy, NOW, policy_counts=counts)
    assert isinstance(made, Reassessed)
    assert made.wanted == one.standing
    assert made.reasons == decision.reasons
    assert not made.down


@given(policies(), policies(), every_facts())
def test_by_the_same_facts_a_policy_that_does_not_count_changes_nothing(
    before: Policy, after: Policy, facts: Facts
) -> None:
    grounds = grounds_of(facts)
    decision = evaluate(before, admit.facts(grounds, facts.compliance, NOW))
    one = session(admit.standing(decision, facts.compliance, NOW), grounds)
    loaded = Policy(rules=after.rules, digest="another")
    made = reassess(one, facts.compliance, NO_OVERRIDE, loaded, NOW, policy_counts=False)
    assert isinstance(made, Reassessed)
    assert is_same_decision(made.wanted, one.standing)
    assert not made.down


@pytest.mark.parametrize("standing", [NotOurs(), decided().standing])
def test_a_session_that_is_not_ours_is_not_decided(standing: Standing | NotOurs) -> None:
    for grounds in (NotOurs(), GROUNDS):
        if NotOurs() in (standing, grounds):
            one = session(standing, grounds)
            told = reassess(one, verdict("noncompliant"), order("block"), POLICY, NOW, policy_counts=True)
            assert told == NotOurs()


# -- a newer verdict --------------------------------------------------------------------------------


def test_a_new_verdict_takes_access_away_and_gives_it_back() -> None:
    worse = again(decided(), "noncompliant")
    assert (worse.wanted.profile, worse.wanted.rule, worse.down) == ("fix", "bad", True)
    better = again(decided("noncompliant"), "compliant")
    assert (better.wanted.profile, better.wanted.rule, better.down) == ("staff", "good", False)
    assert better.reasons == ("compliance is `compliant`",)


def test_whoever_is_let_in_from_a_refusal_goes_up_and_whoever_is_refused_goes_down() -> None:
    refused = again(decided(), "unknown")
    assert (refused.wanted.effect, refused.down) == (Effect.DENY, True)
    assert not again(decided("unknown"), "noncompliant").down


def test_between_two_profiles_the_verdict_says_which_way_it_goes_and_in_doubt_it_is_down() -> None:
    def under(state: str, profile: str) -> Standing:
        compliance = NOT_ASKED if state == "not_asked" else verdict(state)
        return Standing(
            effect=Effect.ALLOW, rule="r", profile=profile, policy_digest="d", compliance=compliance, at=NOW
        )

    assert is_down(under("compliant", "a"), under("in_grace", "b"))
    assert not is_down(under("noncompliant", "a"), under("unknown", "b"))
    assert is_down(under("compliant", "a"), under("compliant", "b"))
    assert is_down(under("not_asked", "a"), under("compliant", "b"))
    assert is_down(under("compliant", "a"), under("not_asked", "b"))
    assert is_down(NotOurs(), under("compliant", "a"))


def test_without_a_newer_verdict_the_one_that_was_decided_upon_last_counts() -> None:
    one = decided("compliant")
    assert baseline(one) == verdict("compliant")
    wanted = decided("noncompliant").standing
    assert isinstance(wanted, Standing)
    assert baseline(replace(one, wish=Pending(wanted=wanted, since=NOW))) == verdict("noncompliant")
    assert baseline(session(NotOurs())) == NotOurs()


# -- a policy that was loaded since -----------------------------------------------------------------


STRICT = Policy(rules=(rule("all", "guests"),), digest="newer")


def test_a_policy_that_counts_decides_again_about_everybody() -> None:
    assert again(decided(), policy=STRICT).wanted.profile == "guests"


def test_where_a_policy_does_not_count_a_new_verdict_still_does() -> None:
    loaded = Policy(rules=(rule("new", "guests", "compliant"), *POLICY.rules), digest="newer")
    assert again(decided(), "compliant", policy=loaded, counts=False).wanted.profile == "staff"
    assert again(decided(), "noncompliant", policy=loaded, counts=False).wanted.profile == "fix"
    assert again(decided("noncompliant"), "compliant", policy=loaded, counts=False).wanted.profile == "guests"


def test_what_is_on_its_way_stays_wanted_when_only_the_policy_differs() -> None:
    wanted = decided("noncompliant").standing
    assert isinstance(wanted, Standing)
    one = replace(decided(), wish=Pending(wanted=wanted, since=NOW))
    made = again(one, "noncompliant", policy=STRICT, counts=False)
    assert made.wanted == wanted
    assert made.reasons == ("only the policy has changed",)
    assert made.down


# -- time -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("counts", [True, False])
def test_whose_certificate_has_expired_is_refused_whatever_the_policy_says(counts: bool) -> None:
    one = decided(grounds=replace(GROUNDS, certificate=CERTIFICATE))
    assert again(one, at=CERTIFICATE.not_after - 1, counts=counts).wanted.profile == "staff"
    made = again(one, at=CERTIFICATE.not_after, policy=STRICT, counts=counts)
    assert (made.wanted.effect, made.wanted.profile, made.wanted.rule) == (Effect.DENY, "", EXPIRED)
    assert made.reasons == ("the certificate `CN=pc` has expired",)
    assert made.down


@pytest.mark.parametrize("counts", [True, False])
def test_when_the_hours_of_a_rule_are_over_the_next_rule_decides(counts: bool) -> None:
    minute = During(  # the 17th of a Thursday: NOW is in it
        hours=(Hours(days=frozenset({3}), begins=16, ends=17),), zone=UTC, zone_name="UTC"
    )
    day = Rule(name="day", line=1, conditions=(minute,), then="staff")
    policy = Policy(rules=(day, rule("night", "guests")), digest="d")
    one = decided(policy=policy)
    assert again(one, policy=policy, at=NOW + 10, counts=counts).wanted.profile == "staff"
    made = again(one, policy=policy, at=NOW + 60, counts=counts)
    assert (made.wanted.rule, made.wanted.profile) == ("night", "guests")
    back = again(session(made.wanted), policy=policy, at=NOW + 7 * 86_400, counts=counts)
    assert back.wanted.profile == "staff"


# -- orders -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize(("effect", "profile"), [("quarantine", "fix"), ("block", ""), ("allow", "guests")])
def test_an_order_stands_above_policy_and_certificate_until_it_is_lifted(
    effect: str, profile: str, counts: bool
) -> None:
    one = decided(grounds=replace(GROUNDS, certificate=CERTIFICATE))
    made = again(one, "compliant", order(effect, profile), at=CERTIFICATE.not_after, counts=counts)
    assert (made.wanted.profile, made.wanted.rule) == (profile, f"override-{effect}")
    assert is_ordered(made.wanted)
    assert "`anna` ordered" in made.reasons[0]
    lifted = again(session(made.wanted, GROUNDS), "compliant", policy=POLICY, counts=counts)
    assert lifted.wanted.profile == "staff"
    assert not is_ordered(lifted.wanted)


@pytest.mark.parametrize("counts", [True, False])
def test_the_end_of_an_order_counts_even_if_the_policy_has_changed_meanwhile(counts: bool) -> None:
    under = again(decided(), "compliant", order("quarantine", "fix")).wanted
    assert again(session(under), "compliant", policy=STRICT, counts=counts).wanted.profile == "guests"


def test_no_rule_has_the_name_of_what_stands_above_the_policy() -> None:
    assert {EXPIRED, *(f"override-{each}" for each in OverrideEffect)} <= TAKEN.keys()


def test_an_order_for_a_profile_that_the_nas_cannot_be_given_refuses_as_a_login_would() -> None:
    made = again(decided(), "compliant", order("quarantine", "fix"), sayable=False)
    assert (made.wanted.effect, made.wanted.profile, made.wanted.rule) == (Effect.DENY, "", "override-quarantine")
    assert "cannot be given it" in made.reasons[-1]
    assert made.down


def test_a_rule_about_access_finds_what_the_session_began_with() -> None:
    vpn = Rule(name="vpn", line=1, conditions=(AccessIs(kinds=(AccessKind.VPN,)),), then="far")
    policy = Policy(rules=(vpn, *POLICY.rules), digest="d")
    assert again(decided(policy=policy), policy=policy).wanted.profile == "staff"
    far = replace(GROUNDS, access=AccessKind.VPN)
    assert again(decided(policy=policy, grounds=far), policy=policy).wanted.profile == "far"
