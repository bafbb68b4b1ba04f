"""The lines themselves: values in words, and nothing that steers a terminal."""

from __future__ import annotations

import json

import pytest

from nacd.cli.explain.sheet import Sheet, moment_text, nas_document, nas_line, reply_document, say, value_text
from nacd.values import Attribute, Nas


def test_a_line_holds_printable_characters_only(capsys: pytest.CaptureFixture[str]) -> None:
    say("name \x1b[31m\r\n\u202eend é")
    assert capsys.readouterr().out == "name ?[31m???end é\n"


@pytest.mark.parametrize(
    ("attribute", "text"),
    [
        (Attribute(name="Tunnel-Type", value="VLAN", tag=1), "Tunnel-Type:1 = VLAN"),
        (Attribute(name="Session-Timeout", value=60), "Session-Timeout = 60"),
        (Attribute(name="Class", value=b"\x01\xff"), "Class = 0x01ff"),
    ],
)
def test_attributes_in_words(attribute: Attribute, text: str) -> None:
    assert value_text(attribute) == text


def test_a_nas_in_words() -> None:
    assert nas_line(Nas(name="a", vendor="generic")) == "`a` (generic; in no group)"
    assert nas_line(Nas(name="a", vendor="x", groups=frozenset("cb"))) == "`a` (x; groups b, c)"


def test_for_programs_there_is_one_document_and_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    sheet = Sheet(as_json=True)
    sheet.say("a line")
    sheet.field("title", "a text")
    sheet.put(subject="mac", nas=nas_document(Nas(name="a", vendor="x", groups=frozenset("cb"))))
    below = sheet.part("packets")
    below.say("another")
    below.put(reply=reply_document((Attribute(name="Class", value=b"\x01"),)))
    sheet.close()
    assert json.loads(capsys.readouterr().out) == {
        "subject": "mac",
        "nas": {"name": "a", "vendor": "x", "groups": ["b", "c"], "location": ""},
        "packets": [{"reply": [{"name": "Class", "tag": 0, "value": "0x01"}]}],
    }


def test_for_people_nothing_is_printed_twice(capsys: pytest.CaptureFixture[str]) -> None:
    sheet = Sheet()
    sheet.field("title", "a text")
    sheet.put(subject="mac")
    sheet.close()
    assert capsys.readouterr().out == "title       a text\n"


@pytest.mark.parametrize(
    ("at", "text"), [(0.0, ""), (1_790_000_000.0, "2026-09-21T14:13:20Z"), (1e300, "a date beyond all calendars")]
)
def test_moments_are_in_utc(at: float, text: str) -> None:
    assert moment_text(at) == text
