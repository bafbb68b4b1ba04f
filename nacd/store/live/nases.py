"""What is remembered of NASes: which boots were told, and how wrong their clocks are.

Knows: rows of two small tables, and what of them is in memory. Refuses to know: what a boot ends (``table``), and how a
clock is learnt (``clocks``).

A NAS boots seldom, so each Accounting-On is remembered for longer than any other record: one that bears no time can be
played back for years.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Final

from nacd.session.clocks import Clock, Clocks
from nacd.store.live.records import DIGEST_OCTETS
from nacd.store.state_file import Statement

MOST_BOOTS: Final = 50_000
"""Some 5 MB of memory. The oldest are forgotten."""

_KEEP: Final = "INSERT OR REPLACE INTO boots (digest, at) VALUES (?, ?)"
_FORGET: Final = "DELETE FROM boots WHERE digest = ?"
_READ: Final = "SELECT digest, at FROM boots ORDER BY at"
_KEEP_CLOCK: Final = (
    "INSERT OR REPLACE INTO clocks (nas, source, nas_identifier, nas_address, behind_s) VALUES (?, ?, ?, ?, ?)"
)
_FORGET_CLOCK: Final = "DELETE FROM clocks WHERE (nas, source, nas_identifier, nas_address) = (?, ?, ?, ?)"
_READ_CLOCKS: Final = (
    "SELECT CAST(nas AS BLOB), CAST(source AS BLOB), CAST(nas_identifier AS BLOB), CAST(nas_address AS BLOB), behind_s"
    " FROM clocks"
)


class Nases:
    """The memory, for one thread."""

    def __init__(self) -> None:
        self.clocks = Clocks()
        self._boots: dict[bytes, float] = {}

    def __len__(self) -> int:
        return len(self._boots)

    def told_at(self, digest: bytes) -> float | None:
        """When this Accounting-On or -Off was stored last, seconds since the epoch; None if it is not known."""
        return self._boots.get(digest)

    def add(self, boots: Mapping[bytes, float]) -> None:
        """Remember what was stored, and that what was learnt of clocks is on the disk."""
        for digest, at in boots.items():
            self._boots.pop(digest, None)
            self._boots[digest] = at
        for digest in self._surplus(0):
            del self._boots[digest]
        self.clocks.learnt.clear()

    def read(self, connection: sqlite3.Connection) -> None:
        """Remember what the file knows. Rows that are not what nacd writes are left out. Raises sqlite3.Error."""
        for digest, at in connection.execute(_READ):
            if type(digest) is bytes and len(digest) == DIGEST_OCTETS and type(at) is float and isfinite(at):
                self._boots[digest] = at
        for *names, behind_s in connection.execute(_READ_CLOCKS):
            if len(texts := tuple(_texts(names))) == 4 and type(behind_s) is float and isfinite(behind_s):
                nas, source, identifier, address = texts
                self.clocks.believe((nas, source, identifier, address), behind_s)

    def statements(self, boots: Mapping[bytes, float]) -> list[Statement]:
        """What makes the file know these, and what was learnt of clocks."""
        statements: list[Statement] = []
        if boots:
            statements.append((_KEEP, list(boots.items())))
        if old := self._surplus(len(boots)):
            statements.append((_FORGET, [(digest,) for digest in old]))
        for clock, behind_s in self.clocks.learnt.items():
            plain = _plain(clock)
            statements.append((_KEEP_CLOCK, [(*plain, behind_s)]) if behind_s else (_FORGET_CLOCK, [plain]))
        return statements

    def held(self) -> list[Statement]:
        """What a file needs that knows nothing."""
        return [(_KEEP, list(self._boots.items()))] if self._boots else []

    def _surplus(self, more: int) -> list[bytes]:
        """The oldest that there is no room for."""
        many = max(0, len(self._boots) + more - MOST_BOOTS)
        return [digest for digest, _ in zip(self._boots, range(many), strict=False)]


def _plain(clock: Clock) -> tuple[str, ...]:
    return tuple([name.encode(errors="replace").decode() for name in clock])


def _texts(names: Iterable[object]) -> list[str]:
    try:
        return [name.decode() for name in names if isinstance(name, bytes)]
    except UnicodeDecodeError:
        return []
