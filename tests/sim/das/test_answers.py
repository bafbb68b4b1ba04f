"""Every answer of the fake Dynamic Authorization Server, judged by pyrad: right where it is right, wrong where told."""

from __future__ import annotations

import hashlib
import time

import pytest
from pyrad.packet import CoAPacket, PacketError

from nacd.sim.das.answers import ACK, BARE_ACK, BARE_NAK, SILENCE, Answer, always, nak, one_by_one
from nacd.sim.das.heard import Heard
from tests.sim.das.asking import COA, DISCONNECT, SECRET, request


def answered(answer: Answer, code: int = DISCONNECT) -> tuple[CoAPacket, bytes, bool]:
    """The answer as the client reads it, its octets, and whether pyrad believes it."""
    packet = request(("User-Name", "nemo"), code=code)
    octets = packet.RequestPacket()
    given = answer.octets(Heard(octets=octets, peer=("127.0.0.1", 1), at=0.0), SECRET, time.time())
    reply = packet.CreateReply(packet=given)
    return reply, given, packet.VerifyReply(reply, given)


@pytest.mark.parametrize(("code", "ack"), [(DISCONNECT, 41), (COA, 44)])
def test_an_ack_and_a_nak_fit_their_request(code: int, ack: int) -> None:
    reply, _, believed = answered(ACK, code)
    assert (reply.code, reply.message_authenticator, believed) == (ack, True, True)
    reply, _, believed = answered(nak(503), code)
    assert (reply.code, reply[101], believed) == (ack + 1, [(503).to_bytes(4)], True)


@pytest.mark.parametrize(("bare", "code"), [(BARE_ACK, 41), (BARE_NAK, 42)])
def test_a_bare_answer_is_twenty_octets(bare: Answer, code: int) -> None:
    reply, octets, believed = answered(bare)
    assert (reply.code, len(octets), believed) == (code, 20, True)


def test_each_signature_can_be_wrong_by_itself() -> None:
    packet = request(("User-Name", "nemo"))
    heard = Heard(octets=packet.RequestPacket(), peer=("127.0.0.1", 1), at=0.0)

    def authentic(octets: bytes) -> bool:
        return hashlib.md5(octets[:4] + packet.authenticator + octets[20:] + SECRET).digest() == octets[4:20]

    right, lying, missigned = (
        answer.octets(heard, SECRET, 0.0)
        for answer in (ACK, Answer(authenticator="wrong"), Answer(message_authenticator="wrong"))
    )
    assert authentic(right)
    assert not authentic(lying)
    assert lying[20:] == right[20:]
    assert authentic(missigned)
    assert missigned[22:38] != right[22:38]
    assert [packet.VerifyReply(packet.CreateReply(packet=one), one) for one in (right, lying, missigned)] == [
        True,
        False,
        False,
    ]


def test_message_authenticator_can_stand_last_and_the_time_be_off() -> None:
    _, octets, believed = answered(Answer(message_authenticator="last", cause=504, nak=True))
    assert believed
    assert octets[20] == 101
    assert octets[-18] == 80
    reply, _, believed = answered(Answer(timestamp_off_s=-4000))
    assert believed
    assert abs(int.from_bytes(reply[55][0]) + 4000 - time.time()) < 60


def test_an_answer_can_be_cut_off_and_have_any_code() -> None:
    with pytest.raises(PacketError):
        answered(Answer(cut=19))
    assert answered(Answer(code=2))[0].code == 2


def test_scripts() -> None:
    heard = Heard(octets=request().RequestPacket(), peer=("", 0), at=0.0)
    assert always(ACK, nak(1))(heard) == (ACK, nak(1))
    assert always()(heard) == SILENCE
    script = one_by_one(nak(405), SILENCE, [ACK, ACK])
    assert [script(heard) for _ in range(4)] == [(nak(405),), (), (ACK, ACK), (ACK, ACK)]
