"""The files of a trail, oldest first, and what is in them, a block of whole lines at a time.

Knows: which files belong to a live log (`names`), a half line at the end, files that are moved away or compressed
between being listed and being opened. Refuses to know: gzip (`unpacking`), what a record means, whether it is true.

Theory: a file is opened once and held, so whatever happens to its name afterwards does not matter. Only plain files are
opened, without following a link and without waiting (a pipe of that name would wait for ever). Memory is bounded by
the longest line that is lawful, whatever lies there.

``blocks`` raises ``Unreadable`` at the first place that cannot be read; ``pieces`` tells of it and goes on behind it.
"""

from __future__ import annotations

import errno
import io
import os
import re
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from nacd.store.trail.names import is_rotated, told_by_name
from nacd.store.trail.unpacking import LINE_OCTETS, Block, Gap, members, otherwise_packed, plain

_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
NOT_PLAIN: Final = "it is no plain file (a link, a pipe or a folder)"
_SEQ: Final = re.compile(rb',"seq":([0-9]{1,18}),"link":"[0-9a-f]{64}"}$')
_TIME: Final = re.compile(rb'^.{0,40}"time":"([^"]{1,40})"')
_WRITER: Final = re.compile(rb'"writer":"([0-9a-f]{16})"')
_TRIES: Final = 3


class Unreadable(Exception):
    """A file cannot be read to its end; the text says why. offset: where, in the file as it lies."""

    def __init__(self, words: str, *, path: Path, offset: int) -> None:
        super().__init__(f"`{path}`: {words}")
        self.why = words
        self.path = path
        self.offset = offset


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailFile:
    """One file of a trail.

    first_seq: 0 for one that was written before there were numbers. begun: time of its first record, seconds since the
    epoch. writer: 16 hex digits, empty if its first record does not tell. size: octets on disk when it was listed.
    log: the live log it belongs to. inode: what it was when it was listed.
    """

    path: Path
    first_seq: int
    begun: float
    compressed: bool
    live: bool
    writer: str = ""
    size: int = 0
    log: Path = Path()
    inode: int = 0


def files(live: Path) -> tuple[TrailFile, ...]:
    """The trail's files, oldest first, the live one last. Where a full file stands there plain and compressed, the
    plain one counts. What is no plain file is left out (see ``strange``). Raises OSError if the folder cannot be read.
    """
    for _ in range(_TRIES):
        names = _names(live)
        found: dict[str, TrailFile] = {}
        for name in names:
            if name.endswith(".gz") and name.removesuffix(".gz") in found:
                continue
            one = _listed(live, live.parent / name)
            if one is not None:
                found[name] = one
        if _names(live) == names:  # else a file may have been moved out of the sight of this walk
            break
    return tuple(_in_order(list(found.values())))


def strange(live: Path) -> tuple[Path, ...]:
    """What has the name of a file of this trail and is none: links, pipes, folders. Raises OSError."""
    return tuple(live.parent / name for name in _names(live) if not _is_plain(live.parent / name))


def alone(path: Path) -> TrailFile:
    """One file by itself, whatever its name is. Raises OSError; Unreadable if it is no plain file."""
    one = _listed(path, path, live=False)
    if one is None:
        path.lstat()
        raise Unreadable(NOT_PLAIN, path=path, offset=0)
    return one


def blocks(file: TrailFile, start: int = 0) -> Iterator[Block]:
    """The file's whole lines from the block at ``start`` on. A half line at the end of a plain file is not part of any
    block (``half_line``). Raises OSError, and Unreadable after what could be read before it."""
    for found in pieces(file, start):
        if isinstance(found, Gap):
            raise Unreadable(found.why, path=file.path, offset=found.offset)
        yield found


def pieces(file: TrailFile, start: int = 0) -> Iterator[Block | Gap]:
    """As ``blocks``, and goes on behind what cannot be read. Raises OSError; Unreadable if it is no plain file."""
    opened, compressed = _opened(file, anew=start == 0)
    with opened:
        yield from members(opened, start) if compressed else plain(opened, start)


def read_block(file: TrailFile, offset: int) -> bytes:
    """The text of the block at ``offset``, one that ``blocks`` gave. Raises OSError, Unreadable."""
    opened, compressed = _opened(file, anew=False)
    with opened:
        found = next(members(opened, offset) if compressed else plain(opened, offset), None)
    if isinstance(found, Block):
        return found.text
    raise Unreadable(found.why if found else "no block begins here", path=file.path, offset=offset)


def hold(file: TrailFile) -> tuple[io.FileIO, bool]:
    """The file, opened under whatever name it has now, and whether it is compressed. What becomes of its name after
    that does not matter. Raises OSError, Unreadable."""
    return _opened(file, anew=True)


def writer_of(opened: io.FileIO, *, compressed: bool) -> str:
    """The name of the trail that a file's first record tells, ``""`` if it does not. Raises OSError."""
    return _writer(_first_line(opened, compressed=compressed))


