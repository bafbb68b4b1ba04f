"""The audit file: one JSON line a record, appended with one ``write``.

Knows: the file, its lock, how full its disk is. Refuses to know: what a record means.
A line is in the kernel's hands when ``append`` returns; it is either there whole or not at all.
"""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path

from nacd.audit.line import line
from nacd.errors import AuditRefused
from nacd.values import AuditEvent


class AuditLog:
    """Append-only JSON lines. One process writes a file at a time (``flock``)."""

    def __init__(self, path: Path) -> None:
        """Open or create ``path`` with mode 0640.

        Raises AuditRefused if it cannot be opened or another nacd holds it.
        """
        self._path = path
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
            fd = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
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


def _end_with_a_whole_line(fd: int) -> None:
    """A crash may have left half a line; the next record must not be glued to it."""
    size = os.fstat(fd).st_size
    if size and os.pread(fd, 1, size - 1) != b"\n":
        os.write(fd, b"\n")


def _words(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
