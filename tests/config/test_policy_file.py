from __future__ import annotations

import hashlib

import pytest

from nacd.policy.conditions import AccessIs, ComplianceIs, MacIn
from nacd.values import AccessKind, Attribute
from nacd.vendor.profile import Redirect

PROFILES = "profiles:\n  corp: {vlan: 120}\nrules:\n"
CORP = PROFILES + "  - {name: a, when: {access: vpn}, then: corp}\n"


def refused(site, policy: str) -> list[str]:
    site.write("policy.yaml", policy)
    return [said.removeprefix("policy.yaml:") for said in site.problems()]


def noted(site, policy: str) -> list[str]:
    site.write("policy.yaml", policy)
    return [said.removeprefix("policy.yaml:") for said in site.notes()]


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
    config = (site.folder / "nacd.yaml").read_text()
    head, rest = config.split("intune:\n")
    site.write("nacd.yaml", head + rest[rest.index("policy:") :])
    (said,) = refused(site, PROFILES + "  - {name: a, when: {compliance: compliant}, then: corp}\n")
    assert said.startswith("4:34: nobody tells compliance")
    site.write("policy.yaml", PROFILES + "  - {name: a, when: {compliance: not_asked}, then: corp}\n")
    assert site.load().policy.rules


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
        "profiles:\n  corp: {vlan: 5000}\nrules:\n  - {name: a, when: {os: x}, then: crop}\n"
        "  - {name: a, when: {access: mab, nas: zz}, then: corp}\n",
    )
    assert [line.split(":")[0] for line in said] == ["2", "4", "4", "5", "5"]


def test_too_many_rules(site) -> None:
    rules = "".join(f"  - {{name: r{n}, when: {{user: u{n}}}, then: corp}}\n" for n in range(2001))
    assert "more than 2,000 rules" in refused(site, PROFILES + rules)[0]


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
