"""A line of the trail, read again: total, and calm."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.audit.mapping import ecs, ocsf
from nacd.audit.mapping.record import address, calm, dumped, mac, milliseconds, read, whole, word, words
from tests.audit.mapping.samples import HOSTILE, sample


def test_head_and_end_of_a_record_are_read() -> None:
    record = sample("A1001I")
    assert (record.code, record.name, record.severity, record.seq) == ("A1001I", "access.accept", "information", 18)
    assert record.time == "2026-11-22T19:21:00.123Z"
    assert record.milliseconds == 1_795_375_260_123
    assert record.link == "9f" * 32
    assert "seq" not in record.rest
    assert record.rest["link"] == record.link


@pytest.mark.parametrize(("code", "severity"), [("A9004W", "warning"), ("A9009E", "error"), ("A9001I", "information")])
def test_severity_is_the_last_letter_of_the_code(code: str, severity: str) -> None:
    assert sample(code).severity == severity


@pytest.mark.parametrize("line", [b"", b"nonsense", b"[]", b"1", b'"text"', b"{", b"\xff", b'{"a":1}x', b"NaN"])
def test_what_is_no_object_is_no_record(line: bytes) -> None:
    assert read(line) is None


@given(st.binary(max_size=200))
def test_any_octets_are_a_record_or_none(octets: bytes) -> None:
    record = read(octets)
    assert record is None or (record.severity and b"\n" not in record.line)


def test_a_record_lies_octet_for_octet_unless_control_characters_stand_between_its_parts() -> None:
    plain = orjson.dumps({"code": "A1001I", "why": HOSTILE})
    record = read(plain)
    assert record is not None
    assert record.line == plain
    odd = read(b'{"code":\r"A1001I",\t"why":"x"}')
    assert odd is not None
    assert odd.line == b'{"code":"A1001I","why":"x"}'


def test_a_code_a_time_or_a_number_that_is_none_is_not_there() -> None:
    record = read(orjson.dumps({"code": "a\nb", "event": "X Y", "time": "today", "seq": "9", "link": "zz"}))
    assert record is not None
    assert (record.code, record.name, record.time, record.seq, record.link) == ("", "", "", 0, "")
    assert record.severity == "warning"


def test_nothing_restless_is_left_in_a_text() -> None:
    assert not set(calm(HOSTILE, 500)) & set("\n\r\0\x1b\u2028\u0085\ufeff")
    assert calm("x" * 50, 10) == "x" * 10


def test_looking_into_a_record_never_raises() -> None:
    odd = {"n": 1e300, "b": True, "l": [1, "a", None], "t": "text", "d": {}}
    assert (word(odd, "n"), word(odd, "b"), word(odd, "d"), word(odd, "none")) == ("1e+300", "", "", "")
    assert (whole(odd, "n"), whole(odd, "b"), whole(odd, "t"), whole({"x": 3.9}, "x")) == (0, 0, 0, 3)
    assert words(odd, "l") == ["a"]
    assert (address("10.0.0.1"), address("::1"), address("fe80::1%lo"), address("10.0.0.300")) == (
        "10.0.0.1",
        "::1",
        "",
        "",
    )
    assert mac({"m": "00-50-B6-AA-BB-CC"}, "m")
    assert not mac({"m": "00:50:b6:aa:bb:cc"}, "m")
    assert milliseconds("2026-13-22T19:21:00.123Z") == 0


@pytest.mark.parametrize(
    "char",
    ["\x7f", "\x80", "\x85", "\x9b", "\x9f", "\u061c", "\u200e", "\u2028", "\u2029", "\u202e", "\u2066", "\ufeff"],
)
def test_a_character_that_moves_lines_or_commands_a_terminal_is_escaped_in_json(char: str) -> None:
    octets = dumped({"user": f"a{char}b{char}"})
    assert octets == f'{{"user":"a\\u{ord(char):04x}b\\u{ord(char):04x}"}}'.encode()


@given(st.dictionaries(st.text(), st.text()))
def test_whatever_is_escaped_is_the_same_for_a_reader_of_json(event: dict[str, str]) -> None:
    assert json.loads(dumped(event)) == event


@pytest.mark.parametrize("levels", [249, 250, 251, 252, 253, 254, 300, 1_000])
def test_a_record_that_is_nested_too_deep_to_be_written_again_is_none(levels: int) -> None:
    record = read(b'{"code":"A1001I","x":' + b"[" * levels + b"]" * levels + b',"seq":1}')
    if record is not None:
        assert ocsf.event(record, "1")
        assert ecs.event(record, "1")
    assert (record is None) == (levels > 249)


@pytest.mark.parametrize("form", [ocsf, ecs])
def test_no_format_of_json_carries_raw_c1_or_separators(form: Any) -> None:
    line = json.dumps({"code": "A1001I", "user": "a\u0085b\u009bc\u2028d"}, ensure_ascii=False).encode()
    record = read(line)
    assert record is not None
    assert not {"\u0085", "\u009b", "\u2028"} & set(form.event(record, "1").decode())
