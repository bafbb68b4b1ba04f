"""RFC 2868, RADIUS Attributes for Tunnel Protocol Support."""

from __future__ import annotations

import pytest

from nacd.errors import BadValue
from nacd.radius.clients import Client
from nacd.radius.dictionary import Dictionary, load
from nacd.radius.packet import decode
from nacd.radius.reply import encode
from nacd.values import Attribute, Nas, Reply, ReplyCode, Secret
from tests.conformance.octets import SECRET, answer, mab, request, unsalted
from tests.conformance.wire import Wire
from tests.server.house import House


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return load()


@pytest.mark.clause("RFC 2868 section 3.1", "Tunnel-Type: one octet of tag, three octets of value")
def test_a_tagged_number_lends_its_first_octet(dictionary: Dictionary) -> None:
    assert dictionary.encode(Attribute(name="Tunnel-Type", value="VLAN", tag=1)) == b"\x40\x06\x01\0\0\x0d"
    assert dictionary.encode(Attribute(name="Tunnel-Medium-Type", value=6, tag=31)) == b"\x41\x06\x1f\0\0\x06"


@pytest.mark.clause("RFC 2868 section 3.1", "an unused tag is zero")
def test_a_number_without_a_tag_has_the_tag_zero(dictionary: Dictionary) -> None:
    assert dictionary.encode(Attribute(name="Tunnel-Type", value="VLAN")) == b"\x40\x06\0\0\0\x0d"


@pytest.mark.clause("RFC 2868 section 3.6", "Tunnel-Private-Group-Id: a tag of 0x01 to 0x1F, then the string")
def test_a_tagged_string_has_its_tag_in_front(dictionary: Dictionary) -> None:
    assert dictionary.encode(Attribute(name="Tunnel-Private-Group-Id", value="120", tag=5)) == b"\x51\x06\x05120"


@pytest.mark.clause("RFC 2868 section 3.3", "a first octet above 0x1F is the beginning of the string, no tag")
@pytest.mark.parametrize(
    ("value", "read"),
    [(b"198.51.100.7", "198.51.100.7"), (b"\x01198.51.100.7", "198.51.100.7"), (b"\0x", "x"), (b" x", " x")],
)
def test_the_tag_of_a_string_in_a_request_is_told_from_its_text(
    house: House, wire: Wire, value: bytes, read: str
) -> None:
    user = f"tag-{value.hex()}"
    wire.ask(request((1, user.encode()), (66, value)))
    (record,) = [record for record in house.records() if record["endpoint"]["user_name"] == user]
    assert record["endpoint"]["tunnel_client_endpoint"] == read


@pytest.mark.clause("RFC 2868 section 3", "a tag is within 0x00 and 0x1F")
@pytest.mark.parametrize("tag", [-1, 32, 255])
def test_a_tag_out_of_range_is_refused(dictionary: Dictionary, tag: int) -> None:
    with pytest.raises(BadValue, match="is not within 0 and 31"):
        dictionary.encode(Attribute(name="Tunnel-Type", value="VLAN", tag=tag))


@pytest.mark.clause("RFC 2868 section 3", "the attributes of one tunnel carry the same tag")
def test_the_three_attributes_of_a_vlan_share_one_tag(wire: Wire) -> None:
    got = wire.ask(mab())
    tags = {got.first(number)[0] for number in (64, 65, 81)}
    assert tags == {1}


@pytest.mark.clause("RFC 2868 section 3.5", "Tunnel-Password is hidden with a salt whose top bit is set")
def test_two_tunnel_passwords_have_two_salts_and_both_can_be_read(dictionary: Dictionary) -> None:
    asked = mab()
    client = Client(nas=Nas(name="switch", vendor="generic"), networks=(), secret=Secret(SECRET))
    passwords = ["first-password-of-more-than-sixteen-octets", "second"]
    wanted = tuple(Attribute(name="Tunnel-Password", value=password, tag=1) for password in passwords)
    reply = Reply(code=ReplyCode.ACCEPT, attributes=wanted)
    got = answer(encode(reply, decode(asked), client, dictionary, lambda length: b"\xff" * length), asked)
    values = got.all(69)
    assert [value[0] for value in values] == [1, 1]
    assert all(value[1] & 0x80 for value in values)
    assert values[0][1:3] != values[1][1:3]
    assert [unsalted(value[1:], asked[4:20]).decode() for value in values] == passwords
