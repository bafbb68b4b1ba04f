"""A record gives back the facts of its decision, exactly, or says which it cannot give."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.audit import events
from nacd.audit.blocks import timestamp
from nacd.policy.answered import AHEAD_S, LastSync, VerdictAge
from nacd.policy.conditions import Positive
from nacd.policy.evaluate import evaluate
from nacd.policy.model import Policy, Rule
from nacd.replay.judge import judge
from nacd.replay.record import Aside, Cause, Outcome, Recorded, aside, at_another_time, moment, read, who
from nacd.session import overrides
from nacd.session.overrides import Override, OverrideEffect, SubjectKind
from nacd.values import (
    NOT_ASKED,
    AccessKind,
    Authentication,
    CertificateFacts,
    Compliance,
    ComplianceState,
    DeviceFacts,
    EapFailed,
    Endpoint,
    Facts,
    Instant,
    Link,
    MacAddress,
    Unidentified,
)
from tests.policy.test_evaluate_properties import CONDITIONS, policies
from tests.replay.conftest import GUID, NOW, Login, decided, logins, record

EVERYTHING = Policy(rules=(), digest="d")


def whole(found: dict[str, Any]) -> Recorded:
    recorded = read(found)
    assert isinstance(recorded, Recorded), recorded
    return recorded


def to_the_millisecond(facts: Facts) -> Facts:
    """The same facts with every date cut off as a record cuts it."""

    def cut(at: float) -> float:
        return moment(timestamp(at)) if at else 0.0

    certificate = facts.certificate
    if isinstance(certificate, CertificateFacts):
        certificate = replace(certificate, not_before=cut(certificate.not_before), not_after=cut(certificate.not_after))
    known = facts.compliance
    device = replace(known.device, last_sync=cut(known.device.last_sync))
    known = replace(known, as_of=cut(known.as_of), grace_until=cut(known.grace_until), device=device)
    # How a NAS authenticates is no fact: no condition can ask for it.
    facts = replace(facts, nas=replace(facts.nas, authentication=Authentication.EAP))
    return replace(facts, certificate=certificate, compliance=known, at=cut(facts.at))


# -- exact ----------------------------------------------------------------------------------------


@pytest.mark.slow
@settings(max_examples=200)
@given(policy=policies(), login=logins())
def test_a_record_that_was_read_again_is_decided_as_the_login_was(policy: Policy, login: Login) -> None:
    facts, decision = decided(policy, login)
    recorded = whole(record(login, facts, decision))
    assert recorded.outcome == Outcome(decision.effect, decision.rule, decision.profile)
    assert recorded.policy_digest == policy.digest
    again = judge(policy, recorded.facts)
    assert again == decision  # with every word of its reasons


ages = st.builds(VerdictAge, limit_s=st.sampled_from([10.0, 100.0]), over=st.booleans()) | st.builds(
    LastSync, limit_s=st.sampled_from([10.0, 100.0]), over=st.booleans()
)


@settings(max_examples=200)
@given(login=logins(), condition=ages, off_s=st.floats(-0.002, 0.002), sure=st.booleans())
def test_an_age_is_on_the_same_side_of_its_limit_to_the_last_digit(
    login: Login, condition: VerdictAge | LastSync, off_s: float, sure: bool
) -> None:
    edge = login.at - (condition.limit_s if sure else -AHEAD_S) + off_s
    known = replace(login.answer, as_of=edge, device=DeviceFacts(last_sync=edge), state=ComplianceState.COMPLIANT)
    facts = replace(login.facts, compliance=known)
    policy = Policy(rules=(Rule(name="age", line=1, conditions=(condition,), then="corp"),), digest="d")
    decision = evaluate(policy, facts)
    assert judge(policy, whole(record(login, facts, decision)).facts) == decision


@settings(max_examples=150)
@given(login=logins())
def test_every_fact_comes_back_as_it_was(login: Login) -> None:
    facts = replace(login.facts, compliance=login.answer)
    recorded = whole(record(login, facts, evaluate(EVERYTHING, facts)))
    assert recorded.facts == to_the_millisecond(facts)


def test_the_property_draws_every_condition_there_is() -> None:
    """A new condition has to be drawn, or nobody knows whether records hold what it asks for."""
    assert {condition.key for condition in get_args(Positive)} == set(CONDITIONS)


@settings(max_examples=100)
@given(first=logins(), second=logins())
def test_facts_at_another_time_are_those_of_the_other_record(first: Login, second: Login) -> None:
    later = replace(first, at=second.at, answer=replace(first.answer, as_of=second.answer.as_of))
    one, other = (
        record(each, replace(each.facts, compliance=each.answer), evaluate(EVERYTHING, each.facts))
        for each in (first, later)
    )
    assert at_another_time(whole(one).facts, other) == whole(other).facts


@given(st.floats(-60_000_000_000.0, 250_000_000_000.0) | st.integers(0, 4_000_000_000_000).map(lambda ms: ms / 1000))
def test_a_time_that_was_read_is_written_as_it_stood(wall: float) -> None:
    text = timestamp(wall)
    assert timestamp(moment(text)) == text
    assert math.floor(moment(text) * 1000) == math.floor(wall * 1000)


@pytest.mark.parametrize(
    "text", ["", "2026-09-21", "2026-09-21T14:13:20Z", "2026-13-21T14:13:20.000Z", "2026-09-21T14:13:20.+00Z"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        moment(text)


def test_a_decision_is_about_a_device_else_a_mac_else_a_user(login: Callable[..., Login]) -> None:
    facts = login().facts
    assert who(facts) == GUID
    nobody = replace(facts, identity=Unidentified(reason="none"))
    assert [who(nobody), who(replace(nobody, mac="")), who(replace(nobody, mac="", user=""))] == [
        "00-11-22-33-44-55",
        "alice",
        "",
    ]


# -- what cannot be had is said ---------------------------------------------------------------------


@pytest.fixture
def found(login: Callable[..., Login]) -> dict[str, Any]:
    """A record with everything in it."""
    one = login(
        certificate=CertificateFacts(
            subject="CN=a", issuer="CN=b", serial="1", fingerprint="f", not_before=NOW, not_after=NOW
        )
    )
    known = replace(one.answer, device=DeviceFacts(name="pc", operating_system="Windows", last_sync=NOW))
    facts = replace(one.facts, compliance=known)
    return record(replace(one, answer=known), facts, evaluate(EVERYTHING, facts))


def leaves(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if isinstance(value, dict):
        return [path, *(each for key, inner in value.items() for each in leaves(inner, (*path, key)))]
    return [path]


FACTS = """
    time access nas.name nas.vendor nas.groups nas.location nas.port_type endpoint.bssid endpoint.tunnel_group
    endpoint.client_platform endpoint.client_platform_version endpoint.client_agent endpoint.mac endpoint.user
    endpoint.ssid identity.kind identity.id identity.register identity.source identity.assurance identity.detail
    identity.tenant certificate.subject certificate.issuer certificate.not_after compliance.state compliance.as_of
    compliance.source compliance.device.name compliance.device.operating_system compliance.device.os_version
    compliance.device.owner compliance.device.user compliance.device.last_sync decision.rule decision.effect
    decision.profile
