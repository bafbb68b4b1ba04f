"""A record as one row: what people look at first, and what a spreadsheet takes.

Knows: which field of which record answers who, where, what and why. Refuses to know: terminals, files.

What stands in a row is as it was sent; whoever shows it has to make it harmless (``visible``, ``cell``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from nacd.audit.asking.spelling import at_path, mac_of, text_at, written

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_LONGEST_WHY: Final = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A record's most wanted fields as text, ``""`` where it has none, in the order of a spreadsheet's columns."""

    time: str
    seq: str
    code: str
    event: str
    nas: str
    nas_source: str
    location: str
    port: str
    access: str
    user: str
    mac: str
    device: str
    effect: str
    rule: str
    profile: str
    what: str
    compliance: str
    session: str
    serial: str
    why: str


COLUMNS: Final = tuple(each.name for each in fields(Row))


def row_of(record: Mapping[str, Any]) -> Row:
    """Total: what is missing or of another type is empty."""

    def first(*paths: str) -> str:
        return next((found for path in paths if (found := text_at(record, path))), "")

    return Row(
        time=first("time"),
        seq=_number(record, "seq"),
        code=first("code"),
        event=first("event"),
        nas=first("nas.name", "mab.ports.nas"),
        nas_source=first("nas.source"),
        location=first("nas.location"),
        port=first("nas.port_id", "nas.port"),
        access=first("access"),
        user=first("endpoint.user", "eap.peer_identity", "endpoint.user_name", "by"),
        mac=first("endpoint.mac", "identity.mac", "mab.mac") or mac_of(first("endpoint.calling_station_id")),
        device=first("identity.id")
        or (first("override.subject") if first("override.subject_kind") == "device" else ""),
        effect=first("decision.effect", "wanted.effect", "override.effect"),
        rule=first("decision.rule", "wanted.rule"),
        profile=first("decision.profile", "wanted.profile", "override.profile"),
        what=what(record),
        compliance=first("compliance.state", "wanted.compliance.state"),
        session=_number(record, "nacd_session"),
        serial=first("certificate.serial"),
        why=first("why")[:_LONGEST_WHY],
    )


def what(record: Mapping[str, Any]) -> str:
    """What happened, in two or three words: the event, and the one word that tells most of it."""
    event = text_at(record, "event") or text_at(record, "code")
    more = ""
    match text_at(record, "code"):
        case "A1001I":
            more = text_at(record, "decision.profile")
        case "A1007W":
            more = f"{text_at(record, 'decision.effect')}, not enforced"
        case "A1003W":
            more = text_at(record, "eap.failure")
        case "A1004W":
            more = text_at(record, "refusal")
        case "A1010W":
            more = text_at(record, "eap.failure") or text_at(record, "refusal") or text_at(record, "repeated.event")
        case "A3001W" | "A3002W":
            more = text_at(record, "packets.reason")
        case "A4003I":
            more = text_at(record, "asked.verb")
        case "A4004I":
            more = f"{text_at(record, 'asked.verb')} {text_at(record, 'answer.meaning')}".strip()
        case "A4001I" | "A4005I":
            more = text_at(record, "wanted.profile")
    count = record.get("count")
    times = f" ×{count}" if type(count) is int else ""
    return f"{event} {more}".rstrip() + times


def visible(text: str) -> str:
    """Text that cannot steer a terminal: what is not printable (control characters, marks that turn the direction of
    writing) stands as JSON would write it."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else escaped(char) for char in text)


def escaped(char: str) -> str:
    """As JSON writes it in ASCII."""
    number = ord(char)
    if number < 0x10000:
        return f"\\u{number:04x}"
    number -= 0x10000
    return f"\\u{0xD800 + (number >> 10):04x}\\u{0xDC00 + (number & 0x3FF):04x}"


def cell(text: str) -> str:
    """Text for a spreadsheet: nothing that is run as a formula, nothing that cannot be seen.

    A quotation mark is put in front of what a spreadsheet would take for one (OWASP, CSV injection)."""
    seen = visible(text)
    return f"'{seen}" if text.lstrip(" ").startswith(_FORMULA) else seen


def _number(record: Mapping[str, Any], path: str) -> str:
    return next((written(each) for each in at_path(record, path) if type(each) is int and each > 0), "")
