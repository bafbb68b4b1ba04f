"""One SQLite file over the life of a daemon: opened, watched, given up for a while, made anew when it is bad.

Knows: whether there is a file to use just now, and what is wrong if there is none. Refuses to know: tables and rows
(they come with ``Schema`` and as SQL). Raises nothing at run time: what cannot be read reads as nothing, what cannot
be written is said to be not written, and both are reported.

One process owns the file (``flock``); whoever comes second runs on without it and tries again. All writing goes
through one connection under one lock; reading does not wait for it (WAL).
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import RLock, Thread
from typing import Any, Final

from nacd.store.readers import Readers
from nacd.store.sqlite_file import (
    Row,
    Schema,
    forget_log,
    is_bad,
    lock,
    log_of,
    move_aside,
    open_for_writing,
    primary_code,
    words,
)

RETRY_S: Final = 30.0
"""A file that cannot be used is tried again after this; none is moved aside more often either."""
REPORT_EVERY_S: Final = 600.0
WATCH_S: Final = 5.0
"""How often it is looked whether the path still leads to our file, and how long its log has grown."""
LOG_MOST_OCTETS: Final = 64 * 1024 * 1024
"""A log longer than this (readers that overlap keep it from starting over) is carried over while they wait."""
_SHUT_PATIENCE_S: Final = 5.0

# The file itself is sound and open: the next commit may well succeed.
_PASSING: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM})

Statement = tuple[str, Sequence[Row]]
"""One statement of SQL and the rows it is carried out for."""


class StateFile:
    """The file at ``path``; usable from any thread, but not after a fork."""

    def __init__(
        self,
        path: Path,
        schema: Schema,
        *,
        report: Callable[[str], None],
        when_new: Callable[[], Sequence[Statement]] = tuple,
        monotonic: Callable[[], float] = time.monotonic,
        durable: bool = False,
        keeps: str = "verdicts",
        consequence: str = "a restart finds older verdicts, or none",
    ) -> None:
        """Open the file if that can be done.

        report: takes a sentence, in any thread. when_new: what to write into a file that took the place of a bad
        one. monotonic: seconds of a clock that never jumps. durable: every commit is on the disk, not only those that
        are said to be. keeps: what is in the file, in the plural. consequence:
        what follows while there is none, in words.
        """
        self._path = path
        self._schema = schema
        self._report = report
        self._when_new = when_new
        self._monotonic = monotonic
        self._durable = durable
        self._keeps = keeps
        self._consequence = f"until that is mended, {consequence}"
        self._owner = os.getpid()
        self._writing = RLock()
        self._readers = Readers(path)
        self._writer: sqlite3.Connection | None = None
        self._lock = -1
        self._inode = self._log_inode = _NO_INODE
        self._problem = ""
        self._reported: dict[str, float] = {}
        self._retry_at = 0.0
        self._watch_at = 0.0
        self._moved_at = -RETRY_S
        self._room_at = -RETRY_S
        self._opened = 0
        self._ended = False
        self.aside = ""
        """Name of the bad file that was moved aside last, ``""`` for none."""
        with self._writing:
            self._open()

    @property
    def path(self) -> Path:
        """Where the file is, or would be."""
        return self._path

    @property
    def problem(self) -> str:
        """What is wrong just now, in words; ``""`` when all is well."""
        return self._problem

    @property
    def is_ours(self) -> bool:
        """Whether this is the process that opened it: a child has no right to its connections, nor to its threads."""
        return os.getpid() == self._owner

    @property
    def worth_trying(self) -> bool:
        """Whether ``write`` would try: there is a file, or it is time to look for one again."""
        return not self._ended and (self._writer is not None or self._monotonic() >= self._retry_at)

    def ask(self, sql: str, parameters: tuple[object, ...] = ()) -> list[Any]:
        """All rows of the answer; none if there is no file, or it cannot be read (which is reported)."""
        if os.getpid() != self._owner:
            return []
        opened = self._opened
        try:
            return self._readers.ask(sql, parameters)
        except UnicodeEncodeError:  # text that UTF-8 does not have is in no row
            return []
        except sqlite3.Error as error:
            with self._writing:
                self._not_read(error, opened)
            return []

    def write(self, statements: Sequence[Statement], *, durable: bool = False) -> bool:
        """Carry all out in one transaction; False if nothing of it was written.

        durable: on the disk when this returns, with everything written before; otherwise in the hands of the
        kernel, which outlives this process but not the machine.
        """
        return self.transact(partial(_carry_out, statements), durable=durable)

    def transact(self, work: Callable[[sqlite3.Connection], None], *, durable: bool = False) -> bool:
        """Do this work in one transaction, and once more if the file went bad under it; False if nothing of it stayed.

        durable: as for ``write``. What work raises beside sqlite3.Error is raised, and nothing of it stayed.
        """
        with self._writing:
            if not self.is_ours:
                return False
            for _ in range(2):
                writer = self._usable()
                if writer is None:
                    return False
                try:
                    self._commit(writer, work, durable=durable)
                except sqlite3.Error as error:
                    self._failed(error)
                    if is_bad(error):
                        continue  # into the file that took the place of the bad one, if there is one
                    return False
                self._problem = ""
                return True
            return False

    def complain(self, kind: str, sentence: str) -> None:
        """Report, each kind once in ten minutes."""
        now = self._monotonic()
        if now >= self._reported.get(kind, -REPORT_EVERY_S) + REPORT_EVERY_S:
            self._reported[kind] = now
            self._report(sentence)

    def close(self, patience_s: float = 10.0) -> bool:
        """Carry the log over into the database, close all, let go of the lock; False if that is not done in time.

        A disk that hangs must not keep the daemon from ending: then it goes on in a thread that ends with it.
        """
        self._ended = True
        if not self.is_ours:
            return True
        closing = Thread(target=self._close, name="nacd-store-end", daemon=True)
        closing.start()
        closing.join(patience_s)
        return not closing.is_alive()

    def _close(self) -> None:
        with self._writing:
            self._give_up("it is closed")  # SQLite carries the log over when the last connection goes
            if self._lock >= 0:
                os.close(self._lock)
                self._lock = -1

    # -- writing ---------------------------------------------------------------------------------

    def _commit(self, writer: sqlite3.Connection, work: Callable[[sqlite3.Connection], None], *, durable: bool) -> None:
        for_once = durable and not self._durable
        if for_once:
            writer.execute("PRAGMA synchronous = FULL")
        try:
            writer.execute("BEGIN IMMEDIATE")
            work(writer)
            writer.execute("COMMIT")
        finally:
            if writer.in_transaction:
                writer.execute("ROLLBACK")
            if for_once:
                writer.execute("PRAGMA synchronous = NORMAL")

    def _usable(self) -> sqlite3.Connection | None:
        """The file to write to; looks for it again if it is time, or if it was taken away."""
        now = self._monotonic()
        if self._ended:
            return None
        if self._writer is not None and now >= self._watch_at:
            self._watch_at = now + WATCH_S
            self._watch()
        if self._writer is None and now >= self._retry_at:
            self._open()
        return self._writer

    def _watch(self) -> None:
        (file, _), (log, log_octets) = _identity(self._path), _identity(log_of(self._path))
        if (file, log) != (self._inode, self._log_inode):
            self.complain("taken", f"`{self._path}` was taken away while nacd was using it: it is opened anew")
            self._give_up("it was taken away")
            if log == self._log_inode and file != self._inode:
                # SQLite leaves the log of a file that was moved, and would play it into the one that came instead.
                try:
                    forget_log(self._path)
                except OSError as error:
                    self._problem = f"cannot keep {self._keeps} in `{self._path}`: {words(error)}; {self._consequence}"
                    return
            self._retry_at = self._monotonic()
        elif log_octets > LOG_MOST_OCTETS:
            self._shorten_log()

    def _shorten_log(self) -> None:
        if self._writer is None:
            return
        try:
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            self._failed(error)

    # -- opening ---------------------------------------------------------------------------------

    def _open(self) -> None:
        """Open the file, once more in the place of a bad one. Leaves a problem in words if that cannot be done."""
        was_told = self._problem
        self._retry_at = self._monotonic() + RETRY_S
        try:
            if not self._readers.shut(_SHUT_PATIENCE_S):
                raise OSError("somebody still reads the old one")  # noqa: TRY301
            if self._lock < 0:
                self._lock = lock(self._path)
            try:
                writer = open_for_writing(self._path, self._schema)
            except ValueError as bad:
                self._set_aside(str(bad))
                writer = open_for_writing(self._path, self._schema)
        except (OSError, ValueError) as error:
            why = words(error) if isinstance(error, OSError) else str(error)
            self._problem = f"cannot keep {self._keeps} in `{self._path}`: {why}; {self._consequence}"
            self.complain(f"open {why}", self._problem)
            return
        if self._durable:
            writer.execute("PRAGMA synchronous = FULL")
        self._inode, _ = _identity(self._path)
        self._log_inode, _ = _identity(log_of(self._path))
        self._writer = writer
        self._opened += 1
        self._problem = ""
        self._watch_at = self._monotonic() + WATCH_S
        self._readers.open()
        self._refill(writer)
        if was_told and self._writer is not None:
            self.complain("again", f"{self._keeps} are kept in `{self._path}` again")

    def _refill(self, writer: sqlite3.Connection) -> None:
        statements = self._when_new()
        if not statements:
            return
        try:
            self._commit(writer, partial(_carry_out, statements), durable=True)
        except sqlite3.Error as error:
            self._failed(error)

    def _set_aside(self, why: str) -> None:
        """Raises OSError if it cannot be moved, or if the last one was moved a moment ago."""
        now = self._monotonic()
        if now < self._moved_at + RETRY_S:
            raise OSError(f"{why}, and so was the one before")
        self._moved_at = now
        self.aside = move_aside(self._path, datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")).name
        self.complain(f"aside {why}", f"{why}: moved aside to `{self.aside}`, and a new one is made")

    def _not_read(self, error: sqlite3.Error, opened: int) -> None:
        if opened != self._opened:
            return  # of a file that is not in use any more
        if is_bad(error):
            self._failed(error)
            return
        self._problem = f"cannot read `{self._path}`: {words(error)}"
        self.complain(f"read {primary_code(error)}", self._problem)

    def _failed(self, error: sqlite3.Error) -> None:
        """Something went wrong with an open file: remember it, say it, and draw the consequence."""
        why = words(error)
        code = primary_code(error)
        if code not in _PASSING:
            self._give_up(why)
        if is_bad(error) and not self._ended:
            self._open_anew(why)
            return
        self._problem = f"cannot use `{self._path}`: {why}; {self._consequence}"
        self.complain(f"error {code}", self._problem)
        if code == sqlite3.SQLITE_FULL and self._monotonic() >= self._room_at:
            # The log starts over once it is carried over: rows that are replaced then need no more room.
            self._room_at = self._monotonic() + RETRY_S
            self._shorten_log()

    def _open_anew(self, why: str) -> None:
        try:
            if not self._readers.shut(_SHUT_PATIENCE_S):
                raise OSError("somebody still reads it")  # noqa: TRY301
            self._set_aside(f"`{self._path}` cannot be read: {why}")
        except OSError as error:
            self._problem = f"cannot keep {self._keeps} in `{self._path}`: {words(error)}; {self._consequence}"
            self.complain("bad", self._problem)
            return
        self._open()

    def _give_up(self, why: str) -> None:
        """Close every connection; the file is not used until it is opened again."""
        writer, self._writer = self._writer, None
        self._retry_at = self._monotonic() + RETRY_S
        self._readers.shut(_SHUT_PATIENCE_S)
        if writer is None:
            return
        try:
            writer.close()
        except sqlite3.Error as error:
            self.complain("close", f"`{self._path}` did not close well ({why}): {words(error)}")


def _carry_out(statements: Sequence[Statement], writer: sqlite3.Connection) -> None:
    for sql, rows in statements:
        writer.executemany(sql, rows)


def _identity(path: Path) -> tuple[tuple[int, int], int]:
    """Which file the path leads to, and its size in octets."""
    try:
        there = os.stat(path, follow_symlinks=False)
    except OSError:
        return _NO_INODE, 0
    return (there.st_dev, there.st_ino), there.st_size


_NO_INODE: Final = (0, 0)
