"""A list for the inventory of MACs: CSV with a header, one endpoint on a line.

Knows: what a spreadsheet makes of such a list, and where in it something is wrong. Refuses to know: what is in the
inventory already, and who may change it.

Columns: ``mac``; ``owner`` and ``reason``; ``until`` and ``tags`` where there are some. What a line leaves empty, or a
list has no column for, is what was given for all. A day alone means its end.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from nacd.config.mac_list import MAX_PROBLEMS, opened
from nacd.errors import Problem
from nacd.identity.mac import NotMac, parse
from nacd.session.macs.inventory import MOST, MOST_OWNER, MOST_REASON, misgiving, tags

_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "mac": ("mac", "mac address", "mac_address", "macaddress"),
    "owner": ("owner",),
    "reason": ("reason", "note", "notes", "comment"),
    "until": ("until", "expires", "expiry", "expires_on", "valid_until"),
    "tags": ("tags", "tag"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One endpoint. mac: as ``MacAddress`` spells it. until: as it is written, ``""`` for no end. line: from 1."""

    mac: str = ""
    owner: str = ""
    reason: str = ""
    until: str = ""
    tags: tuple[str, ...] = ()
    line: int = 0
    column: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One file read. The rows count only when there are no problems."""

    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]


def read(path: Path, usual: Row, *, allow_randomised: bool = False) -> Found:
    """Read a list. usual: for what it does not say. Never raises for what is wrong with the file."""
    found = opened(path)
    if found.problems:
        return Found(rows=(), problems=found.problems)
    reader = _Reader(str(path), usual, allow_randomised)
    reader.read(found.text.removeprefix("\ufeff"))
    return Found(rows=tuple(reader.rows), problems=tuple(reader.problems))


class _Wrong(Exception):
    """What is wrong with a line, and in which column of the header, ``""`` for the line as a whole."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(slots=True)
class _Reader:
    file: str
    usual: Row
    allow_randomised: bool
    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)

    def read(self, text: str) -> None:
        """Every line; after too many that are wrong the rest is left."""
        header: _Header | None = None
        for number, line in enumerate(text.split("\n"), start=1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            if header is None:
                header = _header(line)
                if header is None:
                    message = "begin the list with a header line: `mac,owner,reason,until,tags` (`mac` alone must be)"
                    self._refuse(number, 1, message)
                    return
                continue
            cells = header.cells(line)
            try:
                self._row(number, line, cells)
            except _Wrong as wrong:
                self._refuse(number, _place(line, cells.get(wrong.name, "")), str(wrong))
            if len(self.problems) >= MAX_PROBLEMS:
                self._refuse(number, 1, f"more than {MAX_PROBLEMS} lines are wrong, the rest was not read")
                return
        if not self.rows and not self.problems:
            self._refuse(1, 1, "the list names no MAC")

    def _row(self, number: int, line: str, cells: Mapping[str, str]) -> None:
        mac = parse(cells.get("mac", ""))
        if isinstance(mac, NotMac):
            raise _Wrong("mac", f"`{cells.get('mac', '')[:60]}` is no MAC: {mac.reason}")
        why_not = misgiving(mac, allow_randomised=self.allow_randomised)
        if why_not:
            raise _Wrong("mac", why_not)
        if mac.text in self.lines:
            raise _Wrong("mac", f"`{mac}` stands in line {self.lines[mac.text]} already")
        if len(self.lines) >= MOST:
            raise _Wrong("mac", f"the inventory holds {MOST:,} entries at most")
        self.lines[mac.text] = number
        usual = self.usual
        try:
            named = tags((cells.get("tags") or "").replace("|", " ").split()) or usual.tags
        except ValueError as error:
            raise _Wrong("tags", str(error)) from None
        row = replace(
            usual,
            mac=mac.text,
            owner=cells.get("owner") or usual.owner,
            reason=cells.get("reason") or usual.reason,
            until=cells.get("until") or usual.until,
            tags=named,
            line=number,
            column=_place(line, cells.get("mac", "")),
        )
        for name, text, most in (("owner", row.owner, MOST_OWNER), ("reason", row.reason, MOST_REASON)):
            if not text:
                raise _Wrong("", f"this line has no {name}: write one, or give all of them one with --{name}")
            if len(text) > most or not text.isprintable():
                raise _Wrong(name, f"the {name} is one line of text, at most {most} characters")
        self.rows.append(row)

    def _refuse(self, line: int, column: int, message: str) -> None:
        self.problems.append(Problem(file=self.file, line=line, column=column, message=message))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """delimiter: between cells. at: number of a column's cell, by our name for it."""

    delimiter: str
    at: Mapping[str, int]

    def cells(self, line: str) -> Mapping[str, str]:
        """What a line says, by our names; a cell that is not there is not in it."""
        found = _cells(line, self.delimiter)
        return {name: found[at] for name, at in self.at.items() if at < len(found)}


def _header(line: str) -> _Header | None:
    for delimiter in ",;\t":
        names = [name.casefold() for name in _cells(line, delimiter)]
        at = dict(_named(names))
        if "mac" in at:
            return _Header(delimiter=delimiter, at=at)
    return None


def _named(names: list[str]) -> Iterator[tuple[str, int]]:
    for ours, theirs in _COLUMNS.items():
        for at, name in enumerate(names):
            if name in theirs:
                yield ours, at
                break


def _cells(line: str, delimiter: str) -> list[str]:
    """Each line by itself: a quote left open must not swallow the lines below it."""
    try:
        return [cell.strip() for cell in next(csv.reader([line.rstrip("\r")], delimiter=delimiter))]
    except csv.Error:
        return [line]


def _place(line: str, cell: str) -> int:
    """The column at which a cell begins, from 1."""
    return max(0, line.find(cell)) + 1 if cell else 1
