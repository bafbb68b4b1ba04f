import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from nacd.audit import blocks, events, shadow_events
from nacd.audit.catalogue import EVENTS
from nacd.audit.line import line
from nacd.audit.mab import events as mab
from nacd.audit.monitor_events import monitored, untouched
from nacd.audit.privacy.kinds import Kind, Treatment
from nacd.audit.privacy.veil import Choice, Veil
from nacd.audit.redaction import clean
from nacd.audit.reload import events as reload
from nacd.audit.shadow_events import Said
from nacd.audit.signing import events as signing
from nacd.audit.verdicts import events as verdicts
from nacd.session.macs.inventory import Entry
from nacd.values import (
    AccessKind,
    AccessList,
    AccessRequest,
    AccountingRequest,
    Attribute,
    AuditEvent,
    CertificateFacts,
    Compliance,
    Decision,
    DeviceId,
    EapFailed,
    Instant,
    Named,
    Nas,
    Rendered,
    Secret,
    Unidentified,
)
from tests.audit.chain import every as chain
from tests.audit.forwarding import test_events as forwarding
from tests.audit.keeping import test_events as keeping
from tests.audit.rotation import test_events as rotation

At = Callable[[float], Instant]
Request = Callable[..., AccessRequest]


def about_reloads() -> tuple[AuditEvent, ...]:
    now = Instant(wall=1_790_000_000.0, monotonic=0.0)
    block = reload.block(file="f", digest="c", policy_digest="p", notes=["n"], generation=2, changes=["one"])
    tried: dict[str, Any] = {"until": now.wall, "max_change": 20.0, "min_sample": 20}
    return (
        reload.refused(file="f", problems=["bad"], by="SIGHUP", now=now),
        reload.canary_began(configuration=block, group="g", by="root", now=now, **tried),
        reload.canary_failed(configuration=block, group="g", reason="why", now=now),
        reload.canary_discarded(configuration=block, group="g", by="root", now=now),
    )


LIST = AccessList(name="#ACSACL#-IP-GUESTS-a4f4ab01", lines=3, pages=(b"one", b"two"), asked_with=frozenset({"x"}))


def _of_mab(
    decision: Any, rest: dict[str, Any], allow: Decision, deny: Decision, rendered: Rendered, shown: Any, now: Instant
) -> tuple[AuditEvent, ...]:
    port = mab.Port(nas="n", source="s", port="1", session=1, began=now.wall, heard=now.wall)
    entry = Entry(mac="00-11-85-AA-BB-CC", owner="o", reason="r", by="b", at=1.0, until=2.0, tags=("printers",))
    above = replace(deny, refused_above="x")
    managed = decision(decision=above, rendered=None, shown=shown, inventory=("any",), **rest)
    return (
        managed,
        decision(decision=allow, rendered=rendered, shown=shown, inventory=("any", "printers"), **rest),
        decision(decision=deny, rendered=None, shown=[], inventory=("any",), **rest),
        untouched(managed),
        mab.entered(entry=entry, is_new=True, now=now),
        mab.removed(entry=entry, by="b", now=now),
        mab.ended(entry=entry, now=now),
        mab.imported(added=1, changed=2, left=3, by="b", now=now),
        mab.two_ports(mac=entry.mac, ports=[port, port], now=now),
    )


def _of_shadow(accept: AuditEvent, now: Instant) -> tuple[AuditEvent, ...]:
    said = Said(digest="d", effect="deny", rule="r", profile="", reasons=("x",), before="`a`", after="refused")
    differs = shadow_events.differs(of=accept.fields, said=said, now=now)
    return (
        differs,
        shadow_events.repeated(of=differs, count=3, first=1.0, last=2.0, now=now),
        shadow_events.overflow(count=3, by_code={}, by_nas={}, first=1.0, last=2.0, now=now),
        shadow_events.loaded(file="next.yaml", digest="d", now=now),
        shadow_events.faulty(file="next.yaml", problems=["next.yaml:1:1: no"], now=now),
        shadow_events.switched_off(file="next.yaml", digest="d", why="10 errors in a row", now=now),
    )


