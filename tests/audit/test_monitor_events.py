"""What a record under monitor mode says, and what it leaves as it was."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nacd.audit import events
from nacd.audit.monitor_events import monitored, untouched
from nacd.values import (
    AccessKind,
    AccessRequest,
    AuditEvent,
    AuditValue,
    Compliance,
    Decision,
    EapFailed,
    Instant,
    Named,
    Rendered,
)

SENT: list[AuditValue] = [{"name": "Session-Timeout", "value": 600}]
WOULD: list[AuditValue] = [{"name": "Session-Timeout", "value": 28_800}]
MONITOR = {"scope": "everywhere", "name": "", "until": 1_790_000_000.0, "profile": "open"}


@pytest.fixture
def decided(
    request_of: Callable[..., AccessRequest], named: Named, compliance: Compliance, at: Callable[[float], Instant]
) -> Callable[..., AuditEvent]:
    def make(decision: Decision, rendered: Rendered | None = None) -> AuditEvent:
        return events.decision(
            request=request_of(),
            named=named,
            compliance=compliance,
            decision=decision,
            rendered=rendered,
            shown=SENT,
            latency_ms=1.0,
            now=at(0),
        )

    return make


def test_a_refusal_that_is_not_enforced_is_told_with_both_answers(decided, deny: Decision) -> None:
    plain = decided(deny)
    told = monitored(plain, attributes=[], omitted=(), actions=(), **MONITOR)
    assert (told.code, told.fields["code"], told.fields["event"]) == ("A1007W", "A1007W", "access.monitored")
    assert told.fields["decision"] == plain.fields["decision"]
    assert told.fields["monitored"] is True
    assert told.fields["reply"] == {"code": "Access-Accept", "attributes": SENT, "omitted": [], "actions": []}
    assert told.fields["monitor"] == {
        "scope": "everywhere",
        "name": "",
        "until": "2026-09-21T14:13:20.000Z",
        "profile": "open",
        "would": {"event": "A1002I", "code": "Access-Reject", "attributes": [], "omitted": [], "actions": []},
    }
    assert told.fields["why"] == (
        f"{plain.fields['why']}; not enforced: answered with profile `open` (monitor: everywhere, until"
        " 2026-09-21T14:13:20.000Z)"
    )
    unchanged = plain.fields.keys() - {"code", "event", "why", "reply"}
    assert all(told.fields[name] == plain.fields[name] for name in unchanged)


def test_an_accept_is_told_with_what_it_would_have_carried(decided, allow: Decision, rendered: Rendered) -> None:
    told = monitored(decided(allow, rendered), attributes=WOULD, omitted=("acl",), actions=("sync",), **MONITOR)
    monitor = told.fields["monitor"]
    assert isinstance(monitor, dict)
    assert monitor["would"] == {
        "event": "A1001I",
        "code": "Access-Accept",
        "attributes": WOULD,
        "omitted": ["acl"],
        "actions": ["sync"],
    }


def test_an_accept_in_monitor_mode_is_never_only_counted(decided, deny: Decision) -> None:
    plain = decided(deny)
    assert plain.repeat_key
    told = monitored(plain, attributes=[], omitted=(), actions=(), **MONITOR)
    assert (told.repeat_key, told.port_key) == ("", "")


def test_only_a_decision_can_be_answered_otherwise(
    request_of: Callable[..., AccessRequest], at: Callable[[float], Instant]
) -> None:
    refused = events.refused(request=request_of(), refusal="service_type", reason="no", latency_ms=1.0, now=at(0))
    with pytest.raises((TypeError, KeyError)):
        monitored(refused, attributes=[], omitted=(), actions=(), **MONITOR)


def test_what_no_monitor_changes_says_so_and_why(
    request_of: Callable[..., AccessRequest], at: Callable[[float], Instant]
) -> None:
    failed = EapFailed(code="certificate_expired", reason="its certificate has expired", eap=b"")
    plain = events.eap_failed(request=request_of(), failed=failed, access=AccessKind.DOT1X, latency_ms=1.0, now=at(0))
    told = untouched(plain, "no proof")
    assert told.fields == {
        **plain.fields,
        "why": "its certificate has expired; monitor mode does not change that: no proof",
        "monitored": False,
    }
    assert (told.code, told.repeat_key, told.port_key) == (plain.code, plain.repeat_key, plain.port_key)
    assert untouched(plain).fields["why"] == plain.fields["why"]
