"""The audit events of configurations that come and go: their rows of the one table, and a builder for each.

Knows: what each record says and its one sentence of why. Refuses to know: the clock (``now`` is given), how two
configurations are compared, and when one is taken back.

Secrets are named by the NAS that has them, never by what they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from nacd.audit.blocks import Block, timestamp
from nacd.audit.kind import HEAD, Event, event
from nacd.values import AuditEvent, AuditValue, Instant

_FIELDS: Final = {
    "configuration.file": "configuration file",
    "configuration.digest": "digest of the configuration",
    "configuration.policy_digest": "digest of the policy",
    "configuration.notes": "notes of the policy's lint",
    "configuration.generation": "1 for the configuration that nacd was started with, then one more for each",
    "configuration.changes": "what is other than before, in words; empty at start",
    "configuration.problems": "what is wrong with it, each with its place, in the words of `nacd check`",
    "canary.group": "group of the NASes that it is tried out with",
    "canary.until": "when it goes on to all NASes, or is taken back",
    "canary.max_change": "by how much a share of the group's answers may change, percentage points",
    "canary.min_sample": "answers before and after that a comparison needs",
    "canary.reason": "why it is taken back, in words",
}
FIELDS: Final[Mapping[str, str]] = MappingProxyType(_FIELDS)
"""Meanings of the fields that only these events have."""

_LOADED: Final = tuple(f"configuration.{name}" for name in ("file", "digest", "policy_digest", "notes"))
_NEW: Final = (*_LOADED, "configuration.generation", "configuration.changes", "by")

ROWS: Final[tuple[Event, ...]] = (
    event("A9003I", "configuration.loaded", "A configuration came into force.", *HEAD, *_NEW),
    event(
        "A9004W",
        "configuration.refused",
        "A configuration was to be loaded and was not: the one before stays in force.",
        *(*HEAD, "configuration.file", "configuration.problems", "by"),
    ),
    event(
        "A9006I",
        "configuration.canary_began",
        "A configuration answers the NASes of one group from now on, and all others do not know of it yet.",
        *(*HEAD, *_NEW, "canary.group", "canary.until", "canary.max_change", "canary.min_sample"),
    ),
    event(
        "A9007E",
        "configuration.canary_failed",
        "A configuration that was tried out has taken itself back: the one before answers all NASes again.",
        *(*HEAD, "configuration.digest", "configuration.policy_digest", "configuration.generation"),
        *("canary.group", "canary.reason"),
    ),
    event(
        "A9008I",
        "configuration.canary_discarded",
        "A person took back a configuration that was tried out.",
        *(*HEAD, "configuration.digest", "configuration.policy_digest", "configuration.generation"),
        *("canary.group", "by"),
    ),
)
_NAMES: Final = {row.code: row.name for row in ROWS}
_MOST: Final = 100
"""Sentences in one record."""


def loaded(
    *,
    file: str,
    digest: str,
    policy_digest: str,
    notes: Iterable[str],
    now: Instant,
    generation: int = 1,
    changes: Iterable[str] = (),
    by: str = "",
    after: str = "",
) -> AuditEvent:
    """``configuration.loaded``. by: who ordered it, ``""`` at start. after: the group that it was tried out with."""
    told = _some(changes)
    why = f"configuration `{file}` is in force"
    if by:
        tried = f" after it was tried out with `{after}`" if after else ""
        why = f"{why}{tried}, by order of {by}: {_in_words(told)}"
    shown: Block = {"file": file, "digest": digest, "policy_digest": policy_digest, "notes": _some(notes)}
    shown |= {"generation": generation, "changes": told}
    return _event("A9003I", why, {"configuration": shown, "by": by}, now)


def refused(*, file: str, problems: Iterable[str], by: str, now: Instant) -> AuditEvent:
    """``configuration.refused``. problems: as ``nacd check`` words them."""
    told = _some(problems)
    why = f"configuration `{file}` is not loaded, as {by} ordered: {_in_words(told)}"
    return _event("A9004W", why, {"configuration": {"file": file, "problems": told}, "by": by}, now)


def canary_began(
    *,
    configuration: Block,
    group: str,
    until: float,
    max_change: float,
    min_sample: int,
    by: str,
    now: Instant,
) -> AuditEvent:
    """``configuration.canary_began``. configuration: as ``block`` makes it. until: seconds since the epoch."""
    changes = configuration["changes"]
    words = _in_words(changes) if isinstance(changes, list) else ""
    why = f"{by} tries out a configuration with the NASes of group `{group}` until {timestamp(until)}: {words}"
    tried: Block = {"group": group, "until": timestamp(until), "max_change": max_change, "min_sample": min_sample}
    return _event("A9006I", why, {"configuration": configuration, "canary": tried, "by": by}, now)


def canary_failed(*, configuration: Block, group: str, reason: str, now: Instant) -> AuditEvent:
    """``configuration.canary_failed``."""
    why = f"the configuration that was tried out with group `{group}` has taken itself back: {reason}"
    fields: Block = {"configuration": _short(configuration), "canary": {"group": group, "reason": reason}}
    return _event("A9007E", why, fields, now)


def canary_discarded(*, configuration: Block, group: str, by: str, now: Instant) -> AuditEvent:
    """``configuration.canary_discarded``."""
    why = f"{by} took back the configuration that was tried out with group `{group}`"
    fields: Block = {"configuration": _short(configuration), "canary": {"group": group}, "by": by}
    return _event("A9008I", why, fields, now)


def block(
    *, file: str, digest: str, policy_digest: str, notes: Iterable[str], generation: int, changes: Iterable[str]
) -> Block:
    """What a record says of one configuration."""
    return {
        "file": file,
        "digest": digest,
        "policy_digest": policy_digest,
        "notes": _some(notes),
        "generation": generation,
        "changes": _some(changes),
    }


def _short(configuration: Block) -> Block:
    return {name: configuration[name] for name in ("digest", "policy_digest", "generation")}


def _some(words: Iterable[str]) -> list[AuditValue]:
    every: list[AuditValue] = list(words)
    return every if len(every) <= _MOST else [*every[:_MOST], f"and {len(every) - _MOST} more"]


def _in_words(sentences: list[AuditValue]) -> str:
    few = [str(each) for each in sentences[:3]]
    more = f"; and {len(sentences) - 3} more" if len(sentences) > 3 else ""
    return "; ".join(few) + more if few else "nothing that decides has changed"


def _event(code: str, why: str, fields: Block, now: Instant) -> AuditEvent:
    head: Block = {"code": code, "time": timestamp(now.wall), "event": _NAMES[code], "why": why}
    return AuditEvent(code=code, fields={**head, **fields})
