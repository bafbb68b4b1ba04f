"""Octets of a file as blocks of whole lines: plain, or gzip of one member or of many.

Knows: lines, members, what is cut short or broken and where it goes on. Refuses to know: names of files, records.

Memory is bounded by the longest line that is lawful, whatever lies there: a member that unpacks to gigabytes comes as
many blocks, and what has no newline for a mebibyte is passed over and told.
"""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

BLOCK_OCTETS: Final = 1 << 20
"""About how much text a block of a plain file has."""
LINE_OCTETS: Final = 1 << 20
"""The longest line that is read; nacd writes none of a tenth of that."""
_CHUNK_OCTETS: Final = 1 << 18
_MEMBER_OCTETS: Final = 4 << 20
"""Members with more text come as several blocks."""
_GZIP: Final = b"\x1f\x8b\x08"
_OTHERS: Final = (b"\xfd7zXZ\0", b"BZh", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18", b"\x89LZO\0", b"\x1f\x9d")
"""How files begin that logrotate was told to compress by xz, bzip2, zstd, lz4, lzop, compress."""
_HEAD_OCTETS: Final = 256
_STEP_OCTETS: Final = 64
_PROBE_OCTETS: Final = 4096
TOO_LONG: Final = "a line is longer than any record can be"
CUT_SHORT: Final = "the compressed file is cut short"
BROKEN: Final = "the compressed file is broken"
OTHERWISE: Final = "it is compressed, and not by gzip: unpack it (`xz -d`, `zstd -d`, ...), or nothing in it is read"
NO_NEWLINE: Final = "the file ends in the middle of a line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Whole lines. offset: where it begins in the file as it lies (compressed: where its member begins). next_offset:
    where the next one begins. text_offset: how much text stands before it, counted from where reading began. whole:
    ``read_block(file, offset)`` gives exactly this text."""

    offset: int
    text: bytes
    next_offset: int
    text_offset: int = 0
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A place that cannot be read. offset: where, in the file as it lies (compressed: where the member begins).
    text_offset: how much text stands before it, counted from where reading began."""

    why: str
    offset: int
    text_offset: int


def plain(opened: io.FileIO, start: int) -> Iterator[Block | Gap]:
    """A plain file from ``start`` on (octets), without the half line at its end. Raises OSError."""
    if otherwise_packed(opened):
        if not start:
            yield Gap(why=OTHERWISE, offset=0, text_offset=0)
        return
    opened.seek(start)
    rest, at = b"", start
    while chunk := opened.read(BLOCK_OCTETS):
        cut = chunk.rfind(b"\n") + 1
        if cut:
            text = rest + chunk[:cut] if rest else chunk[:cut]
            yield Block(offset=at, text=text, next_offset=at + len(text), text_offset=at - start)
            rest, at = chunk[cut:], at + len(text)
        else:
            rest += chunk
        if len(rest) > LINE_OCTETS:
            following = _behind_the_line(opened, at + len(rest))
            yield Gap(why=TOO_LONG, offset=at, text_offset=at - start)
            opened.seek(following)
            rest, at = b"", following


def otherwise_packed(opened: io.FileIO) -> bool:
    """Whether a file is compressed in a way that is not read here. Raises OSError."""
    return os.pread(opened.fileno(), 6, 0).startswith(_OTHERS)


def _behind_the_line(opened: io.FileIO, at: int) -> int:
    """Where the next line begins, or the end of the file."""
    while chunk := opened.read(BLOCK_OCTETS):
        found = chunk.find(b"\n")
        if found >= 0:
            return at + found + 1
        at += len(chunk)
    return at


def members(opened: io.FileIO, start: int) -> Iterator[Block | Gap]:
    """A compressed file from the member at ``start`` on (octets, RFC 1952). Raises OSError."""
    stream = _Stream(opened, start)
    lines = _Lines()
    while stream.more():
        at = stream.at
        lines.member(at)
        why = ""
        try:
            for text in stream.member():
                yield from lines.take(text, final=False)
        except (zlib.error, EOFError) as broken:
            why = CUT_SHORT if isinstance(broken, EOFError) else BROKEN
        yield from lines.take(b"", final=True, next_offset=stream.at)
        if why:
            yield Gap(why=why, offset=at, text_offset=lines.text_at)
            lines.forget()
            stream.go_on_behind(at)
    if lines.rest:
        yield Gap(why=NO_NEWLINE, offset=lines.offset, text_offset=lines.text_at)


class _Lines:
    """Texts of members as blocks of whole lines."""

    def __init__(self) -> None:
        self.rest = b""
        self.offset = 0
        self.text_at = 0
        self._member = 0
        self._whole = True
        self._skipping = False

    def member(self, at: int) -> None:
        """A member begins; a half line may be waiting for its other half."""
        self._member = at
        self._whole = not self.rest and not self._skipping
        if not self.rest:
            self.offset = at

    def take(self, text: bytes, *, final: bool, next_offset: int = 0) -> Iterator[Block | Gap]:
        """final: the member ends. Members of ordinary size come out as one block."""
        if self._skipping:
            found = text.find(b"\n") + 1
            self.text_at += found or len(text)
            self._skipping, text = not found, text[found:] if found else b""
        self.rest += text
        if not final:
            if len(self.rest) <= _MEMBER_OCTETS:
                return
            self._whole = False
        cut = self.rest.rfind(b"\n") + 1
        if cut:
            whole = self._whole and cut == len(self.rest)
            lines, self.rest = self.rest[:cut], self.rest[cut:]
            after = next_offset if final else self._member
            yield Block(offset=self.offset, text=lines, next_offset=after, text_offset=self.text_at, whole=whole)
            self.text_at += cut
            self.offset = self._member
        if len(self.rest) > LINE_OCTETS:
            yield Gap(why=TOO_LONG, offset=self.offset, text_offset=self.text_at)
            self.text_at += len(self.rest)
            self.rest, self._skipping, self._whole = b"", True, False

    def forget(self) -> None:
        """What was begun has no end."""
        self.text_at += len(self.rest)
        self.rest, self._skipping = b"", False


class _Stream:
    """Compressed octets, a member at a time. at: where the member that comes next begins in the file."""

    def __init__(self, opened: io.FileIO, start: int) -> None:
        self._opened = opened
        self._held = b""
        self.at = start
        opened.seek(start)

    def more(self) -> bool:
        """Whether anything follows; noughts that fill up the file are nothing (RFC 1952 leaves them to the medium)."""
        while not self._held.strip(b"\0"):
            self.at += len(self._held)
            self._held = self._opened.read(_CHUNK_OCTETS)
            if not self._held:
                return False
        return True

    def member(self) -> Iterator[bytes]:
        """The member's text, a piece at a time. Raises zlib.error, EOFError."""
        decoder = zlib.decompressobj(31)
        while not decoder.eof:
            if not self._held:
                self._held = self._opened.read(_CHUNK_OCTETS)
                if not self._held:
                    raise EOFError
            before = decoder.copy()
            try:
                text = decoder.decompress(self._held, BLOCK_OCTETS)
            except zlib.error:
                yield from _what_can_be_had(before, self._held)
                raise
            left = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
            self.at += len(self._held) - len(left)
            self._held = left
            yield text

    def go_on_behind(self, at: int) -> None:
        """Look for the next member of records behind ``at``."""
        self._opened.seek(at + 1)
        held, begin, found = b"", at + 1, 0
        while True:
            found = held.find(_GZIP, found)
            if (
                found >= 0
                and len(held) - found >= _HEAD_OCTETS
                and _begins_records(held[found : found + _PROBE_OCTETS])
            ):
                break
            if found >= 0 and len(held) - found >= _HEAD_OCTETS:
                found += 1
                continue
            cut = found if found >= 0 else max(0, len(held) - len(_GZIP) + 1)
            chunk = self._opened.read(_CHUNK_OCTETS)
            if not chunk:
                found = found if found >= 0 and _begins_records(held[found : found + _PROBE_OCTETS]) else len(held)
                break
            held, begin, found = held[cut:] + chunk, begin + cut, 0
        self.at, self._held = begin + found, held[found:]


def _what_can_be_had(decoder: zlib._Decompress, octets: bytes) -> Iterator[bytes]:
    """The text before the place where it is broken: a call that fails gives nothing, so the last ones are small."""
    for at in range(0, len(octets), _STEP_OCTETS):
        before = decoder.copy()
        step = octets[at : at + _STEP_OCTETS]
        try:
            yield decoder.decompress(step)
        except zlib.error:
            with suppress(zlib.error):
                for octet in step:
                    yield before.decompress(bytes((octet,)))
            return


def _begins_records(octets: bytes) -> bool:
    try:
        return zlib.decompressobj(31).decompress(octets, _HEAD_OCTETS).startswith(b'{"')
    except zlib.error:
        return False
