"""Rows that were read a moment ago are not read through again.

Knows: the last few thousand blobs and what was in them. Refuses to know: which row is the newest; the blob itself is
the key, so nothing that is remembered can be out of date, whatever became of a transaction or a file.

To read a session through costs as much as all else that an accounting record needs, and a Start comes right after its
Accept.
"""

from __future__ import annotations

from typing import Any, Final

from nacd.sessions import Session
from nacd.store.live import rows

MOST: Final = 4_096
"""Sessions in memory, some 4 KB each."""


class Hot:
    """The memory, for one thread."""

    def __init__(self) -> None:
        self._read: dict[bytes, Session] = {}

    def __len__(self) -> int:
        return len(self._read)

    def session(self, row: Any) -> Session:
        """As ``rows.session``. Raises Unreadable."""
        blob = row[rows.BLOB]
        known = self._read.get(blob)
        if known is not None:
            return rows.with_columns(known, row)
        made = rows.session(row)
        self.keep(blob, made)
        return made

    def keep(self, blob: object, session: Session) -> None:
        """Remember what was written, or what a row with this blob has become."""
        if isinstance(blob, bytes) and blob:
            if len(self._read) >= MOST and blob not in self._read:
                del self._read[next(iter(self._read))]
            self._read[blob] = session
