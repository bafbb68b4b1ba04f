"""RFC 2865, Remote Authentication Dial In User Service."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Callable

import pytest

from nacd.radius.admission import Role
from nacd.server import sockets
from nacd.sessions import Standing
from nacd.sim.supplicant import Supplicant
from nacd.store.live.filters import EVERYTHING
from tests.conformance.octets import (
    ACCEPT,
    CHALLENGE,
    PRINTER,
    REJECT,
    STATUS,
    accounting,
    answer,
    hidden,
    mab,
    raw,
    request,
    tlv,
    vendor,
)
from tests.conformance.wire import Talk, Wire
from tests.server.house import House, Pki

EAP_START = (79, b"")


@pytest.mark.clause("RFC 2865 section 3", "a request from a client without a shared secret is silently discarded")
def test_an_unknown_client_hears_nothing(house: House, wire: Wire, plug: Callable[..., Wire]) -> None:
    stranger = plug(house, source="127.0.0.9")
    stranger.sock.send(mab())
    assert wire.is_silent(b"")  # everything sent before it has been looked at
    stranger.sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        stranger.sock.recv(4096)


@pytest.mark.clause("RFC 2865 section 3", "a packet with an invalid Code is silently discarded")
@pytest.mark.parametrize("code", [0, 2, 3, 4, 5, 11, 13, 40, 43, 255])
def test_a_code_that_is_no_request_of_this_port_is_dropped(wire: Wire, code: int) -> None:
    assert wire.is_silent(mab(code=code))


@pytest.mark.clause("RFC 2865 section 3", "a packet shorter than 20 octets is silently discarded")
@pytest.mark.parametrize("length", [0, 1, 4, 19])
def test_a_packet_shorter_than_its_header_is_dropped(wire: Wire, length: int) -> None:
    assert wire.is_silent(mab()[:length])


@pytest.mark.clause("RFC 2865 section 3", "a Length below 20 is silently discarded")
@pytest.mark.parametrize("length", [0, 19])
def test_a_length_below_the_header_is_dropped(wire: Wire, length: int) -> None:
    octets = mab()
    assert wire.is_silent(octets[:2] + length.to_bytes(2) + octets[4:])


@pytest.mark.clause("RFC 2865 section 3", "a packet whose Length is greater than 4096 is silently discarded")
def test_a_length_above_4096_is_dropped(wire: Wire) -> None:
    assert wire.is_silent(mab(PRINTER, *((25, bytes(253)) for _ in range(16))))


@pytest.mark.clause("RFC 2865 section 3", "a packet of up to 4096 octets is taken")
def test_a_packet_of_4096_octets_is_answered(wire: Wire) -> None:
    room = 4096 - len(mab())
    fillers = [(25, bytes(253))] * (room // 255) + [(25, bytes(room % 255 - 2))]
    octets = mab(PRINTER, *fillers)
    assert len(octets) == 4096
    assert wire.ask(octets).code == ACCEPT


@pytest.mark.clause("RFC 2865 section 3", "a packet shorter than its Length says is silently discarded")
def test_a_length_past_the_datagram_is_dropped(wire: Wire) -> None:
    assert wire.is_silent(mab()[:-1])


@pytest.mark.clause("RFC 2865 section 3", "octets outside the range of Length are padding and ignored")
def test_a_hundred_octets_after_the_packet_change_nothing(wire: Wire) -> None:
    octets = mab()
    assert answer(wire.raw(octets + os.urandom(100)), octets).code == ACCEPT


@pytest.mark.clause("RFC 2865 section 3", "the answer carries the Identifier of the request")
@pytest.mark.parametrize("identifier", [0, 77, 255])
def test_the_identifier_comes_back(wire: Wire, identifier: int) -> None:
    assert wire.ask(mab(identifier=identifier)).identifier == identifier


@pytest.mark.clause(
    "RFC 2865 section 3", "Response Authenticator = MD5(Code+ID+Length+Request Authenticator+Attributes+Secret)"
)
def test_the_response_authenticator_is_the_digest_of_the_rfc(wire: Wire) -> None:
    octets = mab()
    got = wire.raw(octets)
    digest = hashlib.md5(got[:4] + octets[4:20] + got[20:] + b"of-the-tests-own-4711-x").digest()
    assert got[4:20] == digest


@pytest.mark.clause("RFC 2865 section 3", "the reply leaves from the address and port the request was sent to")
@pytest.mark.parametrize("asked", ["127.0.0.1", "127.0.0.53"])
def test_a_server_with_two_addresses_answers_from_the_one_that_was_asked(
    build: Callable[..., House], asked: str
) -> None:
    house = build()
    anywhere = sockets.bind("0.0.0.0", 0)
    port = anywhere.getsockname()[1]
    house.do(lambda: house.listener.listen(anywhere, Role.AUTH))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nas:
        nas.bind(("127.0.0.1", 0))
        nas.settimeout(5)
        octets = mab()
        nas.sendto(octets, (asked, port))
        got, origin = nas.recvfrom(4096)
    assert origin == (asked, port)
    assert answer(got, octets).code == ACCEPT


@pytest.mark.clause("RFC 2865 section 5", "an attribute whose Length is below 2 makes the packet invalid: discarded")
@pytest.mark.parametrize("length", [0, 1])
def test_an_attribute_shorter_than_its_own_header_is_dropped(wire: Wire, length: int) -> None:
    assert wire.is_silent(raw(tlv(1, b"nemo") + bytes((4, length, 1, 2, 3, 4))))


@pytest.mark.clause("RFC 2865 section 5", "attributes that do not fill the packet exactly make it invalid: discarded")
@pytest.mark.parametrize("tail", [b"\x04", b"\x04\x07\x0a\0\0\x01"])
def test_an_attribute_past_the_end_is_dropped(wire: Wire, tail: bytes) -> None:
    assert wire.is_silent(raw(tlv(1, b"nemo") + tail))


@pytest.mark.clause("RFC 2865 section 5", "attributes of an unknown Type may be ignored")
def test_an_unknown_attribute_changes_nothing(wire: Wire) -> None:
    assert wire.ask(mab(PRINTER, (223, b"?"), (255, b""))).code == ACCEPT


@pytest.mark.clause("RFC 2865 section 5", "no text or string of zero length is sent: the attribute is left out")
def test_no_answer_has_an_empty_attribute(wire: Wire) -> None:
    for octets in (mab(), mab("02-00-00-00-00-77"), request((1, b"x"), EAP_START)):
        assert all(value for _, value in wire.ask(octets).attributes)


@pytest.mark.clause("RFC 2865 section 5.2", "User-Password is unhidden block by block with MD5(secret+last)")
@pytest.mark.parametrize(("password", "code"), [(b"001185aabbcc", ACCEPT), (b"001185aabbcc" * 3, REJECT)])
def test_a_password_is_unhidden_and_compared(wire: Wire, password: bytes, code: int) -> None:
    authenticator = os.urandom(16)
    octets = mab(PRINTER, (2, hidden(password, authenticator)), authenticator=authenticator)
    assert wire.ask(octets).code == code


@pytest.mark.clause("RFC 2865 section 5.2", "User-Password has 16 to 128 octets, a multiple of 16")
@pytest.mark.parametrize("length", [0, 15, 17, 144])
def test_a_password_of_another_length_opens_nothing(wire: Wire, length: int) -> None:
    assert wire.ask(mab(PRINTER, (2, bytes(length)))).code == REJECT


@pytest.mark.clause("RFC 2865 section 5.3", "CHAP-Password = ident + MD5(ident+password+CHAP-Challenge)")
@pytest.mark.parametrize(("password", "code"), [(b"001185aabbcc", ACCEPT), (b"something-else", REJECT)])
def test_a_chap_response_is_checked_against_its_challenge(wire: Wire, password: bytes, code: int) -> None:
    challenge = os.urandom(16)
    response = b"\x07" + hashlib.md5(b"\x07" + password + challenge).digest()
    assert wire.ask(mab(PRINTER, (3, response), (60, challenge))).code == code


@pytest.mark.clause("RFC 2865 section 5.3", "without CHAP-Challenge the Request Authenticator is the challenge")
def test_a_chap_response_to_the_request_authenticator_is_taken(wire: Wire) -> None:
    vector = os.urandom(16)
    response = b"\x07" + hashlib.md5(b"\x07001185aabbcc" + vector).digest()
    assert wire.ask(mab(PRINTER, (3, response), authenticator=vector)).code == ACCEPT


@pytest.mark.clause("RFC 2865 section 4.1", "not more than one kind of password in a request")
def test_a_request_with_two_passwords_is_refused(wire: Wire) -> None:
    vector = os.urandom(16)
    chap = b"\x07" + hashlib.md5(b"\x07001185aabbcc" + vector).digest()
    both = ((2, hidden(b"001185aabbcc", vector)), (3, chap))
    assert wire.ask(mab(PRINTER, *both, authenticator=vector)).code == REJECT


@pytest.mark.clause(
    "RFC 2865 section 4.1",
    "a request names its NAS by NAS-IP-Address or NAS-Identifier",
    differs="nacd names the NAS by its source address and answers without either",
)
def test_a_request_that_names_no_nas_is_answered(wire: Wire) -> None:
    octets = request((1, b"001185aabbcc"), (31, PRINTER.encode()), (6, (10).to_bytes(4)))
    assert wire.ask(octets).code == ACCEPT


@pytest.mark.clause("RFC 2865 section 4.3", "a request that is not acceptable gets an Access-Reject")
def test_a_login_that_nacd_does_not_know_is_rejected_aloud(wire: Wire) -> None:
    vector = os.urandom(16)
    octets = request((1, b"alice"), (2, hidden(b"wrong", vector)), authenticator=vector)
    assert wire.ask(octets).code == REJECT


@pytest.mark.clause("RFC 2865 section 4.4", "an Access-Challenge carries no attribute of an authorization")
def test_a_challenge_holds_eap_state_and_signature_alone(wire: Wire) -> None:
    got = wire.ask(request((1, b"host/laptop"), EAP_START))
    assert got.code == CHALLENGE
    assert {number for number, _ in got.attributes} == {24, 79, 80}


@pytest.mark.clause("RFC 2865 section 5.6", "a Service-Type that is not supported is answered as a refusal")
@pytest.mark.parametrize("service", [1, 6, 7, 4242])
def test_administration_of_the_nas_is_refused(wire: Wire, service: int) -> None:
    name = (1, PRINTER.replace("-", "").lower().encode())
    assert wire.ask(request(name, (31, PRINTER.encode()), (6, service.to_bytes(4)))).code == REJECT


@pytest.mark.clause("RFC 2865 section 5.24", "State of a Challenge comes back unmodified and finds its conversation")
def test_each_state_belongs_to_one_conversation(house: House, pki: Pki, talk: Callable[..., Talk], wire: Wire) -> None:
    supplicant: Supplicant = pki.supplicant()
    said = talk(house, supplicant)
    assert said.last.code == ACCEPT
    assert all(reply.state for reply in said.replies[:-1])
    other = wire.ask(request((1, b"host/laptop"), EAP_START))
    assert other.first(24) not in {reply.state for reply in said.replies}


@pytest.mark.clause("RFC 2865 section 5.24", "State is opaque: one that nacd did not make opens nothing")
@pytest.mark.parametrize("state", [b"\0", b"made up", bytes(17), bytes(253)])
def test_a_state_of_somebody_else_is_refused(wire: Wire, state: bytes) -> None:
    response = b"\x02\x01\x00\x06\x0d\x00"
    assert wire.ask(request((1, b"host/laptop"), (79, response), (24, state))).code == REJECT


@pytest.mark.clause("RFC 2865 section 5.25", "Class of the Accept comes back in accounting and ties the two together")
def test_accounting_is_tied_to_its_accept_by_class_alone(
    build: Callable[..., House], plug: Callable[..., Wire]
) -> None:
    house = build()
    (token,) = plug(house).ask(mab(PRINTER)).all(25)
    plug(house, accounting=True).ask(accounting(1, (25, token), (44, b"by-class")))
    house.written()
    (session,) = house.sessions.find(EVERYTHING, 10)
    assert session.names.acct_session_id == "by-class"
    assert isinstance(session.standing, Standing)


@pytest.mark.clause("RFC 2865 section 5.26", "a Vendor-Specific that cannot be interpreted is ignored")
@pytest.mark.parametrize("value", [b"", b"\0\0\0\x09", b"\0\0\0\x09\x01\xffx", b"\0\x01\x86\x9f anything"])
def test_a_foreign_or_malformed_vendor_specific_is_ignored(wire: Wire, value: bytes) -> None:
    assert wire.ask(mab(PRINTER, (26, value), vendor(9, 1, b"a=b"))).code == ACCEPT


@pytest.mark.clause("RFC 2865 section 5.33", "every Proxy-State comes back unmodified and in the same order")
@pytest.mark.parametrize("kind", ["accept", "reject", "challenge", "status"])
def test_three_proxy_states_come_back_in_every_answer(wire: Wire, kind: str) -> None:
    states = ((33, b"\0one\0"), (33, b"two"), (33, bytes(253)))
    octets = {
        "accept": mab(PRINTER, *states),
        "reject": request((1, b"alice"), *states),
        "challenge": request((1, b"alice"), EAP_START, *states),
        "status": request(*states, code=STATUS),
    }[kind]
    got = wire.ask(octets)
    assert got.code == {"accept": ACCEPT, "reject": REJECT, "challenge": CHALLENGE, "status": ACCEPT}[kind]
    assert got.all(33) == [value for _, value in states]
