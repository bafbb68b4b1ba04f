"""Connections for reading one SQLite file, lent to any thread for one question at a time.

Knows: who has borrowed, and how to wait until all have given back. Refuses to know: the questions, and what an
error means.

Opening a connection costs a hundred times a look-up, so they are kept; and before the file is moved away every one
of them must be closed (see ``sqlite_file``), so they are counted.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from threading import Condition
from typing import Any

from nacd.store.sqlite_file import reader

_IDLE_KEPT = 32


class Readers:
    """Shut when made. ``open`` and ``shut`` are for one thread at a time, ``ask`` for all."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._given_back = Condition()
        self._idle: list[sqlite3.Connection] = []
        self._lent = 0
        self._open = False

    def open(self) -> None:
        """From now on there is a file to ask."""
        with self._given_back:
            self._open = True

    def shut(self, patience_s: float) -> bool:
        """Lend no more and close all; False if one was not given back in time, and still is out there."""
        with self._given_back:
            self._open = False
            back = self._given_back.wait_for(lambda: self._lent == 0, patience_s)
            while self._idle:
                self._idle.pop().close()
            return back

    def ask(self, sql: str, parameters: tuple[object, ...]) -> list[Any]:
        """All rows of the answer; none while shut. Raises sqlite3.Error."""
        with self._given_back:
            if not self._open:
                return []
            connection = self._idle.pop() if self._idle else None
            self._lent += 1
        sound = False
        try:
            if connection is None:
                connection = reader(self._path)
            rows = connection.execute(sql, parameters).fetchall()
            sound = True
            return rows
        finally:
            with self._given_back:
                if connection is not None:
                    if sound and self._open and len(self._idle) < _IDLE_KEPT:
                        self._idle.append(connection)
                    else:
                        connection.close()
                self._lent -= 1
                self._given_back.notify_all()
