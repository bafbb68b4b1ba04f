"""Options that cannot work are refused; a credential is looked at before it is used."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from nacd.intune.options import (
    IntuneOptions,
    ManagedIdentity,
    PemCredential,
    PfxCredential,
    SecretCredential,
    inspect,
)
from nacd.values import Secret

Build = Callable[..., IntuneOptions]


def test_the_fixed_endpoint_is_an_allowed_host(options: Build) -> None:
    chosen = options(endpoint="https://intune.corp:8443/x", allowed_hosts=())
    assert chosen.hosts.refusal("https://intune.corp:8443/y") == ""
    assert chosen.hosts.refusal("https://intune.corp/y")


def test_graph_tokens_go_to_graph_only(options: Build, microsoft: Any) -> None:
    assert options().graph_hosts.refusal(microsoft.root + "/v1.0/x") == ""
    assert options().graph_hosts.refusal("https://graph.evil.test/v1.0/x")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tenant": ""}, "tenant"),
        ({"tenant": "a/b"}, "`a/b`"),
        ({"tenant": "a@b"}, "tenant"),
        ({"endpoint": "http://x.test/"}, "https"),
        ({"proxy": "https://proxy.test"}, "`proxy`"),
    ],
)
def test_what_cannot_work_is_refused_in_words(options: Build, changes: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        options(**changes)


def test_a_good_certificate_says_until_when(pki: Any) -> None:
    pem = inspect(PemCredential(certificate=pki.app_certificate, private_key=Secret(pki.app_key)))
    pfx = inspect(PfxCredential(path=pki.app_pfx, passphrase=Secret(b"pass")))
    assert pem.problem == pfx.problem == ""
    assert pem.not_after == pfx.not_after > 0


def test_an_ec_key_is_refused_because_it_cannot_sign(pki: Any) -> None:
    seen = inspect(PemCredential(certificate=pki.app_certificate, private_key=Secret(pki.ec_key)))
    assert "rsa" in seen.problem


@pytest.mark.parametrize("passphrase", [b"", b"wrong"])
def test_a_wrong_passphrase_is_said_without_showing_it(pki: Any, passphrase: bytes) -> None:
    problem = inspect(PfxCredential(path=pki.app_pfx, passphrase=Secret(passphrase))).problem
    assert "passphrase" in problem
    assert "wrong" not in problem.replace("a wrong passphrase", "")


def test_a_key_of_another_certificate_is_seen(pki: Any) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import NoEncryption, PrivateFormat

    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    seen = inspect(PemCredential(certificate=pki.app_certificate, private_key=Secret(pem)))
    assert "do not belong together" in seen.problem


def test_a_certificate_of_an_odd_version_cannot_be_read(pki: Any) -> None:
    der = x509.load_pem_x509_certificate(pki.app_certificate).public_bytes(Encoding.DER)
    odd = der.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020101"), 1)
    pem = f"-----BEGIN CERTIFICATE-----\n{b64encode(odd).decode()}\n-----END CERTIFICATE-----\n".encode()
    seen = inspect(PemCredential(certificate=pem, private_key=Secret(pki.app_key)))
    assert "cannot be read" in seen.problem


def test_files_that_are_not_there_or_not_what_they_should_be(tmp_path: Path) -> None:
    assert "cannot be read" in inspect(PfxCredential(path=str(tmp_path / "none.pfx"))).problem
    assert "cannot be read" in inspect(PemCredential(certificate=b"x", private_key=Secret(b"y"))).problem


def test_a_secret_must_not_be_empty_and_a_managed_identity_needs_nothing() -> None:
    assert inspect(SecretCredential(secret=Secret(b""))).problem
    assert inspect(SecretCredential(secret=Secret(b"x"))).problem == ""
    assert inspect(ManagedIdentity()).problem == ""
