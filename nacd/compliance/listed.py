"""What Intune's list of devices that are not compliant says, in one piece or not at all.

Knows: the two answers there are. Refuses to know: pages, and what follows from being on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class NoncompliantList:
    """All devices of a tenant that are not compliant: every page, or this value does not exist.

    guids: Intune device ids, lower case. as_of: seconds since the epoch when the first page was asked for.
    """

    guids: frozenset[str]
    as_of: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRefused:
    """The list could not be had, and nothing follows from that. quota: asked too often, not an outage."""

    detail: str
    quota: bool = False


BulkAnswer: TypeAlias = NoncompliantList | ListRefused
