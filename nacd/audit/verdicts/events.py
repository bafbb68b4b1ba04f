"""The audit events of asking about devices: their rows of the one table, and a builder for each.

Knows: what each record says and its one sentence of why. Refuses to know: the clock (``now`` is given), who is asked,
and how many of these are too many to write.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from nacd.audit import blocks
from nacd.audit.blocks import Block, thousandths, timestamp
from nacd.audit.kind import HEAD, Event, event
from nacd.values import AuditEvent, Compliance, DeviceId, Instant, MacAddress

FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "lookup.tenant": "who was asked, by the name of the tenant in nacd's configuration",
        "lookup.subject": "what was asked about: `device` or `mac`",
        "lookup.id": "the device id, or the MAC",
        "lookup.register": "whose id it is: `intune` or `entra`; empty for a MAC",
        "lookup.took_ms": "from the question to its answer, milliseconds",
        "lookup.unwritten": "questions that ended alike since the record before this one, and have none of their own",
        "verdict.before": "compliance state as it was known until now; empty when the bulk list took a good one away",
        "verdict.as_of_before": "when that was true",
        "verdict.by": "what brought the news: `login`, `poll` or `bulk`",
        "breaker.state": "`open`: Intune is left alone for a while; `closed`: it answers again",
        "breaker.trouble": "what it did the last time that it did not answer, in words",
    }
)
"""Meanings of the fields that only these events have."""

_ASKED: Final = tuple(f"lookup.{name}" for name in ("tenant", "subject", "id", "register"))
_SAID: Final = tuple(f"compliance.{name}" for name in ("state", "detail", "provider", "source", "as_of", "age_s"))
_DEVICE: Final = tuple(
    f"compliance.device.{name}"
    for name in (
        *("name", "operating_system", "os_version", "owner", "user", "last_sync"),
        *("in_groups", "outside_groups", "groups_doubt"),
    )
)

ROWS: Final[tuple[Event, ...]] = (
    event(
        "A7001I",
        "lookup.answered",
        "Intune was asked about a device for a login, and answered.",
        *(*HEAD, *_ASKED, "lookup.took_ms", "lookup.unwritten", *_SAID, "compliance.grace_until", *_DEVICE),
    ),
    event(
        "A7002W",
        "lookup.failed",
        "Intune was asked about a device, and no answer could be had.",
        *(*HEAD, *_ASKED, "lookup.took_ms", "lookup.unwritten", *_SAID, "compliance.grace_until", *_DEVICE),
    ),
    event(
        "A7003I",
        "verdict.changed",
        "What is known of a device is other than before.",
        *(*HEAD, *_ASKED, "verdict.before", "verdict.as_of_before", "verdict.by"),
        *(*_SAID, "compliance.grace_until", *_DEVICE),
    ),
    event(
        "A7004W",
        "lookup.suspended",
        "Intune has failed several times in a row: it is left alone for a while, and logins get what is known.",
        *(*HEAD, "lookup.tenant", "breaker.state", "breaker.trouble"),
    ),
    event(
        "A7005I",
        "lookup.resumed",
        "Intune answers again, and is asked again.",
        *(*HEAD, "lookup.tenant", "breaker.state", "breaker.trouble"),
    ),
)
_NAMES: Final = {row.code: row.name for row in ROWS}


def answered(
    *, tenant: str, subject: DeviceId | MacAddress, said: Compliance, took_s: float, unwritten: int, now: Instant
) -> AuditEvent:
    """``lookup.answered``. unwritten: answers since the last of these records that were not written."""
    why = f"intune says of {_named(subject)}: {said.state}"
    return _event("A7001I", why, _asked(tenant, subject, took_s, unwritten), said, now)


def failed(
    *, tenant: str, subject: DeviceId | MacAddress, said: Compliance, took_s: float, unwritten: int, now: Instant
) -> AuditEvent:
    """``lookup.failed``. said: the ``unavailable`` that whoever waits is told."""
    why = f"intune does not say anything of {_named(subject)}: {said.detail}"
    return _event("A7002W", why, _asked(tenant, subject, took_s, unwritten), said, now)


def changed(
    *, tenant: str, subject: DeviceId | MacAddress, before: Compliance, said: Compliance, by: str, now: Instant
) -> AuditEvent:
    """``verdict.changed``. by: ``login`` or ``poll``."""
    why = f"{_named(subject)} was {before.state} and is {said.state}" + (f": {said.detail}" if said.detail else "")
    shown: Block = {"before": before.state, "as_of_before": timestamp(before.as_of), "by": by}
    return _event("A7003I", why, {"lookup": _subject(tenant, subject), "verdict": shown}, said, now)


def taken_away(*, tenant: str, subject: DeviceId | MacAddress, said: Compliance, now: Instant) -> AuditEvent:
    """``verdict.changed`` by the list of noncompliant devices, which contradicts a good verdict."""
    why = f"{_named(subject)} had a good verdict and is {said.state}: {said.detail}"
    shown: Block = {"before": "", "as_of_before": "", "by": "bulk"}
    return _event("A7003I", why, {"lookup": _subject(tenant, subject), "verdict": shown}, said, now)


def suspended(*, tenant: str, trouble: str, now: Instant) -> AuditEvent:
    """``lookup.suspended``. trouble: what Intune did, in words."""
    return _breaker("A7004W", f"intune has been failing: {trouble}", tenant, "open", trouble, now)


def resumed(*, tenant: str, now: Instant) -> AuditEvent:
    """``lookup.resumed``."""
    return _breaker("A7005I", "intune answers again", tenant, "closed", "", now)


def _breaker(code: str, why: str, tenant: str, state: str, trouble: str, now: Instant) -> AuditEvent:
    head: Block = {"code": code, "time": timestamp(now.wall), "event": _NAMES[code], "why": why}
    shown: Block = {"lookup": {"tenant": tenant}, "breaker": {"state": state, "trouble": trouble}}
    return AuditEvent(code=code, fields={**head, **shown})


def _event(code: str, why: str, shown: Block, said: Compliance, now: Instant) -> AuditEvent:
    head: Block = {"code": code, "time": timestamp(now.wall), "event": _NAMES[code], "why": why}
    return AuditEvent(code=code, fields={**head, **shown, "compliance": blocks.compliance(said, now)})


def _asked(tenant: str, subject: DeviceId | MacAddress, took_s: float, unwritten: int) -> Block:
    shown = _subject(tenant, subject)
    return {"lookup": {**shown, "took_ms": thousandths(took_s * 1000), "unwritten": unwritten}}


def _subject(tenant: str, subject: DeviceId | MacAddress) -> Block:
    if isinstance(subject, MacAddress):
        return {"tenant": tenant, "subject": "mac", "id": subject.text, "register": ""}
    return {"tenant": tenant, "subject": "device", "id": subject.guid, "register": subject.kind}


def _named(subject: DeviceId | MacAddress) -> str:
    return f"MAC {subject.text}" if isinstance(subject, MacAddress) else f"device {subject}"