@pytest.fixture
def everything(
    request_of: Request,
    named: Named,
    compliance: Compliance,
    allow: Decision,
    deny: Decision,
    rendered: Rendered,
    sent: tuple[Attribute, ...],
    session_records: tuple[AuditEvent, ...],
    at: At,
) -> tuple[AuditEvent, ...]:
    """One record by every builder, those of sessions too, and by every branch that changes its fields."""
    request, now = request_of(), at(0)
    base = {"request": request, "named": named}
    nameless = replace(named, identity=Unidentified(reason="two ids"))
    failed = EapFailed(
        code="certificate_expired", reason="expired", eap=b"", peer_identity="x", subject="CN=PC-1", issuer="CN=CA"
    )
    refusal = events.refused(request=request, refusal="service_type", reason="no", latency_ms=1.0, now=now)
    eap = events.eap_failed(request=request, failed=failed, access=AccessKind.DOT1X, latency_ms=1.0, now=now)
    rest = {"compliance": compliance, "latency_ms": 1.5, "now": now}
    reject = events.decision(request=request, named=nameless, decision=deny, rendered=None, shown=[], **rest)
    span = {"count": 3, "first": now.wall, "last": now.wall, "now": now}
    nas = {"nas": "campus", "source": "10.20.0.1"}
    bare = EapFailed(code="no_certificate", reason="none", eap=b"")
    accounting = [
        AccountingRequest(
            nas=Nas(name="n", vendor="v"), source="::1", source_port=1, status_type=word, terminate_cause="X"
        )
        for word in ("Start", "Interim-Update", "Stop", "Accounting-On", "Accounting-Off", "Failed")
    ]
    accept = events.decision(decision=allow, rendered=rendered, shown=blocks.attributes(sent), **base, **rest)
    monitor = {"scope": "group", "name": "wifi", "until": now.wall, "profile": "open", "actions": ()}
    return (
        accept,
        reject,
        eap,
        events.eap_failed(request=request, failed=bare, access=AccessKind.VPN, latency_ms=1.0, now=now),
        refusal,
        events.list_downloaded(request=request, listed=LIST, latency_ms=1.0, now=now),
        events.reply_too_long(decision=allow, sent=sent, octets=5000, now=now, **base),
        events.repeated(of=reject, **span),
        events.repeated(of=eap, **span),
        events.repeated(of=refusal, **span),
        events.over_budget(of=eap, by_code={"A1003W": 3}, **span),
        events.overflow(by_code={"A1003W": 3}, by_nas={"campus": 3}, **span),
        *(events.accounting(request=each, now=now) for each in accounting),
        events.drops(reason="too_short", detail="", **nas, **span),
        events.probe_warning(user_name="probe", reason="no_message_authenticator_probe", detail="", now=now, **nas),
        events.started(version="1", detail="two workers", now=now),
        events.stopped(version="1", detail="SIGTERM", now=now),
        events.configuration_loaded(file="nacd.yaml", digest="d", policy_digest="p", notes=["n"], now=now),
        *about_reloads(),
        events.audit_resumed(by_code={"A1001I": 7}, since=now.wall, why="disk full", now=now),
        events.bug(kind="KeyError", where="worker.py:10 answer", now=now, **nas),
        *session_records,
        monitored(accept, attributes=blocks.attributes(sent), omitted=("redirect",), **monitor),
        *map(untouched, (accept, reject, eap, refusal)),
        *_of_shadow(accept, now),
        *chain.every(now.wall),
        *_of_verdicts(compliance, now),
        *forwarding.every(),
        *keeping.every(),
        *rotation.every(),
        signing.signs(nas="campus", source="10.20.0.1", now=now),
        *_of_mab(events.decision, base | rest, allow, deny, rendered, blocks.attributes(sent), now),
    )


def _of_verdicts(said: Compliance, now: Instant) -> list[AuditEvent]:
    who = {"tenant": "intune", "subject": DeviceId(guid="9b8ae4b1-0000-4000-8000-000000000001")}
    asked = {**who, "said": said, "took_s": 0.2, "unwritten": 1, "now": now}
    return [
        verdicts.answered(**asked),
        verdicts.failed(**asked),
        verdicts.changed(before=said, said=said, by="poll", now=now, **who),
        verdicts.taken_away(said=said, now=now, **who),
        verdicts.suspended(tenant="intune", trouble="status 503", now=now),
        verdicts.resumed(tenant="intune", now=now),
    ]


def test_every_builder_emits_only_fields_the_table_names(
    everything: tuple[AuditEvent, ...], paths_of: Callable[[object], set[str]]
) -> None:
    for event in everything:
        assert paths_of(event.fields) <= set(EVENTS[event.code].fields), event.code


def test_every_event_of_the_table_has_a_builder_that_fills_all_its_fields(
    everything: tuple[AuditEvent, ...], paths_of: Callable[[object], set[str]]
) -> None:
    filled: dict[str, set[str]] = {code: set() for code in EVENTS}
    for event in everything:
        filled[event.code] |= paths_of(event.fields)
    by_the_worker = {"request_id"}
    empty_on_deny = {f"reply.attributes[].{part}" for part in ("name", "value", "tag")} | by_the_worker
    for code, event in EVENTS.items():
        assert set(event.fields) - filled[code] <= empty_on_deny, code


