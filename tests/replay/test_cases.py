"""Cases held against a policy: what is as expected, what is not and why, and which rules none reaches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from nacd.policy.answered import ComplianceIs
from nacd.policy.conditions import AccessIs
from nacd.policy.model import Policy, Rule
from nacd.replay.cases import Case, Expected, Miss, attributes_of, run, unreached
from nacd.values import AccessKind, Attribute, ComplianceState, Rendered
from tests.replay.conftest import Login

POLICY = Policy(
    rules=(
        Rule(name="healthy", line=1, conditions=(ComplianceIs(states=(ComplianceState.COMPLIANT,)),), then="corp"),
        Rule(name="vpn", line=2, conditions=(AccessIs(kinds=(AccessKind.VPN,)),), then="deny"),
    ),
    digest="d",
)
CORP = Rendered(
    profile="corp",
    vendor="generic",
    attributes=(
        Attribute(name="Tunnel-Private-Group-Id", value="120", tag=1),
        Attribute(name="Cisco-AVPair", value="a"),
        Attribute(name="Cisco-AVPair", value="b"),
        Attribute(name="Class", value=b"\x01"),
    ),
    octets=b"",
    session_timeout_s=600,
)
RENDERED = {("corp", "generic"): CORP}


@pytest.fixture
def case(login: Callable[..., Login]) -> Callable[..., Case]:
    def build(*, answer: str = "", attributes: Mapping[str, tuple[str, ...]] | None = None, **expected: str) -> Case:
        one = login(answer=answer or "compliant")
        facts = replace(one.facts, compliance=one.answer) if answer else one.facts
        wanted = Expected(attributes=attributes or {}, **expected)
        return Case(name="c", number=0, line=3, facts=facts, tells_compliance=bool(answer), expected=wanted)

    return build


def misses(case: Case) -> tuple[Miss, ...]:
    return run(case, POLICY, RENDERED, frozenset()).misses


def test_a_case_that_is_as_expected_has_nothing_to_say(case: Callable[..., Case]) -> None:
    wanted = {
        "Tunnel-Private-Group-Id:1": ("120",),
        "Cisco-AVPair": ("a", "b"),
        "Class": ("0x01",),
        "Session-Timeout": ("600",),
        "Termination-Action": ("RADIUS-Request",),
    }
    verdict = run(
        case(answer="compliant", rule="healthy", effect="allow", profile="corp", attributes=wanted),
        POLICY,
        RENDERED,
        frozenset(),
    )
    assert verdict.is_ok
    assert (verdict.rule, [trial.rule for trial in verdict.trials]) == ("healthy", ["healthy"])


def test_each_expectation_that_fails_says_what_there_is_instead(case: Callable[..., Case]) -> None:
    assert misses(case(answer="unknown", rule="healthy", effect="allow", profile="corp")) == (
        Miss(key="rule", message="rule `healthy` is expected, it is `default-deny`"),
        Miss(key="effect", message="effect `allow` is expected, it is `deny`"),
        Miss(key="profile", message="profile `corp` is expected, there is none: access is denied"),
    )


def test_attributes_are_told_with_their_values(case: Callable[..., Case]) -> None:
    wanted = {"Tunnel-Private-Group-Id:1": ("121",), "Filter-Id": ("x",), "Cisco-AVPair": ("a",)}
    assert [miss.message for miss in misses(case(answer="compliant", attributes=wanted))] == [
        "attribute `Tunnel-Private-Group-Id:1` = `121` is expected, it is `120`",
        "attribute `Filter-Id` = `x` is expected, it is not sent",
        "attribute `Cisco-AVPair` = `a` is expected, it is `a`, `b`",
    ]
    (miss,) = misses(case(answer="unknown", attributes=wanted))
    assert miss.message == "attributes are expected, and rule `default-deny` denies access"


def test_a_case_that_keeps_silent_about_what_decides_is_no_case(case: Callable[..., Case]) -> None:
    (miss,) = misses(case(rule="healthy"))
    assert miss == Miss(
        key="given",
        message="rule `healthy` asks for compliance, and the case does not tell it: write `compliance`",
    )


def test_a_case_may_say_that_nobody_asked(case: Callable[..., Case]) -> None:
    assert misses(case(answer="not_asked", rule="default-deny", effect="deny")) == ()


def test_coverage_names_the_rules_that_decided_nothing(case: Callable[..., Case]) -> None:
    verdict = run(case(answer="compliant", rule="healthy"), POLICY, RENDERED, frozenset())
    assert unreached(POLICY, [verdict]) == ("vpn", "default-deny")
    assert unreached(POLICY, []) == ("healthy", "vpn", "default-deny")


def test_a_session_that_ends_says_so() -> None:
    ended = replace(CORP, attributes=(), reauthenticate=False)
    assert attributes_of(ended) == {"Session-Timeout": ("600",), "Termination-Action": ("Default",)}
    assert attributes_of(replace(ended, session_timeout_s=0)) == {}
