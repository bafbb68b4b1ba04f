import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrad import tools

from nacd.errors import BadValue
from nacd.radius.datatypes import NUMBERS, decode, encode, ipv4_text, ipv6_text, text

NAMED = {"Login-User": 1, "Call-Check": 10}


def octets(value: str | int | bytes, data_type: str) -> bytes:
    return encode(value, "Some-Attribute", data_type, NAMED)


@given(st.sampled_from(sorted(NUMBERS)), st.data())
def test_numbers_are_written_as_pyrad_writes_them_and_read_back(data_type: str, data: st.DataObject) -> None:
    size, signed = NUMBERS[data_type]
    low, high = (-(1 << 8 * size - 1), (1 << 8 * size - 1) - 1) if signed else (0, (1 << 8 * size) - 1)
    number = data.draw(st.integers(low, high))
    assert octets(number, data_type) == tools.EncodeAttr(data_type, number)
    assert octets(str(number), data_type) == octets(number, data_type)
    assert decode(octets(number, data_type), data_type, {}) == number
    for outside in (low - 1, high + 1):
        with pytest.raises(BadValue, match="does not fit `Some-Attribute`"):
            octets(outside, data_type)


def test_a_number_may_be_a_named_value_or_hexadecimal() -> None:
    assert octets("Call-Check", "integer") == b"\0\0\0\x0a"
    assert octets("0x0A", "integer") == b"\0\0\0\x0a"
    assert decode(b"\0\0\0\x0a", "integer", {10: "Call-Check"}) == "Call-Check"


@pytest.mark.parametrize("typed", ["call-check", "", "1.5", "1_000", " 1", "\u0661", "0x", "9" * 40])
def test_what_is_neither_number_nor_name_is_refused_with_the_names(typed: str) -> None:
    with pytest.raises(BadValue, match="it has `Login-User`, `Call-Check`"):
        octets(typed, "integer")


def test_a_number_given_as_octets_is_refused() -> None:
    with pytest.raises(BadValue, match="takes a number, not octets"):
        octets(b"\0\0\0\1", "integer")


@pytest.mark.parametrize(
    ("value", "data_type"),
    [
        ("10.0.0.1", "ipaddr"),
        ("2001:db8::7", "ipv6addr"),
        ("2001:db8::/32", "ipv6prefix"),
        ("::/0", "ipv6prefix"),
        ("0211:22ff:fe33:4455", "ifid"),
        ("00:11:22:aa:bb:cc", "ether"),
        ("grüße", "string"),
    ],
)
def test_text_forms_are_written_as_pyrad_writes_them_and_read_back(value: str, data_type: str) -> None:
    assert octets(value, data_type) == tools.EncodeAttr(data_type, value)
    assert decode(octets(value, data_type), data_type, {}) == value


@pytest.mark.parametrize(
    ("value", "data_type", "words"),
    [
        ("10.0.0", "ipaddr", "IPv4 address"),
        ("010.0.0.1", "ipaddr", "IPv4 address"),
        (b"\x0a\x00\x00", "ipaddr", "IPv4 address"),
        ("10.0.0.1", "ipv6addr", "IPv6 address"),
        ("fe80::1%eth0", "ipv6addr", "IPv6 address"),
        ("2001:db8::1/32", "ipv6prefix", "IPv6 prefix"),
        (b"\x00\x81", "ipv6prefix", "IPv6 prefix"),
        ("192.0.2.1/24", "ipv4prefix", "IPv4 prefix"),
        (b"\x00\x21\xc0\x00\x02\x00", "ipv4prefix", "IPv4 prefix"),
        ("1:2:3", "ifid", "interface identifier"),
        ("001122aabbcc", "ether", "MAC address"),
        ("0x123", "octets", "text or `0x` with hex digits"),
        (5, "octets", "text or `0x` with hex digits"),
        ("\udc80", "string", "text"),
    ],
)
def test_a_wrong_value_is_refused_in_words(value: str | int | bytes, data_type: str, words: str) -> None:
    with pytest.raises(BadValue) as caught:
        octets(value, data_type)
    assert f"is no {words} for `Some-Attribute`" in str(caught.value)


def test_an_ipv4_prefix_is_written_with_all_its_octets_and_read_back() -> None:
    """By hand: pyrad does not know the type (RFC 8044 section 3.11)."""
    assert octets("192.0.2.0/24", "ipv4prefix") == b"\x00\x18\xc0\x00\x02\x00"
    assert octets(b"\x00\x18\xc0\x00\x02\x00", "ipv4prefix") == b"\x00\x18\xc0\x00\x02\x00"
    assert decode(b"\x00\x18\xc0\x00\x02\x00", "ipv4prefix", {}) == "192.0.2.0/24"
    for wrong in (b"\x00\x18\xc0\x00\x02", b"\x00\x21\xc0\x00\x02\x00", b"\x00\x18\xc0\x00\x02\x01"):
        assert decode(wrong, "ipv4prefix", {}) == wrong


def test_a_type_nobody_encodes_is_refused() -> None:
    with pytest.raises(BadValue, match="type `abinary`"):
        octets("x", "abinary")


def test_octets_are_taken_as_they_are_even_when_they_look_like_hex() -> None:
    assert octets(b"0x41", "octets") == b"0x41"
    assert octets("0x41", "octets") == b"A"
    assert octets("OU=CORP;", "octets") == b"OU=CORP;"
    assert octets("110", "octets") == b"110"


def test_a_number_typed_for_text_is_its_digits() -> None:
    assert octets(120, "string") == b"120"


@given(
    st.binary(max_size=20), st.sampled_from([*NUMBERS, "string", "octets", "ipaddr", "ipv6addr", "ipv6prefix", "ifid"])
)
def test_any_octets_can_be_shown(wire: bytes, data_type: str) -> None:
    shown = decode(wire, data_type, {})
    assert isinstance(shown, (str, int, bytes))
    if isinstance(shown, bytes):
        assert shown == wire


@given(st.binary(max_size=30))
def test_text_always_is_valid_unicode(wire: bytes) -> None:
    shown = text(wire)
    assert shown.encode("utf-8").decode("utf-8") == shown


def test_addresses_of_another_size_are_no_text() -> None:
    assert ipv4_text(b"\x0a\0\0\x01") == "10.0.0.1"
    assert ipv4_text(b"\x0a\0\0") == ""
    assert ipv6_text(bytes(15) + b"\x01") == "::1"
    assert ipv6_text(bytes(4)) == ""
