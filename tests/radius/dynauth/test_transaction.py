"""Requests and answers of RFC 5176 as octets; pyrad and radclient hold the other opinion."""

from __future__ import annotations

import hashlib
import hmac
import re
import socket
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrad.packet import CoAPacket

from nacd.errors import BadValue
from nacd.radius.dynauth.transaction import ERROR_CAUSE, EVENT_TIMESTAMP, Ignored, Request, check, read, sign
from nacd.radius.packet import MESSAGE_AUTHENTICATOR, Code, attribute, decode
from nacd.sessions import Meaning, Outcome

SECRET = b"s3cret-of-the-lab"
NOW = 1_900_000_000
BODY = attribute(1, b"nemo") + attribute(31, b"00-11-22-33-44-55")
MA = MESSAGE_AUTHENTICATOR


def request(code: Code = Code.DISCONNECT_REQUEST, **change: Any) -> Request:
    return sign(code, BODY, **{"identifier": 9, "secret": SECRET, "event_timestamp": NOW, **change})


def answer(
    to: Request,
    code: int,
    *attributes: tuple[int, bytes],
    identifier: int | None = None,
    secret: bytes = SECRET,
    signed: bool = False,
) -> bytes:
    """A NAS's answer, made by hand. signed: with a Message-Authenticator, last, as many NASes do it."""
    body = b"".join(bytes((kind, len(value) + 2)) + value for kind, value in attributes)
    length = 20 + len(body) + (18 if signed else 0)
    header = bytes((code, to.identifier if identifier is None else identifier)) + length.to_bytes(2)
    if signed:
        digest = hmac.new(secret, header + to.authenticator + body + b"\x50\x12" + bytes(16), "md5").digest()
        body += b"\x50\x12" + digest
    return header + hashlib.md5(header + to.authenticator + body + secret).digest() + body


def cause(number: int) -> tuple[int, bytes]:
    return ERROR_CAUSE, number.to_bytes(4)


# -- the request ----------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [Code.DISCONNECT_REQUEST, Code.COA_REQUEST])
@given(secret=st.binary(min_size=1, max_size=80), identifier=st.integers(0, 255))
def test_pyrad_finds_both_signatures_right(code: Code, secret: bytes, identifier: int) -> None:
    ours = request(code, secret=secret, identifier=identifier)
    theirs = CoAPacket(packet=ours.octets, secret=secret)
    assert (theirs.code, theirs.id, theirs.authenticator) == (code, identifier, ours.authenticator)
    assert theirs.VerifyCoARequest()
    assert theirs.verify_message_authenticator()
    other = CoAPacket(packet=ours.octets, secret=secret + b"!")
    assert not other.VerifyCoARequest()
    assert not other.verify_message_authenticator()


def test_message_authenticator_comes_first_and_event_timestamp_next() -> None:
    packet = decode(request().octets)
    assert packet.types == bytes((MA, EVENT_TIMESTAMP, 1, 31))
    assert packet.first(EVENT_TIMESTAMP) == NOW.to_bytes(4)


def test_either_can_be_left_out_for_a_nas_that_cannot_bear_it() -> None:
    assert decode(request(event_timestamp=None).octets).types == bytes((MA, 1, 31))
    bare = request(event_timestamp=None, message_authenticator=False)
    assert decode(bare.octets).types == bytes((1, 31))
    assert CoAPacket(packet=bare.octets, secret=SECRET).VerifyCoARequest()


def test_the_same_request_is_the_same_octets() -> None:
    assert request().octets == request().octets


