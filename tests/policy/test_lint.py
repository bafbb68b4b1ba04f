from __future__ import annotations

import itertools
from datetime import UTC

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.policy.answered import (
    ComplianceIs,
    DeviceNameMatches,
    DeviceUserMatches,
    LastSync,
    OwnershipIs,
    SystemIs,
    SystemVersion,
    VerdictAge,
    VerdictFrom,
)
from nacd.policy.conditions import (
    AccessIs,
    AssuranceAtLeast,
    GroupIs,
    IdentityFrom,
    IssuerMatches,
    MacIn,
    MacMatches,
    NasIs,
    SsidIs,
    TenantIs,
)
from nacd.policy.during import During, Hours
from nacd.policy.evaluate import evaluate
from nacd.policy.lint import notes
from nacd.policy.model import DENY, Policy, Rule
from nacd.values import (
    AccessKind,
    Assurance,
    Compliance,
    ComplianceSource,
    ComplianceState,
    DeviceFacts,
    Facts,
    Nas,
    Unidentified,
)

DOT1X = AccessIs(kinds=(AccessKind.DOT1X,))
CERTIFICATE = IdentityFrom(sources=("certificate",))
YOUNG = VerdictAge(limit_s=3600.0, over=False)
WINDOWS = SystemIs(systems=frozenset({"Windows"}))
GROUPS = {"sw1": frozenset({"wired"}), "ap1": frozenset({"wifi"})}


def compliance_is(*states: str) -> ComplianceIs:
    return ComplianceIs(states=tuple(ComplianceState(state) for state in states))


def lint(policy: Policy, **options: object) -> list[tuple[str, str, str]]:
    found = notes(policy, **({"groups": GROUPS, "graph": False, "graph_sure": False} | options))
    return [(note.rule, note.condition, note.message) for note in found]


def never(policy: Policy) -> set[str]:
    """The rules that are said never to match."""
    return {name for name, _, message in lint(policy, graph=True, graph_sure=True) if "can never match" in message}


def test_in_grace_is_remarked_on_unless_graph_is_asked(rule, policy) -> None:
    rules = policy(rule("grace", DOT1X, CERTIFICATE, compliance_is("in_grace", "compliant")))
    ((name, condition, message),) = lint(rules)
    assert (name, condition) == ("grace", "compliance")
    assert "NAC 2.0" in message
    assert lint(rules, graph=True) == []


def test_a_rule_below_one_with_weaker_conditions_never_matches(rule, policy) -> None:
    rules = policy(rule("wide", DOT1X, line=3), rule("narrow", DOT1X, CERTIFICATE, line=4))
    ((name, condition, message),) = lint(rules)
    assert (name, condition) == ("narrow", "")
    assert "`wide` (line 3)" in message
    assert lint(policy(*reversed(rules.rules))) == []


