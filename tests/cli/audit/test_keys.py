"""Public keys are read with care."""

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from nacd.cli.audit.keys import NoKey, public_key, verified
from tests.store.trail.written import raw_public


def test_a_public_key_is_read_and_verifies(public: Path, key: Ed25519PrivateKey) -> None:
    raw = public_key(public)
    assert raw == raw_public(key)
    assert verified(raw, key.sign(b"text"), b"text")
    assert not verified(raw, key.sign(b"text"), b"other")
    assert not verified(raw, b"", b"text")
    assert not verified(b"short", key.sign(b"text"), b"text")


def test_other_things_are_refused_in_words(tmp_path: Path, key: Ed25519PrivateKey) -> None:
    curve = generate_private_key(SECP256R1()).public_key()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for octets, words in (
        (b"hello", "no public key in PEM form"),
        (private, "is a private key"),
        (curve.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "no Ed25519 key"),
    ):
        (tmp_path / "k").write_bytes(octets)
        with pytest.raises(NoKey, match=words):
            public_key(tmp_path / "k")
    os.mkfifo(tmp_path / "pipe")
    for name, words in (("gone", "no such file"), ("pipe", "no plain file")):
        with pytest.raises(NoKey, match=words):
            public_key(tmp_path / name)
