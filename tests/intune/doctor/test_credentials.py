"""A credential looked at before it is used."""

from __future__ import annotations

import datetime
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from nacd.intune.doctor.credentials import Registration, look
from nacd.intune.options import Credential, ManagedIdentity, PemCredential, PfxCredential, SecretCredential
from nacd.values import Secret
from tests.intune.doctor.conftest import PLANTED, whole

APP = Registration(client_id="33333333-4444-5555-6666-777777777777")
NOW = time.time()
DAY_S = 86_400.0

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def certificate(key: Key, lasts_days: float = 200) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "nacd")])
    begin = datetime.datetime.fromtimestamp(NOW - 400 * DAY_S, datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=400 + lasts_days))
        .sign(key, hashes.SHA256())
    )


def pem(key: Key, own: x509.Certificate) -> PemCredential:
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return PemCredential(certificate=own.public_bytes(Encoding.PEM), private_key=Secret(private))


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def test_a_certificate_is_shown_by_the_thumbprint_that_the_portal_lists(key: rsa.RSAPrivateKey) -> None:
    own = certificate(key)
    found = look(pem(key, own), APP, NOW)
    assert found.status == "ok"
    assert f"certificate, thumbprint {own.fingerprint(hashes.SHA1()).hex().upper()}" in found.detail
    assert "good for 199 days" in found.detail
    assert "key and certificate belong together (rsa)" in found.detail


@pytest.mark.parametrize(
    ("lasts_days", "status", "words"),
    [
        (-3.5, "failed", "expired on {day}, 3 days ago"),
        (-0.5, "failed", "expired on {day}, less than a day ago"),
        (0.5, "warning", "expires on {day}, in less than a day"),
        (1.5, "warning", "expires on {day}, in 1 day"),
        (29.5, "warning", "expires on {day}, in 29 days"),
        (30.5, "ok", "good for 30 days, until {day}"),
    ],
)
def test_the_end_is_told_and_warned_of_a_month_ahead(
    key: rsa.RSAPrivateKey, lasts_days: float, status: str, words: str
) -> None:
    own = certificate(key, lasts_days)
    day = own.not_valid_after_utc.strftime("%Y-%m-%d")
    secret = SecretCredential(secret=Secret(PLANTED.encode()), expires_at=NOW + lasts_days * DAY_S)
    credential: Credential
    for credential in (pem(key, own), secret):
        found = look(credential, APP, NOW)
        assert found.status == status
        assert words.format(day=day) in found.detail
        renewing = f"Entra admin center > App registrations > {APP.client_id} > Certificates & secrets: "
        assert found.fix.startswith(renewing) is (status != "ok")
        assert ("`next_credential`" in found.fix) is (status != "ok")
        assert PLANTED not in whole(found)


def test_each_kind_is_renewed_in_its_own_way(key: rsa.RSAPrivateKey) -> None:
    secret = SecretCredential(secret=Secret(b"x"), expires_at=NOW - 1)
    assert "New client secret, copy its Value" in look(secret, APP, NOW).fix
    assert "Upload certificate" in look(pem(key, certificate(key, -1)), APP, NOW).fix


def test_a_secret_whose_end_nobody_knows_asks_for_it() -> None:
    found = look(SecretCredential(secret=Secret(PLANTED.encode())), APP, NOW)
    assert found.status == "warning"
    assert found.detail == "client secret: nobody said when it expires"
    assert '`expires: "YYYY-MM-DD"`' in found.fix
    assert PLANTED not in whole(found)


def test_an_empty_secret_cannot_work() -> None:
    found = look(SecretCredential(secret=Secret(b"")), APP, NOW)
    assert (found.status, found.detail) == ("failed", "client secret: the client secret is empty")


def test_a_key_that_is_not_the_certificates_is_told(key: rsa.RSAPrivateKey) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    found = look(pem(other, certificate(key)), APP, NOW)
    assert found.status == "failed"
    assert "certificate and private key do not belong together" in found.detail


def test_a_key_that_is_not_rsa_cannot_work() -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    found = look(pem(curve, certificate(curve)), APP, NOW)
    assert found.status == "failed"
    assert "the key is not rsa" in found.detail


def test_what_cannot_be_read_is_not_repeated() -> None:
    found = look(PemCredential(certificate=PLANTED.encode(), private_key=Secret(PLANTED.encode())), APP, NOW)
    assert found.status == "failed"
    assert "cannot be read" in found.detail
    assert PLANTED not in whole(found)


def test_a_pfx_file_is_opened_with_its_passphrase(key: rsa.RSAPrivateKey, tmp_path: Path) -> None:
    own = certificate(key)
    file = tmp_path / "app.pfx"
    file.write_bytes(
        pkcs12.serialize_key_and_certificates(b"nacd", key, own, None, BestAvailableEncryption(PLANTED.encode()))
    )
    right = look(PfxCredential(path=str(file), passphrase=Secret(PLANTED.encode())), APP, NOW)
    assert right.status == "ok"
    assert own.fingerprint(hashes.SHA1()).hex().upper() in right.detail
    wrong = look(PfxCredential(path=str(file), passphrase=Secret(b"another")), APP, NOW)
    assert wrong.status == "failed"
    assert "a wrong passphrase" in wrong.detail
    gone = look(PfxCredential(path=str(tmp_path / "gone.pfx")), APP, NOW)
    assert gone.status == "failed"
    assert "no such file" in gone.detail.lower()
    assert PLANTED not in whole(right) + whole(wrong) + whole(gone)


def test_a_managed_identity_has_nothing_that_expires() -> None:
    assert "nothing here can expire" in look(ManagedIdentity(), APP, NOW).detail
    assert "managed identity 1234" in look(ManagedIdentity(client_id="1234"), APP, NOW).detail
