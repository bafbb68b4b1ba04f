"""Cutting flights and joining them again."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.eap import fragments
from nacd.eap.fragments import Assembler, Fragment, Fragmenter
from nacd.errors import BadEap


def piece(octets=b"", *, more=False, declared=None):
    return Fragment(more=more, start=False, has_length=declared is not None, declared=declared or 0, octets=octets)


@settings(max_examples=100)
@given(flight=st.binary(min_size=1, max_size=5000), packet_size=st.integers(fragments.MIN_PACKET, 1500))
def test_whatever_is_cut_joins_again_and_no_piece_is_too_large(flight, packet_size):
    fragmenter, assembler = Fragmenter(flight, packet_size), Assembler()
    bodies = []
    while len(fragmenter):
        bodies.append(fragmenter.next())
        assembler.add(fragments.read(bodies[-1]))
    assert assembler.take() == flight
    assert len(assembler) == 0
    assert max(map(len, bodies)) + 5 <= packet_size
    read = [fragments.read(body) for body in bodies]
    assert [one.more for one in read] == [True] * (len(read) - 1) + [False]
    assert [one.has_length for one in read] == [len(read) > 1] + [False] * (len(read) - 1)


def test_a_packet_without_room_is_refused():
    with pytest.raises(ValueError, match="no room"):
        Fragmenter(b"x", fragments.MIN_PACKET - 1)


def test_a_length_may_come_with_every_fragment_or_with_none():
    for lengths in ((None, None), (6, None), (6, 6), (None, 6)):
        assembler = Assembler()
        assembler.add(piece(b"abc", more=True, declared=lengths[0]))
        assembler.add(piece(b"def", declared=lengths[1]))
        assert assembler.take() == b"abcdef"


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ([piece(b"abc", more=True, declared=6), piece(b"def", declared=7)], "changed from 6 to 7"),
        ([piece(b"abc", more=True, declared=2)], "2 were announced"),
        ([piece(b"abc", declared=70_000)], "over the limit"),
        ([piece(b"a" * 40_000, more=True), piece(b"a" * 40_000)], "more than the limit"),
        ([piece(b"", more=True)], "empty"),
        ([piece(b"abc", declared=4)], "has 3 octets, 4 were announced"),
    ],
)
def test_fragments_that_do_not_add_up_are_refused(pieces, reason):
    assembler = Assembler()
    with pytest.raises(BadEap, match=reason):
        [assembler.add(one) for one in pieces] and assembler.take()


@pytest.mark.parametrize(("body", "reason"), [(b"", "flags"), (b"\x80", "length"), (b"\xc0\x00\x00\x01", "length")])
def test_a_header_that_is_cut_off_is_refused(body, reason):
    with pytest.raises(BadEap, match=reason):
        fragments.read(body)


def test_an_acknowledgement_has_nothing_in_it():
    assert fragments.read(fragments.ACK_BODY).is_ack
    assert not fragments.read(b"\x00x").is_ack
    assert not fragments.read(fragments.START_BODY).is_ack
    assert not fragments.read(b"\x40").is_ack
