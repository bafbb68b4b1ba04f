"""The trail as one stream of records, read from a place on, over all its files, for as long as it grows.

Knows: which file comes after which, how a place is found again after files were renamed, compressed or deleted, and
which numbers are missing. Refuses to know: who gets the records.

Theory: a place is believed only if the record behind it has the number that follows; else it is looked for by number,
from the beginning of the file that should have it. What cannot be found at all begins at the oldest record, and
that is said. A number that is skipped on the way is lost, and counted: either the file was deleted
before it was read, or the record never was in the trail.

A checkpoint vouches for its number for ever, so none is handed out that a power cut could still take away: it waits,
and what stands behind it, until ``head.json`` tells that the disk has it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from nacd.audit.mapping.record import CHECKPOINT, Record, matching, read
from nacd.audit.mapping.record import block as part
from nacd.keeper.forward.cursor import Place
from nacd.store.trail.reading import TrailFile, Unreadable, alone, files, pieces
from nacd.store.trail.unpacking import Block, Gap
from nacd.store.trail.writing import head as heads
from nacd.store.trail.writing.head import Head

_MOST_BLOCK: Final = 8 << 20
_TRIES: Final = 3
_WRITER: Final = re.compile(r"[0-9a-f]{16}")


class Taken(NamedTuple):
    """A record, and the place behind it. record: None for a line that is no record."""

    record: Record | None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Numbers that are not there."""

    first_seq: int
    last_seq: int
    problem: str


