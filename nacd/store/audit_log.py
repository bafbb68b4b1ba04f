"""The audit file: one JSON line a record, appended with one ``write``.

Knows: the file, its lock, how full its disk is. Refuses to know: what a record means.
A line is in the kernel's hands when ``append`` returns; it is either there whole or not at all.

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
from pathlib import Path
from typing import Final

from nacd.audit.line import line
from nacd.errors import AuditRefused
from nacd.values import AuditEvent

_FLAGS: Final = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
_ROOT: Final = 0
_TRIES: Final = 5
"""How often the file may come and go while it is opened: logrotate does it once."""


class AuditLog:
    """Append-only JSON lines. One process writes a file at a time (``flock``)."""

    def __init__(self, path: Path, *, hand_over: bool = False) -> None:
        """Open or create ``path`` with mode 0640. hand_over: a file that root makes goes to the owner of its folder.

        Raises AuditRefused if it cannot be opened, another nacd holds it, or somebody else may have laid it there.
        """
        self._path = path
        self._hand_over = hand_over
        self._astray = ""
        self._fd = self._open()

    @property
    def path(self) -> Path:
        """Where the records are."""
        return self._path

    def append(self, *events: AuditEvent) -> None:
        """Write records, with one write. Raises AuditRefused if the file did not take all; nothing of them remains
        then."""
        if self._astray:
            raise AuditRefused(self._astray)
        octets = b"".join([line(event) for event in events])
        try:
            written = os.write(self._fd, octets)
        except OSError as error:
            raise AuditRefused(f"cannot write `{self._path}`: {_words(error)}") from error
        if written != len(octets):
            self._cut(written)
            raise AuditRefused(f"cannot write `{self._path}`: no space for a whole record")

    def keep(self) -> None:
        """Wait until what was appended outlives a power cut. Raises AuditRefused if that cannot be had."""
        try:
            if stat.S_ISREG(os.fstat(self._fd).st_mode):
                os.fdatasync(self._fd)
        except OSError as error:
            raise AuditRefused(f"cannot write `{self._path}`: {_words(error)}") from error

    def percent_full(self) -> int:
        """How full the disk under the file is for an ordinary user, 0..100."""
        disk = os.statvfs(self._path.parent)
        usable = disk.f_blocks - disk.f_bfree + disk.f_bavail
        return 100 - (100 * disk.f_bavail) // usable if usable else 100

    def follow_rotation(self) -> bool:
        """Open the path anew if somebody moved the file away (logrotate). True if it was.

        Raises AuditRefused if that fails; from then on ``append`` refuses too: records in a file that
        nobody will find again are lost.
        """
        try:
            there = os.stat(self._path)
        except FileNotFoundError:
            there = None
        here = os.fstat(self._fd)
        if there is not None and (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino):
            self._astray = ""
            return False
        try:
            fresh = self._open()
        except AuditRefused as refused:
            self._astray = str(refused)
            raise
        self._astray = ""
        os.close(self._fd)
        self._fd = fresh
        return True

    def close(self) -> None:
        """Let go of the file and its lock."""
        os.close(self._fd)
        self._fd = -1  # a write after this must fail, not land in whatever gets the number next

    def _open(self) -> int:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fd = _opened(self._path, hand_over=self._hand_over)
        except OSError as error:
            raise AuditRefused(f"cannot open `{self._path}`: {_words(error)}") from error
        try:
            # A device (`/dev/stdout`) is everybody's; only a file of ours can be half written by two.
            if stat.S_ISREG(os.fstat(fd).st_mode):
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _end_with_a_whole_line(fd)
        except BlockingIOError as error:
            os.close(fd)
            raise AuditRefused(f"`{self._path}` is in use by another nacd") from error
        except OSError as error:
            # Closed, or its lock would stand in our own way at the next try.
            os.close(fd)
            raise AuditRefused(f"cannot write `{self._path}`: {_words(error)}") from error
        return fd

    def _cut(self, written: int) -> None:
        """Take a partial line back, so that the file stays a list of whole lines."""
        try:
            os.ftruncate(self._fd, os.fstat(self._fd).st_size - written)
        except OSError as error:
            raise AuditRefused(f"a partial record stands at the end of `{self._path}`: {_words(error)}") from error


def _opened(path: Path, *, hand_over: bool) -> int:
    """The file, made if it is not there. Raises OSError."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        around = os.fstat(folder)
        if around.st_uid not in (_ROOT, os.geteuid()) and os.geteuid() != _ROOT:
            raise OSError(f"its folder belongs to uid {around.st_uid}, neither to root nor to us")
        if _roots_link(path, around):
            return os.open(path, _FLAGS)
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
                return fd
            try:
                _expected(os.fstat(fd), around)
            except OSError:
                os.close(fd)
                raise
            return fd
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


def _end_with_a_whole_line(fd: int) -> None:
    """A crash may have left half a line; the next record must not be glued to it."""
    size = os.fstat(fd).st_size
    if size and os.pread(fd, 1, size - 1) != b"\n":
        os.write(fd, b"\n")


def _words(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "a symbolic link stands there"
    return (error.strerror or str(error)).lower()
