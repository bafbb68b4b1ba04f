"""The inventory of MACs on disk, in a file of its own in the state folder.

Knows: how an entry becomes a row, and that a list comes in whole or not at all. Refuses to know: what an entry is good
for, and whose end has come.

All entries are in memory too (``held``): they outlive a file that goes bad, and are written into the one that takes its
place. A row that has rotted is told of and counts no more: what lets somebody in is not guessed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from nacd.session.macs.inventory import Entry
from nacd.store.live import rows
from nacd.store.live.codec import Codec
from nacd.store.sqlite_file import Row, Schema, open_for_reading
from nacd.store.state_file import StateFile, Statement
from nacd.values import MacAddress

NAME: Final = "inventory.sqlite"
"""The file in the state folder."""
_ENTRY: Final = Codec(Entry, leave_out=("mac",))
_TABLE = "CREATE TABLE inventory (mac TEXT PRIMARY KEY NOT NULL, rest BLOB NOT NULL) STRICT, WITHOUT ROWID;"
SCHEMA: Final = Schema(application_id=0x6E616369, steps=(_TABLE,))
"""``naci`` in ASCII. A later version adds a step, and never changes one that was released."""
_ALL = "SELECT CAST(mac AS BLOB), rest FROM inventory"
_PUT = "INSERT INTO inventory (mac, rest) VALUES (?, ?) ON CONFLICT (mac) DO UPDATE SET rest = excluded.rest"
_REMOVE = "DELETE FROM inventory WHERE mac = ?"


class InventoryFile:
    """For any thread; all of it waits for the disk. Nothing raises for a bad one."""

    def __init__(
        self, path: Path, *, report: Callable[[str], None], held: Callable[[], Iterable[Entry]] = tuple
    ) -> None:
        """Open or make the file; what is bad is moved aside.

        report: takes one sentence, in any thread. held: what is in memory, for a file that takes a bad one's place.
        """
        self._held = held
        self._report = report
        self._file = StateFile(
            path,
            SCHEMA,
            report=report,
            when_new=self._again,
            durable=True,
            keeps="entries of the inventory",
            consequence="entries are neither added nor removed, and after a restart none counts",
        )

    @property
    def problem(self) -> str:
        """What keeps the file from working just now, in words; ``""`` when all is well."""
        return self._file.problem

    def entries(self) -> tuple[Entry, ...] | None:
        """All that can be read; None while there is no file to read, which is looked for again now and then."""
        if not self._file.write([]):
            return None
        found = self._file.ask(_ALL)
        return _read(found, self._report) if not self._file.problem else None

    def put(self, entries: Sequence[Entry]) -> str:
        """Keep these instead of older ones about the same MACs: on the disk when it returns ``""``, else nothing of it
        is, and this is why."""
        return self._written([(_PUT, [_row(each) for each in entries])])

    def remove(self, macs: Sequence[str]) -> str:
        """Keep these no more; returns as ``put``."""
        return self._written([(_REMOVE, [(mac,) for mac in macs])])

    def close(self) -> None:
        """Use the file no more."""
        self._file.close()

    def _written(self, statements: Sequence[Statement]) -> str:
        if self._file.write(statements, durable=True):
            return ""
        return self._file.problem or "it could not be written"

    def _again(self) -> Sequence[Statement]:
        found = [_row(each) for each in self._held()]
        return [(_PUT, found)] if found else []


def entry_of(path: Path, mac: str) -> Entry | None:
    """The entry of one MAC in a file that a daemon may be using; None where there is none, or no file.

    Raises OSError or ValueError in words.
    """
    if not path.exists():
        return None
    wrong: list[str] = []
    try:
        connection = open_for_reading(path, SCHEMA)
        try:
            found = _read(connection.execute(f"{_ALL} WHERE mac = ?", (mac,)).fetchall(), wrong.append)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise ValueError(f"`{path}`: {error}") from error
    if wrong:
        raise ValueError(wrong[0])
    return found[0] if found else None


def _read(found: Iterable[Row], report: Callable[[str], None]) -> tuple[Entry, ...]:
    made = []
    for mac, rest in found:
        text = mac.decode("ascii", "replace") if isinstance(mac, bytes) else "?"
        try:
            made.append(_ENTRY.unpack(rows.unsealed(rest), mac=MacAddress(text).text))
        except ValueError as error:
            report(f"the entry of `{text}` in the inventory cannot be read and counts no more, enter it again: {error}")
    return tuple(made)


def _row(entry: Entry) -> Row:
    return (entry.mac, rows.sealed(_ENTRY.pack(entry)))
