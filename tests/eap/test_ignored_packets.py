"""Packets that EAP discards: RADIUS still answers, so that nobody at a port can make nacd look dead."""

import pytest

from nacd.values import Challenge, EapFailed, EapIgnored, PeerAuthenticated


@pytest.fixture(scope="module")
def context(kit, site):
    return kit.tls_context(site.server, {"devices": [site.sub], "root": [site.root]})


@pytest.fixture
def talk(kit, context):
    return kit.conversations(context)


BOTH = pytest.mark.parametrize("version", ["1.2", "1.3"])


def test_a_response_to_an_older_request_gets_the_last_request_again(kit, site, talk, supplicant):
    peer = supplicant(site.device)
    step = talk.receive(kit.access_request(kit.response(1, 1)), kit.instant())
    hello = peer.answer(step.eap)
    due = talk.receive(kit.access_request(hello, step.state), kit.instant())
    for older in (hello, kit.response(1, 1)):
        again = talk.receive(kit.access_request(older, step.state), kit.instant())
        assert isinstance(again, Challenge)
        assert (again.eap, again.state, again.chain) == (due.eap, due.state, ())
        assert "identifier" in again.ignored
    assert talk.counters.ignored == 2


@pytest.mark.parametrize(
    "eap", [b"\x02", b"\x02\x01\x00\x09\x01", b"\x01\x01\x00\x05\x01", b"\x03\x01\x00\x04", b"\x09\x01\x00\x04"]
)
def test_what_is_no_eap_response_is_refused_aloud_outside_a_conversation(kit, talk, eap):
    failed = talk.receive(kit.access_request(eap), kit.instant())
    assert isinstance(failed, EapFailed)
    assert (failed.code, failed.eap[:1]) == ("invalid_eap", b"\x04")


@pytest.mark.parametrize("eap", [b"\x02", b"\x02\x01\x00\x09\x01", b"\x01\x01\x00\x05\x01", b"\x09\x01\x00\x04"])
def test_what_is_no_eap_response_gets_the_last_request_again_until_the_rounds_are_used_up(kit, talk, eap):
    step = talk.receive(kit.access_request(kit.response(1, 1)), kit.instant())
    for _ in range(100):
        again = talk.receive(kit.access_request(eap, step.state), kit.instant())
        assert (again.eap, bool(again.ignored)) == (step.eap, True)
    last = talk.receive(kit.access_request(eap, step.state), kit.instant())
    assert (last.code, talk.counters.waiting) == ("too_many_rounds", 0)


def test_a_request_without_eap_is_ignored(kit, talk):
    assert isinstance(talk.receive(kit.access_request(b"", has_eap=False), kit.instant()), EapIgnored)


def test_a_method_nobody_asked_for_gets_the_last_request_again(kit, talk):
    step = talk.receive(kit.access_request(kit.response(1, 1)), kit.instant())
    other = talk.receive(kit.access_request(kit.response(step.eap[1], 25, b"\x00"), step.state), kit.instant())
    assert other.eap == step.eap
    assert "PEAP" in other.ignored


@BOTH
def test_the_last_response_said_twice_does_not_overtake_the_answer_with_a_reject(kit, site, talk, supplicant, version):
    """A NAS that repeats it under a new Identifier while Intune is asked hears nothing more, not `unknown`."""
    peer = supplicant(site.device, [site.sub], version=version)
    steps = kit.login(talk, peer)
    assert isinstance(steps[-1], PeerAuthenticated)
    state, last = steps[-2].state, kit.response(peer.requests[-1][1], 13, b"\x00")
    assert isinstance(talk.receive(kit.access_request(last, state), kit.instant(monotonic=1001)), EapIgnored)
    later = talk.receive(kit.access_request(last, state), kit.instant(monotonic=1040))
    assert isinstance(later, EapFailed)
    assert later.code == "conversation_unknown"
