"""``nacd audit keygen``: a key pair for checkpoints.

Knows: two new files. Refuses to know: who will use them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from nacd.audit.proof.checkpoints import key_id


def run(out: Path) -> int:
    """Exit code 0: both files are there and new, 1: nothing was made."""
    public_out = out.with_name(f"{out.name}.pub")
    key = Ed25519PrivateKey.generate()
    public = key.public_key()
    made: list[Path] = []
    try:
        for path, octets, mode in (
            (out, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600),
            (public_out, public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), 0o644),
        ):
            _lay(path, octets, mode, made)
    except FileExistsError as there:
        _take_back(made)
        print(
            f"`{there.filename}` is there already, and a key is never overwritten: name another with --out",
            file=sys.stderr,
        )
        return 1
    except OSError as trouble:
        _take_back(made)
        print(f"`{trouble.filename or out}`: {(trouble.strerror or 'error').lower()}", file=sys.stderr)
        return 1
    print(_said(out, public_out, key_id(public.public_bytes(Encoding.Raw, PublicFormat.Raw))))
    return 0


def _lay(path: Path, octets: bytes, mode: int, made: list[Path]) -> None:
    """A new file on the disk; never one that is there, and never through a link. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(path, flags, 0o600)
    made.append(path)
    with os.fdopen(fd, "wb") as file:
        os.fchmod(fd, mode)
        file.write(octets)
        file.flush()
        os.fsync(fd)


def _take_back(made: list[Path]) -> None:
    for path in made:
        path.unlink(missing_ok=True)


def _said(out: Path, public_out: Path, key: str) -> str:
    return f"""\
key id       {key}
private key  {out} (readable by its owner alone)
public key   {public_out}

Give the private key to the account that nacd runs as, and name it in nacd.yaml:

    audit:
      key: file:{out}

Keep the public key where nobody can change it who can change things on this host: with whoever will verify the trail.
`nacd audit verify --key` with a copy from there is worth more than with the one beside the private key."""
