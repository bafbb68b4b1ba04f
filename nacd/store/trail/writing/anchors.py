"""The anchors file: each checkpoint once more, where nacd can add and not change.

Knows: a file of another account that is opened for appending alone. Refuses to know: what a checkpoint says.

It is opened for each line, never made, and never found by a link: whoever owns it may move it away and lay a new one
there at any time.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

_FLAGS: Final = os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


class Anchors:
    """One file; not for several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._torn = True  # whoever wrote before may have been stopped in the middle of a line

    def add(self, line: bytes) -> None:
        """One line with its newline, on the disk when this returns. Raises OSError."""
        fd, readable = self._opened()
        try:
            there = os.fstat(fd)
            if not stat.S_ISREG(there.st_mode):
                raise OSError("it is no plain file")
            # Of a line that was cut short we can take nothing back; it gets an end of its own.
            torn = os.pread(fd, 1, there.st_size - 1) != b"\n" if readable and there.st_size else self._torn
            octets = b"\n" + line if torn and there.st_size else line
            written = os.write(fd, octets)
            if written != len(octets):
                self._torn = True
                raise OSError("no space for a whole line")
            self._torn = False
            os.fdatasync(fd)
        finally:
            os.close(fd)

    def _opened(self) -> tuple[int, bool]:
        """The file, and whether it may be read too. Raises OSError."""
        try:
            return os.open(self.path, _FLAGS | os.O_RDWR), True
        except PermissionError:
            return os.open(self.path, _FLAGS | os.O_WRONLY), False
