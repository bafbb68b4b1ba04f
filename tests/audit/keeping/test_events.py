"""The audit events of the keeper."""

from __future__ import annotations

from nacd.audit.catalogue import EVENTS
from nacd.audit.keeping import events
from nacd.values import AuditEvent, Instant

NOW = Instant(wall=1_800_000_000.0, monotonic=0.0)
NAME = "audit-20261122T192100Z-000000000001.jsonl"


def every() -> list[AuditEvent]:
    return [
        events.failed(reason="it ended with code 3", restarts=2, now=NOW),
        events.resumed(restarts=2, now=NOW),
        events.sealed(file=NAME, records=9, octets=900, packed_octets=90, sha256="ab" * 32, now=NOW),
        events.seal_failed(file=NAME, problem="no space left on device", now=NOW),
        events.index_failed(file=NAME, problem="no space left on device", now=NOW),
        events.retired_unsent(file=NAME, destination="siem", unsent=4, now=NOW),
        events.strange_files(names=[NAME], count=1, now=NOW),
        events.retire_failed(file=NAME, problem="the disk does not answer", now=NOW),
    ]


def paths(fields: dict[str, object], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, value in fields.items():
        found |= paths(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name}
    return found


def test_every_event_fills_exactly_the_fields_of_its_row() -> None:
    made = {event.code: event for event in every()}
    assert set(made) == {row.code for row in events.ROWS}
    for code, event in made.items():
        assert paths(event.fields) == set(EVENTS[code].fields)  # type: ignore[arg-type]
        assert event.fields["event"] == EVENTS[code].name


def test_why_names_the_file_and_what_is_wrong() -> None:
    assert [str(event.fields["why"]) for event in every()[2:4]] == [
        f"`{NAME}` is compressed: 9 records, 900 octets in 90",
        f"`{NAME}` is not compressed: no space left on device",
    ]


def test_a_record_names_twenty_strange_files_at_most() -> None:
    event = events.strange_files(names=[str(number) for number in range(100)], count=100, now=NOW)
    kept = event.fields["kept"]
    assert isinstance(kept, dict)
    assert (len(kept["strange"]), kept["strange_count"]) == (20, 100)  # type: ignore[arg-type]
