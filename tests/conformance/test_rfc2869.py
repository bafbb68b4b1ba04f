"""RFC 2869, RADIUS Extensions."""

from __future__ import annotations

import pytest

from tests.conformance.octets import accounting, mab, request
from tests.conformance.wire import Wire
from tests.server.house import House


@pytest.mark.clause("RFC 2869 section 5.3", "Event-Timestamp: four octets, seconds since 1 January 1970 UTC")
@pytest.mark.parametrize(
    ("value", "read"), [((1_700_000_000).to_bytes(4), 1_700_000_000), (b"\xff" * 4, 2**32 - 1), (b"\0\0\x01", 0)]
)
def test_the_clock_of_the_nas_is_recorded(house: House, acct: Wire, value: bytes, read: int) -> None:
    session = f"stamp-{value.hex()}"
    acct.ask(accounting(1, (44, session.encode()), (55, value)))
    (record,) = [r for r in house.records() if r.get("session", {}).get("acct_session_id") == session]
    assert record["session"]["event_timestamp"] == read


@pytest.mark.clause("RFC 2869 section 5.17", "NAS-Port-Id: text that names the port")
def test_the_port_is_recorded_by_its_name(house: House, wire: Wire) -> None:
    wire.ask(mab("02-00-00-00-28-69", (87, b"GigabitEthernet1/0/42")))
    assert [r for r in house.records() if r.get("nas", {}).get("port_id") == "GigabitEthernet1/0/42"]


@pytest.mark.clause("RFC 2869 section 5.4", "an ARAP-Password is not mistaken for no password")
def test_a_call_check_with_an_arap_password_is_refused(wire: Wire) -> None:
    assert wire.ask(mab("00-11-85-AA-BB-CC", (70, bytes(16)))).code == 3


@pytest.mark.clause("RFC 2869 section 5.11", "Connect-Info: text, of no meaning to the decision")
def test_connect_info_of_any_kind_changes_nothing(wire: Wire) -> None:
    for value in (b"CONNECT 1000", b"\xff\0\xfe", b""):
        assert wire.ask(mab("00-11-85-AA-BB-CC", (77, value))).code == 2


@pytest.mark.clause("RFC 2869 section 5.13", "an EAP-Message without a Message-Authenticator is silently discarded")
def test_eap_without_a_signature_is_dropped(wire: Wire) -> None:
    assert wire.is_silent(request((1, b"alice"), (79, b""), sign=False))
