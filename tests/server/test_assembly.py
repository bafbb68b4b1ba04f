"""What is wrong is found before a port opens, and said where it stands."""

from __future__ import annotations

import inspect
import re
from dataclasses import replace

import pytest

from nacd.config.load import load
from nacd.eap import server_certificate
from nacd.errors import ConfigError
from nacd.findings import FINDINGS
from nacd.intune import options as intune_options
from nacd.policy.conditions import AccessIs, Condition, GroupIs, NasIs
from nacd.policy.model import Rule
from nacd.server.assembly import assemble
from nacd.server.clock import instant
from nacd.server.promises.profiles import can_reach
from nacd.sim.pki import DAY_S
from nacd.values import AccessKind, Authentication, Nas
from tests.server.house import Pki, Site


def problems(site: Site, *, allow_demo: bool = True) -> str:
    with pytest.raises(ConfigError) as refused:
        site.assemble(allow_demo=allow_demo)
    return str(refused.value).replace(f"{site.folder}/", "")


def test_a_good_configuration_has_every_profile_in_the_words_of_every_vendor_in_use(site: Site) -> None:
    assembled = site.assemble()
    assert set(assembled.rendered) == {
        (profile, vendor)
        for profile in ("corporate", "quarantine", "printers")
        for vendor in ("cisco-ios", "cisco-asa")
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


# -- sessions -----------------------------------------------------------------------------------


def test_a_profile_that_no_rule_can_give_is_there_for_whoever_orders_it(site: Site) -> None:
    site.change("profiles:\n", "profiles:\n  spare: {vlan: 7}\n  odd: {role: STAFF}\n", file="policy.yaml")
    rendered = site.assemble().rendered
    assert ("spare", "cisco-ios") in rendered
    assert ("spare", "cisco-asa") in rendered
    assert ("odd", "cisco-ios") in rendered
    assert ("odd", "cisco-asa") not in rendered


def test_a_promise_is_asked_only_of_vendors_whose_nases_a_rule_reaches(site: Site) -> None:
    site.change("{vlan: 140}", "{role: PRINTERS}", file="policy.yaml")
    site.change("{access: mab, mac_in", "{access: mab, nas: switch, mac_in", file="policy.yaml")
    rendered = site.assemble().rendered
    assert ("printers", "cisco-ios") in rendered
    assert ("printers", "cisco-asa") not in rendered


def test_a_default_profile_of_overrides_that_a_vendor_has_no_words_for_is_noted_there(site: Site) -> None:
    site.change("profiles:\n", "profiles:\n  odd: {role: STAFF}\n", file="policy.yaml")
    site.change(
        "policy: policy.yaml", "sessions: {overrides: {quarantine: odd, allow: corporate}}\npolicy: policy.yaml"
    )
    notes = [str(note) for note in site.assemble().notes]
    (note,) = [note for note in notes if "`odd`" in note]
    assert ": a NAS of vendor `cisco-asa` cannot be told of profile `odd`: there it means refusal" in note
    assert ":36: " in note
    assert not any("corporate" in note for note in notes)


def test_every_vendor_in_use_is_known_by_how_it_is_asked(site: Site) -> None:
    dynauths = site.assemble().dynauths
    assert set(dynauths) == {"cisco-ios", "cisco-asa"}
    assert [row.verb.value for row in dynauths["cisco-asa"].ladder] == ["push", "disconnect"]


def test_a_nas_that_is_to_be_asked_and_whose_vendor_nobody_knows_how_to_ask_is_noted(site: Site) -> None:
    site.change("vendor: cisco-ios, groups: [wired],", "vendor: cisco-ios, groups: [wired], dynauth: {},")
    loaded = load(site.config)
    silent = {name: {**rows} for name, rows in loaded.vendors.items()}
    del silent["cisco-ios"]["dynauth"], silent["cisco-asa"]["dynauth"]
    assembled = assemble(replace(loaded, vendors=silent), instant(), allow_demo=True)
    (note,) = [str(note) for note in assembled.notes if "change a session" in str(note)]
    assert ":3:113: nacd does not know how NASes of vendor `cisco-ios` are asked" in note
    assert assembled.dynauths == {}


def test_vendor_data_that_is_wrong_is_a_problem_where_the_vendor_is_named(site: Site) -> None:
    loaded = load(site.config)
    spoilt = {**loaded.vendors, "cisco-asa": {**loaded.vendors["cisco-asa"], "dynauth": {"port": 1700}}}
    with pytest.raises(ConfigError, match=r":5:\d+: vendor `cisco-asa`, dynauth: `port`"):
        assemble(replace(loaded, vendors=spoilt), instant(), allow_demo=True)


@pytest.mark.parametrize(
    ("control", "noted"),
    [('{coa: ["@netops"]}', True), ("{read: alex, socket: run/nacd.sock}", False), ("{read: []}", False)],
)
def test_people_who_may_not_enter_the_state_folder_are_noted(site: Site, control: str, noted: bool) -> None:
    site.change("policy: policy.yaml", f"control: {control}\npolicy: policy.yaml")
    notes = [str(note) for note in site.assemble().notes if "state folder" in str(note)]
    assert len(notes) == noted
    assert all("nacd.yaml:" in note for note in notes)


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


def test_a_next_secret_of_the_demo_is_refused_too(site: Site) -> None:
    site.write("secrets/demo", b"nacd-demo-0123456789abcdef", 0o600)
    site.change('secret: "file:secrets/nas"', 'secret: "file:secrets/nas", next_secret: "file:secrets/demo"')
    (line,) = (each for each in problems(site, allow_demo=False).splitlines() if "secret of the demo" in each)
    assert "this is a secret of the demo: make one of your own" in line


def test_secrets_and_certificates_of_the_demo_are_refused(site: Site) -> None:
    site.write("secrets/nas", b"nacd-demo-0123456789abcdef", 0o600)
    found = problems(site, allow_demo=False)
    assert found.count("this is a secret of the demo") == 2
    assert "nacd.yaml:3:" in found
    assert "this is the CA of the demo" in found
    assert "nacd-demo-0123456789abcdef" not in found
    site.assemble(allow_demo=True)


def test_a_secret_of_the_demo_for_changing_sessions_is_refused_too(site: Site) -> None:
    site.write("secrets/das", b"nacd-demo-0123456789abcdef", 0o600)
    site.change("groups: [wired],", 'groups: [wired], dynauth: {secret: "file:secrets/das"},')
    assert "nacd.yaml:3:122: this is a secret of the demo" in problems(site, allow_demo=False)


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


# -- findings -------------------------------------------------------------------------------


def codes(site: Site) -> list[str]:
    return [note.code for note in site.assemble().notes]


def test_every_note_has_a_code_and_a_place(site: Site, pki: Pki) -> None:
    site.serve_with(pki.root.issue_server("radius.example.test", san=False, lasts_s=9 * DAY_S))
    site.change("vendor: cisco-ios", "message_authenticator: accept, vendor: cisco-ios")
    notes = site.assemble().notes
    assert {"certificate-no-name", "certificate-expires", "unsigned-accepted"} <= {note.code for note in notes}
    assert all(note.code in FINDINGS and note.line and note.column for note in notes)


def test_what_a_comment_accepts_is_no_note_and_is_kept_with_its_reason(site: Site) -> None:
    site.change("{vlan: 140}", "{vlan: 140}\n  spare: {vlan: 7}", file="policy.yaml")
    assert codes(site).count("profile-unused") == 1
    site.change("spare: {vlan: 7}", "spare: {vlan: 7}  # nacd: allow profile-unused for the move", file="policy.yaml")
    assembled = site.assemble()
    assert "profile-unused" not in [note.code for note in assembled.notes]
    (accepted,) = [each for each in assembled.accepted if each.finding.code == "profile-unused"]
    assert accepted.reason == "for the move"


def test_what_is_wrong_with_a_comment_is_a_note(site: Site) -> None:
    site.change("clients:", "clients:  # nacd: allow profile-unused x")
    assert "allowance-unused" in codes(site)


@pytest.mark.parametrize(("days", "told"), [(29, ["credential-expires"]), (31, [])])
def test_a_credential_that_ends_within_thirty_days_is_noted_where_it_stands(
    site: Site, pki: Pki, days: int, told: list[str]
) -> None:
    issued = pki.root.issue_client("app", key="rsa2048", lasts_s=days * DAY_S + 3_600)
    site.write("app.pem", issued.chain_pem)
    site.write("app.key", issued.key_pem, 0o600)
    site.change('{secret: "file:secrets/app"}', '{certificate: app.pem, private_key: "file:app.key"}')
    found = [note for note in site.assemble().notes if note.code == "credential-expires"]
    assert [note.code for note in found] == told
    assert all("this credential ends on" in note.message and note.line for note in found)


def test_the_day_that_was_named_for_a_secret_is_noted_when_it_comes_near_and_when_it_has_passed(site: Site) -> None:
    plain = '{secret: "file:secrets/app"}'
    site.change(plain, '{secret: "file:secrets/app", expires: "2020-01-01"}')
    (note,) = [note for note in site.assemble().notes if note.code == "credential-expires"]
    assert "this credential ended on 2020-01-01" in note.message


def test_every_warning_about_a_certificate_has_a_code() -> None:
    source = inspect.getsource(server_certificate)
    assert set(re.findall(r'_warning\(\s*"([a-z_]+)"', source)) == set(server_certificate.WARNED)
