"""Whole EAP conversations against a supplicant of our own, and the limits of the room."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import struct
from datetime import timedelta

import pytest

from nacd.eap.conversations import owner
from nacd.values import Challenge, EapFailed, Md5Verified, Nas, PeerAuthenticated

BOTH = pytest.mark.parametrize("version", ["1.2", "1.3"])


@pytest.fixture(scope="module")
def context(kit, site):
    return kit.tls_context(site.server, {"devices": [site.sub], "root": [site.root]})


@pytest.fixture
def talk(kit, context):
    return kit.conversations(context)


# -- the keys a second time, out of the peer's TLS key log, so that a wrong exporter cannot agree with itself


def _secrets(peer, label: str) -> list[bytes]:
    lines = [line.split() for line in peer.keylog.read_text().splitlines() if line.startswith(label + " ")]
    return [bytes.fromhex(line[2]) for line in lines]


def _randoms(peer) -> tuple[bytes, bytes]:
    line = next(text for text in peer.keylog.read_text().splitlines() if not text.startswith("#"))
    at = peer.received.index(b"\x02", 5)  # ServerHello: type, length 3, version 2, random 32
    return bytes.fromhex(line.split()[1]), bytes(peer.received[at + 6 : at + 38])


def keys(peer) -> tuple[bytes, bytes]:
    """(MSK, Session-Id) as this side of the conversation has them."""
    digest = "sha384" if "384" in peer.tls.cipher()[0] else "sha256"
    if peer.tls.version() == "TLSv1.2":
        client, server = _randoms(peer)
        master = _secrets(peer, "CLIENT_RANDOM")[0]
        material = _prf(master, b"client EAP encryption" + client + server, 128, digest)
        return material[:64], b"\x0d" + client + server
    secret = _secrets(peer, "EXPORTER_SECRET")[0]
    material = _exporter(secret, b"EXPORTER_EAP_TLS_Key_Material", b"\x0d", 128, digest)
    return material[:64], b"\x0d" + _exporter(secret, b"EXPORTER_EAP_TLS_Method-Id", b"\x0d", 64, digest)


def _prf(secret: bytes, seed: bytes, size: int, digest: str) -> bytes:
    """RFC 5246 section 5."""
    out, a = b"", seed
    while len(out) < size:
        a = hmac.digest(secret, a, digest)
        out += hmac.digest(secret, a + seed, digest)
    return out[:size]


def _expand(secret: bytes, label: bytes, context: bytes, size: int, digest: str) -> bytes:
    """RFC 8446 section 7.1."""
    full = b"tls13 " + label
    info = struct.pack("!HB", size, len(full)) + full + bytes([len(context)]) + context
    out = block = b""
    for counter in itertools.count(1):
        if len(out) >= size:
            return out[:size]
        block = hmac.digest(secret, block + info + bytes([counter]), digest)
        out += block
    raise AssertionError


def _exporter(secret: bytes, label: bytes, context: bytes, size: int, digest: str) -> bytes:
    """RFC 8446 section 7.5."""
    derived = _expand(secret, label, hashlib.new(digest).digest(), hashlib.new(digest).digest_size, digest)
    return _expand(derived, b"exporter", hashlib.new(digest, context).digest(), size, digest)


# -- logins ---


@BOTH
def test_a_good_certificate_authenticates_with_the_keys_the_peer_has(kit, site, talk, supplicant, version):
    peer = supplicant(site.device, [site.sub], version=version, trust=[site.root])
    steps = kit.login(talk, peer)
    done = steps[-1]
    assert isinstance(done, PeerAuthenticated), done
    assert done.chain == (site.device.der, site.sub.der)
    assert done.anchor == "devices"
    assert done.tls_version == f"TLSv{version}"
    assert (done.msk.reveal(), done.session_id) == keys(peer)
    assert done.peer_identity == "host/laptop-7.contoso.test"
    last = peer.requests[-1][1]
    assert done.success == bytes([3, last, 0, 4])
    assert done.failure == bytes([4, last, 0, 4])
    assert talk.counters.authenticated == 1
    assert (talk.counters.waiting, talk.counters.handshaking, talk.counters.held_octets) == (0, 0, 0)


@BOTH
def test_the_chain_comes_one_round_before_the_end_and_not_sooner(kit, site, talk, supplicant, version):
    steps = kit.login(talk, supplicant(site.device, [site.sub], version=version))
    assert [bool(step.chain) for step in steps[:-1]] == [False] * (len(steps) - 2) + [True]
    assert steps[-2].anchor == "devices"


def test_tls13_ends_with_one_commitment_octet_and_tls12_with_none(kit, site, talk, supplicant):
    for version, octets in (("1.2", b""), ("1.3", b"\x00")):
        peer = supplicant(site.device, version=version)
        assert isinstance(kit.login(talk, peer)[-1], PeerAuthenticated)
        assert peer.application == octets


@BOTH
@pytest.mark.parametrize("size", [100, 250, 500, 1024, 1400])
def test_fragments_of_any_size_pass_both_ways(kit, site, context, supplicant, version, size):
    talk = kit.conversations(context, fragment_size=size)
    peer = supplicant(site.device, [site.sub], version=version, fragment=size, announce_length=size != 500)
    steps = kit.login(talk, peer)
    assert isinstance(steps[-1], PeerAuthenticated), steps[-1]
    assert max(len(request) for request in peer.requests) <= size
    assert (steps[-1].msk.reveal(), steps[-1].session_id) == keys(peer)


def test_framed_mtu_limits_what_we_send(kit, site, context, supplicant):
    peer = supplicant(site.device)
    assert isinstance(kit.login(kit.conversations(context), peer, framed_mtu=400)[-1], PeerAuthenticated)
    assert 380 < max(len(request) for request in peer.requests) <= 396


def test_a_flight_in_one_packet_has_no_length_field(kit, site, context, supplicant):
    peer = supplicant(site.device, fragment=4000)
    kit.login(kit.conversations(context, fragment_size=3000, path_mtu=4000), peer)
    assert [request[5] for request in peer.requests] == [0x20, 0x00, 0x00]


def test_an_eap_start_is_answered_with_an_identity_request(kit, site, talk, supplicant):
    asked = talk.receive(kit.access_request(b""), kit.instant())
    assert asked.eap[0] == 1
    assert asked.eap[4:] == b"\x01"
    peer = supplicant(site.device)
    eap, state = peer.answer(asked.eap), asked.state
    while isinstance(step := talk.receive(kit.access_request(eap, state), kit.instant()), Challenge):
        assert step.state == state
        eap = peer.answer(step.eap)
    assert isinstance(step, PeerAuthenticated)
    assert talk.counters.started == 1


def test_state_carries_the_worker_and_cannot_be_guessed(kit, context):
    talk = kit.conversations(context, worker=7)
    first = talk.receive(kit.access_request(kit.response(1, 1, b"a"), calling_station_id="a"), kit.instant())
    second = talk.receive(kit.access_request(kit.response(1, 1, b"a"), calling_station_id="b"), kit.instant())
    assert owner(first.state) == owner(second.state) == 7
    assert len(first.state) == 17
    assert first.state != second.state
    assert owner(b"") == 0


def test_a_conversation_belongs_to_the_address_it_began_from(kit, site, talk, supplicant):
    peer = supplicant(site.device)
    step = talk.receive(kit.access_request(kit.response(1, 1)), kit.instant())
    answer = peer.answer(step.eap)
    stolen = talk.receive(kit.access_request(answer, step.state, source="10.20.0.2"), kit.instant())
    assert isinstance(stolen, EapFailed)
    assert stolen.code == "conversation_unknown"
    assert stolen.eap == bytes([4, answer[1], 0, 4])
    assert isinstance(talk.receive(kit.access_request(answer, step.state), kit.instant()), Challenge)


def test_a_silent_peer_is_forgotten_and_its_state_too(kit, site, talk, supplicant):
    peer = supplicant(site.device)
    step = talk.receive(kit.access_request(kit.response(1, 1, b"me")), kit.instant(monotonic=0))
    late = talk.receive(kit.access_request(peer.answer(step.eap), step.state), kit.instant(monotonic=30))
    assert isinstance(late, EapFailed)
    assert late.code == "conversation_unknown"
    (gone,) = talk.expire(kit.instant(monotonic=31))
    assert gone.failure.code == "peer_silent"
    assert "never answered the start" in gone.failure.reason
    assert (gone.peer_identity, gone.source, gone.nas) == ("me", "10.20.0.1", "switch-1")
    assert talk.expire(kit.instant(monotonic=99)) == ()
    assert talk.counters.abandoned == 1


def test_a_peer_silent_after_our_certificate_is_reported_with_that_certificate(kit, site, talk, supplicant):
    peer = supplicant(site.device)
    eap, state = kit.response(1, 1), b""
    for _ in range(2):
        step = talk.receive(kit.access_request(eap, state), kit.instant(monotonic=0))
        eap, state = peer.answer(step.eap), step.state
    assert talk.counters.handshaking == 1
    (gone,) = talk.expire(kit.instant(monotonic=30))
    assert "does not trust" in gone.failure.reason
    assert "CN=radius.contoso.test" in gone.failure.reason
    assert talk.counters.handshaking == 0


@pytest.mark.parametrize(("rounds", "counted"), [(48, False), (49, True)])
def test_a_peer_silent_after_many_rounds_is_told_of_as_one_that_gave_up_counting(
    kit, site, context, supplicant, rounds, counted
):
    talk, peer = kit.conversations(context), supplicant(site.device, [site.sub], fragment=20)
    eap, state = kit.response(1, 1), b""
    for _ in range(rounds + 1):
        step = talk.receive(kit.access_request(eap, state), kit.instant(monotonic=0))
        eap, state = peer.answer(step.eap), step.state
    (gone,) = talk.expire(kit.instant(monotonic=30))
    assert gone.failure.code == "peer_silent"
    assert (f"went silent after {rounds} rounds; many give up" in gone.failure.reason) == counted
    assert ("are large packets lost" in gone.failure.reason) != counted


def test_an_alert_the_peer_never_acknowledges_is_still_reported(kit, pki, site, talk, supplicant):
    stranger = pki.issue("stranger", usages=kit.CLIENT)
    peer = supplicant(stranger, version="1.2")
    eap, state = kit.response(1, 1), b""
    while not peer.error:
        step = talk.receive(kit.access_request(eap, state), kit.instant(monotonic=0))
        eap, state = peer.answer(step.eap), step.state
    assert talk.counters.handshaking == 0
    (gone,) = talk.expire(kit.instant(monotonic=30))
    assert gone.failure.code == "unknown_ca"
    assert gone.failure.subject == "CN=stranger"


def test_a_new_beginning_replaces_the_old_conversation_of_a_station(kit, talk):
    for number in range(5):
        talk.receive(kit.access_request(kit.response(number, 1)), kit.instant())
    assert talk.counters.waiting == 1
    assert talk.expire(kit.instant()) == ()


def test_a_response_to_the_replaced_conversation_is_told_why_that_one_may_be_over(kit, site, talk, supplicant):
    step = talk.receive(kit.access_request(kit.response(1, 1)), kit.instant())
    talk.receive(kit.access_request(kit.response(1, 1)), kit.instant())
    late = talk.receive(kit.access_request(supplicant(site.device).answer(step.eap), step.state), kit.instant())
    assert isinstance(late, EapFailed)
    assert "given up for a newer one of the same endpoint" in late.reason


def test_users_behind_one_vpn_address_do_not_replace_each_other(kit, talk):
    for user in ("ada", "bob"):
        talk.receive(kit.access_request(kit.response(1, 1), nas_port_type="Virtual", user_name=user), kit.instant())
    assert talk.counters.waiting == 2


def test_stations_without_a_name_do_not_replace_each_other(kit, talk):
    for _ in range(3):
        talk.receive(kit.access_request(kit.response(1, 1), calling_station_id=""), kit.instant())
    assert talk.counters.waiting == 3


def test_a_first_flight_larger_than_any_client_hello_is_refused(kit, talk):
    step = talk.receive(kit.access_request(kit.response(1, 1)), kit.instant())
    while isinstance(step, Challenge):
        body = b"\x40" + b"x" * 1400
        step = talk.receive(kit.access_request(kit.response(step.eap[1], 13, body), step.state), kit.instant())
    assert step.code == "bad_tls"
    assert "16384" in step.reason


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (b"\x19", "PEAP"),
        (b"\x15\x1a", "EAP-TTLS or EAP-MSCHAPv2"),
        (b"\x37", "TEAP"),
        (b"\x00", "no other method"),
        (b"", "no other"),
    ],
)
def test_a_nak_is_answered_with_what_to_set_on_the_device(kit, talk, wanted, words):
    step = talk.receive(kit.access_request(kit.response(1, 1, b"ada@contoso.test")), kit.instant())
    refused = talk.receive(kit.access_request(kit.response(step.eap[1], 3, wanted), step.state), kit.instant())
    assert refused.code == "method_refused"
    assert words in refused.reason
    assert "EAP-TLS" in refused.reason
    assert refused.peer_identity == "ada@contoso.test"
    assert refused.eap == bytes([4, step.eap[1], 0, 4])


def test_a_nak_that_names_eap_tls_gets_another_start(kit, talk):
    step = talk.receive(kit.access_request(kit.response(1, 1)), kit.instant())
    again = talk.receive(kit.access_request(kit.response(step.eap[1], 3, b"\x0d"), step.state), kit.instant())
    assert again.eap[4:] == b"\x0d\x20"


@BOTH
def test_a_tls_session_is_never_resumed(kit, site, talk, supplicant, version):
    client = supplicant.context(site.device, version=version)
    first = supplicant(site.device, context=client)
    assert isinstance(kit.login(talk, first)[-1], PeerAuthenticated)
    again = supplicant(site.device, context=client, session=first.tls.session)
    assert isinstance(kit.login(talk, again)[-1], PeerAuthenticated)
    assert not again.tls.session_reused


def test_a_new_context_serves_new_conversations_and_leaves_old_ones_alone(kit, pki, site, supplicant):
    talk = kit.conversations(kit.tls_context(site.server, {"old": [site.root]}))
    peer = supplicant(site.device, [site.sub])
    step = talk.receive(kit.access_request(kit.response(1, 1)), kit.instant())
    talk.context = kit.tls_context(site.server, {"new": [site.root]})
    while isinstance(step, Challenge):
        step = talk.receive(kit.access_request(peer.answer(step.eap), step.state), kit.instant())
    assert step.anchor == "old"
    assert kit.login(talk, supplicant(site.device, [site.sub]))[-1].anchor == "new"


def test_now_is_the_only_clock(kit, pki, site, supplicant):
    """One context, long after and long before the clock of this machine."""
    root = pki.issue("old root", ca=True, begin=kit.NOW.replace(year=1999), end=kit.NOW.replace(year=2060))
    brief = pki.issue(
        "brief", root, usages=kit.CLIENT, begin=kit.NOW.replace(year=2001), end=kit.NOW.replace(year=2002)
    )
    later = pki.issue(
        "later", root, usages=kit.CLIENT, begin=kit.NOW.replace(year=2050), end=kit.NOW.replace(year=2051)
    )
    talk = kit.conversations(kit.tls_context(site.server, {"old": [root]}))
    for moment, good, bad, code in (
        (kit.NOW.replace(year=2001) + timedelta(days=30), brief, later, "certificate_not_yet_valid"),
        (kit.NOW.replace(year=2050) + timedelta(days=30), later, brief, "certificate_expired"),
        (kit.NOW.replace(year=2001) + timedelta(days=60), brief, later, "certificate_not_yet_valid"),
    ):
        assert isinstance(kit.login(talk, supplicant(good), moment)[-1], PeerAuthenticated)
        assert kit.login(talk, supplicant(bad), moment)[-1].code == code


# -- EAP-MD5 for MAB ------------------------------------------------------------------------

OLD_SWITCH = Nas(name="old", vendor="generic", eap_md5_mab=True)


def md5_answer(kit, step, password):
    identifier, challenge = step.eap[1], step.eap[6:22]
    value = hashlib.md5(bytes([identifier]) + password + challenge).digest()
    return kit.response(identifier, 4, b"\x10" + value)


@pytest.mark.parametrize("password", [b"020000000001", b"02-00-00-00-00-01", b"0200.0000.0001"])
def test_a_mac_is_let_in_by_md5_where_the_nas_asks_for_it(kit, talk, password):
    first = kit.access_request(kit.response(1, 1, b"020000000001"), nas=OLD_SWITCH)
    step = talk.receive(first, kit.instant())
    assert step.eap[4:6] == b"\x04\x10"
    answer = kit.access_request(md5_answer(kit, step, password), step.state, nas=OLD_SWITCH)
    done = talk.receive(answer, kit.instant())
    assert done == Md5Verified(
        peer_identity="020000000001", success=bytes([3, step.eap[1], 0, 4]), failure=bytes([4, step.eap[1], 0, 4])
    )
    assert talk.counters.waiting == 0


@pytest.mark.parametrize(
    ("identity", "password", "code"),
    [(b"020000000001", b"wrong", "md5_wrong_password"), (b"0200000000ff", b"0200000000ff", "md5_mac_mismatch")],
)
def test_md5_refuses_other_passwords_and_other_macs(kit, talk, identity, password, code):
    step = talk.receive(kit.access_request(kit.response(1, 1, identity), nas=OLD_SWITCH), kit.instant())
    answer = kit.access_request(md5_answer(kit, step, password), step.state, nas=OLD_SWITCH)
    assert talk.receive(answer, kit.instant()).code == code


def test_md5_is_offered_to_nobody_else(kit, talk):
    for nas, identity in ((OLD_SWITCH, b"ada"), (Nas(name="new", vendor="generic"), b"020000000001")):
        step = talk.receive(kit.access_request(kit.response(1, 1, identity), nas=nas), kit.instant())
        assert step.eap[4] == 13


def test_a_supplicant_offered_md5_may_ask_for_eap_tls(kit, site, talk, supplicant):
    peer = supplicant(site.device)
    step = talk.receive(kit.access_request(kit.response(1, 1, b"020000000001"), nas=OLD_SWITCH), kit.instant())
    eap = kit.response(step.eap[1], 3, b"\x0d")
    while isinstance(
        step := talk.receive(kit.access_request(eap, step.state, nas=OLD_SWITCH), kit.instant()), Challenge
    ):
        eap = peer.answer(step.eap)
    assert isinstance(step, PeerAuthenticated)


def test_a_supplicant_offered_md5_that_wants_peap_is_told_so(kit, talk):
    step = talk.receive(kit.access_request(kit.response(1, 1, b"020000000001"), nas=OLD_SWITCH), kit.instant())
    refused = talk.receive(
        kit.access_request(kit.response(step.eap[1], 3, b"\x19"), step.state, nas=OLD_SWITCH), kit.instant()
    )
    assert refused.code == "method_refused"
