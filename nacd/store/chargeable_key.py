"""The site's key for Chargeable-User-Identity, made once and kept.

Knows: one file of 32 random octets that only its owner may read. Refuses to know: what is made with the key
(``identity/chargeable``). Trouble with the file never stops the daemon: it works with a key of this run alone and
says what that means.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nacd.values import Secret

FILE_NAME: Final = "chargeable.key"
KEY_LENGTH: Final = 32
"""Octets of the key: those of SHA-256, more would not be stronger."""

_CONSEQUENCE: Final = "until it is mended, Chargeable-User-Identity values change with every start"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeableKey:
    """key: 32 octets. problem: what is wrong with the file in words, ``""`` when all is well."""

    key: Secret
    problem: str = ""


def chargeable_key(state: Path, random: Callable[[int], bytes]) -> ChargeableKey:
    """The key in ``<state>/chargeable.key``, made there if it is the first start. Raises nothing.

    random: octets nobody can foresee.
    """
    path = state / FILE_NAME
    try:
        kept = _kept(path) or _made(path, random(KEY_LENGTH))
        open_to_others = bool(path.stat().st_mode & 0o077)
    except OSError as error:
        why = (error.strerror or "error").lower()
        problem = f"cannot use `{path}`: {why}; {_CONSEQUENCE}"
        return ChargeableKey(key=Secret(random(KEY_LENGTH)), problem=problem)
    if len(kept) != KEY_LENGTH:
        size = "more" if len(kept) > KEY_LENGTH else str(len(kept))
        problem = f"`{path}` has {size} octets instead of {KEY_LENGTH}; {_CONSEQUENCE}"
        return ChargeableKey(key=Secret(random(KEY_LENGTH)), problem=problem)
    problem = ""
    if open_to_others:
        problem = f"`{path}` can be read by others than its owner: `chmod 600` it"
    return ChargeableKey(key=Secret(kept), problem=problem)


def _kept(path: Path) -> bytes:
    """What the file holds, one octet past the key at most; ``b""`` when there is no file."""
    try:
        with path.open("rb") as file:
            return file.read(KEY_LENGTH + 1) or b"\x00"  # an empty file is a bad file, not a missing one
    except FileNotFoundError:
        return b""


def _made(path: Path, key: bytes) -> bytes:
    """Write the key whole or not at all; the key of whoever was faster, if another process made it meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    descriptor, draft = tempfile.mkstemp(prefix=f".{FILE_NAME}.", dir=path.parent)  # mode 0600 from the first moment
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        try:
            Path(path).hardlink_to(draft)
        except FileExistsError:
            return _kept(path)
    finally:
        Path(draft).unlink()
    return key
