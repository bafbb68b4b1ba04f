"""OCSF events, against the schema that is published (PyPI: ocsf-json-schema, which carries schema.ocsf.io's own)."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import jsonschema
import orjson
import pytest
from hypothesis import given, settings
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from nacd.audit import events
from nacd.audit.catalogue import EVENTS
from nacd.audit.line import line
from nacd.audit.mapping import ocsf
from nacd.audit.mapping.record import Record, read
from tests.audit.mapping.samples import HOSTILE, VERSION, made, records, sample


@lru_cache(maxsize=1)
def schemas() -> OcsfJsonSchemaEmbedded:
    return OcsfJsonSchemaEmbedded(get_ocsf_schema(version=ocsf.VERSION))


@lru_cache(maxsize=32)
def validator(class_uid: int) -> jsonschema.Draft202012Validator:
    schema = schemas().get_class_schema(
        class_name=schemas().lookup_class_name_from_uid(class_uid=class_uid), profiles=[]
    )
    return jsonschema.Draft202012Validator(schema)


def checked(record: Record) -> dict[str, Any]:
    """The event, as the schema has it."""
    octets = ocsf.event(record, VERSION)
    assert b"\n" not in octets
    event: dict[str, Any] = json.loads(octets)
    wrong = [error.message[:300] for error in validator(event["class_uid"]).iter_errors(event)]
    assert wrong == []
    assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
    assert event["metadata"]["version"] == ocsf.VERSION
    return event


@pytest.mark.parametrize("code", EVENTS)
def test_every_event_of_the_table_is_an_event_of_the_schema(code: str) -> None:
    event = checked(sample(code))
    assert event["metadata"]["event_code"] == code
    assert event["unmapped"] == sample(code).rest


def test_a_real_decision_says_who_came_where_by_what_and_how_it_ended(
    request_of: Any, named: Any, compliance: Any, allow: Any, rendered: Any, at: Any
) -> None:
    made_event = events.decision(
        request=request_of(), named=named, compliance=compliance, decision=allow, rendered=rendered, shown=[],
        latency_ms=3.2, now=at(0), tls_version="TLSv1.3", cipher="TLS_AES_256_GCM_SHA384",
    )  # fmt: skip
    record = read(line(made_event).rstrip())
    assert record is not None
    event = checked(record)
    assert (event["class_uid"], event["activity_id"], event["status"]) == (3002, 1, "Success")
    assert event["user"] == {"name": "alice@example.com", "org": {"name": "contoso"}}
    assert event["src_endpoint"]["mac"] == "00-50-B6-AA-BB-CC"
    assert event["src_endpoint"]["uid"] == "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
    assert event["src_endpoint"]["name"] == "PC-1"
    assert event["dst_endpoint"] == {"name": "campus", "ip": "10.20.0.1", "interface_name": "Gi1/0/1"}
    assert event["certificate"]["fingerprints"][0]["value"] == "ab" * 32
    assert event["auth_protocol"] == "EAP"
    assert {(each["type_id"], each["value"]) for each in event["observables"]} >= {
        (3, "00-50-B6-AA-BB-CC"),
        (2, "10.20.0.1"),
        (4, "alice@example.com"),
    }
    assert event["unmapped"]["decision"]["rule"]


def test_the_link_is_the_id_and_the_number_the_sequence() -> None:
    event = checked(sample("A1001I"))
    assert (event["metadata"]["uid"], event["metadata"]["sequence"]) == ("9f" * 32, 18)


def test_counts_tell_their_span() -> None:
    event = checked(sample("A1010W"))
    assert event["count"] == 12
    assert event["start_time"] < event["end_time"]


@settings(max_examples=300, deadline=None)
@given(records())
def test_whatever_a_stranger_said_it_is_one_event_of_the_schema(record: Record) -> None:
    event = checked(record)
    assert orjson.dumps(event["unmapped"])


def test_a_forged_event_in_a_name_is_a_name() -> None:
    event = checked(made({"code": "A1003W", "event": "access.eap_failed", "endpoint": {"user_name": HOSTILE}}))
    assert "\n" not in event["user"]["name"]
    assert event["unmapped"]["endpoint"]["user_name"] == HOSTILE
