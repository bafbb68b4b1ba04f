"""RFC 6929, RADIUS Protocol Extensions."""

from __future__ import annotations

import pytest

from nacd.radius.attributes import describe
from nacd.radius.dictionary import Dictionary, load
from nacd.radius.packet import decode
from nacd.values import Attribute
from tests.conformance.octets import ACCEPT, PRINTER, mab, request, tlv
from tests.conformance.wire import Wire

MORE = 0x80
VENDOR = (99999).to_bytes(4)


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return load()


def shown(dictionary: Dictionary, *attributes: tuple[int, bytes]) -> list[tuple[str, str | int | bytes]]:
    """What is read out of a request that holds these attributes."""
    packet = decode(request(*attributes, sign=False))
    return [(attribute.name, attribute.value) for attribute in describe(packet, dictionary)]


@pytest.mark.clause("RFC 6929 section 2.1", "Extended-Type: an octet before the value makes 256 new attributes of one")
def test_an_extended_attribute_is_read_by_its_name(dictionary: Dictionary) -> None:
    assert shown(dictionary, (241, b"\x01\0\0\0\x02")) == [("Frag-Status", "More-Data-Pending")]


@pytest.mark.clause("RFC 6929 section 2.1", "an extended attribute without a value is an invalid attribute")
@pytest.mark.parametrize("value", [b"", b"\x01"])
def test_a_short_extended_attribute_is_left_as_it_came(dictionary: Dictionary, value: bytes) -> None:
    assert shown(dictionary, (241, value), (1, b"nemo")) == [("Extended-Attribute-1", value), ("User-Name", "nemo")]


@pytest.mark.clause("RFC 6929 section 2.2", "a long extended attribute without a value is an invalid attribute")
@pytest.mark.parametrize("value", [b"", b"\x01", b"\x01\0"])
def test_a_short_long_extended_attribute_is_left_as_it_came(dictionary: Dictionary, value: bytes) -> None:
    assert shown(dictionary, (245, value)) == [("Extended-Attribute-5", value)]


@pytest.mark.clause("RFC 6929 section 2.2", "fragments (M flag) follow each other and are put together before use")
def test_three_fragments_are_one_value(dictionary: Dictionary) -> None:
    pieces = [(245, bytes((1, MORE)) + b"<" * 251), (245, bytes((1, MORE)) + b"-" * 251), (245, b"\x01\0>")]
    assert shown(dictionary, *pieces) == [("SAML-Assertion", "<" * 251 + "-" * 251 + ">")]


@pytest.mark.clause("RFC 6929 section 2.2", "a fragment whose continuation is missing is an invalid attribute")
@pytest.mark.parametrize("after", [(1, b"nemo"), (245, b"\x02\0end"), (246, b"\x01\0end")])
def test_fragments_that_do_not_follow_each_other_are_not_put_together(
    dictionary: Dictionary, after: tuple[int, bytes]
) -> None:
    first = bytes((1, MORE)) + b"<" * 251
    assert shown(dictionary, (245, first), after)[0] == ("Extended-Attribute-5", first)


@pytest.mark.clause("RFC 6929 section 2.2", "the M flag stands only on attributes of 255 octets")
def test_a_short_fragment_that_promises_more_is_invalid(dictionary: Dictionary) -> None:
    pieces = ((245, b"\x01\x80short"), (245, b"\x01\0end"))
    assert shown(dictionary, *pieces) == [("Extended-Attribute-5", value) for _, value in pieces]


@pytest.mark.clause("RFC 6929 section 2.2", "reserved flags are ignored")
def test_the_other_seven_flags_mean_nothing(dictionary: Dictionary) -> None:
    assert shown(dictionary, (245, b"\x01\x7f<saml/>")) == [("SAML-Assertion", "<saml/>")]


@pytest.mark.clause("RFC 6929 section 2.3", "TLVs in a value are attributes of their own, in order")
def test_the_tlvs_of_an_attribute_are_read_by_name(dictionary: Dictionary) -> None:
    inside = tlv(1, (6).to_bytes(4)) + tlv(9, (1024).to_bytes(4)) + tlv(10, (2047).to_bytes(4)) + tlv(77, b"?")
    assert shown(dictionary, (241, b"\x06" + inside)) == [
        ("IP-Port-Range-Type", 6),
        ("IP-Port-Range-Start", 1024),
        ("IP-Port-Range-End", 2047),
        ("Attr-241.6.77", b"?"),
    ]


@pytest.mark.clause("RFC 6929 section 2.3", "a TLV of a wrong length makes the attribute around it invalid")
@pytest.mark.parametrize("inside", [b"\x01", b"\x01\x02", b"\x01\x07\0\0\0\1", tlv(1, b"\0\0\0\1") + b"\x09\x01"])
def test_one_broken_tlv_invalidates_the_whole(dictionary: Dictionary, inside: bytes) -> None:
    assert shown(dictionary, (241, b"\x06" + inside)) == [("Extended-Attribute-1", b"\x06" + inside)]


@pytest.mark.clause("RFC 6929 section 2.4", "type 26 inside is Extended-Vendor-Specific: vendor, vendor type, value")
def test_a_vendors_extended_attribute_keeps_its_numbers(dictionary: Dictionary) -> None:
    assert shown(dictionary, (241, b"\x1a" + VENDOR + b"\x07x")) == [("Attr-241.26.99999.7", b"x")]
    assert shown(dictionary, (246, b"\x1a\0" + VENDOR + b"\x07x")) == [("Attr-246.26.99999.7", b"x")]


@pytest.mark.clause("RFC 6929 section 2.4", "an Extended-Vendor-Specific without a value is an invalid attribute")
def test_a_vendors_attribute_that_is_too_short_is_left_as_it_came(dictionary: Dictionary) -> None:
    value = b"\x1a" + VENDOR + b"\x07"
    assert shown(dictionary, (243, value)) == [("Extended-Attribute-3", value)]


@pytest.mark.clause("RFC 6929 section 2.8", "an unknown extended attribute is kept, its value as octets")
def test_an_unknown_one_is_kept(dictionary: Dictionary) -> None:
    assert shown(dictionary, (244, b"\xc8\0\xff")) == [("Attr-244.200", b"\0\xff")]


@pytest.mark.clause("RFC 6929 section 2.8", "an invalid attribute does not make the packet invalid: it is answered")
@pytest.mark.parametrize(
    "attribute",
    [(241, b""), (241, b"\x01"), (245, b"\x01\x80"), (241, b"\x06\x01\x01"), (246, bytes((9, MORE)) + bytes(251))],
)
def test_a_request_with_an_invalid_extended_attribute_is_answered(wire: Wire, attribute: tuple[int, bytes]) -> None:
    assert wire.ask(mab(PRINTER, attribute)).code == ACCEPT


@pytest.mark.clause("RFC 6929 section 6.3", "what is sent is well formed: full fragments, M on all but the last")
def test_a_long_value_is_sent_in_fragments_that_are_read_again(dictionary: Dictionary) -> None:
    text = "<" * 600
    octets = dictionary.encode(Attribute(name="SAML-Assertion", value=text))
    assert [octets[at] for at in (0, 255, 510)] == [245] * 3
    assert [octets[at + 3] for at in (0, 255, 510)] == [MORE, MORE, 0]
    assert len(octets) == 600 + 3 * 4
    head = b"\x01\x07" + (20 + len(octets)).to_bytes(2) + bytes(16)
    (read,) = describe(decode(head + octets), dictionary)
    assert (read.name, read.value) == ("SAML-Assertion", text)
