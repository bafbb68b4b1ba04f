"""What stands at the end of a file that somebody wrote before: whole lines, the last one of the trail, and the rest.

Knows: lines, their ends, and whether each follows the one before. Refuses to know: what is to be done about it.

A power cut leaves a file with half a line at its end, or with octets of zero where the disk never got what was written.
Both are what stands behind the last newline.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import orjson

from nacd.audit.chain import events, links
from nacd.audit.chain.links import Linked

_BLOCK: Final = 1 << 18
_LONGEST: Final = 1 << 22
"""Of a longer line the end is not looked at: it is no record."""
_TELLING: Final = tuple(
    f'{{"code":"{code}"'.encode() for code in (events.FILE_BEGUN, events.CHECKPOINT, events.SIGNER_CHANGED)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The end of one file. whole: octets up to its last newline. size: all octets. last: the last line of the trail,
    None without one; after: octets up to that line's end."""

    size: int
    whole: int
    last: Linked | None
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """Two records that do not follow each other. after, following: their seq."""

    after: int
    following: int


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """The beginning of one file. seq: of its first record of the trail, 0 without one. began: time of its first
    record, seconds since the epoch, 0.0 if that cannot be read. writer: 16 hex digits, ``""`` if it does not tell."""

    seq: int
    began: float
    writer: str


def first(fd: int, whole: int) -> First:
    """Of this file. Raises OSError."""
    began, writer = 0.0, ""
    for number, line in enumerate(forwards(fd, 0, whole)):
        linked = links.split(line)
        if number == 0:
            found = _fields(line)
            began = _time(_text(found, "time"))
            writer = _text(found, "writer") if found.get("code") == events.FILE_BEGUN and linked else ""
        if linked is not None:
            return First(seq=linked.seq, began=began, writer=writer)
    return First(seq=0, began=began, writer=writer)


def ending(fd: int) -> Ending:
    """Of this file. Raises OSError."""
    size = os.fstat(fd).st_size
    whole = _last_newline(fd, size)
    for start, line in backwards(fd, whole):
        if (last := links.split(line)) is not None:
            return Ending(size=size, whole=whole, last=last, after=start + len(line))
    return Ending(size=size, whole=whole, last=None, after=0)


def backwards(fd: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Where each whole line begins, and the line, the last one first. end: behind a newline. Raises OSError."""
    at, rest = end, b""
    while at:
        start = max(0, at - _BLOCK)
        text = _read(fd, start, at) + rest
        at = start
        first = 0 if start == 0 else text.find(b"\n") + 1
        stop = len(text)
        while stop > first:
            begin = max(text.rfind(b"\n", first, stop - 1) + 1, first)
            yield start + begin, text[begin:stop]
            stop = begin
        rest = text[:first] if first <= _LONGEST else b"\n"


def forwards(fd: int, start: int, end: int) -> Iterator[bytes]:
    """Whole lines from ``start`` to ``end``, both behind a newline. Raises OSError."""
    rest = b""
    for at in range(start, end, _BLOCK):
        text = rest + _read(fd, at, min(end, at + _BLOCK))
        *lines, rest = text.split(b"\n")
        yield from (line + b"\n" for line in lines)


def stands(fd: int, end: int, link: bytes) -> bool:
    """Whether the line that ends at this octet has this link. Raises OSError."""
    if end < links.TAIL or end > os.fstat(fd).st_size:
        return False
    return _read(fd, end - 67, end) == link + b'"}\n'


def breaks(fd: int, start: int, end: int, seq: int, link: bytes) -> tuple[Break, ...]:
    """Where records in this part do not follow, the first of which should follow (seq, link). Raises OSError."""
    found = []
    for line in forwards(fd, start, end):
        linked = links.split(line)
        if linked is None:
            continue
        if linked.seq != seq + 1 or links.link_after(link, linked.body) != linked.link:
            found.append(Break(after=seq, following=linked.seq))
        seq, link = linked.seq, linked.link
    return tuple(found)


def numbers(fd: int, start: int, end: int) -> tuple[int, int]:
    """The seq of the first and of the last record in this part; 0 without one. Raises OSError."""
    first = last = 0
    for line in forwards(fd, start, end):
        if (linked := links.split(line)) is not None:
            first, last = first or linked.seq, linked.seq
    return first, last


def pinned(fd: int, start: int, end: int) -> tuple[str, str]:
    """SHA-256 of a part of the file, hex, and its beginning as text. Raises OSError."""
    digest = sha256()
    for at in range(start, end, _BLOCK):
        digest.update(_read(fd, at, min(end, at + _BLOCK)))
    shown = _read(fd, start, min(end, start + 4 * events.LONGEST_TEXT)).rstrip(b"\0")
    return digest.hexdigest(), shown.decode("utf-8", "backslashreplace")[: events.LONGEST_TEXT]


def told(fd: int, end: int, *, start: int = 0) -> tuple[str, str | None]:
    """The trail's own name and the id of the key that signs, by the last records before ``end`` that tell; ``""`` and
    None where none does. Raises OSError."""
    writer, key = "", None
    for at, line in backwards(fd, end):
        if at < start:
            break
        if not line.startswith(_TELLING) or links.split(line) is None:
            continue
        found = _fields(line)
        writer = writer or _text(found, "writer") or _text(found, "checkpoint", "writer")
        writer = writer or _text(found, "signer", "writer")
        if key is None and found.get("code") == events.CHECKPOINT:
            key = _text(found, "checkpoint", "key")
        elif key is None and found.get("code") == events.SIGNER_CHANGED:
            key = _text(found, "signer", "new")
        if writer and key is not None:
            break
    return writer, key


def _fields(line: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _time(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0


def _text(found: object, *way: str) -> str:
    for name in way:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""


def _last_newline(fd: int, size: int) -> int:
    """Octets up to the last newline and with it; 0 where there is none."""
    at = size
    while at:
        start = max(0, at - _BLOCK)
        found = _read(fd, start, at).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        at = start
    return 0


def _read(fd: int, start: int, end: int) -> bytes:
    """All octets of this part that are there."""
    parts = []
    while start < end:
        part = os.pread(fd, end - start, start)
        if not part:
            break
        parts.append(part)
        start += len(part)
    return b"".join(parts)
