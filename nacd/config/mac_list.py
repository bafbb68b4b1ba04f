"""Lists of MAC addresses kept in files: plain lines, or CSV with a header that has a column ``mac``.

Knows: what a spreadsheet makes of such a list. Refuses to know: what the list is for. Blank lines and
lines that begin with ``#`` are passed over; any other line that is no MAC is a problem with its place.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nacd.config.fields import mac
from nacd.config.yaml import MAX_OCTETS
from nacd.errors import Problem

MAX_PROBLEMS: Final = 20
_HEADERS: Final = frozenset({"mac", "mac address", "mac_address", "macaddress"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MacList:
    """One file read. text is what was read, digest its SHA-256 in hex; problems are in line order."""

    macs: frozenset[str]
    text: str
    digest: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The text of one file, and the SHA-256 of its octets in hex; or why there is none."""

    text: str = ""
    digest: str = ""
    problems: tuple[Problem, ...] = ()


def read(path: Path) -> MacList:
    """Read a list. Never raises for what is wrong with the file: that is in ``problems``."""
    found = opened(path)
    if found.problems:
        return MacList(macs=frozenset(), text="", digest="", problems=found.problems)
    macs, problems = _parse(found.text.removeprefix("\ufeff"), str(path))
    return MacList(macs=macs, text=found.text, digest=found.digest, problems=tuple(problems))


def opened(path: Path) -> Opened:
    """The text of a list of any kind. Never raises for what is wrong with the file."""
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_OCTETS + 1)
    except OSError as wrong:
        return _unreadable(path, f"the list cannot be read: {(wrong.strerror or 'error').lower()}")
    if len(octets) > MAX_OCTETS:
        return _unreadable(path, f"the list is larger than {MAX_OCTETS >> 20} MiB")
    try:
        text = octets.decode()
    except UnicodeDecodeError as wrong:
        line = octets.count(b"\n", 0, wrong.start) + 1
        return _unreadable(path, f"octet 0x{octets[wrong.start]:02x} is not UTF-8: save the list as UTF-8", line)
    return Opened(text=text, digest=hashlib.sha256(octets).hexdigest())


def _unreadable(path: Path, message: str, line: int = 0) -> Opened:
    return Opened(problems=(Problem(file=str(path), line=line, column=1 if line else 0, message=message),))


def _parse(text: str, file: str) -> tuple[frozenset[str], list[Problem]]:
    macs: set[str] = set()
    problems: list[Problem] = []
    delimiter, column, headed = "", 0, False
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not headed:
            headed = True
            delimiter, column, is_header = _header(line)
            if is_header:
                continue
        cell = _cell(line, delimiter, column)
        try:
            macs.add(mac(cell))
        except ValueError as wrong:
            hint = (
                ""
                if delimiter or not set(line) & set(",;\t")
                else ", or begin the list with a header line that has `mac`"
            )
            problems.append(Problem(file=file, line=number, column=1, message=f"{wrong}{hint}"))
            if len(problems) >= MAX_PROBLEMS:
                message = f"more than {MAX_PROBLEMS} lines are wrong, the rest was not read"
                problems.append(Problem(file=file, line=number, column=1, message=message))
                break
    return frozenset(macs), problems


def _header(line: str) -> tuple[str, int, bool]:
    """Delimiter and column of the MACs, and whether this line is a header at all."""
    for delimiter in ",;\t":
        names = [name.lower() for name in _cells(line, delimiter)]
        for column, name in enumerate(names):
            if name in _HEADERS:
                return (delimiter if len(names) > 1 else ""), column, True
    return "", 0, False


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
