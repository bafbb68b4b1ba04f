from __future__ import annotations

from dataclasses import replace

from nacd.policy.answered import ComplianceIs, SystemIs, VerdictAge
from nacd.policy.conditions import AccessIs, GroupIs, IdentityFrom, NasIs, Not, UserMatches
from nacd.policy.model import Policy
from nacd.policy.requested import MacIn, MacMatches, SsidIs
from nacd.policy.steps import Fitting
from nacd.values import AccessKind, ComplianceState, Facts, Nas, Unidentified

MAB = AccessIs(kinds=(AccessKind.MAB,))
NAS = Nas(name="switch", vendor="generic")
AT_NAS = Facts(access=AccessKind.MAB, nas=NAS, identity=Unidentified(reason="nothing"))


def test_a_step_runs_cheap_tests_first_and_keeps_compliance_apart(rule, policy, facts) -> None:
    compliant = ComplianceIs(states=(ComplianceState.COMPLIANT,))
    fits, certificate = UserMatches(patterns=("x*",)), IdentityFrom(sources=("certificate",))
    ((_, step),) = policy(rule("r", fits, compliant, certificate)).steps(AccessKind.MAB, NAS).of(AT_NAS)
    seen = facts(access=AccessKind.MAB, user="y")
    assert [test(seen) for test in step.tests] == [True, False]
    assert step.states == (ComplianceState.COMPLIANT,)


def test_naming_every_compliance_state_is_not_caring(rule, policy) -> None:
    ((_, step),) = (
        policy(rule("r", MAB, ComplianceIs(states=tuple(ComplianceState)))).steps(AccessKind.MAB, NAS).of(AT_NAS)
    )
    assert step.states == ()


def test_what_is_asked_of_the_answer_beside_its_state_is_tested_late(rule, policy, facts) -> None:
    windows = SystemIs(systems=frozenset({"Windows"}))
    ((_, step),) = policy(rule("r", windows, MAB, UserMatches(patterns=("x*",)))).steps(AccessKind.MAB, NAS).of(AT_NAS)
    assert step.states == ()
    assert [test(facts(user="x")) for test in step.tests] == [True]
    assert [test(facts(user="x")) for test in step.late] == [False]


def test_a_rule_that_still_waits_does_not_end_the_steps(rule, policy) -> None:
    waits = rule("waits", MAB, VerdictAge(limit_s=1.0, over=False))
    assert names(policy(waits, rule("all", MAB), rule("never", MAB))) == ["waits", "all"]


def test_a_rule_that_no_answer_can_meet_is_no_step(rule, policy) -> None:
    nothing_said = ComplianceIs(states=(ComplianceState.UNAVAILABLE,))
    assert names(policy(rule("r", nothing_said, VerdictAge(limit_s=1.0, over=True)), rule("all", MAB))) == ["all"]


def names(policy: Policy, nas: Nas = NAS, **more: str) -> list[str]:
    facts = replace(AT_NAS, nas=nas, **more)
    return [step.rule.name for _, step in policy.steps(AccessKind.MAB, nas).of(facts)]


def test_rules_of_other_nases_and_access_kinds_are_no_steps_here(rule, policy) -> None:
    elsewhere = rule("elsewhere", GroupIs(groups=frozenset({"branch"})))
    other_nas = rule("other nas", NasIs(names=frozenset({"wlc"})))
    other_kind = rule("other kind", AccessIs(kinds=(AccessKind.VPN,)))
    here = rule("here", MAB, NasIs(names=frozenset({"switch"})), IdentityFrom(sources=("none",)))
    behind_a_catch_all = rule("never", MAB)
    made = policy(elsewhere, other_nas, other_kind, here, rule("all", MAB), behind_a_catch_all)
    assert names(made) == ["here", "all"]


