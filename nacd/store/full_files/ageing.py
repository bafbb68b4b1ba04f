"""How old full files are, when the clock cannot be trusted with that alone.

Knows: three witnesses of the time: the clock, the newest record, and how long we have been running. Refuses to know:
which of the files go by it (``retention``).

Whoever can set the clock (forged NTP) could have the whole trail deleted as too old. So age counts to the newest record
and not beyond it, and a clock that jumps ahead of the time we have been running deletes nothing for ``HOLD_S``: long
enough for people to see it. What is deleted for its size does not depend on any clock.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Final

from nacd.audit.mapping.record import read
from nacd.store.full_files import retention
from nacd.store.full_files.folder import Folder, Listing, Strange
from nacd.store.full_files.retention import Due, Keep

JUMP_S: Final = 3_600.0
"""A clock that is ahead by more has jumped."""
HOLD_S: Final = 3 * 86_400.0
_TAIL_OCTETS: Final = 1 << 17


class Ageing:
    """From now on. Times are seconds: wall since the epoch, monotonic since whenever."""

    def __init__(self, wall: float, monotonic: float) -> None:
        self._apart = wall - monotonic
        self._held_until = monotonic
        self._jumped_s = 0.0

    def look(self, wall: float, monotonic: float) -> str:
        """Why nothing is deleted for its age now, in words; ``""`` if it may be."""
        ahead = wall - monotonic - self._apart
        if ahead > JUMP_S:
            self._jumped_s, self._held_until = ahead, monotonic + HOLD_S
            self._apart += ahead
        elif ahead < 0.0:
            self._apart += ahead  # set back: files only stay longer, until it is set forward again
        if monotonic >= self._held_until:
            return ""
        return (
            f"the clock jumped ahead by {self._jumped_s / 3_600:.0f} h, and for {HOLD_S / 86_400:.0f} days nothing is"
            " deleted for its age: set it right, or wait"
        )

    def due(self, folder: Folder, found: Listing, keep: Keep, wall: float, monotonic: float) -> tuple[Due, ...]:
        """As ``retention.due``. Raises OSError."""
        held = self.look(wall, monotonic)
        due = retention.due(found.full, keep, wall)
        if not due or keep.age_s is None:
            return due
        if held:
            return retention.due(found.full, replace(keep, age_s=None), wall)
        return retention.due(found.full, keep, min(wall, _newest_at(folder, found)))


def _newest_at(folder: Folder, found: Listing) -> float:
    """Time of the newest record; of the last change of the newest full file where the live one tells none."""
    try:
        with folder.reading(folder.live.name) as fd:
            tail = os.pread(fd, _TAIL_OCTETS, max(0, os.fstat(fd).st_size - _TAIL_OCTETS))
    except (OSError, Strange):
        tail = b""
    for line in reversed(tail.split(b"\n")[:-1]):
        record = read(line)
        if record is not None and record.milliseconds:
            return record.milliseconds / 1000.0
    return max((one.changed for one in found.full), default=0.0)
