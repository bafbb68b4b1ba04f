"""Evaluation against a plain reading of the rules, over policies and answers drawn at random."""

from __future__ import annotations

import collections
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
    UserGroupIs,
    VerdictAge,
    VerdictFrom,
)
from nacd.policy.certified import (
    EkuIs,
    ExpiresIn,
    IssuerMatches,
    SanDns,
    SanUpn,
    SanUri,
    SubjectMatches,
    TemplateIs,
)
from nacd.policy.conditions import (
    AccessIs,
    AssuranceAtLeast,
    Condition,
    GroupIs,
    IdentityFrom,
    LocationIn,
    NasIs,
    Not,
    RealmIs,
    TenantIs,
    UserMatches,
    VendorIs,
)
from nacd.policy.during import During, Hours
from nacd.policy.evaluate import evaluate, explain
from nacd.policy.model import Policy, Rule
from nacd.policy.requested import (
    BssidMatches,
    ClientPlatform,
    ClientPlatformVersion,
    ClientVersion,
    DeviceIn,
    InventoryHas,
    MacIn,
    MacMatches,
    PortTypeIs,
    SsidIs,
    TunnelGroupIs,
)
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
    Link,
    MacAddress,
    Nas,
    NoCertificate,
    Unidentified,
)
from tests.policy.plainly import NO_VERDICT, NOW, plainly_holds

MACS = ("AA-BB-CC-00-00-01", "AA-BB-CC-00-00-02", "00-11-22-33-44-55")
GUID = "6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11"
NAMES = ("alice", "bob@contoso.com", "host/pc1")


