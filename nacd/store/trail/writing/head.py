"""``<state>/audit/head.json``: how far the trail has come, kept apart from it.

Knows: a small file that is replaced whole, or written over where the disk is full. Refuses to know: the trail, and what
follows when the two differ.

The folder may belong to an account that has less power than whoever writes here, so no link is followed.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

NAME: Final = "head.json"
_DRAFT: Final = ".head.json.part"
_MOST_OCTETS: Final = 16_384
_HEX16: Final = re.compile(r"[0-9a-f]{16}")
_HEX64: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A place that was on disk. seq, link: of the last record there. file: path of the live file, of octets octets
    then. key: id of the key that signs, ``""`` for none. ended: nacd came to its end there and
    wrote nothing behind it."""

    writer: str
    seq: int
    link: str
    file: str
    octets: int = 0
    key: str = ""
    ended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """There is a file and it is no head. octets: what is in it, as far as it can be read."""

    octets: bytes = b""


def read(folder: Path) -> Head | Unusable | None:
    """The head in this folder; None when there is none."""
    try:
        fd = os.open(folder / NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError:
        return Unusable()
    with os.fdopen(fd, "rb") as opened:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return Unusable()
        try:
            octets = opened.read(_MOST_OCTETS)
        except OSError:
            return Unusable()
    return _head(octets) or Unusable(octets=octets)


def write(folder: Path, head: Head, *, hand_over: bool = False) -> None:
    """Replace it, on the disk when this returns. hand_over: what root makes goes to the owner of the folder above.

    Raises OSError.
    """
    _made(folder, hand_over=hand_over)
    where = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        with suppress(FileNotFoundError):
            os.unlink(_DRAFT, dir_fd=where)
        fd = os.open(_DRAFT, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640, dir_fd=where)
        with os.fdopen(fd, "wb") as draft:
            draft.write(orjson.dumps(head, option=orjson.OPT_APPEND_NEWLINE))
            draft.flush()
            _hand_over(fd, where, wanted=hand_over)
            os.fsync(fd)
        os.rename(_DRAFT, NAME, src_dir_fd=where, dst_dir_fd=where)
        os.fsync(where)
    finally:
        os.close(where)


def overwrite(folder: Path, head: Head) -> None:
    """Write it over the head that is there, for a disk that has no room for another file. Raises OSError."""
    where = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fd = os.open(NAME, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=where)
    finally:
        os.close(where)
    try:
        there = os.fstat(fd)
        # Whoever owns the folder may have put another name of somebody's file there.
        if not stat.S_ISREG(there.st_mode) or there.st_nlink != 1 or _head(os.read(fd, _MOST_OCTETS)) is None:
            raise OSError(errno.EPERM, "no head is there")
        # Without its newline, what says that it goes on is as long as what said that it ended: it needs no space.
        os.ftruncate(fd, os.pwrite(fd, orjson.dumps(head), 0))
        os.fsync(fd)
    finally:
        os.close(fd)


def _made(folder: Path, *, hand_over: bool) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    above = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.mkdir(folder.name, 0o750, dir_fd=above)
        fd = os.open(folder.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
        try:
            _hand_over(fd, above, wanted=hand_over)
        finally:
            os.close(fd)
        os.fsync(above)
    except FileExistsError:
        return
    finally:
        os.close(above)


def _hand_over(fd: int, folder: int, *, wanted: bool) -> None:
    if wanted and os.geteuid() == 0:
        around = os.fstat(folder)
        os.fchown(fd, around.st_uid, around.st_gid)


def _head(octets: bytes) -> Head | None:
    try:
        found: Any = orjson.loads(octets)
        head = Head(**found)
    except (orjson.JSONDecodeError, TypeError):
        return None
    texts = (head.writer, head.link, head.file, head.key)
    if not all(isinstance(each, str) for each in texts) or type(head.ended) is not bool:
        return None
    if type(head.seq) is not int or type(head.octets) is not int or head.seq < 1 or head.octets < 0:
        return None
    if not _HEX16.fullmatch(head.writer) or not _HEX64.fullmatch(head.link):
        return None
    return head if head.key == "" or _HEX16.fullmatch(head.key) else None
