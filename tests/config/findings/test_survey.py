from __future__ import annotations

import pytest

from nacd.config.findings.survey import site as site_of
from nacd.values import Authentication, ComplianceState, IdentitySource

EAP = """\
eap:
  certificate: certs/server.pem
  private_key: file:secrets/sw
  client_cas: [{file: certs/ca.pem, may_assert: [intune_id]}]
"""


@pytest.fixture
def whole(site):
    """With EAP-TLS, so that 802.1X can come."""
    site.write("certs/server.pem", "PEM")
    site.write("certs/ca.pem", "PEM")
    return site.change("intune:\n", f"{EAP}intune:\n")


def places(survey, code: str) -> list[tuple[int, int]]:
    return [(each.line, each.column) for each in survey() if each.code == code]


def test_the_site_is_what_the_configuration_says(whole) -> None:
    here = site_of(whole.load())
    assert [(nas.name, nas.authentication) for nas in here.nases] == [
        ("sw", Authentication.EAP),
        ("vpn", Authentication.DONE_BY_NAS),
    ]
    assert here.eap
    assert here.sources == frozenset(IdentitySource)
    assert here.states == frozenset(ComplianceState) - {ComplianceState.IN_GRACE}


def test_who_is_asked_decides_which_states_come(whole) -> None:
    whole.change("intune:\n", "intune:\n  fallback: graph\n")
    assert site_of(whole.load()).states == frozenset(ComplianceState)
    text = (whole.folder / "nacd.yaml").read_text()
    whole.write("nacd.yaml", text[: text.index("intune:")] + text[text.index("policy:") :])
    whole.change(", compliance: compliant", "", file="policy.yaml")
    assert site_of(whole.load()).states == {ComplianceState.NOT_ASKED}
    whole.change("may_assert: [intune_id]", "may_assert: [intune_id, entra_id]")
    assert site_of(whole.load()).states == {ComplianceState.NOT_ASKED, ComplianceState.UNKNOWN}


def test_a_rule_for_802_1x_never_matches_without_eap(site, survey) -> None:
    (said,) = [str(each) for each in survey() if each.code == "rule-not-here"]
    assert "policy.yaml:4:5: rule `good`: this rule can never match" in said
    assert said.endswith("[rule-not-here]")


def test_what_is_found_in_a_rule_stands_at_the_rule_or_its_condition(whole, survey) -> None:
    whole.write(
        "policy.yaml",
        "profiles: {a: {vlan: 1}}\nrules:\n"
        "  - {name: maker, when: {access: mab, mac: 00-11-22-*}, then: a}\n"
        "  - name: vpn\n    when: {access: vpn, compliance: compliant}\n    then: a\n",
    )
    assert places(survey, "mac-pattern") == [(3, 44)]
    assert places(survey, "state-without-rule") == [(4, 5)]


def test_what_the_notes_say_already_is_not_said_again(whole, survey) -> None:
    whole.write(
        "policy.yaml",
        "profiles: {a: {vlan: 1}}\nrules:\n"
        "  - {name: wide, when: {access: dot1x}, then: a}\n"
        "  - {name: narrow, when: {access: dot1x, identity: certificate}, then: a}\n",
    )
    assert [note.code for note in whole.load().notes if note.line == 4] == ["rule-shadowed"]
    assert [each.code for each in survey() if each.line == 4 and each.file.endswith("policy.yaml")] == []


@pytest.mark.parametrize(
    ("redirect", "vendor", "told"),
    [
        ("{url: 'https://x.org/'}", "cisco-ios", True),
        ("{url: 'https://x.org/', acl: R}", "cisco-ios", False),
        ("{url: 'https://x.org/'}", "meraki", False),
    ],
)
def test_a_redirect_without_a_list_where_the_vendor_wants_one(
    whole, survey, redirect: str, vendor: str, told: bool
) -> None:
    text = (whole.folder / "nacd.yaml").read_text()
    whole.write("nacd.yaml", text.replace("cisco-ios", vendor).replace("cisco-asa", "strongswan"))
    whole.change("corp: {", f"corp: {{optional: {{redirect: {redirect}}}, ", file="policy.yaml")
    said = [str(each) for each in survey() if each.code == "redirect-without-acl"]
    assert len(said) == told
    assert all("profile `corp`: without `acl` NASes of vendor `cisco-ios`" in each for each in said)
    assert places(survey, "redirect-without-acl") == [(2, 21)] * told
