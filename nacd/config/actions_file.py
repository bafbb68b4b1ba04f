"""The way in for ``actions.yaml``: a path becomes checked settings, or every problem at once.

Knows: the file, its secrets, and how they must lie: root takes the file's word for where secrets are sent, so nobody
else may have written it, and the daemon's user must not be able to read a secret. Refuses to know:
``nacd.yaml``, and whether Microsoft takes the credential.
"""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nacd.config import wording
from nacd.config.fields import Surroundings
from nacd.config.reading.contents import contents
from nacd.config.sections.actions import ActionSettings
from nacd.config.yaml import MAX_OCTETS, SECRET_KEYS, Document, PathTo, Plain, parse
from nacd.errors import ConfigError, Problem
from nacd.findings import Code

_ROOT: Final = 0
DAEMON: Final[tuple[str | int, ...]] = ("nacd",)
"""The daemon's user where the file names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedActions:
    """``actions.yaml``, checked. notes: what does not stop anything and should be mended all the same."""

    settings: ActionSettings
    notes: tuple[Problem, ...]
    document: Document

    def problem(self, message: str, *setting: str) -> Problem:
        """A problem at the place where a setting was written."""
        return self.document.problem(setting, message)


def load_actions(path: Path, environment: Mapping[str, str] = os.environ) -> LoadedActions:
    """Read the file. Raises ConfigError with every problem found."""
    found = contents(path, MAX_OCTETS)
    if found.problem or found.status is None:
        raise ConfigError((Problem(file=str(path), line=0, column=0, message=found.problem),))
    theirs = (*_somebodys(found.status, path), *_somebodys_folder(path))
    if theirs:  # nothing of it is read, and no secret that it names
        raise ConfigError(tuple(Problem(file=str(path), line=0, column=0, message=words) for words in theirs))
    document, problems = parse(found.octets, str(path))
    around = Surroundings(folder=path.parent, environment=environment)
    settings, more = wording.read(ActionSettings, document, around)
    flaws = {*problems, *more, *around.problems}
    if flaws or settings is None:
        raise ConfigError(tuple(sorted(flaws, key=lambda p: (p.line, p.column, p.message))))
    senders = settings.service.senders if settings.service else DAEMON
    too_open = tuple(
        document.problem(place, message)
        for place, file in _secret_files(document.value, path.parent)
        for message in _too_open(file, senders)
    )
    foreign = tuple(
        document.problem(place, message) for place, file in _roots(settings) for message in _somebodys_file(file)
    )
    if too_open or foreign:
        raise ConfigError((*too_open, *foreign))
    words = "the daemon runs as root: nothing keeps it from reading the secrets here, give it an account of its own"
    noted = document.problem(("service", "senders"), words, code=Code.SENDER_IS_ROOT)
    notes = (noted,) if _ROOT in map(_uid, senders) else ()
    return LoadedActions(settings=settings, notes=notes, document=document)


def _somebodys(there: os.stat_result, path: Path) -> Iterator[str]:
    """Why somebody else than root and the caller may have written this file, or put it into this folder."""
    us = os.geteuid()
    if there.st_uid not in (_ROOT, us):
        owner = f"belongs to uid {there.st_uid}, neither to root nor to you"
        yield f"not read: `{path}` {owner}: `chown root {path}`"
    mode = stat.S_IMODE(there.st_mode)
    # In a folder like /tmp others may put files beside it, but not in its place.
    shielded = stat.S_ISDIR(there.st_mode) and mode & stat.S_ISVTX
    if mode & (stat.S_IWGRP | stat.S_IWOTH) and not shielded:
        yield f"not read: others may write `{path}` (mode {mode:04o}): `chmod go-w {path}`"


def _somebodys_folder(path: Path) -> Iterator[str]:
    try:
        yield from _somebodys(path.parent.stat(), path.parent)
    except OSError as wrong:
        yield f"cannot be read: {(wrong.strerror or 'error').lower()}"


def _somebodys_file(file: Path) -> Iterator[str]:
    """The same of a file and its folder."""
    try:
        yield from _somebodys(file.stat(), file)
    except OSError as wrong:
        yield f"`{file}` cannot be read: {(wrong.strerror or 'error').lower()}"
    yield from _somebodys_folder(file)


def _roots(settings: ActionSettings) -> Iterator[tuple[PathTo, Path]]:
    """Every file of roots with its place: whoever writes it can answer as Microsoft, and is sent the secret."""
    for name, app in settings.apps.items():
        place: PathTo = ("intune",) if settings.intune is not None else ("tenants", name)
        if app.ca_file is not None:
            yield (*place, "ca_file"), app.ca_file


def _secret_files(value: Plain, folder: Path, place: PathTo = ()) -> Iterator[tuple[PathTo, Path]]:
    """Every file that a secret is read from, with its place in the configuration."""
    steps: Iterator[tuple[str | int, Plain]] = iter(())
    if isinstance(value, dict):
        steps = iter(value.items())
    elif isinstance(value, tuple):
        steps = iter(enumerate(value))
    for step, inner in steps:
        if step in SECRET_KEYS and isinstance(inner, str) and inner.startswith("file:"):
            yield (*place, step), folder / inner.removeprefix("file:")
        else:
            yield from _secret_files(inner, folder, (*place, step))


def _too_open(file: Path, senders: tuple[str | int, ...]) -> Iterator[str]:
    """Why the daemon's user may be able to read this; nothing when he is not.

    A file open to everybody has been refused before; what is left is its group (the daemon's account may be in any:
    systemd gives it some) and its owner. Root can read everything: a daemon that runs as root is beyond help here.
    """
    try:
        there = file.stat()
    except OSError:
        return  # it was read a moment ago: whoever moves it meanwhile has more to say about it than we
    for sender in senders:
        if there.st_uid == _uid(sender) != _ROOT:
            yield (
                f"`{file}` belongs to `{sender}`, the daemon's user, who could wipe devices with it:"
                f" `chown root {file}`, or to the account of `nacd actions`"
            )
    mode = stat.S_IMODE(there.st_mode)
    if mode & (stat.S_IRGRP | stat.S_IWGRP):
        yield f"`{file}` is open to its group (mode {mode:04o}): `chmod 600 {file}`, the daemon must not read it"


def _uid(account: str | int) -> int:
    """The number of an account, -1 when there is none of this name."""
    if isinstance(account, int):
        return account
    try:
        return pwd.getpwnam(account).pw_uid
    except KeyError:
        return -1
