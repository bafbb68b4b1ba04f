"""The two fields that end every line of the trail: its number, and the link that ties it to all lines before it.

Knows: where they stand, to the octet, and how a link is made. Refuses to know: what a record says, files, keys.

    {"code":"A1001I", ... ,"latency_ms":1.2,"seq":18,"link":"9f ... 64 hex digits"}\\n
    `--------------------- body ----------------'

The body is everything from the first octet up to the ``,"link":"`` of the end; the link is SHA-256 of the link before
it, as its 64 hex digits, and the body. Anybody can check one with ``sha256sum``. What follows the body is of a fixed
form and length, so no octet of a line can be changed unseen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Final, NamedTuple

FIRST: Final = b"0" * 64
"""The link before the first record of a trail."""
TAIL: Final = len(b',"link":"') + 64 + len(b'"}\n')
"""Octets of a line behind its body."""

_MOST: Final = TAIL + len(b',"seq":') + 18
_END: Final = re.compile(rb'[{,]"seq":([1-9][0-9]{0,17}),"link":"([0-9a-f]{64})"}\n\Z')
_EMPTY: Final = b"{}\n"


class Linked(NamedTuple):
    """The end of a line, read. link: 64 hex digits."""

    seq: int
    link: bytes
    body: bytes


def chained(lines: Iterable[bytes], seq: int, link: bytes) -> tuple[bytes, int, bytes]:
    """Lines of ``audit.line`` with their ends, as one text; and the last seq and link in it.

    seq, link: of the record before. The room's one function that every record goes through: about two microseconds.
    """
    made: list[bytes] = []
    for line in lines:
        seq += 1
        fields = line[:-2]
        number = b',"seq":%d' % seq if line != _EMPTY else b'"seq":%d' % seq
        link = sha256(b"".join((link, fields, number))).hexdigest().encode()
        made += (fields, number, b',"link":"', link, b'"}\n')
    return b"".join(made), seq, link


def link_after(link: bytes, body: bytes) -> bytes:
    """The link of the record with this body that follows one with this link."""
    return sha256(link + body).hexdigest().encode()


def split(line: bytes) -> Linked | None:
    """A whole line with its newline, taken apart; None where it does not end as a line of the trail does."""
    end = _END.search(line, max(0, len(line) - _MOST))
    if end is None or line[:1] != b"{":
        return None
    return Linked(int(end[1]), end[2], line[:-TAIL])


def body_of(line: bytes) -> bytes:
    """What the link of this line vouches for. Raises ValueError where it does not end as a line of the trail does."""
    return _linked(line).body


def link_of(line: bytes) -> bytes:
    """The link of this line. Raises ValueError where it does not end as a line of the trail does."""
    return _linked(line).link


def seq_of(line: bytes) -> int:
    """The number of this line. Raises ValueError where it does not end as a line of the trail does."""
    return _linked(line).seq


def _linked(line: bytes) -> Linked:
    linked = split(line)
    if linked is None:
        raise ValueError("the line does not end with `seq` and `link`")
    return linked
