"""What an event of ours is in other people's classifications: OCSF's classes, ECS's categories.

Knows: one row for each name, or beginning of a name, of an event. Refuses to know: how a record is filled into them.

A name without a row counts by the word before its dot, and what has no row at all is OCSF's Base Event: so an event
that is added tomorrow is forwarded tomorrow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

BASE, ENTITY, AUTHENTICATION, AUTHORIZE = 0, 3004, 3002, 3003
NETWORK, LIFECYCLE, API, FAULT = 4001, 6002, 6003, 6008

CLASSES: Final[Mapping[int, str]] = MappingProxyType(
    {
        BASE: "Base Event",
        AUTHENTICATION: "Authentication",
        AUTHORIZE: "Authorize Session",
        ENTITY: "Entity Management",
        NETWORK: "Network Activity",
        LIFECYCLE: "Application Lifecycle",
        API: "API Activity",
        FAULT: "Application Error",
    }
)
CATEGORIES: Final[Mapping[int, str]] = MappingProxyType(
    {0: "Uncategorized", 3: "Identity & Access Management", 4: "Network Activity", 6: "Application Activity"}
)
_ACTIVITIES: Final[Mapping[tuple[int, int], str]] = MappingProxyType(
    {
        (AUTHENTICATION, 1): "Logon",
        (AUTHORIZE, 1): "Assign Privileges",
        (ENTITY, 1): "Create",
        (ENTITY, 3): "Update",
        (ENTITY, 4): "Delete",
        (NETWORK, 1): "Open",
        (NETWORK, 2): "Close",
        (NETWORK, 5): "Refuse",
        (NETWORK, 6): "Traffic",
        (LIFECYCLE, 3): "Start",
        (LIFECYCLE, 4): "Stop",
        (LIFECYCLE, 8): "Update",
        (FAULT, 1): "General Error",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """ocsf: class. activity: of it. outcome: ``success``, ``failure`` or ``unknown``. categories, types: ECS's."""

    ocsf: int = BASE
    activity: int = 99
    outcome: str = "unknown"
    categories: tuple[str, ...] = ()
    types: tuple[str, ...] = ("info",)

    @property
    def activity_name(self) -> str:
        return _ACTIVITIES.get((self.ocsf, self.activity), "Other")


def _kind(ocsf: int, activity: int, outcome: str, categories: str, types: str) -> Kind:
    return Kind(
        ocsf=ocsf,
        activity=activity,
        outcome=outcome,
        categories=tuple(categories.split()),
        types=tuple(types.split()),
    )


_LOGON: Final = "authentication network"
_ROWS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "access": _kind(AUTHENTICATION, 1, "failure", _LOGON, "start denied"),
        "access.accept": _kind(AUTHENTICATION, 1, "success", _LOGON, "start allowed"),
        "access.monitored": _kind(AUTHENTICATION, 1, "success", _LOGON, "start allowed"),
        "access.list_downloaded": _kind(BASE, 99, "success", "network", "access"),
        "access.repeats_overflow": _kind(BASE, 99, "failure", _LOGON, "info denied"),
        "accounting": _kind(BASE, 99, "unknown", "network", "info"),
        "accounting.start": _kind(NETWORK, 1, "success", "network session", "start"),
        "accounting.interim": _kind(NETWORK, 6, "unknown", "network session", "info"),
        "accounting.stop": _kind(NETWORK, 2, "unknown", "network session", "end"),
        "packets": _kind(NETWORK, 5, "failure", "network", "denied protocol"),
        "session": _kind(AUTHORIZE, 99, "unknown", "session", "info"),
        "session.converged": _kind(AUTHORIZE, 1, "success", "session", "info"),
        "session.alarm": _kind(AUTHORIZE, 99, "failure", "session", "info"),
        "session.ended": _kind(NETWORK, 2, "unknown", "network session", "end"),
        "guard": _kind(BASE, 99, "unknown", "session", "info"),
        "override.put": _kind(ENTITY, 1, "success", "iam", "admin creation"),
        "override.lifted": _kind(ENTITY, 4, "success", "iam", "admin deletion"),
        "order": _kind(API, 99, "unknown", "iam", "admin info"),
        "mab.entered": _kind(ENTITY, 1, "success", "iam", "admin creation"),
        "mab.removed": _kind(ENTITY, 4, "success", "iam", "admin deletion"),
        "mab.ended": _kind(ENTITY, 4, "success", "iam", "deletion"),
        "mab.imported": _kind(ENTITY, 3, "success", "iam", "admin change"),
        "service.started": _kind(LIFECYCLE, 3, "success", "process", "start"),
        "service.stopped": _kind(LIFECYCLE, 4, "success", "process", "end"),
        "service.bug": _kind(FAULT, 1, "failure", "process", "info"),
        "configuration": _kind(LIFECYCLE, 8, "success", "configuration", "change"),
        "configuration.refused": _kind(LIFECYCLE, 8, "failure", "configuration", "info"),
        "configuration.canary_failed": _kind(LIFECYCLE, 8, "failure", "configuration", "change"),
        "shadow": _kind(BASE, 99, "unknown", "configuration", "info"),
    }
)
_UNKNOWN: Final = Kind()


@lru_cache(maxsize=1_024)
def kind(name: str) -> Kind:
    """What an event of this name is."""
    return _ROWS.get(name) or _ROWS.get(name.partition(".")[0]) or _UNKNOWN