def test_earlier_rules_may_share_the_states_among_them(rule, policy) -> None:
    rules = policy(
        rule("good", DOT1X, compliance_is("compliant"), then=DENY, line=1),
        rule("bad", DOT1X, compliance_is("noncompliant", "unknown"), line=2),
        rule("never", DOT1X, CERTIFICATE, compliance_is("compliant", "unknown"), line=3),
        rule("fine", DOT1X, compliance_is("compliant", "not_managed"), then=DENY, line=4),
    )
    ((name, _, message),) = lint(rules)
    assert name == "never"
    assert "`good` (line 1) and `bad` (line 2) above together take" in message


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        (MacMatches(patterns=("AA-*",)), MacMatches(patterns=("AA-BB-*", "AA-00-00-00-00-01"))),
        (MacMatches(patterns=("AA-*",)), MacIn(files=("f",), macs=frozenset({"AA-00-00-00-00-01"}))),
        (
            MacIn(files=("f",), macs=frozenset({"AA-00-00-00-00-01", "AA-00-00-00-00-02"})),
            MacMatches(patterns=("AA-00-00-00-00-01",)),
        ),
        (IssuerMatches(patterns=("x", "*contoso*")), IssuerMatches(patterns=("CN=*,O=Contoso",))),
        (GroupIs(groups=frozenset({"wired"})), NasIs(names=frozenset({"sw1"}))),
        (AssuranceAtLeast(level=Assurance.MAC), AssuranceAtLeast(level=Assurance.VPN)),
        (SsidIs(names=frozenset({"a", "b"})), SsidIs(names=frozenset({"a"}))),
        (TenantIs(names=frozenset({"a", "b"})), TenantIs(names=frozenset({"a"}))),
        (VerdictAge(limit_s=60.0, over=False), VerdictAge(limit_s=59.0, over=False)),
        (VerdictAge(limit_s=59.0, over=True), VerdictAge(limit_s=60.0, over=True)),
        (LastSync(limit_s=60.0, over=False), LastSync(limit_s=59.0, over=False)),
        (
            VerdictFrom(sources=(ComplianceSource.LIVE, ComplianceSource.CACHE)),
            VerdictFrom(sources=(ComplianceSource.CACHE,)),
        ),
        (SystemIs(systems=frozenset({"iOS", "iPadOS"})), SystemIs(systems=frozenset({"iOS"}))),
        (SystemVersion(version=(10,), below=False), SystemVersion(version=(10, 1), below=False)),
        (SystemVersion(version=(10, 1), below=True), SystemVersion(version=(10,), below=True)),
        (OwnershipIs(owners=("company", "unknown")), OwnershipIs(owners=("company",))),
        (DeviceNameMatches(patterns=("pc-*",)), DeviceNameMatches(patterns=("pc-1*",))),
        (DeviceUserMatches(patterns=("*@contoso.com",)), DeviceUserMatches(patterns=("a@contoso.com",))),
    ],
)
def test_what_counts_as_weaker(rule, policy, wide, narrow) -> None:
    assert never(policy(rule("wide", wide), rule("narrow", narrow))) == {"narrow"}
    assert never(policy(rule("narrow", narrow), rule("wide", wide))) == set()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (VerdictAge(limit_s=60.0, over=False), VerdictAge(limit_s=60.0, over=True)),
        (VerdictAge(limit_s=60.0, over=False), LastSync(limit_s=60.0, over=False)),
        (SystemVersion(version=(10,), below=False), SystemVersion(version=(10,), below=True)),
        (DeviceNameMatches(patterns=("*",)), DeviceUserMatches(patterns=("*",))),
        (YOUNG, WINDOWS),
    ],
)
def test_what_does_not_imply_one_another(rule, policy, one, other) -> None:
    assert never(policy(rule("one", one), rule("other", other))) == set()
    assert never(policy(rule("other", other), rule("one", one))) == set()


def test_a_rule_that_asks_more_of_the_answer_hides_none_that_asks_less(rule, policy) -> None:
    good = compliance_is("compliant")
    assert never(policy(rule("young", CERTIFICATE, good, YOUNG), rule("any", CERTIFICATE, good))) == set()
    assert never(policy(rule("any", CERTIFICATE, good), rule("young", CERTIFICATE, good, YOUNG))) == {"young"}


def test_where_an_age_is_asked_the_states_without_a_verdict_are_nobodys_loss(rule, policy) -> None:
    verdicts = compliance_is("compliant", "noncompliant", "in_grace", "not_managed", "unknown")
    assert never(policy(rule("all", verdicts), rule("old", VerdictAge(limit_s=9.0, over=True)))) == {"old"}
    assert never(policy(rule("all", verdicts), rule("rest", DOT1X))) == set()


@pytest.mark.parametrize("condition", [YOUNG, WINDOWS, VerdictFrom(sources=(ComplianceSource.STALE,))])
def test_where_there_is_no_verdict_nothing_more_can_be_asked(rule, policy, condition) -> None:
    rules = policy(rule("odd", compliance_is("unavailable", "not_asked"), condition, then=DENY))
    ((name, key, message),) = lint(rules, graph=True, graph_sure=True)
    assert (name, key) == ("odd", condition.key)
    assert message == (
        f"this rule can never match: with `unavailable` or `not_asked` there is no verdict, and no `{condition.key}`"
    )
    assert not lint(
        policy(rule("fine", compliance_is("unavailable", "unknown"), condition, then=DENY)), graph_sure=True
    )


