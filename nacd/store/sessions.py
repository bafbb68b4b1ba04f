"""The database of sessions: one writer, one transaction for whatever came meanwhile, on the disk before it is answered.

Knows: what waits for which commit, and how sessions are found again. Refuses to know: what a change means for a session
(``Rules``). Nothing here raises for a bad disk: what cannot be written is said to be not stored, so that its accounting
goes unanswered and the NAS keeps it (RFC 2866 section 2).

Changes take effect in the order they were submitted. What is read is what was committed; a million sessions stay on the
disk, and memory holds the digests of recent accounting records and the overrides in force.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final, TypeAlias, cast

from nacd.session.overrides import Override
from nacd.session.table import NO_SESSION, Found
from nacd.session.tie import again as the_same_again
from nacd.sessions import Entry, Phase, Session
from nacd.store.group_commit import Line, settled
from nacd.store.live import filters, rows
from nacd.store.live.batch import Again, Apply, Batch, Rules, Tie
from nacd.store.live.codec import Unreadable
from nacd.store.live.filters import Filter
from nacd.store.live.hot import Hot
from nacd.store.live.nases import Nases
from nacd.store.live.outcome import Applied
from nacd.store.live.overrides import Kept, Overrides
from nacd.store.live.records import Records
from nacd.store.state_file import StateFile, Statement

MOST_WAITING: Final = 20_000
"""Changes that may wait for the disk: some seconds of a busy site, some tens of megabytes."""
MOST_AT_ONCE: Final = 1_000
APART_S: Final = 0.003
"""A commit costs as much as five changes, so on a busy site they wait for company; longer than this, and what the next
one needs has left the CPU's caches, which costs more than the commit."""
_PAGE: Final = 500
_KEYS_AT_ONCE: Final = 5_000
PENDING_LONGER_S: Final = 90 * 86_400.0
"""A session of which something is wanted is kept for so much longer: whoever hides for a week is not let off."""
_CLOSE_PATIENCE_S: Final = 10.0

LiveKey: TypeAlias = tuple[int, str, str, str, str]
Station: TypeAlias = tuple[int, str, str, str, str, float]
"""Number, tenant, device (see ``Filter``), Calling-Station-Id, NAS, and when it was let in."""
_Item: TypeAlias = Entry | tuple[Entry, ...]

_BY_ID = rows.select("id = ?")
_BY_DEVICE = rows.select(f"key = ? AND key <> '' AND tenant = ? AND +{rows.OPEN} ORDER BY id")
_BY_MAC = rows.select(f"mac = ? AND mac <> '' AND +{rows.OPEN} ORDER BY id")
_BY_USER = rows.select(f"user = ? AND user <> '' AND +{rows.OPEN} ORDER BY id")
_BY_NAS = rows.select(f"{rows.OPEN} AND nas = ? ORDER BY id")
_BY_ACCT = rows.select("acct_session_id = ? AND acct_session_id <> '' AND nas = ? ORDER BY id DESC")
_BY_AUDIT = rows.select("audit_session_id = ? AND audit_session_id <> '' ORDER BY id DESC")
_KEYS = (
    "SELECT id, tenant, key, calling, nas FROM sessions"  # noqa: S608  words of these modules
    f" WHERE id > ? AND +{rows.OPEN} AND +key <> '' ORDER BY id LIMIT {_KEYS_AT_ONCE}"
)
_STATIONS = (
    "SELECT id, tenant, device, calling, nas, authorized_at FROM sessions"
    " WHERE (id < ?1 OR ?1 = 0) AND +device <> '' AND +calling <> '' ORDER BY id DESC LIMIT ?2"
)
_COUNT = "SELECT phase, count(*) FROM sessions GROUP BY phase"
_COUNT_PENDING = "SELECT count(*) FROM sessions WHERE pending_since IS NOT NULL"
_CROWDING = (
    "SELECT id FROM (SELECT id, row_number() OVER"
    " (PARTITION BY nas, source, spot, tenant, iif(device <> '', device, calling)"
    " ORDER BY id DESC) AS place FROM sessions WHERE phase = 'authorized') WHERE place > ? LIMIT ?"
)
_PRUNE = (
    "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE phase IN ('ended', 'aged')"  # noqa: S608
    f" AND pending_since IS NULL AND max(ended_at, seen_at) < ? LIMIT {_PAGE})"
)
_PRUNE_PENDING = (
    "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE pending_since IS NOT NULL"  # noqa: S608
    f" AND +phase IN ('ended', 'aged') AND max(ended_at, seen_at) < ? LIMIT {_PAGE})"
)
_NUMBER = "SELECT seq FROM sqlite_sequence WHERE name = 'sessions'"
_FORGET_NUMBER = "DELETE FROM sqlite_sequence WHERE name = 'sessions' AND seq < ?"
_UNREAD: Final = "until it can be read, orders that stand in it (`nacd quarantine`, `block`, `allow`) do not hold"
_PUT_NUMBER = (
    "INSERT INTO sqlite_sequence (name, seq) SELECT 'sessions', ?1"
    " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'sessions')"
)


