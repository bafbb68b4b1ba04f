"""Supplicants and NASes that leave the path of one conversation, over UDP against a whole nacd."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from nacd.sim.pki import NEWCOMER_GUID, intune_uri
from tests.hostile.certificates import device
from tests.hostile.conftest import Lab
from tests.hostile.wire import (
    ACCEPT,
    CHALLENGE,
    FAILURE,
    IDENTITY,
    NAK,
    NOTIFICATION,
    REQUEST,
    RESPONSE,
    SILENCE,
    SUCCESS,
    TLS,
    Talk,
    eap_packet,
    fragments,
)
from tests.server.house import House, Pki, Register, Site, soon

BOTH = pytest.mark.parametrize("version", ["1.2", "1.3"])
PLACES: dict[str, Callable[[Lab, Talk], object]] = {
    "after the start": lambda _, talk: talk.begin(),
    "in the client's first flight": lambda lab, talk: (
        talk.begin(),
        talk.say(fragments(lab.honest().turn(b""), 100)[0]),
    ),
    "after the server's flight": lambda lab, talk: talk.until_server_flight(lab.honest()),
    "in the client's second flight": lambda lab, talk: talk.say(
        fragments(talk.until_server_flight(lab.honest()), 200)[0]
    ),
    "one acknowledgement before the end": lambda lab, talk: talk.until_established(lab.honest()),
}
EVERYWHERE = pytest.mark.parametrize("place", PLACES)


def begin_anew(lab: Lab, talk: Talk) -> str:
    """The same endpoint from the beginning, as its NAS lets it."""
    again = Talk(talk.box)
    return lab.verdict(again, again.login(lab.honest()))


# -- beginning anew -----------------------------------------------------------------------------


@EVERYWHERE
@pytest.mark.parametrize("with_state", [True, False])
def test_an_identity_in_the_middle_begins_anew(lab: Lab, place: str, with_state: bool) -> None:
    talk = lab.talk()
    PLACES[place](lab, talk)
    old = talk.state
    talk.say(talk.identity, method=IDENTITY, state=old if with_state else b"")
    assert talk.answer.is_start
    assert talk.state != old
    assert lab.books.waiting == 1, "the old conversation is gone"
    assert lab.books.handshaking == 0
    client = lab.honest()
    flight = client.turn(b"")
    while talk.answer.code == CHALLENGE:
        flight = client.turn(talk.flight(flight))
    assert lab.verdict(talk, talk.answer) == "accept"
    dead = talk.say(b"\x00", state=old)
    assert dead.is_failure
    assert lab.verdict(talk, dead) == "conversation_unknown"


@EVERYWHERE
def test_an_eap_start_in_the_middle_is_asked_who_is_there(lab: Lab, place: str) -> None:
    talk = lab.talk()
    PLACES[place](lab, talk)
    talk.ask(b"", talk.state)
    assert talk.answer.code == CHALLENGE
    assert talk.answer.eap[4:] == bytes((IDENTITY,))
    assert lab.books.handshaking == 0
    assert talk.say(talk.identity, method=IDENTITY).is_start
    assert begin_anew(lab, talk) == "accept"


@EVERYWHERE
def test_whoever_leaves_in_the_middle_may_come_back_at_once(lab: Lab, place: str) -> None:
    talk = lab.talk()
    PLACES[place](lab, talk)
    assert begin_anew(lab, talk) == "accept"
    assert lab.held == (0, 0, 0)


# -- identifiers and States ---------------------------------------------------------------------


@EVERYWHERE
@pytest.mark.parametrize("distance", [1, 128, 255])
def test_another_eap_identifier_gets_the_last_request_again(lab: Lab, place: str, distance: int) -> None:
    talk = lab.talk()
    PLACES[place](lab, talk)
    last = talk.answer.eap
    answer = talk.say(b"\x00", identifier=(talk.asked + distance) & 255)
    assert answer.code == CHALLENGE
    assert answer.eap == last
    assert answer.ignored


@EVERYWHERE
@pytest.mark.parametrize("code", [REQUEST, SUCCESS, FAILURE, 0, 5, 255])
def test_only_a_response_of_the_peer_moves_anything(lab: Lab, place: str, code: int) -> None:
    talk = lab.talk()
    PLACES[place](lab, talk)
    last = talk.answer.eap
    bare = struct.pack("!BBH", code, talk.asked, 4)
    for eap in (bare, eap_packet(code, talk.asked, TLS, b"\x00"), eap_packet(code, talk.asked, IDENTITY, b"host/x")):
        answer = talk.ask(eap, talk.state)
        assert answer.eap == last
        assert answer.ignored


@pytest.mark.parametrize("code", [REQUEST, SUCCESS, FAILURE, 0, 5, 255])
def test_nothing_begins_with_anything_but_a_response(lab: Lab, code: int) -> None:
    talk = lab.talk()
    answer = talk.ask(struct.pack("!BBH", code, 9, 4), b"")
    assert answer.is_failure
    assert lab.verdict(talk, answer) == "invalid_eap"
    assert lab.held == (0, 0, 0)


@BOTH
def test_a_state_nobody_gave_is_refused_and_the_conversation_goes_on(lab: Lab, version: str) -> None:
    talk, client = lab.talk(), lab.honest(version)
    flight = talk.until_server_flight(client)
    stranger = Talk(talk.box)
    for state in (os.urandom(17), bytes(17), b"\x01" + talk.state[1:], talk.state[:-1], talk.state + b"\x00", b"\x00"):
        assert lab.verdict(stranger, stranger.say(b"\x00", state=state)) == "conversation_unknown"
    client.turn(talk.flight(flight))
    assert lab.verdict(talk, talk.say(b"\x00")) == "accept"


def test_the_state_of_another_conversation_disturbs_neither(lab: Lab) -> None:
    one, other = lab.talk(), lab.talk()
    client, also = lab.honest(), lab.honest()
    flight, too = one.until_server_flight(client), other.until_server_flight(also)
    last = one.answer.eap
    answer = other.box.ask(eap_packet(RESPONSE, one.asked + 3, TLS, b"\x00"), one.state)
    assert answer.ignored
    assert answer.eap == last
    for talk, peer, rest in ((one, client, flight), (other, also, too)):
        peer.turn(talk.flight(rest))
        assert lab.verdict(talk, talk.say(b"\x00")) == "accept"


def test_the_flight_of_another_conversation_fits_no_handshake_but_its_own(lab: Lab) -> None:
    one, other = lab.talk(), lab.talk()
    one.until_server_flight(lab.honest())
    flight = other.until_server_flight(lab.honest())
    one.flight(flight)
    assert lab.verdict(one, one.say(b"\x00")) == "bad_tls"


def test_a_state_is_worth_nothing_from_another_nas(lab: Lab) -> None:
    talk, client = lab.talk(), lab.honest()
    talk.until_established(client)
    elsewhere = lab.talk(source="127.0.0.2", mac=talk.box.mac, nas_port=talk.box.nas_port)
    answer = elsewhere.say(b"\x00", state=talk.state, identifier=talk.asked)
    assert lab.verdict(elsewhere, answer) == "conversation_unknown"
    assert lab.verdict(talk, talk.say(b"\x00")) == "accept"


# -- the dead -----------------------------------------------------------------------------------


@BOTH
def test_after_an_accept_its_conversation_is_over(lab: Lab, version: str) -> None:
    talk = lab.talk()
    talk.login(lab.honest(version))
    talk.box.patience_s = 0.2
    assert talk.say(b"\x00").code == SILENCE, "the response that ended it must not be overtaken by a Reject"
    talk.box.patience_s = 3.0
    assert lab.verdict(talk, talk.say(b"\x00", identifier=talk.asked + 1)) == "conversation_unknown"
    assert begin_anew(lab, talk) == "accept"


def test_after_a_reject_its_conversation_is_over(lab: Lab) -> None:
    talk = lab.talk()
    assert lab.verdict(talk, talk.login(lab.client(None))) == "no_client_certificate"
    for body in (b"\x00", b"\x80\x00\x00\x00\x00", lab.honest().turn(b"")):
        assert lab.verdict(talk, talk.say(body)) == "conversation_unknown"
    assert begin_anew(lab, talk) == "accept"


@EVERYWHERE
def test_a_peer_that_falls_silent_is_forgotten_and_reported(lab: Lab, place: str) -> None:
    talk = lab.talk()
    PLACES[place](lab, talk)
    abandoned = lab.books.abandoned
    lab.let_expire()
    assert lab.held == (0, 0, 0)
    assert lab.books.abandoned == abandoned + 1
    record = lab.record(talk)
    assert (record["event"], record["eap"]["failure"]) == ("access.eap_failed", "peer_silent")
    assert lab.verdict(talk, talk.say(b"\x00")) == "conversation_unknown"
    assert begin_anew(lab, talk) == "accept"


def test_a_conversation_does_not_outlive_its_server(lab: Lab, tmp_path: Path) -> None:
    site = Site(tmp_path, Pki.make())
    site.write("devices-ca.pem", lab.root.pem)
    first = House(site, Register())
    try:
        talk = Talk(lab.talk(mac="02-00-5E-00-00-77").box)
        talk.box._to = ("127.0.0.1", first.ports[0])
        talk.box.elsewhere()
        talk.until_established(lab.honest())
    finally:
        first.close()
    second = House(site, Register())
    try:
        talk.box._to = ("127.0.0.1", second.ports[0])
        answer = Talk(talk.box.elsewhere()).say(b"\x00", state=talk.state, identifier=talk.asked)
        assert answer.is_failure
        assert second.records()[-1]["eap"]["failure"] == "conversation_unknown"
        assert Talk(talk.box).login(lab.honest()).code == ACCEPT
    finally:
        second.close()


# -- ports --------------------------------------------------------------------------------------


@BOTH
def test_a_nas_may_use_another_udp_port_for_every_packet(lab: Lab, version: str) -> None:
    talk, client = lab.talk(), lab.honest(version)
    talk.begin()
    flight = client.turn(b"")
    while talk.answer.code == CHALLENGE:
        talk.box.elsewhere()
        flight = client.turn(talk.flight(flight, 150))
    assert lab.verdict(talk, talk.answer) == "accept"


@BOTH
def test_a_retransmission_from_another_port_is_no_second_response(lab: Lab, version: str) -> None:
    talk, client = lab.talk(), lab.honest(version)
    flight = talk.until_server_flight(client)
    for piece in fragments(flight, 200):
        talk.say(piece)
        last = talk.answer.eap
        again = talk.box.elsewhere().again()
        assert again.eap == last
        assert again.ignored
    client.turn(talk.collect())
    assert lab.verdict(talk, talk.say(b"\x00")) == "accept"
    talk.box.patience_s = 0.2
    assert talk.box.elsewhere().again().code == SILENCE


def test_a_retransmission_from_the_same_port_gets_the_same_octets(lab: Lab) -> None:
    talk, client = lab.talk(), lab.honest()
    flight = talk.until_server_flight(client)
    for piece in fragments(flight, 200):
        assert talk.say(piece) == talk.box.again() == talk.box.again()
    client.turn(talk.collect())
    accepted = talk.say(b"\x00")
    assert accepted.code == ACCEPT
    assert talk.box.again() == accepted


def test_one_mac_on_two_ports_is_two_conversations(lab: Lab) -> None:
    one = lab.talk()
    other = lab.talk(mac=one.box.mac)
    client, also = lab.honest(), lab.honest()
    flight, too = one.until_server_flight(client), other.until_server_flight(also)
    assert lab.books.handshaking == 2
    for talk, peer, rest in ((one, client, flight), (other, also, too)):
        peer.turn(talk.flight(rest))
        assert lab.verdict(talk, talk.say(b"\x00")) == "accept"


def test_of_two_supplicants_with_one_mac_on_one_port_the_later_one_stays(lab: Lab) -> None:
    one = lab.talk()
    other = lab.talk(mac=one.box.mac, nas_port=one.box.nas_port)
    one.until_server_flight(lab.honest())
    client = lab.honest()
    flight = other.until_server_flight(client)
    assert lab.books.handshaking == 1
    assert lab.verdict(one, one.say(b"\x00")) == "conversation_unknown"
    client.turn(other.flight(flight))
    assert lab.verdict(other, other.say(b"\x00")) == "accept"


# -- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [b"host/somebody-else", b"administrator", b"\xff\x00\r\n`", b"", b"a" * 200])
def test_a_name_told_by_the_peer_or_the_nas_names_nobody(lab: Lab, name: bytes) -> None:
    talk = lab.talk(identity=name)
    client = lab.honest()
    flight = talk.until_server_flight(client)
    talk.box.user = b"host/another-again"
    client.turn(talk.flight(flight))
    assert lab.verdict(talk, talk.say(b"\x00")) == "accept"
    record = lab.record(talk)
    assert record["identity"]["source"] == "certificate"
    assert record["certificate"]["subject"] == "CN=laptop"


def test_a_printer_by_name_has_to_show_a_certificate_like_everybody(lab: Lab) -> None:
    printer = b"001185aabbcc"
    talk = lab.talk(identity=printer, mac="00-11-85-AA-BB-CC")
    talk.box.user = printer
    answer = talk.begin()
    assert answer.is_start
    assert lab.verdict(talk, talk.login(lab.client(None))) == "no_client_certificate"


# -- methods ------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", [b"\x19", b"\x00", b"\x04\x15", b""])
def test_a_nak_before_tls_is_told_what_to_set(lab: Lab, wanted: bytes) -> None:
    talk = lab.talk()
    talk.begin()
    assert lab.verdict(talk, talk.say(wanted, method=NAK)) == "method_refused"


@pytest.mark.parametrize("place", [place for place in PLACES if place != "after the start"])
@pytest.mark.parametrize("wanted", [b"\x19", b"\x0d"])
def test_a_nak_after_tls_began_ends_it(lab: Lab, place: str, wanted: bytes) -> None:
    talk = lab.talk()
    PLACES[place](lab, talk)
    assert lab.verdict(talk, talk.say(wanted, method=NAK)) == "protocol_fault"
    assert lab.held == (0, 0, 0)


@EVERYWHERE
@pytest.mark.parametrize("method", [NOTIFICATION, 4, 21, 25, 43, 254, 255])
def test_another_method_in_the_middle_gets_the_last_request_again(lab: Lab, place: str, method: int) -> None:
    talk = lab.talk()
    PLACES[place](lab, talk)
    last = talk.answer.eap
    answer = talk.say(b"\x00\x00\x00\x00\x00\x00\x03\x19", method=method)
    assert answer.eap == last
    assert answer.ignored


def test_a_nak_for_eap_tls_cannot_go_on_for_ever(lab: Lab) -> None:
    talk = lab.talk()
    talk.begin()
    for _ in range(100):
        assert talk.say(b"\x0d", method=NAK).is_start
    assert lab.verdict(talk, talk.say(b"\x0d", method=NAK)) == "too_many_rounds"


# -- while Intune is asked ----------------------------------------------------------------------


def test_whoever_begins_anew_while_intune_is_asked_disturbs_no_answer(lab: Lab) -> None:
    talk, client = lab.talk(), lab.client(device(lab.root, uris=(intune_uri(NEWCOMER_GUID),)))
    register = lab.house.register
    register.open.clear()
    try:
        client.turn(talk.until_established(client))
        talk.box.patience_s = 0.1
        assert talk.say(b"\x00").code == SILENCE, "the register is being asked"
        later = lab.talk(mac=talk.box.mac, nas_port=talk.box.nas_port)
        assert later.begin().is_start
        again = Talk(talk.box.elsewhere())
        assert again.say(b"\x00", state=talk.state, identifier=talk.asked).code == SILENCE, "no Reject overtakes it"
    finally:
        register.open.set()
    assert soon(lambda: any(talk.box.mac in line for line in lab.lines()))
    assert lab.record(talk)["identity"]["id"] == NEWCOMER_GUID
    flight = lab.honest()
    octets = flight.turn(b"")
    while later.answer.code == CHALLENGE:
        octets = flight.turn(later.flight(octets))
    assert lab.verdict(later, later.answer) == "accept"
