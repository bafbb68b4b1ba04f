"""References to the keys that sign checkpoints of the audit log.

Knows: that such a key is Ed25519, in PEM without a passphrase, and stands in a file. Refuses to know: what it signs.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import AfterValidator, BeforeValidator

from nacd.config.fields import SecretField, told
from nacd.values import Secret

_MAKE: Final = "make one with `nacd audit keygen`"


def _no_variable(value: object) -> object:
    if isinstance(value, str) and value.startswith("env:"):
        raise ValueError(
            "a key is no environment variable, which every child would have: use `file:PATH` or `cred:NAME`"
        )
    return value


def signing_key(value: Secret) -> Secret:
    """A PEM that holds an Ed25519 key. Raises ValueError, in words."""
    try:
        key = load_pem_private_key(value.reveal(), password=None)
    except TypeError:
        raise ValueError("the key has a passphrase: write it without one, in a file that only nacd reads") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(f"this is no private key in PEM form: {_MAKE}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"an Ed25519 key is wanted: {_MAKE}")  # noqa: TRY004 - a ValueError is what pydantic collects
    return value


SigningKeyField: TypeAlias = Annotated[
    SecretField,
    AfterValidator(signing_key),
    BeforeValidator(_no_variable),
    told("secret", "file:secrets/audit.key", "cred:audit-key", pattern="^(file|cred):.+"),
]
