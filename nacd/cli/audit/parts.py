"""Files of a trail, walked in parts by one process a core, and handed on in their order.

Knows: how files are cut in parts, and processes. Refuses to know: what is wrong with a record (``nacd.audit.proof``).

Each part begins by believing its first record; whoever joins them looks at the borders. Plain files are cut anywhere
between two lines, compressed ones not at all. Not more than a few parts are waiting to be joined.
"""

from __future__ import annotations

import errno
import signal
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from nacd.audit.proof.walking import Walk, Walked
from nacd.cli.audit.keys import verified
from nacd.store.trail.reading import TrailFile, hold, pieces
from nacd.store.trail.unpacking import Block

PART_OCTETS: Final = 64 << 20
_AHEAD: Final = 2
_READ_OCTETS: Final = 1 << 20
_UNPACKED: Final = 10
"""How much more text than octets a compressed file is taken to have, for the progress alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """From ``start`` to before ``end`` (octets of a plain file; of a compressed one all). number: of its file. last:
    of its file."""

    file: TrailFile
    number: int
    start: int
    end: int
    last: bool

    @property
    def weight(self) -> int:
        """Octets of text, about."""
        return self.file.size * _UNPACKED if self.file.compressed else self.end - self.start


@dataclass(frozen=True, slots=True)
class _Look:
    """What every process knows. A copy of the parent's memory: nothing of it is sent."""

    keys: Mapping[str, bytes]
    wanted: Mapping[int, Collection[bytes]]


_look = _Look({}, {})


def cut(files: Sequence[TrailFile]) -> list[Part]:
    """All parts, in their order. Raises OSError, Unreadable."""
    found = []
    for number, file in enumerate(files):
        borders = [0] if file.compressed else list(_borders(file))
        # What is written after this moment belongs to the last part.
        ends = [*borders[1:], 1 << 62]
        found += [
            Part(file=file, number=number, start=start, end=end, last=end == ends[-1])
            for start, end in zip(borders, ends, strict=True)
        ]
    return found


def _borders(file: TrailFile) -> Iterator[int]:
    """Where parts of a plain file begin."""
    yield 0
    if file.size <= PART_OCTETS:
        return
    opened, compressed = hold(file)  # under this name another file may lie by now
    with opened:
        if compressed:
            raise FileNotFoundError(errno.ENOENT, "it was compressed meanwhile", str(file.path))
        for at in range(PART_OCTETS, file.size, PART_OCTETS):
            opened.seek(at)
            found = opened.read(_READ_OCTETS).find(b"\n")
            if found >= 0 and at + found + 1 < file.size:
                yield at + found + 1


def walk(part: Part) -> Walked:
    """One part from end to end. Raises OSError, Unreadable."""
    walking = Walk(_look.keys, verified, _look.wanted)
    for piece in pieces(part.file, part.start):
        offset = part.start + piece.text_offset
        if offset >= part.end:
            break
        if isinstance(piece, Block):
            walking.take(piece.text[: part.end - offset], offset)
        else:
            walking.gap(piece.why, offset)
    return walking.found


def walked(
    parts: Sequence[Part], keys: Mapping[str, bytes], wanted: Mapping[int, Collection[bytes]], processes: int
) -> Iterator[tuple[Part, Walked]]:
    """Every part with what was found in it, in their order. Raises OSError, Unreadable."""
    look = _Look(keys, wanted)
    if processes < 2 or len(parts) < 2:
        _see(look)
        yield from ((part, walk(part)) for part in parts)
        return
    with ProcessPoolExecutor(processes, initializer=_see, initargs=(look,)) as pool:
        waiting: deque[tuple[Part, Future[Walked]]] = deque()
        try:
            for part in parts:
                with _uninterrupted():
                    waiting.append((part, pool.submit(walk, part)))
                if len(waiting) > _AHEAD * processes:
                    first, found = waiting.popleft()
                    yield first, found.result()
            while waiting:
                first, found = waiting.popleft()
                yield first, found.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Processes that are started in here never hear of Ctrl-C, which a terminal sends to all of them: one that ends by
    it may take the lock of the queue with it, and then everybody waits for ever."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _see(look: _Look) -> None:
    global _look  # noqa: PLW0603 - once, before the first part
    _look = look


def digest(file: TrailFile, start: int, end: int) -> str:
    """SHA-256, hex, of a part of the file's text. Raises OSError, Unreadable."""
    made = sha256()
    for piece in pieces(file):
        at = piece.text_offset
        if at >= end:
            break
        if isinstance(piece, Block) and at + len(piece.text) > start:
            made.update(piece.text[max(0, start - at) : end - at])
    return made.hexdigest()
