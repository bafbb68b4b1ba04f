"""What a batch looks like in the body of a request, and what an answer says of it.

Knows: lines, a list, Splunk's events, Elasticsearch's bulk. Refuses to know: HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

import orjson

from nacd.keeper.forward.doors.door import Event


class Body(NamedTuple):
    """join: events to octets. content_type: of these."""

    join: Callable[[Sequence[Event]], bytes]
    content_type: str


class Verdict(NamedTuple):
    """What a bulk answer says. refused: places in the batch that are refused by themselves, with why. trouble: why some
    of the rest were not taken for now; "" if all were."""

    refused: Mapping[int, str]
    trouble: str


def _lines(events: Sequence[Event]) -> bytes:
    return b"".join([event.octets + b"\n" for event in events])


def _array(events: Sequence[Event]) -> bytes:
    return b"[" + b",".join([event.octets for event in events]) + b"]"


def _hec(events: Sequence[Event]) -> bytes:
    """Objects one behind the other, each with its time (seconds since the epoch)."""
    parts = []
    for event in events:
        at = event.record.milliseconds
        head = b'{"time":%d.%03d,' % divmod(at, 1000) if at else b"{"
        parts.append(b'%b"sourcetype":"nacd:audit","event":%b}\n' % (head, event.octets))
    return b"".join(parts)


def _bulk(events: Sequence[Event]) -> bytes:
    """Each under its link as `_id`, so that what comes twice is there once."""
    parts = []
    for event in events:
        link = event.record.link.encode()
        parts.append((b'{"create":{"_id":"%b"}}\n' % link if link else b'{"create":{}}\n') + event.octets + b"\n")
    return b"".join(parts)


BODIES: Final[Mapping[str, Body]] = MappingProxyType(
    {
        "ndjson": Body(_lines, "application/x-ndjson"),
        "array": Body(_array, "application/json"),
        "hec": Body(_hec, "application/json"),
        "bulk": Body(_bulk, "application/x-ndjson"),
    }
)


def bulk_verdict(answer: bytes, count: int) -> Verdict:
    """What `_bulk` says of so many events, whatever its status was: 409 is one that was there already."""
    try:
        told = orjson.loads(answer)
        items = told["items"]
        statuses = [next(iter(item.values())) for item in items]
        if len(statuses) != count:
            return Verdict({}, "the answer of `_bulk` is not about these events")
        refused, trouble = {}, ""
        for number, each in enumerate(statuses):
            status = each["status"]
            if 200 <= status < 300 or status == 409:
                continue
            why = str((each.get("error") or {}).get("type", ""))[:80]
            if status in (400, 413, 422):
                refused[number] = f"status {status} {why}".strip()
            else:
                trouble = trouble or f"status {status} {why} in the answer of `_bulk`"
        return Verdict(refused, trouble)
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, StopIteration):
        return Verdict({}, "the answer of `_bulk` cannot be read")