def test_rules_that_name_macs_are_found_by_the_mac_in_the_order_of_the_rules(rule, policy) -> None:
    made = policy(
        rule("maker", MacMatches(patterns=("AA-BB-CC-*", "AA-BB-*"))),
        rule("corp", IdentityFrom(sources=("none",))),
        rule("one", MacMatches(patterns=("AA-BB-CC-00-00-01",))),
        rule("list", MacIn(files=("l.csv",), macs=frozenset({"AA-BB-CC-00-00-01", "AA-BB-CC-00-00-02"}))),
        rule("any mac", MacMatches(patterns=("*",))),
        rule("all", MAB),
    )
    assert names(made, mac="AA-BB-CC-00-00-01") == ["maker", "corp", "one", "list", "any mac", "all"]
    assert names(made, mac="AA-BB-CC-00-00-02") == ["maker", "corp", "list", "any mac", "all"]
    assert names(made, mac="AA-BB-00-00-00-01") == ["maker", "corp", "any mac", "all"]
    assert names(made, mac="00-00-00-00-00-01") == ["corp", "any mac", "all"]
    assert names(made) == ["corp", "all"]


def test_the_steps_of_each_nas_are_its_own(rule, policy) -> None:
    made = policy(rule("campus", GroupIs(groups=frozenset({"campus"}))), rule("all"))
    campus, branch = (Nas(name="switch", vendor="generic", groups=frozenset({group})) for group in ("campus", "branch"))
    for _ in range(2):
        assert names(made, nas=campus) == ["campus"]
        assert names(made, nas=branch) == ["all"]


def test_rules_that_name_users_or_networks_are_found_by_them(rule, policy) -> None:
    made = policy(
        rule(
            "alice", UserMatches(patterns=("Alice@contoso.com", "bob@contoso.com")), SsidIs(names=frozenset({"Corp"}))
        ),
        rule("pattern", UserMatches(patterns=("a*",))),
        rule("corp", SsidIs(names=frozenset({"Corp"}))),
        rule("not corp", Not(inner=SsidIs(names=frozenset({"Corp"})))),
        rule("all", MAB),
    )
    assert names(made, user="ALICE@contoso.com") == ["alice", "pattern", "not corp", "all"]
    assert names(made, ssid="Corp") == ["pattern", "corp", "not corp", "all"]
    assert names(made, ssid="corp") == ["pattern", "not corp", "all"]


def test_a_rule_that_names_no_nas_is_kept_once_for_all_of_them(rule, policy) -> None:
    made = policy(*(rule(f"r{number}", MacMatches(patterns=(f"AA-BB-CC-00-00-{number:02X}",))) for number in range(9)))
    one, two = (made.steps(AccessKind.MAB, Nas(name=name, vendor="generic")) for name in ("one", "two"))
    assert len(one.anywhere) == 9
    assert one.anywhere is two.anywhere
    assert (one.here, one.always) == ({}, ())


def test_what_must_not_hold_of_a_nas_is_settled_once_too(rule, policy) -> None:
    made = policy(rule("not campus", Not(inner=GroupIs(groups=frozenset({"campus"}))), MAB), rule("all"))
    campus = Nas(name="switch", vendor="generic", groups=frozenset({"campus"}))
    ((_, step),) = made.steps(AccessKind.MAB, NAS).of(AT_NAS)
    assert (step.rule.name, step.tests) == ("not campus", ())
    assert names(made, nas=campus) == ["all"]


def test_states_that_must_not_be_are_taken_from_those_that_may(rule, policy) -> None:
    bad = Not(inner=ComplianceIs(states=(ComplianceState.NONCOMPLIANT, ComplianceState.UNKNOWN)))
    some = ComplianceIs(states=(ComplianceState.UNKNOWN, ComplianceState.COMPLIANT))
    ((_, step),) = policy(rule("r", bad, some)).steps(AccessKind.MAB, NAS).of(AT_NAS)
    assert step.states == (ComplianceState.COMPLIANT,)
    ((_, step),) = policy(rule("r", bad)).steps(AccessKind.MAB, NAS).of(AT_NAS)
    assert set(step.states) == set(ComplianceState) - set(bad.inner.states)


def test_what_fits_a_pattern_is_found_out_once_for_each_text_and_many_texts_take_no_more_room() -> None:
    asked: list[str] = []

    def fits(text: str) -> bool:
        asked.append(text)
        return text.endswith("7")

    fitting = Fitting([(3, fits), (5, lambda text: text.startswith("CN=1"))])
    assert [fitting.get(f"CN={number}", ()) for number in (17, 7, 1, 2)] == [(3, 5), (3,), (5,), ()]
    assert fitting.get("CN=17", ()) == (3, 5)
    assert len(asked) == 4
    for number in range(10_000):
        fitting.get(f"CN={number}", ())
    assert len(fitting) <= 256
