"""What the configuration wants hidden stands nowhere in a record: in no field, in no sentence, in no spelling."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.audit.asking.terms import PSEUDONYM
from nacd.audit.catalogue import EVENTS
from nacd.audit.line import line
from nacd.audit.privacy.kinds import NAMING, OF_THE_TRAIL, TOLD_BY_VALUE, WORDS, Kind, Treatment
from nacd.audit.privacy.pseudonyms import pseudonym
from nacd.audit.privacy.veil import Choice, Veil, is_hidden
from nacd.values import AuditEvent, Secret

KEY = Secret(b"a key of thirty-two octets or so")
GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
MAC = "00-50-B6-AA-BB-CC"
USER, BARE = "alice.liddell@wonder.example", "alice.liddell"
HOST = "host/pc-4711.wonder.example"
SERIAL = "6f00aa41"
ADDRESS, TUNNEL = "10.66.77.88", "2001:db8:77::88"
MACS = (MAC, MAC.lower(), MAC.replace("-", ":").lower(), "0050.b6aa.bbcc", "0050B6AABBCC", "0050b6-aabbcc")
OF: Mapping[Kind, tuple[str, ...]] = MappingProxyType(
    {
        Kind.USER: (USER, USER.upper(), f"WONDER\\{BARE}"),
        Kind.MAC: MACS,
        Kind.DEVICE: (GUID, GUID.upper(), HOST, f"serial {SERIAL}"),
        Kind.ADDRESS: (ADDRESS, TUNNEL),
    }
)
LEFT: Mapping[Kind, re.Pattern[bytes]] = MappingProxyType(
    {
        Kind.USER: re.compile(rb"liddell", re.IGNORECASE),
        Kind.MAC: re.compile(rb"00[-:.]?50[-:.]?b6[-:.]?aa[-:.]?bb[-:.]?cc", re.IGNORECASE),
        Kind.DEVICE: re.compile(rb"2f6d3c1e|pc-4711|6f00aa41|8a414b7f", re.IGNORECASE),
        Kind.ADDRESS: re.compile(rb"10\.66\.77\.88|2001:db8:77", re.IGNORECASE),
    }
)


def choice(*kinds: Kind, how: Treatment = Treatment.HASH, **fields: Treatment) -> Choice:
    return Choice(
        kinds=dict.fromkeys(kinds, how), fields={name.replace("__", "."): each for name, each in fields.items()}
    )


def said() -> str:
    """A sentence with everything in every spelling."""
    return "; ".join(f"`{each}` and {each}" for values in OF.values() for each in values)


VALUES = {
    Kind.USER: USER,
    Kind.MAC: "0050.b6aa.bbcc",
    Kind.DEVICE: GUID,
    Kind.ADDRESS: ADDRESS,
}


def of_field(path: str) -> Any:
    special = {
        "endpoint.user_name": BARE,
        "eap.peer_identity": f"WONDER\\{BARE}",
        "endpoint.tunnel_client_endpoint": TUNNEL,
        "certificate.subject": f"CN={BARE},OU={GUID}",
        "certificate.common_name": HOST,
        "certificate.serial": SERIAL,
        "certificate.san_uris": [f"IntuneDeviceId://{GUID}"],
        "certificate.san_upns": [USER],
        "session.user_name_octets": BARE.encode().hex(),
        "session.acct_session_id": f"0050B6AABBCC-{MAC}-77",
        "override.subject": MAC,
        "order.subject": GUID,
        "lookup.id": GUID,
    }
    if path in special:
        return special[path]
    if kinds := NAMING.get(path):
        return VALUES[kinds[0]]
    if path in WORDS:
        return "a-word"
    return [said()] if path.endswith(("reasons", "problems", "changes", "notes")) else said()


def put(record: dict[str, Any], path: str, value: Any) -> None:
    *way, last = path.split(".")
    for step in way:
        if step.endswith("[]"):
            record = record.setdefault(step[:-2], [{}])[0]
        else:
            record = record.setdefault(step, {})
    record[last] = value


def filled(code: str) -> AuditEvent:
    """A record of this kind with a name in every field that may hold one."""
    record: dict[str, Any] = {"code": code, "time": "2026-09-21T14:13:20.000Z", "event": EVENTS[code].name, "why": ""}
    for path in EVENTS[code].fields:
        if path not in ("code", "time", "event") and not path.endswith((".by_code", ".by_nas")):
            put(record, path, of_field(path))
    return AuditEvent(code=code, fields=record)


CODES = [code for code in EVENTS if code not in OF_THE_TRAIL]


def bare_expected(code: str, octets: bytes) -> bytes:
    """Of the service's records twelve hex digits alone are a digest."""
    return re.sub(rb"(?<![0-9A-Fa-f])[0-9A-Fa-f]{12}(?![0-9A-Fa-f])", b"", octets) if code >= "A9" else octets


