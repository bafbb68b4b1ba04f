"""Secrets by reference: ``file:PATH``, ``env:NAME``, ``cred:NAME``.

Knows: where a secret lies and when its file is too open. Refuses to know: what it is for. A secret never
stands in the configuration itself, and no message here repeats what was read, or what was written where
a reference should have been: what follows ``env:`` is shown only when such a variable is there.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from nacd.config.reading.contents import Contents, contents
from nacd.values import Secret

MAX_OCTETS: Final = 64 * 1024
_PEM: Final = b"-----BEGIN "
CREDENTIALS_DIRECTORY: Final = "CREDENTIALS_DIRECTORY"
"""The variable in which systemd names the folder of a unit's credentials (systemd.exec(5))."""

_REFERENCE = re.compile(r"(file|env|cred):(.*)", re.DOTALL)
_CREDENTIAL_NAME = re.compile(r"[A-Za-z0-9_@.:-]{1,255}")
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Revealed(NamedTuple):
    """A secret, and a remark on how it is kept (``""`` when there is none)."""

    secret: Secret
    note: str


def resolve(reference: object, *, folder: Path, environment: Mapping[str, str], exact: bool = False) -> Revealed:
    """The secret a reference points to; one trailing newline is stripped unless ``exact``.

    folder: what relative paths count from. exact: the secret is binary (PKCS #12). Raises ValueError,
    in words, when there is no secret there, it is empty, or anybody on the machine could read it.
    """
    match = _REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
    if match is None:
        raise ValueError(
            "a secret is named, not written here: use `file:PATH`, `env:NAME` or `cred:NAME` (systemd credential)"
        )
    kind, name = match.groups()
    if kind == "file":
        if not name:
            raise ValueError("`file:` names no file")
        return _from_file(folder / name, shown=name, exact=exact)
    if kind == "env":
        return Revealed(_from_environment(name, environment), "")
    return Revealed(_credential(name, environment, exact=exact), "")


def _from_environment(name: str, environment: Mapping[str, str]) -> Secret:
    if not _VARIABLE_NAME.fullmatch(name):
        raise ValueError("`env:` is followed by the name of an environment variable, not by the secret")
    if name not in environment:
        # Not repeated: a password without special characters is a fine variable name.
        raise ValueError("the environment variable that `env:` names here is not set")
    return _checked(
        environment[name].encode("utf-8", "surrogateescape"), f"the environment variable `{name}`", exact=False
    )


def _credential(name: str, environment: Mapping[str, str], *, exact: bool) -> Secret:
    if not _CREDENTIAL_NAME.fullmatch(name) or name in (".", ".."):
        raise ValueError("`cred:` is followed by the name of a systemd credential, a plain file name")
    folder = environment.get(CREDENTIALS_DIRECTORY, "")
    if not folder:
        raise ValueError(
            f"`cred:{name}` needs systemd: `{CREDENTIALS_DIRECTORY}` is not set,"
            f" add `LoadCredential={name}:...` to the unit"
        )
    # Credentials are guarded by systemd: a folder of their own, readable by this unit alone.
    named = f"the credential `{name}`"
    return _checked(_read(Path(folder) / name, named).octets, named, exact=exact)


def _from_file(path: Path, *, shown: str, exact: bool) -> Revealed:
    named = f"the secret file `{shown}`"
    found = _read(path, named)
    octets, mode = found.octets, found.mode
    if mode & stat.S_IRWXO:
        raise ValueError(f"{named} is open to every user of this machine (mode {mode:04o}): `chmod 600 {path}`")
    note = f"{named} is open to its group (mode {mode:04o})" if mode & stat.S_IRWXG else ""
    return Revealed(_checked(octets, named, exact=exact), note)


def _read(path: Path, named: str) -> Contents:
    found = contents(path, MAX_OCTETS)
    if found.problem.endswith("no such file or directory"):
        raise ValueError(f"{named} does not exist")
    if found.problem:
        raise ValueError(f"{named} {found.problem}")
    return found


def _checked(octets: bytes, named: str, *, exact: bool) -> Secret:
    """One newline is what an editor adds, and more lines are another file than was meant (a key, a list); any other
    white space may be meant. A PEM, which is many lines, has its own."""
    stripped = octets if exact else octets.removesuffix(b"\n")
    if len(stripped) < len(octets):
        stripped = stripped.removesuffix(b"\r")
    if not stripped.strip():
        raise ValueError(f"{named} is empty")
    if not exact and b"\n" in stripped and _PEM not in stripped:
        raise ValueError(f"{named} has more than one line: a secret is one line, and the newline behind it is no part")
    return Secret(stripped)
