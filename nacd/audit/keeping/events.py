"""The audit events of the keeper and of what it does with full files: their rows of the one table, and a builder for
each.

Knows: what each record says and its one sentence of why. Refuses to know: the clock (``now`` is given), how files are
compressed, and when one is retired (that it was is a record of the trail's own, ``audit.retired``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from nacd.audit.blocks import Block, timestamp
from nacd.audit.kind import HEAD, Event, event
from nacd.values import AuditEvent, Instant

_FIELDS: Final = {
    "keeper.reason": "why the keeper ended or was ended, in words; empty when it is back",
    "keeper.restarts": "how often it was started anew since nacd was started",
    "kept.file": "name of the full file, as it was before it was compressed",
    "kept.records": "lines of the file",
    "kept.octets": "octets of its text",
    "kept.packed_octets": "octets of the compressed file",
    "kept.sha256": "SHA-256 of its text, hex: what `zcat FILE.gz | sha256sum` says",
    "kept.problem": "what is wrong, in words",
    "kept.destination": "where records of the file were to be forwarded to",
    "kept.unsent": "records of the file that had not been forwarded there when it was deleted",
    "kept.strange": "names of what stands where only full files of this trail should; twenty at most",
    "kept.strange_count": "how many there are",
}
FIELDS: Final[Mapping[str, str]] = MappingProxyType(_FIELDS)
"""Meanings of the fields that only these events have."""

_SEALED: Final = tuple(f"kept.{name}" for name in ("file", "records", "octets", "packed_octets", "sha256"))

ROWS: Final[tuple[Event, ...]] = (
    event(
        "A9120W",
        "keeper.failed",
        "The keeper of full audit files ended and is started anew; nacd answers without it, and files wait.",
        *(*HEAD, "keeper.reason", "keeper.restarts"),
    ),
    event("A9121I", "keeper.resumed", "The keeper is at work again.", *HEAD, "keeper.reason", "keeper.restarts"),
    event(
        "A9122I",
        "audit.sealed",
        "A full file was compressed, read back and found the same; the plain one goes.",
        *(*HEAD, *_SEALED),
    ),
    event(
        "A9123W",
        "audit.seal_failed",
        "A full file could not be compressed: it stays as it is and is tried again.",
        *(*HEAD, "kept.file", "kept.problem"),
    ),
    event(
        "A9124W",
        "audit.index_failed",
        "A full file could not be indexed: searching it takes longer until it can.",
        *(*HEAD, "kept.file", "kept.problem"),
    ),
    event(
        "A9125W",
        "audit.retired_unsent",
        "A full file was deleted before all of it had been forwarded: these records never get there.",
        *(*HEAD, "kept.file", "kept.destination", "kept.unsent"),
    ),
    event(
        "A9126W",
        "audit.strange_files",
        "Links, pipes or files of somebody else have names of full files: they are left alone.",
        *(*HEAD, "kept.strange", "kept.strange_count"),
    ),
    event(
        "A9127W",
        "audit.retire_failed",
        "A full file is due to be deleted and cannot be.",
        *(*HEAD, "kept.file", "kept.problem"),
    ),
)
_NAMES: Final = {row.code: row.name for row in ROWS}
MOST_NAMES: Final = 20
"""Names in one record."""


def failed(*, reason: str, restarts: int, now: Instant) -> AuditEvent:
    """``keeper.failed``. reason: in words."""
    why = f"the keeper of full audit files is started anew: {reason}"
    return _event("A9120W", why, {"keeper": {"reason": reason, "restarts": restarts}}, now)


def resumed(*, restarts: int, now: Instant) -> AuditEvent:
    """``keeper.resumed``."""
    why = "the keeper of full audit files is at work again"
    return _event("A9121I", why, {"keeper": {"reason": "", "restarts": restarts}}, now)


def sealed(*, file: str, records: int, octets: int, packed_octets: int, sha256: str, now: Instant) -> AuditEvent:
    """``audit.sealed``. octets, sha256: of the text. packed_octets: of the compressed file."""
    why = f"`{file}` is compressed: {records} records, {octets} octets in {packed_octets}"
    told: Block = {"file": file, "records": records, "octets": octets, "packed_octets": packed_octets, "sha256": sha256}
    return _event("A9122I", why, {"kept": told}, now)


def seal_failed(*, file: str, problem: str, now: Instant) -> AuditEvent:
    """``audit.seal_failed``."""
    return _event("A9123W", f"`{file}` is not compressed: {problem}", {"kept": {"file": file, "problem": problem}}, now)


def index_failed(*, file: str, problem: str, now: Instant) -> AuditEvent:
    """``audit.index_failed``."""
    return _event("A9124W", f"`{file}` has no index: {problem}", {"kept": {"file": file, "problem": problem}}, now)


def retired_unsent(*, file: str, destination: str, unsent: int, now: Instant) -> AuditEvent:
    """``audit.retired_unsent``. unsent: records."""
    why = f"{unsent} records of `{file}` are deleted that were not yet forwarded to `{destination}`"
    told: Block = {"file": file, "destination": destination, "unsent": unsent}
    return _event("A9125W", why, {"kept": told}, now)


def strange_files(*, names: Sequence[str], count: int, now: Instant) -> AuditEvent:
    """``audit.strange_files``. names: some of them. count: of all."""
    why = f"{count} names beside the audit file are not what they say: links, pipes or files of somebody else"
    told: Block = {"strange": list(names[:MOST_NAMES]), "strange_count": count}
    return _event("A9126W", why, {"kept": told}, now)


def retire_failed(*, file: str, problem: str, now: Instant) -> AuditEvent:
    """``audit.retire_failed``."""
    why = f"`{file}` is due to be deleted and is not: {problem}"
    return _event("A9127W", why, {"kept": {"file": file, "problem": problem}}, now)


def _event(code: str, why: str, fields: Block, now: Instant) -> AuditEvent:
    head: Block = {"code": code, "time": timestamp(now.wall), "event": _NAMES[code], "why": why}
    return AuditEvent(code=code, fields={**head, **fields})
