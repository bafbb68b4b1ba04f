"""The key that signs checkpoints.

Knows: Ed25519, and how such a key is written (PEM, PKCS #8, RFC 8410). Refuses to know: what is signed, and where the
key lies.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from nacd.values import Secret


class SigningKey:
    """Silent in ``repr``. public: its 32 octets. id: the first 16 hex digits of SHA-256 over them."""

    def __init__(self, pem: Secret) -> None:
        """Raises ValueError, in words, for anything but an Ed25519 key without a passphrase."""
        try:
            key = load_pem_private_key(pem.reveal(), password=None)
        except TypeError:
            raise ValueError("the key has a passphrase: write it without one, in a file that only nacd reads") from None
        except (ValueError, UnsupportedAlgorithm):
            raise ValueError("this is no private key in PEM form: make one with `nacd audit keygen`") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("an Ed25519 key is wanted: make one with `nacd audit keygen`")  # noqa: TRY004 - the caller's
        self._key = key
        self.public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.id = sha256(self.public).hexdigest()[:16]

    @property
    def public_text(self) -> str:
        """Base64 of the public key."""
        return b64encode(self.public).decode()

    def sign(self, text: bytes) -> str:
        """Base64 of the signature."""
        return b64encode(self._key.sign(text)).decode()

    def __repr__(self) -> str:
        return f"SigningKey({self.id})"
