"""Each format by its name, and the record as it lies."""

from __future__ import annotations

from hypothesis import given, settings

from nacd.audit.mapping.formats import FORMATS
from nacd.audit.mapping.record import Record, read
from tests.audit.mapping.samples import VERSION, records, sample


def test_the_names_are_those_of_the_configuration() -> None:
    assert set(FORMATS) == {"nacd", "ocsf", "ecs", "cef"}


def test_a_record_as_it_lies_is_its_octets() -> None:
    record = sample("A1001I")
    assert FORMATS["nacd"](record, VERSION) == record.line
    assert read(FORMATS["nacd"](record, VERSION)) == record


@settings(max_examples=100, deadline=None)
@given(records())
def test_every_format_makes_one_line_of_text_of_anything(record: Record) -> None:
    for convert in FORMATS.values():
        octets = convert(record, VERSION)
        assert octets
        assert b"\n" not in octets
        assert octets.decode("utf-8")