"""


def changed(found: dict[str, Any], path: str, *value: Any) -> dict[str, Any]:
    """The record with this field left out, or with another value."""
    *steps, last = path.split(".")
    inner = found
    for step in steps:
        inner = inner[step]
    if value:
        inner[last] = value[0]
    else:
        del inner[last]
    return found


@pytest.mark.parametrize("path", FACTS.split())
def test_a_record_that_lacks_a_fact_is_put_aside_with_its_name(found: dict[str, Any], path: str) -> None:
    assert read(changed(found, path)) == Aside(cause=Cause.INCOMPLETE, detail=path)


@pytest.mark.parametrize("path", FACTS.split())
@pytest.mark.parametrize("value", [None, 7, {"a": 1}])
def test_a_fact_of_another_shape_is_strange(found: dict[str, Any], path: str, value: object) -> None:
    assert read(changed(found, path, value)) == Aside(cause=Cause.STRANGE, detail=path)


@pytest.mark.parametrize(
    "path", ["access", "identity.kind", "identity.assurance", "compliance.state", "compliance.as_of"]
)
def test_a_word_that_nobody_knows_is_strange(found: dict[str, Any], path: str) -> None:
    assert read(changed(found, path, "carrier pigeon")) == Aside(cause=Cause.STRANGE, detail=path)


@pytest.mark.parametrize("guid", ["", "00000000-0000-0000-0000-000000000000", "x"])
def test_a_device_without_an_id_is_strange(found: dict[str, Any], guid: str) -> None:
    assert read(changed(found, "identity.id", guid)) == Aside(cause=Cause.STRANGE, detail="identity")


@pytest.mark.parametrize("text", ["***", "a" * 4096 + "… (12 more characters)", "half a pair \\ud83d", "\\udcff"])
def test_a_text_that_was_hidden_shortened_or_no_text_is_never_taken_for_the_fact(
    found: dict[str, Any], text: str
) -> None:
    assert read(changed(found, "endpoint.user", text)) == Aside(cause=Cause.ALTERED, detail="endpoint.user")


def test_what_the_line_does_to_a_long_or_broken_text_is_seen(login: Callable[..., Login]) -> None:
    for user in ("a" * 20_000, "half \ud83d"):
        one = login(user=user)
        assert read(record(one, one.facts, evaluate(EVERYTHING, one.facts))) == Aside(
            cause=Cause.ALTERED, detail="endpoint.user"
        )


@pytest.mark.parametrize("effect", OverrideEffect)
def test_what_a_person_ordered_is_not_the_policys(login: Callable[..., Login], effect: OverrideEffect) -> None:
    profile = "" if effect is OverrideEffect.BLOCK else "guest"
    order = Override(
        id=1,
        subject_kind=SubjectKind.MAC,
        subject="00-11-22-33-44-55",
        tenant="",
        effect=effect,
        profile=profile,
        reason="stolen",
        by="alice",
        at=NOW,
        until=NOW + 60,
    )
    one = login()
    assert read(record(one, one.facts, overrides.decision(order, "d"))) == Aside(cause=Cause.ORDERED)


def test_a_rule_that_is_called_as_an_order_is_one_of_the_policys(login: Callable[..., Login]) -> None:
    """No policy may have one any more; a record of before that was not an order for it."""
    one = login()
    policy = Policy(rules=(Rule(name="closed", line=1, conditions=(), then="deny"),), digest="d")
    found = record(one, *decided(policy, one))
    found["decision"]["rule"] = "override-block"
    assert whole(found).outcome.rule == "override-block"


def test_other_records_are_told_apart_and_counted(login: Callable[..., Login]) -> None:
    one = login()
    now = Instant(wall=NOW, monotonic=1.0)
    failed = EapFailed(code="certificate_expired", reason="it has expired", eap=b"")
    refused = events.eap_failed(request=one.request, failed=failed, access=AccessKind.DOT1X, latency_ms=1.0, now=now)
    assert read(refused.fields) == Aside(cause=Cause.BEFORE)
    repeated = events.repeated(of=refused, count=41, first=NOW, last=NOW, now=now)
    assert read(repeated.fields) == Aside(cause=Cause.COUNTED, count=41)
    assert read(events.started(version="1", detail="", now=now).fields) == Aside(cause=Cause.OTHER)
    sent = events.reply_too_long(
        request=one.request, named=one.named, decision=evaluate(EVERYTHING, one.facts), sent=(), octets=0, now=now
    )
    assert read(sent.fields) == Aside(cause=Cause.TOO_LONG)


@pytest.mark.parametrize("foreign", [{}, {"code": 7}, {"code": "E1"}, {"level": "info", "code": ["A1001I"]}])
def test_what_is_no_record_of_nacd_is_said_to_be_none(foreign: dict[str, Any]) -> None:
    assert read(foreign) == aside(foreign) == Aside(cause=Cause.NOT_JSON)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200)
@given(login=logins(), data=st.data())
def test_reading_never_fails_whatever_stands_in_a_field(login: Login, data: st.DataObject) -> None:
    spoilt = record(login, login.facts, evaluate(EVERYTHING, login.facts))
    path = data.draw(st.sampled_from([path for path in leaves(spoilt) if path]))
    recorded = read(changed(spoilt, ".".join(path), data.draw(json_values)))
    assert isinstance(recorded, Recorded | Aside)


def test_every_field_of_the_facts_is_read() -> None:
    """Facts grow: what is added has to come out of a record too."""
    known = "access nas identity certificate compliance mac user ssid tenant at link inventory"
    assert {each.name for each in fields(Facts)} == set(known.split())
    link = "port_type bssid tunnel_group client_platform client_platform_version client_agent"
    assert {each.name for each in fields(Link)} == set(link.split())
    told = "state as_of source detail provider grace_until device"
    assert {each.name for each in fields(Compliance)} == set(told.split())


def test_an_endpoint_that_is_not_asked_about_is_one_when_it_is_read_again(login: Callable[..., Login]) -> None:
    for ask, why in ((True, ""), (False, "randomised")):
        one = login(identity=Endpoint(mac=MacAddress("02-00-00-00-00-09"), ask=ask, ask_detail=why))
        facts = replace(one.facts, compliance=NOT_ASKED)
        identity = whole(record(one, facts, evaluate(EVERYTHING, facts))).facts.identity
        assert isinstance(identity, Endpoint)
        assert (identity.ask, identity.ask_detail) == (ask, why)
