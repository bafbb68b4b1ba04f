"""VLANs by device, kept in a CSV file: a device id or a MAC, its VLAN, and whatever else a person notes there.

Knows: what a spreadsheet makes of such a list, and what a device and a VLAN may look like. Refuses to know: who asks
for it, and what a vendor makes of a VLAN. The first line names the columns: ``device`` (or ``mac``, ``guid`` ...) and
``vlan``; others are passed over, and so are blank lines and those that begin with ``#``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nacd.config.fields import mac
from nacd.config.mac_list import MAX_PROBLEMS, opened
from nacd.config.policy_text import vlan
from nacd.config.yaml import shown
from nacd.errors import Problem
from nacd.values import DeviceId

_DEVICE: Final = ("device", "device_id", "device id", "guid", "mac", "mac address", "mac_address", "macaddress")
_VLAN: Final = "vlan"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceVlans:
    """One file read. rows: GUID (lower case) or MAC (canonical) to VLAN. text, digest, problems: as in ``MacList``."""

    rows: dict[str, str]
    text: str
    digest: str
    problems: tuple[Problem, ...]


def read(path: Path) -> DeviceVlans:
    """Read a list. Never raises for what is wrong with the file: that is in ``problems``."""
    found = opened(path)
    if found.problems:
        return DeviceVlans(rows={}, text="", digest="", problems=found.problems)
    reader = _Reader(str(path))
    reader.read(found.text.removeprefix("\ufeff"))
    return DeviceVlans(rows=reader.rows, text=found.text, digest=found.digest, problems=tuple(reader.problems))


class _Reader:
    """Collects rows and problems of one file."""

    def __init__(self, file: str) -> None:
        self.rows: dict[str, str] = {}
        self.problems: list[Problem] = []
        self._file = file
        self._lines: dict[str, int] = {}

    def read(self, text: str) -> None:
        """Every line; after too many that are wrong the rest is left."""
        lines = _lines(text)
        number, head = next(lines, (1, ""))
        delimiter, device_at, vlan_at = _columns(head)
        if device_at < 0 or vlan_at < 0:
            self._refuse(number, "the first line must name the columns: `device,vlan,note`")
            return
        for number, line in lines:
            cells = _cells(line, delimiter)
            self._take(number, _cell(cells, device_at), _cell(cells, vlan_at))
            if len(self.problems) >= MAX_PROBLEMS:
                self._refuse(number, f"more than {MAX_PROBLEMS} lines are wrong, the rest was not read")
                return

    def _take(self, number: int, device: str, written: str) -> None:
        try:
            key, value = _key(device), vlan(written)
        except ValueError as wrong:
            self._refuse(number, str(wrong))
            return
        if key in self._lines:
            self._refuse(number, f"`{key}` stands in line {self._lines[key]} already")
            return
        self._lines[key] = number
        self.rows[key] = value

    def _refuse(self, line: int, message: str) -> None:
        self.problems.append(Problem(file=self._file, line=line, column=1, message=message))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line.rstrip("\r")


def _columns(line: str) -> tuple[str, int, int]:
    """Delimiter, column of the devices and column of the VLANs; -1 for what is not there."""
    for delimiter in ",;\t":
        names = [name.lower() for name in _cells(line, delimiter)]
        if _VLAN in names and len(names) > 1:
            return delimiter, next((at for at, name in enumerate(names) if name in _DEVICE), -1), names.index(_VLAN)
    return ",", -1, -1


def _cells(line: str, delimiter: str) -> list[str]:
    """Each line by itself: a quote left open must not swallow the lines below it."""
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]
    except csv.Error:
        return [line]


def _cell(cells: list[str], at: int) -> str:
    return cells[at] if at < len(cells) else ""


def _key(device: str) -> str:
    """Raises ValueError for what is neither a GUID nor a MAC."""
    try:
        return DeviceId(guid=device.removeprefix("{").removesuffix("}").lower()).guid
    except ValueError:
        pass
    try:
        return mac(device)
    except ValueError:
        raise ValueError(f"{shown(device)} is no device: write its GUID, or a MAC as in `AA-BB-CC-DD-EE-FF`") from None
