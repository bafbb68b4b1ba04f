"""The file as it is opened: whose it may be, that nobody else writes it, that a new one is really new.

Knows: folders, owners, links, locks. Refuses to know: what is in the file.

Theory: the folder may belong to an account that has less power than whoever writes here (root, at a service's file).
So the folder is held while the file is opened, a link at the end of the path is not followed, a new file must really
be new, and one that has a second name, or an owner nobody would expect, is left alone. Only links that root alone
could have made (``/dev/stdout``) are followed.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nacd.errors import AuditRefused

_FLAGS: Final = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOCTTY
_ROOT: Final = 0
_TRIES: Final = 5
"""How often the file may come and go while it is opened: logrotate does it once."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An open file. regular: it is one on a disk. ours: it stands in its place by itself, not by a link of root's."""

    fd: int
    regular: bool
    ours: bool


def opened(path: Path, *, hand_over: bool) -> Opened:
    """Open or create with mode 0640, and lock. hand_over: a file that root makes goes to the owner of its folder.

    Raises AuditRefused; its cause is BlockingIOError where another process holds the lock.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd, ours = _opened(path, hand_over=hand_over)
    except OSError as error:
        raise AuditRefused(f"cannot open `{path}`: {words(error)}") from error
    try:
        # A device (`/dev/stdout`) is everybody's; only a file of ours can be half written by two.
        regular = stat.S_ISREG(os.fstat(fd).st_mode)
        if regular:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(fd)
        raise AuditRefused(f"`{path}` is in use by another nacd") from error
    except OSError as error:
        # Closed, or its lock would stand in our own way at the next try.
        os.close(fd)
        raise AuditRefused(f"cannot write `{path}`: {words(error)}") from error
    return Opened(fd, regular, ours)


def folder_of(path: Path) -> int:
    """The folder, to sync it and to rename in it. Raises OSError."""
    return os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def fresh(folder: int, name: str, like: int) -> int:
    """A new, locked file of this name in the folder, with mode and group of the file ``like``. Raises OSError."""
    before = os.fstat(like)
    fd = os.open(name, _FLAGS | os.O_NOFOLLOW | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        now = os.fstat(fd)
        if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
            os.fchown(fd, before.st_uid if os.geteuid() == _ROOT else -1, before.st_gid)
        os.fchmod(fd, stat.S_IMODE(before.st_mode))
    except OSError:
        os.close(fd)
        os.unlink(name, dir_fd=folder)
        raise
    return fd


def percent_full(folder: Path) -> int:
    """How full the disk under a folder is for an ordinary user, 0..100. Raises OSError."""
    disk = os.statvfs(folder)
    usable = disk.f_blocks - disk.f_bfree + disk.f_bavail
    return 100 - (100 * disk.f_bavail) // usable if usable else 100


def words(error: OSError) -> str:
    """What the operating system says, for people."""
    if error.errno == errno.ELOOP:
        return "a symbolic link stands there"
    return (error.strerror or str(error)).lower()


def _opened(path: Path, *, hand_over: bool) -> tuple[int, bool]:
    """The file, made if it is not there, and whether it stands there by itself. Raises OSError."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        around = os.fstat(folder)
        if around.st_uid not in (_ROOT, os.geteuid()) and os.geteuid() != _ROOT:
            raise OSError(f"its folder belongs to uid {around.st_uid}, neither to root nor to us")
        if _roots_link(path, around):
            return os.open(path, _FLAGS), False
        for _ in range(_TRIES):
            try:
                fd = os.open(path.name, _FLAGS | os.O_NOFOLLOW, dir_fd=folder)
            except FileNotFoundError:
                try:
                    fd = os.open(path.name, _FLAGS | os.O_NOFOLLOW | os.O_CREAT | os.O_EXCL, 0o640, dir_fd=folder)
                except FileExistsError:
                    continue
                try:
                    if hand_over and os.geteuid() == _ROOT:
                        os.fchown(fd, around.st_uid, around.st_gid)
                except OSError:
                    os.close(fd)
                    raise
                return fd, True
            try:
                _expected(os.fstat(fd), around)
            except OSError:
                os.close(fd)
                raise
            return fd, True
        raise OSError("the file comes and goes")
    finally:
        os.close(folder)


def _roots_link(path: Path, around: os.stat_result) -> bool:
    """Whether a link stands there that root made, in a folder that root alone can write."""
    try:
        there = path.lstat()
    except FileNotFoundError:
        return False
    roots = there.st_uid == around.st_uid == _ROOT and not around.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return roots and stat.S_ISLNK(there.st_mode)


def _expected(there: os.stat_result, around: os.stat_result) -> None:
    """Raises OSError, in words, for a file that somebody else may have laid here."""
    if not stat.S_ISREG(there.st_mode):
        return
    if there.st_nlink > 1:
        raise OSError("the file has a second name (a hard link): it may be anybody's")
    if there.st_uid not in (_ROOT, os.geteuid(), around.st_uid):
        raise OSError(f"the file belongs to uid {there.st_uid}, neither to root, nor to us, nor to its folder's owner")
