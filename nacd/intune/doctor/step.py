"""What one step of an examination comes to: a word, a sentence, and what to click.

Knows: the four outcomes, and that nothing a stranger sent may steer a terminal. Refuses to know: how any of it is
found out, and how it is printed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

LONGEST_TEXT = 4_000
SHORTEST_SECRET = 4
"""Blotting out a shorter one would make a report unreadable, and hide nothing."""


class Status(StrEnum):
    """How a step ended. Only ``failed`` makes the whole a failure."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found. detail: lines for people, the first says it all. fix: what to do, ``""`` for nothing."""

    status: Status
    detail: str
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A step has begun. doing: what it does, in words; ``""`` for nothing that takes time."""

    name: str
    doing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step that is over. took_ms: whole milliseconds."""

    name: str
    status: Status
    detail: str
    fix: str = ""
    took_ms: int = 0


def good(detail: str) -> Finding:
    """All is well."""
    return Finding(status=Status.OK, detail=detail)


def warning(detail: str, fix: str) -> Finding:
    """It works, and will not for ever, or not for everybody."""
    return Finding(status=Status.WARNING, detail=detail, fix=fix)


def failed(detail: str, fix: str) -> Finding:
    """It does not work."""
    return Finding(status=Status.FAILED, detail=detail, fix=fix)


def not_tried(needs: str) -> Finding:
    """It could not even be tried."""
    return Finding(status=Status.SKIPPED, detail=f"not tried: needs {needs}")


def not_needed(why: str) -> Finding:
    """Nobody needs it here."""
    return Finding(status=Status.SKIPPED, detail=f"not needed: {why}")


def timed(name: str, work: Callable[[], Finding]) -> Step:
    """Do the work and say how it went. What is not printable, or too long for anybody to read, is left out."""
    started = time.monotonic()
    found = work()
    return Step(
        name=name,
        status=found.status,
        detail=shown(found.detail),
        fix=shown(found.fix),
        took_ms=round((time.monotonic() - started) * 1000),
    )


def without(step: Step, secrets: Iterable[str]) -> Step:
    """The step with each secret in it blotted out: a server, or a proxy, may send back what it was sent."""
    detail, fix = step.detail, step.fix
    for secret in secrets:
        if len(secret) >= SHORTEST_SECRET:
            detail, fix = detail.replace(secret, "***"), fix.replace(secret, "***")
    return replace(step, detail=detail, fix=fix)


def shown(text: str) -> str:
    """Printable text and line ends alone, cut to 4,000 characters."""
    kept = "".join(char if char.isprintable() or char == "\n" else "?" for char in text)
    return kept if len(kept) <= LONGEST_TEXT else f"{kept[:LONGEST_TEXT]} ..."
