from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyrad import dictionary as pyrad_dictionary
from pyrad import packet as pyrad_packet

from nacd.errors import BadValue, ReplyTooLong
from nacd.radius.clients import Client
from nacd.radius.dictionary import Dictionary
from nacd.radius.packet import Code, Packet, Role, attribute, decode
from nacd.radius.reply import accounting_response, encode, status_response
from nacd.values import Attribute, Reply, ReplyCode, Secret

MakeRequest = Callable[..., bytes]
Answer = Callable[..., bytes]

ACCEPT, REJECT, CHALLENGE = ReplyCode
MSK = bytes(range(64))


def zeros(count: int) -> bytes:
    return bytes(count)


@pytest.fixture(scope="session")
def request_packet(make_request: MakeRequest) -> Packet:
    return decode(make_request((1, b"nemo"), (33, b"first\x00"), (31, b"x"), (33, b""), (33, b"\xff" * 253)))


@pytest.fixture(scope="session")
def answer(request_packet: Packet, client: Client, dictionary: Dictionary) -> Answer:
    def make(reply: Reply, packet: Packet = request_packet) -> bytes:
        return encode(reply, packet, client, dictionary, zeros)

    return make


def believed(request: Packet, octets: bytes, secret: bytes, code: int = 1) -> pyrad_packet.Packet:
    """The answer as pyrad reads it, once pyrad has verified both signatures."""
    asked = pyrad_packet.AuthPacket(
        code=code, id=request.identifier, secret=secret, authenticator=request.authenticator
    )
    asked[33] = list(request.all(33))
    got = asked.CreateReply(packet=octets)
    assert asked.VerifyReply(got, octets, enforce_ma=True)
    got.request_authenticator = request.authenticator
    return got


replies = st.builds(
    Reply,
    code=st.sampled_from(ReplyCode),
    fixed=st.sampled_from((b"", attribute(27, b"\0\0\x0e\x10"), attribute(18, b"hello") + attribute(11, b"acl"))),
    attributes=st.lists(
        st.builds(Attribute, name=st.just("Class"), value=st.binary(min_size=1, max_size=253)), max_size=3
    ).map(tuple),
    eap=st.binary(max_size=1500),
    state=st.binary(max_size=32),
    msk=st.sampled_from((Secret(b""), Secret(MSK))),
    key_name=st.binary(max_size=65),
)


@settings(max_examples=60)
@given(replies)
def test_every_answer_is_believed_by_pyrad_and_starts_with_its_signature(
    answer: Answer, request_packet: Packet, secret: bytes, reply: Reply
) -> None:
    octets = answer(reply)
    packet = decode(octets)
    assert packet.octets == octets
    assert packet.identifier == request_packet.identifier
    assert [number for number, _ in packet.attributes].count(80) == 1
    assert packet.attributes[0][0] == 80
    assert packet.all(33) == request_packet.all(33)
    assert b"".join(packet.all(79)) == reply.eap
    assert all(packet.all(79))
    assert packet.first(24) == reply.state
    assert [bytes(value) for value in packet.all(25)] == [wanted.value for wanted in reply.attributes]
    got = believed(request_packet, octets, secret)
    assert got.code == {ACCEPT: 2, REJECT: 3, CHALLENGE: 11}[reply.code]


def test_each_code_is_its_own(answer: Answer) -> None:
    codes = [decode(answer(Reply(code=code))).code for code in (ACCEPT, REJECT, CHALLENGE)]
    assert codes == [Code.ACCESS_ACCEPT, Code.ACCESS_REJECT, Code.ACCESS_CHALLENGE]


def test_the_keys_of_an_accept_are_read_by_pyrad_with_different_salts(
    answer: Answer, request_packet: Packet, secret: bytes
) -> None:
    got = believed(request_packet, answer(Reply(code=ACCEPT, msk=Secret(MSK), key_name=b"\x0dname")), secret)
    carried = [value for key in got for value in ([got[key]] if key == 26 else [])]
    (first, second) = carried[0]
    assert (first[4], second[4]) == (17, 16)
    assert first[:4] == second[:4] == (311).to_bytes(4)
    assert got.SaltDecrypt(first[6:]) == MSK[:32]
    assert got.SaltDecrypt(second[6:]) == MSK[32:]
    assert first[6:8] != second[6:8]
    assert first[6] & 0x80
    assert second[6] & 0x80
    assert got[102] == [b"\x0dname"]


@pytest.mark.parametrize("start", [b"\x7f\xff", b"\xff\xff", b"\x00\x00"])
def test_salts_differ_even_where_counting_turns_over(
    request_packet: Packet, client: Client, dictionary: Dictionary, start: bytes
) -> None:
    octets = encode(Reply(code=ACCEPT, msk=Secret(MSK)), request_packet, client, dictionary, lambda _: start)
    salts = [value[6:8] for value in decode(octets).all(26)]
    assert len(set(salts)) == 2
    assert all(salt[0] & 0x80 for salt in salts)


