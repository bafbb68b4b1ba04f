"""Lists of MAC addresses or of devices kept in files: plain lines, or CSV with a header that names the columns.

Knows: what a spreadsheet makes of such a list. Refuses to know: what the list is for, and what day it is. Blank lines
and lines that begin with ``#`` are passed over; any other line that is no MAC (no device id) is a problem with its
place. A column ``expires`` holds the last day on which a row counts; other columns (owner, note) are for people.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from nacd.config.fields import mac
from nacd.config.reading.contents import contents
from nacd.config.yaml import MAX_OCTETS, shown
from nacd.errors import Problem
from nacd.values import DeviceId

MAX_PROBLEMS: Final = 20
_EXPIRES: Final = frozenset({"expires", "expiry", "expires_on", "until", "valid_until"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a list holds. columns: what a header may call it. read: its one spelling; raises ValueError in words."""

    columns: frozenset[str]
    read: Callable[[str], str]


def _device(text: str) -> str:
    bare = text.strip("{}").lower()
    try:
        return DeviceId(guid=bare).guid
    except ValueError:
        message = f"{shown(text)} is no device id: write as in `6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11`"
        raise ValueError(message) from None


MACS: Final = Kind(columns=frozenset({"mac", "mac address", "mac_address", "macaddress"}), read=mac)
DEVICES: Final = Kind(columns=frozenset({"device", "device id", "device_id", "deviceid", "guid", "id"}), read=_device)


@dataclass(frozen=True, slots=True, kw_only=True)
class MacList:
    """One file read. macs: MACs, or GUIDs of devices. text is what was read, digest its SHA-256 in hex; problems are in
    line order. ends: the last day of those that do not count for ever."""

    macs: frozenset[str]
    text: str
    digest: str
    problems: tuple[Problem, ...]
    ends: Mapping[str, date] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The text of one file, and the SHA-256 of its octets in hex; or why there is none."""

    text: str = ""
    digest: str = ""
    problems: tuple[Problem, ...] = ()


def read(path: Path, kind: Kind = MACS) -> MacList:
    """Read a list. Never raises for what is wrong with the file: that is in ``problems``."""
    found = opened(path)
    if found.problems:
        return MacList(macs=frozenset(), text="", digest="", problems=found.problems)
    reader = _Reader(str(path), kind)
    reader.read(found.text.removeprefix("\ufeff"))
    return MacList(
        macs=frozenset(reader.ends),
        text=found.text,
        digest=found.digest,
        problems=tuple(reader.problems),
        ends={each: last for each, last in reader.ends.items() if last != date.max},
    )


def opened(path: Path) -> Opened:
    """The text of a list of any kind. Never raises for what is wrong with the file."""
    found = contents(path, MAX_OCTETS)
    if found.problem:
        return _unreadable(path, f"the list {found.problem}")
    octets = found.octets
    try:
        text = octets.decode()
    except UnicodeDecodeError as wrong:
        line = octets.count(b"\n", 0, wrong.start) + 1
        return _unreadable(path, f"octet 0x{octets[wrong.start]:02x} is not UTF-8: save the list as UTF-8", line)
    return Opened(text=text, digest=hashlib.sha256(octets).hexdigest())


def _unreadable(path: Path, message: str, line: int = 0) -> Opened:
    return Opened(problems=(Problem(file=str(path), line=line, column=1 if line else 0, message=message),))


class _Reader:
    """Collects rows and problems of one file. ends: each with its last day; of two rows the later one counts."""

    def __init__(self, file: str, kind: Kind) -> None:
        self.ends: dict[str, date] = {}
        self.problems: list[Problem] = []
        self._file = file
        self._kind = kind

    def read(self, text: str) -> None:
        """Every line; after too many that are wrong the rest is left."""
        columns: _Columns | None = None
        for number, line in enumerate(text.split("\n"), start=1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            if columns is None:
                columns = _header(line, self._kind)
                if columns.is_header:
                    continue
            self._line(number, line, columns)
            if len(self.problems) >= MAX_PROBLEMS:
                message = f"more than {MAX_PROBLEMS} lines are wrong, the rest was not read"
                self.problems.append(Problem(file=self._file, line=number, column=1, message=message))
                return

    def _line(self, number: int, line: str, columns: _Columns) -> None:
        cell = _cell(line, columns.delimiter, columns.named)
        try:
            found = self._kind.read(cell)
        except ValueError as wrong:
            loose = not columns.delimiter and set(line) & set(",;\t")
            word = min(self._kind.columns, key=len)
            hint = f", or begin the list with a header line that has `{word}`" if loose else ""
            self._refuse(number, _place(line, cell), f"{wrong}{hint}")
            return
        last, written = date.max, _cell(line, columns.delimiter, columns.expires) if columns.expires >= 0 else ""
        if written:
            try:
                last = date.fromisoformat(written) if len(written) == 10 else date.min
            except ValueError:
                last = date.min
            if last == date.min:
                self._refuse(number, _place(line, written), f"{shown(written)} is no day: write as in `2027-05-31`")
                return
        self.ends[found] = max(last, self.ends.get(found, date.min))

    def _refuse(self, line: int, column: int, message: str) -> None:
        self.problems.append(Problem(file=self._file, line=line, column=column, message=message))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """Where things stand. expires: -1 for nowhere."""

    delimiter: str = ""
    named: int = 0
    expires: int = -1
    is_header: bool = False


def _header(line: str, kind: Kind) -> _Columns:
    """What the first line says of the columns, if it is a header at all."""
    for delimiter in ",;\t":
        names = [name.lower() for name in _cells(line, delimiter)]
        for column, name in enumerate(names):
            if name in kind.columns:
                expires = next((at for at, other in enumerate(names) if other in _EXPIRES), -1)
                used = delimiter if len(names) > 1 else ""
                return _Columns(delimiter=used, named=column, expires=expires, is_header=True)
    return _Columns()


def _place(line: str, cell: str) -> int:
    """The column at which a cell begins, from 1."""
    return max(0, line.find(cell)) + 1


def _cell(line: str, delimiter: str, column: int) -> str:
    if not delimiter:
        return line.partition("#")[0].strip().strip('"')
    cells = _cells(line, delimiter)
    return cells[column] if column < len(cells) else ""


def _cells(line: str, delimiter: str) -> list[str]:
    """Each line by itself: a quote left open must not swallow the lines below it."""
    try:
        return [cell.strip() for cell in next(csv.reader([line.rstrip("\r")], delimiter=delimiter))]
    except csv.Error:
        return [line]
