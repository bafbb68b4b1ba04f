"""What is wrong is found before a port opens, and said where it stands."""

from __future__ import annotations

import re

import pytest

from nacd.errors import ConfigError
from nacd.intune import options as intune_options
from nacd.policy.conditions import AccessIs, Condition, GroupIs, NasIs
from nacd.policy.model import Rule
from nacd.server.assembly import can_reach
from nacd.sim.pki import DAY_S
from nacd.values import AccessKind, Authentication, Nas
from tests.server.house import Pki, Site


def problems(site: Site, *, allow_demo: bool = True) -> str:
    with pytest.raises(ConfigError) as refused:
        site.assemble(allow_demo=allow_demo)
    return str(refused.value).replace(f"{site.folder}/", "")


def test_a_good_configuration_has_every_reachable_profile_in_every_vendors_words(site: Site) -> None:
    assembled = site.assemble()
    assert set(assembled.rendered) == {
        ("corporate", "cisco-ios"),
        ("quarantine", "cisco-ios"),
        ("printers", "cisco-ios"),
    }
    assert assembled.eap is not None
    assert [client.nas.name for client in assembled.clients] == ["switch", "concentrator"]


def test_a_promise_a_vendor_cannot_keep_is_an_error_at_the_profile(site: Site) -> None:
    site.change("{access: dot1x, identity: certificate, compliance: compliant}", "{access: vpn}", file="policy.yaml")
    site.change("{vlan: 120, session_timeout: 8h}", "{role: STAFF}", file="policy.yaml")
    found = problems(site)
    assert re.search(r"^policy\.yaml:2:3: profile `corporate` for vendor `cisco-asa`: role cannot be ", found, re.M)
    assert "rule `compliant device` gives it to NAS `concentrator`" in found


def test_the_same_promise_under_optional_is_left_out(site: Site) -> None:
    site.change("{access: dot1x, identity: certificate, compliance: compliant}", "{access: vpn}", file="policy.yaml")
    site.change(
        "{vlan: 120, session_timeout: 8h}", "{session_timeout: 8h, optional: {role: STAFF}}", file="policy.yaml"
    )
    assert site.assemble().rendered["corporate", "cisco-asa"].omitted == ("role",)


def test_an_attribute_name_that_no_dictionary_has_is_reported(site: Site) -> None:
    site.change("{vlan: 140}", '{vlan: 140, attributes: {Cisco-AVPiar: "x"}}', file="policy.yaml")
    found = problems(site)
    assert "policy.yaml:4:3" in found
    assert "`Cisco-AVPiar`" in found


def test_all_problems_come_at_once(site: Site, pki: Pki) -> None:
    site.change("{vlan: 140}", '{vlan: 140, attributes: {Cisco-AVPiar: "x"}}', file="policy.yaml")
    site.write("server.key", pki.laptop.key_pem, 0o600)
    found = problems(site)
    assert "Cisco-AVPiar" in found
    assert "nacd.yaml:8:16: the private key does not belong to" in found


# -- certificates -------------------------------------------------------------------------------


def test_a_private_key_of_another_certificate_is_an_error_where_the_certificate_is_named(site: Site, pki: Pki) -> None:
    site.write("server.key", pki.laptop.key_pem, 0o600)
    found = problems(site)
    assert "nacd.yaml:8:16: the private key does not belong to" in found


def test_an_expired_server_certificate_is_an_error(site: Site, pki: Pki) -> None:
    site.serve_with(pki.root.issue_server("radius.example.test", starts_s=-30 * DAY_S, lasts_s=DAY_S))
    assert "expired" in problems(site)


def test_a_server_certificate_that_supplicants_dislike_is_a_note(site: Site, pki: Pki) -> None:
    site.serve_with(pki.root.issue_server("radius.example.test", san=False))
    assert any("nacd.yaml:8" in str(note) for note in site.assemble().notes)


@pytest.mark.parametrize("name", ["server.pem", "server.key", "devices-ca.pem"])
def test_a_file_that_holds_no_pem_is_an_error_in_words(site: Site, name: str) -> None:
    site.write(name, "no PEM at all", 0o600)
    found = problems(site)
    assert "nacd.yaml:" in found
    assert "Error(" not in found