def test_nothing_can_be_asked_about_an_endpoint_that_nothing_names(rule, policy) -> None:
    ((name, key, message),) = lint(policy(rule("odd", IdentityFrom(sources=("none",)), YOUNG, then=DENY)))
    assert (name, key) == ("odd", "compliance_age")
    assert message.startswith("this rule can never match: nobody can ask")


@pytest.mark.parametrize(
    "condition",
    [
        YOUNG,
        VerdictAge(limit_s=9.0, over=True),
        VerdictFrom(sources=(ComplianceSource.LIVE,)),
        WINDOWS,
        SystemVersion(version=(10,), below=False),
        OwnershipIs(owners=("company",)),
        LastSync(limit_s=9.0, over=False),
        DeviceNameMatches(patterns=("PC-*",)),
        DeviceUserMatches(patterns=("*@contoso.com",)),
    ],
    ids=lambda condition: condition.key,
)
def test_what_else_an_answer_says_is_not_what_the_verdict_is(rule, policy, condition) -> None:
    told = {"graph": True, "graph_sure": True}
    ((name, key, message),) = lint(policy(rule("open", DOT1X, CERTIFICATE, condition)), **told)
    assert (name, key) == ("open", condition.key)
    assert message.endswith("without `compliance` `noncompliant` and `not_managed` devices fit too")
    assert lint(policy(rule("good", CERTIFICATE, condition, compliance_is("compliant"))), **told) == []
    assert lint(policy(rule("no", CERTIFICATE, condition, then=DENY)), **told) == []


def test_bad_verdicts_that_a_rule_above_has_taken_fit_no_more(rule, policy) -> None:
    open_rule = rule("open", DOT1X, CERTIFICATE, YOUNG)
    both = rule("bad", CERTIFICATE, compliance_is("noncompliant", "not_managed"), then=DENY)
    assert lint(policy(both, open_rule)) == []
    ((_, _, message),) = lint(policy(rule("bad", compliance_is("noncompliant"), then=DENY), open_rule))
    assert message.endswith("without `compliance` `not_managed` devices fit too")
    elsewhere = rule("bad", NasIs(names=frozenset({"sw1"})), compliance_is("noncompliant", "not_managed"), then=DENY)
    assert len(lint(policy(elsewhere, open_rule))) == 1


def test_no_version_is_below_zero(rule, policy) -> None:
    zero = SystemVersion(version=(0,), below=True)
    ((name, key, message),) = lint(
        policy(rule("old", CERTIFICATE, compliance_is("compliant"), WINDOWS, zero)), graph=True, graph_sure=True
    )
    assert (name, key, message) == ("old", "os_version", "this rule can never match: no version is below `0`")


def test_a_fact_that_only_graph_tells_is_remarked_on_unless_every_answer_is_its(rule, policy) -> None:
    healthy = compliance_is("compliant")
    rules = policy(rule("windows", CERTIFICATE, healthy, WINDOWS, OwnershipIs(owners=("company",))))
    ((name, key, message),) = lint(rules, graph=True)
    assert (name, key) == ("windows", "os")
    assert "only Microsoft Graph tells `os`" in message
    assert lint(rules, graph=True, graph_sure=True) == []


def test_a_nas_outside_the_group_of_the_same_rule_never_matches(rule, policy) -> None:
    rules = policy(rule("mixed up", NasIs(names=frozenset({"sw1"})), GroupIs(groups=frozenset({"wifi"}))))
    ((name, condition, message),) = lint(rules)
    assert (name, condition) == ("mixed up", "group")
    assert "can never match" in message


