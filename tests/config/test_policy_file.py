from __future__ import annotations

import hashlib

import pytest

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
from nacd.policy.conditions import AccessIs, MacIn, TenantIs
from nacd.values import AccessKind, Attribute, ComplianceSource
from nacd.vendor.profile import Redirect

PROFILES = "profiles:\n  corp: {vlan: 120}\nrules:\n"
CORP = PROFILES + "  - {name: a, when: {access: vpn}, then: corp}\n"


def refused(site, policy: str) -> list[str]:
    site.write("policy.yaml", policy)
    return [said.removeprefix("policy.yaml:") for said in site.problems()]


def noted(site, policy: str) -> list[str]:
    site.write("policy.yaml", policy)
    return [said.removeprefix("policy.yaml:") for said in site.notes() if said.startswith("policy.yaml:")]


def test_rules_keep_their_order_their_lines_and_their_conditions(site) -> None:
    site.write("printers.csv", "mac\nAA-BB-CC-00-00-01\n")
    site.write(
        "policy.yaml",
        "profiles:\n  corp: {vlan: 120}\nrules:\n"
        "  - {name: a, when: {compliance: compliant, access: [dot1x, vpn]}, then: corp}\n"
        "  - name: b\n    when: {mac_in: printers.csv}\n    then: deny\n",
    )
    first, second = site.load().policy.rules
    assert (first.name, first.line, first.then) == ("a", 4, "corp")
    compliance, access = first.conditions
    assert isinstance(compliance, ComplianceIs)
    assert access == AccessIs(kinds=(AccessKind.DOT1X, AccessKind.VPN))
    assert (second.line, second.then) == (5, "deny")
    assert second.conditions == (MacIn(files=("printers.csv",), macs=frozenset({"AA-BB-CC-00-00-01"})),)


def test_a_profile_becomes_intentions_and_raw_attributes(site) -> None:
    site.write(
        "policy.yaml",
        "profiles:\n  q:\n    vlan: 999\n    session_timeout: 10m\n    termination: end\n"
        "    attributes: {Class: [x, 7], 'Egress-VLANID:2': 3}\n"
        "    optional: {acl: Q, redirect: {url: 'https://portal/', acl: R}}\n"
        "rules:\n  - {name: a, when: {access: vpn}, then: q}\n",
    )
    profile = site.load().profiles["q"]
    assert (profile.vlan, profile.acl, profile.session_timeout_s, profile.reauthenticate) == ("999", "Q", 600, False)
    assert profile.redirect == Redirect(url="https://portal/", acl="R")
    assert profile.optional == {"acl", "redirect"}
    assert profile.raw == (
        Attribute(name="Class", value="x"),
        Attribute(name="Class", value=7),
        Attribute(name="Egress-VLANID", value=3, tag=2),
    )


def test_two_rules_of_one_name_and_unknown_profiles(site) -> None:
    said = refused(site, CORP + "  - {name: a, when: {access: mab}, then: crop}\n")
    assert said == [
        "5:12: a rule called `a` stands in line 4 already",
        "5:42: there is no profile `crop`, did you mean `corp`?",
    ]


def test_names_that_are_taken(site) -> None:
    said = refused(
        site, "profiles:\n  deny: {vlan: 1}\nrules:\n  - {name: default-deny, when: {access: mab}, then: deny}\n"
    )
    assert said == [
        "2:3: no profile can be called `deny`: that word refuses access",
        "4:12: `default-deny` is what happens when no rule matches: choose another name",
    ]


def test_a_rule_is_not_called_as_what_passes_the_guard(site) -> None:
    said = refused(site, CORP + "  - {name: override-quarantine, when: {access: mab}, then: corp}\n")
    assert said == [
        "5:12: `override-quarantine` stands for an order of a person, which no guard holds back: choose another name"
    ]


@pytest.mark.parametrize(
    "when",
    [
        "{}",
        "{access: [dot1x, mab, vpn]}",
        "{compliance: [compliant, noncompliant, in_grace, not_managed, unknown, unavailable, not_asked]}",
        "{identity: [certificate, vpn, mac, none]}",
    ],
)
def test_letting_everybody_in_takes_a_condition_that_leaves_somebody_out(site, when: str) -> None:
    (said,) = refused(site, PROFILES + f"  - {{name: all, when: {when}, then: corp}}\n")
    assert "only `then: deny` may do that" in said
    site.write("policy.yaml", PROFILES + f"  - {{name: all, when: {when}, then: deny}}\n")
    assert site.load().policy.rules[0].then == "deny"


