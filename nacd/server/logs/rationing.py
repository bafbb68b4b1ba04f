"""The same sentence over and over: said so often a minute, then counted, and the count is said.

Knows: what makes two lines the same, windows, counts. Refuses to know: what is written where.

Theory. A line is told from others by its area, its level and its sentence without numbers and quoted words: a thousand
errors about a thousand devices are one sentence. Its details do not count, or whoever chooses them could fill a disk.
The table is bounded; what finds no room in it shares one place.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

A_MINUTE: Final = 30
"""Lines of one sentence that are written as they come."""
WINDOW_S: Final = 60.0
_PLACES: Final = 512
_DETAIL: Final = re.compile(r"`[^`]*`|'[^']*'|\"[^\"]*\"|[0-9a-fA-F]*[0-9][0-9a-fA-F.:-]*")
_LONGEST: Final = 160

Sentence: TypeAlias = tuple[str, str, str]
"""Area, level, and the words without their details."""


@dataclass(slots=True)
class _Window:
    opened_s: float
    said: int = 0
    unsaid: int = 0
    example: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsaid:
    """What was only counted. words: of the first of these lines."""

    area: str
    level: str
    words: str
    count: int


class Rationing:
    """Of one process."""

    def __init__(self, *, a_minute: int = A_MINUTE, places: int = _PLACES) -> None:
        self._most = a_minute
        self._places = places
        self._windows: OrderedDict[Sentence, _Window] = OrderedDict()

    def __len__(self) -> int:
        return len(self._windows)

    def admit(self, area: str, level: str, words: str, now_s: float) -> bool:
        """Whether this line is written; if not, it is counted. now_s: monotonic seconds."""
        key: Sentence = (area, level, _kind(words[:_LONGEST]))
        window = self._windows.get(key)
        if window is None:
            if len(self._windows) >= self._places:
                key = ("", level, "")
                window = self._windows.get(key)
            if window is None:
                window = self._windows[key] = _Window(now_s)
        if window.said < self._most:
            window.said += 1
            return True
        if not window.unsaid:
            window.example = words[:_LONGEST]
        window.unsaid += 1
        return False

    def due(self, now_s: float) -> tuple[Unsaid, ...]:
        """What has been counted in windows that are over by now; each is told once."""
        out: list[Unsaid] = []
        while self._windows:
            (area, level, _), window = next(iter(self._windows.items()))
            if now_s - window.opened_s < WINDOW_S:
                break
            self._windows.popitem(last=False)
            if window.unsaid:
                out.append(Unsaid(area=area, level=level, words=window.example, count=window.unsaid))
        return tuple(out)


@lru_cache(maxsize=1_024)
def _kind(words: str) -> str:
    return _DETAIL.sub("", words)
