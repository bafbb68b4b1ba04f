"""Live sessions while nobody can tell the groups of a user, or the facts of a device: what is not told is no news."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nacd import admit
from nacd.policy.answered import UserGroupIs
from nacd.policy.evaluate import evaluate
from nacd.policy.model import Policy, Rule
from nacd.reassess import Reassessed, reassess
from nacd.session.overrides import NO_OVERRIDE
from nacd.values import Compliance, DeviceFacts
from tests.policy.test_evaluate_properties import NOW
from tests.test_reassess import GROUNDS, session, verdict

RULE = Rule(name="staff", line=1, conditions=(UserGroupIs(ids=frozenset({"g"})),), then="staff")
POLICY = Policy(rules=(RULE,), digest="d")
DOUBT = "graph is throttling questions about groups (status 429)"


def told(*inside: str, outside: tuple[str, ...] = (), doubt: str = "", user: str = "anna") -> Compliance:
    device = DeviceFacts(user=user, in_groups=inside, outside_groups=outside, groups_doubt=doubt)
    return replace(verdict("compliant"), as_of=NOW + 10, device=device)


def profile(newer: Compliance) -> str:
    """What a session is to have that came in as one of the group, when this is told of its device."""
    then = told("g")
    one = session(admit.standing(evaluate(POLICY, admit.facts(GROUNDS, then, NOW)), then, NOW))
    made = reassess(one, newer, NO_OVERRIDE, POLICY, NOW + 20, policy_counts=False)
    assert isinstance(made, Reassessed)
    return made.wanted.profile


def test_a_question_about_groups_that_failed_ends_no_session() -> None:
    assert profile(told(doubt=DOUBT)) == "staff"
    assert profile(told("other", doubt=DOUBT)) == "staff"


@pytest.mark.parametrize("newer", [told(outside=("g",)), told(outside=("g",), doubt=DOUBT)])
def test_who_has_left_the_group_has_left_it(newer: Compliance) -> None:
    assert profile(newer) == ""


def test_of_another_user_nothing_is_known_by_it() -> None:
    assert profile(told(doubt=DOUBT, user="bert")) == ""


def test_a_verdict_of_a_provider_that_tells_no_facts_takes_none_away() -> None:
    def by(provider: str, state: str = "compliant") -> Compliance:
        return replace(verdict(state), as_of=NOW + 10, provider=provider)

    assert profile(by("nac")) == "staff"
    assert profile(by("nac", "not_managed")) == ""
    assert profile(by("")) == ""  # the one that told them before tells none any more