def test_every_record_says_when_what_and_why_in_strict_json(everything: tuple[AuditEvent, ...]) -> None:
    for event in everything:
        line = json.loads(json.dumps(event.fields, allow_nan=False))
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
        assert line["code"] == event.code
        assert line["event"] == EVENTS[event.code].name
        assert line["why"]


def test_no_record_holds_a_secret(everything: tuple[AuditEvent, ...]) -> None:
    for event in everything:
        line = json.dumps(event.fields)
        assert "hunter2" not in line
        assert b"keying material".hex() not in line


def test_names_that_are_hidden_stand_nowhere_in_what_builders_make(everything: tuple[AuditEvent, ...]) -> None:
    kinds = dict.fromkeys((Kind.USER, Kind.MAC, Kind.DEVICE, Kind.ADDRESS), Treatment.HASH)
    veil = Veil(Choice(kinds=kinds), Secret(b"k" * 32))
    names = r"alice@|pc-1|00.?50.?b6.?aa.?bb.?cc|2f6d3c1e|9b8ae4b1|00-11-85-aa|10\.20\.7\.7|cui-1"
    seen = re.compile(names.encode(), re.IGNORECASE)
    assert sum(seen.search(line(event)) is not None for event in everything) > 30
    for event in everything:
        hidden = line(veil(event))
        assert seen.search(hidden) is None, hidden


def test_an_accept_tells_the_whole_why(everything: tuple[AuditEvent, ...]) -> None:
    fields = everything[0].fields
    assert everything[0].code == "A1001I"
    assert fields["why"] == (
        "device 2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954: rule `compliant device` gives profile `corporate`: "
        "compliance is compliant; access is dot1x"
    )
    assert fields["compliance"] == {
        "state": "compliant",
        "detail": "asked by id",
        "provider": "graph",
        "source": "cache",
        "as_of": "2026-09-21T14:13:08.000Z",
        "age_s": 12.0,
        "grace_until": "2026-09-21T15:13:20.000Z",
        "device": {
            "name": "PC-1",
            "operating_system": "Windows",
            "os_version": "10.0.19045.4046",
            "owner": "company",
            "user": "alice@example.com",
            "last_sync": "2026-09-21T11:26:40.000Z",
            "in_groups": ["6b4b9f4e-7a0d-4a63-9a39-000000000001"],
            "outside_groups": ["6b4b9f4e-7a0d-4a63-9a39-000000000002"],
            "groups_doubt": "graph is throttling questions about groups (status 429)",
        },
    }
    identity = fields["identity"]
    assert isinstance(identity, dict)
    assert identity["tenant"] == "contoso"
    assert fields["reply"] == {
        "code": "Access-Accept",
        "attributes": [
            {"name": "Tunnel-Private-Group-Id", "value": "120", "tag": 1},
            {"name": "Session-Timeout", "value": 28800},
            {"name": "Class", "value": "0x0102"},
            {"name": "MS-MPPE-Send-Key", "value": "***"},
            {"name": "Tunnel-Password", "value": "***"},
            {"name": "Cisco-AVPair", "value": "psk=***"},
        ],
        "omitted": ["redirect"],
        "actions": [],
    }
    assert fields["latency_ms"] == 1.5


def test_an_accept_is_never_aggregated_and_a_refusal_may_be(everything: tuple[AuditEvent, ...]) -> None:
    accept, reject, eap, _, refusal = everything[:5]
    assert (accept.repeat_key, accept.port_key) == ("", "")
    for event in (reject, eap, refusal):
        assert event.repeat_key
        assert event.port_key
    assert reject.port_key == eap.port_key == refusal.port_key
    assert len({reject.repeat_key, eap.repeat_key, refusal.repeat_key}) == 3


@pytest.mark.parametrize(
    "fields",
    [
        {"calling_station_id": "00-50-B6-AA-BB-CD"},
        {"user_name": "host/pc-2"},
        {"nas_port_id": "Gi1/0/2"},
        {"source": "10.20.0.2"},
    ],
)
def test_refusals_differ_when_caller_or_port_does(rejected: Callable[..., AuditEvent], fields: dict[str, str]) -> None:
    assert rejected(**fields).repeat_key != rejected().repeat_key


def test_equal_refusals_have_equal_keys(rejected: Callable[..., AuditEvent]) -> None:
    assert rejected(0.0).repeat_key == rejected(9.0, acct_session_id="other").repeat_key


