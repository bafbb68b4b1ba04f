"""The state table: what it holds, what it refuses, and that no octets of a stranger lead anywhere but to a refusal."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nacd.eap import tls_server
from nacd.eap.fragments import Fragment
from nacd.eap.tls.certificate import Failure
from nacd.eap.tls_engine import TlsDone, TlsFailed, TlsWants, VerifiedPeer
from nacd.eap.tls_server import (
    TABLE,
    Expired,
    PeerAck,
    PeerFlight,
    PeerFragment,
    PeerGarbage,
    PeerNak,
    Proved,
    Refused,
    Send,
    State,
    TlsServer,
    peer_event,
)
from nacd.values import Secret

PEER = VerifiedPeer(chain=(b"x",), anchor="a", tls_version="TLSv1.3", cipher="c", msk=Secret(b""), session_id=b"")
FLIGHT = Fragment(more=False, start=False, has_length=False, declared=0, octets=b"x")
EVENTS = (
    PeerFragment(fragment=FLIGHT),
    PeerFlight(fragment=FLIGHT),
    PeerAck(),
    PeerNak(wanted=(25,)),
    PeerGarbage(reason="why"),
    TlsWants(outbound=b"x"),
    TlsDone(outbound=b"x", peer=PEER),
    TlsFailed(outbound=b"x", failure=Failure(code="why", reason="so")),
    Expired(),
)


@pytest.fixture(scope="module")
def context(kit, site):
    return kit.tls_context(site.server, {"root": [site.root]})


@pytest.fixture
def server(context):
    return TlsServer(context, 1000)


MISSING = [(state, event) for state in State for event in EVENTS if (state, type(event)) not in TABLE]


@pytest.mark.parametrize(("state", "event"), MISSING, ids=lambda value: getattr(value, "name", type(value).__name__))
def test_a_pair_the_table_does_not_have_is_refused_by_name(kit, server, state, event):
    server.state = state
    step = server.receive(event, kit.instant())
    assert isinstance(step, Refused)
    assert server.state is State.FAILED
    if isinstance(event, PeerGarbage):
        assert (step.failure.code, "why" in step.failure.reason) == ("bad_tls", True)
    else:
        assert step.failure.code == "protocol_fault"
        assert f"`{type(event).__name__}` is not expected in state `{state.name}`" in step.failure.reason


def test_only_an_acknowledgement_of_the_end_succeeds():
    successes = [pair for pair, action in TABLE.items() if action is TlsServer._succeed]
    assert successes == [(State.ESTABLISHED, PeerAck)]
    assert not [pair for pair in TABLE if pair[0] is State.SUCCEEDED]


def test_established_without_a_verified_peer_does_not_succeed(kit, server):
    server.state = State.ESTABLISHED
    assert isinstance(server.receive(PeerAck(), kit.instant()), Refused)


def test_nothing_leaves_failed(kit, server):
    server.receive(PeerAck(), kit.instant())
    for event in EVENTS:
        assert isinstance(server.receive(event, kit.instant()), Refused)
        assert server.state is State.FAILED


def test_every_state_but_the_two_last_can_expire():
    expiring = {state for state, event in TABLE if event is Expired}
    assert expiring == set(State) - {State.SUCCEEDED}


@pytest.mark.parametrize(
    ("body", "event"),
    [
        (b"\x00", PeerAck),
        (b"\x00x", PeerFlight),
        (b"\x80\x00\x00\x00\x01x", PeerFlight),
        (b"\x40x", PeerFragment),
        (b"\x40", PeerFragment),
        (b"\x20", PeerGarbage),
        (b"", PeerGarbage),
        (b"\x80\x00", PeerGarbage),
    ],
)
def test_a_response_is_named_by_its_flags(body, event):
    assert type(peer_event(body)) is event


def test_a_silent_peer_is_explained_by_where_it_stopped():
    at_start = tls_server.silent_peer(State.STARTED, handshaking=False, server="`CN=r`")
    in_the_middle = tls_server.silent_peer(State.SENDING, handshaking=True, server="`CN=r`")
    after_our_certificate = tls_server.silent_peer(State.HANDSHAKING, handshaking=True, server="`CN=r`")
    assert "never answered" in at_start.reason
    assert "path MTU" in in_the_middle.reason
    assert "`CN=r`" in after_our_certificate.reason


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(bodies=st.lists(st.binary(max_size=60), min_size=1, max_size=6))
def test_garbage_never_proves_anybody(kit, context, bodies):
    server = TlsServer(context, 1000)
    for body in bodies:
        step = server.receive(peer_event(body), kit.instant())
        assert not isinstance(step, Proved)
        assert isinstance(step, Refused) or not step.chain
        assert not server.handshaking


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    good=st.booleans(),
    version=st.sampled_from(["1.2", "1.3"]),
    spoil_round=st.integers(0, 3),
    place=st.floats(0, 1, exclude_max=True),
    bit=st.integers(0, 7),
)
def test_a_flipped_bit_never_turns_a_stranger_into_a_peer(
    kit, site, pki, context, supplicant, good, version, spoil_round, place, bit
):
    leaf = site.device if good else pki.issue("stranger", usages=kit.CLIENT)
    peer = supplicant(leaf, (site.sub,), version=version)
    server = TlsServer(context, 1000)
    step = Send(body=b"\x20")
    for number in range(20):
        request = b"\x01\x05" + (5 + len(step.body)).to_bytes(2, "big") + b"\x0d" + step.body
        body = bytearray(peer.answer(request)[5:])
        if number == spoil_round and len(body) > 6:
            body[int(place * len(body))] ^= 1 << bit
        step = server.receive(peer_event(bytes(body)), kit.instant())
        if not isinstance(step, Send):
            break
        assert good or not step.chain
    assert isinstance(step, Refused | Proved)
    assert good or isinstance(step, Refused)
