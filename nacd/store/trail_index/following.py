"""What is written to the live file from now on, over rotation.

Knows: where reading has come to, and which file comes next when the live one has been turned over. Refuses to know:
when it is asked again, and what the lines say.

The file is held open, so what is written to it until it is turned over is read to its end, whatever its name is then
(also when it has been compressed and deleted meanwhile). What was begun and filled between two looks is found by the
numbers of its records.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from nacd.store.trail.reading import TrailFile, files, hold
from nacd.store.trail.unpacking import Gap, members, plain

_SEQ: Final = re.compile(rb',"seq":([0-9]{1,18}),"link":"[0-9a-f]{64}"}\n')
_TAIL_OCTETS: Final = 1 << 16


class Following:
    """Begins at the end of the live file as it is now, or with the first one that will be there."""

    def __init__(self, live: Path) -> None:
        self._live = live
        self._opened: io.FileIO | None = None
        self._at = 0
        self._seq = 0
        there = _live(live)
        if there is not None:
            self._opened, _ = hold(there)
            self._to_the_end(self._opened)

    @property
    def seq(self) -> int:
        """Number of the last record before those that ``more`` gives next; 0 if it has none."""
        return self._seq

    def more(self) -> Iterator[bytes]:
        """Texts of whole lines that were written since. Raises OSError, Unreadable."""
        if self._opened is None:
            yield from self._next()
            return
        yield from self._read(self._opened)
        if self._has_moved(self._opened):
            # Once more: it may have been written to between the last look and its being turned over.
            yield from self._read(self._opened)
            yield from self._next()

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _to_the_end(self, opened: io.FileIO) -> None:
        size = os.fstat(opened.fileno()).st_size
        opened.seek(max(0, size - _TAIL_OCTETS))
        tail = opened.read(size - max(0, size - _TAIL_OCTETS))
        self._at = size - len(tail) + tail.rfind(b"\n") + 1
        self._note(tail)

    def _read(self, opened: io.FileIO) -> Iterator[bytes]:
        if os.fstat(opened.fileno()).st_size < self._at:
            self._at = 0  # it was emptied where it lies
        for piece in plain(opened, self._at):
            if not isinstance(piece, Gap):
                self._at = piece.next_offset
                self._note(piece.text)
                yield piece.text

    def _note(self, text: bytes) -> None:
        for found in _SEQ.finditer(text, max(0, len(text) - _TAIL_OCTETS)):
            self._seq = int(found[1])

    def _has_moved(self, opened: io.FileIO) -> bool:
        try:
            there = os.stat(self._live)
        except FileNotFoundError:
            return False  # its successor is not there yet
        here = os.fstat(opened.fileno())
        return (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino)

    def _next(self) -> Iterator[bytes]:
        """What was filled between two looks, and the live file that is there now."""
        live = _live(self._live)
        if live is None:
            return
        for file in files(self._live):
            if not file.live and file.inode != live.inode and self._seq and file.first_seq > self._seq:
                opened, compressed = hold(file)
                with opened:
                    for piece in members(opened, 0) if compressed else plain(opened, 0):
                        if not isinstance(piece, Gap):
                            self._note(piece.text)
                            yield piece.text
        self.close()
        self._opened, _ = hold(live)
        self._at = 0
        yield from self._read(self._opened)


def _live(live: Path) -> TrailFile | None:
    try:
        return next((file for file in files(live) if file.live), None)
    except FileNotFoundError:
        return None
