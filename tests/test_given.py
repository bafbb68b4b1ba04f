"""What an Accept carries, and how its record shows it."""

from __future__ import annotations

from dataclasses import replace

from nacd.audit import events
from nacd.given import NOTHING_CARRIED, carried, monitored, unmonitored
from nacd.policy.monitor.scopes import NO_MONITORS, Monitor, Monitors, Scope
from nacd.values import (
    NOT_ASKED,
    AccessKind,
    AccessRequest,
    Attribute,
    CertificateFacts,
    Decision,
    Effect,
    Facts,
    Instant,
    Named,
    Nas,
    Rendered,
    Unidentified,
)

NAS = Nas(name="n", vendor="generic", groups=frozenset({"wifi"}))
REQUEST = AccessRequest(nas=NAS, source="10.0.0.1", source_port=1)
NAMED = Named(access=AccessKind.DOT1X, identity=Unidentified(reason="a test"), attempts=(), mac="02-00-00-00-00-01")
FACTS = Facts(access=AccessKind.DOT1X, nas=NAS, identity=NAMED.identity)
NOW = Instant(wall=1_000.0, monotonic=1.0)
VLAN = Attribute(name="Tunnel-Private-Group-Id", value="120", tag=1)
TIMED = Rendered(profile="corp", vendor="generic", attributes=(VLAN,), octets=b"", session_timeout_s=600)
SHOWN = [{"name": "Tunnel-Private-Group-Id", "value": "120", "tag": 1}]
TICKET = (Attribute(name="Class", value=b"x"),)
MONITOR = Monitor(scope=Scope.GROUP, name="wifi", until=2_000.0, profile="open")


def certificate(ends: float) -> CertificateFacts:
    return CertificateFacts(subject="CN=pc", issuer="", serial="1", fingerprint="f", not_before=0.0, not_after=ends)


def names(attributes: tuple[Attribute, ...]) -> list[str]:
    return [each.name for each in attributes]


def test_a_profile_and_what_this_login_adds() -> None:
    own = carried((TIMED, SHOWN), REQUEST, NAMED, FACTS, TICKET, NOW)
    assert own.rendered is TIMED
    assert own.timeout_s == 600
    assert names(own.own) == ["Session-Timeout", "Termination-Action", "Class"]
    assert [each["name"] for each in own.shown] == [VLAN.name, *names(own.own)]  # type: ignore[index, call-overload]


def test_no_session_outlives_its_certificate() -> None:
    named = replace(NAMED, certificate=certificate(NOW.wall + 60))
    own = carried((TIMED, SHOWN), REQUEST, named, FACTS, (), NOW)
    assert own.timeout_s == 60


def test_what_is_shown_of_a_profile_is_not_changed_by_a_login() -> None:
    before = list(SHOWN)
    carried((TIMED, SHOWN), REQUEST, NAMED, FACTS, TICKET, NOW)
    assert before == SHOWN


def denied() -> Decision:
    return Decision(effect=Effect.DENY, rule="r", profile="", reasons=("because",), policy_digest="d")


def test_the_record_of_a_monitored_decision_says_what_it_would_have_carried() -> None:
    event = events.decision(
        request=REQUEST,
        named=NAMED,
        compliance=NOT_ASKED,
        decision=denied(),
        rendered=None,
        shown=[],
        latency_ms=0.0,
        now=NOW,
    )
    for decided, attributes in ((None, []), ((TIMED, SHOWN), SHOWN)):
        told = monitored(event, MONITOR, decided, REQUEST, NAMED, FACTS, NOW)  # type: ignore[arg-type]
        monitor = told.fields["monitor"]
        assert isinstance(monitor, dict)
        assert isinstance(monitor["would"], dict)
        written = monitor["would"]["attributes"]
        assert isinstance(written, list)
        assert written[:1] == attributes


def test_an_answer_that_no_monitor_changes_says_so_where_one_is_in_force() -> None:
    event = events.refused(request=REQUEST, refusal="x", reason="no", latency_ms=0.0, now=NOW)
    assert unmonitored(event, NO_MONITORS, NAS, NOW) is event
    assert unmonitored(event, Monitors(all=(MONITOR,)), NAS, Instant(wall=2_000.0, monotonic=1.0)) is event
    assert unmonitored(event, Monitors(all=(MONITOR,)), NAS, NOW).fields["monitored"] is False


def test_a_refusal_carries_nothing() -> None:
    assert (NOTHING_CARRIED.rendered, NOTHING_CARRIED.own, NOTHING_CARRIED.shown) == (None, (), [])
