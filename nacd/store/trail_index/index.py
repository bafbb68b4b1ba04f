"""An index that is there, and what it says.

Knows: whether it may be believed, and which blocks may hold what is asked for. Refuses to know: the records themselves.

The folder may belong to somebody with less power than whoever searches in it, so an index is opened for reading alone,
only as a plain file, and only if its one table is the one that nacd makes. What it says is a list of places to look at;
each record that is found there is read and asked whether it fits.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from nacd.audit.asking import terms
from nacd.audit.asking.filters import Clause, Query, matcher
from nacd.audit.asking.terms import FEW
from nacd.store.trail.reading import TrailFile
from nacd.store.trail_index import layout
from nacd.store.trail_index.layout import BlockRow, Damaged
from nacd.store.trail_index.mark import index_path, mark_of

_PARTS_OF: Final = "SELECT place, octets, sum FROM part WHERE place BETWEEN ? AND ? ORDER BY place"
_PAGES_OF: Final = (
    "SELECT place, octets, sum FROM part WHERE place <= ?3 AND place >="
    " coalesce((SELECT max(place) FROM part WHERE place BETWEEN ?1 AND ?2), ?2) ORDER BY place"
)
_BROKEN: Final = (sqlite3.Error, Damaged, ValueError, KeyError, TypeError, OverflowError)


class NoIndex(Exception):
    """There is no index that may be believed. The text says why, ``""`` if there simply is none."""


class Index:
    """One that is fresh. Every method raises NoIndex if the index turns out to be damaged."""

    def __init__(self, path: Path, opened: sqlite3.Connection, head: dict[str, Any]) -> None:
        self._path = path
        self._opened = opened
        self._head = head
        self.records = int(head["records"])
        self.strange = int(head["strange"])
        self.whole = bool(head["whole"])
        """Each block can be read by itself."""
        self._runs = int(head["runs"])

    def close(self) -> None:
        self._opened.close()

    def blocks(self) -> list[BlockRow]:
        """All of them, in their order."""
        with self._guarded():
            rows: list[BlockRow] = []
            for at, part in _parts(self._opened, layout.BLOCKS):
                if at != len(rows):
                    raise Damaged("a part is missing")
                rows += layout.block_rows(part)
            if len(rows) != self._head["blocks"]:
                raise Damaged("a part is missing")
            return rows

    def candidates(self, query: Query) -> list[BlockRow]:
        """The blocks that may hold a record that fits, in their order."""
        with self._guarded():
            possible: set[int] | None = None
            for clause in query.clauses:
                values = self._values(clause)
                if values is None:
                    continue
                found = {at for value in values for at in self._blocks_of(clause.kind, value)}
                possible = found if possible is None else possible & found
                if not possible:
                    return []
            rows = self.blocks()
            chosen = range(len(rows)) if possible is None else sorted(possible)
            if chosen and chosen[-1] >= len(rows):
                raise Damaged("a block that is not there")
            return [rows[at] for at in chosen if _may_hold(rows[at], query)]

    def _values(self, clause: Clause) -> tuple[str, ...] | None:
        """What stands for the clause in this file; None if the index cannot say."""
        if clause.exact:
            return clause.values
        if clause.kind not in FEW:
            return None
        known = self._words().get(clause.kind)
        if not isinstance(known, list):
            return None
        matches = matcher(clause.values)
        return tuple(value for value in known if matches(value))

    def _words(self) -> dict[str, Any]:
        [(_, part)] = _parts(self._opened, layout.WORDS)
        words = json.loads(part)
        if not isinstance(words, dict):
            raise Damaged("words")
        return words

    def _blocks_of(self, kind: str, value: str) -> list[int]:
        key = layout.key_of(kind, value)
        found: list[int] = []
        for run in range(layout.FIRST_RUN, layout.FIRST_RUN + self._runs):
            span = [layout.place(run, at) for at in (0, key, layout.last_of(key))]
            for each in self._opened.execute(_PAGES_OF, span):
                found += layout.blocks_in(*layout.checked(*each), key)
        return found

    def _guarded(self) -> contextlib.AbstractContextManager[None]:
        return _guarded(self._path)


def opened(file: TrailFile) -> Index:
    """The index of this file. Raises NoIndex."""
    path = index_path(file.path)
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise NoIndex(f"`{path.name}` is no plain file")
    except FileNotFoundError:
        raise NoIndex("") from None
    except OSError as trouble:
        raise NoIndex(f"`{path.name}`: {(trouble.strerror or 'error').lower()}") from None
    with _guarded(path):
        connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True, isolation_level=None)
        try:
            return Index(path, connection, _head(connection, path, file))
        except BaseException:
            connection.close()
            raise


def _head(connection: sqlite3.Connection, path: Path, file: TrailFile) -> dict[str, Any]:
    """Raises NoIndex, and whatever ``_guarded`` takes."""
    connection.executescript("PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON")
    [(application,)] = connection.execute("PRAGMA application_id")
    if application != layout.APPLICATION_ID:
        raise NoIndex(f"`{path.name}` is no index of nacd's")
    [(version,)] = connection.execute("PRAGMA user_version")
    if version != layout.FORMAT:
        raise NoIndex(f"`{path.name}` was made by another version of nacd")
    if connection.execute("SELECT sql FROM sqlite_schema").fetchall() != [(layout.SCHEMA,)]:
        raise Damaged("schema")
    [(_, part)] = _parts(connection, layout.HEAD)
    head = json.loads(part)
    if head["terms"] != terms.VERSION:
        raise NoIndex(f"`{path.name}` was made by another version of nacd")
    mark = mark_of(file)
    if any(head[name] != value for name, value in mark.items()):
        raise NoIndex(f"`{path.name}` is of another file, or of an older state of this one")
    return {**head, "runs": int(head["runs"]), "records": int(head["records"])}


def _parts(connection: sqlite3.Connection, part: int) -> list[tuple[int, bytes]]:
    """Raises Damaged, sqlite3.Error."""
    span = (layout.place(part, 0), layout.place(part + 1, 0) - 1)
    return [layout.checked(*each) for each in connection.execute(_PARTS_OF, span)]


@contextlib.contextmanager
def _guarded(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as trouble:
        raise NoIndex(f"`{path.name}`: {(trouble.strerror or 'error').lower()}") from None
    except _BROKEN:
        raise NoIndex(f"`{path.name}` is damaged") from None


def _may_hold(row: BlockRow, query: Query) -> bool:
    """By its numbers and times."""
    if query.seq and not row.first_seq <= query.seq <= row.last_seq:
        return False
    if query.since_ms is None and query.until_ms is None:
        return True
    if row.first_ms > row.last_ms:
        return False
    return (query.since_ms is None or row.last_ms >= query.since_ms) and (
        query.until_ms is None or row.first_ms < query.until_ms
    )
