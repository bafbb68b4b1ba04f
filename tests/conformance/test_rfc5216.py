"""RFC 5216, The EAP-TLS Authentication Protocol."""

from __future__ import annotations

import struct
from collections.abc import Callable
from itertools import pairwise

import pytest

from nacd.sim.pki import COMPLIANT_GUID, SERVER_NAME, Authority, intune_uri
from nacd.sim.supplicant import Behaviour, Supplicant
from tests.conformance.octets import ACCEPT, CHALLENGE, REJECT, request
from tests.conformance.wire import Talk, Wire
from tests.server.house import House, Pki, Site

LENGTH, MORE, START = 0x80, 0x40, 0x20
FAILURE = 4
TalkTo = Callable[..., Talk]


def flights(said: Talk) -> list[list[bytes]]:
    """The EAP-TLS requests of nacd after the Start, flight by flight, as type-data (flags first)."""
    found: list[list[bytes]] = [[]]
    for eap in said.requests:
        if eap[0] != 1 or eap[4] != 13 or eap[5] & START:
            continue
        if eap[5:] == b"\0":
            continue  # an acknowledgement of the peer's fragment
        found[-1].append(eap[5:])
        if not eap[5] & MORE:
            found.append([])
    return [flight for flight in found if flight]


@pytest.fixture
def small_pieces(site: Site, build: Callable[..., House]) -> House:
    site.change("eap:\n", "eap:\n  fragment_size: 200\n")
    return build()


@pytest.mark.clause("RFC 5216 section 2.1.1", "the conversation begins with a Start: S bit set, no data")
def test_the_first_request_of_eap_tls_is_a_bare_start(wire: Wire) -> None:
    got = wire.ask(request((1, b"laptop"), (79, b"\x02\x01\x00\x0b\x01laptop")))
    assert got.code == CHALLENGE
    assert got.first(79)[4:] == bytes((13, START))


@pytest.mark.clause("RFC 5216 section 2.1.5", "the L bit is set on the first fragment")
def test_the_first_of_several_fragments_carries_the_length(small_pieces: House, pki: Pki, talk: TalkTo) -> None:
    cut = [flight for flight in flights(talk(small_pieces, pki.supplicant())) if len(flight) > 1]
    assert cut
    assert all(flight[0][0] & LENGTH for flight in cut)


@pytest.mark.clause("RFC 5216 section 2.1.5", "the M bit is set on all fragments but the last")
def test_every_fragment_but_the_last_promises_more(small_pieces: House, pki: Pki, talk: TalkTo) -> None:
    for flight in flights(talk(small_pieces, pki.supplicant())):
        assert [bool(piece[0] & MORE) for piece in flight] == [True] * (len(flight) - 1) + [False]


@pytest.mark.clause("RFC 5216 section 3.1", "the TLS Message Length is that of the whole message, before it was cut")
def test_the_announced_length_is_what_the_fragments_add_up_to(small_pieces: House, pki: Pki, talk: TalkTo) -> None:
    for flight in flights(talk(small_pieces, pki.supplicant())):
        if len(flight) > 1:
            rest = sum(len(piece) - 1 for piece in flight[1:])
            assert struct.unpack("!I", flight[0][1:5])[0] == len(flight[0]) - 5 + rest


@pytest.mark.clause("RFC 5216 section 2.1.5", "the Identifier is new in each request with a fragment")
def test_each_request_has_an_identifier_of_its_own(small_pieces: House, pki: Pki, talk: TalkTo) -> None:
    said = talk(small_pieces, pki.supplicant())
    numbers = [eap[1] for eap in said.requests if eap[0] == 1]
    assert all((after - before) % 256 == 1 for before, after in pairwise(numbers))


@pytest.mark.clause("RFC 5216 section 2.1.5", "the peer's fragments are acknowledged one by one, without data")
def test_each_fragment_of_the_peer_is_acknowledged(house: House, pki: Pki, talk: TalkTo) -> None:
    supplicant = pki.supplicant()
    supplicant.fragment_size = 100
    said = talk(house, supplicant)
    assert said.last.code == ACCEPT
    promised = [at for at, eap in enumerate(said.responses) if eap[4] == 13 and len(eap) > 5 and eap[5] & MORE]
    assert len(promised) > 5
    assert {said.requests[at][4:] for at in promised} == {b"\x0d\0"}


@pytest.mark.clause("RFC 5216 section 2.1.5", "a message in many fragments is put together whatever their size")
@pytest.mark.parametrize("size", [100, 500, 1024, 1400])
def test_fragments_of_any_size_make_one_handshake(house: House, pki: Pki, talk: TalkTo, size: int) -> None:
    supplicant = pki.supplicant()
    supplicant.fragment_size = size
    assert talk(house, supplicant).last.code == ACCEPT


