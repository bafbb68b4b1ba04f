"""Making the index of one full file of the trail.

Knows: how a file is gone through once, in bounded memory, and how its index appears whole or not at all. Refuses to
know: when that is to be done, what a term means.

``build`` reads every record of the file (some 40,000 a second), holds half a million pairs at most and the index itself
(a hundredth of the text), writes beside the file under a name that nobody looks for, and renames.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import tempfile
import time
from array import array
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from nacd.audit.asking import terms
from nacd.audit.asking.moments import made_ms
from nacd.audit.asking.scanning import decoded
from nacd.audit.asking.terms import FEW, Term, terms_of
from nacd.store.trail.reading import TrailFile, blocks
from nacd.store.trail_index import layout
from nacd.store.trail_index.layout import BlockRow
from nacd.store.trail_index.mark import index_path, mark_of

MOST_PAIRS: Final = 1 << 19
MOST_WORDS: Final = 20_000
"""Values of kinds that ought to have few: a list that is longer helps nobody."""
_KEYS_KEPT: Final = 60_000
_LEFT_OVER_S: Final = 86_400.0
_ENDING: Final = ".idx.part"
_NONE: Final = (1, 0)


class CannotBuild(Exception):
    """There is no index for this file; the text says why."""


def build(file: TrailFile, *, told: Callable[[int], None] = lambda _: None, most_pairs: int = MOST_PAIRS) -> Path:
    """Make the index beside a full file, in place of one that may be there. Returns its path.

    told: called with how far it has come, in octets of the file. Raises CannotBuild, OSError, Unreadable.
    """
    if file.live:
        raise CannotBuild(f"`{file.path}` is still being written")
    there = index_path(file.path)
    mark = mark_of(file)
    _clear(there)
    octets = _made(file, mark, told, most_pairs)
    if mark_of(file) != mark:
        raise CannotBuild(f"`{file.path}` has changed while it was read")
    fd, aside = tempfile.mkstemp(prefix=f".{there.name}.", suffix=_ENDING, dir=there.parent)
    try:
        with open(fd, "wb") as made:
            made.write(octets)
            made.flush()
            _like(made.fileno(), file.path)
        os.replace(aside, there)
    finally:
        Path(aside).unlink(missing_ok=True)
    _sync(there.parent)
    return there


def _made(file: TrailFile, mark: dict[str, Any], told: Callable[[int], None], most_pairs: int) -> bytes:
    """The index as octets. SQLite gets no path: whoever owns the folder could lay a link there while it writes."""
    try:
        with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
            _fill(made, file, mark, told, most_pairs)
            return made.serialize()
    except sqlite3.Error as trouble:
        raise CannotBuild(f"cannot make the index of `{file.path}`: {trouble}") from None


def _fill(
    made: sqlite3.Connection, file: TrailFile, mark: dict[str, Any], told: Callable[[int], None], most_pairs: int
) -> None:
    made.execute("PRAGMA page_size=8192")
    made.execute(f"PRAGMA application_id={layout.APPLICATION_ID}")
    made.execute(f"PRAGMA user_version={layout.FORMAT}")
    made.execute("BEGIN")
    made.execute(layout.SCHEMA)
    walk = _Walk(made, most_pairs)
    for block in blocks(file):
        walk.take(block.offset, block.next_offset, block.text, whole=block.whole)
        told(block.next_offset)
    walk.end({**mark, "terms": terms.VERSION})
    made.execute("COMMIT")


class _Walk:
    """Everything that is gathered on the way through a file."""

    def __init__(self, made: sqlite3.Connection, most_pairs: int) -> None:
        self._made = made
        self._most_pairs = most_pairs
        self._rows: list[BlockRow] = []
        self._pairs = array("q")
        self._runs = 0
        self._keys: dict[Term, int] = {}
        self._words: dict[str, set[str]] = {kind: set() for kind in sorted(FEW)}
        self._many: set[str] = set()
        self._strange = 0
        self._whole = True

    def take(self, offset: int, next_offset: int, text: bytes, *, whole: bool) -> None:
        number = len(self._rows)
        if number >= layout.MOST_BLOCKS:
            raise CannotBuild("it has too many blocks")
        self._whole &= whole
        found: set[Term] = set()
        seqs, times = _Span(), _Span()
        records = 0
        for line in text.split(b"\n"):
            record = decoded(line) if line else None
            if record is None:
                self._strange += bool(line.strip())
                continue
            records += 1
            found |= terms_of(record)
            seq = record.get("seq")
            seqs.take(seq if type(seq) is int and 0 < seq < 1 << 62 else None)
            times.take(made_ms(record))
        row = BlockRow(offset, next_offset, len(text), records, *seqs.ends((0, 0)), *times.ends(_NONE))
        self._rows.append(row)
        self._put(found, number)

    def _put(self, found: set[Term], number: int) -> None:
        keys = self._keys
        for term in found:
            key = keys.get(term)
            if key is None:
                if len(keys) >= _KEYS_KEPT:
                    keys.clear()
                key = keys[term] = layout.key_of(*term)
            self._pairs.append(key | number)
            if term[0] in FEW and term[0] not in self._many:
                self._word(term)
        if len(self._pairs) >= self._most_pairs:
            self._flush()

    def _word(self, term: Term) -> None:
        kind, value = term
        words = self._words[kind]
        words.add(value)
        if len(words) > MOST_WORDS:
            self._many.add(kind)
            words.clear()

    def _flush(self) -> None:
        if self._pairs:
            if self._runs >= layout.MOST_RUNS:
                raise CannotBuild("it has too many terms")
            run = layout.FIRST_RUN + self._runs
            self._write(layout.row(run, first, page) for first, page in layout.pages(sorted(self._pairs)))
            self._runs += 1
            self._pairs = array("q")

    def _write(self, rows: Iterable[tuple[int, bytes, int]]) -> None:
        self._made.executemany("INSERT INTO part VALUES (?, ?, ?)", rows)

    def end(self, mark: dict[str, Any]) -> None:
        self._flush()
        words = {kind: sorted(found) for kind, found in self._words.items() if kind not in self._many}
        head = {
            **mark,
            "blocks": len(self._rows),
            "runs": self._runs,
            "records": sum(row.records for row in self._rows),
            "strange": self._strange,
            "whole": self._whole,
        }
        self._write(layout.row(layout.BLOCKS, at, part) for at, part in layout.block_parts(self._rows))
        told = ((layout.WORDS, words), (layout.HEAD, head))
        self._write(layout.row(part, 0, json.dumps(each).encode()) for part, each in told)


class _Span:
    """The least and the greatest of what was told."""

    def __init__(self) -> None:
        self._least: int | None = None
        self._most = 0

    def take(self, value: int | None) -> None:
        if value is None:
            return
        if self._least is None:
            self._least = self._most = value
        elif value > self._most:
            self._most = value
        elif value < self._least:
            self._least = value

    def ends(self, none: tuple[int, int]) -> tuple[int, int]:
        return none if self._least is None else (self._least, self._most)


# -- how it appears -------------------------------------------------------------------------------


def _clear(there: Path) -> None:
    """Take away what a build that was killed has left."""
    for left in there.parent.glob(f".{there.name}.*{_ENDING}"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - left.lstat().st_mtime > _LEFT_OVER_S:
                left.unlink()


def _like(fd: int, file: Path) -> None:
    """Readable by whoever may read the file, owned by its owner, and on disk."""
    like = file.stat()
    if os.geteuid() == 0:
        os.fchown(fd, like.st_uid, like.st_gid)
    os.fchmod(fd, like.st_mode & 0o640)
    os.fsync(fd)


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
