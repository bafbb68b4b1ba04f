"""What outlives a restart: the last verdict of each device, the discovered endpoint, the bulk window; by tenant.

Knows: which calls wait and which do not, and how many rows may stay. Refuses to know: lifetimes, whether a verdict
may still be used, whom to ask. The disk is never a reason to stop: without it nothing is found, nothing is kept, and
``problem`` says so.

A verdict is replaced by one that is not older, or that its writer knows to be newer. One that the disk has not taken
leaves an older one there: that is as good as absent until the disk takes a verdict of the same device (a restart does
not know, and finds the older one). Endpoint and bulk window are held in memory too: they outlive a file that went bad,
and within this run they are known even when no disk took them.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import astuple
from itertools import islice
from math import inf, isfinite
from pathlib import Path
from threading import Lock
from typing import Any, Final, NamedTuple

from nacd.compliance.bulk_plan import BulkWindow
from nacd.store import verdict_rows as rows
from nacd.store.group_commit import GroupCommit, settled
from nacd.store.readers import Readers
from nacd.store.sqlite_file import open_for_reading, words
from nacd.store.state_file import StateFile, Statement
from nacd.store.verdict_rows import NOTHING, Nothing, Stored
from nacd.values import Compliance

__all__ = ["NOTHING", "FiledVerdicts", "Nothing", "VerdictStore"]

MOST_WAITING: Final = 50_000
"""Verdicts that may wait for the disk: some seconds of the fastest that tenants answer."""
MOST_UNSURE: Final = 100_000
"""Devices of which it is remembered that the disk has not taken their last verdict."""
_KEYS_AT_ONCE: Final = 500
_ROWS_AT_ONCE: Final = 2_000
_CLOSE_PATIENCE_S: Final = 10.0


class _Waiting(NamedTuple):
    """A verdict on its way to the disk. newest: it replaces whatever lies there. number: the order of ``put``."""

    tenant: str
    key: str
    compliance: Compliance
    newest: bool
    number: int


def tenant_key(name: str, cloud: str, tenant: str) -> str:
    """Under which tenant a daemon keeps what it learns.

    name: in the configuration. cloud, tenant: where Microsoft has it. A name that is given to another tenant must not
    answer with what was learnt of the first.
    """
    return f"{name}@{cloud}/{tenant.lower()}"


class FiledVerdicts:
    """What is in the file, for reading."""

    def __init__(self, ask: Callable[[str, tuple[object, ...]], list[Any]]) -> None:
        self._ask = ask

    def find(self, tenant: str, key: str) -> Stored:
        """The last verdict, as it was stored. Reads the disk, from any thread."""
        found = self._ask(rows.FIND, (tenant, key))
        return rows.verdict(found[0]) if found else NOTHING

    def good_among(self, tenant: str, keys: Collection[str], before: float) -> tuple[str, ...]:
        """Which of these keys hold ``compliant`` or ``in_grace`` with a date before this, seconds since the epoch.

        For a thread: a hundred thousand keys take a good part of a second.
        """
        good: list[str] = []
        left = iter(keys)
        while chunk := tuple(islice(left, _KEYS_AT_ONCE)):
            found = self._ask(rows.good_among(len(chunk)), (tenant, before, *chunk))
            good += [key for (key,) in found]
        return tuple(good)

    def endpoint(self, tenant: str) -> str:
        """The endpoint that was discovered last, ``""`` if none is stored."""
        found = self._ask(rows.ENDPOINT, (tenant,))
        return found[0][0] if found and isinstance(found[0][0], str) else ""

    def bulk_window(self, tenant: str) -> BulkWindow:
        """The bulk window, one that never was if none is stored."""
        found = self._ask(rows.WINDOW, (tenant,))
        if not found or not all(isinstance(each, float) and isfinite(each) for each in found[0]):
            return BulkWindow()
        opened_at, last_try_at, last_success_at, last_quota_at = found[0]
        return BulkWindow(
            opened_at=opened_at, last_try_at=last_try_at, last_success_at=last_success_at, last_quota_at=last_quota_at
        )

    def count(self) -> int:
        """Verdicts in the file, of all tenants. Reads the whole file."""
        found = self._ask(rows.COUNT, ())
        return int(found[0][0]) if found else 0

    def iterate(self, tenant: str) -> Iterator[tuple[str, Compliance]]:
        """All believable verdicts of a tenant by key; what changes meanwhile may be old or new."""
        last = ""
        while page := self._ask(rows.PAGE, (tenant, last, _ROWS_AT_ONCE)):
            for each in page:
                if not isinstance(each[-1], str) or each[-1] <= last:
                    return  # a rotten file that leads in a circle
                last = each[-1]
                found = rows.verdict(each)
                if not isinstance(found, Nothing):
                    yield last, found


class FileReader(FiledVerdicts):
    """The file of a daemon that may be running, for the command line.

    Every method raises OSError, in words, where the file cannot be read.
    """

    def __init__(self, file: Path) -> None:
        try:
            open_for_reading(file, rows.SCHEMA).close()
        except OSError as error:
            raise OSError(f"cannot read `{file}`: {words(error)}") from error
        self._readers = Readers(file)
        self._readers.open()
        self._path = file
        super().__init__(self._told)

    def close(self) -> None:
        """Let go of the file."""
        self._readers.shut(_CLOSE_PATIENCE_S)

    def _told(self, sql: str, parameters: tuple[object, ...]) -> list[Any]:
        try:
            return self._readers.ask(sql, parameters)
        except sqlite3.Error as error:
            raise OSError(f"cannot read `{self._path}`: {words(error)}") from error


class _Unsure:
    """Devices whose last verdict is not known to be on disk. For any thread.

    When there are more than can be remembered, no verdict dated before that moment is believed any more. wall:
    seconds since the epoch.
    """

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._lock = Lock()
        self._numbers: dict[tuple[str, str], int] = {}
        self._number = 0
        self._believed_from = -inf

    def begin(self, tenant: str, key: str) -> int:
        """A verdict is to be written. Returns its number, higher than all before."""
        with self._lock:
            self._number += 1
            if len(self._numbers) >= MOST_UNSURE and (tenant, key) not in self._numbers:
                self._numbers.clear()
                self._believed_from = self._wall()
            self._numbers[tenant, key] = self._number
            return self._number

    def end(self, written: Sequence[_Waiting]) -> None:
        """These are on disk."""
        with self._lock:
            for each in written:
                if self._numbers.get((each.tenant, each.key)) == each.number:
                    del self._numbers[each.tenant, each.key]

    def believed_from(self, tenant: str, key: str) -> float:
        """From which date on what the disk has of this device is believed; infinite: it is not."""
        with self._lock:
            return inf if (tenant, key) in self._numbers else self._believed_from


class VerdictStore(FiledVerdicts):
    """The daemon's own: reads and writes. Nothing here raises for a bad disk; see ``problem``."""

    def __init__(
        self,
        file: Path,
        *,
        report: Callable[[str], None],
        max_rows: int = 2_000_000,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open or make the file; what is bad is moved aside.

        report: takes one sentence, in any thread. max_rows: verdicts that ``forget_older_than`` leaves at most.
        wall: seconds since the epoch. monotonic: seconds of a clock that never jumps.
        """
        self._max_rows = max_rows
        self._wall = wall
        self._unsure = _Unsure(wall)
        self._small = Lock()
        self._endpoints: dict[str, str] = {}
        self._windows: dict[str, BulkWindow] = {}
        self._file = StateFile(file, rows.SCHEMA, report=report, when_new=self._held, monotonic=monotonic)
        super().__init__(self._file.ask)
        self._line: GroupCommit[_Waiting] = GroupCommit(self._commit, capacity=MOST_WAITING)

    @classmethod
    def read_only(cls, file: Path) -> FileReader:
        """The file for reading, while a daemon may be writing it.

        Raises OSError in words if there is none or it cannot be read, ValueError in words if it is not nacd's.
        """
        return FileReader(file)

    @property
    def problem(self) -> str:
        """What keeps the store from working just now, in words; ``""`` when all is well."""
        return self._file.problem

    def find(self, tenant: str, key: str) -> Stored:
        """The last verdict, as it was stored; ``NOTHING`` while a later one is not on disk. Reads, from any thread."""
        since = self._unsure.believed_from(tenant, key)
        found = super().find(tenant, key) if since < inf else NOTHING
        return NOTHING if isinstance(found, Nothing) or found.as_of < since else found

    def put(self, tenant: str, key: str, compliance: Compliance, *, newest: bool = False) -> Future[bool]:
        """Keep a verdict. Never waits.

        newest: whoever puts it knows that it is newer than all before, whatever the dates say (a clock that was set
        back dates later ones earlier). True once the file holds this verdict or one that is not older; False if it
        could not be written, too many wait, or it is no verdict (``unavailable``, ``not_asked``, no date). The future
        cannot be cancelled.
        """
        if not self._file.is_ours or not rows.is_storable(tenant, key, compliance):
            return settled(False)
        number = self._unsure.begin(tenant, key)
        if not self._file.worth_trying:
            return settled(False)
        if self._line.is_full:
            self._file.complain(
                "line", f"`{self._file.path}`: {MOST_WAITING} verdicts wait for the disk, further ones are not kept"
            )
        return self._line.put(_Waiting(tenant, key, compliance, newest, number))

    def keep_endpoint(self, tenant: str, uri: str) -> None:
        """Keep the discovered endpoint. Waits for the disk, raises nothing."""
        if not rows.is_text(tenant + uri):
            return
        with self._small:
            self._endpoints[tenant] = uri
        self._file.write([(rows.PUT_ENDPOINT, [(tenant, uri)])])

    def endpoint(self, tenant: str) -> str:
        """The endpoint that was kept last, ``""`` if none was."""
        with self._small:
            held = self._endpoints.get(tenant, "")
        return held or super().endpoint(tenant)

    def keep_bulk_window(self, tenant: str, window: BulkWindow) -> bool:
        """Keep the window; on the disk itself when this returns True. Waits for the disk, raises nothing."""
        if not rows.is_text(tenant) or not all(map(isfinite, astuple(window))):
            return False
        with self._small:
            self._windows[tenant] = window
        return self._file.write([(rows.PUT_WINDOW, [(tenant, *astuple(window))])], durable=True)

    def bulk_window(self, tenant: str) -> BulkWindow:
        """The window that was kept last, one that never was if there is none."""
        with self._small:
            held = self._windows.get(tenant)
        return held if held is not None else super().bulk_window(tenant)

    def forget_older_than(self, as_of: float) -> int:
        """Forget verdicts dated before this, and the oldest of those above ``max_rows``: how many.

        When all are dated before this, none is forgotten for its age: the clock is far ahead, or was when they were
        dated. For a thread, now and then: it reads the whole file, in pieces that keep nobody waiting.
        """
        forgotten = self._forget(rows.OLDER, as_of, sys.maxsize) if self._file.ask(rows.ANY_YOUNG, (as_of,)) else 0
        excess = self.count() - self._max_rows
        if excess > 0:
            oldest = self._file.ask(rows.OLDEST, (excess - 1,))
            for (date,) in oldest:
                older = self._forget(rows.OLDER, date, excess)
                forgotten += older + self._forget(rows.NOT_YOUNGER, date, excess - older)
        return forgotten

    def close(self) -> None:
        """Write what waits, close the file; a disk that hangs is left after ten seconds."""
        until = time.monotonic() + _CLOSE_PATIENCE_S
        if self._file.is_ours and not self._line.end(_CLOSE_PATIENCE_S):
            self._file.complain("close", f"`{self._file.path}`: not all verdicts were written before the end")
        self._file.close(max(0.0, until - time.monotonic()))

    def _commit(self, waiting: Sequence[_Waiting]) -> bool:
        now = self._wall()
        values = [rows.row(each.tenant, each.key, each.compliance, -inf if each.newest else now) for each in waiting]
        written = self._file.write([(rows.PUT, values)])
        if written:
            self._unsure.end(waiting)
        return written

    def _held(self) -> list[Statement]:
        with self._small:
            endpoints = list(self._endpoints.items())
            windows = [(tenant, *astuple(window)) for tenant, window in self._windows.items()]
        held: list[Statement] = [(rows.PUT_ENDPOINT, endpoints), (rows.PUT_WINDOW, windows)]
        return [statement for statement in held if statement[1]]

    def _forget(self, which: str, as_of: float, most: int) -> int:
        forgotten = 0
        last: tuple[str, str] = ("", "")
        while forgotten < most:
            found = self._file.ask(which, (*last, as_of, min(_ROWS_AT_ONCE, most - forgotten)))
            if not found or not all(isinstance(word, str) for word in found[-1]) or found[-1] <= last:
                return forgotten  # nothing left, or a rotten file that leads in a circle
            if not self._file.write([(rows.FORGET, [(*each, as_of) for each in found])]):
                return forgotten
            forgotten += len(found)
            last = found[-1]
        return forgotten
