"""Records about forwarding: each says what its row promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nacd.audit.catalogue import EVENTS
from nacd.audit.forwarding import events
from nacd.values import AuditEvent, Instant

NOW = Instant(wall=1_790_000_000.0, monotonic=1.0)


EVERY: list[tuple[Callable[..., AuditEvent], dict[str, Any], str]] = [
    (events.down, {"problem": "refused", "waiting": 7, "since": 1_789_999_000.0}, "takes no records, 7 wait"),
    (events.resumed, {"waiting": 7, "down_s": 61.2}, "after 61 s, 7 waited"),
    (events.lost, {"problem": "gone", "lost": 3, "first_seq": 4, "last_seq": 6}, "never gets 3 records, 4 to 6"),
    (events.set_aside, {"problem": "refused", "seq": 9}, "record 9 was passed over"),
    (events.set_aside, {"problem": "refused", "seq": 0}, "a record was passed over"),
    (events.begun_anew, {"problem": "ahead", "seq": 1}, "begins at the oldest record, 1"),
    (events.trial, {}, "by hand"),
]


def every() -> list[AuditEvent]:
    return [build(destination="siem", now=NOW, **fields) for build, fields, _ in EVERY]


@pytest.mark.parametrize(("build", "fields", "words"), EVERY)
def test_each_record_has_the_fields_of_its_row_and_says_why(
    build: Callable[..., AuditEvent], fields: dict[str, Any], words: str
) -> None:
    made = build(destination="siem", now=NOW, **fields)
    row = EVENTS[made.code]
    shown = made.fields["forward"]
    assert isinstance(shown, dict)
    assert {f"forward.{name}" for name in shown} | set(made.fields) - {"forward"} == set(row.fields)
    assert made.fields["event"] == row.name
    assert words in str(made.fields["why"])
    assert "`siem`" in str(made.fields["why"])
