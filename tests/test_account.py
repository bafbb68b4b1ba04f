"""Every Accounting-Request has its event."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.account import account
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
    assert account(request(status), NOW).code == code


@pytest.mark.parametrize("spelling", ["0011.85aa.bbcc", "001185aabbcc", "00:11:85:AA:BB:CC"])
def test_the_mac_is_written_in_its_one_spelling(spelling: str) -> None:
    assert "00-11-85-AA-BB-CC" in str(account(request("Start", spelling), NOW).fields)


def test_a_calling_station_that_is_an_address_is_no_mac() -> None:
    event = account(request("Start", "198.51.100.37"), NOW)
    endpoint = event.fields["endpoint"]
    assert isinstance(endpoint, dict)
    assert endpoint["mac"] == ""


def test_accounting_records_are_never_summed_up() -> None:
    assert account(request("Interim-Update"), NOW).repeat_key == ""


@settings(max_examples=50)
@given(status=st.text(), calling=st.text())
def test_whatever_a_nas_writes_there_is_an_event(status: str, calling: str) -> None:
    assert account(request(status, calling), NOW).code.startswith("A2")
