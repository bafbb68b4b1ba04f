"""Which monitor counts, when it is over, and that nothing about the decision changes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.policy.evaluate import evaluate
from nacd.policy.model import DEFAULT_DENY, Policy
from nacd.policy.monitor.scopes import NO_MONITORS, Monitor, Monitors, Scope
from nacd.values import Decision, Effect, Facts, Nas
from tests.policy.test_evaluate_properties import NOW, every_facts, policies

AT = 1_000.0
NAS = Nas(name="n", vendor="generic", groups=frozenset({"wifi", "campus"}))
DENIED = Decision(effect=Effect.DENY, rule=DEFAULT_DENY, profile="", reasons=("no rule matched",), policy_digest="d")
STAFF = Decision(effect=Effect.ALLOW, rule="staff", profile="corp", reasons=("it is staff",), policy_digest="d")


def everywhere(until: float = AT + 1, profile: str = "open", *keep: str) -> Monitor:
    return Monitor(scope=Scope.EVERYWHERE, until=until, profile=profile, keep=frozenset(keep))


def group(name: str, until: float = AT + 1, profile: str = "lobby") -> Monitor:
    return Monitor(scope=Scope.GROUP, name=name, until=until, profile=profile)


def rule(name: str, until: float = AT + 1, profile: str = "one") -> Monitor:
    return Monitor(scope=Scope.RULE, name=name, until=until, profile=profile)


def monitors(*all: Monitor, enforced: str = "") -> Monitors:
    return Monitors(all=all, enforced=frozenset(enforced.split()))


def test_without_a_monitor_what_is_decided_is_answered() -> None:
    assert NO_MONITORS.of(DENIED, NAS, AT) is None
    assert NO_MONITORS.around(NAS, AT) is None
    assert not NO_MONITORS


@pytest.mark.parametrize("decision", [DENIED, STAFF])
def test_a_refusal_and_an_accept_get_the_monitors_profile_by_the_rule_that_decided(decision: Decision) -> None:
    monitor = monitors(everywhere()).of(decision, NAS, AT)
    assert monitor is not None
    given = monitor.given(decision)
    assert (given.effect, given.profile) == (Effect.ALLOW, "open")
    assert replace(given, effect=decision.effect, profile=decision.profile) == decision


def test_the_narrowest_counts() -> None:
    some = monitors(everywhere(), group("wifi"), rule("staff"))
    for decision, nas, profile in (
        (STAFF, NAS, "one"),
        (DENIED, NAS, "lobby"),
        (DENIED, replace(NAS, groups=frozenset({"campus"})), "open"),
        (STAFF, replace(NAS, groups=frozenset()), "one"),
    ):
        found = some.of(decision, nas, AT)
        assert found is not None
        assert found.profile == profile


def test_what_has_ended_lets_nobody_in_also_where_a_wider_one_goes_on() -> None:
    later = AT + 100
    for narrow in (group("wifi"), rule(DEFAULT_DENY)):
        some = monitors(everywhere(later), narrow)
        assert some.of(DENIED, NAS, narrow.until - 0.001) is narrow
        assert some.of(DENIED, NAS, narrow.until) is None
    assert monitors(everywhere()).of(DENIED, NAS, AT + 1) is None


def test_of_several_groups_the_one_that_ends_first_counts() -> None:
    first, second = group("wifi", AT + 1), group("campus", AT + 50)
    some = monitors(second, first)
    assert some.of(DENIED, NAS, AT) is first
    assert some.of(DENIED, NAS, AT + 1) is None


def test_an_enforced_group_is_monitored_by_no_more_than_its_rules() -> None:
    some = monitors(everywhere(), group("wifi"), rule("staff"), enforced="campus")
    assert some.of(DENIED, NAS, AT) is None
    assert some.around(NAS, AT) is None
    found = some.of(STAFF, NAS, AT)
    assert found is not None
    assert found.name == "staff"


def test_a_profile_that_is_kept_is_given_as_decided() -> None:
    some = monitors(everywhere(AT + 1, "open", "corp"))
    assert some.of(STAFF, NAS, AT) is None
    assert some.of(DENIED, NAS, AT) is not None
    assert some.around(NAS, AT) is not None


def test_at_no_time_at_all_nobody_is_let_in() -> None:
    assert monitors(everywhere()).of(DENIED, NAS, 0.0) is None
    assert monitors(everywhere()).of(DENIED, NAS, float("nan")) is None


def test_what_took_an_accept_away_does_not_cling_to_the_answer() -> None:
    above = replace(DENIED, refused_above="managed-device")
    assert everywhere().given(above).refused_above == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {"until": 0.0},
        {"profile": ""},
        {"name": "x"},
        {"scope": Scope.RULE},
    ],
)
def test_a_monitor_is_whole(wrong: dict[str, object]) -> None:
    usual: dict[str, object] = {"scope": Scope.EVERYWHERE, "until": AT, "profile": "open"}
    with pytest.raises(ValueError, match="monitor"):
        Monitor(**(usual | wrong))  # type: ignore[arg-type]


def test_two_of_one_scope_are_one_too_many() -> None:
    with pytest.raises(ValueError, match="same scope"):
        monitors(group("wifi"), group("wifi", AT + 5))


def test_where_each_reaches() -> None:
    some = monitors(everywhere(), group("wifi"), rule("staff"), enforced="lab")
    lab = replace(NAS, groups=frozenset({"lab", "wifi"}))
    other = replace(NAS, groups=frozenset())
    reaches = [[some.reaches(each, nas) for nas in (NAS, lab, other)] for each in some.all]
    assert reaches == [[True, False, True], [True, False, False], [True, True, True]]


# -- the decision is that of the policy without a monitor ---------------------------------------

ENDS = st.sampled_from([NOW - 1, NOW + 1])
SOME = st.builds(
    lambda wide, group_end, rule_end, enforced: Monitors(
        all=tuple(
            each
            for each in (
                everywhere(wide) if wide else None,
                group("g1", group_end) if group_end else None,
                rule("r1", rule_end) if rule_end else None,
            )
            if each is not None
        ),
        enforced=frozenset(enforced),
    ),
    st.none() | ENDS,
    st.none() | ENDS,
    st.none() | ENDS,
    st.sets(st.sampled_from(["g1", "g2", "g3"])),
)


@settings(max_examples=300)
@given(policies(), SOME, every_facts())
def test_with_monitors_the_same_is_decided_and_after_the_end_the_same_is_answered(
    plain: Policy, some: Monitors, facts: Facts
) -> None:
    watched = replace(plain, monitors=some)
    decision = evaluate(watched, facts)
    assert decision == evaluate(plain, facts)
    assert evaluate(watched, facts, asked=False) == evaluate(plain, facts, asked=False)
    found = some.of(decision, facts.nas, facts.at)
    if found is not None:
        assert facts.at < found.until
        assert found.given(decision).profile == found.profile
    assert some.of(decision, facts.nas, NOW + 1) is None


def test_what_was_refused_above_the_policy_is_not_taken_for_a_rule_of_that_name() -> None:
    refused = replace(DENIED, rule="managed-device", refused_above="managed-device")
    some = monitors(everywhere(), rule("managed-device"))
    found = some.of(refused, NAS, AT)
    assert found is not None
    assert found.scope is Scope.EVERYWHERE
    assert monitors(rule("managed-device")).of(refused, NAS, AT) is None