class Follower:
    """One reader of the trail. Not for two threads."""

    def __init__(self, live: Path, place: Place | None, *, start: str = "oldest", head: Path | None = None) -> None:
        """live: the live log. place: where to go on, None for ``start``: ``oldest`` or ``now``. head: the folder of
        ``head.json``; None, or a folder without one: the disk is taken to have everything."""
        self._live = live
        self._head = head
        self._kept: Head | None = None
        self.holds = 0
        """Number of the checkpoint that waits for the disk, 0 for none; as the last ``take`` found it."""
        self._start = start
        self.missing: list[Missing] = []
        """Found since somebody took them out."""
        self.anew: list[str] = []
        """Why it began at the oldest record, since somebody took them out."""
        self.unreadable: list[str] = []
        """Parts of files that cannot be read, since somebody took them out."""
        self._told = (0, 0)
        self.base: Place | None = None
        """Where it began, if not where it was told to."""
        self.rewind(place)

    def rewind(self, place: Place | None) -> None:
        """Go on from this place; None for where it began."""
        place = place or self.base
        self._wanted = place
        self._file: TrailFile | None = None
        self._blocks: Iterator[Block | Gap] | None = None
        self._lines: list[bytes] = []
        self._at = 0
        self._offset = 0
        self._end = 0
        self._seq = place.seq if place is not None else 0
        self._expected = self._seq + 1 if self._seq else 0
        self._writer = place.writer if place is not None else ""
        self._behind = 0

    @property
    def place(self) -> Place | None:
        """Behind all that was taken."""
        if self._file is None:
            return self._wanted
        whole = self._at >= len(self._lines)
        return self._place(self._file, self._end if whole else self._offset, 0 if whole else self._at)

    def take(self, records: int, octets: int) -> list[Taken]:
        """The next lines, at most so many, and about so many octets; none when there are none yet.

        Raises OSError when the trail cannot be read now.
        """
        found: list[Taken] = []
        size, self.holds = 0, 0
        while len(found) < records and size < octets:
            if self._at >= len(self._lines):
                if not self._next_block():
                    break
                continue
            line = self._lines[self._at]
            record = read(line) if line else None
            if record is not None and record.code == CHECKPOINT and not self._is_kept(record):
                self.holds = record.seq
                break
            self._at += 1
            if not line or self._file is None:
                continue
            if record is not None and record.seq and not self._numbered(record.seq):
                continue
            size += len(line)
            found.append(Taken(record, self._place(self._file, self._offset, self._at)))
        return found

    def _place(self, file: TrailFile, offset: int, lines: int) -> Place:
        return Place(
            writer=self._writer,
            file=file.path.name,
            first_seq=file.first_seq,
            compressed=file.compressed,
            offset=offset,
            lines=lines,
            seq=self._seq,
        )

    def _numbered(self, seq: int) -> bool:
        """Whether this record is to be taken; what is missing before it is counted."""
        if seq <= self._behind:
            return False
        if self._expected and seq > self._expected:
            problem = "they were deleted before they were sent, or never were in the trail"
            self.missing.append(Missing(first_seq=self._expected, last_seq=seq - 1, problem=problem))
        self._seq = max(self._seq, seq)
        self._expected = self._seq + 1
        return True

    def _is_kept(self, checkpoint: Record) -> bool:
        """Whether the disk has this one, by the head. The head of another trail says nothing of the live file, and
        leaves older ones alone."""
        if self._head is None:
            return True
        writer = matching(part(checkpoint.fields, "checkpoint"), "writer", _WRITER)
        kept = self._kept
        if kept is None or kept.writer != writer or kept.seq < checkpoint.seq:
            found = heads.read(self._head)
            if found is None:
                return True
            if not isinstance(found, Head):
                return False
            kept = self._kept = found
        if kept.writer != writer:
            return self._file is not None and self._file.path != self._live
        return checkpoint.seq <= kept.seq

    # -- files ------------------------------------------------------------------------------------

    def _next_block(self) -> bool:
        """Have the next lines at hand. False when there are none yet."""
        for _ in range(_TRIES):
            if self._file is None and not self._begin():
                return False
            if self._at < len(self._lines) or self._advance():
                return True
            if self._file is not None:
                return False
        return False

    def _advance(self) -> bool:
        """The same, from the file that is open on. ``_file`` is None afterwards if its place has to be found again."""
        while self._file is not None:
            file = self._file
            block = self._read(file)
            if block is None and self._file is not None:
                following = self._following(file)
                if following is None or self._file is None:
                    return False
                block = self._read(file)  # what was written between the look at the file and that at the folder
                if block is None and self._file is not None:
                    self._open(following, 0)
                    continue
            if block is not None:
                self._put(block)
                return True
        return False

    def _read(self, file: TrailFile) -> Block | None:
        """The next lines of this file; None when there are none now. ``_file`` is None then if it has to be found
        again: it was compressed, or deleted."""
        try:
            if self._blocks is None:
                self._blocks = pieces(file, self._end)
            for piece in self._blocks:
                if isinstance(piece, Block):
                    return piece
                self._tell(file, piece.offset, piece.why)
        except FileNotFoundError:
            self.rewind(self.place)
            return None
        except Unreadable as unreadable:
            self._tell(file, unreadable.offset, unreadable.why)
        self._blocks = None
        self._lines, self._at, self._offset = [], 0, self._end
        return None

    def _tell(self, file: TrailFile, offset: int, why: str) -> None:
        if self._told != (file.inode, offset):
            self._told = (file.inode, offset)
            self.unreadable.append(f"`{file.path.name}` at octet {offset}: {why}")

    def _put(self, block: Block, lines: int = 0) -> None:
        """Have the lines of this block at hand, from this one on."""
        self._offset, self._end, self._at = block.offset, block.next_offset, lines
        self._lines = block.text.split(b"\n")[:-1]

    def _following(self, file: TrailFile) -> TrailFile | None:
        """The file after this one, if this one is whole by now."""
        if file.path == self._live:
            try:
                there = self._live.stat()
            except FileNotFoundError:
                there = None
            if there is not None and there.st_ino == file.inode:
                if there.st_size < self._end:  # cut by somebody: what it holds now has to be found anew
                    self.rewind(self.place)
                return None
        every = files(self._live)
        place = next((number for number, each in enumerate(every) if _same(each, file)), None)
        if place is None:
            later = [each for each in every if each.first_seq > self._seq or each.writer != file.writer]
            return later[0] if later else None
        return every[place + 1] if place + 1 < len(every) else None

    def _open(self, file: TrailFile, offset: int) -> None:
        if file.writer and self._writer and file.writer != self._writer:
            self._seq, self._behind, self._expected = 0, 0, 0
        self._file, self._blocks, self._lines = file, None, []
        self._at, self._offset, self._end = 0, offset, offset
        self._writer = file.writer or self._writer

    # -- where to begin ------------------------------------------------------------------------------

    def _begin(self) -> bool:
        every = files(self._live)
        if not every:
            return False
        wanted = self._wanted
        if wanted is None:
            if self._start == "now":
                self._at_the_end(every)
            else:
                self._open(every[0], 0)
            self.base = self.place
            return True
        if self._as_remembered(every, wanted) or self._by_number(every, wanted):
            return True
        self._behind, self._seq, self._expected, self._writer = 0, 0, 0, ""
        self._open(every[0], 0)
        self.base = self.place
        return True

    def _at_the_end(self, every: tuple[TrailFile, ...]) -> None:
        self._open(every[-1], 0)
        for block in _blocks(every[-1], 0):
            self._end = self._offset = block.next_offset
            self._seq = _last_seq(block.text) or self._seq
        self._expected = self._seq + 1 if self._seq else 0

    def _as_remembered(self, every: tuple[TrailFile, ...], wanted: Place) -> bool:
        """Whether the place is where it was, by the number of the record that follows, or of the one before."""
        for file in every:
            same = file.first_seq == wanted.first_seq and file.writer == wanted.writer
            if (
                not same
                or file.compressed != wanted.compressed
                or (not file.first_seq and file.path.name != wanted.file)
            ):
                continue
            size = file.path.stat().st_size if file.path.exists() else file.size
            if wanted.offset > size:
                continue
            if wanted.seq and not _fits(file, wanted):
                continue
            self._open(file, wanted.offset)
            if wanted.lines:
                block = self._read(file)
                if block is None or self._file is None:
                    self._file = None
                    continue
                self._put(block, wanted.lines)
            self._seq, self._writer = wanted.seq, wanted.writer or self._writer
            self._expected = wanted.seq + 1 if wanted.seq else file.first_seq
            return True
        return False

    def _by_number(self, every: tuple[TrailFile, ...], wanted: Place) -> bool:
        """Begin at the file that should hold the next number, and pass over what is behind."""
        if not wanted.seq and not wanted.first_seq:
            self.anew.append(f"`{wanted.file}` is not there any more, and it has no numbers to go by")
            return False
        ours = [each for each in every if each.first_seq and (each.writer == wanted.writer or not each.writer)]
        if not ours:
            self.anew.append("it is of another trail: none of the files has its writer")
            return False
        newest_seq = max((_newest_in(each) for each in ours[-1:]), default=0)
        seq = wanted.seq or wanted.first_seq - 1
        if newest_seq < seq:
            self.anew.append(f"it is at record {seq}, and the trail ends with {newest_seq}")
            return False
        before = [each for each in ours if each.first_seq <= seq + 1]
        self._open(before[-1] if before else ours[0], 0)
        self._seq = self._behind = seq
        self._expected = seq + 1
        return True