def test_a_nas_or_group_that_no_client_has(site) -> None:
    said = refused(site, PROFILES + "  - {name: a, when: {nas: [sw, wsl], group: wierd}, then: corp}\n")
    assert said == [
        "4:32: there is no nas `wsl`: there is `sw`, `vpn`",
        "4:45: there is no group `wierd`, did you mean `wired`?",
    ]


def test_compliance_without_intune_is_never_told(site) -> None:
    without_intune(site)
    (said,) = refused(site, PROFILES + "  - {name: a, when: {compliance: compliant}, then: corp}\n")
    assert said.startswith("4:34: nobody tells compliance")
    site.write("policy.yaml", PROFILES + "  - {name: a, when: {compliance: not_asked}, then: corp}\n")
    assert site.load().policy.rules


def without_intune(site) -> None:
    config = (site.folder / "nacd.yaml").read_text()
    head, rest = config.split("intune:\n")
    site.write("nacd.yaml", head + rest[rest.index("policy:") :])


def one_rule(when: str, then: str = "corp") -> str:
    return f"{PROFILES}  - {{name: a, when: {{{when}}}, then: {then}}}\n"


def test_every_condition_on_the_answer_is_made(site) -> None:
    site.change("intune:\n", "intune:\n  source: graph\n")
    site.write(
        "policy.yaml",
        one_rule(
            "compliance_age: {over: 4h}, compliance_source: [live, stale], tenant: intune, os: [windows],"
            " os_version: {at_least: '10.0.19045'}, ownership: company, last_sync: {at_most: 7d}, device_name: 'PC-*',"
            " device_user: '*@contoso.com'"
        ),
    )
    (rule,) = site.load().policy.rules
    assert rule.conditions == (
        VerdictAge(limit_s=14_400.0, over=True),
        VerdictFrom(sources=(ComplianceSource.LIVE, ComplianceSource.STALE)),
        TenantIs(names=frozenset({"intune"})),
        SystemIs(systems=frozenset({"Windows"})),
        SystemVersion(version=(10, 0, 19045), below=False),
        OwnershipIs(owners=("company",)),
        LastSync(limit_s=604_800.0, over=False),
        DeviceNameMatches(patterns=("PC-*",)),
        DeviceUserMatches(patterns=("*@contoso.com",)),
    )


@pytest.mark.parametrize(
    "when", ["os: Windows", "ownership: company", "last_sync: {over: 7d}", "device_name: x", "device_user: x"]
)
def test_a_fact_of_the_device_takes_a_source_that_can_tell_it(site, when: str) -> None:
    key = when.partition(":")[0]
    (said,) = refused(site, one_rule(f"identity: certificate, {when}"))
    assert f": nobody tells `{key}`: NAC 2.0 tells compliance only; Microsoft Graph does" in said
    assert "`source: graph` or `fallback: graph`" in said
    site.change("intune:\n", "intune:\n  fallback: graph\n")
    note, always = sorted(site.notes(), key=lambda said: "does not ask" in said)
    assert f"only Microsoft Graph tells `{key}`, and not every answer is its" in note
    assert "does not ask what the verdict says" in always
    site.change("fallback: graph", "source: graph")
    assert site.notes() == [always]


def test_facts_are_wanted_of_every_tenant_or_remarked_on(site) -> None:
    several(site, "source: graph", "source: nac")
    (note,) = noted(site, one_rule("identity: certificate, compliance: compliant, os: Windows"))
    assert "only Microsoft Graph tells `os`" in note
    several(site, "source: nac", "source: nac")
    assert "nobody tells `os`" in refused(site, one_rule("identity: certificate, os: Windows"))[0]
    several(site, "source: graph", "source: graph")
    assert noted(site, one_rule("identity: certificate, compliance: compliant, os: Windows")) == []


def test_without_anybody_to_ask_nothing_of_the_answer_can_be_asked(site) -> None:
    without_intune(site)
    keys = {"compliance_age": "{over: 4h}", "compliance_source": "live", "os": "iOS", "tenant": "intune"}
    for key, value in keys.items():
        (said,) = refused(site, one_rule(f"{key}: {value}"))
        assert f": nobody tells `{key}`: there is no `intune` section" in said


