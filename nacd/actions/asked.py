"""What was done when: the memory behind `at most once per device, verb and hour`.

Knows: a bounded table and the small file it outlives a restart in. Refuses to know: the clock, and what an action is.

Theory: an entry is written before the action is sent, one line at the end of the file, so that not even a crash in
between lets it happen twice. Only entries whose time is over make room for others; while all are young, a new one is
refused, for forgetting one would allow the second time. When the file has grown to several times the table, or at a
start, it is written anew beside itself and renamed; where that fails, the old file and its lines stay in use.
"""

from __future__ import annotations

import errno
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FILE_NAME: Final = "asked"
_LINE = re.compile(r"([0-9]{1,12}) ([a-z]{1,16}) ([0-9a-f-]{36}) ([^\x00-\x1f]{1,253})")
_GROWN: Final = 4
"""How many lines an entry may have on average before the file is written anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What may happen once: this verb, on this device (GUID, lower case), in this tenant."""

    verb: str
    device: str
    tenant: str


class Asked:
    """Entries and until when each holds, in whole seconds since the epoch. For one thread at a time."""

    def __init__(self, folder: Path, *, max_entries: int, longest_s: float, now: float) -> None:
        """Read what the last run left. longest_s: no entry holds longer than this from ``now``, seconds since the
        epoch: a clock that was wrong must not lock a device for years. Raises OSError when the file cannot be used."""
        self._path = folder / FILE_NAME
        self._max = max_entries
        self._longest_s = longest_s
        self._until: dict[Key, float] = {}
        self._lines = 0
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._read(now)
        self._fd = -1
        self._anew()

    def __len__(self) -> int:
        return len(self._until)

    def refusal(self, key: Key, now: float) -> str:
        """Why this may not happen now, in words; ``""`` if it may."""
        until = min(self._until.get(key, 0.0), now + self._longest_s)
        if until > now:
            return f"once is enough: {key.verb} of this device may be asked again in {max(1, round(until - now))} s"
        if len(self._until) >= self._max and key not in self._until:
            self._forget(now)
            if len(self._until) >= self._max:
                return f"{self._max} actions are remembered, the most there may be, and none is old enough to forget"
        return ""

    def note(self, key: Key, until: float) -> None:
        """It happens now, and not again before ``until``; that outlives a power cut when this returns.

        Raises OSError when it cannot be kept on disk; then it must not happen.
        """
        octets = f"{int(until)} {key.verb} {key.device} {key.tenant}\n".encode()
        if self._lines > _GROWN * max(self._max, len(self._until)):
            self._anew()
        written = os.write(self._fd, octets)
        if written != len(octets):
            os.ftruncate(self._fd, os.fstat(self._fd).st_size - written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._lines += 1
        os.fdatasync(self._fd)
        self._until[key] = float(int(until))

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)
        self._fd = -1

    def _forget(self, now: float) -> None:
        self._until = {key: until for key, until in self._until.items() if until > now}

    def _read(self, now: float) -> None:
        """Lines that are none (half written by a crash, or by somebody else) are left out."""
        try:
            with self._path.open(encoding="utf-8", errors="replace") as file:
                for line in file:
                    match = _LINE.fullmatch(line.rstrip("\n"))
                    if match is not None:
                        until, verb, device, tenant = match.groups()
                        self._until[Key(verb=verb, device=device, tenant=tenant)] = float(until)
        except FileNotFoundError:
            return
        self._until = {k: min(until, now + self._longest_s) for k, until in self._until.items() if until > now}

    def _anew(self) -> None:
        """Put a file written from the table in place of the old one; both it and its descriptor stay on failure."""
        fresh = self._written()
        before, self._fd = self._fd, fresh
        self._lines = len(self._until)
        if before >= 0:
            os.close(before)
        _keep_names(self._path.parent)

    def _written(self) -> int:
        """The new file, under the name of the old one: its descriptor, at its end."""
        draft = self._path.with_suffix(".part")
        # One descriptor from beginning to end: nothing is left to fail once the old file is replaced.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(draft, flags, 0o600)
        try:
            os.fchmod(fd, 0o600)
            with os.fdopen(fd, "w", encoding="utf-8", closefd=False) as file:
                for key, until in self._until.items():
                    file.write(f"{int(until)} {key.verb} {key.device} {key.tenant}\n")
            os.fsync(fd)
            draft.replace(self._path)
        except BaseException:
            os.close(fd)
            raise
        return fd


def _keep_names(folder: Path) -> None:
    """A new name in a folder outlives a power cut only when the folder is written too."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
