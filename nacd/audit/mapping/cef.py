"""A record in ArcSight's Common Event Format, version 0.

Knows: the header, the dictionary's keys that fit and their lengths, and how each part is escaped. Refuses to know:
syslog.

In the header ``\\`` and ``|`` are escaped, in the extension ``\\`` and ``=``; no value holds a line break or any other
control character, so nothing that a stranger said can begin a key or an event of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from nacd.audit.mapping.kinds import kind
from nacd.audit.mapping.record import Record, address, block, calm, mac, milliseconds, whole, word, words

_SEVERITIES: Final = {"information": 3, "warning": 6, "error": 8}
_LENGTHS: Final[Mapping[str, int]] = {
    "act": 63,
    "app": 31,
    "cat": 1023,
    "deviceInboundInterface": 128,
    "dhost": 1023,
    "externalId": 40,
    "msg": 1023,
    "outcome": 63,
    "reason": 1023,
    "shost": 1023,
    "sourceServiceName": 1023,
    "suid": 1023,
    "suser": 1023,
}
_CUSTOM: Final = 4_000
_CUSTOM_LABELS: Final = {
    "cs1": "Rule",
    "cs2": "Profile",
    "cs3": "Compliance",
    "cs4": "Device ID",
    "cs5": "Policy Digest",
    "cs6": "Link",
}


def event(record: Record, version: str) -> bytes:
    """The event in UTF-8, one line without its newline. version: of nacd. Total."""
    parts = ("nacd", "nacd", version, record.code or "unknown", record.name or "unknown")
    head = "|".join(_header(part) for part in parts)
    tail = " ".join(f"{key}={_escaped(value)}" for key, value in _extension(record) if value)
    return f"CEF:0|{head}|{_SEVERITIES[record.severity]}|{tail}".encode("utf-8", "replace")


def _extension(record: Record) -> Iterator[tuple[str, str]]:
    fields = record.fields
    nas, endpoint = block(fields, "nas"), block(fields, "endpoint")
    if record.time:
        yield "rt", str(record.milliseconds)
    if record.seq:
        yield "externalId", str(record.seq)
    yield from _fitting("msg", record.why)
    yield from _fitting("cat", record.name.partition(".")[0])
    yield from _fitting("outcome", kind(record.name).outcome)
    yield from _fitting("act", word(block(fields, "decision"), "effect"))
    yield from _fitting("reason", _reason(fields))
    yield "app", "RADIUS" if nas else ""
    yield from _fitting("suser", word(fields, "by") or word(endpoint, "user") or word(endpoint, "user_name"))
    yield "smac", mac(endpoint, "mac").replace("-", ":")
    for told in ("framed_address", "calling_station_id", "tunnel_client_endpoint"):
        if ip := address(word(endpoint, told, 64)):
            yield "src" if ":" not in ip else "c6a2", ip
            if ":" in ip:
                yield "c6a2Label", "Source IPv6 Address"
            break
    yield from _fitting("shost", word(block(block(fields, "compliance"), "device"), "name"))
    yield from _fitting("dhost", word(nas, "name"))
    if ip := address(word(nas, "source", 64)):
        yield "dst" if ":" not in ip else "c6a3", ip
        if ":" in ip:
            yield "c6a3Label", "Destination IPv6 Address"
    yield from _fitting("deviceInboundInterface", word(nas, "port_id") or word(nas, "port"))
    if count := whole(fields, "count"):
        yield "cnt", str(max(0, count))
    for key, field in (("start", "first"), ("end", "last")):
        if at := milliseconds(word(fields, field, 40)):
            yield key, str(at)
    yield from _customs(record)


def _customs(record: Record) -> Iterator[tuple[str, str]]:
    fields = record.fields
    decision = block(fields, "decision")
    told = {
        "cs1": word(decision, "rule"),
        "cs2": word(decision, "profile"),
        "cs3": word(block(fields, "compliance"), "state"),
        "cs4": word(block(fields, "identity"), "id"),
        "cs5": word(decision, "policy_digest"),
        "cs6": record.link,
    }
    for key, value in told.items():
        if value:
            yield f"{key}Label", _CUSTOM_LABELS[key]
            yield key, value[:_CUSTOM]


def _reason(fields: Mapping[str, Any]) -> str:
    found = word(fields, "refusal") or word(block(fields, "eap"), "failure") or word(block(fields, "packets"), "reason")
    return found or "; ".join(words(block(fields, "decision"), "reasons"))


def _fitting(key: str, value: str) -> Iterator[tuple[str, str]]:
    """The value in the length that the dictionary gives its key."""
    yield key, value[: _LENGTHS[key]]


def _header(text: str) -> str:
    return calm(text, 256).replace("\\", "\\\\").replace("|", "\\|")


def _escaped(text: str) -> str:
    return calm(text, _CUSTOM).replace("\\", "\\\\").replace("=", "\\=")