def half_line(file: TrailFile) -> bytes:
    """What stands behind the last newline of a plain file, ``LINE_OCTETS`` at most. Raises OSError."""
    if file.compressed:
        return b""
    opened, compressed = _opened(file, anew=True)
    with opened:
        size = os.fstat(opened.fileno()).st_size
        opened.seek(max(0, size - LINE_OCTETS))
        packed = compressed or otherwise_packed(opened)
        return b"" if packed else opened.read(LINE_OCTETS).rpartition(b"\n")[2]


# -- listing ------------------------------------------------------------------------------------


def _names(live: Path) -> list[str]:
    return sorted(name for name in os.listdir(live.parent) if name == live.name or is_rotated(live, live.parent / name))


def _is_plain(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return True  # gone meanwhile: nothing strange


def _listed(log: Path, path: Path, *, live: bool | None = None) -> TrailFile | None:
    """The file as it is now; None if it is gone or is no plain file."""
    try:
        if not _is_plain(path):
            return None
        with io.FileIO(os.open(path, _FLAGS)) as opened:
            there = os.fstat(opened.fileno())
            compressed = path.suffix == ".gz"
            first = _first_line(opened, compressed=compressed)
    except FileNotFoundError:
        return None
    except PermissionError:
        there, compressed, first = path.stat(), path.suffix == ".gz", b""
    told = told_by_name(log, path.name)
    seq = _SEQ.search(first)
    return TrailFile(
        path=path,
        first_seq=int(seq[1]) if seq else (told[1] if told else 0),
        begun=_time_of(first) or (told[0] if told else there.st_mtime),
        compressed=compressed,
        live=path == log if live is None else live,
        writer=_writer(first),
        size=there.st_size,
        log=log,
        inode=there.st_ino,
    )


def _first_line(opened: io.FileIO, *, compressed: bool) -> bytes:
    """The first line without its newline, as far as it can be had from the first 64 KiB."""
    head = opened.read(1 << 16)
    if compressed:
        try:
            head = zlib.decompressobj(31).decompress(head, 1 << 16)
        except zlib.error:
            return b""
    return head.partition(b"\n")[0]


def _writer(line: bytes) -> str:
    found = _WRITER.search(line) if line.startswith(b'{"code":"A9101I"') else None
    return found[1].decode() if found else ""


def _time_of(line: bytes) -> float:
    """When a record was made, seconds since the epoch; 0 if that cannot be read."""
    found = _TIME.search(line)
    try:
        return datetime.fromisoformat(found[1].decode()).timestamp() if found else 0.0
    except ValueError:
        return 0.0


def _in_order(found: list[TrailFile]) -> list[TrailFile]:
    """Those before there were numbers by their time; then each writer's by their numbers, because clocks jump."""
    since: dict[str, float] = {}
    for each in found:
        since[each.writer] = min(each.begun, since.get(each.writer, each.begun))
    return sorted(
        found,
        key=lambda each: (
            each.live,
            each.first_seq > 0,
            since[each.writer] if each.first_seq else each.begun,
            each.first_seq,
            each.begun,
            each.path.name,
        ),
    )


# -- opening ------------------------------------------------------------------------------------


def _opened(file: TrailFile, *, anew: bool) -> tuple[io.FileIO, bool]:
    """The file, also if it has got another name meanwhile, and whether it is compressed. anew: its compressed form
    serves as well. Raises OSError, Unreadable."""
    wanted: TrailFile | None = file
    for _ in range(_TRIES):
        if wanted is None or (wanted.compressed is not file.compressed and not anew):
            break
        try:
            opened = io.FileIO(os.open(wanted.path, _FLAGS))
        except FileNotFoundError:
            wanted = _found_again(file)
            continue
        there = os.fstat(opened.fileno())
        if stat.S_ISREG(there.st_mode) and there.st_ino == wanted.inode and _begins_as(opened, wanted):
            return opened, wanted.compressed
        opened.close()
        if not stat.S_ISREG(there.st_mode):
            break
        wanted = _found_again(file)
    if not _is_plain(file.path):
        raise Unreadable(NOT_PLAIN, path=file.path, offset=0)
    raise FileNotFoundError(errno.ENOENT, "no such file any more", str(file.path))


def _begins_as(opened: io.FileIO, file: TrailFile) -> bool:
    """The inode of a file that was deleted is soon a new one's: the number of the first record tells them apart."""
    if not file.first_seq:
        return True
    seq = _SEQ.search(_first_line(opened, compressed=file.compressed))
    opened.seek(0)
    return seq is None or int(seq[1]) == file.first_seq


def _found_again(file: TrailFile) -> TrailFile | None:
    """The same file under the name that it has now."""
    there = files(file.log) if file.log != file.path or file.live else ()
    alike = [each for each in there if not file.first_seq or each.first_seq == file.first_seq]
    same = [each for each in alike if each.inode == file.inode and each.compressed == file.compressed]
    same += [
        each for each in there if file.first_seq and (each.writer, each.first_seq) == (file.writer, file.first_seq)
    ]
    return same[0] if same else None
