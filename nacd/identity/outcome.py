"""What one identity source can say: a name, nothing, or something wrong.

Knows: the three outcomes and how a piece of foreign text is put into a sentence. Refuses to know:
which source said it, and what becomes of it (``name``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from nacd.values import Device, Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The source names what is at the other end. detail: how, for the audit record."""

    identity: Device | Endpoint
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """The source says nothing that counts; the next source may be tried."""

    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """The source says something that cannot be right: naming ends here, with no weaker source tried."""

    detail: str


Outcome: TypeAlias = Found | Absent | Bad


def quoted(text: str, limit: int = 80) -> str:
    """Foreign text between backticks: printable, without backticks of its own, at most ``limit`` characters."""
    shown = "".join(c if c.isprintable() and c != "`" else "?" for c in text[:limit])
    return f"`{shown}…`" if len(text) > limit else f"`{shown}`"
