"""Lines are searched as octets, and nothing that fits is lost by it."""

from __future__ import annotations

import json
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from nacd.audit.asking.filters import Query, WrongQuestion, clause, field, words
from nacd.audit.asking.scanning import Scanner, decoded

_TEXTS = st.sampled_from(
    [
        "alice",
        "CORP\\Alice",
        "alice@example.com",
        'a"b',
        "Müller",
        "\u212aate",
        "kate",
        "10.0.0.1",
        "",
        "x\ny",
        "0a",
        "*",
    ]
)
_MACS = st.sampled_from(["", "00-50-B6-AA-BB-CC", "0050.b6aa.bbcc", "00:50:B6:AA:BB:CD"])
_RECORDS = st.fixed_dictionaries(
    {
        "code": st.sampled_from(["A1001I", "A1002I", "A1003W", "A2001I"]),
        "time": st.sampled_from(["", "2026-11-22T12:00:00.000Z"]),
    },
    optional={
        "nas": st.fixed_dictionaries({"name": _TEXTS}),
        "endpoint": st.fixed_dictionaries({"user": _TEXTS, "mac": _MACS, "calling_station_id": _MACS}),
        "why": _TEXTS,
        "by": _TEXTS,
        "decision": st.fixed_dictionaries({"rule": _TEXTS, "effect": st.sampled_from(["allow", "deny"])}),
        "certificate": st.fixed_dictionaries({"serial": _TEXTS}),
    },
)
_CLAUSES = st.tuples(
    st.sampled_from(["user", "nas", "rule", "mac", "code", "serial", "effect"]), st.lists(_TEXTS | _MACS, min_size=1)
)
_FIELDS = st.tuples(st.sampled_from(["why", "nas.name", "endpoint.user"]), st.sampled_from(["=", "!=", "~"]), _TEXTS)


def query(asked: list[tuple[str, list[str]]], fields: list[tuple[str, str, str]], said: list[str]) -> Query:
    clauses = []
    for kind, values in asked:
        try:
            clauses.append(clause(kind, values))
        except WrongQuestion:
            continue
    guessed, rest = words(said)
    tests = tuple(field("".join(each)) for each in fields)
    return Query(clauses=(*clauses, *guessed), fields=tests, words=rest)


@given(
    st.lists(_RECORDS, max_size=6),
    st.lists(_CLAUSES, max_size=2),
    st.lists(_FIELDS, max_size=1),
    st.lists(_TEXTS, max_size=1),
    st.booleans(),
)
def test_scanning_finds_what_reading_every_line_finds(
    records: list[dict[str, Any]],
    asked: list[tuple[str, list[str]]],
    fields: list[tuple[str, str, str]],
    said: list[str],
    ascii_alone: bool,
) -> None:
    lines = [json.dumps(each, ensure_ascii=ascii_alone).encode() + b"\n" for each in records]
    wanted = query(asked, fields, said)
    expected = [line for line in lines if wanted.fits(json.loads(line))]
    assert [hit.line for hit in Scanner(wanted).hits(b"".join(lines))] == expected


def test_lines_that_are_no_records_are_counted_and_passed_over() -> None:
    text = b'{"why":"alice"}\nalice\n["alice"]\n\n{"why":"ali\xffce alice"}\n{"why":"alice"}\r\n'
    scanner = Scanner(Query())
    assert [hit.record for hit in scanner.hits(text)] == [{"why": "alice"}, {"why": "alice"}]
    assert scanner.strange == 3


def test_what_is_before_the_span_or_unwanted_is_not_even_read() -> None:
    # Neither line is JSON: had it been read, it would count as strange.
    text = b'{"code":"A1001I","time":"2026-11-22T12:00:00.000Z", broken\n{"code":"A2001I", broken\n'
    scanner = Scanner(Query(since_ms=1_795_348_800_001), unwanted=(b'{"code":"A2',))
    assert scanner.hits(text) == []
    assert scanner.strange == 0
    whole = b'{"code":"A1001I","time":"2026-11-22T12:00:00.000Z"}\n'
    assert [hit.line for hit in Scanner(Query(since_ms=1_795_348_800_000)).hits(whole)] == [whole]


def test_a_line_is_a_record_or_nothing() -> None:
    assert decoded(orjson.dumps({"a": 1})) == {"a": 1}
    assert decoded(b"[1]") is decoded(b"") is decoded(b'{"a":') is None
