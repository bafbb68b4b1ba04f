"""A request of the daemon, read strictly. Pure.

Knows: the one form there is: a JSON object with the keys `verb`, `device` and `tenant`, once each, all text, in at
most 512 octets. Refuses to know: sockets, and whether the request is granted. What is refused is never repeated: it
may be anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from nacd.store.handover import MAX_OCTETS
from nacd.values import NIL_GUID

VERBS: Final = ("sync", "notify")
"""All that the service can do."""
_KEYS: Final = {"verb", "device", "tenant"}
_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request that can be carried out. device: Intune device id, lower case. tenant: a name of ours."""

    verb: str
    device: str
    tenant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """Octets that are no request, and why."""

    reason: str


Reading: TypeAlias = Request | Unreadable


class _TwiceError(ValueError):
    """A key stands twice: two readers would see two requests."""


def read(octets: bytes, tenants: Container[str]) -> Reading:
    """A request out of one datagram. tenants: the names there are. Total: any octets give one or the other."""
    if len(octets) > MAX_OCTETS:
        return Unreadable(reason=f"longer than {MAX_OCTETS} octets")
    try:
        found = json.loads(octets.decode("utf-8"), object_pairs_hook=_once)
    except _TwiceError:
        return Unreadable(reason="a key stands twice")
    except (ValueError, RecursionError):
        return Unreadable(reason="no json")
    if not isinstance(found, dict) or set(found) != _KEYS:
        return Unreadable(reason="not the three keys `verb`, `device`, `tenant`")
    verb, device, tenant = found["verb"], found["device"], found["tenant"]
    if verb not in VERBS:
        return Unreadable(reason="another verb than sync and notify")
    if not isinstance(device, str) or not _GUID.fullmatch(device) or device == NIL_GUID:
        return Unreadable(reason="`device` is no Intune device id in lower case")
    if not isinstance(tenant, str) or tenant not in tenants:
        return Unreadable(reason="no tenant of this name in actions.yaml")
    return Request(verb=verb, device=device, tenant=tenant)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _TwiceError
    return found
