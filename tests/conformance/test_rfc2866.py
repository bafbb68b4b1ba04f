"""RFC 2866, RADIUS Accounting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nacd.sessions import Phase
from nacd.store.live.filters import EVERYTHING
from tests.conformance.octets import ACCESS_REQUEST, ACCOUNTING_RESPONSE, accounting, mab, raw, tlv
from tests.conformance.wire import Wire
from tests.server.house import House, Site

START, STOP, INTERIM, ON, OFF = 1, 2, 3, 7, 8


def recorded(house: House, session: str) -> list[dict[str, Any]]:
    return [record for record in house.records() if record.get("session", {}).get("acct_session_id") == session]


@pytest.mark.clause("RFC 2866 section 3", "Request Authenticator = MD5(Code+ID+Length+16 zeros+Attributes+Secret)")
def test_an_accounting_request_with_the_digest_of_the_rfc_is_answered(acct: Wire) -> None:
    assert acct.ask(accounting(START, sign=False)).code == ACCOUNTING_RESPONSE


@pytest.mark.clause("RFC 2866 section 3", "an invalid Request Authenticator is silently discarded")
@pytest.mark.parametrize("octet", [4, 19, 22])
def test_a_request_changed_on_its_way_is_dropped(acct: Wire, octet: int) -> None:
    octets = bytearray(accounting(START, (1, b"alice"), sign=False))
    octets[octet] ^= 1
    assert acct.is_silent(bytes(octets))


@pytest.mark.clause("RFC 2866 section 3", "a code that is no Accounting-Request is silently discarded")
@pytest.mark.parametrize("code", [0, 2, 5, 40, 43, 255])
def test_another_code_on_the_accounting_port_is_dropped(acct: Wire, code: int) -> None:
    assert acct.is_silent(mab(code=code))


@pytest.mark.clause("RFC 2866 section 3", "accounting has a port of its own: an Access-Request there is discarded")
def test_an_access_request_on_the_accounting_port_is_dropped(acct: Wire) -> None:
    assert acct.is_silent(mab(code=ACCESS_REQUEST))


@pytest.mark.clause("RFC 2866 section 3", "a Length below 20, above 4096 or past the datagram is silently discarded")
@pytest.mark.parametrize("length", [0, 19, 4097, 200])
def test_a_wrong_length_on_the_accounting_port_is_dropped(acct: Wire, length: int) -> None:
    octets = accounting(START)
    assert acct.is_silent(octets[:2] + length.to_bytes(2) + octets[4:])


@pytest.mark.clause("RFC 2866 section 4.2", "the response copies the Identifier and is sealed over the request")
def test_the_response_carries_the_identifier_and_nothing_else(acct: Wire) -> None:
    got = acct.ask(accounting(START, identifier=91))
    assert (got.identifier, got.attributes) == (91, ())


@pytest.mark.clause("RFC 2866 section 4.1", "a response is sent only for a record that has been stored")
def test_the_record_is_in_the_file_when_the_response_arrives(house: House, acct: Wire) -> None:
    acct.ask(accounting(START, (44, b"stored-first")))
    assert len(recorded(house, "stored-first")) == 1


@pytest.mark.clause("RFC 2866 section 4.1", "a request that could not be recorded gets no response")
def test_a_full_disk_means_silence_and_the_next_try_is_taken(
    site: Site, build: Callable[..., House], plug: Callable[..., Wire]
) -> None:
    site.audit.symlink_to("/dev/full")
    house = build()
    wire, octets = plug(house, accounting=True), accounting(STOP, (44, b"kept-by-the-nas"))
    assert wire.is_silent(octets)
    site.audit.unlink()
    site.audit.touch()
    house.tick()  # the file is followed, and tried again
    assert wire.ask(octets).code == ACCOUNTING_RESPONSE
    assert len(recorded(house, "kept-by-the-nas")) == 1
    assert not wire.has_more()


@pytest.mark.clause("RFC 2866 section 4.1", "a retransmission is not a second record")
def test_the_same_request_ten_times_is_one_record(house: House, acct: Wire) -> None:
    octets = accounting(STOP, (44, b"once-only"))
    assert len({acct.raw(octets) for _ in range(10)}) == 1
    assert len(recorded(house, "once-only")) == 1


@pytest.mark.clause("RFC 2866 section 5.1", "Acct-Status-Type says what the record is")
@pytest.mark.parametrize(
    ("status", "event"),
    [
        (START, "accounting.start"),
        (STOP, "accounting.stop"),
        (INTERIM, "accounting.interim"),
        (ON, "accounting.nas_on"),
        (OFF, "accounting.nas_off"),
    ],
)
def test_every_status_type_is_an_event_of_its_own(house: House, acct: Wire, status: int, event: str) -> None:
    session = f"status-{status}"
    assert acct.ask(accounting(status, (44, session.encode()))).code == ACCOUNTING_RESPONSE
    assert [record["event"] for record in recorded(house, session)] == [event]


@pytest.mark.clause("RFC 2866 section 5.1", "an Acct-Status-Type that is not understood is acknowledged all the same")
@pytest.mark.parametrize("status", [9, 15, 4242])
def test_an_unknown_status_type_is_recorded_and_answered(house: House, acct: Wire, status: int) -> None:
    session = f"unknown-{status}"
    assert acct.ask(accounting(status, (44, session.encode()))).code == ACCOUNTING_RESPONSE
    assert [record["event"] for record in recorded(house, session)] == ["accounting.other"]


@pytest.mark.clause("RFC 2866 section 5.1", "Accounting-On and Accounting-Off end all sessions of the NAS")
@pytest.mark.parametrize("status", [ON, OFF])
def test_a_nas_that_restarts_has_no_sessions_left(
    build: Callable[..., House], plug: Callable[..., Wire], status: int
) -> None:
    house = build()
    acct = plug(house, accounting=True)
    for name in (b"one", b"two"):
        acct.ask(accounting(START, (44, name)))
    house.written()
    assert [session.phase for session in house.sessions.find(EVERYTHING, 10)] == [Phase.LIVE] * 2
    assert acct.ask(accounting(status)).code == ACCOUNTING_RESPONSE
    house.written()
    assert [session.phase for session in house.sessions.find(EVERYTHING, 10)] == [Phase.ENDED] * 2


@pytest.mark.clause("RFC 2866 section 5.2", "Acct-Delay-Time tells when it happened: it is kept with the record")
def test_what_the_nas_reports_of_the_session_is_recorded(house: House, acct: Wire) -> None:
    reported = ((41, (7).to_bytes(4)), (46, (3600).to_bytes(4)), (49, (6).to_bytes(4)), (44, b"all-of-it"))
    acct.ask(accounting(STOP, (1, b"alice"), *reported))
    (record,) = recorded(house, "all-of-it")
    session = record["session"]
    assert (session["delay_s"], session["time_s"], session["terminate_cause"]) == (7, 3600, "Admin-Reset")
    assert record["endpoint"]["user_name"] == "alice"


@pytest.mark.clause("RFC 2866 section 5.5", "Acct-Session-Id lays start and stop of one session together")
def test_start_and_stop_carry_the_same_session_id(house: House, acct: Wire) -> None:
    for status in (START, STOP):
        acct.ask(accounting(status, (44, b"one-session")))
    assert [record["event"] for record in recorded(house, "one-session")] == ["accounting.start", "accounting.stop"]


@pytest.mark.clause("RFC 2866 section 4.2", "Proxy-State comes back in the Accounting-Response")
def test_proxy_states_come_back(acct: Wire) -> None:
    assert acct.ask(accounting(START, (33, b"\0a"), (33, b"b"))).all(33) == [b"\0a", b"b"]


@pytest.mark.clause("RFC 2866 section 3", "attributes that do not fill the packet make it invalid: discarded")
def test_a_malformed_attribute_is_dropped_before_it_is_recorded(house: House, acct: Wire) -> None:
    before = len(house.records())
    assert acct.is_silent(raw(tlv(40, (1).to_bytes(4)) + b"\x2c\x40x", code=4))
    assert len(house.records()) == before
