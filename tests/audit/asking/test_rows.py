"""Rows of records, and that what a peer sent steers neither a terminal nor a spreadsheet."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.audit.asking.rows import COLUMNS, cell, escaped, row_of, visible, what


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"code": "A1001I", "event": "access.accept", "decision": {"profile": "corporate"}}, "access.accept corporate"),
        (
            {"code": "A1003W", "event": "access.eap_failed", "eap": {"failure": "unknown_ca"}},
            "access.eap_failed unknown_ca",
        ),
        (
            {"code": "A1010W", "event": "access.repeated", "refusal": "no_eap", "count": 17},
            "access.repeated no_eap ×17",
        ),
        (
            {"code": "A1007W", "event": "access.monitored", "decision": {"effect": "deny"}},
            "access.monitored deny, not enforced",
        ),
        (
            {"code": "A3001W", "event": "packets.dropped", "packets": {"reason": "bad"}, "count": 3},
            "packets.dropped bad ×3",
        ),
        (
            {"code": "A4004I", "event": "session.answered", "asked": {"verb": "push"}, "answer": {"meaning": "gone"}},
            "session.answered push gone",
        ),
        ({"code": "A9999I"}, "A9999I"),
        ({}, ""),
    ],
)
def test_what_happened_is_told_in_two_words(record: dict[str, Any], expected: str) -> None:
    assert what(record) == expected


def test_a_row_has_what_people_look_at_first() -> None:
    row = row_of(
        {
            "time": "2026-11-22T12:00:00.000Z",
            "seq": 18,
            "nas": {"name": "campus", "port": "50101"},
            "endpoint": {"user_name": "host/pc-1", "calling_station_id": "0050.b6aa.bbcc"},
            "override": {"subject_kind": "device", "subject": "some-id"},
            "nacd_session": 0,
        }
    )
    assert (row.seq, row.nas, row.port, row.user, row.mac) == (
        "18",
        "campus",
        "50101",
        "host/pc-1",
        "00-50-B6-AA-BB-CC",
    )
    assert (row.device, row.session, row.rule) == ("some-id", "", "")


@given(
    st.dictionaries(
        st.sampled_from(["nas", "endpoint", "seq", "why", "count"]),
        st.none() | st.integers() | st.text() | st.just([{}]),
    )
)
def test_whatever_a_record_holds_it_has_a_row_of_text(record: dict[str, Any]) -> None:
    assert all(isinstance(getattr(row_of(record), name), str) for name in COLUMNS)


@given(st.text())
def test_what_is_shown_is_printable_and_tells_what_was_sent(text: str) -> None:
    assert visible(text).isprintable()
    if "\\" not in text and '"' not in text:
        assert json.loads(f'"{visible(text)}"') == text


@pytest.mark.parametrize("char", ["\x1b", "\x9b", "\u202e", "\u2066", "\r", "\U000e0041"])
def test_what_steers_a_terminal_is_escaped_as_json_does_it(char: str) -> None:
    assert (
        visible(f"a{char}b")
        == f"a{escaped(char)}b"
        == f"a{json.dumps(char)[1:-1] if char != chr(13) else chr(92) + 'u000d'}b"
    )


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =cmd|' /C calc'!A0"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert cell(text).startswith("'")
    assert cell(text).isprintable()


def test_an_ordinary_cell_is_as_it_is() -> None:
    assert cell("00-50-B6-AA-BB-CC") == "00-50-B6-AA-BB-CC"
