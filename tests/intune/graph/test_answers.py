"""What Graph's rows mean: the state table, the check of every row, facts, and octets that mean nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.intune.graph.answers import (
    FIELDS,
    STATES,
    ManagedDevice,
    judge,
    read_device,
    read_page,
    refusal,
    speaks_of,
    state_of,
)
from nacd.intune.nac.answers import concerns_only_the_device
from nacd.intune.nac.document import UnreadableError
from nacd.values import (
    NIL_GUID,
    ComplianceSource,
    ComplianceState,
    DeviceFacts,
    DeviceId,
    DeviceIdKind,
    MacAddress,
)

JSON = "application/json"
GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
OTHER = "3a6d3c1e-8a41-4b7f-9e05-61d0c7b3a955"
USER = "88888888-8a41-4b7f-9e05-61d0c7b3a9bb"
ENTRA = "77777777-8a41-4b7f-9e05-61d0c7b3a9aa"
DEVICE = DeviceId(guid=GUID)
BY_ENTRA = DeviceId(guid=ENTRA, kind=DeviceIdKind.ENTRA)
MAC = MacAddress("D4-6E-0E-02-28-96")


def row(**changes: object) -> dict[str, object]:
    return {
        "id": GUID,
        "azureADDeviceId": ENTRA,
        "wiFiMacAddress": "D46E0E022896",
        "complianceState": "compliant",
        "complianceGracePeriodExpirationDateTime": "9999-12-31T23:59:59Z",
        "lastSyncDateTime": "2026-01-02T03:04:05Z",
        "deviceName": "LAPTOP-1",
        "operatingSystem": "Windows",
        "osVersion": "10.0.22631.4317",
        "managedDeviceOwnerType": "company",
        "userPrincipalName": "alice@example.test",
        "userId": USER,
        **changes,
    }


def octets(document: object) -> bytes:
    return json.dumps(document).encode()


def device(**changes: object) -> ManagedDevice:
    return read_device(octets(row(**changes)), JSON)


# -- states ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("compliant", ComplianceState.COMPLIANT),
        ("inGracePeriod", ComplianceState.IN_GRACE),
        ("noncompliant", ComplianceState.NONCOMPLIANT),
        ("conflict", ComplianceState.NONCOMPLIANT),
        ("error", ComplianceState.NONCOMPLIANT),
        ("unknown", ComplianceState.UNKNOWN),
        ("configManager", ComplianceState.UNKNOWN),
        ("unknownFutureValue", ComplianceState.UNKNOWN),
        ("Compliant", ComplianceState.UNKNOWN),
        ("compliant ", ComplianceState.UNKNOWN),
    ],
)
def test_each_word_of_graph_has_its_state(word: str, state: ComplianceState) -> None:
    verdict = judge(DEVICE, [device(complianceState=word)], 1234.5)
    assert (verdict.state, verdict.source, verdict.as_of) == (state, ComplianceSource.LIVE, 1234.5)
    assert verdict.provider == "graph"


@given(st.text())
def test_the_table_is_total_and_what_is_new_is_unknown(word: str) -> None:
    assert state_of(word) is STATES.get(word, ComplianceState.UNKNOWN)


def test_only_one_word_means_compliant() -> None:
    assert [word for word, state in STATES.items() if state is ComplianceState.COMPLIANT] == ["compliant"]
    assert ComplianceState.NOT_MANAGED not in STATES.values()


@pytest.mark.parametrize("word", [None, 1, True, "", "  ", [], {"compliant": 1}])
def test_a_state_that_is_no_text_is_unavailable(word: object) -> None:
    verdict = judge(DEVICE, [device(complianceState=word)], 1.0)
    assert verdict.state is ComplianceState.UNAVAILABLE
    assert verdict.provider == ""
    assert "`complianceState` is missing" in verdict.detail
    assert concerns_only_the_device(verdict.detail)


def test_a_state_that_is_not_there_is_unavailable() -> None:
    document = row()
    del document["complianceState"]
    assert judge(DEVICE, [read_device(octets(document), JSON)], 1.0).state is ComplianceState.UNAVAILABLE


def test_the_word_behind_a_state_is_in_the_detail_unless_it_is_the_same() -> None:
    assert judge(DEVICE, [device(complianceState="conflict")], 1.0).detail == "graph says `conflict`"
    assert judge(DEVICE, [device()], 1.0).detail == ""


def test_grace_has_its_end_and_no_other_state_has_one() -> None:
    ends = "2026-03-01T12:00:00Z"
    graced = device(complianceState="inGracePeriod", complianceGracePeriodExpirationDateTime=ends)
    assert judge(DEVICE, [graced], 1.0).grace_until == 1772366400.0
    assert judge(DEVICE, [device(complianceGracePeriodExpirationDateTime=ends)], 1.0).grace_until == 0.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-03-01T12:00:00Z", 1772366400.0),
        ("2026-03-01T12:00:00.1234567Z", 1772366400.123456),
        ("2026-03-01T14:00:00+02:00", 1772366400.0),
        ("9999-12-31T23:59:59Z", 253402300799.0),
        ("0001-01-01T00:00:00Z", 0.0),
        ("2026-13-01T12:00:00Z", 0.0),
        ("2026-03-01T12:00:00", 0.0),
        ("soon", 0.0),
        (None, 0.0),
        (1772366400, 0.0),
    ],
)
def test_moments_are_read_or_are_not_told(text: object, seconds: float) -> None:
    assert device(lastSyncDateTime=text).facts.last_sync == seconds


# -- whose row it is ------------------------------------------------------------------------


def test_a_row_is_matched_by_what_was_asked() -> None:
    one = device()
    assert speaks_of(one, DEVICE)
    assert speaks_of(one, BY_ENTRA)
    assert speaks_of(one, MAC)


def test_an_intune_id_and_an_entra_id_are_never_mixed() -> None:
    assert not speaks_of(device(), DeviceId(guid=ENTRA))
    assert not speaks_of(device(), DeviceId(guid=GUID, kind=DeviceIdKind.ENTRA))


def test_ids_are_matched_whatever_their_case() -> None:
    one = device(id=GUID.upper(), azureADDeviceId=ENTRA.upper(), wiFiMacAddress="d4:6e:0e:02:28:96")
    assert all(speaks_of(one, subject) for subject in (DEVICE, BY_ENTRA, MAC))


def test_another_device_alone_is_no_verdict() -> None:
    verdict = judge(DEVICE, [device(id=OTHER)], 1.0)
    assert verdict.state is ComplianceState.UNAVAILABLE
    assert "another device" in verdict.detail


_STATES = st.sampled_from([*STATES, "newWord"])
_ROWS = st.lists(
    st.tuples(
        st.sampled_from([GUID, OTHER]),
        st.sampled_from([ENTRA, OTHER, "00000000-0000-0000-0000-000000000000"]),
        st.sampled_from(["D46E0E022896", "D46E0E022897", "", "000000000000"]),
        _STATES,
    ),
    max_size=6,
)


@given(_ROWS, st.sampled_from([DEVICE, BY_ENTRA, MAC]))
def test_no_row_that_does_not_match_ever_decides(
    rows: list[tuple[str, str, str, str]], subject: DeviceId | MacAddress
) -> None:
    read = [
        device(id=guid, azureADDeviceId=entra, wiFiMacAddress=mac, complianceState=word)
        for guid, entra, mac, word in rows
    ]
    matching = [one for one in read if speaks_of(one, subject)]
    assert judge(subject, read, 1.0) == judge(subject, matching, 1.0)
    if not matching:
        assert judge(subject, read, 1.0).state is ComplianceState.UNAVAILABLE


def test_two_devices_that_disagree_are_unknown() -> None:
    rows = [device(), device(id=OTHER, complianceState="noncompliant")]
    verdict = judge(MAC, rows, 1.0)
    assert verdict.state is ComplianceState.UNKNOWN
    assert verdict.detail.startswith("ambiguous: 2 devices")
    assert verdict.provider == "graph"


def test_one_unreadable_row_among_several_leaves_no_verdict() -> None:
    assert judge(MAC, [device(), device(id=OTHER, complianceState=None)], 1.0).state is ComplianceState.UNAVAILABLE


def test_two_devices_that_agree_have_the_facts_they_share_and_the_nearer_end_of_grace() -> None:
    graced = {"complianceState": "inGracePeriod", "managedDeviceOwnerType": "company", "operatingSystem": "Windows"}
    first = device(**graced, complianceGracePeriodExpirationDateTime="2026-03-01T12:00:00Z")
    second = device(
        **{**graced, "managedDeviceOwnerType": "personal"},
        id=OTHER,
        deviceName="LAPTOP-2",
        complianceGracePeriodExpirationDateTime="2026-02-01T12:00:00Z",
        lastSyncDateTime="2026-01-01T00:00:00Z",
    )
    verdict = judge(MAC, [first, second], 1.0)
    assert verdict.state is ComplianceState.IN_GRACE
    assert verdict.grace_until == second.grace_until
    assert verdict.device == DeviceFacts(
        operating_system="Windows",
        os_version="10.0.22631.4317",
        owner="unknown",
        user="alice@example.test",
        last_sync=second.facts.last_sync,
    )
    assert "2 devices" in verdict.detail


def test_the_same_device_twice_is_one_device() -> None:
    assert judge(MAC, [device(), device()], 1.0).detail == ""


# -- facts ----------------------------------------------------------------------------------


def test_facts_are_what_graph_tells() -> None:
    assert judge(DEVICE, [device()], 1.0).device == DeviceFacts(
        name="LAPTOP-1",
        operating_system="Windows",
        os_version="10.0.22631.4317",
        owner="company",
        user="alice@example.test",
        last_sync=1767323045.0,
    )


@pytest.mark.parametrize(
    ("told", "owner"),
    [("company", "company"), ("Personal", "personal"), ("unknown", "unknown"), (None, "unknown"), ("x", "unknown")],
)
def test_the_owner_is_one_of_three_words(told: object, owner: str) -> None:
    assert device(managedDeviceOwnerType=told).facts.owner == owner


def test_text_is_printable_and_short() -> None:
    facts = device(deviceName="a\x00\n\u202e\ud800b", userPrincipalName="x" * 500, osVersion=7).facts
    assert (facts.name, facts.user, facts.os_version) == ("ab", "x" * 200, "")


@pytest.mark.parametrize("mac", ["", None, "000000000000", "FF:FF:FF:FF:FF:FF", "D46E0E02289", "nonsense", 12])
def test_what_is_no_address_of_a_device_is_none(mac: object) -> None:
    assert device(wiFiMacAddress=mac).wifi_mac == ""


def test_the_nil_guid_is_no_entra_id() -> None:
    assert device(azureADDeviceId="00000000-0000-0000-0000-000000000000").entra_id == ""


def test_every_field_that_is_read_is_asked_for() -> None:
    assert set(FIELDS.split(",")) == set(row())


# -- reading --------------------------------------------------------------------------------


def test_a_page_has_its_rows_and_the_next_link() -> None:
    page = read_page(octets({"value": [row(), row(id=OTHER)], "@odata.nextLink": "https://x/?a"}), JSON)
    assert [one.intune_id for one in page.rows] == [GUID, OTHER]
    assert page.next_link == "https://x/?a"
    assert read_page(octets({"value": []}), JSON).next_link == ""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"\xff\xfe{}",
        b"[" * 100_000,
        b'{"value": ' + b"9" * 5_000 + b"}",
        b'{"value": {}}',
        b'{"value": [], "value": []}',
        b'{"value": [], "@odata.nextLink": 7}',
        b'{"value": [], "@odata.nextLink": " "}',
    ],
)
def test_what_is_no_list_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        read_page(body, JSON)


def test_a_name_that_is_there_twice_is_unreadable() -> None:
    body = octets(row()).replace(b'"complianceState"', b'"complianceState": "noncompliant", "complianceState"')
    with pytest.raises(UnreadableError, match="twice"):
        read_device(body, JSON)


@pytest.mark.parametrize("kind", ["text/html", "", "application/xml", "text/plain"])
def test_only_json_is_read(kind: str) -> None:
    with pytest.raises(UnreadableError, match="proxy"):
        read_device(octets(row()), kind)


def test_a_byte_order_mark_does_no_harm() -> None:
    assert read_device(b"\xef\xbb\xbf" + octets(row()), "application/odata+json").intune_id == GUID


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([GUID, ENTRA, *STATES]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from([*row(), "value", "error"]), inner),
    max_leaves=12,
)
_MANGLED = st.dictionaries(st.sampled_from([*row()]), _JSON).map(lambda changes: row(**changes))


@given(_JSON | _MANGLED | st.lists(_MANGLED, max_size=3).map(lambda rows: {"value": rows}))
def test_any_json_is_unreadable_or_gives_values(document: Any) -> None:
    body = octets(document)
    refusal(body, JSON)
    for read in (lambda: [read_device(body, JSON)], lambda: read_page(body, JSON).rows):
        try:
            rows = read()
        except UnreadableError:
            continue
        for one in rows:
            assert len(one.facts.name) <= 200
            assert (one.state is ComplianceState.COMPLIANT) == (one.word == "compliant")
            assert (one.state is ComplianceState.UNAVAILABLE) == bool(one.problem)


@given(st.binary())
def test_any_octets_are_unreadable_or_give_values(body: bytes) -> None:
    assert refusal(body, JSON).isprintable()
    with pytest.raises(UnreadableError):
        read_page(body, JSON)


# -- refusals -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (b'{"error": {"code": "ResourceNotFound", "message": "x"}}', JSON, "ResourceNotFound"),
        (b'{"error": {"code": "ResourceNotFound", "message": "x"}}', "text/html", ""),
        (b"<html>404</html>", "text/html", ""),
        (b"<html>404</html>", JSON, ""),
        (b'{"error": "not found"}', JSON, ""),
        (b'{"error": {"code": 404, "message": "x"}}', JSON, ""),
        (b'{"message": "no route"}', JSON, ""),
        (b"", JSON, ""),
    ],
)
def test_graphs_own_refusal_is_told_from_a_proxys(body: bytes, kind: str, code: str) -> None:
    assert refusal(body, kind) == code


@pytest.mark.parametrize(
    ("written", "read"),
    [(USER.upper(), USER), (f" {USER} ", USER), (None, ""), ("", ""), ("alice", ""), (7, ""), (NIL_GUID, "")],
)
def test_the_id_of_the_user_is_a_guid_or_nothing(written: object, read: str) -> None:
    assert device(userId=written).user_id == read