@pytest.mark.parametrize("how", [Treatment.HASH, Treatment.REMOVE])
@pytest.mark.parametrize("kind", list(LEFT))
@pytest.mark.parametrize("code", CODES)
def test_nothing_of_a_hidden_kind_is_left_anywhere_in_the_line(code: str, kind: Kind, how: Treatment) -> None:
    event = filled(code)
    if kind is Kind.ADDRESS and not any(Kind.ADDRESS in NAMING.get(path, ()) for path in EVENTS[code].fields):
        return  # an address without a field for it may be that of a NAS: it stays
    if kind is Kind.ADDRESS:
        put(event.fields, "endpoint.framed_address", ADDRESS)
        put(event.fields, "endpoint.tunnel_client_endpoint", TUNNEL)
    assert LEFT[kind].search(line(event)) is not None
    hidden = line(Veil(choice(kind, how=how), KEY)(event))
    found = LEFT[kind].search(bare_expected(code, hidden))
    assert found is None, hidden[max(0, found.start() - 80) : found.end() + 40]


@pytest.mark.parametrize("code", CODES)
def test_what_is_not_hidden_stays(code: str) -> None:
    for kind in LEFT:
        others = [each for each in LEFT if each is not kind]
        octets = line(Veil(choice(*others), KEY)(filled(code)))
        if kind is not Kind.USER and kind is not Kind.DEVICE:  # of a subject both are hidden together
            assert LEFT[kind].search(octets) is not None


@pytest.mark.parametrize("code", sorted(OF_THE_TRAIL))
def test_records_of_the_trail_itself_are_left_alone(code: str) -> None:
    event = AuditEvent(code=code, fields={"code": code, "file": "audit-20261122T192100Z-000000000001.jsonl"})
    assert Veil(choice(*LEFT), KEY)(event) is event


def test_one_mac_has_one_pseudonym_in_every_field_and_sentence() -> None:
    fields: dict[str, Any] = {
        "code": "A1002I",
        "why": f"endpoint {MAC}: no ({MAC.lower()})",
        "endpoint": {"mac": MAC, "calling_station_id": "0050.b6aa.bbcc", "user_name": "0050b6aabbcc"},
    }
    hidden = Veil(choice(Kind.MAC), KEY)(AuditEvent(code="A1002I", fields=fields)).fields
    shown = pseudonym(KEY, Kind.MAC, MAC)
    assert hidden["endpoint"] == {"mac": shown, "calling_station_id": shown, "user_name": shown}
    assert hidden["why"] == f"endpoint {shown}: no ({shown})"


def test_the_mac_of_an_access_point_is_no_name_of_an_endpoint() -> None:
    fields: dict[str, Any] = {"endpoint": {"called_station_id": "AA-BB-CC-00-00-01:corp"}, "nas": {"identifier": MAC}}
    assert Veil(choice(*LEFT), KEY)(AuditEvent(code="A1002I", fields=fields)).fields == fields


def test_a_group_and_a_tenant_are_no_devices() -> None:
    group, tenant = "6b4b9f4e-7a0d-4a63-9a39-000000000001", "6b4b9f4e-7a0d-4a63-9a39-000000000002"
    fields: dict[str, Any] = {
        "why": f"user is in {group}, of {tenant}",
        "certificate": {"tenant_ids": [tenant]},
        "compliance": {"device": {"in_groups": [group], "outside_groups": []}},
    }
    assert Veil(choice(*LEFT), KEY)(AuditEvent(code="A1001I", fields=fields)).fields == fields