def test_a_cipher_list_that_matches_nothing_is_an_error(site: Site) -> None:
    site.change("eap:\n", "eap:\n  ciphers: NONSENSE\n")
    assert "no TLS cipher matches `NONSENSE`" in problems(site)


def test_a_ca_file_for_intune_that_holds_no_certificate_is_an_error_there(site: Site) -> None:
    site.write("proxy-ca.pem", "no PEM at all")
    site.change("  cloud: custom\n", "  cloud: custom\n  ca_file: proxy-ca.pem\n")
    assert "nacd.yaml:14:" in problems(site)


def test_a_configuration_without_eap_or_intune_is_whole(site: Site) -> None:
    text = site.config.read_text(encoding="utf-8")
    without = re.sub(r"^(eap|intune):\n(  .*\n)+", "", text, flags=re.M)
    site.write("nacd.yaml", without)
    site.write("policy.yaml", "profiles: {p: {vlan: 1}}\nrules:\n  - {name: r, when: {access: mab}, then: p}\n")
    assembled = site.assemble()
    assert (assembled.eap, assembled.tenants) == (None, {})


# -- the demo -----------------------------------------------------------------------------------


def test_secrets_and_certificates_of_the_demo_are_refused(site: Site) -> None:
    site.write("secrets/nas", b"nacd-demo-0123456789abcdef", 0o600)
    found = problems(site, allow_demo=False)
    assert found.count("this is a secret of the demo") == 2
    assert "nacd.yaml:3:" in found
    assert "this is the CA of the demo" in found
    assert "nacd-demo-0123456789abcdef" not in found
    site.assemble(allow_demo=True)


def test_a_server_certificate_of_the_demo_is_refused_below_a_real_ca_file_too(site: Site, pki: Pki) -> None:
    site.serve_with(pki.root.intermediate().issue_server("radius.example.test"))
    assert "nacd.yaml:8:16: this is the certificate of the demo" in problems(site, allow_demo=False)


# -- who can reach what -------------------------------------------------------------------------

EDGE = Nas(name="edge-1", vendor="generic", groups=frozenset({"wired"}))
VPN = Nas(name="vpn", vendor="generic", authentication=Authentication.DONE_BY_NAS)


@pytest.mark.parametrize(
    ("conditions", "nas", "reaches"),
    [
        ((), EDGE, True),
        ((AccessIs(kinds=(AccessKind.DOT1X,)),), EDGE, True),
        ((AccessIs(kinds=(AccessKind.DOT1X, AccessKind.MAB)),), VPN, False),
        ((AccessIs(kinds=(AccessKind.VPN,)),), VPN, True),
        ((AccessIs(kinds=(AccessKind.VPN,)),), EDGE, True),
        ((GroupIs(groups=frozenset({"wired"})),), EDGE, True),
        ((GroupIs(groups=frozenset({"wireless"})),), EDGE, False),
        ((NasIs(names=frozenset({"edge-1"})),), EDGE, True),
        ((NasIs(names=frozenset({"edge-1"})),), VPN, False),
    ],
)
def test_a_rule_reaches_a_nas_as_far_as_the_nas_alone_decides(
    conditions: tuple[Condition, ...], nas: Nas, reaches: bool
) -> None:
    assert can_reach(Rule(name="r", line=1, conditions=conditions, then="p"), nas) is reaches


def test_a_second_credential_that_cannot_work_is_an_error_at_its_own_place(site: Site) -> None:
    site.change(
        '  credential: {secret: "file:secrets/app"}\n',
        '  credential: {secret: "file:secrets/app"}\n'
        '  next_credential: {certificate: server.pem, private_key: "file:server.key"}\n',
    )
    site.write("server.key", "no PEM at all", 0o600)
    found = [line for line in problems(site).splitlines() if "certificate or key cannot be read" in line]
    assert len(found) == 1
    line = site.config.read_text().splitlines()[int(found[0].split(":")[1]) - 1]
    assert line.strip().startswith("next_credential")


def test_the_day_of_a_secret_that_has_passed_does_not_stop_the_start(site: Site) -> None:
    site.change(
        '  credential: {secret: "file:secrets/app"}\n',
        '  credential: {secret: "file:secrets/app", expires: "2020-01-01"}\n',
    )
    (options,) = site.assemble().tenants.values()
    (credential,) = options.credentials
    assert intune_options.inspect(credential).not_after == 1_577_836_800.0
