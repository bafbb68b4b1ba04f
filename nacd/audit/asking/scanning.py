"""The records of a block of lines that fit a question.

Knows: that a line is searched as octets first and read as JSON only if it may fit. Refuses to know: where the
lines come from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from nacd.audit.asking.filters import Query

_TIME: Final = b'","time":"'
"""What stands between code and time in a record, from the 15th octet on; the time has 24."""

_LOWER: Final = bytes(range(256)).lower()
_SEPARATORS: Final = b"-:. "


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that fits, and its line as it lies, with its newline."""

    line: bytes
    record: Mapping[str, Any]


class Scanner:
    """Goes through blocks. unwanted: what lines begin with that are not even read as JSON. strange: lines among those
    looked at that are no records (no JSON objects)."""

    def __init__(self, query: Query, *, unwanted: tuple[bytes, ...] = ()) -> None:
        self._query = query
        self._needles = query.needles()
        self._squeezed = query.squeezed()
        self._unwanted = unwanted
        self._since = _written(query.since_ms)
        self.strange = 0

    def hits(self, text: bytes) -> list[Hit]:
        """Those in whole lines, in their order."""
        found = []
        for line in self._lines(text):
            if line.startswith(self._unwanted) or self._is_before(line):
                continue
            record = decoded(line)
            if record is None:
                self.strange += not line.isspace()
            elif self._query.fits(record):
                found.append(Hit(line, record))
        return found

    def _is_before(self, line: bytes) -> bool:
        """Whether it was made before the span, where that can be told from its first octets."""
        return bool(self._since) and line[15:25] == _TIME and line[48:50] == b'Z"' and line[25:49] < self._since

    def _lines(self, text: bytes) -> Iterator[bytes]:
        if not self._needles:
            yield from text.splitlines(keepends=True) if b"\r" not in text else _cut(text)
            return
        # Ten spellings cost ten searches; most texts hold none of them.
        if self._squeezed and not _holds(text.translate(_LOWER, _SEPARATORS), self._squeezed):
            return
        low = text.lower()
        first, *others = self._needles
        spans = {span for needle in first for span in _around(low, needle)}
        for start, end in sorted(spans):
            if all(any(low.find(needle, start, end) >= 0 for needle in group) for group in others):
                yield text[start:end]


def _holds(text: bytes, wanted: tuple[bytes, ...]) -> bool:
    return any(each in text for each in wanted)


def _written(ms: int | None) -> bytes:
    """As it stands in a record; empty where it cannot."""
    try:
        at = datetime.fromtimestamp(ms // 1000, UTC).replace(tzinfo=None).isoformat() if ms and ms > 0 else ""
    except (ValueError, OverflowError, OSError):
        at = ""
    return f"{at}.{(ms or 0) % 1000:03}Z".encode() if at else b""


def decoded(line: bytes) -> dict[str, Any] | None:
    """One line as a record; None for anything else. Total."""
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return record if isinstance(record, dict) else None


def _cut(text: bytes) -> list[bytes]:
    """At newlines alone: ``splitlines`` would cut at a carriage return, too."""
    return [line + b"\n" for line in text.removesuffix(b"\n").split(b"\n")]


def _around(low: bytes, needle: bytes) -> Iterator[tuple[int, int]]:
    """Where the lines begin and end that hold it."""
    at = low.find(needle)
    while at >= 0:
        start = low.rfind(b"\n", 0, at) + 1
        end = low.find(b"\n", at) + 1 or len(low)
        yield start, end
        at = low.find(needle, end)
