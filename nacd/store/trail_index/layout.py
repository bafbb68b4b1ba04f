"""What an index file looks like: parts in one SQLite table, each with its checksum.

Knows: octets. Refuses to know: what a term means, and where files are.

Theory. An index answers one question: which blocks of a file may hold a record with this term? A term becomes 32 bits
of a hash; with the number of its block (20 bits) that is one number, and all numbers of a file are sorted, cut into
pages of 256 and written as differences. So a term costs one look at one page, the index of a file takes a hundredth of
its text, and two terms that share a hash cost a block that is read in vain, never a record. Building holds a bounded
number of pairs: when there are more, they go to disk as a *run* and the next one begins; who asks looks into each run.

SQLite notices most damage, but not a bit that has flipped in a page's content. A block that is left out for that would
be a record that nobody finds, so each part carries a checksum of its own, over its place too.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from struct import Struct
from typing import Final

FORMAT: Final = 1
APPLICATION_ID: Final = 0x6E616378
SCHEMA: Final = "CREATE TABLE part (place INTEGER PRIMARY KEY, octets BLOB NOT NULL, sum INTEGER NOT NULL)"
HEAD, BLOCKS, WORDS, FIRST_RUN = 0, 1, 2, 16
"""Parts by their number; runs are numbered from the last one on."""
MOST_RUNS: Final = 2_000
PAGE_PAIRS: Final = 256
MOST_BLOCKS: Final = 1 << 20
_BLOCK_BITS: Final = 20
_BLOCK_MASK: Final = MOST_BLOCKS - 1
_PLACE_BITS: Final = 52
_PLACE_MASK: Final = (1 << _PLACE_BITS) - 1
_ROW: Final = Struct("<QQIIqqqq")
_ROWS_A_PART: Final = 4_096


class Damaged(Exception):
    """A part is not what was written."""


@dataclass(frozen=True, slots=True)
class BlockRow:
    """One block of whole lines. offset: in the file as it lies. octets: of text. records: lines in it that are records.
    seqs 0, times (milliseconds since the epoch) ``first > last``: none of them tells."""

    offset: int
    next_offset: int
    octets: int
    records: int
    first_seq: int
    last_seq: int
    first_ms: int
    last_ms: int


def key_of(kind: str, value: str) -> int:
    """32 bits that stand for a term, with room for the number of a block below them."""
    digest = blake2b(f"{kind}\0{value}".encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return int.from_bytes(digest, "big") << _BLOCK_BITS


def place(part: int, at: int) -> int:
    """Where something stands in the table: one of the parts above, and a number of 52 bits within it."""
    return part << _PLACE_BITS | at


def row(part: int, at: int, octets: bytes) -> tuple[int, bytes, int]:
    """A row of the table."""
    where = place(part, at)
    return where, octets, _checksum(where, octets)


def checked(where: int, octets: object, total: object) -> tuple[int, bytes]:
    """A row of the table as (number within its part, octets). Raises Damaged."""
    if not isinstance(octets, bytes) or _checksum(where, octets) != total:
        raise Damaged(f"place {where}")
    return where & _PLACE_MASK, octets


def _checksum(where: int, octets: bytes) -> int:
    return zlib.crc32(octets, zlib.crc32(where.to_bytes(8, "big")))


def pages(pairs: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """Sorted numbers as (the first of the page, the differences of those that follow)."""
    for start in range(0, len(pairs), PAGE_PAIRS):
        yield pairs[start], _differences(pairs[start : start + PAGE_PAIRS])


def _differences(row: Sequence[int]) -> bytes:
    """Seven bits an octet, the lowest first; the eighth says that more follow."""
    out = bytearray()
    put = out.append
    before = row[0]
    for number in row[1:]:
        step, before = number - before, number
        while step > 127:
            put(step & 127 | 128)
            step >>= 7
        put(step)
    return bytes(out)


def blocks_in(first: int, page: bytes, key: int) -> list[int]:
    """The blocks that a page tells for a key."""
    high = key | _BLOCK_MASK
    found = [first & _BLOCK_MASK] if key <= first <= high else []
    number, step, shift = first, 0, 0
    for octet in page:
        step |= (octet & 127) << shift
        shift += 7
        if octet < 128:
            number += step
            step = shift = 0
            if number >= key:
                if number > high:
                    break
                found.append(number & _BLOCK_MASK)
    return found


def last_of(key: int) -> int:
    """The greatest number that this key can be part of."""
    return key | _BLOCK_MASK


def block_parts(rows: list[BlockRow]) -> Iterator[tuple[int, bytes]]:
    """Rows as (number of the first, part)."""
    for start in range(0, len(rows), _ROWS_A_PART):
        part = (
            _ROW.pack(
                row.offset,
                row.next_offset,
                row.octets,
                row.records,
                row.first_seq,
                row.last_seq,
                row.first_ms,
                row.last_ms,
            )
            for row in rows[start : start + _ROWS_A_PART]
        )
        yield start, b"".join(part)


def block_rows(part: bytes) -> list[BlockRow]:
    """Raises Damaged."""
    if len(part) % _ROW.size:
        raise Damaged("a part that is no list of blocks")
    return [BlockRow(*each) for each in _ROW.iter_unpack(part)]