def some(values: tuple[object, ...]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(st.sampled_from(values), min_size=1, unique=True).map(tuple)


PATTERNS = some(("*", "a*", "*CONTOSO*", "bob@*.com", "host/pc?", "nobody"))
ENDS = st.sampled_from([frozenset(), frozenset({(MACS[0], 1_000.0), (MACS[1], 1_000.5)})])
CONDITIONS: dict[str, st.SearchStrategy[Condition]] = {
    "access": st.builds(AccessIs, kinds=some(tuple(AccessKind))),
    "nas": st.builds(NasIs, names=some(("n1", "n2")).map(frozenset)),
    "group": st.builds(GroupIs, groups=some(("g1", "g2", "g3")).map(frozenset)),
    "identity": st.builds(IdentityFrom, sources=some(("certificate", "vpn", "mac", "none"))),
    "assurance": st.builds(AssuranceAtLeast, level=st.sampled_from(Assurance)),
    "compliance": st.builds(ComplianceIs, states=some(tuple(ComplianceState))),
    "mac": st.builds(MacMatches, patterns=some((*MACS, "AA-BB-*", "00-1*", "*"))),
    "mac_in": st.builds(MacIn, files=st.just(("f",)), macs=some(MACS).map(frozenset), ends=ENDS),
    "inventory": st.builds(InventoryHas, names=some(("any", "printers", "lab")).map(frozenset)),
    "device_in": st.builds(
        DeviceIn,
        files=st.just(("d",)),
        macs=some((GUID, "another")).map(frozenset),
        ends=st.sampled_from([frozenset(), frozenset({(GUID, 900.0)}), frozenset({(GUID, 1_001.0)})]),
    ),
    "issuer": st.builds(IssuerMatches, patterns=PATTERNS),
    "subject": st.builds(SubjectMatches, patterns=PATTERNS),
    "user": st.builds(UserMatches, patterns=PATTERNS),
    "ssid": st.builds(SsidIs, names=some(("Corp", "Guest")).map(frozenset)),
    "tenant": st.builds(TenantIs, names=some(("contoso", "fabrikam")).map(frozenset)),
    "vendor": st.builds(VendorIs, names=some(("generic", "cisco-ios")).map(frozenset)),
    "location": st.builds(LocationIn, places=some(("berlin", "berlin/b7", "rome")).map(frozenset)),
    "realm": st.builds(RealmIs, names=some(("contoso.com", "fabrikam")).map(frozenset)),
    "port_type": st.builds(PortTypeIs, names=some(("Ethernet", "Virtual")).map(frozenset)),
    "bssid": st.builds(BssidMatches, patterns=some((*MACS, "AA-BB-*", "*"))),
    "tunnel_group": st.builds(TunnelGroupIs, names=some(("STAFF", "LAB")).map(frozenset)),
    "client_platform": st.builds(ClientPlatform, patterns=some(("win", "MAC*", "*"))),
    "client_platform_version": st.builds(
        ClientPlatformVersion, version=st.sampled_from([(10,), (17, 5)]), below=st.booleans()
    ),
    "client_version": st.builds(ClientVersion, version=st.sampled_from([(4, 10), (5,)]), below=st.booleans()),
    "template": st.builds(TemplateIs, names=some(("workstation", "1.2.3")).map(frozenset)),
    "eku": st.builds(EkuIs, names=some(("1.3.6", "2.5")).map(frozenset)),
    "san_dns": st.builds(SanDns, patterns=PATTERNS),
    "san_uri": st.builds(SanUri, patterns=PATTERNS),
    "san_upn": st.builds(SanUpn, patterns=PATTERNS),
    "expires_in": st.builds(ExpiresIn, limit_s=st.sampled_from([10.0, 50.0]), below=st.booleans()),
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
    "user_group": st.builds(UserGroupIs, ids=some(("g-1", "g-2")).map(frozenset)),
}
CONDITIONS |= ANSWERED
DEVICES = (
    NO_FACTS,
    DeviceFacts(name="pc-1", operating_system="windows", os_version="10.0.19045", owner="company", last_sync=950.0),
    DeviceFacts(name="ph", operating_system="iOS", os_version="17.4", owner="personal", user="a@contoso.com"),
    DeviceFacts(name="PC-2", operating_system="Windows", os_version="17.5.0", owner="company", last_sync=1.0),
    DeviceFacts(
        operating_system="iOS", os_version="17.10 (21A)", owner="company", user="b@contoso.com", last_sync=995.0
    ),
    DeviceFacts(name="x", operating_system="Windows", os_version="9", owner="personal", last_sync=2_000.0),
    DeviceFacts(user="a@contoso.com", in_groups=("g-1",), outside_groups=("g-2",)),
    DeviceFacts(user="a@contoso.com", outside_groups=("g-1",), groups_doubt="graph is failing"),
    DeviceFacts(user="a@contoso.com", owner="company", in_groups=("g-1", "g-2")),
)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    rules = []
    for number in range(draw(st.integers(0, 6))):
        keys = draw(st.lists(st.sampled_from(sorted(CONDITIONS)), max_size=3, unique=True))
        for key in draw(st.lists(st.sampled_from(sorted(ANSWERED)), max_size=2, unique=True)):
            if key not in keys:
                keys.append(key)
        without = draw(st.lists(st.sampled_from(sorted(CONDITIONS)), max_size=2, unique=True))
        conditions = tuple(draw(CONDITIONS[key]) for key in keys)
        conditions += tuple(Not(inner=draw(CONDITIONS[key])) for key in without)
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
        subject=name,
        issuer=name[::-1],
        serial="1",
        fingerprint="f",
        not_before=0.0,
        not_after=NOW + draw(st.sampled_from([-5.0, 10.0, 49.9, 100.0])),
        templates=draw(st.sampled_from([(), ("Workstation",), ("9", "1.2.3")])),
        ekus=draw(st.sampled_from([(), ("1.3.6",), ("1.3", "2.5")])),
        san_dns=draw(st.sampled_from([(), ("",), ("x", "alice")])),
        san_uris=draw(st.sampled_from([(), ("nobody",)])),
        san_upns=draw(st.sampled_from([(), ("bob@contoso.com",)])),
    )
    groups = frozenset(draw(st.lists(st.sampled_from(["g1", "g2"]))))
    return Facts(
        access=draw(st.sampled_from(AccessKind)),
        nas=Nas(
            name=draw(st.sampled_from(["n1", "n2", "n3"])),
            vendor=draw(st.sampled_from(["generic", "cisco-ios"])),
            groups=groups,
            location=draw(st.sampled_from(["", "berlin", "berlin/b7/f2", "berlin/b77", "rome"])),
        ),
        identity=identity,
        certificate=draw(st.sampled_from([certificate, NoCertificate()])),
        compliance=draw(st.sampled_from(ANSWERS)),
        mac=draw(st.sampled_from(["", *MACS])),
        user=draw(st.sampled_from(["", *NAMES])),
        inventory=draw(st.sampled_from([(), ("any",), ("any", "lab"), ("any", "cams", "printers")])),
        ssid=draw(st.sampled_from(["", "Corp", "corp"])),
        tenant=draw(st.sampled_from(["", "contoso", "fabrikam"])),
        at=NOW,
        link=Link(
            port_type=draw(st.sampled_from(["", "Ethernet", "Virtual"])),
            bssid=draw(st.sampled_from(["", *MACS])),
            tunnel_group=draw(st.sampled_from(["", "STAFF"])),
            client_platform=draw(st.sampled_from(["", "win", "mac-intel"])),
            client_platform_version=draw(st.sampled_from(["", "10.0", "17.4.1", "x"])),
            client_agent=draw(st.sampled_from(["", "AnyConnect Windows 4.9.1", "Cisco Secure Client 5.1 x"])),
        ),
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
    "os": [{"operating_system": system} for system in ("", "Windows", "iOS")],
    "os_version": [{"os_version": version} for version in ("", "9", "12.1", "18")],
    "ownership": [{"owner": owner} for owner in ("", "company", "personal")],
    "last_sync": [{"last_sync": NOW - age_s} for age_s in (5.0, 50.0, 500.0, NOW)],
    "device_name": [{"name": name} for name in ("", "pc-1", "nobody", "other")],
    "device_user": [{"user": user} for user in ("", "a@contoso.com", "b")],
    "user_group": [
        {"in_groups": inside, "outside_groups": outside}
        for inside, outside in (
            ((), ()),
            (("g-1",), ("g-2",)),
            (("g-2",), ("g-1",)),
            (("g-2",), ()),
            (("g-1", "g-2"), ()),
            ((), ("g-1", "g-2")),
            ((), ("g-1",)),
        )
    ],
}


def answers_about(rule: Rule) -> Iterator[Compliance]:
    """No answer, and then all answers that differ in what this rule asks."""
    yield NOT_ASKED
    yield Compliance(state=ComplianceState.UNAVAILABLE, as_of=NOW, source=ComplianceSource.NONE)
    keys = {condition.key for condition in rule.asked}
    verdicts = itertools.product(*(choices for key, choices in VERDICTS.items() if key in keys))
    facts = list(itertools.product(*(choices for key, choices in FACTS.items() if key in keys)))
    usual = {"state": ComplianceState.COMPLIANT, "as_of": NOW, "source": ComplianceSource.LIVE}
    for verdict, known in itertools.product(verdicts, facts):
        device = DeviceFacts(**dict(collections.ChainMap(*known)))
        yield Compliance(**{**usual, **dict(collections.ChainMap(*verdict))}, device=device)


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
