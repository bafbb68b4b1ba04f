"""Records on a terminal, in a spreadsheet, and as they lie.

Knows: tables, CSV, raw lines, and that what a peer sent must steer neither a terminal nor a spreadsheet. Refuses to
know: why these records.

Into a file or a pipe a raw line goes octet for octet, so that it can be verified; on a terminal what is not printable
in it is shown as JSON escapes it: the same value, and no octets that anybody could check.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from typing import Any, Final, Protocol

from nacd.audit.asking.rows import COLUMNS, Row, cell, row_of, visible
from nacd.audit.asking.scanning import Hit

FORMATS: Final = ("table", "json", "csv")
_PAGE: Final = 1_000
_TITLES: Final = ("time (UTC)", "NAS", "user", "MAC", "device", "what", "rule", "why")
_WHOLE: Final = ("time (UTC)", "MAC", "device")
_LEAST: Final = ("device", "rule", "user", "NAS")


class Writer(Protocol):
    """Takes records one by one."""

    def take(self, hit: Hit) -> None: ...

    def flush(self) -> None:
        """What was taken is to be seen now."""
        ...


class Lines:
    """The lines as they lie."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()

    def take(self, hit: Hit) -> None:
        line = hit.line if hit.line.endswith(b"\n") else hit.line + b"\n"
        if self._terminal:
            print(visible(line[:-1].decode("utf-8", "backslashreplace")))
        else:
            sys.stdout.buffer.write(line)

    def flush(self) -> None:
        sys.stdout.flush()


class Spreadsheet:
    """One row a record, under titles."""

    def __init__(self) -> None:
        self._rows = csv.writer(sys.stdout, lineterminator="\r\n")
        self._rows.writerow(COLUMNS)

    def take(self, hit: Hit) -> None:
        row = row_of(hit.record)
        self._rows.writerow([cell(getattr(row, name)) for name in COLUMNS])

    def flush(self) -> None:
        sys.stdout.flush()


class Table:
    """Columns for people, a page of rows at a time."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, ...]] = []

    def take(self, hit: Hit) -> None:
        self._rows.append(cells(hit.record))
        if len(self._rows) >= _PAGE:
            self.flush()

    def flush(self) -> None:
        from nacd.cli.control.table import print_table

        if self._rows:
            print_table(_TITLES, self._rows, whole=_WHOLE, least=_LEAST)
            sys.stdout.flush()
            self._rows.clear()


class Flow:
    """Rows that come one after the other: widths cannot wait for the widest."""

    _WIDTHS: Final = (21, 16, 24, 17, 24)

    def take(self, hit: Hit) -> None:
        row = row_of(hit.record)
        who = (row.nas, row.user or row.device, row.mac, row.what)
        shown = [short_time(row.time), *map(visible, who)]
        print("  ".join(each.ljust(width) for each, width in zip(shown, self._WIDTHS, strict=True)), visible(row.why))

    def flush(self) -> None:
        sys.stdout.flush()


def writer_of(wanted: str, *, flowing: bool = False) -> Writer:
    """wanted: one of FORMATS."""
    if wanted == "json":
        return Lines()
    if wanted == "csv":
        return Spreadsheet()
    return Flow() if flowing else Table()


def cells(record: Mapping[str, Any]) -> tuple[str, ...]:
    """A row of the table, harmless."""
    row: Row = row_of(record)
    shown = (row.nas, row.user, row.mac, row.device, row.what, row.rule, row.why)
    return (short_time(row.time), *map(visible, shown))


def short_time(time: str) -> str:
    """``2026-11-22 17:43:26Z``; what looks otherwise as it is."""
    shown = visible(time)
    return f"{shown[:10]} {shown[11:19]}Z" if len(shown) == 24 and shown[10] == "T" and shown[-1] == "Z" else shown
