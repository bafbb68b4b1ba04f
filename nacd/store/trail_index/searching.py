"""Going through the files of a trail for what fits a question, by index where there is one.

Knows: which files and blocks are read, in which order, and what could not be. Refuses to know: what fits, and who asks.

Theory. An index is believed when it says that something is nowhere else, and only if it is the index of this very
file. Everything else is read: files without an index, the live one. The newest first means: files from the last, in a
file blocks from the last, in a block lines from the last. A compressed file without an index can only be read forwards,
so as much is kept of it as is asked for. A file is opened once and held, whatever becomes of its name meanwhile.

What is passed over without an index is a file whose name and neighbour say that it was written before or after the span
that is asked for, with an hour for clocks that were set. ``thorough`` reads that as well, and asks no index.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from nacd.audit.asking.filters import Query
from nacd.audit.asking.scanning import Hit, Scanner
from nacd.store.trail.reading import TrailFile, Unreadable, hold
from nacd.store.trail.unpacking import Block, Gap, members, plain
from nacd.store.trail_index.index import Index, NoIndex, opened
from nacd.store.trail_index.layout import BlockRow

CLOCKS_MS: Final = 3_600_000
_CHUNK_OCTETS: Final = 1 << 18
_STRETCH_OCTETS: Final = 8 << 20
"""How much of a plain file is looked at together when it is read from its end."""


@dataclass(frozen=True, slots=True)
class Found:
    """A record that fits, and where it lies."""

    hit: Hit
    file: Path


@dataclass(slots=True, kw_only=True)
class Walked:
    """What was done. read_octets: of text. trouble: sentences about what could not be read. words: about indexes."""

    files: int = 0
    by_index: int = 0
    scanned: int = 0
    passed_over: int = 0
    blocks: int = 0
    read_octets: int = 0
    strange: int = 0
    trouble: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)


class Search:
    """One question, asked once. limit: 0 for all. unwanted: as in ``Scanner``. told: called now and then with how far
    it has come, 0..1."""

    def __init__(
        self,
        files: Sequence[TrailFile],
        query: Query,
        *,
        oldest_first: bool = False,
        limit: int = 0,
        thorough: bool = False,
        unwanted: tuple[bytes, ...] = (),
        told: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._files = list(files)
        self._query = query
        self._oldest_first = oldest_first
        self._limit = limit
        self._thorough = thorough
        self._told = told
        self._scanner = Scanner(query, unwanted=unwanted)
        self._missing = limit
        self._size = max(1, sum(file.size for file in files))
        self._done = 0
        self.walked = Walked(files=len(self._files))

    def __iter__(self) -> Iterator[Found]:
        """What fits, in the order that was asked for. Never raises for a file that cannot be read: see ``walked``."""
        count = 0
        numbered = list(enumerate(self._files))
        for at, file in numbered if self._oldest_first else reversed(numbered):
            self._missing = self._limit - count if self._limit else 0
            for hit in self._of_file(file, outside=self._is_outside(at)):
                yield Found(hit, file.path)
                count += 1
                if count == self._limit:
                    return
            self._done += file.size
            self._told(self._done / self._size)

    def _is_outside(self, at: int) -> bool:
        """Whether this file was written outside the span that is asked for, as far as names tell."""
        query, file = self._query, self._files[at]
        if query.seq and self._has_not(query.seq, at):
            return True
        if query.until_ms is not None and file.begun * 1000 - CLOCKS_MS > query.until_ms and not _is_guessed(file):
            return True
        if query.since_ms is None or at + 1 == len(self._files):
            return False
        following = self._files[at + 1]
        if following.log != file.log or following.begun < file.begun:
            return False  # of another trail, or the clock was set back: it does not say when this one was full
        return following.begun * 1000 + CLOCKS_MS < query.since_ms

    def _has_not(self, seq: int, at: int) -> bool:
        """Whether the numbers of this writer's files leave this one out."""
        file, following = self._files[at], self._files[at + 1 : at + 2]
        if not file.first_seq:
            return False
        ends = any(each.writer == file.writer and 0 < each.first_seq <= seq for each in following)
        return file.first_seq > seq or ends

    def _of_file(self, file: TrailFile, *, outside: bool) -> Iterator[Hit]:
        try:
            opened_file, compressed = hold(file)
            with opened_file:
                held = _Held(file, opened_file, compressed)
                index = None if self._thorough or file.live else self._index(file)
                if index is not None:
                    with contextlib.closing(index):
                        yield from self._by_index(index, held)
                elif outside and not self._thorough:
                    self.walked.passed_over += 1
                else:
                    yield from self._scan(held)
        except (OSError, Unreadable) as trouble:
            words = trouble.strerror or "error" if isinstance(trouble, OSError) else trouble.why
            self.walked.trouble.append(f"`{file.path}`: {words.lower()}")

    def _index(self, file: TrailFile) -> Index | None:
        try:
            return opened(file)
        except NoIndex as none:
            if str(none):
                self.walked.words.append(f"{none}: `{file.path.name}` is read from end to end")
            return None

    def _by_index(self, index: Index, held: _Held) -> Iterator[Hit]:
        try:
            rows = index.candidates(self._query)
        except NoIndex as damaged:
            self.walked.words.append(f"{damaged}: `{held.file.path.name}` is read from end to end")
            yield from self._scan(held)
            return
        self.walked.by_index += 1
        if not index.whole:
            # One member of gigabytes: it can be read from its beginning alone, or left out altogether.
            yield from self._forwards(self._texts(held)) if rows else ()
            return
        for row in rows if self._oldest_first else reversed(rows):
            try:
                text = held.text_of(row)
            except Unreadable as broken:  # the other blocks can be read all the same
                self.walked.trouble.append(f"`{broken.path}`: {broken.why} (at octet {broken.offset:,})")
                continue
            hits = self._hits(text)
            yield from hits if self._oldest_first else reversed(hits)
            self._step(row.next_offset, held.file)

    def _scan(self, held: _Held) -> Iterator[Hit]:
        self.walked.scanned += 1
        if self._oldest_first or held.compressed:
            yield from self._forwards(self._texts(held))
            return
        # From the end: what is wanted is most often among the last.
        for start, end in held.stretches():
            found: list[Hit] = []
            for text in self._texts(held, start, end):
                found += self._hits(text)
            yield from reversed(found)

    def _forwards(self, texts: Iterator[bytes]) -> Iterator[Hit]:
        """Read in the order of the file, given in the order that is asked for."""
        if self._oldest_first:
            for text in texts:
                yield from self._hits(text)
            return
        kept: deque[Hit] = deque(maxlen=self._missing or None)
        for text in texts:
            kept.extend(self._hits(text))
        yield from reversed(kept)

    def _texts(self, held: _Held, start: int = 0, end: int = 0) -> Iterator[bytes]:
        """Whole lines; what cannot be read is told and passed over. end: where to stop, 0 at the end of the file."""
        for piece in held.pieces(start):
            if end and piece.offset >= end:
                return
            if isinstance(piece, Gap):
                self.walked.trouble.append(f"`{held.file.path}`: {piece.why} (at octet {piece.offset:,})")
                continue
            yield piece.text[: end - piece.offset] if end else piece.text
            self._step(piece.next_offset, held.file)

    def _hits(self, text: bytes) -> list[Hit]:
        self.walked.blocks += 1
        self.walked.read_octets += len(text)
        hits = self._scanner.hits(text)
        self.walked.strange = self._scanner.strange
        return hits

    def _step(self, offset: int, file: TrailFile) -> None:
        within = offset if self._oldest_first or file.compressed else file.size - offset
        self._told((self._done + max(0, min(within, file.size))) / self._size)


