import re

import pytest

from nacd.audit.catalogue import EVENTS, FIELDS, document


@pytest.mark.parametrize("code", EVENTS)
def test_each_event_has_a_code_a_name_and_fields_the_table_explains(code: str) -> None:
    event = EVENTS[code]
    assert re.fullmatch(r"A[0-9]{4}[IWE]", event.code)
    assert re.fullmatch(r"[a-z]+\.[a-z_]+", event.name)
    assert event.meaning.endswith(".")
    assert event.fields[:4] == ("time", "code", "event", "why")
    assert set(event.fields) <= set(FIELDS)
    assert event.severity == {"I": "information", "W": "warning", "E": "error"}[code[-1]]


def test_no_two_events_share_a_name_or_a_number() -> None:
    assert len({event.name for event in EVENTS.values()}) == len(EVENTS)
    assert len({code[:5] for code in EVENTS}) == len(EVENTS)


def test_every_field_explained_is_used_by_some_event() -> None:
    assert set(FIELDS) == {field for event in EVENTS.values() for field in event.fields}


def test_the_document_names_every_event_and_explains_every_field() -> None:
    lines = document().splitlines()
    for event in EVENTS.values():
        assert f"### {event.code} {event.name}" in lines
        assert any(line.startswith(f"| `{event.code}` |") for line in lines)
    for name, meaning in FIELDS.items():
        assert f"| `{name}` | {meaning} |" in lines