def test_an_endpoint_that_nothing_names_has_no_compliance(rule, policy) -> None:
    nobody = IdentityFrom(sources=("none",))
    ((_, _, message),) = lint(policy(rule("odd", nobody, compliance_is("compliant"))))
    assert "`not_asked`" in message
    assert lint(policy(rule("fine", nobody, compliance_is("not_asked")))) == []


ANY_MAC = MacMatches(patterns=("*",))
NAMED_BETTER = (
    (CERTIFICATE,),
    (IdentityFrom(sources=("certificate", "vpn")),),
    (AssuranceAtLeast(level=Assurance.VPN),),
    (IdentityFrom(sources=("certificate", "mac")), AssuranceAtLeast(level=Assurance.CERTIFICATE)),
)
NAMED_BY_A_MAC = (
    (),
    (ANY_MAC,),
    (IdentityFrom(sources=("certificate", "mac")),),
    (AssuranceAtLeast(level=Assurance.MAC),),
    (IssuerMatches(patterns=("CN=Users CA*",)),),
)


@pytest.mark.parametrize("others", NAMED_BY_A_MAC)
@pytest.mark.parametrize("state", ["compliant", "in_grace"])
def test_a_good_verdict_that_a_cloned_mac_can_take_is_remarked_on(rule, policy, others, state: str) -> None:
    ((name, condition, message),) = lint(
        policy(rule("open", DOT1X, *others, compliance_is(state, "unknown"))), graph=True
    )
    assert (name, condition) == ("open", "compliance")
    assert message == "a MAC can be cloned: without `identity: certificate` a cloned MAC takes another device's verdict"


@pytest.mark.parametrize("others", NAMED_BETTER)
def test_a_good_verdict_of_a_device_named_better_than_by_its_mac_is_not(rule, policy, others) -> None:
    assert lint(policy(rule("fine", DOT1X, *others, compliance_is("compliant")))) == []


def test_where_only_macs_come_the_remark_sends_nobody_after_certificates(rule, policy) -> None:
    mab = AccessIs(kinds=(AccessKind.MAB,))
    ((_, _, message),) = lint(policy(rule("managed by mac", mab, compliance_is("compliant"))))
    assert "a MAC can be cloned" in message
    assert "certificate" not in message


def test_facts_that_let_in_can_be_taken_by_a_cloned_mac_too(rule, policy) -> None:
    mab = AccessIs(kinds=(AccessKind.MAB,))
    _any_verdict, (name, key, message) = lint(policy(rule("by mac", mab, WINDOWS)), graph=True, graph_sure=True)
    assert (name, key) == ("by mac", "os")
    assert message == "a MAC can be cloned, and a cloned MAC takes another device's facts: give it little access"
    for other in (rule("named", CERTIFICATE, WINDOWS), rule("no", mab, WINDOWS, then=DENY)):
        assert not any("cloned" in said for _, _, said in lint(policy(other), graph=True, graph_sure=True))


def test_a_refusal_and_a_bad_verdict_are_nothing_a_clone_would_want(rule, policy) -> None:
    assert lint(policy(rule("no", DOT1X, compliance_is("compliant"), then=DENY))) == []
    bad = compliance_is("noncompliant", "unknown", "not_managed", "unavailable", "not_asked")
    assert lint(policy(rule("fix your device", DOT1X, bad))) == []


KINDS = st.lists(st.sampled_from(AccessKind), min_size=1, unique=True).map(lambda kinds: AccessIs(kinds=tuple(kinds)))
STATES = st.lists(st.sampled_from(ComplianceState), min_size=1, unique=True).map(
    lambda states: ComplianceIs(states=tuple(states))
)
NASES = st.sampled_from([NasIs(names=frozenset({"sw1"})), NasIs(names=frozenset({"sw1", "ap1"}))])
WIRED = st.sampled_from([GroupIs(groups=frozenset({"wired"})), GroupIs(groups=frozenset({"wired", "wifi"}))])


