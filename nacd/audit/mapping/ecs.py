"""A record as a document of the Elastic Common Schema, version 8.11.

Knows: which field of the schema holds what of ours. Refuses to know: which categories an event has (``kinds``).

The NAS is the ``observer``: it saw the endpoint, nacd only heard of it. All that is no head stays under ``nacd``, a
name of our own beside the schema's, so nothing is lost. ``event.id`` is the record's link.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from nacd.audit.mapping.kinds import kind
from nacd.audit.mapping.record import Record, address, block, dumped, mac, milliseconds, whole, word

VERSION: Final = "8.11.0"
_A_YEAR_MS: Final = 31_622_400_000
_SEVERITIES: Final = {"information": 6, "warning": 4, "error": 3}
_LEVELS: Final = {"information": "info", "warning": "warning", "error": "error"}
_EPOCH: Final = "1970-01-01T00:00:00.000Z"
Document = dict[str, Any]


def event(record: Record, version: str) -> bytes:
    """The document as JSON, one line without its newline. version: of nacd. Total."""
    fields = record.fields
    made: Document = {
        "@timestamp": record.time or _EPOCH,
        "ecs": {"version": VERSION},
        "message": record.why,
        "event": _event(record),
        "log": {"level": _LEVELS[record.severity]},
        "service": {"name": "nacd", "type": "radius", "version": version},
    }
    _put(made, "observer", _observer(block(fields, "nas")))
    _put(made, "source", _source(fields))
    _put(made, "user", _user(fields))
    _put(made, "device", {"id": word(block(fields, "identity"), "id")})
    _put(made, "rule", _rule(block(fields, "decision")))
    _put(made, "tls", _tls(fields))
    if "source" in made:
        made["network"] = {"protocol": "radius", "transport": "udp"}
    _put(made, "related", _related(made))
    made["nacd"] = record.rest
    return dumped(made)


def _put(made: Document, name: str, part: Document) -> None:
    """Leave out what is empty: a search for a field should find those that have it."""
    kept = {key: value for key, value in part.items() if value}
    if kept:
        made[name] = kept


def _event(record: Record) -> Document:
    known = kind(record.name)
    made: Document = {
        "kind": "event",
        "module": "nacd",
        "dataset": "nacd.audit",
        "provider": "nacd",
        "action": record.name or "unknown",
        "code": record.code,
        "severity": _SEVERITIES[record.severity],
        "outcome": known.outcome,
        "type": list(known.types),
        "reason": record.why,
    }
    if known.categories:
        made["category"] = list(known.categories)
    if record.seq:
        made["sequence"] = record.seq
    if record.link:
        made["id"] = record.link
    if 0 < (latency := whole(record.fields, "latency_ms")) < _A_YEAR_MS:  # what is told may be anybody's
        made["duration"] = latency * 1_000_000  # nanoseconds
    for name, field in (("start", "first"), ("end", "last")):
        told = word(record.fields, field, 40)
        if milliseconds(told):
            made[name] = told
    return made


def _observer(nas: Mapping[str, Any]) -> Document:
    ip, port = address(word(nas, "source", 64)), word(nas, "port_id") or word(nas, "port")
    return {
        "name": word(nas, "name"),
        "vendor": word(nas, "vendor"),
        "type": "nas" if nas else "",
        "ip": [ip] if ip else [],
        "ingress": {"interface": {"name": port}} if port else {},
    }


def _source(fields: Mapping[str, Any]) -> Document:
    endpoint = block(fields, "endpoint")
    ip = ""
    for told in ("framed_address", "calling_station_id", "tunnel_client_endpoint"):
        ip = ip or address(word(endpoint, told, 64))
    found = mac(endpoint, "mac")
    return {"mac": found, "ip": ip, "address": ip or found}


def _user(fields: Mapping[str, Any]) -> Document:
    """Whoever the record is about; where a person ordered something, that person."""
    endpoint = block(fields, "endpoint")
    name = word(fields, "by") or word(endpoint, "user") or word(endpoint, "user_name")
    return {"name": name}


def _rule(decision: Mapping[str, Any]) -> Document:
    return {
        "name": word(decision, "rule"),
        "category": word(decision, "effect"),
        "version": word(decision, "policy_digest"),
    }


def _tls(fields: Mapping[str, Any]) -> Document:
    eap, shown = block(fields, "eap"), block(fields, "certificate")
    version = word(eap, "tls_version", 40)
    client: Document = {}
    x509 = {"serial_number": word(shown, "serial").upper()}
    fingerprint = word(shown, "fingerprint").upper()
    _put(client, "hash", {"sha256": fingerprint})
    _put(client, "x509", x509)
    for name in ("subject", "issuer"):
        if told := word(shown, name):
            client[name] = told
    for name in ("not_before", "not_after"):
        told = word(shown, name, 40)
        if milliseconds(told):
            client[name] = told
    number = version.removeprefix("TLSv").removeprefix("TLS ")
    return {
        "version": number,
        "version_protocol": "tls" if version else "",
        "cipher": word(eap, "cipher"),
        "client": client,
    }


def _related(made: Document) -> Document:
    addresses = [made.get("source", {}).get("ip", ""), *made.get("observer", {}).get("ip", [])]
    user = made.get("user", {}).get("name", "")
    return {"ip": [each for each in dict.fromkeys(addresses) if each], "user": [user] if user else []}
