"""The demo PKI, judged by the openssl program and by cryptography's own reader."""

from __future__ import annotations

import datetime
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from nacd.sim.pki import ORGANIZATION, SERVER_NAME, Authority, Issued, intune_uri, load_issued, write_demo_pki

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
SID = "tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-1104"


def openssl_verifies(folder: Path, authority: Authority, issued: Issued, purpose: str) -> bool:
    (folder / "root.pem").write_bytes(authority.root_pem)
    (folder / "chain.pem").write_bytes(issued.chain_pem)
    (folder / "leaf.pem").write_bytes(issued.certificate_pem)
    command = ["openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile", "root.pem"]
    return (
        subprocess.run(
            [*command, "-untrusted", "chain.pem", "leaf.pem"], cwd=folder, capture_output=True, check=False
        ).returncode
        == 0
    )


def extension(issued: Issued, oid: str) -> x509.ExtensionType:
    return issued.certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier(oid)).value


def test_openssl_verifies_a_client_behind_three_intermediates(tmp_path: Path) -> None:
    authority = Authority.root().intermediates(3)
    issued = authority.issue_client(uris=[intune_uri(GUID)])
    assert issued.chain_pem.count(b"BEGIN CERTIFICATE") == 4
    assert openssl_verifies(tmp_path, authority, issued, "sslclient")
    assert not openssl_verifies(tmp_path, authority, issued, "sslserver")


def test_openssl_verifies_a_server_certificate_straight_under_the_root(tmp_path: Path) -> None:
    authority = Authority.root()
    issued = authority.issue_server("radius.example.test")
    assert issued.chain_pem == issued.certificate_pem
    assert openssl_verifies(tmp_path, authority, issued, "sslserver")


@pytest.mark.parametrize(("starts_s", "lasts_s"), [(-7200.0, 3600.0), (3600.0, 3600.0)])
def test_openssl_refuses_an_expired_and_a_not_yet_valid_certificate(
    tmp_path: Path, starts_s: float, lasts_s: float
) -> None:
    authority = Authority.root()
    assert not openssl_verifies(
        tmp_path, authority, authority.issue_client(starts_s=starts_s, lasts_s=lasts_s), "sslclient"
    )


def test_san_uris_stand_there_as_asked_in_order_with_blanks_and_commas() -> None:
    uris = [SID, intune_uri(GUID), f"IntuneDeviceId://{GUID},{SID}"]
    issued = Authority.root().issue_client(uris=uris, upn="alice@example.test", dns=["laptop.example.test"])
    san = issued.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert san.get_values_for_type(x509.UniformResourceIdentifier) == uris
    assert san.get_values_for_type(x509.DNSName) == ["laptop.example.test"]
    (upn,) = san.get_values_for_type(x509.OtherName)
    assert upn.type_id.dotted_string == "1.3.6.1.4.1.311.20.2.3"
    assert upn.value == b"\x0c\x12alice@example.test"


def test_openssl_reads_the_template_extensions(tmp_path: Path) -> None:
    issued = Authority.root().issue_client(template="1.3.6.1.4.1.311.21.8.1.2.3", template_name="Laptop")
    template = extension(issued, "1.3.6.1.4.1.311.21.7")
    assert isinstance(template, x509.MSCertificateTemplate)
    assert template.template_id.dotted_string == "1.3.6.1.4.1.311.21.8.1.2.3"
    (tmp_path / "leaf.pem").write_bytes(issued.certificate_pem)
    text = subprocess.run(
        ["openssl", "x509", "-in", "leaf.pem", "-noout", "-text"], cwd=tmp_path, capture_output=True, check=True
    ).stdout.decode()
    assert "1.3.6.1.4.1.311.21.7" in text
    assert "1.3.6.1.4.1.311.20.2" in text


