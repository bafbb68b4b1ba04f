import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.errors import BadPacket
from nacd.radius.reader import vendor_walk, walk


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=253)), max_size=20))
def test_whatever_was_written_is_read_back(attributes: list[tuple[int, bytes]]) -> None:
    octets = b"".join(bytes((number, len(value) + 2)) + value for number, value in attributes)
    assert walk(octets) == tuple(attributes)


@given(st.binary(max_size=300))
def test_any_octets_are_either_walked_exactly_or_refused(octets: bytes) -> None:
    try:
        found = walk(octets)
    except BadPacket:
        return
    assert b"".join(bytes((number, len(value) + 2)) + value for number, value in found) == octets


@pytest.mark.parametrize("octets", [b"\x01", b"\x01\x00", b"\x01\x01", b"\x01\x03", b"\x01\x02\x05"])
def test_a_length_that_does_not_add_up_is_refused(octets: bytes) -> None:
    with pytest.raises(BadPacket, match="bad_attribute_length"):
        walk(octets)


def test_two_hundred_attributes_are_read_and_one_more_is_not() -> None:
    assert len(walk(b"\x01\x02" * 200)) == 200
    with pytest.raises(BadPacket, match="too_many_attributes"):
        walk(b"\x01\x02" * 201)


def test_a_vendor_specific_may_hold_several_attributes() -> None:
    assert vendor_walk(b"\x00\x00\x00\x09\x01\x03a\x02\x03b") == (9, ((1, b"a"), (2, b"b")))


@pytest.mark.parametrize("value", [b"", b"\x00\x00\x00\x09", b"\x00\x00\x00\x09\x01", b"\x00\x00\x00\x09\x01\x09a"])
def test_a_vendor_specific_in_another_form_is_refused(value: bytes) -> None:
    with pytest.raises(BadPacket):
        vendor_walk(value)
