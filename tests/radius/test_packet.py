import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyrad import packet as pyrad_packet

from nacd.errors import BadPacket
from nacd.radius.packet import MAX_LENGTH, Packet, attribute, decode

HEADER = bytes((1, 7, 0, 20)) + bytes(16)


def reencoded(packet: Packet) -> bytes:
    body = b"".join(attribute(number, value) for number, value in packet.attributes)
    return bytes((packet.code, packet.identifier)) + (20 + len(body)).to_bytes(2) + packet.authenticator + body


def refusal(datagram: bytes) -> str:
    with pytest.raises(BadPacket) as caught:
        decode(datagram)
    return caught.value.reason


def sized(length: int, body: bytes = b"") -> bytes:
    return bytes((1, 7)) + length.to_bytes(2) + bytes(16) + body


@given(st.binary(max_size=19))
def test_a_packet_shorter_than_twenty_octets_is_dropped(datagram: bytes) -> None:
    assert refusal(datagram) == "too_short"


@given(st.integers(0, 19))
def test_a_length_below_twenty_is_dropped(length: int) -> None:
    assert refusal(sized(length, bytes(40))) == "bad_length"


def test_a_length_past_the_datagram_is_dropped() -> None:
    assert refusal(sized(21)) == "bad_length"


def test_a_length_above_4096_is_dropped_though_the_datagram_has_it() -> None:
    assert refusal(sized(4097, bytes(4077))) == "too_long"


def test_the_longest_packet_is_accepted() -> None:
    body = attribute(26, bytes(251)) * 16 + attribute(26, bytes(26))
    assert len(decode(sized(MAX_LENGTH, body)).octets) == MAX_LENGTH


def test_octets_after_the_length_are_padding() -> None:
    body = attribute(1, b"nemo")
    packet = decode(sized(26, body + b"\xff" * 100))
    assert packet.octets == sized(26, body)
    assert packet.attributes == ((1, b"nemo"),)


def test_padding_does_not_complete_an_attribute_that_the_length_cuts() -> None:
    assert refusal(sized(25, attribute(1, b"nemo"))) == "bad_attribute_length"
    assert refusal(sized(21, attribute(1, b"nemo"))) == "bad_attribute_length"


def test_attribute_number_zero_is_dropped() -> None:
    assert refusal(sized(24, attribute(0, b"ab"))) == "attribute_zero"


def test_a_packet_stuffed_with_empty_attributes_is_dropped() -> None:
    assert refusal(sized(20 + 2 * 201, attribute(1, b"") * 201)) == "too_many_attributes"


def test_first_and_all_find_values_in_order() -> None:
    body = attribute(33, b"a") + attribute(1, b"nemo") + attribute(33, b"b") + attribute(79, b"")
    packet = decode(sized(20 + len(body), body))
    assert packet.first(33) == b"a"
    assert packet.all(33) == (b"a", b"b")
    assert packet.first(2) == b""
    assert packet.all(2) == ()
    assert packet.has(79)
    assert not packet.has(2)


@st.composite
def near_packets(draw: st.DrawFn) -> bytes:
    """Octets that often are a packet and often nearly one."""
    body = b"".join(
        bytes((number, (len(value) + 2 + skew) % 256)) + value
        for number, value, skew in draw(
            st.lists(
                st.tuples(st.integers(0, 255), st.binary(max_size=30), st.sampled_from((0, 0, 0, 0, 1, -1, 200))),
                max_size=8,
            )
        )
    )
    length = 20 + len(body) + draw(st.sampled_from((0, 0, 0, 1, -1, 30)))
    head = draw(st.binary(min_size=2, max_size=2)) + length.to_bytes(2)
    return head + draw(st.binary(min_size=16, max_size=16)) + body + draw(st.binary(max_size=4))


@given(near_packets() | st.binary(max_size=80))
@example(HEADER)
def test_any_octets_are_either_refused_or_read_exactly(datagram: bytes) -> None:
    try:
        packet = decode(datagram)
    except BadPacket:
        return
    assert reencoded(packet) == packet.octets
    assert datagram.startswith(packet.octets)


@given(near_packets())
def test_what_we_accept_pyrad_reads_the_same(datagram: bytes) -> None:
    try:
        packet = decode(datagram)
    except BadPacket:
        return
    other = pyrad_packet.Packet(packet=datagram)
    assert (other.code, other.id, other.authenticator) == (packet.code, packet.identifier, packet.authenticator)
    ours: dict[int, list[bytes]] = {}
    for number, value in packet.attributes:
        ours.setdefault(number, []).append(value)
    assert {number: list(values) for number, values in other.items()} == ours


def test_every_prefix_of_a_packet_is_refused() -> None:
    body = attribute(1, b"nemo") + attribute(31, b"AA-BB-CC-DD-EE-FF")
    whole = sized(20 + len(body), body)
    for cut in range(len(whole)):
        assert refusal(whole[:cut]) in {"too_short", "bad_length"}