def newest(live: Path) -> int:
    """Number of the newest record of a trail; 0 when that cannot be told. The live log is cheap to look at."""
    try:
        with contextlib.suppress(FileNotFoundError, Unreadable):
            if seq := _newest_in(alone(live)):
                return seq
        return next((seq for file in reversed(files(live)) if (seq := _newest_in(file))), 0)
    except OSError:
        return 0


def _blocks(file: TrailFile, start: int) -> Iterator[Block]:
    """What can be read of a file. Raises OSError, Unreadable."""
    return (piece for piece in pieces(file, start) if isinstance(piece, Block))


def _same(one: TrailFile, other: TrailFile) -> bool:
    if one.first_seq or other.first_seq:
        return (one.writer, one.first_seq) == (other.writer, other.first_seq)
    return one.inode == other.inode or one.path.name.removesuffix(".gz") == other.path.name.removesuffix(".gz")


def _fits(file: TrailFile, wanted: Place) -> bool:
    """Whether the record behind this place has the number that follows; at the end, the one before it its own."""
    try:
        for block in _blocks(file, wanted.offset):
            for line in block.text.split(b"\n")[wanted.lines : -1]:
                record = read(line)
                if record is not None and record.seq:
                    return record.seq == wanted.seq + 1
            if wanted.lines:
                passed = b"\n".join(block.text.split(b"\n")[: wanted.lines])
                return _last_seq(passed) == wanted.seq
    except (OSError, Unreadable):
        return False
    if file.compressed:
        return False
    try:
        with file.path.open("rb") as opened:
            start = max(0, wanted.offset - _MOST_BLOCK)
            opened.seek(start)
            return _last_seq(opened.read(wanted.offset - start)) == wanted.seq
    except OSError:
        return False


def _newest_in(file: TrailFile) -> int:
    """The last number in a file, 0 if there is none."""
    found = 0
    start = 0 if file.compressed else max(0, file.size - (1 << 18))
    try:
        for block in _blocks(file, start):
            found = _last_seq(block.text) or found
    except (OSError, Unreadable):
        return found
    return found


def _last_seq(text: bytes) -> int:
    for line in reversed(text.split(b"\n")):
        record = read(line) if line else None
        if record is not None and record.seq:
            return record.seq
    return 0
