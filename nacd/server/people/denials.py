"""How often refusals of one user are written down: all of them, up to a budget, and then as a number.

Knows: who was refused how often in this minute. Refuses to know: what was refused, and where it is written.

Theory. Whoever is refused must be on record, and must not be able to fill the disk with being refused: a full disk
stops Accepts. So each uid has so many records a minute, and the next one that is written says how many
before it were not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_WINDOW_S: Final = 60.0
_MOST: Final = 20
_MOST_UIDS: Final = 1_000


@dataclass(slots=True)
class _Minute:
    began: float
    written: int = 0
    left_out: int = 0


class Denials:
    """One for the door."""

    def __init__(self) -> None:
        self._uids: dict[int, _Minute] = {}

    def __len__(self) -> int:
        return len(self._uids)

    def admit(self, uid: int, now_s: float) -> int:
        """How many refusals before this one were not written, -1 if this one is not to be either. now_s: monotonic."""
        minute = self._uids.get(uid)
        if minute is None:
            if len(self._uids) >= _MOST_UIDS:
                del self._uids[next(iter(self._uids))]  # the one that was refused first
            minute = self._uids[uid] = _Minute(now_s)
        if now_s - minute.began >= _WINDOW_S:
            minute.began, minute.written = now_s, 0
        if minute.written >= _MOST:
            minute.left_out += 1
            return -1
        minute.written += 1
        before, minute.left_out = minute.left_out, 0
        return before