@pytest.mark.clause("RFC 5216 section 2.1.5", "chains larger than one packet pass in both directions")
def test_a_chain_of_eight_certificates_passes_both_ways(site: Site, build: Callable[..., House], talk: TalkTo) -> None:
    root = Authority.root("long chain root")
    issuing = root.intermediates(6)
    device = issuing.issue_client("laptop", uris=[intune_uri(COMPLIANT_GUID)])
    world = Pki(root=root, server=issuing.issue_server(SERVER_NAME), laptop=device)
    site.serve_with(world.server)
    site.write("devices-ca.pem", root.root_pem)
    said = talk(build(), world.supplicant(tls="1.2"))
    assert said.last.code == ACCEPT
    assert max(len(flight) for flight in flights(said)) > 2
    assert sum(eap[4] == 13 and len(eap) > 5 and bool(eap[5] & MORE) for eap in said.responses) > 2


@pytest.mark.clause("RFC 5216 section 2.1.5", "the L bit may stand on every fragment of the peer, or on none")
@pytest.mark.parametrize("when", ["first", "every", "never", "always"])
def test_a_peer_may_set_the_length_flag_as_it_likes(house: House, pki: Pki, talk: TalkTo, when: str) -> None:
    supplicant = pki.supplicant()
    supplicant.fragment_size = 300
    supplicant.behaviour = Behaviour(length_flag=when)  # type: ignore[arg-type]
    assert talk(house, supplicant).last.code == ACCEPT


def started(wire: Wire) -> tuple[bytes, int]:
    """State and Identifier of a conversation that waits for a ClientHello."""
    got = wire.ask(request((1, b"laptop"), (79, b"\x02\x01\x00\x0b\x01laptop")))
    return got.first(24), got.first(79)[1]


def tls(identifier: int, body: bytes) -> list[tuple[int, bytes]]:
    eap = struct.pack("!BBHB", 2, identifier, 5 + len(body), 13) + body
    return [(79, eap[at : at + 253]) for at in range(0, len(eap), 253)]


@pytest.mark.clause("RFC 5216 section 2.1.5", "fragments that exceed the announced length end the conversation")
@pytest.mark.parametrize("announced", [10, 2**31])
def test_a_message_that_is_not_as_long_as_announced_is_refused(wire: Wire, announced: int) -> None:
    state, identifier = started(wire)
    body = struct.pack("!BI", LENGTH, announced) + bytes(50)
    got = wire.ask(request((1, b"laptop"), *tls(identifier, body), (24, state)))
    assert got.code == REJECT
    assert got.first(79)[0] == FAILURE


@pytest.mark.clause("RFC 5216 section 2.1.5", "a server guards itself against fragments without end")
def test_a_first_flight_of_a_megabyte_is_refused_long_before(wire: Wire) -> None:
    state, identifier = started(wire)
    codes = []
    while len(codes) < 20 and REJECT not in codes:
        got = wire.ask(request((1, b"laptop"), *tls(identifier, bytes((MORE,)) + bytes(1000)), (24, state)))
        codes.append(got.code)
        identifier = got.first(79)[1]
    assert codes[-1] == REJECT


@pytest.mark.clause("RFC 5216 section 2.1.3", "a failed handshake: TLS alert first, then EAP-Failure")
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_an_untrusted_client_hears_an_alert_and_then_a_failure(
    house: House, pki: Pki, talk: TalkTo, version: str
) -> None:
    stranger = Authority.root("somebody else").issue_client("laptop")
    supplicant = pki.supplicant(stranger, tls=version)
    said = talk(house, supplicant)
    assert "alert unknown ca" in supplicant.problem  # its own OpenSSL read it
    assert len(said.requests[-2]) > 6
    assert (said.last.code, said.last.eap[0]) == (REJECT, FAILURE)


@pytest.mark.clause("RFC 5216 section 5.3", "a peer without a certificate is not authenticated")
def test_a_supplicant_without_a_certificate_is_refused(house: House, pki: Pki, talk: TalkTo) -> None:
    bare = Supplicant(identity="host/laptop", ca_pem=pki.root.root_pem, server_name=SERVER_NAME)
    assert talk(house, bare).last.code == REJECT


@pytest.mark.clause("RFC 5216 section 5.3", "an expired client certificate is not accepted")
def test_an_expired_certificate_is_refused(house: House, pki: Pki, talk: TalkTo) -> None:
    expired = pki.root.issue_client("laptop", starts_s=-7200.0, lasts_s=3600.0)
    assert talk(house, pki.supplicant(expired)).last.code == REJECT
    assert house.records("access.eap_failed")[-1]["eap"]["failure"] == "certificate_expired"


@pytest.mark.clause("RFC 5216 section 2.3", "MS-MPPE keys = the two halves of the MSK: PRF 'client EAP encryption'")
def test_the_keys_of_tls_12_are_those_the_peer_works_out(house: House, pki: Pki) -> None:
    result = house.login(pki.supplicant(tls="1.2"))
    assert (result.tls_version, result.keys) == ("TLSv1.2", "match")


@pytest.mark.clause("RFC 5216 section 2.1.1", "a peer that wants another method is refused with EAP-Failure")
def test_a_supplicant_that_wants_peap_is_refused(house: House, pki: Pki, talk: TalkTo) -> None:
    supplicant = pki.supplicant()
    supplicant.behaviour = Behaviour(nak_to=25)
    said = talk(house, supplicant)
    assert (said.last.code, said.last.eap[0]) == (REJECT, FAILURE)
