"""Verdicts as rows: the tables, and the way from a ``Compliance`` to a row and back.

Knows: SQL, and what a row must look like to be believed. Refuses to know: files and threads.

A row is checked like anything that comes from outside: whatever is not exactly what nacd writes (an unknown state, a
date that is no number) is as good as absent. It never becomes a verdict by default.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import isfinite
from typing import Any, Final, TypeAlias

import orjson

from nacd.store.sqlite_file import Row, Schema
from nacd.values import NO_FACTS, Compliance, ComplianceSource, ComplianceState, DeviceFacts

_FIRST: Final = """
CREATE TABLE verdicts (
  tenant TEXT NOT NULL, key TEXT NOT NULL, as_of REAL NOT NULL, state TEXT NOT NULL, source TEXT NOT NULL,
  detail TEXT NOT NULL, provider TEXT NOT NULL, grace_until REAL NOT NULL, device TEXT,
  PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE endpoints (tenant TEXT NOT NULL PRIMARY KEY, uri TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE bulk_windows (
  tenant TEXT NOT NULL PRIMARY KEY, opened_at REAL NOT NULL, last_try_at REAL NOT NULL,
  last_success_at REAL NOT NULL, last_quota_at REAL NOT NULL
) STRICT, WITHOUT ROWID;
"""
SCHEMA: Final = Schema(application_id=0x6E616364, steps=(_FIRST,))
"""``nacd`` in ASCII. A later version adds a step, and never changes one that was released."""

AHEAD_S: Final = 0.0
"""A date that lies further ahead than this was written under another clock, and may be replaced. Nothing is let pass: a
verdict is dated before it is written, and a clock that is set back by a few seconds must not keep older ones."""

_COLUMNS = "as_of, state, source, detail, provider, grace_until, device"
FIND: Final = f"SELECT {_COLUMNS} FROM verdicts WHERE tenant = ? AND key = ?"  # noqa: S608  words of this module
PAGE: Final = f"SELECT {_COLUMNS}, key FROM verdicts WHERE tenant = ? AND key > ? ORDER BY key LIMIT ?"  # noqa: S608
PUT: Final = f"""
INSERT INTO verdicts (tenant, key, {_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT DO UPDATE SET as_of = excluded.as_of, state = excluded.state, source = excluded.source,
  detail = excluded.detail, provider = excluded.provider, grace_until = excluded.grace_until, device = excluded.device
WHERE excluded.as_of >= verdicts.as_of OR verdicts.as_of > ?10
"""  # noqa: S608
ANY_YOUNG: Final = "SELECT 1 FROM verdicts WHERE as_of >= ? LIMIT 1"
COUNT: Final = "SELECT count(*) FROM verdicts"
OLDEST: Final = "SELECT as_of FROM verdicts ORDER BY as_of LIMIT 1 OFFSET ?"
_AFTER = "SELECT tenant, key FROM verdicts WHERE (tenant, key) > (?, ?) AND"
OLDER: Final = f"{_AFTER} as_of < ? ORDER BY tenant, key LIMIT ?"
NOT_YOUNGER: Final = f"{_AFTER} as_of <= ? ORDER BY tenant, key LIMIT ?"
FORGET: Final = "DELETE FROM verdicts WHERE tenant = ? AND key = ? AND as_of <= ?"
ENDPOINT: Final = "SELECT uri FROM endpoints WHERE tenant = ?"
PUT_ENDPOINT: Final = "INSERT OR REPLACE INTO endpoints (tenant, uri) VALUES (?, ?)"
WINDOW: Final = "SELECT opened_at, last_try_at, last_success_at, last_quota_at FROM bulk_windows WHERE tenant = ?"
PUT_WINDOW: Final = "INSERT OR REPLACE INTO bulk_windows VALUES (?, ?, ?, ?, ?)"

_STATES = {
    str(state): state
    for state in ComplianceState
    if state not in (ComplianceState.UNAVAILABLE, ComplianceState.NOT_ASKED)  # no verdicts
}
_SOURCES = {str(source): source for source in ComplianceSource}
_GOOD = (str(ComplianceState.COMPLIANT), str(ComplianceState.IN_GRACE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """Nothing is stored under this key, or nothing that can be believed."""


NOTHING: Final = Nothing()
Stored: TypeAlias = Compliance | Nothing


def good_among(count: int) -> str:
    """SQL for: which of ``count`` keys of a tenant have a good verdict before a date. Parameters in that order."""
    places = ", ".join("?" * count)
    good = ", ".join(f"'{word}'" for word in _GOOD)
    return f"SELECT key FROM verdicts WHERE tenant = ? AND as_of < ? AND state IN ({good}) AND key IN ({places})"  # noqa: S608


def is_storable(tenant: str, key: str, compliance: Compliance) -> bool:
    """Whether this is a verdict, with a date, under a key that can be written down."""
    if str(compliance.state) not in _STATES or not isfinite(compliance.as_of) or not isfinite(compliance.grace_until):
        return False
    return isfinite(compliance.device.last_sync) and is_text(tenant) and is_text(key)


def is_text(text: str) -> bool:
    """Whether UTF-8 has it: JSON can spell half a surrogate pair, a file cannot hold one."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def row(tenant: str, key: str, compliance: Compliance, now: float) -> Row:
    """The parameters of ``PUT``. now: seconds since the epoch; minus infinity to replace whatever lies there."""
    return (
        tenant,
        key,
        compliance.as_of,
        str(compliance.state),
        str(compliance.source),
        _plain(compliance.detail),
        _plain(compliance.provider),
        compliance.grace_until,
        None if compliance.device == NO_FACTS else _device_text(compliance.device),
        now + AHEAD_S,
    )


def verdict(columns: Any) -> Stored:
    """The verdict in the first columns of a row; ``NOTHING`` if they are not what nacd writes."""
    as_of, state, source, detail, provider, grace_until, device = columns[:7]
    known_state, known_source = _STATES.get(state), _SOURCES.get(source)
    if known_state is None or known_source is None or not (_is_number(as_of) and _is_number(grace_until)):
        return NOTHING
    if not (isinstance(detail, str) and isinstance(provider, str)):
        return NOTHING
    facts = NO_FACTS
    if device is not None:
        try:
            facts = _facts(device)
        except ValueError:
            return NOTHING
    return Compliance(
        state=known_state,
        as_of=as_of,
        source=known_source,
        detail=detail,
        provider=provider,
        grace_until=grace_until,
        device=facts,
    )


def _is_number(value: object) -> bool:
    return isinstance(value, float) and isfinite(value)


def _plain(text: str) -> str:
    return text if is_text(text) else text.encode(errors="replace").decode()


def _device_text(device: DeviceFacts) -> str:
    told: dict[str, str | float | list[str]] = {}
    for each in fields(device):
        value = getattr(device, each.name)
        if value != each.default:
            if isinstance(value, tuple):
                told[each.name] = [_plain(one) for one in value]
            else:
                told[each.name] = _plain(value) if isinstance(value, str) else value
    return orjson.dumps(told).decode()


def _facts(text: object) -> DeviceFacts:
    """Raises ValueError if this is no text of ours. A later nacd may have told more: that is left out."""
    if not isinstance(text, str):
        raise ValueError("no text")  # noqa: TRY004  one error for all that cannot be believed
    told = orjson.loads(text)
    if not isinstance(told, dict):
        raise ValueError("no record")  # noqa: TRY004
    known: dict[str, Any] = {}
    for each in fields(DeviceFacts):
        value = told.get(each.name, each.default)
        if isinstance(value, int) and not isinstance(value, bool) and isinstance(each.default, float):
            value = float(value)
        if isinstance(value, list) and isinstance(each.default, tuple) and all(isinstance(one, str) for one in value):
            value = tuple(value)
        if type(value) is not type(each.default):
            raise ValueError(f"`{each.name}` is not what it should be")
        known[each.name] = value
    return DeviceFacts(**known)
