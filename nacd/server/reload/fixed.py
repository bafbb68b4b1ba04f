"""What a reload can change, and what is built once: every setting, by its path.

Knows: the table. Refuses to know: how anything is built, and what has changed besides (``changes``).

A setting that is not in the table by itself is as the one above it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias

from nacd.config.sections.base import Section
from nacd.config.settings import Settings
from nacd.errors import Problem
from nacd.server.assembly import Assembled

Way: TypeAlias = tuple[str, ...]
"""Names of sections and settings from the top of ``nacd.yaml``."""


class Effect(StrEnum):
    """When a setting that was changed in the file counts."""

    RELOAD = "reload"
    RESTART = "restart"


EFFECTS: Final[Mapping[str, Effect]] = MappingProxyType(
    {
        "server": Effect.RESTART,
        "clients": Effect.RELOAD,
        "eap": Effect.RELOAD,
        "identity": Effect.RELOAD,
        "intune": Effect.RESTART,
        "intune.*": Effect.RELOAD,
        "intune.cloud": Effect.RESTART,
        "intune.tenant": Effect.RESTART,
        "intune.source": Effect.RESTART,
        "intune.fallback": Effect.RESTART,
        "tenants": Effect.RESTART,
        "tenants.*.*": Effect.RELOAD,
        "tenants.*.cloud": Effect.RESTART,
        "tenants.*.tenant": Effect.RESTART,
        "tenants.*.source": Effect.RESTART,
        "tenants.*.fallback": Effect.RESTART,
        "compliance": Effect.RESTART,
        "compliance.poll.groups": Effect.RELOAD,
        "policy": Effect.RELOAD,
        "shadow": Effect.RELOAD,
        "mab": Effect.RELOAD,
        "audit": Effect.RELOAD,
        "audit.file": Effect.RESTART,
        "sessions": Effect.RELOAD,
        "control": Effect.RESTART,
        "actions": Effect.RESTART,
        "overload": Effect.RESTART,
        "state": Effect.RESTART,
        "dictionaries": Effect.RELOAD,
    }
)
"""``*`` stands for any one name, as long as a row does not name it."""


def effect(way: Way) -> Effect:
    """Of the setting at this path. Raises KeyError for one whose top is not in the table."""
    for length in range(len(way), 0, -1):
        rows = [row for row in EFFECTS if _fits(row.split("."), way[:length])]
        if rows:
            return EFFECTS[min(rows, key=lambda row: row.count("*"))]
    raise KeyError(".".join(way))


def unchangeable(before: Assembled, after: Assembled) -> tuple[Problem, ...]:
    """What is other than in the running daemon and cannot be, each at its place in the new file."""
    return tuple(
        after.loaded.problem(
            f"`{'.'.join(way)}` is read at start only: restart nacd, or put back what was there", setting=way
        )
        for way in differences(before.loaded.settings, after.loaded.settings)
        if effect(way) is Effect.RESTART
    )


def differences(before: object, after: object, way: Way = ()) -> Iterator[Way]:
    """The paths of all settings that are not the same; of a list the list's own."""
    if isinstance(before, Section) and type(before) is type(after):
        for name in type(before).model_fields:
            yield from differences(getattr(before, name), getattr(after, name), (*way, name))
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys((*before, *after)):
            yield from differences(before.get(name), after.get(name), (*way, str(name)))
    elif before != after:
        yield way


def tops() -> tuple[str, ...]:
    """Every top-level setting there is."""
    return tuple(Settings.model_fields)


def _fits(row: list[str], way: Way) -> bool:
    return len(row) == len(way) and all(part in ("*", name) for part, name in zip(row, way, strict=True))
