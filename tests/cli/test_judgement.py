"""The lines themselves: values in words, and nothing that steers a terminal."""

from __future__ import annotations

import pytest

from nacd.cli.judgement import POSSIBLE_STATES, nas_line, say, value_text
from nacd.values import Attribute, ComplianceState, Nas


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


def test_asking_can_come_to_every_state_but_not_having_asked() -> None:
    assert set(POSSIBLE_STATES) == set(ComplianceState) - {ComplianceState.NOT_ASKED}
