"""What is in a file that somebody named: so many octets at most, and of a plain file only.

Knows: that a path may lead to a folder, a pipe that nobody writes to, or a device without an end, and that none of them
may keep whoever reads waiting. Refuses to know: what the octets mean.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_KINDS: Final[tuple[tuple[Callable[[int], bool], str], ...]] = (
    (stat.S_ISDIR, "is a folder"),
    (stat.S_ISFIFO, "is a pipe"),
    (stat.S_ISCHR, "is a device"),
    (stat.S_ISBLK, "is a device"),
    (stat.S_ISSOCK, "is a socket"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The octets of a file, or why there are none: ``problem`` goes behind its name. status: as the system has it."""

    octets: bytes = b""
    problem: str = ""
    status: os.stat_result | None = None

    @property
    def mode(self) -> int:
        """Its permissions."""
        return stat.S_IMODE(self.status.st_mode) if self.status is not None else 0


def contents(path: Path, most: int) -> Contents:
    """Read it. most: octets; a larger file is a problem. Never waits for a writer, never raises for what is wrong."""
    try:
        # A pipe would wait for somebody to write, a terminal would become ours (open(2)).
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except ValueError:
        return Contents(problem="is no name of a file: it holds a character with the number 0")
    except OSError as wrong:
        # A socket cannot be opened at all (ENXIO); what it is says more than the kernel's word for that.
        return Contents(problem=_kind(path) or f"cannot be read: {(wrong.strerror or 'error').lower()}")
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return Contents(problem=f"{_named(found.st_mode)}, not a file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            octets = file.read(most + 1)
    except OSError as wrong:
        return Contents(problem=f"cannot be read: {(wrong.strerror or 'error').lower()}")
    finally:
        os.close(descriptor)
    if len(octets) > most:
        return Contents(problem=f"is larger than {_size(most)}")
    return Contents(octets=octets, status=found)


def _kind(path: Path) -> str:
    try:
        mode = path.stat().st_mode
    except OSError:
        return ""
    return "" if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else f"{_named(mode)}, not a file"


def _named(mode: int) -> str:
    return next((words for is_so, words in _KINDS if is_so(mode)), "is something else")


def _size(octets: int) -> str:
    return f"{octets >> 20} MiB" if octets >= 1 << 20 else f"{octets >> 10} KiB"
