"""By what a record is found, out of nacd's own records."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.audit import events
from nacd.audit.asking.terms import names_of, terms_of
from nacd.audit.line import line
from nacd.audit.privacy.kinds import Kind, Treatment
from nacd.audit.privacy.pseudonyms import pseudonym
from nacd.audit.privacy.veil import Choice, Veil
from nacd.audit.verdicts import events as verdicts
from nacd.values import (
    AccessRequest,
    AccountingRequest,
    Compliance,
    Decision,
    DeviceId,
    Instant,
    MacAddress,
    Named,
    Nas,
    Secret,
)
from tests.audit.conftest import (  # noqa: F401 - fixtures
    allow,
    at,
    certificate,
    compliance,
    named,
    request_of,
)

KEY = Secret(b"0123456789abcdef0123456789abcdef")
GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"


@pytest.fixture
def accepted(
    at: Callable[[float], Instant],  # noqa: F811
    request_of: Callable[..., AccessRequest],  # noqa: F811
    named: Named,  # noqa: F811
    compliance: Compliance,  # noqa: F811
    allow: Decision,  # noqa: F811
) -> dict[str, Any]:
    event = events.decision(
        request=request_of(),
        named=named,
        compliance=compliance,
        decision=allow,
        rendered=None,
        shown=[],
        latency_ms=1.0,
        now=at(0),
        tls_version="TLSv1.3",
        cipher="x",
        peer_identity="host/PC-1",
    )
    found: dict[str, Any] = json.loads(line(event))
    return found


def test_a_decision_is_found_by_everything_that_names_it(accepted: dict[str, Any]) -> None:
    assert terms_of(accepted) >= {
        ("code", "a1001i"),
        ("code", "access.accept"),
        ("effect", "allow"),
        ("nas", "campus"),
        ("nas", "10.20.0.1"),
        ("nas", "sw-1"),
        ("rule", "compliant device"),
        ("profile", "corporate"),
        ("device", GUID),
        ("mac", "00-50-B6-AA-BB-CC"),
        ("user", "alice@example.com"),
        ("user", "alice"),
        ("user", "host/pc-1"),
        ("user", "pc-1"),
        ("session", "0000001a"),
        ("session", "0a140001"),
        ("serial", "a"),
        ("serial", "ab" * 32),
    }


def test_accounting_is_found_by_mac_and_by_the_number_of_its_session(at: Callable[[float], Instant]) -> None:  # noqa: F811
    request = AccountingRequest(
        nas=Nas(name="campus", vendor="cisco-ios"),
        source="10.20.0.1",
        source_port=1,
        status_type="Start",
        acct_session_id="0000001A",
        calling_station_id="0050.b6aa.bbcc",
    )
    record = json.loads(line(events.accounting(request=request, now=at(0), session=4711)))
    assert terms_of(record) >= {("mac", "00-50-B6-AA-BB-CC"), ("session", "4711"), ("session", "0000001a")}
    assert not [value for kind, value in terms_of(record) if kind == "effect"]


def test_a_device_that_could_not_be_named_is_found_by_its_certificate_and_by_the_sentence() -> None:
    record = {
        "code": "A1002I",
        "why": f"nobody: the certificate names {GUID.upper()} twice",
        "identity": {"kind": "unidentified", "id": ""},
        "certificate": {"san_uris": ["ID:Microsoft Endpoint Manager:GUID:00000000-0000-0000-0000-00000000000A"]},
    }
    assert {("device", GUID), ("device", "00000000-0000-0000-0000-00000000000a")} <= terms_of(record)


def test_orders_and_overrides_are_found_by_their_subject_and_by_who_gave_them() -> None:
    put = {"code": "A4020I", "override": {"subject": GUID, "profile": "quarantine"}, "by": "CORP\\Alice"}
    assert terms_of(put) >= {("device", GUID), ("user", "alice"), ("profile", "quarantine")}
    given_order = {"code": "A4022I", "order": {"subject": "00:50:b6:aa:bb:cc"}}
    assert ("mac", "00-50-B6-AA-BB-CC") in terms_of(given_order)


@pytest.mark.parametrize(
    ("subject", "term"),
    [
        (DeviceId(guid=GUID), ("device", GUID)),
        (MacAddress("00-11-85-AA-BB-CC"), ("mac", "00-11-85-AA-BB-CC")),
    ],
)
def test_what_intune_was_asked_and_how_a_verdict_changed_is_found_by_whom_it_was_about(
    subject: DeviceId | MacAddress,
    term: tuple[str, str],
    at: Callable[[float], Instant],  # noqa: F811
    compliance: Compliance,  # noqa: F811
) -> None:
    said = verdicts.answered(tenant="intune", subject=subject, said=compliance, took_s=0.1, unwritten=0, now=at(0))
    changed = verdicts.changed(
        tenant="intune", subject=subject, before=compliance, said=compliance, by="poll", now=at(0)
    )
    hides = Veil(Choice(kinds={Kind.DEVICE: Treatment.HASH, Kind.MAC: Treatment.HASH}), KEY)
    for event in (said, changed):
        assert term in terms_of(json.loads(line(event)))
        hidden = pseudonym(KEY, Kind(term[0]), term[1])
        assert (term[0], hidden) in terms_of(json.loads(line(hides(event))))


def test_refusals_without_a_decision_are_refusals() -> None:
    assert all(("effect", "deny") in terms_of({"code": code}) for code in ("A1003W", "A1004W", "A1010W"))
    monitored = {"code": "A1007W", "decision": {"effect": "deny"}}
    assert ("effect", "deny") in terms_of(monitored)


def test_a_mac_on_two_ports_is_found_by_both_sessions() -> None:
    ports = [{"nas": "a", "nacd_session": 3}, {"nas": "b", "nacd_session": 5}, "odd"]
    assert terms_of({"code": "A6010W", "mab": {"ports": ports}}) >= {("session", "3"), ("session", "5"), ("nas", "b")}


def test_users_have_a_name_without_realm_and_domain() -> None:
    assert names_of("CORP\\Alice") == ("corp\\alice", "alice")
    assert names_of("alice") == ("alice",)
    assert names_of("@realm") == ("@realm",)


_PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
_ANY = st.recursive(
    _PLAIN, lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=4), each), max_leaves=6
)
_NAMES = ["code", "event", "why", "nas", "endpoint", "identity", "mab", "decision", "by", "compliance", "nacd_session"]


@given(st.dictionaries(st.sampled_from(_NAMES), _ANY))
def test_whatever_stands_in_a_record_it_has_terms_of_text(record: dict[str, Any]) -> None:
    assert all(isinstance(kind, str) and isinstance(value, str) and value for kind, value in terms_of(record))
