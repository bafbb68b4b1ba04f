"""The audit events of configurations that come and go."""

from __future__ import annotations

from nacd.audit.catalogue import EVENTS
from nacd.audit.reload import events
from nacd.values import AuditEvent, Instant

NOW = Instant(wall=1_800_000_000.0, monotonic=0.0)
ABOUT = {"file": "nacd.yaml", "digest": "c" * 64, "policy_digest": "p" * 64, "notes": ["a note"]}


def every() -> list[AuditEvent]:
    block = events.block(**ABOUT, generation=2, changes=["one", "two"])  # type: ignore[arg-type]
    tried = {"group": "wired", "until": NOW.wall + 600, "max_change": 20.0, "min_sample": 20}
    return [
        events.loaded(**ABOUT, now=NOW, generation=2, changes=["one"], by="root", after="wired"),  # type: ignore[arg-type]
        events.refused(file="nacd.yaml", problems=["bad", "worse"], by="SIGHUP", now=NOW),
        events.canary_began(configuration=block, by="root", now=NOW, **tried),  # type: ignore[arg-type]
        events.canary_failed(configuration=block, group="wired", reason="rejected: 0% before, 90% now", now=NOW),
        events.canary_discarded(configuration=block, group="wired", by="root", now=NOW),
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


def test_the_first_one_has_nobody_who_ordered_it() -> None:
    event = events.loaded(**ABOUT, now=NOW)  # type: ignore[arg-type]
    assert event.fields["why"] == "configuration `nacd.yaml` is in force"
    assert event.fields["by"] == ""


def test_why_tells_the_first_few_changes() -> None:
    event = events.loaded(**ABOUT, now=NOW, by="root", changes=[f"change {n}" for n in range(5)])  # type: ignore[arg-type]
    assert str(event.fields["why"]).endswith("by order of root: change 0; change 1; change 2; and 2 more")
    same = events.loaded(**ABOUT, now=NOW, by="root")  # type: ignore[arg-type]
    assert str(same.fields["why"]).endswith("nothing that decides has changed")


def test_a_record_holds_a_hundred_sentences_at_most() -> None:
    event = events.refused(file="f", problems=[f"problem {n}" for n in range(250)], by="root", now=NOW)
    told = event.fields["configuration"]["problems"]  # type: ignore[index,call-overload]
    assert len(told) == 101
    assert told[-1] == "and 150 more"
