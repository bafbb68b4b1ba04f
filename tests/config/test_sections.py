from __future__ import annotations

from datetime import timedelta

import pytest

from nacd.config.sections import (
    ComplianceSettings,
    Eap,
    Identity,
    Intune,
    ManagedIdentity,
    PemCredential,
    PfxCredential,
)

TENANT = "tenant: contoso.com\nclient_id: 6B4B9F4E-7A0D-4A63-9A39-5D5E7C7A1C11\n"


@pytest.fixture
def files(tmp_path):
    for name in ("a.pem", "b.pem", "key", "app.pfx"):
        (tmp_path / name).write_bytes(b"x\n")
        (tmp_path / name).chmod(0o600)


EAP = (
    "certificate: a.pem\nprivate_key: file:key\n"
    "client_cas: [{file: b.pem, may_assert: [intune_id], templates: 1.2.3}]\n"
)


def test_eap_with_everything_left_out(section, files, tmp_path) -> None:
    eap = section(Eap, EAP)
    assert eap.certificate == tmp_path / "a.pem"
    assert (eap.tls_min, eap.tls_max, eap.require_client_auth_eku) == ("1.2", "1.3", True)
    assert eap.client_cas[0].anchor == "b"
    assert eap.client_cas[0].templates == ("1.2.3",)
    assert eap.conversations.memory == 256 * 1024 * 1024
    assert eap.fragment_size is None


def test_tls_versions_need_no_quotes_but_an_order(section, files) -> None:
    assert section(Eap, EAP + "tls_min: 1.3\n").tls_min == "1.3"
    assert "`tls_min` is newer than `tls_max`" in section(Eap, EAP + "tls_min: 1.3\ntls_max: 1.2\n")[0]
    assert section(Eap, EAP + "tls_min: 1.1\n") == ["4:10: `1.1` is not known here: use `1.2` or `1.3`"]


def test_files_must_be_there(section, files, tmp_path) -> None:
    said = section(Eap, EAP.replace("a.pem", "none.pem").replace("b.pem", "."))
    assert f"does not exist (looked for `{tmp_path}/none.pem`)" in said[0]
    assert "is a folder" in said[1]


def test_a_client_ca_asserts_nothing_by_itself(section, files) -> None:
    assert section(Eap, EAP.replace(", may_assert: [intune_id]", "")).client_cas[0].may_assert == ()
    assert "`serial` is not known here" in section(Eap, EAP.replace("intune_id", "serial"))[0]


def test_identity_patterns_name_the_group_guid(section) -> None:
    identity = section(Identity, "vpn: {user_name_pattern: '(?P<guid>[0-9a-f-]{36})@vpn'}\nentra_forms: []\n")
    assert identity.vpn.user_name_pattern.endswith("@vpn")
    assert identity.order == ("certificate", "vpn", "mac")


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(x", "is no regular expression"),
        ("[0-9a-f-]{36}", "no group"),
        ("(?P<guid>a+)+", "repeats a repetition"),
        ("(?P<guid>x)" + "a" * 200, "longer than 200"),
    ],
)
def test_patterns_that_would_not_do(section, pattern: str, words: str) -> None:
    assert words in section(Identity, f"vpn: {{class_pattern: '{pattern}'}}\n")[0]


def test_shared_macs_stand_here_or_in_a_file(section, tmp_path) -> None:
    (tmp_path / "docks.csv").write_text("00-50-B6-00-00-02\n")
    macs = {"00-50-B6-00-00-01", "00-50-B6-00-00-02"}
    assert section(Identity, 'shared_macs: ["0050.b600.0001", docks.csv]\n').shared_macs == macs
    assert section(Identity, "shared_macs: docks.csv\n").shared_macs == {"00-50-B6-00-00-02"}
    assert "is no MAC address" in section(Identity, "shared_macs: dock\n")[0]


def test_a_source_named_twice_is_refused(section) -> None:
    assert "`order` names a source twice" in section(Identity, "order: [mac, mac]\n")[0]


@pytest.mark.parametrize(
    ("credential", "kind"),
    [
        ("{certificate: a.pem, private_key: 'file:key'}", PemCredential),
        ("{pfx: 'file:app.pfx', passphrase: 'env:P'}", PfxCredential),
        ("{managed_identity: system}", ManagedIdentity),
        ("{managed_identity: 6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11}", ManagedIdentity),
    ],
)
def test_kinds_of_credential(section, files, credential: str, kind: type) -> None:
    intune = section(Intune, f"{TENANT}credential: {credential}\n", {"P": "p"})
    assert isinstance(intune.credential, kind)
    assert intune.client_id == "6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11"


def test_a_pfx_keeps_its_last_octet_even_if_it_is_a_newline(section, files) -> None:
    assert section(Intune, f"{TENANT}credential: {{pfx: 'file:app.pfx'}}\n").credential.pfx.reveal() == b"x\n"


@pytest.mark.parametrize("credential", ["{}", "x", "{secret: 'env:S', pfx: 'file:app.pfx'}", "[a]"])
def test_exactly_one_credential(section, files, credential: str) -> None:
    (said,) = section(Intune, f"{TENANT}credential: {credential}\n", {"S": "s"})
    assert said.startswith("3:13: name one credential:")


def test_a_mistake_inside_a_credential_has_its_own_place(section, files) -> None:
    said = section(Intune, TENANT + "credential: {certificate: a.pem, private_kye: 'file:key'}\n")
    assert said == [
        "3:13: `private_key` is missing: reference to its private key (PEM)",
        "3:34: `private_kye` is no key here, did you mean `private_key`?",
    ]


def test_a_custom_cloud_names_all_its_places(section) -> None:
    text = TENANT + "credential: {managed_identity: system}\ncloud: custom\n"
    (said,) = section(Intune, text)
    assert "needs `authority`, `resource`, `graph`, `host_suffixes`" in said
    text += "authority: https://login.test\nresource: https://api.test/\n"
    assert section(Intune, text + "endpoint: https://nac.test/\n").resource == "https://api.test/"
    whole = section(
        Intune, text + "graph: https://graph.test\nhost_suffixes: .manage.test\nallowed_hosts: [nac.test]\n"
    )
    assert whole.host_suffixes == (".manage.test",)


def test_china_needs_its_resource_and_a_resource_its_slash(section) -> None:
    text = TENANT + "credential: {managed_identity: system}\ncloud: china\n"
    assert "needs `resource`" in section(Intune, text)[0]
    assert "write `https://x/`" in section(Intune, text + "resource: https://x\n")[0]


@pytest.mark.parametrize("tenant", ["common", "Organizations", "a b", "-x", "https://x"])
def test_a_tenant_is_one_tenant(section, tenant: str) -> None:
    text = TENANT.replace("contoso.com", f'"{tenant}"') + "credential: {managed_identity: system}\n"
    assert "tenant" in section(Intune, text)[0]


def test_compliance_defaults_and_bounds(section) -> None:
    kept = section(ComplianceSettings, "threads: 8\n")
    assert kept.lifetimes.compliant == timedelta(hours=1)
    assert kept.poll.bulk == timedelta(hours=4, minutes=15)
    assert (kept.lookup_deadline, kept.stale_for) == (timedelta(seconds=2), timedelta(days=1))
    assert section(ComplianceSettings, "threads: 65\nlookup_deadline: 31s\n") == [
        "1:10: `65` is too large: at most 64",
        "2:18: this duration is outside `100ms` to `30s`",
    ]