def several(site, contoso: str, fabrikam: str) -> None:
    """The one tenant of the site, twice and by name."""
    own = "client_id: 6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11, credential: {secret: 'env:APP_SECRET'}"
    without_intune(type(site)(site.folder))
    site.change(
        "policy: policy.yaml",
        f"tenants:\n  contoso: {{tenant: contoso.onmicrosoft.com, {own}, {contoso}}}\n"
        f"  fabrikam: {{tenant: fabrikam.onmicrosoft.com, {own}, {fabrikam}}}\npolicy: policy.yaml",
    )


def test_a_tenant_that_nobody_configured(site) -> None:
    several(site, "source: nac", "source: nac")
    site.write("policy.yaml", one_rule("tenant: [contoso, fabrikan]"))
    assert site.problems() == ["policy.yaml:4:40: there is no tenant `fabrikan`, did you mean `fabrikam`?"]
    site.write("policy.yaml", one_rule("tenant: [contoso, fabrikam]"))
    assert site.load().policy.rules


def test_with_one_intune_section_the_tenant_is_called_intune(site) -> None:
    assert refused(site, one_rule("tenant: contoso")) == ["4:30: there is no tenant `contoso`: there is `intune`"]


def test_in_a_file_that_is_wrong_otherwise_the_policy_is_not_blamed_for_what_cannot_be_read(site) -> None:
    site.change("client_id: 6b4b9f4e", "client_id: nonsense")
    (said,) = refused(site, one_rule("tenant: contoso, os: Windows, identity: certificate"))
    assert said.startswith("nacd.yaml:")


def test_a_version_without_its_system_compares_what_cannot_be_compared(site) -> None:
    site.change("intune:\n", "intune:\n  source: graph\n")
    (said,) = refused(site, one_rule("identity: certificate, os_version: {below: '17'}"))
    assert said.endswith("versions of different systems cannot be compared: write `os` beside it")


def test_a_version_is_compared_within_one_system(site) -> None:
    site.change("intune:\n", "intune:\n  source: graph\n")
    several_systems = "identity: certificate, os: [Windows, iOS], os_version: {at_least: '10'}"
    (said,) = refused(site, one_rule(several_systems))
    assert said.endswith("cannot be compared: name one `os`, and write a rule for each")
    one = "identity: certificate, compliance: compliant, os: [Windows, win], os_version: {at_least: '10'}"
    assert noted(site, one_rule(one)) == []


def test_an_age_is_not_a_condition_that_leaves_nothing_out(site) -> None:
    (note,) = noted(site, one_rule("compliance_age: {at_most: 4h}"))
    assert "without `compliance` `noncompliant` and `not_managed` devices fit too" in note


def test_in_grace_comes_with_graph(site) -> None:
    policy = one_rule("access: mab, compliance: in_grace", then="deny")
    assert any("`in_grace` never comes" in note for note in noted(site, policy))
    site.change("intune:\n", "intune:\n  fallback: graph\n")
    assert not any("`in_grace` never comes" in note for note in noted(site, policy))


def test_lists_with_bad_lines_point_into_the_list(site) -> None:
    site.write("p.csv", "mac\nAA-BB-CC-00-00-01\nfoo\n")
    said = refused(site, PROFILES + "  - {name: a, when: {mac_in: [p.csv, none.csv]}, then: corp}\n")
    assert any(line.startswith("p.csv:3:1: `foo` is no MAC address") for line in said)
    assert any(line.startswith("4:38: `none.csv`: the list cannot be read") for line in said)


def test_an_intention_is_either_a_promise_or_optional(site) -> None:
    (said,) = refused(
        site, "profiles:\n  q: {vlan: 3, optional: {vlan: 4}}\nrules:\n  - {name: a, when: {access: mab}, then: q}\n"
    )
    assert said.startswith("2:27: `vlan` stands in the profile and under `optional`")


def test_vlan_and_raw_tunnel_attributes_exclude_each_other(site) -> None:
    policy = "profiles:\n  q: {vlan: 3, attributes: {Tunnel-Private-Group-Id: x}}\nrules: []\n"
    assert refused(site, policy)[0].startswith("2:16: `vlan` sets the Tunnel attributes")


def test_what_is_wrong_with_one_rule_does_not_hide_the_next(site) -> None:
    said = refused(
        site,
        "profiles:\n  corp: {vlan: 5000}\nrules:\n  - {name: a, when: {model: x}, then: crop}\n"
        "  - {name: a, when: {access: mab, nas: zz}, then: corp}\n",
    )
    assert [line.split(":")[0] for line in said] == ["2", "4", "4", "5", "5"]


