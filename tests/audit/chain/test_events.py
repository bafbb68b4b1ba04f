"""The audit events of the trail itself."""

from __future__ import annotations

import json

import pytest

from nacd.audit.catalogue import EVENTS
from nacd.audit.chain import events
from nacd.audit.chain.events import Place
from nacd.audit.line import line
from tests.audit.chain.every import every

AT = 1_800_000_000.0


def paths(fields: object, prefix: str = "") -> set[str]:
    found: set[str] = set()
    assert isinstance(fields, dict)
    for name, value in fields.items():
        found |= paths(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name}
    return found


def test_every_event_fills_exactly_the_fields_of_its_row() -> None:
    made = every(AT)
    assert {event.code for event in made} == events.CODES
    for event in made:
        assert paths(event.fields) == set(EVENTS[event.code].fields), event.code
        assert event.fields["event"] == EVENTS[event.code].name
        assert json.loads(line(event)) == event.fields


def test_no_field_is_called_as_the_two_that_end_every_line() -> None:
    """Else a reader would take the one for the other."""
    for row in EVENTS.values():
        assert not {"seq", "link"} & set(row.fields), row.code


def test_a_trail_that_begins_says_so_and_names_nothing_before_it() -> None:
    begun = events.file_begun(writer="w", previous=Place(), version="1", at=AT)
    assert begun.fields["previous"] == {"file": "", "seq": 0, "link": ""}
    assert begun.fields["why"] == "a trail begins"
    before = events.file_begun(writer="w", previous=Place(), version="1", at=AT, octets=7, sha256="a")
    assert before.fields["why"] == "a trail begins; 7 octets of records without a chain lie before it"


def test_a_number_that_nobody_knows_is_not_made_up() -> None:
    gap = events.gap(reason="cut", file="f", missing=-1, after=3, following=4, at=AT)
    assert "-1" not in str(gap.fields["why"])


def test_a_text_is_no_longer_than_4096_characters() -> None:
    made = events.repaired(kind="foreign", file="f", octets=9999, sha256="", text="ä" * 9999, at=AT)
    assert made.fields["repaired"]["text"] == "ä" * 4096  # type: ignore[index,call-overload]


@pytest.mark.parametrize(("signature", "doubt"), [("xx", False), ("", True)])
def test_a_key_that_nobody_vouches_for_is_told_as_that(signature: str, doubt: bool) -> None:
    made = events.signer_changed(writer="w", old="a", new="b", public="c", signature=signature, time="t")
    assert ("does not vouch" in str(made.fields["why"])) is doubt
    first = events.signer_changed(writer="w", old="", new="b", public="c", signature="", time="t")
    assert "vouch" not in str(first.fields["why"])
