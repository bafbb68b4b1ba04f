"""Fragments that repeat, overtake each other, lie about their length, or never end."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from tests.hostile.conftest import Lab
from tests.hostile.wire import CHALLENGE, LENGTH, MORE, START, Answer, Talk, fragments

BOTH = pytest.mark.parametrize("version", ["1.2", "1.3"])
WHERE = pytest.mark.parametrize("where", ["first flight", "second flight"])


def flight_for(lab: Lab, talk: Talk, where: str, version: str = "1.3") -> bytes:
    """Up to this flight of the peer, which is not sent yet."""
    if where == "second flight":
        return talk.until_server_flight(lab.honest(version))
    talk.begin()
    return lab.honest(version).turn(b"")


def say_all(talk: Talk, bodies: list[bytes]) -> Answer:
    for body in bodies:
        if talk.say(body).code != CHALLENGE:
            break
    return talk.answer


@BOTH
@pytest.mark.parametrize("size", [60, 253, 3_000])
@pytest.mark.parametrize("length", ["first", "every", "never"])
def test_honest_fragments_of_any_size_get_in(lab: Lab, version: str, size: int, length: str) -> None:
    talk = lab.talk()
    assert lab.verdict(talk, talk.login(lab.honest(version), size=size, length=length)) == "accept"


@BOTH
@WHERE
def test_a_fragment_said_again_under_its_old_identifier_counts_once(lab: Lab, where: str, version: str) -> None:
    talk, client = lab.talk(), lab.honest(version)
    talk.begin()
    flight = client.turn(b"")
    if where == "second flight":
        flight = client.turn(talk.flight(flight))
    for piece in fragments(flight, 100):
        due = talk.asked
        talk.say(piece)
        last = talk.answer.eap
        again = talk.say(piece, identifier=due)
        assert again.ignored
        assert again.eap == last
    flight = client.turn(talk.collect())
    while talk.answer.code == CHALLENGE:
        flight = client.turn(talk.flight(flight))
    assert lab.verdict(talk, talk.answer) == "accept"


def twice(pieces: list[bytes]) -> list[bytes]:
    return [pieces[0], pieces[0], *pieces[1:]]


def middle_twice(pieces: list[bytes]) -> list[bytes]:
    return [pieces[0], pieces[1], pieces[1], *pieces[2:]]


def swapped(pieces: list[bytes]) -> list[bytes]:
    return [pieces[0], pieces[2], pieces[1], *pieces[3:]]


def one_missing(pieces: list[bytes]) -> list[bytes]:
    return [pieces[0], *pieces[2:]]


def last_first(pieces: list[bytes]) -> list[bytes]:
    return [pieces[-1], *pieces[:-1]]


@WHERE
@pytest.mark.parametrize("bend", [twice, middle_twice, swapped, one_missing, last_first])
@pytest.mark.parametrize("length", ["first", "never"])
def test_fragments_that_are_not_the_flight_are_refused(
    lab: Lab, where: str, bend: Callable[[list[bytes]], list[bytes]], length: str
) -> None:
    talk = lab.talk()
    pieces = fragments(flight_for(lab, talk, where), 90, length)
    answer = say_all(talk, bend(pieces))
    for _ in range(3):
        if answer.code == CHALLENGE:  # an alert, or a second ClientHello asked for, comes first
            answer = talk.say(b"\x00")
    assert lab.verdict(talk, answer) in {"bad_tls", "proof_failed", "protocol_fault"}


def headed(flags: int, length: int, octets: bytes = b"") -> bytes:
    return struct.pack("!BI", flags | LENGTH, length) + octets


LIES: dict[str, list[bytes]] = {
    "64 KiB and then three octets": [headed(0, 65_536, b"abc")],
    "64 KiB, little more, the end": [headed(MORE, 65_535, b"abc"), b"\x00d"],
    "4 GiB": [headed(MORE, 0xFFFFFFFF, b"abc")],
    "2 GiB": [headed(MORE, 0x80000000, b"abc")],
    "one octet too little": [headed(MORE, 200, bytes(100)), b"\x00" + bytes(101)],
    "one octet too many": [headed(MORE, 200, bytes(100)), b"\x00" + bytes(99)],
    "zero": [headed(0, 0, b"abc")],
    "zero, and more": [headed(MORE, 0, b"abc")],
    "growing": [headed(MORE, 300, bytes(100)), headed(MORE, 301, bytes(100))],
    "shrinking": [headed(MORE, 300, bytes(100)), headed(0, 200, bytes(100))],
    "late": [b"\x40" + bytes(100), headed(0, 150, bytes(100))],
    "half a length": [b"\x80\x00\x00"],
    "no flags": [b""],
    "nothing, and more": [b"\x40"],
    "nothing with a length, and more": [headed(MORE, 300)],
    "a start": [bytes((START,))],
    "a start with octets": [bytes((START,)) + b"abc"],
    "every flag": [b"\xff" + bytes(8)],
}


@WHERE
@pytest.mark.parametrize("lie", LIES)
def test_a_lie_about_length_or_flags_ends_the_conversation(lab: Lab, where: str, lie: str) -> None:
    talk = lab.talk()
    flight_for(lab, talk, where)
    assert lab.verdict(talk, say_all(talk, LIES[lie])) == "bad_tls"
    assert lab.held == (0, 0, 0)


def test_a_claim_of_64_kib_reserves_nothing(lab: Lab) -> None:
    talk = lab.talk()
    talk.until_server_flight(lab.honest())
    before = lab.books.held_octets
    assert talk.say(headed(MORE, 65_535, b"abc")).code == CHALLENGE
    assert lab.books.held_octets == before + len(b"abc")


@pytest.mark.parametrize("reserved", [0x01, 0x07, 0x1F])
def test_reserved_flags_are_not_looked_at(lab: Lab, reserved: int) -> None:
    talk, client = lab.talk(), lab.honest()
    talk.begin()
    flight = client.turn(b"")
    while talk.answer.code == CHALLENGE:
        talk.say(bytes((reserved,)) + flight)
        flight = client.turn(talk.collect())
    assert lab.verdict(talk, talk.answer) == "accept"


@WHERE
@pytest.mark.parametrize("length", ["first", "never"])
def test_fragments_of_one_octet_end_with_the_rounds(lab: Lab, where: str, length: str) -> None:
    talk = lab.talk()
    pieces = fragments(flight_for(lab, talk, where), 1, length)
    assert len(pieces) > 100
    assert lab.verdict(talk, say_all(talk, pieces)) == "too_many_rounds"
    assert lab.held == (0, 0, 0)


@pytest.mark.parametrize(("where", "limit"), [("first flight", 16_384), ("second flight", 65_536)])
def test_a_flight_without_an_end_is_held_up_to_its_limit_only(lab: Lab, where: str, limit: int) -> None:
    talk = lab.talk()
    flight_for(lab, talk, where)
    before, sent = lab.books.held_octets, 0
    while talk.say(b"\x40" + bytes(3_000)).code == CHALLENGE:
        sent += 3_000
        assert lab.books.held_octets - before <= sent
    assert sent <= limit < sent + 3_000
    assert lab.verdict(talk, talk.answer) == "bad_tls"
    assert lab.held == (0, 0, 0)


PLACES_TO_ACK: dict[str, Callable[[Lab, Talk], object]] = {
    "the start": lambda _, talk: talk.begin(),
    "half a first flight": lambda lab, talk: talk.say(fragments(flight_for(lab, talk, "first flight"), 100)[0]),
    "the server's flight": lambda lab, talk: talk.until_server_flight(lab.honest()),
    "half a second flight": lambda lab, talk: talk.say(fragments(flight_for(lab, talk, "second flight"), 100)[0]),
}


@pytest.mark.parametrize("place", PLACES_TO_ACK)
def test_acknowledging_what_wants_an_answer_is_the_end(lab: Lab, place: str) -> None:
    talk = lab.talk()
    PLACES_TO_ACK[place](lab, talk)
    assert lab.verdict(talk, talk.say(b"\x00")) == "protocol_fault"


@BOTH
def test_octets_instead_of_an_acknowledgement_are_the_end(lab: Lab, version: str) -> None:
    talk = lab.talk(framed_mtu=300)
    talk.begin()
    talk.say(b"\x00" + lab.honest(version).turn(b""))
    assert talk.answer.eap[5] & MORE
    assert lab.verdict(talk, talk.say(b"\x00abc")) == "protocol_fault"


@BOTH
def test_a_piece_of_ours_that_is_not_acknowledged_is_sent_again_and_does_not_count_twice(
    lab: Lab, version: str
) -> None:
    talk, client = lab.talk(framed_mtu=300), lab.honest(version)
    talk.begin()
    talk.say(b"\x00" + client.turn(b""))
    gathered = talk.answer.eap[10:]
    while talk.answer.eap[5] & MORE:
        last = talk.answer.eap
        assert talk.say(b"\x00", identifier=talk.asked - 1).eap == last
        talk.say(b"\x00")
        gathered += talk.answer.eap[6:]
    client.turn(talk.flight(client.turn(gathered)))
    while talk.answer.code == CHALLENGE:
        talk.say(b"\x00")
    assert lab.verdict(talk, talk.answer) == "accept"
