"""What the keeper may say to the daemon, and the daemon to it: one JSON object a line.

Knows: each word with the types of what belongs to it. Refuses to know: what is done about it.

The keeper reads files that others may have laid there, and talks to machines elsewhere: it is believed only for what
is of exactly this shape. What it says becomes a record of a fixed kind, never one of its own making.

    keeper -> daemon   {"status": {...}}          every ten seconds: it is alive, and how things stand
                       {"say": NAME, ...}         a record, one of ``SAYINGS``
                       {"warn": TEXT}             a line of the operational log
                       {"retire": {...}}          a file is due to be deleted: record it
    daemon -> keeper   {"retired": FILE}          it is recorded, and on the disk
                       {"refused": FILE, "why"}   it is not
                       {"reload": true}           read the configuration again

The end of its standard input tells the keeper to end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeAlias, cast

import orjson

from nacd.audit.forwarding import events as forwarding
from nacd.audit.keeping import events
from nacd.values import AuditEvent, Instant

MOST_OCTETS: Final = 65_536
"""The longest line."""
_MOST_TEXT: Final = 2_000
_MOST_ITEMS: Final = 64
_MOST_NUMBER: Final = 1 << 62


class BadWord(Exception):
    """A line that is not one of these; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """How far one destination is behind. waiting: records. oldest_s: age of the oldest of them, seconds. sent, lost:
    records since the keeper was started. problem: in words."""

    destination: str
    waiting: int
    oldest_s: float
    sent: int
    lost: int
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How things stand with the full files.

    waiting: full files that are to be compressed or indexed yet. oldest_waiting_s: since when the first of them is
    full, seconds. files, octets: of the whole trail on the disk, with the live file and the indexes. sealed, retired:
    files since the keeper was started. problem: in words, ``""`` while all is well.
    """

    waiting: int = 0
    oldest_waiting_s: float = 0.0
    files: int = 0
    octets: int = 0
    sealed: int = 0
    retired: int = 0
    problem: str = ""
    queues: tuple[Queue, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Something that becomes a record."""

    name: str
    fields: Mapping[str, Any]

    def event(self, now: Instant) -> AuditEvent:
        """The record."""
        return SAYINGS[self.name].build(now=now, **self.fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """A line for the operational log."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retire:
    """A full file is due to be deleted. last_link: 64 hex digits, as in its last record; empty and last_seq 0 where
    the file could not be read."""

    file: str
    first_seq: int
    last_seq: int
    last_link: str
    why: str


Heard: TypeAlias = Status | Said | Warned | Retire
Fields: TypeAlias = Mapping[str, type]


@dataclass(frozen=True, slots=True)
class Saying:
    """A record that the keeper may ask for. fields: all of them, with the types of their values (``str``, ``int``,
    ``float``, ``list`` of texts). build: takes them and ``now``. grave: it stands in the operational log too."""

    fields: Fields
    build: Callable[..., AuditEvent]
    grave: bool = True


_FILE: Final = {"file": str, "problem": str}
_SEALED: Final = {"file": str, "records": int, "octets": int, "packed_octets": int, "sha256": str}
_TO: Final = {"destination": str, "problem": str}
SAYINGS: Final[Mapping[str, Saying]] = MappingProxyType(
    {
        "audit.sealed": Saying(_SEALED, events.sealed, grave=False),
        "audit.seal_failed": Saying(_FILE, events.seal_failed),
        "audit.index_failed": Saying(_FILE, events.index_failed),
        "audit.retired_unsent": Saying({"file": str, "destination": str, "unsent": int}, events.retired_unsent),
        "audit.strange_files": Saying({"names": list, "count": int}, events.strange_files),
        "audit.retire_failed": Saying(_FILE, events.retire_failed),
        "forward.down": Saying({**_TO, "waiting": int, "since": float}, forwarding.down),
        "forward.resumed": Saying({"destination": str, "waiting": int, "down_s": float}, forwarding.resumed),
        "forward.lost": Saying({**_TO, "lost": int, "first_seq": int, "last_seq": int}, forwarding.lost),
        "forward.set_aside": Saying({**_TO, "seq": int}, forwarding.set_aside),
        "forward.begun_anew": Saying({**_TO, "seq": int}, forwarding.begun_anew),
    }
)
"""All of them by the name of the event."""

_QUEUE: Final = {"destination": str, "waiting": int, "oldest_s": float, "sent": int, "lost": int, "problem": str}
_NUMBERS: Final = {"waiting": int, "files": int, "octets": int, "sealed": int, "retired": int}
_STATUS: Final = {**_NUMBERS, "oldest_waiting_s": float, "problem": str}
_RETIRE: Final = {"file": str, "first_seq": int, "last_seq": int, "last_link": str, "why": str}


def heard(line: bytes) -> Heard:
    """What a line says. Raises BadWord."""
    if len(line) > MOST_OCTETS:
        raise BadWord("a line is too long")
    try:
        told = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise BadWord("a line is no JSON") from None
    if not isinstance(told, dict):
        raise BadWord("a line is no JSON object")
    if "say" in told:
        return _said(told)
    if len(told) != 1:
        raise BadWord("a line has none of the words")
    ((word, value),) = told.items()
    if word == "status":
        return _status(value)
    if word == "warn":
        return Warned(text=_text("warn", value))
    if word == "retire":
        return Retire(**_fields(value, _RETIRE))
    raise BadWord("a line has none of the words")


def reload() -> bytes:
    """Read the configuration again."""
    return b'{"reload":true}\n'


def retired(file: str) -> bytes:
    """The record that this file is deleted is on the disk."""
    return orjson.dumps({"retired": file}) + b"\n"


def refused(file: str, why: str) -> bytes:
    """It is not."""
    return orjson.dumps({"refused": file, "why": why}) + b"\n"


def _said(told: dict[str, Any]) -> Said:
    name = told.pop("say")
    if not isinstance(name, str) or name not in SAYINGS:
        raise BadWord("it says what it may not")
    return Said(name=name, fields=_fields(told, SAYINGS[name].fields))


def _status(value: object) -> Status:
    if not isinstance(value, dict) or not isinstance(value.get("queues"), list):
        raise BadWord("`status` has no `queues`")
    queues = cast("list[object]", value.pop("queues"))
    if len(queues) > _MOST_ITEMS:
        raise BadWord("`queues` has too many items")
    return Status(**_fields(value, _STATUS), queues=tuple(Queue(**_fields(each, _QUEUE)) for each in queues))


def _fields(value: object, wanted: Fields) -> dict[str, Any]:
    """Exactly these, each of its type."""
    if not isinstance(value, dict) or set(value) != set(wanted):
        raise BadWord(f"not the fields {', '.join(f'`{name}`' for name in wanted)}")
    return {name: _CHECKS[kind](name, value[name]) for name, kind in wanted.items()}


def _text(name: str, value: object) -> str:
    """A text for a log and for a terminal: nothing in it commands either."""
    if not isinstance(value, str) or len(value) > _MOST_TEXT:
        raise BadWord(f"`{name}` is no text, or too long")
    return "".join(char if char.isprintable() else "?" for char in value)


def _whole(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _MOST_NUMBER:
        raise BadWord(f"`{name}` is no whole number")
    return value


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _MOST_NUMBER:
        raise BadWord(f"`{name}` is no number")
    return float(value) if math.isfinite(value) else 0.0


def _texts(name: str, value: object) -> list[str]:
    if not isinstance(value, list) or len(value) > _MOST_ITEMS:
        raise BadWord(f"`{name}` is no list, or too long")
    return [_text(name, each) for each in value]


_CHECKS: Final[Mapping[type, Callable[[str, object], Any]]] = {str: _text, int: _whole, float: _number, list: _texts}
