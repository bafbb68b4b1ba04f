"""How far it has come: one line that is written over on a terminal, now and then a line elsewhere.

Knows: stderr. Refuses to know: what is being done.
"""

from __future__ import annotations

import sys
import time
from typing import Final, TextIO

_EVERY_S: Final = {True: 0.2, False: 10.0}
_PATIENCE_S: Final = 0.5
"""What is done by then needs no word."""


class Progress:
    """Of one piece of work. what: in a few words."""

    def __init__(self, what: str, to: TextIO | None = None) -> None:
        self._what = what
        self._to = to or sys.stderr
        self._terminal = self._to.isatty()
        self._began = time.monotonic()
        self._said = self._began if not self._terminal else self._began + _PATIENCE_S - _EVERY_S[True]
        self._shown = False

    def __call__(self, part: float) -> None:
        """part: 0..1."""
        now = time.monotonic()
        if now - self._said < _EVERY_S[self._terminal]:
            return
        self._said = now
        self._shown = self._terminal
        end = "\r" if self._terminal else "\n"
        print(f"{self._what}: {100 * min(1.0, part):3.0f} %, {self.took_s:.0f} s", end=end, file=self._to, flush=True)

    @property
    def took_s(self) -> float:
        return time.monotonic() - self._began

    def clear(self) -> None:
        """Take the line away, before something else is written there."""
        if self._shown:
            print("\r\x1b[K", end="", file=self._to, flush=True)
            self._shown = False
