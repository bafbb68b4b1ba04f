"""The way in for ``actions.yaml``: a path becomes checked settings, or every problem at once.

Knows: the file, its secrets, and how they must lie so that the daemon's user cannot read them. Refuses to know:
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
from nacd.config.sections.actions import ActionSettings
from nacd.config.yaml import MAX_OCTETS, SECRET_KEYS, Document, PathTo, Plain, parse
from nacd.errors import ConfigError, Problem

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
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_OCTETS + 1)
    except OSError as wrong:
        message = f"cannot be read: {(wrong.strerror or 'error').lower()}"
        raise ConfigError((Problem(file=str(path), line=0, column=0, message=message),)) from None
    document, problems = parse(octets, str(path))
    around = Surroundings(folder=path.parent, environment=environment)
    settings, more = wording.read(ActionSettings, document, around)
    found = {*problems, *more, *around.problems}
    if found or settings is None:
        raise ConfigError(tuple(sorted(found, key=lambda p: (p.line, p.column, p.message))))
    senders = settings.service.senders if settings.service else DAEMON
    notes = tuple(
        document.problem(place, message)
        for place, file in _secret_files(document.value, path.parent)
        for message in _too_open(file, senders)
    )
    return LoadedActions(settings=settings, notes=notes, document=document)


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

    A file open to everybody has been refused before; what is left is its group and its owner.
    """
    try:
        there = file.stat()
    except OSError:
        return  # it was read a moment ago: whoever moves it meanwhile has more to say about it than we
    for sender in senders:
        if there.st_uid == _uid(sender):
            yield f"`{file}` belongs to `{sender}`, the daemon's user, who could wipe devices with it: `chown` it"
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
