"""Sessions as rows: the tables, and the way from a ``Session`` to a row and back.

Knows: SQL, and what a row must look like to be believed. Refuses to know: files, threads, and what happens to sessions.

What is heard of again and again (phase, times, why it ended) is in columns of its own, so that an Interim or a Stop
writes some tens of octets; all else is one blob with a checksum before it, and searched columns repeat what is in
there. A blob that is not what nacd has written is a session that nothing is known of (``NotOurs``): nobody is let in or
thrown out by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from operator import attrgetter
from typing import Any, Final
from zlib import crc32

import orjson

from nacd.identity.mac import parse
from nacd.sessions import Grounds, Names, NotOurs, Pending, Phase, Place, Session, Standing
from nacd.store.live.codec import Codec, Unreadable
from nacd.store.sqlite_file import Row, Schema
from nacd.values import AccessKind, Device, DeviceIdKind, MacAddress

_FIRST: Final = """
CREATE TABLE sessions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  phase TEXT NOT NULL, authorized_at REAL NOT NULL, started_at REAL NOT NULL, seen_at REAL NOT NULL,
  ended_at REAL NOT NULL, ends_at REAL NOT NULL, cause TEXT NOT NULL, pending_since REAL,
  nas TEXT NOT NULL, source TEXT NOT NULL, calling TEXT NOT NULL, acct_session_id TEXT NOT NULL,
  audit_session_id TEXT NOT NULL, token TEXT NOT NULL, user TEXT NOT NULL, mac TEXT NOT NULL,
  tenant TEXT NOT NULL, key TEXT NOT NULL, device TEXT NOT NULL, profile TEXT NOT NULL, spot TEXT NOT NULL,
  rest BLOB NOT NULL
) STRICT;
CREATE INDEX by_phase ON sessions (phase, nas);
CREATE INDEX by_token ON sessions (token) WHERE token <> '';
CREATE INDEX by_acct_session_id ON sessions (acct_session_id, nas) WHERE acct_session_id <> '';
CREATE INDEX by_audit_session_id ON sessions (audit_session_id) WHERE audit_session_id <> '';
CREATE INDEX by_calling ON sessions (calling, nas) WHERE phase <> 'ended';
CREATE INDEX by_key ON sessions (key, tenant) WHERE key <> '';
CREATE INDEX by_device ON sessions (device, tenant) WHERE device <> '';
CREATE INDEX by_mac ON sessions (mac) WHERE mac <> '';
CREATE INDEX by_user ON sessions (user) WHERE user <> '';
CREATE INDEX by_pending ON sessions (id) WHERE pending_since IS NOT NULL;
CREATE INDEX by_end ON sessions (max(ended_at, seen_at)) WHERE phase IN ('ended', 'aged') AND pending_since IS NULL;
CREATE TABLE records (id INTEGER PRIMARY KEY, at REAL NOT NULL, digests BLOB NOT NULL) STRICT;
CREATE TABLE boots (digest BLOB PRIMARY KEY, at REAL NOT NULL) STRICT;
CREATE TABLE clocks (
  nas TEXT NOT NULL, source TEXT NOT NULL, nas_identifier TEXT NOT NULL, nas_address TEXT NOT NULL,
  behind_s REAL NOT NULL, PRIMARY KEY (nas, source, nas_identifier, nas_address)
) STRICT;
CREATE TABLE overrides (
  id INTEGER PRIMARY KEY AUTOINCREMENT, lifted_at REAL NOT NULL, gist TEXT NOT NULL, value BLOB NOT NULL
) STRICT;
"""
_SECOND: Final = "ALTER TABLE sessions ADD COLUMN again_at REAL NOT NULL DEFAULT 0.0;"
SCHEMA: Final = Schema(application_id=0x6E616373, steps=(_FIRST, _SECOND), log_pages=4_000, cache_kib=32_000)
"""``nacs`` in ASCII. A later version adds a step, and never changes one that was released."""

OPEN: Final = "phase IN ('authorized', 'live')"
# Text that rotted would be an error for the whole answer: SQLite does not look at it, Python does.
_READ: Final = (
    "id, CAST(phase AS BLOB), authorized_at, started_at, seen_at, ended_at, ends_at, CAST(cause AS BLOB),"
    " again_at, rest"
)
BLOB: Final = 9
"""Place of the blob in such a row."""
LEFT: Final = (
    "SELECT CAST(nas AS BLOB), CAST(source AS BLOB), CAST(calling AS BLOB), CAST(acct_session_id AS BLOB),"
    " CAST(audit_session_id AS BLOB), CAST(token AS BLOB), CAST(user AS BLOB) FROM sessions WHERE id = ?"
)
"""What ``what_is_left`` needs beside the row."""
_WRITTEN: Final = (
    "phase",
    "authorized_at",
    "started_at",
    "seen_at",
    "ended_at",
    "ends_at",
    "cause",
    "again_at",
    "pending_since",
    "nas",
    "source",
    "calling",
    "acct_session_id",
    "audit_session_id",
    "token",
    "user",
    "mac",
    "tenant",
    "key",
    "device",
    "profile",
    "spot",
    "rest",
)
_TOLD: Final = _WRITTEN[:8]

INSERT: Final = f"INSERT INTO sessions ({', '.join(_WRITTEN)}) VALUES ({', '.join('?' * len(_WRITTEN))})"  # noqa: S608

CAME_AGAIN: Final = (
    "UPDATE sessions SET seen_at = max(seen_at, ?1), again_at = max(again_at, ?1), ends_at = ?2"  # noqa: S608
    f" WHERE id = ?3 AND +{OPEN} AND pending_since IS NULL AND +profile = ?4 AND +token = ?5"
)
"""As ``table`` has it; of no row if something has become of it. Parameters: at, ends_at, id,
profile, token."""

_COLUMNS: Final = ("id", "phase", "authorized_at", "started_at", "seen_at", "ended_at", "ends_at", "cause", "again_at")
_SESSION: Final = Codec(Session, leave_out=_COLUMNS)
_of_columns: Final = attrgetter(*_COLUMNS)
_PHASES: Final = {phase.value.encode(): phase for phase in Phase}
_MOST_ID: Final = 2**63 - 1
_CHECKSUM_OCTETS: Final = 4


def select(where: str) -> str:
    """SQL for the rows that ``session`` understands. where: words of ours, with what follows them."""
    return f"SELECT {_READ} FROM sessions WHERE {where}"  # noqa: S608


def is_id(number: int) -> bool:
    """Whether a row can have this number."""
    return 0 < number <= _MOST_ID


# -- writing -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Update:
    """One statement of SQL; no sql: nothing is different. rest: the new blob, ``b""`` if it stays."""

    sql: str = ""
    parameters: Row = ()
    rest: bytes = b""


NO_UPDATE: Final = Update()


def parameters(session: Session) -> Row:
    """The parameters of ``INSERT``. Raises ValueError for what cannot be written down."""
    return (*_told(session), *_searched(session), _rest(session))


def update(before: Session, after: Session) -> Update:
    """What makes the row of one into the row of the other: only the columns that differ are written, because every
    column that is named costs its indexes. Raises ValueError for what cannot be written down."""
    changed: list[str] = []
    written: list[object] = []
    rest = b""
    for name, old, new in zip(_TOLD, _told(before), _told(after), strict=True):
        if old != new:
            changed.append(name)
            written.append(new)
    if not _is_same_rest(before, after):
        for name, old_text, new_text in zip(_WRITTEN[8:-1], _searched(before), _searched(after), strict=True):
            if old_text != new_text:
                changed.append(name)
                written.append(new_text)
        rest = _rest(after)
        changed.append("rest")
        written.append(rest)
    if not changed:
        return NO_UPDATE
    columns = " = ?, ".join(changed)
    return Update(f"UPDATE sessions SET {columns} = ? WHERE id = ?", (*written, before.id), rest)  # noqa: S608


def _is_same_rest(before: Session, after: Session) -> bool:
    """Most are the very same objects: what an Interim changes is a time."""
    return (
        (before.standing is after.standing or before.standing == after.standing)
        and (before.grounds is after.grounds or before.grounds == after.grounds)
        and (before.place is after.place or before.place == after.place)
        and (before.names is after.names or before.names == after.names)
        and (before.wish is after.wish or before.wish == after.wish)
        and before.voice == after.voice
    )


def _told(session: Session) -> tuple[object, ...]:
    times = (session.authorized_at, session.started_at, session.seen_at, session.ended_at, session.ends_at)
    if not (all(map(isfinite, times)) and isfinite(session.again_at)):
        raise ValueError("a time that is no number cannot be written down")
    return (session.phase.value, *times, plain(session.cause), session.again_at)


def _searched(session: Session) -> tuple[object, ...]:
    place, names, grounds, standing = session.place, session.names, session.grounds, session.standing
    user, mac, tenant, key = "", "", "", ""
    if isinstance(grounds, Grounds):
        user, mac, tenant, key = grounds.user, grounds.mac, grounds.tenant, grounds.key
    texts = (
        place.nas,
        place.source,
        place.calling_station_id,
        names.acct_session_id,
        names.audit_session_id,
        names.token,
        user or names.user_name,
        mac or _mac(place.calling_station_id),
        tenant,
        key,
        device(session),
        standing.profile if isinstance(standing, Standing) else "",
        _spot(session),
    )
    wish = session.wish
    return (wish.since if isinstance(wish, Pending) else None, *map(plain, texts))


def device(session: Session) -> str:
    """Which device it is, whether or not anybody was asked about it, as ``Question.key`` writes it; where none has
    proved itself, what was asked about."""
    known = session.grounds
    if not isinstance(known, Grounds):
        return ""
    if not isinstance(known.identity, Device):
        return known.key
    id = known.identity.id
    return f"{'entra' if id.kind is DeviceIdKind.ENTRA else 'guid'}:{id.guid}"


def _spot(session: Session) -> str:
    """The port, where a port is a place: by air and through a tunnel it is a number that counts on."""
    place, grounds = session.place, session.grounds
    by_cable = not place.port_type.startswith(("Wireless", "Virtual"))
    if isinstance(grounds, Grounds) and grounds.access is AccessKind.VPN:
        by_cable = False
    return f"{place.nas_identifier}\t{(place.port_id or place.port) if by_cable else ''}"


def _mac(calling: str) -> str:
    mac = parse(calling)
    return mac.text if isinstance(mac, MacAddress) else ""


def plain(text: str) -> str:
    """The text as a row can hold it: half a surrogate pair becomes ``?``."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def _rest(session: Session) -> bytes:
    return sealed(_SESSION.pack(session))