@pytest.mark.parametrize("code", [REJECT, CHALLENGE])
def test_keys_leave_in_an_accept_only(answer: Answer, code: ReplyCode) -> None:
    packet = decode(answer(Reply(code=code, msk=Secret(MSK), key_name=b"name")))
    assert packet.all(26) == ()
    assert packet.all(102) == ()


def test_keying_material_of_another_length_is_refused(answer: Answer) -> None:
    with pytest.raises(BadValue, match="63 octets"):
        answer(Reply(code=ACCEPT, msk=Secret(bytes(63))))


def test_no_reply_message_stands_beside_eap(answer: Answer) -> None:
    fixed = attribute(27, b"\0\0\0\x12") + attribute(18, b"fixed") + attribute(11, b"acl")
    said = (Attribute(name="Reply-Message", value="hello"), Attribute(name="Filter-Id", value="x"))
    with_eap = decode(answer(Reply(code=REJECT, fixed=fixed, attributes=said, eap=b"\x04\x01\x00\x04")))
    without = decode(answer(Reply(code=REJECT, fixed=fixed, attributes=said)))
    assert with_eap.all(18) == ()
    assert with_eap.first(27) == b"\0\0\0\x12"
    assert with_eap.all(11) == (b"acl", b"x")
    assert without.all(18) == (b"fixed", b"hello")


def test_eap_is_cut_into_the_fewest_pieces(answer: Answer) -> None:
    pieces = decode(answer(Reply(code=CHALLENGE, eap=bytes(600)))).all(79)
    assert [len(piece) for piece in pieces] == [253, 253, 94]


def test_an_answer_fills_a_packet_and_not_one_octet_more(answer: Answer, make_request: MakeRequest) -> None:
    packet = decode(make_request((1, b"nemo")))
    fixed = attribute(25, bytes(253)) * 15
    room = 4096 - 20 - 18 - len(fixed)
    full = answer(Reply(code=ACCEPT, fixed=fixed + attribute(25, bytes(room - 2))), packet)
    assert len(full) == 4096
    with pytest.raises(ReplyTooLong, match="4097 octets"):
        answer(Reply(code=ACCEPT, fixed=fixed + attribute(25, bytes(room - 1))), packet)


def test_a_reject_fits_beside_whatever_proxies_have_put_into_the_request(
    answer: Answer, make_request: MakeRequest, secret: bytes
) -> None:
    # 4,096 octets with Message-Authenticator: the EAP-Failure is longer than the one octet it answers.
    states = [(33, bytes(253))] * 15 + [(33, bytes(4096 - 20 - 18 - 3 - 15 * 255 - 2))]
    packet = decode(make_request((79, b"\x02"), *states))
    assert len(packet.octets) == 4096
    octets = answer(Reply(code=REJECT, eap=b"\x04\x01\x00\x04"), packet)
    assert decode(octets).all(33) == packet.all(33)
    believed(packet, octets, secret)


def test_a_state_too_long_for_one_attribute_is_refused(answer: Answer) -> None:
    with pytest.raises(BadValue, match="`State` of 254 octets"):
        answer(Reply(code=CHALLENGE, state=bytes(254)))


def test_a_tunnel_password_is_hidden_for_this_answer(
    answer: Answer, request_packet: Packet, secret: bytes, oracle: pyrad_dictionary.Dictionary
) -> None:
    octets = answer(Reply(code=ACCEPT, attributes=(Attribute(name="Tunnel-Password", value="key of the port", tag=2),)))
    assert b"key of the port" not in octets
    got = believed(request_packet, octets, secret)
    got.dict = oracle
    assert got["Tunnel-Password:2"] == ["key of the port"]


def test_an_accounting_response_is_believed_and_returns_proxy_state(
    make_request: MakeRequest, client: Client, secret: bytes
) -> None:
    packet = decode(make_request((44, b"abc"), (33, b"one"), (33, b"two"), code=4))
    octets = accounting_response(packet, client)
    asked = pyrad_packet.AcctPacket(id=packet.identifier, secret=secret, authenticator=packet.authenticator)
    asked[33] = [b"one", b"two"]
    assert asked.VerifyReply(asked.CreateReply(packet=octets), octets)
    assert decode(octets).attributes == ((33, b"one"), (33, b"two"))
    assert decode(octets).code == Code.ACCOUNTING_RESPONSE


@pytest.mark.parametrize(("role", "code"), [(Role.AUTH, Code.ACCESS_ACCEPT), (Role.ACCT, Code.ACCOUNTING_RESPONSE)])
def test_a_status_response_is_signed_and_of_its_port(
    make_request: MakeRequest, client: Client, secret: bytes, role: Role, code: Code
) -> None:
    packet = decode(make_request((33, b"one"), code=12))
    octets = status_response(packet, client, role)
    got = believed(packet, octets, secret, code=12)
    assert got.code == code
    assert [number for number, _ in decode(octets).attributes] == [80, 33]