def test_a_session_number_of_twelve_digits_is_no_mac() -> None:
    fields: dict[str, Any] = {"session": {"acct_session_id": "00005A3F1204"}, "endpoint": {"mac": MAC}}
    hidden = Veil(choice(Kind.MAC), KEY)(AuditEvent(code="A2001I", fields=fields)).fields
    assert hidden["session"] == fields["session"]


def test_attributes_that_name_somebody_are_hidden_and_others_stay() -> None:
    rows = [
        {"name": "User-Name", "value": BARE},
        {"name": "Framed-IP-Address", "value": ADDRESS},
        {"name": "Calling-Station-Id", "value": MAC},
        {"name": "Session-Timeout", "value": 60},
        {"name": "Tunnel-Private-Group-Id", "value": "120", "tag": 1},
    ]
    fields: dict[str, Any] = {"asked": {"attributes": rows}}
    hidden: Any = Veil(choice(*LEFT), KEY)(AuditEvent(code="A4003I", fields=fields)).fields
    values = [row["value"] for row in hidden["asked"]["attributes"]]
    assert all(PSEUDONYM.fullmatch(each) for each in values[:3])
    assert values[3:] == [60, "120"]


def test_a_field_by_itself_is_hidden_whatever_its_group_says() -> None:
    fields: dict[str, Any] = {
        "why": "AnyConnect Windows 5.1 came in",
        "endpoint": {"client_agent": "AnyConnect Windows 5.1", "user": USER},
        "by": "bob",
        "latency_ms": 1.5,
    }
    chosen = choice(endpoint__client_agent=Treatment.REMOVE, by=Treatment.HASH, latency_ms=Treatment.REMOVE)
    hidden = Veil(chosen, KEY)(AuditEvent(code="A1001I", fields=fields)).fields
    assert hidden["endpoint"] == {"client_agent": "***", "user": USER}
    assert hidden["why"] == "*** came in"
    assert hidden["by"] == pseudonym(KEY, Kind.TEXT, "bob")
    assert hidden["latency_ms"] == "***"


def test_a_name_that_was_cut_in_a_sentence_is_hidden_too() -> None:
    name = "u" * 90 + "@wonder.example"
    fields: dict[str, Any] = {"why": f"User-Name `{name[:80]}…` is odd", "endpoint": {"user_name": name}}
    assert "uuu" not in str(Veil(choice(Kind.USER), KEY)(AuditEvent(code="A1004W", fields=fields)).fields["why"])


def test_keys_of_summaries_stay_as_they_are() -> None:
    event = AuditEvent(code="A1002I", fields={"endpoint": {"mac": MAC}}, repeat_key="r", port_key="p")
    hidden = Veil(choice(Kind.MAC), KEY)(event)
    assert (hidden.repeat_key, hidden.port_key) == ("r", "p")
    assert event.fields == {"endpoint": {"mac": MAC}}


def test_a_choice_says_whether_it_needs_a_key_and_hides_anything() -> None:
    assert (choice().hides, choice().hashes) == (False, False)
    assert (choice(Kind.MAC, how=Treatment.REMOVE).hides, choice(Kind.MAC, how=Treatment.REMOVE).hashes) == (
        True,
        False,
    )
    assert choice(by=Treatment.HASH).hashes


def test_what_stands_in_place_of_something_is_known_again() -> None:
    assert is_hidden("***")
    assert is_hidden(pseudonym(KEY, Kind.USER, "x"))
    assert not is_hidden("h:alice")


_PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40) | st.sampled_from([MAC, GUID])
_ANY = st.recursive(_PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner))


@given(st.dictionaries(st.sampled_from(["why", "endpoint", "certificate", "asked", "compliance", "session"]), _ANY))
def test_whatever_a_record_holds_there_is_one_afterwards(fields: dict[str, Any]) -> None:
    hidden = Veil(choice(*LEFT), KEY)(AuditEvent(code="A1001I", fields=fields)).fields
    assert set(hidden) == set(fields)
    assert not any(LEFT[Kind.MAC].search(each.encode("utf-8", "replace")) for each in _texts(hidden.get("why")))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value


def test_every_field_that_is_told_by_its_value_is_known() -> None:
    assert set(NAMING) >= TOLD_BY_VALUE
