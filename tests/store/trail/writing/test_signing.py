"""The key that signs checkpoints."""

from __future__ import annotations

import hashlib
from base64 import b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from nacd.store.trail.writing.signing import SigningKey
from nacd.values import Secret
from tests.store.trail.writing.trails import pem, raw

KEY = Ed25519PrivateKey.generate()


def test_anybody_with_the_public_key_can_check_what_was_signed() -> None:
    key = SigningKey(pem(KEY))
    Ed25519PublicKey.from_public_bytes(raw(KEY)).verify(b64decode(key.sign(b"text")), b"text")
    assert key.id == hashlib.sha256(raw(KEY)).hexdigest()[:16]
    assert b64decode(key.public_text) == raw(KEY)
    assert repr(key) == f"SigningKey({key.id})"


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"not a key", "no private key in PEM form"),
        (
            KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")),
            "has a passphrase",
        ),
        (
            ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            "an Ed25519 key is wanted",
        ),
    ],
)
def test_anything_else_is_refused_in_words(octets: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SigningKey(Secret(octets))