def test_foreign_text_cannot_make_two_callers_look_the_same(rejected: Callable[..., AuditEvent]) -> None:
    one = rejected(calling_station_id="a', 'b", user_name="c")
    other = rejected(calling_station_id="a", user_name="b', 'c")
    assert one.repeat_key != other.repeat_key


def test_a_caller_cannot_choose_its_port(rejected: Callable[..., AuditEvent]) -> None:
    wired = {rejected(calling_station_id=mac, user_name=mac).port_key for mac in ("a", "b")}
    air = {"nas_port_type": "Wireless-802.11", "nas_port_id": "", "called_station_id": "AA-BB-CC-DD-EE-FF:corp"}
    wireless = {rejected(nas_port=str(n), calling_station_id=str(n), **air).port_key for n in range(3)}
    vpn = {
        rejected(nas_port_type="Virtual", nas_port=str(n), nas_port_id="", calling_station_id="192.0.2.7").port_key
        for n in range(3)
    }
    assert (len(wired), len(wireless), len(vpn)) == (1, 1, 1)
    other = rejected(nas_port_type="Virtual", calling_station_id="192.0.2.8").port_key
    assert other not in vpn


def test_an_eap_failure_names_the_certificate_complained_of_and_nothing_when_none_was_seen(
    everything: tuple[AuditEvent, ...],
) -> None:
    assert everything[2].fields["certificate"] == {"subject": "CN=PC-1", "issuer": "CN=CA"}
    assert "certificate" not in everything[3].fields
    assert everything[2].fields["why"] == "expired"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("Start", "A2001I"),
        ("Interim-Update", "A2002I"),
        ("Alive", "A2002I"),
        ("Stop", "A2003I"),
        ("Accounting-On", "A2004I"),
        ("Accounting-Off", "A2005I"),
        ("Tunnel-Start", "A2006W"),
        ("99", "A2006W"),
    ],
)
def test_each_status_type_has_its_event(at: At, status: str, code: str) -> None:
    request = AccountingRequest(nas=Nas(name="n", vendor="v"), source="::1", source_port=1, status_type=status)
    event = events.accounting(request=request, now=at(0), mac="00-50-B6-AA-BB-CC")
    assert event.code == code
    assert event.fields["endpoint"]["mac"] == "00-50-B6-AA-BB-CC"  # type: ignore[index,call-overload]


def test_an_accounting_record_says_which_session_it_was_tied_to(at: At) -> None:
    request = AccountingRequest(nas=Nas(name="n", vendor="v"), source="::1", source_port=1, status_type="Start")
    assert events.accounting(request=request, now=at(0), session=4711).fields["nacd_session"] == 4711
    assert events.accounting(request=request, now=at(0)).fields["nacd_session"] == 0


def test_redaction_finds_nothing_to_change_in_what_builders_make(everything: tuple[AuditEvent, ...]) -> None:
    """The line is written without looking at each field's name, so this asks once for all of them."""
    for event in everything:
        assert json.loads(line(event)) == json.loads(json.dumps(clean(event.fields))), event.code


def test_text_that_is_no_unicode_does_not_keep_a_record_from_being_written(request_of: Request, at: At) -> None:
    event = events.refused(
        request=request_of(user_name="a\ud800"), refusal="no_access_kind", reason="no \udfff", latency_ms=0.1, now=at(0)
    )
    assert json.loads(line(event))["why"] == "no \\udfff"


def test_a_drop_from_nowhere_says_so(at: At) -> None:
    event = events.drops(
        nas="", source="192.0.2.9", reason="unknown_nas", detail="", count=2, first=0.0, last=1.0, now=at(0)
    )
    assert event.fields["why"] == "2 packets from an address no NAS is configured for dropped: unknown_nas"


def test_the_facts_of_a_shown_certificate_are_all_there(
    everything: tuple[AuditEvent, ...], certificate: CertificateFacts
) -> None:
    shown = everything[0].fields["certificate"]
    assert isinstance(shown, dict)
    assert set(shown) == set(CertificateFacts.__dataclass_fields__)
    assert shown["fingerprint"] == certificate.fingerprint


def test_a_downloaded_list_is_told_with_its_size_and_names_no_endpoint(request_of: Request, at: At) -> None:
    event = events.list_downloaded(request=request_of(), listed=LIST, latency_ms=1.0, now=at(0))
    assert event.fields["access_list"] == {"name": LIST.name, "lines": 3, "packets": 2}
    assert (event.fields["access"], event.repeat_key) == ("", "")
    assert f"has downloaded the access list `{LIST.name}`" in str(event.fields["why"])
