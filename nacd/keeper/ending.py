"""The last record of a full file: its number and its link, which the trail has to tell once the file is gone.

Knows: plain and compressed files, and that the file after it tells the same at its beginning. Refuses to know: what any
other record says.
"""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from typing import Final

import orjson

from nacd.audit.chain.links import split
from nacd.keeper.sealing import Going
from nacd.store.full_files.folder import Folder, Full, Strange

_TAIL_OCTETS: Final = 1 << 20
_READ_OCTETS: Final = 262_144
_GZIP: Final = zlib.MAX_WBITS | 16
_UNREADABLE: Final = (OSError, Strange, zlib.error, orjson.JSONDecodeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """link: 64 hex digits."""

    seq: int
    link: str


def ending(folder: Folder, full: Full, following: str, going: Going) -> Ending | None:
    """Of this file; by what its successor says if it cannot be read; None if neither tells. following: its name.

    Raises what going raises.
    """
    try:
        return _own(folder, full, going) or _told(folder, following)
    except _UNREADABLE:
        try:
            return _told(folder, following)
        except _UNREADABLE:
            return None


def _own(folder: Folder, full: Full, going: Going) -> Ending | None:
    with folder.reading(full.lies) as fd:
        tail = _end_of_plain(fd) if full.plain >= 0 else _end_of_packed(fd, going)
    last = split(tail[tail.rfind(b"\n", 0, -1) + 1 :])
    return Ending(seq=last.seq, link=last.link.decode()) if last is not None else None


def _end_of_plain(fd: int) -> bytes:
    size = os.fstat(fd).st_size
    return os.pread(fd, _TAIL_OCTETS, max(0, size - _TAIL_OCTETS))


def _end_of_packed(fd: int, going: Going) -> bytes:
    """The end of the text. Only unpacking all of it leads there."""
    tail, at, member = b"", 0, zlib.decompressobj(_GZIP)
    while octets := os.pread(fd, _READ_OCTETS, at):
        at += len(octets)
        while octets:
            going()
            tail = (tail + member.decompress(octets, _READ_OCTETS))[-_TAIL_OCTETS:]
            octets = member.unused_data if member.eof else member.unconsumed_tail
            if member.eof:
                member = zlib.decompressobj(_GZIP)
    return tail


def _told(folder: Folder, following: str) -> Ending | None:
    """What the file after it says of the one before, in its first record."""
    with folder.reading(following) as fd:
        head = os.pread(fd, _READ_OCTETS, 0)
    if following.endswith(".gz"):
        head = zlib.decompressobj(_GZIP).decompress(head, _READ_OCTETS)
    line = head[: head.find(b"\n") + 1]
    if split(line) is None:
        return None
    told = orjson.loads(line)
    previous = told.get("file_begun", told).get("previous") if isinstance(told, dict) else None
    if not isinstance(previous, dict):
        return None
    seq, link = previous.get("seq"), previous.get("link")
    return Ending(seq=seq, link=link) if isinstance(seq, int) and isinstance(link, str) and seq > 0 else None
