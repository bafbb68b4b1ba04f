"""ECS documents, against the fields that are published (npm: @elastic/ecs 8.11.5, its generated types) and the values
that the schema allows for categories and types (typed in from ECS 8.11, "Categorization fields")."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from nacd.audit import events
from nacd.audit.catalogue import EVENTS
from nacd.audit.line import line
from nacd.audit.mapping import ecs
from nacd.audit.mapping.record import Record, read
from tests.audit.mapping.samples import VERSION, records, sample

FIELDS = json.loads((Path(__file__).parent / "ecs-8.11.5.json").read_text())["fields"]
_TYPES = {
    "authentication": "start end info",
    "configuration": "access change creation deletion info",
    "iam": "admin change creation deletion group info user",
    "network": "access allowed connection denied end info protocol start",
    "process": "access change end info start",
    "session": "start end info",
}
OUTCOMES = {"success", "failure", "unknown"}


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else name)
    else:
        yield path, value


def is_of(kind: str, value: Any) -> bool:
    if kind.startswith("'"):
        return bool(value == kind.strip("'"))
    if "Array<string>" in kind:
        return isinstance(value, str) or all(isinstance(each, str) for each in value)
    return isinstance(value, {"string": str, "number": int, "boolean": bool}[kind])


def kind_of(path: str) -> str | None:
    """The schema's type of a field; `` `` for anything below one that is open."""
    if path in FIELDS:
        return str(FIELDS[path])
    parts = path.split(".")
    above = [FIELDS.get(".".join(parts[:count]), "") for count in range(1, len(parts))]
    return "" if any(each.startswith("Record") for each in above) else None


def checked(record: Record) -> dict[str, Any]:
    octets = ecs.event(record, VERSION)
    assert b"\n" not in octets
    document: dict[str, Any] = json.loads(octets)
    for path, value in leaves({name: part for name, part in document.items() if name != "nacd"}):
        kind = kind_of(path)
        assert kind is not None, f"`{path}` is no field of the schema"
        assert not kind or is_of(kind, value), f"`{path}` is no {kind}"
    event = document["event"]
    assert event["outcome"] in OUTCOMES
    allowed = {each for category in event.get("category", []) for each in _TYPES[category].split()}
    assert set(event["type"]) <= (allowed or {"info"})
    return document


@pytest.mark.parametrize("code", EVENTS)
def test_every_event_of_the_table_is_a_document_of_the_schema(code: str) -> None:
    document = checked(sample(code))
    assert document["event"]["code"] == code
    assert document["event"]["action"] == EVENTS[code].name
    assert document["nacd"] == sample(code).rest


def test_a_real_decision_says_who_came_where_and_how_it_ended(
    request_of: Any, named: Any, compliance: Any, allow: Any, rendered: Any, at: Any
) -> None:
    made = events.decision(
        request=request_of(), named=named, compliance=compliance, decision=allow, rendered=rendered, shown=[],
        latency_ms=3.2, now=at(0), tls_version="TLSv1.3", cipher="TLS_AES_256_GCM_SHA384",
    )  # fmt: skip
    record = read(line(made).rstrip())
    assert record is not None
    document = checked(record)
    assert document["source"] == {"mac": "00-50-B6-AA-BB-CC", "address": "00-50-B6-AA-BB-CC"}
    assert document["observer"]["ip"] == ["10.20.0.1"]
    assert document["observer"]["ingress"] == {"interface": {"name": "Gi1/0/1"}}
    assert document["user"] == {"name": "alice@example.com"}
    assert document["tls"]["version"] == "1.3"
    assert document["tls"]["client"]["hash"] == {"sha256": "AB" * 32}
    assert document["event"]["outcome"] == "success"
    assert document["event"]["duration"] == 3_000_000
    assert document["device"] == {"id": "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"}


@settings(max_examples=300, deadline=None)
@given(records())
def test_whatever_a_stranger_said_it_is_one_document_of_the_schema(record: Record) -> None:
    checked(record)
