"""Extended attributes (RFC 6929): what is well formed is opened, what is not stays as it came."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.errors import BadValue
from nacd.radius.attributes import describe
from nacd.radius.dictionary import Dictionary
from nacd.radius.extended import Path, Values, parts, wrap
from nacd.radius.packet import decode
from nacd.radius.reader import Attributes, walk
from nacd.values import Attribute

TLVS = frozenset({(241, 5), (241, 5, 9), (245, 26, 99999, 1)})
MORE = 0x80


def opened(*attributes: tuple[int, bytes], tlvs: frozenset[Path] = TLVS) -> list[tuple[Attributes, Values]]:
    return list(parts(attributes, tlvs))


def values(*attributes: tuple[int, bytes]) -> Values:
    return tuple(value for _, found in opened(*attributes) for value in found)


def test_the_octet_before_the_value_is_the_extended_type() -> None:
    assert values((241, b"\x01\0\0\0\x03")) == (((241, 1), b"\0\0\0\x03"),)
    assert values((244, b"\xf0x")) == (((244, 240), b"x"),)


def test_an_ordinary_attribute_is_passed_by() -> None:
    assert opened((1, b"nemo"), (247, b"\x01x")) == [(((1, b"nemo"),), ()), (((247, b"\x01x"),), ())]


@pytest.mark.parametrize("value", [b"", b"\x01"])
def test_an_extended_attribute_without_a_value_is_invalid_and_kept(value: bytes) -> None:
    assert opened((241, value), (1, b"nemo")) == [(((241, value),), ()), (((1, b"nemo"),), ())]


@pytest.mark.parametrize("value", [b"", b"\x01", b"\x01\0", b"\x01\x80"])
def test_a_long_extended_attribute_without_a_value_is_invalid_and_kept(value: bytes) -> None:
    assert opened((245, value)) == [(((245, value),), ())]


def test_a_long_value_is_put_together_before_it_is_used() -> None:
    first, second = (245, bytes((1, MORE)) + b"a" * 251), (245, b"\x01\0end")
    assert opened((1, b"u"), first, second, (4, b"x")) == [
        (((1, b"u"),), ()),
        ((first, second), (((245, 1), b"a" * 251 + b"end"),)),
        (((4, b"x"),), ()),
    ]


def test_reserved_flags_are_ignored() -> None:
    assert values((246, b"\x01\x7fx")) == (((246, 1), b"x"),)


@pytest.mark.parametrize(
    "after",
    [
        (),
        ((1, b"between"), (245, b"\x01\0end")),
        ((246, b"\x01\0end"),),
        ((245, b"\x02\0end"),),
        ((245, b"\x01"),),
        ((245, b"\x01\x80end"),),
    ],
    ids=["nothing", "another attribute", "another type", "another extended type", "too short", "more again"],
)
def test_a_fragment_that_promises_more_and_is_not_followed_is_invalid(after: Attributes) -> None:
    first = (245, bytes((1, MORE)) + b"a" * 251)
    found = opened(first, *after)
    assert found[0][1] == ()
    assert tuple(raw for group, _ in found for raw in group) == (first, *after)


def test_a_fragment_in_the_middle_that_is_not_full_is_invalid() -> None:
    assert values((245, b"\x01\x80short"), (245, b"\x01\0end")) == ()


def test_two_whole_values_in_a_row_stay_two() -> None:
    assert values((245, b"\x01\0a"), (245, b"\x01\0b")) == (((245, 1), b"a"), ((245, 1), b"b"))


def test_type_26_inside_is_a_vendors() -> None:
    vendor = (99999).to_bytes(4)
    assert values((241, b"\x1a" + vendor + b"\x07x")) == (((241, 26, 99999, 7), b"x"),)
    assert values((246, b"\x1a\0" + vendor + b"\x07x")) == (((246, 26, 99999, 7), b"x"),)
    assert values((245, b"\x1a\0" + vendor + b"\x01\x02\x03x")) == (((245, 26, 99999, 1, 2), b"x"),)


@pytest.mark.parametrize("body", [b"\0", b"\0\x01\x86\x9f", b"\0\x01\x86\x9f\x07"])
def test_a_vendors_without_a_value_is_invalid(body: bytes) -> None:
    assert values((241, b"\x1a" + body)) == ()


def test_tlvs_are_opened_where_the_dictionary_has_some_and_nested_ones_too() -> None:
    assert values((241, b"\x05\x01\x03a\x09\x05\x02\x03b")) == (((241, 5, 1), b"a"), ((241, 5, 9, 2), b"b"))
    assert values((241, b"\x06\x01\x03a")) == (((241, 6), b"\x01\x03a"),)


@pytest.mark.parametrize("body", [b"\x01", b"\x01\x01", b"\x01\x02", b"\x01\x04a", b"\x01\x03a\x02", b"\x09\x03a"])
def test_one_tlv_that_does_not_add_up_makes_the_whole_attribute_invalid(body: bytes) -> None:
    assert values((241, b"\x05" + body)) == ()


@given(st.lists(st.tuples(st.integers(239, 248), st.binary(max_size=253)), max_size=8))
def test_no_octet_of_the_packet_is_lost_whatever_it_holds(attributes: list[tuple[int, bytes]]) -> None:
    assert [raw for group, _ in opened(*attributes) for raw in group] == attributes


@given(
    st.sampled_from([(241, 1), (244, 26, 99999, 3), (241, 5, 2), (241, 5, 9, 2), (245, 1), (246, 26, 1, 255)]),
    st.binary(min_size=1, max_size=230),
)
def test_what_is_wrapped_is_found_again(path: Path, octets: bytes) -> None:
    assert next(parts(walk(wrap("x", path, octets)), TLVS))[1] == ((path, octets),)


@given(st.binary(min_size=252, max_size=2000))
def test_a_long_value_is_cut_into_full_fragments_and_one_rest(octets: bytes) -> None:
    attributes = walk(wrap("SAML-Assertion", (245, 1), octets))
    assert [len(value) for _, value in attributes[:-1]] == [253] * (len(attributes) - 1)
    assert [value[1] for _, value in attributes] == [MORE] * (len(attributes) - 1) + [0]
    assert list(parts(attributes, TLVS)) == [(attributes, (((245, 1), octets),))]


def test_what_fits_no_extended_attribute_is_refused() -> None:
    assert len(wrap("x", (241, 8), b"a" * 252)) == 255
    with pytest.raises(BadValue, match="`x` of 253 octets is too long, 252 fit"):
        wrap("x", (241, 8), b"a" * 253)
    with pytest.raises(BadValue, match="a TLV holds 253"):
        wrap("x", (245, 26, 99999, 1, 2), b"a" * 254)


def test_a_packet_with_extended_attributes_is_described_by_name(
    make_request: Callable[..., bytes], dictionary: Dictionary
) -> None:
    attributes = (
        (1, b"nemo"),
        (241, b"\x01\0\0\0\x01"),
        (241, b"\x05\x01\x06\0\0\0\x02\x02\x06\0\0\x01\x90"),
        (245, bytes((1, MORE)) + b"a" * 251),
        (245, b"\x01\0b"),
        (241, b"\x1a\0\0\0\x09\x07x"),
        (242, b"\x63x"),
        (243, b"\x63"),
        (4, b"\x0a\0\0\1"),
    )
    assert describe(decode(make_request(*attributes, sign=False)), dictionary) == (
        Attribute(name="User-Name", value="nemo"),
        Attribute(name="Frag-Status", value="Fragmentation-Supported"),
        Attribute(name="IP-Port-Limit-Type", value=2),
        Attribute(name="IP-Port-Limit", value=400),
        Attribute(name="SAML-Assertion", value="a" * 251 + "b"),
        Attribute(name="Attr-241.26.9.7", value=b"x"),
        Attribute(name="Attr-242.99", value=b"x"),
        Attribute(name="Extended-Attribute-3", value=b"\x63"),
        Attribute(name="NAS-IP-Address", value="10.0.0.1"),
    )