class SessionStore:
    """The daemon's own file of sessions. All methods are for any thread; all that read wait for the disk."""

    def __init__(
        self,
        file: Path,
        *,
        apply: Apply,
        tie: Tie,
        again: Again = the_same_again,
        report: Callable[[str], None],
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open or make the file; what is bad is moved aside.

        apply, tie, again: the rules, called in the writer's thread (see ``live.batch.Rules``). report: takes one
        sentence, in any thread. wall: seconds since the epoch. monotonic: seconds of a clock that never jumps.
        """
        self._rules = Rules(apply=apply, tie=tie, again=again)
        self._wall = wall
        self._known = Records()
        self._hot = Hot()
        self._nases = Nases()
        self._overrides = Overrides(self._complain)
        self._highest = 0
        self._read: sqlite3.Connection | None = None
        self._file = StateFile(
            file,
            rows.SCHEMA,
            report=report,
            when_new=self._held,
            monotonic=monotonic,
            durable=True,
            keeps="sessions",
            consequence="accounting goes unanswered and a restart forgets the sessions",
        )
        if not self.look():
            self._complain("overrides", _UNREAD)
        self._line: Line[_Item, Any] = Line(
            self._carry_out, refused=_refused, capacity=MOST_WAITING, most_at_once=MOST_AT_ONCE, apart_s=APART_S
        )

    @property
    def problem(self) -> str:
        """What keeps the store from working just now, in words; ``""`` when all is well."""
        return self._file.problem

    @property
    def has_been_read(self) -> bool:
        """Whether there was a file to read since this began: until then nobody knows what was ordered."""
        return self._read is not None

    def look(self) -> bool:
        """Read the file if that was not possible yet; whether it has been. Waits for the disk."""
        if self._read is None:
            self._file.transact(self._look)
        return self._read is not None

    # -- changes ---------------------------------------------------------------------------------

    def submit(self, change: Entry) -> Future[Applied]:
        """Carry out a change. Never waits; the future raises nothing and cannot be cancelled.

        ``stored`` is True once the disk itself has it. A record that was stored before is stored, and changes nothing.
        """
        return cast("Future[Applied]", self._put(change, 1))

    def submit_all(self, changes: Sequence[Entry]) -> Future[tuple[Applied, ...]]:
        """Carry out changes in their order, in one transaction and with one future: of a slice of work, at most some
        hundreds. One after the other they may have different outcomes; see ``submit``."""
        if not changes:
            return settled(())
        return cast("Future[tuple[Applied, ...]]", self._put(tuple(changes), len(changes)))

    def _put(self, item: _Item, weight: int) -> Future[Any]:
        if not self._file.is_ours or not self._file.worth_trying:
            return settled(_not_stored(item, self._file.problem or "the database is closed"))
        if self._line.is_full:
            self._file.complain(
                "line", f"`{self._file.path}`: {MOST_WAITING} changes of sessions wait for the disk, more are not taken"
            )
        return self._line.put(item, weight)

    def _carry_out(self, items: Sequence[_Item]) -> Sequence[Any]:
        done: list[Any] = []
        now = self._wall()
        batch: Batch | None = None

        def work(connection: sqlite3.Connection) -> None:
            nonlocal batch
            done.clear()
            self._look(connection)
            batch = Batch(connection, self._rules, self._known, self._hot, self._complain, self._nases)
            for item in items:
                if isinstance(item, tuple):
                    done.append(tuple([batch.carry_out(change) for change in item]))
                else:
                    done.append(batch.carry_out(item))
            if batch.digests:
                for sql, parameters in self._known.statements(batch.digests, now):
                    connection.executemany(sql, parameters)
            for sql, parameters in self._nases.statements(batch.boots):
                connection.executemany(sql, parameters)

        if not self._file.transact(work) or batch is None:
            return [_not_stored(item, self._file.problem or "it could not be written") for item in items]
        self._known.add(batch.digests, now)
        self._nases.add(batch.boots)
        self._highest = max(self._highest, batch.highest)
        return done

    def _look(self, connection: sqlite3.Connection) -> None:
        """Read what memory holds, whenever the file was opened."""
        if connection is not self._read:
            if self._read is None and self._file.aside:
                self._overrides.lost(f"orders that stand in `{self._file.aside}` do not hold any more: put them again")
            self._known.read(connection, self._wall())
            self._nases.read(connection)
            self._overrides.read(connection)
            for (number,) in connection.execute(_NUMBER):
                self._highest = max(self._highest, number if isinstance(number, int) else 0)
            self._read = connection

    def _held(self) -> list[Statement]:
        """A file that took the place of a bad one gives no number twice: somebody may still hold one."""
        number = [(self._highest,)]
        return [(_FORGET_NUMBER, number), (_PUT_NUMBER, number), *self._nases.held(), *self._overrides.held()]

    def _complain(self, kind: str, sentence: str) -> None:
        self._file.complain(kind, f"`{self._file.path}`: {sentence}")

    # -- reading ---------------------------------------------------------------------------------

    def session(self, id: int) -> Found:
        """The session with this number."""
        found = self._sessions(_BY_ID, (id,)) if rows.is_id(id) else ()
        return found[0] if found else NO_SESSION

    def by_device(self, tenant: str, key: str) -> tuple[Session, ...]:
        """Those that count as present and were decided by what is known under this key of a verdict; see ``Filter`` for
        all of a device."""
        return self._sessions(_BY_DEVICE, (key, tenant))

    def by_mac(self, mac: str) -> tuple[Session, ...]:
        """Those that count as present, by the MAC in its one spelling."""
        return self._sessions(_BY_MAC, (mac,))

    def by_user(self, user: str) -> tuple[Session, ...]:
        """Those that count as present, by the user of the certificate, else by User-Name."""
        return self._sessions(_BY_USER, (user,))

    def by_nas(self, nas: str) -> tuple[Session, ...]:
        """Those that count as present on a NAS; all of them, see ``find`` for pages."""
        return self._sessions(_BY_NAS, (nas,))

    def by_acct_session_id(self, nas: str, id: str) -> tuple[Session, ...]:
        """All with this Acct-Session-Id on a NAS, newest first: it may have been used again."""
        return self._sessions(_BY_ACCT, (id, nas))

    def by_audit_session_id(self, id: str) -> tuple[Session, ...]:
        """All with this audit-session-id, newest first."""
        return self._sessions(_BY_AUDIT, (id,))

    def pending(self, limit: int, after: int = 0) -> tuple[Session, ...]:
        """Of which something is wanted, by number from ``after`` on."""
        return self.find(Filter(pending=True), limit, after)

    def quiet(self, since: float, limit: int, after: int = 0) -> tuple[Session, ...]:
        """That count as present though nothing was heard since then, by number from ``after`` on. Reads all rows."""
        return self.find(Filter(open=True, quiet_since=since), limit, after)

    def find(self, wanted: Filter, limit: int, after: int = 0) -> tuple[Session, ...]:
        """A page of sessions, by number from ``after`` on; the next page begins after its last."""
        asked = filters.page(wanted, limit, after)
        return self._sessions(asked.sql, asked.parameters)

    def live_keys(self) -> Iterator[LiveKey]:
        """(number, tenant, key, Calling-Station-Id, NAS) of all that count as present and have a key; what changes
        meanwhile may be old or new."""
        last = 0
        while page := self._file.ask(_KEYS, (last,)):
            for number, *texts in page:
                last = number
                if all(isinstance(text, str) for text in texts):
                    yield (number, *texts)

    def stations(self, limit: int, before: int = 0) -> tuple[Station, ...]:
        """A page of those with a device and a Calling-Station-Id, also of those that are over, the newest first."""
        found = self._file.ask(_STATIONS, (before, limit))
        return tuple((*each,) for each in found)

    def crowding(self, most: int, limit: int) -> tuple[int, ...]:
        """Numbers of those that nothing was heard of since their Accept, and of which the same device (where none has
        proved itself: the same station) has ``most`` newer ones on the same port. Seconds for a million."""
        return tuple(number for (number,) in self._file.ask(_CROWDING, (most, limit)))

    def counts(self) -> Mapping[str, int]:
        """How many there are by phase, and how many are ``pending``. A tenth of a second for a million."""
        told = dict(self._file.ask(_COUNT))
        counts = {str(phase): told.get(str(phase), 0) for phase in Phase}
        found = self._file.ask(_COUNT_PENDING)
        return {**counts, "pending": found[0][0] if found else 0}

    def _sessions(self, sql: str, parameters: tuple[object, ...]) -> tuple[Session, ...]:
        made = []
        for row in self._file.ask(sql, parameters):
            try:
                made.append(rows.session(row))
            except Unreadable as error:
                self._complain("unreadable", f"session {row[0]} cannot be read and counts as not ours: {error}")
                made.append(rows.what_is_left(row, self._file.ask(rows.LEFT, (row[0],))))
        return tuple(made)

    # -- overrides -------------------------------------------------------------------------------

    def put_override(self, override: Override) -> Kept:
        """Keep an order; in force, and on the disk itself, when this returns it. Its id is given here."""
        return self._overrides.put(self._file, override)

    def lift_override(self, id: int, at: float, by: str) -> Kept:
        """End an order. at: seconds since the epoch."""
        return self._overrides.lift(self._file, id, at, by)

    def overrides(self) -> tuple[Override, ...]:
        """All that were not lifted, oldest first, whether or not their end has come. Does not wait for the disk."""
        return self._overrides.in_force()

    @property
    def damaged_overrides(self) -> tuple[str, ...]:
        """Orders of which only a part could be read, and what follows, in words."""
        return self._overrides.damaged if self.has_been_read else (f"`{self._file.path}`: {_UNREAD}",)

    def all_overrides(self, limit: int, after: int = 0) -> tuple[Override, ...]:
        """A page of all, lifted ones too, by id from ``after`` on."""
        return self._overrides.page(self._file, limit, after)

    # -- upkeep ----------------------------------------------------------------------------------

    def prune(self, ended_before: float) -> int:
        """Forget sessions that ended, or aged out, before this, and overrides lifted before: how many sessions. What
        ought to be under another decision is forgotten ``PENDING_LONGER_S`` later, and that is reported.

        For a thread, now and then: it works in pieces that keep nobody waiting.
        """
        forgotten = self._forget(_PRUNE, ended_before)
        if pending := self._forget(_PRUNE_PENDING, ended_before - PENDING_LONGER_S):
            self._complain("pending", f"{pending} sessions were forgotten that ought to be under another decision")
        self._overrides.forget(self._file, ended_before)
        return forgotten + pending

    def _forget(self, sql: str, before: float) -> int:
        forgotten = 0
        while True:
            gone = 0

            def work(connection: sqlite3.Connection) -> None:
                nonlocal gone
                gone = connection.execute(sql, (before,)).rowcount

            if not self._file.transact(work) or not gone:
                return forgotten
            forgotten += gone

    def close(self) -> None:
        """Write what waits, close the file."""
        if self._file.is_ours and not self._line.end(_CLOSE_PATIENCE_S):
            self._file.complain("close", f"`{self._file.path}`: not all sessions were written before the end")
        self._file.close()


def _refused(item: _Item) -> Any:
    return _not_stored(item, "too much waits for the disk")


def _not_stored(item: _Item, why: str) -> Any:
    outcome = Applied(stored=False, why=why)
    return tuple([outcome] * len(item)) if isinstance(item, tuple) else outcome
