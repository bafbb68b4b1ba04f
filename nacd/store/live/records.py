"""Which accounting records were stored a while ago: a retransmission or a replay changes nothing.

Knows: short digests, in two generations of memory, and as one row a commit on the disk. Refuses to know: what a record
says, and when it happened; a replay that is older than this memory is for the rules to see.

A row for each record would cost a page of the disk for each packet, at a place of its own; all of one commit in a row
cost nearly nothing, and are read once, when the file is opened.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from hashlib import blake2b
from math import isfinite
from typing import Any, Final

from nacd.store.state_file import Statement

KEPT_S: Final = 600.0
"""A generation lasts half as long; a record is known for at least that half."""
MOST: Final = 500_000
"""Digests of one generation: some 50 MB of memory. A generation that is full ends early."""
DIGEST_OCTETS: Final = 8

KEEP: Final = "INSERT INTO records (at, digests) VALUES (?, ?)"
FORGET: Final = "DELETE FROM records WHERE id IN (SELECT id FROM records ORDER BY id LIMIT 64) AND at < ?"
READ: Final = "SELECT at, digests FROM records WHERE at >= ? ORDER BY id"
_FORGET_EVERY: Final = 50


def short(record: str) -> bytes:
    """What is kept of the digest of a record."""
    return blake2b(record.encode(errors="replace"), digest_size=DIGEST_OCTETS).digest()


class Records:
    """The memory, for one thread."""

    def __init__(self) -> None:
        self._young: set[bytes] = set()
        self._old: set[bytes] = set()
        self._began = 0.0
        self._commits = 0

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._young or digest in self._old

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def add(self, digests: Iterable[bytes], at: float) -> None:
        """Remember what was stored. at: seconds since the epoch; a clock that is set back ends a generation."""
        if not 0.0 <= at - self._began < KEPT_S / 2 or len(self._young) >= MOST:
            self._old, self._young, self._began = self._young, set(), at
        self._young.update(digests)

    def read(self, connection: sqlite3.Connection, now: float) -> None:
        """Remember what the file still knows. Rows that are not what nacd writes are left out. Raises sqlite3.Error."""
        for at, digests in connection.execute(READ, (now - KEPT_S,)):
            if type(at) is float and isfinite(at) and at <= now:
                self.add(_apart(digests), at)

    def statements(self, digests: Iterable[bytes], at: float) -> list[Statement]:
        """What makes the file know these, and now and then forget some that are too old."""
        self._commits += 1
        forget = [(FORGET, [(at - KEPT_S,)])] if self._commits % _FORGET_EVERY == 0 else []
        return [(KEEP, [(at, b"".join(digests))]), *forget]


def _apart(digests: Any) -> list[bytes]:
    if type(digests) is not bytes or len(digests) % DIGEST_OCTETS:
        return []
    return [digests[start : start + DIGEST_OCTETS] for start in range(0, len(digests), DIGEST_OCTETS)]