def sealed(value: object) -> bytes:
    """JSON after its checksum. Raises ValueError for what JSON does not have."""
    try:
        octets = orjson.dumps(value)
    except TypeError as error:  # an integer beyond 64 bits
        raise ValueError(str(error).lower()) from error
    return crc32(octets).to_bytes(_CHECKSUM_OCTETS, "big") + octets


def unsealed(blob: Any) -> Any:
    """What was sealed. Raises Unreadable."""
    if type(blob) is not bytes:
        raise Unreadable("no octets")
    octets = blob[_CHECKSUM_OCTETS:]
    if crc32(octets).to_bytes(_CHECKSUM_OCTETS, "big") != blob[:_CHECKSUM_OCTETS]:
        raise Unreadable("its checksum is wrong")
    try:
        return orjson.loads(octets)
    except ValueError as error:
        raise Unreadable(str(error)) from error


# -- reading -------------------------------------------------------------------------------------


def session(row: Any) -> Session:
    """The session in a row of ``select``. Raises Unreadable; see ``what_is_left``."""
    return _SESSION.unpack(unsealed(row[BLOB]), **_columns(row))


def with_columns(session: Session, row: Any) -> Session:
    """The session in a row whose blob is that of this one. Raises Unreadable."""
    columns = _columns(row)
    if tuple(columns.values()) == _of_columns(session):
        return session
    return replace(session, **columns)


