"""Changes carried out in one transaction: which session each is about, what the rules make of it, the row.

Knows: where to look for a session, best first. Refuses to know: the rules (they are given), commits, files.

Names are tried one after the other, best first (our Class token, audit-session-id, Acct-Session-Id, at last the place),
because each costs a look into an index; at each step the rules say whether one of those that were found is meant.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias, TypeVar

from nacd.session.table import NO_SESSION, Found, Ignored, NoSession
from nacd.sessions import Accounted, Authorized, CameAgain, Change, Entry, NasRestarted, Phase, Place, Session
from nacd.store.live import rows
from nacd.store.live.codec import Unreadable
from nacd.store.live.hot import Hot
from nacd.store.live.nases import Nases
from nacd.store.live.outcome import Applied
from nacd.store.live.records import Records, short

Apply: TypeAlias = Callable[[Found, Entry], Session | NoSession | Ignored]
Tie: TypeAlias = Callable[[Accounted, Sequence[Session]], Found]
_Dated = TypeVar("_Dated", Accounted, NasRestarted)
Again: TypeAlias = Callable[[Authorized, Sequence[Session]], Found]

CANDIDATES: Final = 8
SAME_BOOT_S: Final = 60.0
"""An Accounting-On without a time that comes twice within this is one boot that was told twice."""
_PAGE: Final = 500

_BY_ID = rows.select("id = ?")
_BY_TOKEN = rows.select(f"token = ? AND token <> '' ORDER BY id DESC LIMIT {CANDIDATES}")
_BY_AUDIT = rows.select(
    f"audit_session_id = ? AND audit_session_id <> '' AND nas = ? ORDER BY id DESC LIMIT {CANDIDATES}"
)
_BY_ACCT = rows.select(f"acct_session_id = ? AND nas = ? AND acct_session_id <> '' ORDER BY id DESC LIMIT {CANDIDATES}")
_BY_CALLING = rows.select(f"calling = ? AND nas = ? AND phase <> 'ended' ORDER BY id DESC LIMIT {CANDIDATES}")
_OF_NAS = rows.select(f"phase = ? AND nas = ? AND source = ? AND id > ? ORDER BY id LIMIT {_PAGE}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What decides; all three are pure.

    apply: the session as the change leaves it, or why not. With the id it was given it replaces that row; with id 0
    it is a new one. tie: which of the candidates (newest first) a record is about. again: which of them is authorized
    anew.
    """

    apply: Apply
    tie: Tie
    again: Again