@pytest.mark.slow
@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(KINDS, STATES, NASES, WIRED, st.sets(st.integers(0, 3))).map(
            lambda drawn: tuple(drawn[index] for index in sorted(drawn[4]))
        ),
        max_size=6,
    )
)
def test_a_rule_said_to_match_never_is_reached_by_no_request(rules: list[tuple]) -> None:
    policy = Policy(
        rules=tuple(Rule(name=f"r{n}", line=n, conditions=c, then="p") for n, c in enumerate(rules)), digest="d"
    )
    hidden = never(policy)
    for name, groups in GROUPS.items():
        for access in AccessKind:
            for state in ComplianceState:
                facts = Facts(
                    access=access,
                    nas=Nas(name=name, vendor="generic", groups=groups),
                    identity=Unidentified(reason="x"),
                    compliance=Compliance(state=state, as_of=0.0, source=ComplianceSource.LIVE),
                )
                assert evaluate(policy, facts).rule not in hidden


SOURCES = (ComplianceSource.LIVE, ComplianceSource.CACHE, ComplianceSource.STALE)
ON_ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "states": STATES,
        "age": st.builds(VerdictAge, limit_s=st.sampled_from([10.0, 100.0]), over=st.booleans()),
        "source": st.lists(st.sampled_from(SOURCES), min_size=1, unique=True).map(
            lambda sources: VerdictFrom(sources=tuple(sources))
        ),
        "os": st.sampled_from([WINDOWS, SystemIs(systems=frozenset({"Windows", "iOS"}))]),
        "version": st.builds(SystemVersion, version=st.sampled_from([(10,), (11,)]), below=st.booleans()),
    },
)


@pytest.mark.slow
@settings(max_examples=100)
@given(st.lists(ON_ANSWERS, min_size=2, max_size=5))
def test_a_rule_on_the_answer_said_to_match_never_is_reached_by_no_answer(rules: list[dict]) -> None:
    policy = Policy(
        rules=tuple(Rule(name=f"r{n}", line=n, conditions=tuple(c.values()), then="p") for n, c in enumerate(rules)),
        digest="d",
    )
    hidden = never(policy)
    versions, ages = ("", "9", "10.5", "12"), (5.0, 50.0, 500.0)
    for state, source, age_s, os, version in itertools.product(
        ComplianceState, SOURCES, ages, ("Windows", "iOS"), versions
    ):
        facts = Facts(
            access=AccessKind.MAB,
            nas=Nas(name="n", vendor="generic"),
            identity=Unidentified(reason="x"),
            compliance=Compliance(
                state=state,
                as_of=1_000.0 - age_s,
                source=source,
                device=DeviceFacts(operating_system=os, os_version=version),
            ),
            at=1_000.0,
        )
        assert evaluate(policy, facts).rule not in hidden


# -- hours -----------------------------------------------------------------------------------------


def hours(begins: int, ends: int, *days: int) -> During:
    each = Hours(days=frozenset(days or range(7)), begins=begins * 60, ends=ends * 60)
    return During(hours=(each,), zone=UTC, zone_name="UTC")


def test_hours_that_are_the_whole_week_are_noted(rule, policy) -> None:
    said = ("r", "during", "these hours are the whole week: they leave nothing out")
    assert lint(policy(rule("r", DOT1X, hours(7, 7)))) == [said]
    assert lint(policy(rule("r", DOT1X, hours(7, 6)))) == []


def test_a_rule_below_one_with_longer_hours_can_never_match(rule, policy) -> None:
    long, short = rule("long", DOT1X, hours(7, 19)), rule("short", DOT1X, hours(9, 12, 0, 1))
    assert never(policy(long, short)) == {"short"}
    assert never(policy(short, long)) == set()
    assert never(policy(rule("one", DOT1X, hours(7, 12)), rule("other", DOT1X, hours(11, 19)))) == set()
    assert never(policy(rule("always", DOT1X), long)) == {"long"}
    assert never(policy(long, rule("always", DOT1X))) == set()
