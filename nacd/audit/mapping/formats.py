"""The formats an event can have, by the names that the configuration uses.

Knows: one function for each. Refuses to know: destinations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from nacd.audit.mapping import cef, ecs, ocsf
from nacd.audit.mapping.record import Record


def as_it_lies(record: Record, _version: str) -> bytes:
    """The record octet for octet, so that its link can be checked at the far end."""
    return record.line


FORMATS: Final[Mapping[str, Callable[[Record, str], bytes]]] = MappingProxyType(
    {"nacd": as_it_lies, "ocsf": ocsf.event, "ecs": ecs.event, "cef": cef.event}
)
"""From a record, and the version of nacd, to one line without its newline; none of them raises."""