def _is_guessed(file: TrailFile) -> bool:
    """Whether nothing told when it was begun, so that the time of its last change stands for it."""
    try:
        return file.begun == file.path.stat().st_mtime
    except OSError:
        return True


@dataclass(frozen=True, slots=True)
class _Held:
    """A file that is open."""

    file: TrailFile
    opened: io.FileIO
    compressed: bool

    def pieces(self, start: int) -> Iterator[Block | Gap]:
        return members(self.opened, start) if self.compressed else plain(self.opened, start)

    def text_of(self, row: BlockRow) -> bytes:
        """The text of one block. Raises OSError, Unreadable."""
        got = b""
        for piece in self.pieces(row.offset):
            if isinstance(piece, Gap):
                raise Unreadable(piece.why, path=self.file.path, offset=piece.offset)
            got += piece.text
            if len(got) >= row.octets:
                return got[: row.octets]
        raise Unreadable("it is shorter than its index says", path=self.file.path, offset=row.offset)

    def stretches(self) -> Iterator[tuple[int, int]]:
        """Begin and end of stretches of a plain file, each of whole lines, from its end to its beginning."""
        end = os.fstat(self.opened.fileno()).st_size
        while end > 0:
            octets = _STRETCH_OCTETS
            while (start := self._line_at(end - octets, end)) == 0 and octets < end:
                octets *= 2  # a line is longer than that
            yield start, end
            end = start

    def _line_at(self, at: int, end: int) -> int:
        """Where the first line begins at ``at`` or behind it; 0 if there is none before ``end``."""
        if at <= 0:
            return 0
        self.opened.seek(at - 1)
        found = at
        while chunk := self.opened.read(min(_CHUNK_OCTETS, end - found + 1)):
            newline = chunk.find(b"\n")
            found += len(chunk) if newline < 0 else newline
            if newline >= 0 or found >= end:
                break
        return found if found < end else 0
