"""Two spellings of one thing are one, and a needle is in every line that holds its value."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.audit.asking.spelling import at_path, folded, leaves, mac_of, mac_spellings, needle, text_at, written

MAC = "00-50-B6-AA-BB-CC"


@pytest.mark.parametrize("spelling", [each.decode() for each in mac_spellings(MAC)])
def test_every_spelling_of_a_mac_is_read(spelling: str) -> None:
    assert mac_of(spelling) == mac_of(spelling.upper()) == MAC


@pytest.mark.parametrize(
    "text", ["", "00-50-B6-AA-BB", "00-50:B6-AA-BB-CC", "00-50-B6-AA-BB-CC-DD", "zz50b6aabbcc", "0" * 40]
)
def test_what_is_no_mac_is_none(text: str) -> None:
    assert mac_of(text) == ""


@given(st.text(max_size=30), st.booleans())
def test_the_needle_of_a_value_is_in_its_line_however_json_escapes_it(value: str, ascii_alone: bool) -> None:
    value = value.encode("utf-8", "replace").decode()
    line = json.dumps({"user": value}, ensure_ascii=ascii_alone).encode()
    assert needle(folded(value)) in line.lower()
    assert needle(folded(value)) in orjson.dumps({"user": value}).lower()


@given(st.text(max_size=30), st.text(max_size=10), st.text(max_size=10))
def test_the_needle_of_a_part_is_in_the_line_of_the_whole(part: str, before: str, behind: str) -> None:
    whole = (before + part + behind).encode("utf-8", "replace").decode()
    part = part.encode("utf-8", "replace").decode()
    if folded(part) in folded(whole):
        assert needle(folded(part)) in orjson.dumps([whole]).lower()


def test_no_letter_of_another_alphabet_becomes_one_that_would_be_looked_for() -> None:
    assert folded("KATE") == "kate"
    assert folded("\u212aATE") == "\u212aate"  # the Kelvin sign
    assert folded("\u0130X") == "\u0130x"  # I with a dot, whose small letter is an i and a dot
    assert folded("ÄÖ") == "äö"


def test_a_path_goes_through_lists() -> None:
    record = {"reply": {"attributes": [{"name": "a"}, {"name": "b"}, 3]}, "nas": {"groups": ["x", "y"], "empty": {}}}
    assert list(at_path(record, "reply.attributes[].name")) == ["a", "b"]
    assert list(at_path(record, "nas.groups")) == ["x", "y"]
    assert list(at_path(record, "nas.empty")) == list(at_path(record, "nas.groups.name")) == []
    assert text_at(record, "reply.attributes.name") == "a"
    assert text_at(record, "nas.name") == text_at(record, "nas") == ""


def test_values_are_written_as_json_writes_them() -> None:
    assert [written(each) for each in ("a", True, False, None, 3, 1.5)] == ["a", "true", "false", "", "3", "1.5"]
    assert list(leaves({"a": [1, {"b": "c"}], "d": None})) == [1, "c", None]
