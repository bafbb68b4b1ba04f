"""Files that come about together: all of them or none, and never over what is there.

Knows: how to make files whole on disk. Refuses to know: what is in them.

Everything is written into a folder of its own beside the target and carried to the disk; then each file gets its place
by a hard link, which never replaces anything. While places are given, signals wait (a Ctrl-C comes before or after); if
one cannot be given, all that was done is undone.

Where root writes for an account, as into /etc/nacd for the service's, that account must be able to read its secrets.
The folder's group names it: a package gives /etc/nacd to the group `nacd`.
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Final

_STOPS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PRIVATE: Final = 0o600
PUBLIC: Final = 0o644


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file to come. path: from the folder of all. mode: permissions; what is private gets a private folder."""

    path: PurePosixPath
    octets: bytes = field(repr=False)
    mode: int = PUBLIC


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What was there and has another name now; both from the folder of all."""

    old: PurePosixPath
    new: PurePosixPath


class AlreadyThere(Exception):
    """Files that would be written over; nothing was changed."""

    def __init__(self, paths: Sequence[PurePosixPath]) -> None:
        super().__init__(", ".join(str(path) for path in paths))
        self.paths = tuple(paths)


def write(folder: Path, files: Sequence[File], *, aside: bool = False) -> tuple[Moved, ...]:
    """Write them all. aside: what is there is renamed (``NAME.old``) instead of refused.

    Raises AlreadyThere, or OSError; then everything is as it was before.
    """
    files = [file for file in files if not _is_there(folder / file.path, file.octets)]
    there = [file.path for file in files if os.path.lexists(folder / file.path)]
    if there and not aside:
        raise AlreadyThere(there)
    undo: list[Callable[[], object]] = []
    try:
        _make(folder, 0o755, undo)
        owner = account_of(folder)
        with tempfile.TemporaryDirectory(prefix=".nacd-init-", dir=folder, ignore_cleanup_errors=True) as staged:
            for file in files:
                _stage(Path(staged), file, owner)
            with undisturbed():
                return _place(folder, Path(staged), files, undo, owner)
    except BaseException:
        for step in reversed(undo):
            with contextlib.suppress(OSError):  # what cannot be undone stays; the first error is the one to tell
                step()
        raise


def _is_there(path: Path, octets: bytes) -> bool:
    """Whether just this is there already, so that nothing is to be done."""
    return path.is_file() and not path.is_symlink() and path.read_bytes() == octets


def account_of(folder: Path) -> tuple[int, int] | None:
    """User and group who are to own what is private there; None for whoever writes."""
    if os.geteuid() != 0:
        return None
    gid = folder.stat().st_gid
    try:
        account = pwd.getpwnam(grp.getgrgid(gid).gr_name)
    except KeyError:  # a group of several people is nobody's own
        return None
    return (account.pw_uid, gid) if account.pw_gid == gid and account.pw_uid != 0 else None


def _stage(staged: Path, file: File, owner: tuple[int, int] | None) -> None:
    path = staged / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, file.mode)
    with open(handle, "wb") as out:
        os.fchmod(handle, file.mode)  # whatever the umask is: a secret is no wider, a configuration can be read
        if owner is not None and file.mode == PRIVATE:
            os.fchown(handle, *owner)
        out.write(file.octets)
        out.flush()
        os.fsync(handle)


def _place(
    folder: Path,
    staged: Path,
    files: Sequence[File],
    undo: list[Callable[[], object]],
    owner: tuple[int, int] | None,
) -> tuple[Moved, ...]:
    moved = []
    for file in files:
        target = folder / file.path
        _make(target.parent, 0o700 if file.mode == PRIVATE else 0o755, undo, owner if file.mode == PRIVATE else None)
        if os.path.lexists(target):
            free = _free_name(target)
            os.rename(target, free)
            undo.append(partial(os.rename, free, target))
            moved.append(Moved(old=file.path, new=file.path.with_name(free.name)))
        os.link(staged / file.path, target)
        undo.append(target.unlink)
    for parent in {(folder / file.path).parent for file in files}:
        _to_disk(parent)
    return tuple(moved)


def _make(folder: Path, mode: int, undo: list[Callable[[], object]], owner: tuple[int, int] | None = None) -> None:
    """The folder with all above it."""
    if folder.is_dir():
        return
    _make(folder.parent, 0o755, undo)
    folder.mkdir(mode=mode)
    undo.append(folder.rmdir)
    if owner is not None:
        os.chown(folder, *owner)


def _free_name(path: Path) -> Path:
    """``nacd.yaml.old``, or the first ``nacd.yaml.old.N`` that is free."""
    number = 1
    free = path.with_name(f"{path.name}.old")
    while os.path.lexists(free):
        number += 1
        free = path.with_name(f"{path.name}.old.{number}")
    return free


def _to_disk(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Signals that would end the program wait until the end of the block. For the main thread.

    A mask would hold them back from this thread alone: where there are others, one of them takes the signal, and Python
    interrupts the main thread all the same.
    """
    came: list[int] = []
    before = {each: signal.signal(each, lambda number, _frame: came.append(number)) for each in _STOPS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        for number in came:
            signal.raise_signal(number)