@dataclass(slots=True)
class Batch:
    """One transaction. ``digests``, ``boots``: the records in it, to be remembered once it is committed. ``blobs``:
    what was read, by number."""

    connection: sqlite3.Connection
    rules: Rules
    known: Records
    hot: Hot
    report: Callable[[str, str], None]
    nases: Nases = field(default_factory=Nases)
    digests: dict[bytes, None] = field(default_factory=dict)
    boots: dict[bytes, float] = field(default_factory=dict)
    blobs: dict[int, bytes] = field(default_factory=dict)
    highest: int = 0

    def carry_out(self, change: Entry) -> Applied:
        """What became of it. Raises sqlite3.Error, after which nothing of the batch may stay."""
        try:
            if isinstance(change, CameAgain):
                return self._came_again(change)
            if not isinstance(change, Accounted | NasRestarted):
                return self._one(self._named(change), change)
            digest = short(change.record)
            if isinstance(change, NasRestarted):
                return self._boot(change, digest)
            if digest in self.digests or digest in self.known:
                return Applied(why="this record is stored already")
            change = self._dated(change, change.place)
            done = self._one(self._about(change), change)
            self.digests[digest] = None
            return done
        except sqlite3.Error:
            raise
        except Exception as bug:  # noqa: BLE001  one change that nobody thought of must not keep all others from the disk
            self.report("bug", f"a change of a session could not be carried out: {type(bug).__name__}: {bug}")
            return Applied(stored=False, why=f"{type(bug).__name__}: {bug}")

    def _one(self, found: Found, change: Change) -> Applied:
        made = self.rules.apply(found, change)
        if isinstance(made, Session):
            return self._write(found, made)
        return Applied(session=found, why=made.why if isinstance(made, Ignored) else "")

    def _write(self, found: Found, made: Session) -> Applied:
        if isinstance(found, Session) and made.id == found.id:
            step = rows.update(found, made)
            if not step.sql:
                return Applied(session=found)
            self.connection.execute(step.sql, step.parameters)
            self.hot.keep(step.rest or self.blobs.get(found.id, b""), made)
            return Applied(session=made, changed=True)
        if made.id:
            raise ValueError(f"the rules made session {made.id} out of another")
        parameters = rows.parameters(made)
        number = self.connection.execute(rows.INSERT, parameters).lastrowid or 0
        self.highest = max(self.highest, number)
        made = replace(made, id=number)
        self.hot.keep(parameters[-1], made)
        return Applied(session=made, changed=True)

    def _came_again(self, change: CameAgain) -> Applied:
        """Nothing is read for it. Where something has become of the session since, it is a login like any other."""
        login = change.login
        found = self.connection.execute(
            rows.CAME_AGAIN, (login.at, login.ends_at, change.id, login.standing.profile, login.names.token)
        )
        return Applied() if found.rowcount else self._one(self._again(login), login)

    def _boot(self, change: NasRestarted, digest: bytes) -> Applied:
        """What bears no time, and was told in the same words before, is the next boot or a replay: nobody can tell."""
        told_at = self.boots.get(digest, self.nases.told_at(digest))
        if told_at is not None:
            if change.said_at or abs(change.at - told_at) < SAME_BOOT_S:
                return Applied(why="this record is stored already")
            change = replace(change, doubtful=True)
        done = self._restart(self._dated(change, change))
        self.boots[digest] = change.at
        return done

    def _dated(self, change: _Dated, nas: Place | NasRestarted) -> _Dated:
        """With what is known of the clock of its NAS."""
        if not change.said_at:
            return change
        clock = (nas.nas, nas.source, nas.nas_identifier, nas.nas_address)
        happened = self.nases.clocks.heard(clock, change.said_at, change.at)
        return change if happened == change.happened_at else replace(change, happened_at=happened)

    def _restart(self, change: NasRestarted) -> Applied:
        done = [self._one(each, change) for each in self._of_nas(change)]
        changed = [each.session for each in done if each.changed and isinstance(each.session, Session)]
        ended = tuple([each.id for each in changed if each.phase is Phase.ENDED])
        return Applied(changed=bool(changed), ended=ended)

    # -- which session -------------------------------------------------------------------------------

    def _named(self, change: Change) -> Found:
        if isinstance(change, Authorized):
            return self._again(change)
        if isinstance(change, Accounted | NasRestarted) or not rows.is_id(change.id):
            return NO_SESSION
        found = self._found(_BY_ID, (change.id,))
        return found[0] if found else NO_SESSION

    def _again(self, change: Authorized) -> Found:
        for sql, name in self._ways(change):
            candidates = [each for each in self._found(sql, name) if each.phase is not Phase.ENDED]
            found = self.rules.again(change, candidates) if candidates else NO_SESSION
            if isinstance(found, Session):
                return found
        return NO_SESSION

    def _about(self, record: Accounted) -> Found:
        if record.names.token:
            found = self._meant(record, _BY_TOKEN, (rows.plain(record.names.token),))
            if isinstance(found, Session):
                return found
        for sql, name in self._ways(record):
            found = self._meant(record, sql, name)
            if isinstance(found, Session):
                return found
        return NO_SESSION

    def _meant(self, record: Accounted, sql: str, parameters: tuple[object, ...]) -> Found:
        candidates = self._found(sql, parameters)
        return self.rules.tie(record, candidates) if candidates else NO_SESSION

    @staticmethod
    def _ways(change: Accounted | Authorized) -> Iterator[tuple[str, tuple[object, ...]]]:
        """How to look for it among the sessions of its NAS."""
        names, place = change.names, change.place
        nas = rows.plain(place.nas)
        if names.audit_session_id:
            yield _BY_AUDIT, (rows.plain(names.audit_session_id), nas)
        if names.acct_session_id:
            yield _BY_ACCT, (rows.plain(names.acct_session_id), nas)
        if place.calling_station_id:
            yield _BY_CALLING, (rows.plain(place.calling_station_id), nas)

    def _of_nas(self, change: NasRestarted) -> Iterator[Session]:
        nas, source = rows.plain(change.nas), rows.plain(change.source)
        for phase in (Phase.AUTHORIZED, Phase.LIVE, Phase.AGED):
            last = 0
            while page := self._found(_OF_NAS, (str(phase), nas, source, last)):
                last = page[-1].id
                yield from page

    def _found(self, sql: str, parameters: tuple[object, ...]) -> tuple[Session, ...]:
        return tuple([self._read(row) for row in self.connection.execute(sql, parameters).fetchall()])

    def _read(self, row: Any) -> Session:
        try:
            session = self.hot.session(row)
        except Unreadable as error:
            self.report("unreadable", f"session {row[0]} cannot be read and counts as not ours: {error}")
            return rows.what_is_left(row, self.connection.execute(rows.LEFT, (row[0],)).fetchall())
        self.blobs[session.id] = row[rows.BLOB]
        return session
