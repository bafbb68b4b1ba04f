"""Every Accounting-Request has its event."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.account import account, change, record_digest
from nacd.admit import NOTHING, Ticket
from nacd.sessions import Accounted, NasRestarted
from nacd.values import AccountingRequest, Instant, Nas

NOW = Instant(wall=1_800_000_000.0, monotonic=1.0)
SWITCH = Nas(name="switch", vendor="generic")


def request(status: str, calling: str = "00-11-85-AA-BB-CC") -> AccountingRequest:
    return AccountingRequest(
        nas=SWITCH,
        source="10.0.0.1",
        source_port=40_000,
        status_type=status,
        acct_session_id="0001",
        calling_station_id=calling,
    )


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("Start", "A2001I"),
        ("Interim-Update", "A2002I"),
        ("Alive", "A2002I"),
        ("Stop", "A2003I"),
        ("Accounting-On", "A2004I"),
        ("Accounting-Off", "A2005I"),
        ("Failed", "A2006W"),
        ("77", "A2006W"),
        ("", "A2006W"),
    ],
)
def test_each_status_type_has_its_event(status: str, code: str) -> None:
    assert account(request(status), 0, NOW).code == code


@pytest.mark.parametrize("spelling", ["0011.85aa.bbcc", "001185aabbcc", "00:11:85:AA:BB:CC"])
def test_the_mac_is_written_in_its_one_spelling(spelling: str) -> None:
    assert "00-11-85-AA-BB-CC" in str(account(request("Start", spelling), 0, NOW).fields)


def test_a_calling_station_that_is_an_address_is_no_mac() -> None:
    event = account(request("Start", "198.51.100.37"), 0, NOW)
    endpoint = event.fields["endpoint"]
    assert isinstance(endpoint, dict)
    assert endpoint["mac"] == ""


def test_accounting_records_are_never_summed_up() -> None:
    assert account(request("Interim-Update"), 0, NOW).repeat_key == ""


@settings(max_examples=50)
@given(status=st.text(), calling=st.text())
def test_whatever_a_nas_writes_there_is_an_event(status: str, calling: str) -> None:
    assert account(request(status, calling), 0, NOW).code.startswith("A2")


# -- what it changes --------------------------------------------------------------------------------


def test_each_status_type_changes_what_it_says() -> None:
    kinds = {status: change(request(status), NOW) for status in ("Start", "Interim-Update", "Alive", "Stop")}
    assert [each.kind for each in kinds.values() if isinstance(each, Accounted)] == [
        "start",
        "interim",
        "interim",
        "stop",
    ]
    for status in ("Accounting-On", "Accounting-Off"):
        assert isinstance(change(request(status), NOW), NasRestarted)
    for status in ("Failed", "77", ""):
        assert change(request(status), NOW) is NOTHING


def test_a_boot_names_its_nas_and_its_time_in_all_words_that_there_are() -> None:
    told = replace(request("Accounting-On"), nas_address="10.0.0.1", event_timestamp=int(NOW.wall) - 90_000)
    changed = change(told, NOW)
    assert isinstance(changed, NasRestarted)
    assert (changed.nas_address, changed.happened_at) == ("10.0.0.1", NOW.wall - 90_000)
    assert changed.said_at == NOW.wall - 90_000
    undated = change(request("Accounting-On"), NOW)
    assert isinstance(undated, NasRestarted)
    assert (undated.said_at, undated.happened_at) == (0.0, NOW.wall)


def test_our_token_comes_back_in_class() -> None:
    ticket = Ticket(token="ab" * 16).attributes[0].value
    assert isinstance(ticket, bytes)
    changed = change(replace(request("Start"), class_values=(b"other", ticket)), NOW)
    assert isinstance(changed, Accounted)
    assert changed.names.token == "ab" * 16


def test_a_retransmission_with_a_longer_delay_is_the_same_record() -> None:
    first = change(request("Start"), NOW)
    later = change(replace(request("Start"), delay_s=5), Instant(wall=NOW.wall + 5, monotonic=6.0))
    assert isinstance(first, Accounted)
    assert isinstance(later, Accounted)
    assert first.record == later.record
    assert first.happened_at == later.happened_at


def test_the_record_says_which_session_it_is_about() -> None:
    assert account(request("Start"), 4711, NOW).fields["nacd_session"] == 4711


# -- records --------------------------------------------------------------------------------------


def said(**more: Any) -> AccountingRequest:
    fields = {"status_type": "Start", "acct_session_id": "1", "event_timestamp": 1_800_000_000, **more}
    return AccountingRequest(nas=Nas(name="switch", vendor="generic"), source="192.0.2.1", source_port=1, **fields)


def test_a_retransmission_and_a_replay_share_the_digest() -> None:
    again = replace(said(), delay_s=9, source_port=2)
    assert record_digest(again) == record_digest(said())
    assert len(record_digest(said())) == 32


@pytest.mark.parametrize(
    "other",
    [
        {"acct_session_id": "2"},
        {"status_type": "Stop"},
        {"event_timestamp": 1_800_000_000 + 1},
        {"session_time_s": 1},
        {"user_name": "\udce4"},
        {"class_values": (b"1",)},
        {"nas_identifier": "1", "acct_session_id": ""},
    ],
)
def test_records_that_differ_have_different_digests(other: dict[str, Any]) -> None:
    assert record_digest(said(**other)) != record_digest(said())
