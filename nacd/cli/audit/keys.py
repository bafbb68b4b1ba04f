"""Public keys of audit trails, and whether one has made a signature.

Knows: Ed25519, and how a public key is written (PEM, RFC 8410). Refuses to know: what is signed.
"""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

_MOST_OCTETS: Final = 16_384
_PRIVATE: Final = b"PRIVATE KEY-----"


class NoKey(Exception):
    """This is no public key that can be used; the text names it and says why."""


def public_key(path: Path) -> bytes:
    """The 32 raw octets of the key in this file. Raises NoKey."""
    try:
        with io.FileIO(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise NoKey(f"`{path}` is no plain file")
            octets = file.read(_MOST_OCTETS)
    except OSError as trouble:
        raise NoKey(f"`{path}`: {(trouble.strerror or 'error').lower()}") from None
    if _PRIVATE in octets:
        raise NoKey(f"`{path}` is a private key: name the public one (`{path}.pub`)")
    try:
        key = load_pem_public_key(octets)
    except (ValueError, UnsupportedAlgorithm):
        raise NoKey(f"`{path}` is no public key in PEM form") from None
    if not isinstance(key, Ed25519PublicKey):
        raise NoKey(f"`{path}` is no Ed25519 key")
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def verified(public: bytes, signature: bytes, text: bytes) -> bool:
    """Whether this key has made this signature of this text. Total."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True
