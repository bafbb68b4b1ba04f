"""RFC 8044, Data Types in RADIUS."""

from __future__ import annotations

import pytest

from nacd.radius.datatypes import decode
from nacd.radius.dictionary import Dictionary, load
from tests.conformance.octets import ACCEPT, PRINTER, mab, request
from tests.conformance.wire import Wire
from tests.server.house import House

SIX = bytes.fromhex("20010db8000000000000000000000007")


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return load()


def is_left_alone(data_type: str, *wrong: bytes) -> bool:
    """Whether octets that the type cannot hold stay octets."""
    return all(decode(octets, data_type, {}) == octets for octets in wrong)


@pytest.mark.clause("RFC 8044 section 3.1", "integer: four octets, in network order; another size is invalid")
def test_an_integer_has_four_octets() -> None:
    assert decode(b"\0\0\x01\x02", "integer", {}) == 258
    assert is_left_alone("integer", b"", b"\x01", b"\0\0\1", bytes(5), bytes(8))


@pytest.mark.clause("RFC 8044 section 3.2", "enum: an integer with names; a number without one stays a number")
def test_an_enumerated_value_is_its_name_or_its_number(dictionary: Dictionary) -> None:
    assert dictionary.describe(6, (10).to_bytes(4)).value == "Call-Check"
    assert dictionary.describe(6, (4242).to_bytes(4)).value == 4242
    assert dictionary.describe(6, b"\0\x0a").value == b"\0\x0a"


@pytest.mark.clause("RFC 8044 section 3.3", "time: four octets, seconds since 1970, without a sign")
def test_a_time_has_four_octets() -> None:
    assert decode(b"\xff" * 4, "date", {}) == 2**32 - 1
    assert is_left_alone("date", bytes(3), bytes(8))


@pytest.mark.clause(
    "RFC 8044 section 3.4",
    "text: UTF-8; other octets are invalid",
    differs="nacd keeps them, readable as \\xNN: a name that a NAS sends wrongly can still be searched for",
)
def test_text_that_is_no_utf8_is_shown_and_not_lost() -> None:
    assert decode("grüße".encode(), "string", {}) == "grüße"
    assert decode(b"n\xe9mo", "string", {}) == "n\\xe9mo"


@pytest.mark.clause("RFC 8044 section 3.5", "string: any octets, kept as they are")
def test_octets_stay_octets() -> None:
    assert decode(bytes(range(253)), "octets", {}) == bytes(range(253))


@pytest.mark.clause("RFC 8044 section 3.6", "concat: one value in several attributes, put together in order")
def test_a_concatenated_value_is_one(wire: Wire) -> None:
    pieces = [(79, octets) for octets in (b"\x02\x01\x00", b"\x0b\x01", b"laptop")]
    assert wire.ask(request((1, b"laptop"), *pieces)).first(79)[4] == 13


@pytest.mark.clause("RFC 8044 section 3.7", "ifid: eight octets")
def test_an_interface_id_has_eight_octets() -> None:
    assert decode(bytes.fromhex("021122fffe334455"), "ifid", {}) == "0211:22ff:fe33:4455"
    assert is_left_alone("ifid", bytes(7), bytes(9), b"")


@pytest.mark.clause("RFC 8044 section 3.8", "ipv4addr: four octets")
def test_an_ipv4_address_has_four_octets() -> None:
    assert decode(b"\xc0\0\x02\x01", "ipaddr", {}) == "192.0.2.1"
    assert is_left_alone("ipaddr", bytes(3), bytes(5), b"", bytes(16))


@pytest.mark.clause("RFC 8044 section 3.9", "ipv6addr: sixteen octets")
def test_an_ipv6_address_has_sixteen_octets() -> None:
    assert decode(SIX, "ipv6addr", {}) == "2001:db8::7"
    assert is_left_alone("ipv6addr", SIX[1:], SIX + b"\0", b"", bytes(4))


@pytest.mark.clause("RFC 8044 section 3.10", "ipv6prefix: 2 to 18 octets, a length up to 128, no bits behind it")
def test_an_ipv6_prefix_is_consistent_in_itself() -> None:
    assert decode(b"\0\x20\x20\x01\x0d\xb8", "ipv6prefix", {}) == "2001:db8::/32"
    assert decode(b"\0\0", "ipv6prefix", {}) == "::/0"
    assert is_left_alone("ipv6prefix", b"\0", b"\0\x81" + bytes(16), b"\0\x20" + SIX, bytes(19))


@pytest.mark.clause("RFC 8044 section 3.11", "ipv4prefix: six octets, a length up to 32, no bits behind it")
def test_an_ipv4_prefix_is_consistent_in_itself() -> None:
    assert decode(b"\0\x18\xc0\0\x02\0", "ipv4prefix", {}) == "192.0.2.0/24"
    assert is_left_alone("ipv4prefix", b"\0\x18\xc0\0\x02", b"\0\x21\xc0\0\x02\0", b"\0\x18\xc0\0\x02\1", bytes(7))


@pytest.mark.clause("RFC 8044 section 3.12", "integer64: eight octets")
def test_a_long_integer_has_eight_octets() -> None:
    assert decode(b"\xff" * 8, "integer64", {}) == 2**64 - 1
    assert is_left_alone("integer64", bytes(7), bytes(4), bytes(9))


@pytest.mark.clause("RFC 8044 section 3", "a value its type cannot hold counts as absent, and the packet stays valid")
@pytest.mark.parametrize(
    ("number", "value", "block", "name"),
    [
        (4, b"\x0a\0\0", "nas", "address"),
        (95, SIX[:15], "nas", "address"),
        (5, b"\0\1", "nas", "port"),
        (61, b"\x0f", "nas", "port_type"),
    ],
    ids=["ipv4addr", "ipv6addr", "integer", "enum"],
)
def test_a_wrong_size_in_a_request_is_passed_over(
    house: House, wire: Wire, number: int, value: bytes, block: str, name: str
) -> None:
    session = f"wrong size of {number}"
    assert wire.ask(mab(PRINTER, (number, value), (44, session.encode()))).code == ACCEPT
    (record,) = [r for r in house.records() if r.get("session", {}).get("acct_session_id") == session]
    assert record[block][name] == ""
