"""The lines of audit logs, rotated and compressed ones too.

Knows: what rotation leaves beside a log, and how a line becomes a record. Refuses to know: what a record means.

A line that is plainly about something else (accounting, sessions) is counted by its first octets and not decoded.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import orjson

from nacd.replay.record import Aside, Cause, aside
from nacd.store.trail.names import is_rotated

_UNREADABLE: Final = (".zst", ".lz4", ".lzo", ".Z")
_HEAD: Final = b'{"code":"'
_TIME: Final = b'","time":"'
_DECISIONS: Final = (b"A1001I", b"A1002I", b"A1007W")
_COUNTED: Final = (b"A1010W", b"A1011W", b"A1012W")
_LONG_OCTETS: Final = 12_000
"""Well below what makes a text be shortened."""
_ESCAPED: Final = b"\\\\ud"
_MOST_OCTETS: Final = 1 << 20

Line: TypeAlias = tuple[dict[str, Any], bool] | Aside
"""A record and whether it may hold a text that was shortened or hidden; or what the line is instead."""


class CannotRead(Exception):
    """A file of records cannot be read; the text names it and says why."""


def beside(path: Path, since: float) -> tuple[Path, ...]:
    """The log and what was rotated away from it and written since then, oldest first. since: seconds since the epoch.

    Raises CannotRead.
    """
    try:
        names = {each for each in path.parent.iterdir() if each == path or is_rotated(path, each)}
        # While a file is compressed it stands there in both forms.
        names = {each for each in names if each.suffix != ".gz" or each.with_suffix("") not in names}
        found = [(each == path, each.stat().st_mtime, each) for each in names if each.is_file()]
    except OSError as cannot:
        raise CannotRead(f"`{cannot.filename}`: {(cannot.strerror or 'error').lower()}") from None
    return tuple(each for _, at, each in sorted(found) if at >= since)


@dataclass(slots=True)
class Reader:
    """Reads files one after the other. since: RFC 3339 text; older records are passed over, ``""``: none are.

    done, total: octets on disk, for whoever shows progress. older: records passed over.
    """

    files: tuple[Path, ...]
    since: str = ""
    total: int = 0
    older: int = 0
    _since: bytes = field(init=False)
    _others: dict[bytes, Aside] = field(init=False, default_factory=dict)
    _before: int = field(init=False, default=0)
    _raw: io.BufferedReader | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._since = self.since.encode()
        self.total = sum(each.stat().st_size for each in self.files if each.exists())

    @property
    def done(self) -> int:
        """How far it has come, in octets on disk."""
        return self._before + (self._raw.tell() if self._raw is not None else 0)

    def __iter__(self) -> Iterator[Line]:
        """Every line of every file. Raises CannotRead."""
        for path in self.files:
            try:
                with path.open("rb") as raw:
                    self._raw = raw
                    plain = unpacked(path, raw)
                    while line := plain.readline(_MOST_OCTETS):
                        found = self._line(line)
                        if found is not None:
                            yield found
                    self._before, self._raw = self.done, None
            except _BROKEN as cannot:
                raise CannotRead(f"`{path}`: {_words(cannot)}") from None

    def _other(self, code: bytes) -> Aside:
        known = self._others.get(code)
        if known is None:
            known = self._others[code] = aside({"code": code.decode("ascii", "replace")})
        return known

    def _line(self, line: bytes) -> Line | None:
        code = line[9:15] if line.startswith(_HEAD) else b""
        if code and self._since and line[15:25] == _TIME and line[25:49] < self._since:
            self.older += 1
            return None
        if code and code not in _DECISIONS and code not in _COUNTED and line.endswith(b"}\n") and _is_code(code):
            return self._other(code)
        fields = decoded(line)
        if isinstance(fields, Aside):
            return fields
        time = fields.get("time")
        if self.since and isinstance(time, str) and time < self.since:
            self.older += 1
            return None
        return fields, len(line) > _LONG_OCTETS or _ESCAPED in line


def _is_code(octets: bytes) -> bool:
    return octets[:1] == b"A" and octets[1:5].isdigit()


def decoded(line: bytes) -> dict[str, Any] | Aside:
    """One line as a record, or what is wrong with it. Total."""
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError:
        whole = line.endswith(b"\n") or len(line) >= _MOST_OCTETS
        return Aside(cause=Cause.NOT_JSON if whole else Cause.TORN)
    return fields if isinstance(fields, dict) else Aside(cause=Cause.NOT_JSON)


def line_of(path: Path, number: int) -> bytes:
    """One line of a file, numbered from 1. Raises CannotRead."""
    try:
        with path.open("rb") as raw:
            plain, at = unpacked(path, raw), 0
            while line := plain.readline(_MOST_OCTETS):
                at += 1
                if at == number:
                    return line
    except _BROKEN as cannot:
        raise CannotRead(f"`{path}`: {_words(cannot)}") from None
    raise CannotRead(f"`{path}` has no line {number}")


_BROKEN: Final = (OSError, EOFError, zlib.error, lzma.LZMAError)


def unpacked(path: Path, raw: io.BufferedReader) -> io.BufferedIOBase:
    """What is in the file, by the ending of its name. Raises CannotRead for a packing that is not known."""
    if path.suffix in _UNREADABLE:
        raise CannotRead(f"`{path}` is packed as `{path.suffix[1:]}`: unpack it first")
    if path.suffix == ".gz":
        return gzip.GzipFile(fileobj=raw)
    if path.suffix == ".bz2":
        return bz2.BZ2File(raw)
    return lzma.LZMAFile(raw) if path.suffix == ".xz" else raw


def _words(cannot: Exception) -> str:
    told = cannot.strerror if isinstance(cannot, OSError) else ""
    return told.lower() if told else "it is broken and cannot be unpacked to its end"