def test_the_longest_request_fits_and_one_octet_more_is_refused() -> None:
    room = 4096 - 20 - 18 - 6
    pieces = [attribute(26, bytes(253))] * (room // 255)
    filled = b"".join(pieces) + attribute(26, bytes(room % 255 - 2))
    assert len(sign(43, filled, identifier=0, secret=SECRET, event_timestamp=NOW).octets) == 4096
    with pytest.raises(BadValue, match="does not fit"):
        check(43, b"".join(pieces) + attribute(26, bytes(room % 255 - 1)))


@pytest.mark.parametrize(
    ("code", "attributes", "words"),
    [
        (1, BODY, "neither"),
        (44, BODY, "neither"),
        (40, b"\x01", "no attributes"),
        (40, BODY[:-1], "no attributes"),
        (40, attribute(MA, bytes(16)), "set by nacd"),
        (43, attribute(EVENT_TIMESTAMP, bytes(4)), "set by nacd"),
        (43, attribute(0, b"x"), "set by nacd"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_it_is_queued(code: int, attributes: bytes, words: str) -> None:
    with pytest.raises(BadValue, match=words):
        check(code, attributes)
    with pytest.raises(BadValue, match=words):
        sign(code, attributes, identifier=0, secret=SECRET, event_timestamp=NOW)


# -- the answer -----------------------------------------------------------------------------------

PAIRS = [(Code.DISCONNECT_REQUEST, 41, 42), (Code.COA_REQUEST, 44, 45)]


@pytest.mark.parametrize(("code", "ack", "nak"), PAIRS)
def test_twenty_bare_octets_are_an_answer(code: Code, ack: int, nak: int) -> None:
    asked = request(code)
    yes, no = answer(asked, ack), answer(asked, nak)
    assert len(yes) == len(no) == 20
    assert read(yes, asked, SECRET, NOW) == Outcome(meaning=Meaning.ACKNOWLEDGED)
    assert read(no, asked, SECRET, NOW) == Outcome(meaning=Meaning.NEXT_VERB, detail="no Error-Cause")


@pytest.mark.parametrize(("code", "ack", "nak"), PAIRS)
def test_an_answer_of_pyrad_with_message_authenticator_is_read(code: Code, ack: int, nak: int) -> None:
    asked = request(code)
    for wanted, meaning in ((ack, Meaning.ACKNOWLEDGED), (nak, Meaning.GONE)):
        reply = CoAPacket(packet=asked.octets, secret=SECRET).CreateReply()
        reply.code = wanted
        reply.add_message_authenticator()
        reply[ERROR_CAUSE] = [(503).to_bytes(4)] if wanted == nak else []
        outcome = read(reply.ReplyPacket(), asked, SECRET, NOW)
        assert isinstance(outcome, Outcome)
        assert outcome.meaning is meaning


def test_error_cause_is_read_and_named() -> None:
    asked = request()
    wanted = Outcome(meaning=Meaning.GONE, error_cause=503, detail="session context not found")
    assert read(answer(asked, 42, cause(503), signed=True), asked, SECRET, NOW) == wanted


def test_of_several_error_causes_the_first_counts_and_one_of_a_wrong_length_says_nothing() -> None:
    asked = request()
    several = answer(asked, 42, (ERROR_CAUSE, b"\x01"), cause(405), cause(503))
    outcome = read(several, asked, SECRET, NOW)
    assert isinstance(outcome, Outcome)
    assert (outcome.error_cause, outcome.meaning) == (405, Meaning.NEXT_VERB)


def test_octets_behind_the_length_are_padding() -> None:
    asked = request()
    assert read(answer(asked, 41) + b"padding", asked, SECRET, NOW) == Outcome(meaning=Meaning.ACKNOWLEDGED)


def test_answers_that_are_none_are_ignored_each_with_its_word() -> None:
    asked = request()
    right = answer(asked, 41, signed=True)
    flipped = right[:-1] + bytes((right[-1] ^ 1,))
    length = len(right).to_bytes(2)
    # Signed anew after Message-Authenticator was bent: only that is wrong.
    bent = right[20:-1] + bytes((right[-1] ^ 1,))
    resealed = right[:4] + hashlib.md5(right[:4] + asked.authenticator + bent + SECRET).digest() + bent
    cases = {
        b"": Ignored.MALFORMED,
        right[:19]: Ignored.MALFORMED,
        right[:-1]: Ignored.MALFORMED,
        right[:2] + b"\x10\x01" + bytes(4093): Ignored.MALFORMED,
        answer(asked, 41, (0, b"x")): Ignored.MALFORMED,
        answer(asked, 41, identifier=10): Ignored.IDENTIFIER,
        answer(asked, 44): Ignored.CODE,
        answer(asked, 45): Ignored.CODE,
        answer(asked, 2): Ignored.CODE,
        asked.octets: Ignored.CODE,
        answer(asked, 41, secret=b"another"): Ignored.RESPONSE_AUTHENTICATOR,
        right[:4] + bytes(16) + right[20:]: Ignored.RESPONSE_AUTHENTICATOR,
        b"\x2a" + right[1:2] + length + right[4:]: Ignored.RESPONSE_AUTHENTICATOR,
        flipped: Ignored.RESPONSE_AUTHENTICATOR,
        resealed: Ignored.MESSAGE_AUTHENTICATOR,
        answer(asked, 41, (MA, bytes(16))): Ignored.MESSAGE_AUTHENTICATOR,
        answer(asked, 41, (MA, bytes(15))): Ignored.MESSAGE_AUTHENTICATOR,
        answer(asked, 41, (MA, bytes(16)), signed=True): Ignored.MESSAGE_AUTHENTICATOR,
    }
    for datagram, why in cases.items():
        assert read(datagram, asked, SECRET, NOW) is why, (why, datagram[:40])


@pytest.mark.parametrize(("away_s", "fresh"), [(0, True), (300, True), (-300, True), (301, False), (-301, False)])
def test_an_event_timestamp_in_an_answer_lies_within_the_window_or_the_answer_is_ignored(
    away_s: int, fresh: bool
) -> None:
    asked = request()
    stamped = answer(asked, 41, (EVENT_TIMESTAMP, (NOW + away_s).to_bytes(4)))
    outcome = read(stamped, asked, SECRET, NOW)
    assert (outcome == Outcome(meaning=Meaning.ACKNOWLEDGED)) is fresh
    assert (outcome is Ignored.EVENT_TIMESTAMP) is not fresh


def test_an_event_timestamp_of_a_wrong_length_is_not_believed() -> None:
    asked = request()
    assert read(answer(asked, 41, (EVENT_TIMESTAMP, b"\x01")), asked, SECRET, NOW) is Ignored.EVENT_TIMESTAMP


def test_an_answer_to_one_request_is_none_to_the_next_with_the_same_identifier() -> None:
    earlier, later = request(event_timestamp=NOW - 400), request()
    assert earlier.identifier == later.identifier
    assert read(answer(earlier, 41), later, SECRET, NOW) is Ignored.RESPONSE_AUTHENTICATOR


@given(st.binary(max_size=200))
def test_no_octets_at_all_pass_for_an_answer(datagram: bytes) -> None:
    assert isinstance(read(datagram, request(), SECRET, NOW), Ignored)


@given(st.data())
def test_no_change_of_a_right_answer_leaves_it_right(data: st.DataObject) -> None:
    asked = request()
    right = answer(asked, 42, cause(503), signed=True)
    place = data.draw(st.integers(0, len(right) - 1))
    octet = data.draw(st.integers(0, 255).filter(lambda octet: octet != right[place]))
    changed = right[:place] + bytes((octet,)) + right[place + 1 :]
    assert isinstance(read(changed, asked, SECRET, NOW), Ignored)


@given(
    st.sampled_from([41, 42]),
    st.lists(st.tuples(st.integers(1, 255), st.binary(max_size=40)), max_size=20),
    st.booleans(),
)
def test_any_well_signed_answer_is_an_outcome_or_ignored_for_what_it_carries(
    code: int, attributes: list[tuple[int, bytes]], signed: bool
) -> None:
    asked = request()
    outcome = read(answer(asked, code, *attributes, signed=signed), asked, SECRET, NOW)
    if isinstance(outcome, Ignored):
        assert outcome in {Ignored.MESSAGE_AUTHENTICATOR, Ignored.EVENT_TIMESTAMP}
        assert {kind for kind, _ in attributes} & {MA, EVENT_TIMESTAMP}
    else:
        assert outcome.meaning is not Meaning.UNANSWERED
        assert (outcome.meaning is Meaning.ACKNOWLEDGED) <= (code == 41)


# -- the other opinion ----------------------------------------------------------------------------


@pytest.mark.peer
@pytest.mark.parametrize(("kind", "code", "ack"), [("coa", 43, 44), ("disconnect", 40, 41)])
def test_radclient_signs_as_we_do_and_believes_what_we_believe(
    peer: Callable[[str], Any], kind: str, code: int, ack: int
) -> None:
    text = f'Message-Authenticator = 0x00\nEvent-Timestamp = {NOW}\nUser-Name = "nemo"\n'
    text += 'Calling-Station-Id = "00-11-22-33-44-55"\n'
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nas:
        nas.bind(("127.0.0.1", 0))
        nas.settimeout(20)
        where = f"127.0.0.1:{nas.getsockname()[1]}"
        running = peer("radclient").popen(["-x", "-t", "5", "-r", "1", where, kind, SECRET.decode()], stdin=-1)
        assert running.stdin is not None
        running.stdin.write(text)
        running.stdin.close()
        theirs, back = nas.recvfrom(4096)
        ours = sign(code, BODY, identifier=theirs[1], secret=SECRET, event_timestamp=NOW)
        # Every octet is the same, both signatures included.
        assert ours.octets == theirs
        reply = CoAPacket(packet=theirs, secret=SECRET).CreateReply().ReplyPacket()
        as_asked = Request(code=Code(code), identifier=theirs[1], authenticator=theirs[4:20], octets=theirs)
        assert read(reply, as_asked, SECRET, NOW) == Outcome(meaning=Meaning.ACKNOWLEDGED)
        assert reply[0] == ack
        nas.sendto(reply, back)
        assert running.stdout is not None
        said = running.stdout.read()
    assert re.search(r"Received (CoA|Disconnect)-ACK", said), said