@pytest.mark.parametrize(
    ("kind", "expected", "bits"),
    [
        ("p256", ec.EllipticCurvePublicKey, 256),
        ("p384", ec.EllipticCurvePublicKey, 384),
        ("rsa1024", rsa.RSAPublicKey, 1024),
        ("rsa2048", rsa.RSAPublicKey, 2048),
        pytest.param("rsa4096", rsa.RSAPublicKey, 4096, marks=pytest.mark.slow),
        ("ed25519", ed25519.Ed25519PublicKey, 0),
    ],
)
def test_every_kind_of_key_can_be_certified(kind: str, expected: type, bits: int) -> None:
    public = Authority.root().issue_client(key=kind).certificate.public_key()
    assert isinstance(public, expected)
    assert getattr(public, "key_size", 0) == bits


def test_an_unknown_kind_of_key_is_named_in_the_error() -> None:
    with pytest.raises(ValueError, match="`dsa`"):
        Authority.root(key="dsa")


def test_an_ed25519_authority_signs_too(tmp_path: Path) -> None:
    authority = Authority.root(key="ed25519")
    assert openssl_verifies(tmp_path, authority, authority.issue_client(), "sslclient")


def test_the_eku_is_a_choice_and_may_be_absent() -> None:
    authority = Authority.root()
    mail = authority.issue_client(eku=["emailProtection", "1.3.6.1.5.5.7.3.2"])
    eku = mail.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(eku) == [ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.CLIENT_AUTH]
    with pytest.raises(x509.ExtensionNotFound):
        extension(authority.issue_client(eku=[]), "2.5.29.37")


def test_a_broken_san_can_be_planted() -> None:
    issued = Authority.root().issue_client(extra=[("2.5.29.17", b"\x30\x05\x86")])
    with pytest.raises(ValueError):
        _ = issued.certificate.extensions


def test_a_private_key_is_not_shown() -> None:
    assert "PRIVATE KEY" not in repr(Authority.root().issue_client())


def test_a_server_certificate_can_lack_a_san() -> None:
    with pytest.raises(x509.ExtensionNotFound):
        extension(Authority.root().issue_server(san=False), "2.5.29.17")


def test_the_demo_pki_marks_every_ca_and_closes_every_key(tmp_path: Path) -> None:
    demo = write_demo_pki(tmp_path)
    for name in (demo.server_ca, demo.devices_ca, demo.users_ca, demo.web_ca):
        assert ORGANIZATION in x509.load_pem_x509_certificate(name.read_bytes()).subject.rfc4514_string().replace(
            "\\", ""
        )
    chain = x509.load_pem_x509_certificates(demo.server.read_bytes())
    assert all(ORGANIZATION in one.issuer.rfc4514_string().replace("\\", "") for one in chain)
    san = chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert san.get_values_for_type(x509.DNSName) == [SERVER_NAME]
    keys = list(tmp_path.glob("*.key"))
    assert len(keys) == 9
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}


def test_a_root_can_be_taken_up_again_from_its_files(tmp_path: Path) -> None:
    demo = write_demo_pki(tmp_path)
    root = Authority.loaded(demo.web_ca, tmp_path / "web-ca.key")
    assert root.root_pem == demo.web_ca.read_bytes()
    assert openssl_verifies(tmp_path, root, root.issue_server("localhost"), "sslserver")


def test_the_expired_laptop_of_the_demo_has_expired(tmp_path: Path) -> None:
    demo = write_demo_pki(tmp_path)
    issued = load_issued(demo.expired, demo.expired_key)
    assert issued.certificate.not_valid_after_utc < datetime.datetime.now(datetime.UTC)


def test_a_demo_pki_may_be_written_again_but_never_over_real_keys(tmp_path: Path) -> None:
    first = write_demo_pki(tmp_path / "demo").server.read_bytes()
    assert write_demo_pki(tmp_path / "demo").server.read_bytes() != first
    real = tmp_path / "real"
    real.mkdir()
    (real / "server.key").write_text("precious")
    with pytest.raises(FileExistsError):
        write_demo_pki(real)
    assert (real / "server.key").read_text() == "precious"
