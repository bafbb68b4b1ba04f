"""The audit events of the inventory and of MACs that come by MAB: their rows of the one table, and a builder for each.

Knows: what each record says and its one sentence of why. Refuses to know: the clock (``now`` is given), who may write
entries, and when two ports are one too many. That a managed device was refused by its MAC is a decision, and told as
one (``events.decision``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Protocol

from nacd.audit.blocks import Block, timestamp
from nacd.audit.kind import HEAD, Event, event
from nacd.values import AuditEvent, Instant

_FIELDS: Final = {
    "mab.mac": "MAC of the entry, canonical",
    "mab.owner": "whose endpoint it is, in the words of whoever entered it",
    "mab.reason": "why it was entered",
    "mab.tags": "tags by which rules may ask for it",
    "mab.until": "when it ends; empty for no end",
    "mab.at": "when it was entered",
    "mab.entered_by": "who entered it",
    "mab.even_if_managed": "true when it counts also while nacd knows the MAC by a certificate",
    "mab.is_new": "true when the MAC was not in the inventory before, false when its entry was replaced",
    "mab.added": "how many entries a list has added",
    "mab.changed": "how many it has replaced",
    "mab.left": "how many of the list stood there already, word for word",
    "mab.ports[].nas": "NAS of one of the places where the MAC is, as in `nas.name`",
    "mab.ports[].source": "address of that NAS",
    "mab.ports[].port": "port there; empty by air",
    "mab.ports[].nacd_session": "number of the session there",
    "mab.ports[].began": "when it was seen there first",
    "mab.ports[].heard": "when its NAS spoke of it last",
}
FIELDS: Final[Mapping[str, str]] = MappingProxyType(_FIELDS)
"""Meanings of the fields that only these events have."""

_ENTRY: Final = (
    *("mab.mac", "mab.owner", "mab.reason", "mab.tags", "mab.until", "mab.at", "mab.entered_by", "mab.even_if_managed"),
)
ROWS: Final[tuple[Event, ...]] = (
    event(
        "A6001I", "mab.entered", "A person put a MAC into the inventory, or changed its entry.",
        *HEAD, *_ENTRY, "mab.is_new", "by",
    ),
    event("A6002I", "mab.removed", "A person took a MAC out of the inventory.", *HEAD, *_ENTRY, "by"),
    event("A6003I", "mab.ended", "The time of an entry of the inventory is over.", *HEAD, *_ENTRY),
    event(
        "A6004I", "mab.imported", "A person put a list into the inventory; each entry has a record of its own.",
        *HEAD, "mab.added", "mab.changed", "mab.left", "by",
    ),
    event(
        "A6010W", "mab.two_ports", "One MAC is on two ports at once by MAB: one of them shows the MAC of the other.",
        *HEAD, "endpoint.mac", *(name for name in _FIELDS if name.startswith("mab.ports")),
    ),
)  # fmt: skip
_NAMES: Final = {row.code: row.name for row in ROWS}


class Entered(Protocol):
    """An entry of the inventory; times are seconds since the epoch, 0.0 for none."""

    @property
    def mac(self) -> str: ...
    @property
    def owner(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def by(self) -> str: ...
    @property
    def at(self) -> float: ...
    @property
    def until(self) -> float: ...
    @property
    def tags(self) -> tuple[str, ...]: ...
    @property
    def even_if_managed(self) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One place of a MAC. session: its number. began, heard: seconds since the epoch."""

    nas: str
    source: str
    port: str
    session: int
    began: float
    heard: float


def entered(*, entry: Entered, is_new: bool, now: Instant) -> AuditEvent:
    """``mab.entered``."""
    managed = ", even if it is managed" if entry.even_if_managed else ""
    done = "put" if is_new else "changed"
    why = f"{entry.by} {done} `{entry.mac}` of {entry.owner} in the inventory{managed}{_end(entry)}: {entry.reason}"
    fields: Block = {"mab": {**_entry(entry), "is_new": is_new}, "by": entry.by}
    return _event("A6001I", why, fields, now)


def removed(*, entry: Entered, by: str, now: Instant) -> AuditEvent:
    """``mab.removed``."""
    why = f"{by} took `{entry.mac}` of {entry.owner} out of the inventory; {entry.by} had entered it: {entry.reason}"
    return _event("A6002I", why, {"mab": _entry(entry), "by": by}, now)


def ended(*, entry: Entered, now: Instant) -> AuditEvent:
    """``mab.ended``."""
    why = f"the time of `{entry.mac}` of {entry.owner} in the inventory is over; {entry.by} had entered it"
    return _event("A6003I", why, {"mab": _entry(entry)}, now)


def imported(*, added: int, changed: int, left: int, by: str, now: Instant) -> AuditEvent:
    """``mab.imported``."""
    why = f"{by} put a list into the inventory: {added} added, {changed} changed, {left} left as they were"
    shown: Block = {"added": added, "changed": changed, "left": left}
    return _event("A6004I", why, {"mab": shown, "by": by}, now)


def two_ports(*, mac: str, ports: Iterable[Port], now: Instant) -> AuditEvent:
    """``mab.two_ports``."""
    there = tuple(ports)
    places = " and ".join(f"{f'port `{each.port}` of ' if each.port else ''}NAS `{each.nas}`" for each in there)
    shown: Block = {
        "ports": [
            {
                "nas": each.nas,
                "source": each.source,
                "port": each.port,
                "nacd_session": each.session,
                "began": timestamp(each.began),
                "heard": timestamp(each.heard),
            }
            for each in there
        ]
    }
    why = f"`{mac}` is on {places} at once, by MAB: one of them shows a MAC that is not its own"
    return _event("A6010W", why, {"endpoint": {"mac": mac}, "mab": shown}, now)


def _entry(entry: Entered) -> Block:
    return {
        "mac": entry.mac,
        "owner": entry.owner,
        "reason": entry.reason,
        "tags": [*entry.tags],
        "until": timestamp(entry.until) if entry.until else "",
        "at": timestamp(entry.at),
        "entered_by": entry.by,
        "even_if_managed": entry.even_if_managed,
    }


def _end(entry: Entered) -> str:
    return f", until {timestamp(entry.until)}" if entry.until else ""


def _event(code: str, why: str, fields: Block, now: Instant) -> AuditEvent:
    head: Block = {"code": code, "time": timestamp(now.wall), "event": _NAMES[code], "why": why}
    return AuditEvent(code=code, fields={**head, **fields})
