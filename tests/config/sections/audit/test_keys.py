"""References to the keys that sign checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from nacd.config.sections.audit.keys import signing_key
from nacd.config.sections.audit.trail import Audit
from nacd.values import Secret

PKCS8 = PrivateFormat.PKCS8
KEY = Ed25519PrivateKey.generate()
GOOD = KEY.private_bytes(Encoding.PEM, PKCS8, NoEncryption())
LOCKED = KEY.private_bytes(Encoding.PEM, PKCS8, BestAvailableEncryption(b"x"))
OTHER = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PKCS8, NoEncryption())


def test_an_ed25519_key_in_pem_is_taken() -> None:
    assert signing_key(Secret(GOOD)) == Secret(GOOD)


@pytest.mark.parametrize(
    ("octets", "words"),
    [(LOCKED, "has a passphrase"), (OTHER, "Ed25519 key is wanted"), (b"x", "no private key in PEM form")],
)
def test_anything_else_is_refused_in_words(octets: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        signing_key(Secret(octets))


def test_it_stands_in_a_file_of_its_own(section: Any, tmp_path: Path) -> None:
    path = tmp_path / "audit.key"
    path.write_bytes(GOOD)
    path.chmod(0o600)
    assert section(Audit, "file: a\nkey: file:audit.key\n").key == Secret(GOOD.removesuffix(b"\n"))
    path.chmod(0o644)
    assert "open to every user" in section(Audit, "file: a\nkey: file:audit.key\n")[0]


def test_it_is_no_environment_variable(section: Any) -> None:
    assert "no environment variable" in section(Audit, "file: a\nkey: env:HOME\n")[0]
