"""What another policy says of recorded facts: the truth, or that nobody can know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings

from nacd.policy.answered import ComplianceIs
from nacd.policy.conditions import AccessIs
from nacd.policy.model import Policy, Rule
from nacd.replay.judge import CouldBeAsked, Unasked, judge, without_asking
from nacd.replay.record import Recorded, read
from nacd.values import (
    NOT_ASKED,
    AccessKind,
    Assurance,
    ComplianceState,
    Decision,
    Device,
    DeviceId,
    DeviceIdKind,
    Endpoint,
    IdentitySource,
    MacAddress,
    Unidentified,
)
from tests.policy.test_evaluate_properties import policies
from tests.replay.conftest import GUID, Login, decided, logins, record

HEALTHY = Policy(
    rules=(
        Rule(name="healthy", line=1, conditions=(ComplianceIs(states=(ComplianceState.COMPLIANT,)),), then="corp"),
        Rule(name="wired", line=2, conditions=(AccessIs(kinds=(AccessKind.DOT1X,)),), then="guest"),
    ),
    digest="new",
)


@pytest.mark.slow
@settings(max_examples=200)
@given(old=policies(), new=policies(), login=logins())
def test_another_policy_says_of_a_record_what_it_would_have_said_of_the_login(
    old: Policy, new: Policy, login: Login
) -> None:
    facts, decision = decided(old, login)
    recorded = read(record(login, facts, decision))
    assert isinstance(recorded, Recorded)
    said = judge(new, recorded.facts)
    if isinstance(said, Unasked):
        assert facts.compliance == NOT_ASKED  # nobody had asked, and the new policy would have
        assert decided(new, login)[0].compliance == login.answer
        return
    _, truth = decided(new, login)
    assert (said.rule, said.effect, said.profile) == (truth.rule, truth.effect, truth.profile)


def test_a_policy_that_needs_an_answer_that_nobody_asked_for_is_not_guessed(login: Callable[..., Login]) -> None:
    facts = login().facts
    assert judge(HEALTHY, facts) == Unasked(rule="healthy")
    assert without_asking(facts) == CouldBeAsked()


def test_where_no_answer_makes_a_difference_none_is_needed(login: Callable[..., Login]) -> None:
    wired = Policy(rules=HEALTHY.rules[1:], digest="d")
    said = judge(wired, login().facts)
    assert isinstance(said, Decision)
    assert said.rule == "wired"


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"identity": Unidentified(reason="two ids")}, "not_asked"),
        ({"identity": Endpoint(mac=MacAddress("02-00-00-00-00-01"), ask=False, ask_detail="random")}, "not_asked"),
        ({"tenant": ""}, "not_asked"),
        (
            {
                "identity": Device(
                    id=DeviceId(guid=GUID, kind=DeviceIdKind.ENTRA),
                    source=IdentitySource.CERTIFICATE,
                    assurance=Assurance.CERTIFICATE,
                )
            },
            "unknown",
        ),
    ],
)
def test_whom_nobody_can_be_asked_about_is_decided_as_the_spine_would(
    login: Callable[..., Login], changes: dict[str, object], state: str
) -> None:
    one = login(**changes)
    known = without_asking(one.facts)
    assert not isinstance(known, CouldBeAsked)
    assert known.compliance.state == state
    facts, decision = decided(HEALTHY, one)
    assert judge(HEALTHY, one.facts) == decision
    assert facts.compliance.state == state


def test_a_tenant_that_graph_is_asked_about_knows_entra_ids(login: Callable[..., Login]) -> None:
    entra = replace(login().named.identity, id=DeviceId(guid=GUID, kind=DeviceIdKind.ENTRA))
    facts = login(identity=entra).facts
    assert isinstance(judge(HEALTHY, facts), Decision)
    assert judge(HEALTHY, facts, frozenset({"contoso"})) == Unasked(rule="healthy")
