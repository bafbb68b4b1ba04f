"""What is written about a shadow policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nacd.audit import shadow_events
from nacd.audit.catalogue import EVENTS
from nacd.audit.line import line
from nacd.audit.repeats import Repeats
from nacd.audit.shadow_events import ROWS, Said
from nacd.values import AuditEvent, Instant

At = Callable[[float], Instant]
LIVE: dict[str, Any] = {
    "time": "2026-11-22T10:00:00.000Z",
    "access": "mab",
    "nas": {"name": "switch", "groups": ["wired"], "location": "berlin", "source": "10.0.0.1"},
    "endpoint": {"mac": "00-11-22-33-44-55", "user": "", "user_name": "001122334455", "ssid": ""},
    "identity": {"kind": "endpoint", "id": "", "mac": "00-11-22-33-44-55"},
    "compliance": {"state": "not_asked"},
    "decision": {
        "effect": "allow",
        "rule": "known printers",
        "profile": "printers",
        "reasons": ["mac is listed"],
        "policy_digest": "live",
    },
}


def differs(now: Instant, rule: str = "default-deny") -> AuditEvent:
    said = Said(
        digest="next",
        effect="deny",
        rule=rule,
        profile="",
        reasons=("no rule matched",),
        before="`printers`",
        after="refused",
    )
    return shadow_events.differs(of=LIVE, said=said, now=now)


def paths(fields: Any, prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, value in fields.items():
        found |= paths(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}"}
    return found


def test_a_difference_tells_both_decisions_and_both_reasons(at: At) -> None:
    event = differs(at(0))
    assert event.fields["why"] == (
        "00-11-22-33-44-55 on NAS `switch`: the shadow's rule `default-deny` would make `printers` into refused"
        " (no rule matched); rule `known printers` decided (mac is listed)"
    )
    assert event.fields["shadow"] == {
        "digest": "next",
        "effect": "deny",
        "rule": "default-deny",
        "profile": "",
        "reasons": ["no rule matched"],
        "before": "printers",
        "after": "refused",
        "attributes": "",
        "decided_at": LIVE["time"],
    }
    assert event.fields["decision"] == LIVE["decision"]


def test_each_record_has_exactly_the_fields_of_its_row(at: At) -> None:
    span: dict[str, Any] = {"count": 3, "first": 0.0, "last": 1.0, "now": at(0)}
    made = (
        differs(at(0)),
        shadow_events.repeated(of=differs(at(0)), **span),
        shadow_events.overflow(by_code={}, by_nas={}, **span),
        shadow_events.loaded(file="p.yaml", digest="next", now=at(0)),
        shadow_events.faulty(file="p.yaml", problems=["p.yaml:1:2: no"], now=at(0)),
        shadow_events.switched_off(file="p.yaml", digest="next", why="10 errors", now=at(0)),
    )
    assert [event.code for event in made] == [row.code for row in ROWS]
    for event in made:
        assert paths(event.fields) == set(EVENTS[event.code].fields)
        assert line(event).endswith(b"\n")


def test_no_record_of_a_shadow_looks_like_a_decision_or_a_refusal() -> None:
    assert all(row.name.startswith("shadow.") and row.code.startswith("A5") for row in ROWS)


def test_what_is_faulty_is_told_in_one_sentence_and_as_a_list(at: At) -> None:
    event = shadow_events.faulty(file="p.yaml", problems=[f"p.yaml:{n}:1: no" for n in range(1, 60)], now=at(0))
    assert event.fields["why"] == "the shadow policy `p.yaml` cannot be used, there is none: p.yaml:1:1: no"
    shown: Any = event.fields["shadow"]
    assert len(shown["problems"]) == 20


def test_differences_of_one_kind_are_written_once_a_window_and_then_counted(at: At) -> None:
    repeats = Repeats(window_s=600, told=shadow_events)
    assert len(repeats.admit(differs(at(0)), at(0))) == 1
    for second in range(1, 40):
        assert repeats.admit(differs(at(second)), at(second)) == ()
    (summary,) = repeats.due(at(600))
    assert (summary.code, summary.fields["count"]) == ("A5002I", 39)
    assert str(summary.fields["why"]).startswith("39 more times: the shadow's rule `")
    assert "00-11-22-33-44-55" not in str(summary.fields["why"])
    assert summary.fields["decision"] == {"rule": "known printers"}


@pytest.mark.parametrize("how", [{"per_port_per_window": 5}, {"capacity": 5}])
def test_kinds_past_the_budget_are_counted_in_one_record(at: At, how: dict[str, int]) -> None:
    repeats = Repeats(window_s=600, told=shadow_events, **how)
    written = [repeats.admit(differs(at(0), rule=f"rule {number}"), at(0)) for number in range(100)]
    assert sum(map(len, written)) == 5
    (summary,) = repeats.due(at(600))
    assert (summary.code, summary.fields["count"]) == ("A5003I", 95)
    assert "`nacd shadow report` counts all" in str(summary.fields["why"])