def _columns(row: Any) -> dict[str, Any]:
    number, phase, authorized_at, started_at, seen_at, ended_at, ends_at, cause, again_at, _ = row
    if phase not in _PHASES or not (all(map(_is_time, row[2:7])) and _is_time(again_at)):
        raise Unreadable("its phase or its times are not what they should be")
    try:
        why = cause.decode()
    except (AttributeError, UnicodeDecodeError) as error:
        raise Unreadable("why it ended is no text") from error
    return {
        "id": number,
        "phase": _PHASES[phase],
        "authorized_at": authorized_at,
        "started_at": started_at,
        "seen_at": seen_at,
        "ended_at": ended_at,
        "ends_at": ends_at,
        "cause": why,
        "again_at": again_at,
    }


def what_is_left(row: Any, left: Sequence[Any]) -> Session:
    """A session of which nothing is known but where it is: of a row that cannot be read. left: what ``LEFT`` gave."""
    times = [time if _is_time(time) else 0.0 for time in row[2:7]]
    texts = left[0] if left else ()
    nas, source, calling, acct, audit, token, user = map(_text, texts) if texts else ("",) * 7
    return Session(
        id=row[0],
        place=Place(nas=nas, source=source, calling_station_id=calling),
        names=Names(acct_session_id=acct, audit_session_id=audit, token=token, user_name=user),
        phase=_PHASES.get(row[1], Phase.AGED),
        authorized_at=times[0],
        started_at=times[1],
        seen_at=times[2],
        ended_at=times[3],
        ends_at=times[4],
        standing=NotOurs(),
        grounds=NotOurs(),
    )


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else ""


def _is_time(value: object) -> bool:
    return type(value) is float and isfinite(value)
