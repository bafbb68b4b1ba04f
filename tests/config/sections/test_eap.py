from __future__ import annotations

import pytest

from nacd.config.sections.eap import Eap


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
