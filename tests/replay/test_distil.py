"""A login as a case: what matters stays, what names somebody goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings

from nacd.policy.answered import ComplianceIs, DeviceUserMatches, VerdictAge
from nacd.policy.certified import IssuerMatches
from nacd.policy.conditions import Condition, IdentityFrom, UserMatches
from nacd.policy.model import Policy, Rule
from nacd.policy.requested import MacIn, MacMatches
from nacd.replay.distil import MADE_UP_DEVICE, MADE_UP_MAC, MADE_UP_SUBJECT, MADE_UP_USER, distil, named
from nacd.replay.judge import judge
from nacd.values import (
    CertificateFacts,
    ComplianceState,
    Decision,
    Device,
    DeviceFacts,
    Endpoint,
    Facts,
    Link,
    MacAddress,
)
from tests.policy.test_evaluate_properties import policies
from tests.replay.conftest import Login, decided, logins

SUBJECT = "CN=alice,O=Contoso"


def only(*conditions: Condition) -> Policy:
    return Policy(rules=(Rule(name="r", line=1, conditions=conditions, then="corp"),), digest="d")


@pytest.fixture
def facts(login: Callable[..., Login]) -> Facts:
    one = login(
        certificate=CertificateFacts(
            subject=SUBJECT, issuer="CN=ours", serial="1", fingerprint="f", not_before=0.0, not_after=1.0
        )
    )
    device = DeviceFacts(name="ALICE-PC", user="alice@contoso.com", operating_system="Windows")
    return replace(one.facts, compliance=replace(one.answer, device=device, detail="asked by id"))


def test_what_no_rule_asks_for_is_left_out(facts: Facts) -> None:
    attached = replace(facts, link=Link(port_type="Ethernet", bssid="00-11-22-33-44-66", client_platform="win"))
    left = distil(only(ComplianceIs(states=(ComplianceState.COMPLIANT,))), attached, "r")
    assert left.link == Link()
    assert isinstance(left.identity, Device)
    assert isinstance(left.certificate, CertificateFacts)
    assert left.identity.id.guid == MADE_UP_DEVICE
    assert (left.mac, left.user, left.certificate.subject, left.certificate.issuer) == ("", "", "", "")
    assert left.compliance.device == DeviceFacts()
    assert left.compliance.state is ComplianceState.COMPLIANT
    assert left.compliance.as_of == left.at
    assert named(left) == ()


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        (MacMatches(patterns=("00-11-*",)), "mac"),
        (MacIn(files=("f",), macs=frozenset({"00-11-22-33-44-55"})), "mac"),
        (UserMatches(patterns=("alice",)), "user"),
        (DeviceUserMatches(patterns=("alice@*",)), "device_user"),
    ],
)
def test_what_the_decision_hinges_on_stays_and_is_named(facts: Facts, condition: Condition, kept: str) -> None:
    assert named(distil(only(condition), facts, "r")) == (kept,)


def test_what_only_has_to_be_there_is_made_up(facts: Facts) -> None:
    assert distil(only(UserMatches(patterns=("*",))), facts, "r").user == MADE_UP_USER
    anybody = distil(only(MacMatches(patterns=("*",))), facts, "r")
    assert anybody.mac == MADE_UP_MAC
    endpoint = replace(facts, identity=Endpoint(mac=MacAddress("00-11-22-33-44-55")))
    known = distil(only(IdentityFrom(sources=("mac",))), endpoint, "r")
    assert known.identity == Endpoint(mac=MacAddress(MADE_UP_MAC))
    assert known.mac == MADE_UP_MAC


def test_an_issuer_and_an_age_stay_where_they_matter(facts: Facts) -> None:
    left = distil(only(IssuerMatches(patterns=("*ours*",)), VerdictAge(limit_s=30.0, over=True)), facts, "r")
    assert isinstance(left.certificate, CertificateFacts)
    assert left.certificate.issuer == "CN=ours"
    assert left.compliance.as_of == facts.compliance.as_of
    assert left.certificate.subject in ("", MADE_UP_SUBJECT)


@pytest.mark.slow
@settings(max_examples=100)
@given(policy=policies(), login=logins())
def test_whatever_is_left_out_the_same_rule_decides(policy: Policy, login: Login) -> None:
    facts, decision = decided(policy, login)
    left = judge(policy, distil(policy, facts, decision.rule))
    assert isinstance(left, Decision)
    assert (left.rule, left.effect, left.profile) == (decision.rule, decision.effect, decision.profile)
