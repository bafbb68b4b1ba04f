"""Evaluation against a plain reading of the rules, over policies and answers drawn at random."""

from __future__ import annotations

import collections
import fnmatch
import itertools
from collections.abc import Iterator
from dataclasses import replace
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
    Condition,
    GroupIs,
    IdentityFrom,
    IssuerMatches,
    MacIn,
    MacMatches,
    NasIs,
    SsidIs,
    SubjectMatches,
    TenantIs,
    UserMatches,
)
from nacd.policy.during import During, Hours
from nacd.policy.evaluate import evaluate, explain
from nacd.policy.model import Policy, Rule
from nacd.values import (
    NO_FACTS,
    NOT_ASKED,
    AccessKind,
    Assurance,
    CertificateFacts,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Decision,
    Device,
    DeviceFacts,
    DeviceId,
    Effect,
    Endpoint,
    Facts,
    IdentitySource,
    MacAddress,
    Nas,
    NoCertificate,
    Unidentified,
)

MACS = ("AA-BB-CC-00-00-01", "AA-BB-CC-00-00-02", "00-11-22-33-44-55")
GUID = "6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11"
NAMES = ("alice", "bob@contoso.com", "host/pc1")


def some(values: tuple[object, ...]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(st.sampled_from(values), min_size=1, unique=True).map(tuple)


PATTERNS = some(("*", "a*", "*CONTOSO*", "bob@*.com", "host/pc?", "nobody"))
CONDITIONS: dict[str, st.SearchStrategy[Condition]] = {
    "access": st.builds(AccessIs, kinds=some(tuple(AccessKind))),
    "nas": st.builds(NasIs, names=some(("n1", "n2")).map(frozenset)),
    "group": st.builds(GroupIs, groups=some(("g1", "g2", "g3")).map(frozenset)),
    "identity": st.builds(IdentityFrom, sources=some(("certificate", "vpn", "mac", "none"))),
    "assurance": st.builds(AssuranceAtLeast, level=st.sampled_from(Assurance)),
    "compliance": st.builds(ComplianceIs, states=some(tuple(ComplianceState))),
    "mac": st.builds(MacMatches, patterns=some((*MACS, "AA-BB-*", "00-1*", "*"))),
    "mac_in": st.builds(MacIn, files=st.just(("f",)), macs=some(MACS).map(frozenset)),
    "issuer": st.builds(IssuerMatches, patterns=PATTERNS),
    "subject": st.builds(SubjectMatches, patterns=PATTERNS),
    "user": st.builds(UserMatches, patterns=PATTERNS),
    "ssid": st.builds(SsidIs, names=some(("Corp", "Guest")).map(frozenset)),
    "tenant": st.builds(TenantIs, names=some(("contoso", "fabrikam")).map(frozenset)),
    "during": st.builds(
        During,
        hours=st.lists(
            st.builds(Hours, days=some((2, 3, 4)).map(frozenset), begins=st.just(0), ends=st.sampled_from([16, 17])),
            min_size=1,
            max_size=2,
        ).map(tuple),
        zone=st.just(UTC),
        zone_name=st.just("UTC"),
    ),
}
AGES = {"limit_s": st.sampled_from([10.0, 100.0]), "over": st.booleans()}
ANSWERED: dict[str, st.SearchStrategy[Condition]] = {
    "compliance": CONDITIONS["compliance"],
    "compliance_age": st.builds(VerdictAge, **AGES),
    "compliance_source": st.builds(
        VerdictFrom, sources=some((ComplianceSource.LIVE, ComplianceSource.CACHE, ComplianceSource.STALE))
    ),
    "os": st.builds(SystemIs, systems=some(("Windows", "iOS")).map(frozenset)),
    "os_version": st.builds(SystemVersion, version=st.sampled_from([(10,), (17, 5)]), below=st.booleans()),
    "ownership": st.builds(OwnershipIs, owners=some(("company", "personal"))),
    "last_sync": st.builds(LastSync, **AGES),
    "device_name": st.builds(DeviceNameMatches, patterns=some(("*", "PC-*", "nobody"))),
    "device_user": st.builds(DeviceUserMatches, patterns=some(("*", "*@CONTOSO.com"))),
}
CONDITIONS |= ANSWERED
NOW = 1_000.0  # a Thursday, 00:16 in UTC
DEVICES = (
    NO_FACTS,
    DeviceFacts(name="pc-1", operating_system="windows", os_version="10.0.19045", owner="company", last_sync=950.0),
    DeviceFacts(name="ph", operating_system="iOS", os_version="17.4", owner="personal", user="a@contoso.com"),
    DeviceFacts(name="PC-2", operating_system="Windows", os_version="17.5.0", owner="company", last_sync=1.0),
    DeviceFacts(
        operating_system="iOS", os_version="17.10 (21A)", owner="company", user="b@contoso.com", last_sync=995.0
    ),
    DeviceFacts(name="x", operating_system="Windows", os_version="9", owner="personal", last_sync=2_000.0),
)
NO_VERDICT = (ComplianceState.UNAVAILABLE, ComplianceState.NOT_ASKED)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    rules = []
    for number in range(draw(st.integers(0, 6))):
        keys = draw(st.lists(st.sampled_from(sorted(CONDITIONS)), max_size=3, unique=True))
        for key in draw(st.lists(st.sampled_from(sorted(ANSWERED)), max_size=2, unique=True)):
            if key not in keys:
                keys.append(key)
        conditions = tuple(draw(CONDITIONS[key]) for key in keys)
        then = draw(st.sampled_from(["corp", "guest", "deny"]))
        rules.append(Rule(name=f"r{number}", line=number + 1, conditions=conditions, then=then))
    return Policy(rules=tuple(rules), digest="d")


@st.composite
def every_facts(draw: st.DrawFn) -> Facts:
    source = draw(st.sampled_from(["certificate", "vpn", "mac", "none"]))
    if source == "none":
        identity = Unidentified(reason="nothing")
    elif source == "mac":
        identity = Endpoint(mac=MacAddress(MACS[0]))
    else:
        level = Assurance[source.upper()]
        identity = Device(id=DeviceId(guid=GUID), source=IdentitySource(source), assurance=level)
    name = draw(st.sampled_from(("", *NAMES)))
    certificate = CertificateFacts(
        subject=name, issuer=name[::-1], serial="1", fingerprint="f", not_before=0.0, not_after=1.0
    )
    groups = frozenset(draw(st.lists(st.sampled_from(["g1", "g2"]))))
    return Facts(
        access=draw(st.sampled_from(AccessKind)),
        nas=Nas(name=draw(st.sampled_from(["n1", "n2", "n3"])), vendor="generic", groups=groups),
        identity=identity,
        certificate=draw(st.sampled_from([certificate, NoCertificate()])),
        compliance=draw(st.sampled_from(ANSWERS)),
        mac=draw(st.sampled_from(["", *MACS])),
        user=draw(st.sampled_from(["", *NAMES])),
        ssid=draw(st.sampled_from(["", "Corp", "corp"])),
        tenant=draw(st.sampled_from(["", "contoso", "fabrikam"])),
        at=NOW,
    )


def answers() -> Iterator[Compliance]:
    """Many of the things that Intune can come to."""
    yield Compliance(state=ComplianceState.UNAVAILABLE, as_of=NOW, source=ComplianceSource.NONE)
    yield NOT_ASKED
    yield Compliance(state=ComplianceState.UNKNOWN, as_of=0.0, source=ComplianceSource.NONE)
    sources = (ComplianceSource.LIVE, ComplianceSource.CACHE, ComplianceSource.STALE)
    for state, source, age_s, device in itertools.product(ComplianceState, sources, (-5.0, 50.0, 100.5), DEVICES):
        if state not in NO_VERDICT:
            yield Compliance(state=state, as_of=NOW - age_s, source=source, device=device)


ANSWERS = tuple(answers())
VERDICTS = {
    "compliance": [{"state": state} for state in ComplianceState],
    "compliance_age": [{"as_of": NOW - age_s} for age_s in (5.0, 50.0, 500.0)],
    "compliance_source": [{"source": source} for source in ComplianceSource],
}
FACTS = {
    "os": [{"operating_system": system} for system in ("Windows", "iOS")],
    "os_version": [{"os_version": version} for version in ("9", "12.1", "18")],
    "ownership": [{"owner": owner} for owner in ("company", "personal")],
    "last_sync": [{"last_sync": NOW - age_s} for age_s in (5.0, 50.0, 500.0)],
    "device_name": [{"name": name} for name in ("pc-1", "nobody")],
    "device_user": [{"user": user} for user in ("a@contoso.com", "b")],
}


def answers_about(rule: Rule) -> Iterator[Compliance]:
    """No answer, and then all answers that differ in what this rule asks."""
    yield NOT_ASKED
    keys = {condition.key for condition in rule.conditions}
    verdicts = itertools.product(*(choices for key, choices in VERDICTS.items() if key in keys))
    facts = list(itertools.product(*(choices for key, choices in FACTS.items() if key in keys)))
    usual = {"state": ComplianceState.COMPLIANT, "as_of": NOW, "source": ComplianceSource.LIVE}
    for verdict, known in itertools.product(verdicts, facts):
        device = DeviceFacts(**dict(collections.ChainMap(*known)))
        yield Compliance(**{**usual, **dict(collections.ChainMap(*verdict))}, device=device)


def plainly_holds(condition: Condition, facts: Facts) -> bool:
    """The conditions as the manual words them, written with no regard to speed."""

    def globs(text: str, patterns: tuple[str, ...]) -> bool:
        return bool(text) and any(fnmatch.fnmatchcase(text.lower(), pattern.lower()) for pattern in patterns)

    def within(age_s: float, condition: VerdictAge | LastSync) -> bool:
        if age_s < -300.0:  # clocks differ by less: that date is wrong, and tells no age
            return False
        return age_s > condition.limit_s if condition.over else age_s <= condition.limit_s

    told, device = facts.compliance, facts.compliance.device
    verdict = told.state not in NO_VERDICT
    nobody = isinstance(facts.identity, Unidentified)
    shown = isinstance(facts.certificate, CertificateFacts)
    match condition:
        case AccessIs():
            return facts.access in list(condition.kinds)
        case NasIs():
            return facts.nas.name in condition.names
        case GroupIs():
            return any(group in condition.groups for group in facts.nas.groups)
        case IdentityFrom():
            return ("none" if nobody else str(facts.identity.source)) in condition.sources
        case AssuranceAtLeast():
            return (0 if nobody else int(facts.identity.assurance)) >= int(condition.level)
        case ComplianceIs():
            return facts.compliance.state in list(condition.states)
        case MacMatches():
            return globs(facts.mac, condition.patterns)
        case MacIn():
            return facts.mac in condition.macs
        case IssuerMatches():
            return shown and globs(facts.certificate.issuer, condition.patterns)
        case SubjectMatches():
            return shown and globs(facts.certificate.subject, condition.patterns)
        case UserMatches():
            return globs(facts.user, condition.patterns)
        case SsidIs():
            return facts.ssid in condition.names
        case TenantIs():
            return facts.tenant in condition.names
        case During():
            return any(3 in each.days and each.ends > 16 for each in condition.hours)
        case VerdictAge():
            return verdict and bool(told.as_of) and within(NOW - told.as_of, condition)
        case VerdictFrom():
            return verdict and told.source in condition.sources
        case SystemIs():
            return device.operating_system.title().replace("Ios", "iOS") in condition.systems
        case SystemVersion():
            numbers = [int(part) for part in device.os_version.split(" ")[0].split(".") if part]
            return bool(numbers) and (numbers < list(condition.version)) == condition.below
        case OwnershipIs():
            return device.owner in condition.owners
        case LastSync():
            return bool(device.last_sync) and within(NOW - device.last_sync, condition)
        case DeviceNameMatches():
            return globs(device.name, condition.patterns)
        case DeviceUserMatches():
            return globs(device.user, condition.patterns)


def with_answer(facts: Facts, compliance: Compliance) -> Facts:
    return replace(facts, compliance=compliance)


def plainly(policy: Policy, facts: Facts) -> tuple[str, str]:
    for rule in policy.rules:
        if all(plainly_holds(condition, facts) for condition in rule.conditions):
            return rule.name, "" if rule.then == "deny" else rule.then
    return "default-deny", ""


@pytest.mark.slow
@settings(max_examples=120)
@given(policy=policies(), facts=every_facts())
def test_compiled_evaluation_equals_plain_evaluation(policy: Policy, facts: Facts) -> None:
    decision = evaluate(policy, facts)
    assert (decision.rule, decision.profile) == plainly(policy, facts)
    assert (decision.effect is Effect.ALLOW) == bool(decision.profile)


@pytest.mark.slow
@settings(max_examples=120)
@given(policy=policies(), facts=every_facts())
def test_compliance_is_needed_exactly_when_some_answer_could_change_the_decision(policy: Policy, facts: Facts) -> None:
    early = evaluate(policy, with_answer(facts, NOT_ASKED), asked=False)
    if isinstance(early, Decision):
        assert {plainly(policy, with_answer(facts, answer)) for answer in ANSWERS} == {(early.rule, early.profile)}
        return
    (rule,) = (rule for rule in policy.rules if rule.name == early.rule)
    outcomes = {plainly(policy, with_answer(facts, answer))[0] for answer in answers_about(rule)}
    assert rule.name in outcomes
    assert len(outcomes) > 1


@settings(max_examples=40)
@given(policy=policies(), facts=every_facts())
def test_explain_tells_the_same_story_as_evaluate(policy: Policy, facts: Facts) -> None:
    trials = explain(policy, facts)
    assert trials[-1].rule == evaluate(policy, facts).rule
    assert [trial.matched for trial in trials] == [False] * (len(trials) - 1) + [True]
    assert all(trial.detail for trial in trials)
