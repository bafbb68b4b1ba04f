"""Records to map: one of each row of the event table, with every field that it has, and what a stranger may say."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import strategies as st

from nacd.audit.catalogue import EVENTS
from nacd.audit.mapping.record import Record, read

VERSION = "1.2.3"
HOSTILE = 'a\n<13>1 - h a p m - forged\r\0\x1b[31m\u2028\u0085|=\\]" msg=x src=1.2.3.4 \ud7ff\ufeff'
_KNOWN: dict[str, Any] = {
    "time": "2026-11-22T19:21:00.123Z",
    "access": "dot1x",
    "nas.source": "10.20.0.1",
    "endpoint.mac": "00-50-B6-AA-BB-CC",
    "endpoint.calling_station_id": "00-50-B6-AA-BB-CC",
    "first": "2026-11-22T19:20:00.000Z",
    "last": "2026-11-22T19:21:00.000Z",
    "count": 12,
    "latency_ms": 3.75,
    "certificate.not_before": "2026-01-01T00:00:00.000Z",
    "certificate.not_after": "2027-01-01T00:00:00.000Z",
    "eap.tls_version": "TLSv1.3",
    "certificate.fingerprint": "ab" * 32,
}


def sample(code: str) -> Record:
    """A record of this kind, every field of it filled."""
    event = EVENTS[code]
    fields: dict[str, Any] = {}
    for path in event.fields:
        value = _KNOWN.get(path, f"a {path}")
        _put(fields, path.split("."), {"code": code, "event": event.name}.get(path, value))
    return made({**fields, "seq": 18, "link": "9f" * 32})


def made(fields: Any) -> Record:
    record = read(orjson.dumps(fields))
    assert record is not None
    return record


def _put(into: dict[str, Any], path: list[str], value: Any) -> None:
    name = path[0]
    if name.endswith("[]"):
        one = into.setdefault(name[:-2], [{}])
        _put(one[0], path[1:], value)
    elif len(path) == 1:
        into[name] = value
    else:
        inner = into.setdefault(name, {})
        if isinstance(inner, dict):
            _put(inner, path[1:], value)


_BLOCKS = ["nas", "endpoint", "session", "identity", "certificate", "eap", "compliance", "device", "decision", "order"]
_NAMES = ["code", "time", "event", "why", "seq", "link", "by", "count", "first", "last", "latency_ms", "access"]
_NAMES += [
    "name",
    "source",
    "port",
    "port_id",
    "mac",
    "user_name",
    "user",
    "id",
    "rule",
    "reasons",
    "profile",
    "subject",
]
_NAMES += [
    "issuer",
    "serial",
    "fingerprint",
    "not_before",
    "state",
    "tls_version",
    "cipher",
    "failure",
    "refusal",
    "tenant",
]
_TEXTS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [HOSTILE, "A1001I", "access.accept", "10.0.0.1", "fe80::1%eth0", "2026-11-22T19:21:00.123Z", "9f" * 32]
    ),
)
_ANYTHING = st.one_of(_TEXTS, st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False), st.booleans(), st.none())
_INNER = st.recursive(
    _ANYTHING,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES + _BLOCKS), inner, max_size=4),
    max_leaves=8,
)


def records() -> st.SearchStrategy[Record]:
    """Records as strangers would have them: our names, and anything in them."""
    codes = st.sampled_from([*EVENTS, "A9999I", "nonsense", ""])

    def whole(fields: dict[str, Any], code: str) -> Record:
        name = EVENTS[code].name if code in EVENTS else fields.get("event", "")
        return made({**fields, "code": code, "event": name})

    fields = st.dictionaries(st.sampled_from(_NAMES + _BLOCKS), _INNER, max_size=12)
    return st.builds(whole, fields, codes)