def test_too_many_rules(site) -> None:
    rules = "".join(f"  - {{name: r{n}, when: {{user: u{n}}}, then: corp}}\n" for n in range(10_001))
    assert "more than 10,000 rules" in refused(site, PROFILES + rules)[0]


def test_notes_have_places_too(site) -> None:
    said = noted(
        site,
        "profiles:\n  corp: {vlan: 1}\n  spare: {vlan: 2}\nrules:\n"
        "  - {name: wide, when: {access: dot1x}, then: corp}\n"
        "  - {name: grace, when: {access: mab, compliance: in_grace}, then: deny}\n"
        "  - {name: never, when: {access: dot1x, user: x}, then: corp}\n",
    )
    assert said == [
        "3:3: no rule uses profile `spare`",
        "6:51: rule `grace`: `in_grace` never comes: NAC 2.0 does not tell it, only Microsoft Graph does",
        "7:5: rule `never`: this rule can never match: `wide` (line 5) above takes everything it would accept",
    ]


def test_an_empty_policy_and_an_empty_list_are_remarked_on(site) -> None:
    assert noted(site, "rules: []\n") == ["1:8: there are no rules: everything is denied"]
    site.write("p.csv", "# none yet\n")
    assert "holds no MAC at all" in noted(site, PROFILES + "  - {name: a, when: {mac_in: p.csv}, then: corp}\n")[0]


def test_the_digest_is_that_of_a_manifest_and_every_text_is_kept(site) -> None:
    site.write("p.csv", "AA-BB-CC-00-00-01\n")
    site.write("policy.yaml", PROFILES + "  - {name: a, when: {mac_in: p.csv}, then: corp}\n")
    loaded = site.load()
    for digest, text in loaded.texts.items():
        assert hashlib.sha256(text.encode()).hexdigest() == digest
    manifest = loaded.texts[loaded.digest].splitlines()
    assert [line.split("  ")[1] for line in manifest] == ["policy.yaml", "p.csv"]
    assert all(line.split("  ")[0] in loaded.texts for line in manifest)


def test_a_change_in_a_list_is_another_policy(site) -> None:
    site.write("p.csv", "AA-BB-CC-00-00-01\n")
    site.write("policy.yaml", PROFILES + "  - {name: a, when: {mac_in: p.csv}, then: corp}\n")
    before = site.load().digest
    site.write("p.csv", "AA-BB-CC-00-00-02\n")
    assert site.load().digest != before


def test_the_policy_must_be_a_mapping_with_rules(site) -> None:
    assert refused(site, "- a\n") == ["1:1: the file must consist of `key: value` lines, this is a list"]
    assert "`rules` is missing" in refused(site, "profiles: {}\n")[0]
    assert "a list is wanted here" in refused(site, "rules: {a: b}\n")[0]


@pytest.mark.parametrize("when", ["{mac: '*'}", "{mac: '*', access: [dot1x, mab, vpn]}", "{mac: ['AA-*', '*']}"])
def test_any_mac_is_no_way_round_the_refusal_of_a_rule_for_everybody(site, when: str) -> None:
    (said,) = refused(site, f"{PROFILES}  - {{name: a, when: {when}, then: corp}}\n")
    assert said == "4:21: these conditions leave nothing out: only `then: deny` may do that"
    site.write("policy.yaml", f"{PROFILES}  - {{name: a, when: {when}, then: deny}}\n")
    assert site.load().policy.rules[0].then == "deny"


@pytest.mark.parametrize(
    ("written", "found"), [("sync", ("sync",)), ("[notify, sync]", ("notify", "sync"))], ids=["one word", "a list"]
)
def test_a_profile_may_ask_for_sync_and_notify_on_quarantine(site, written: str, found: tuple[str, ...]) -> None:
    site.change("corp: {vlan: 120", f"corp: {{on_quarantine: {written}, vlan: 120", file="policy.yaml")
    assert site.load().profiles["corp"].on_quarantine == found


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("on_quarantine: wipe", "`wipe` is not known here"),
        ("on_quarantine: [sync, sync]", "the same word stands here twice"),
        ("on_quarantine: []", "this list is empty"),
        ("optional: {on_quarantine: sync}", "it is sent to no NAS"),
    ],
)
def test_nothing_else_can_be_asked_on_quarantine(site, written: str, said: str) -> None:
    site.change("corp: {vlan: 120", f"corp: {{{written}, vlan: 120", file="policy.yaml")
    assert any(said in problem for problem in site.problems())
