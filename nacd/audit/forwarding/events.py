"""The audit events of forwarding records to other machines: their rows of the one table, and a builder for each.

Knows: what each record says and its one sentence of why. Refuses to know: the clock (``now`` is given), destinations,
and when it is worth a record.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from nacd.audit.blocks import Block, timestamp
from nacd.audit.kind import HEAD, Event, event
from nacd.values import AuditEvent, Instant

_FIELDS: Final = {
    "forward.destination": "name of the destination in `audit.forward`",
    "forward.problem": "what is wrong, in words",
    "forward.waiting": "records that it has not been sent yet, also those that it did not ask for",
    "forward.since": "since when it takes nothing",
    "forward.down_s": "how long it took nothing, seconds",
    "forward.lost": "records that it never gets, counted by their `seq`",
    "forward.first_seq": "`seq` of the first of them",
    "forward.last_seq": "`seq` of the last of them",
    "forward.seq": "`seq` of the record; 0 where it has none",
}
FIELDS: Final[Mapping[str, str]] = MappingProxyType(_FIELDS)
"""Meanings of the fields that only these events have."""


def _row(code: str, name: str, meaning: str, *fields: str) -> Event:
    return event(code, name, meaning, *HEAD, "forward.destination", *(f"forward.{field}" for field in fields))


ROWS: Final[tuple[Event, ...]] = (
    _row(
        "A9140W",
        "forward.down",
        "A destination has taken no records for a while; they wait in the trail.",
        *("problem", "waiting", "since"),
    ),
    _row("A9141I", "forward.resumed", "That destination takes records again.", "waiting", "down_s"),
    _row(
        "A9142E",
        "forward.lost",
        "Records that a destination never gets: they are in the trail no more, or never were.",
        *("problem", "lost", "first_seq", "last_seq"),
    ),
    _row(
        "A9143W",
        "forward.set_aside",
        "A record that a destination refuses, or that cannot be read, was passed over; it stays in the trail.",
        *("problem", "seq"),
    ),
    _row(
        "A9144W",
        "forward.begun_anew",
        "What was remembered of a destination does not fit the trail: it gets everything from the oldest record on.",
        *("problem", "seq"),
    ),
    _row("A9149I", "forward.test", "Sent by `nacd audit forward --test`; it does not stand in the trail."),
)
_NAMES: Final = {row.code: row.name for row in ROWS}


def down(*, destination: str, problem: str, waiting: int, since: float, now: Instant) -> AuditEvent:
    """``forward.down``. since: seconds since the epoch."""
    why = f"destination `{destination}` takes no records, {waiting} wait: {problem}"
    shown: Block = {"problem": problem, "waiting": waiting, "since": timestamp(since)}
    return _event("A9140W", why, destination, shown, now)


def resumed(*, destination: str, waiting: int, down_s: float, now: Instant) -> AuditEvent:
    """``forward.resumed``."""
    why = f"destination `{destination}` takes records again after {round(down_s)} s, {waiting} waited"
    return _event("A9141I", why, destination, {"waiting": waiting, "down_s": round(down_s, 3)}, now)


def lost(*, destination: str, problem: str, lost: int, first_seq: int, last_seq: int, now: Instant) -> AuditEvent:
    """``forward.lost``."""
    why = f"destination `{destination}` never gets {lost} records, {first_seq} to {last_seq}: {problem}"
    shown: Block = {"problem": problem, "lost": lost, "first_seq": first_seq, "last_seq": last_seq}
    return _event("A9142E", why, destination, shown, now)


def set_aside(*, destination: str, problem: str, seq: int, now: Instant) -> AuditEvent:
    """``forward.set_aside``. seq: 0 where the record has none."""
    which = f"record {seq}" if seq else "a record"
    why = f"{which} was passed over for destination `{destination}`: {problem}"
    return _event("A9143W", why, destination, {"problem": problem, "seq": seq}, now)


def begun_anew(*, destination: str, problem: str, seq: int, now: Instant) -> AuditEvent:
    """``forward.begun_anew``. seq: of the record it begins with."""
    why = f"destination `{destination}` begins at the oldest record, {seq}: {problem}"
    return _event("A9144W", why, destination, {"problem": problem, "seq": seq}, now)


def trial(*, destination: str, now: Instant) -> AuditEvent:
    """``forward.test``."""
    why = f"a test for destination `{destination}`, by hand; it is no record of the trail"
    return _event("A9149I", why, destination, {}, now)


def _event(code: str, why: str, destination: str, shown: Block, now: Instant) -> AuditEvent:
    head: Block = {"code": code, "time": timestamp(now.wall), "event": _NAMES[code], "why": why}
    return AuditEvent(code=code, fields={**head, "forward": {"destination": destination, **shown}})
