"""What gets past TLS, whose CA it counts for, and how the context is set up; real handshakes of both versions."""

from __future__ import annotations

import ssl
from contextlib import suppress
from datetime import timedelta

import pytest
from OpenSSL import SSL

from nacd.eap import client_hello
from nacd.eap.chain import TrustAnchor
from nacd.eap.tls_engine import TlsContext, TlsDone, TlsEngine, TlsFailed, TlsOptions, TlsWants
from nacd.values import EapFailed, PeerAuthenticated, Secret

BOTH = pytest.mark.parametrize("version", ["1.2", "1.3"])


@pytest.fixture(scope="module")
def context(kit, site):
    return kit.tls_context(site.server, {"devices-ca": [site.root]})


# -- accepted -------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("kind", ["p256", "p384", "rsa2048", "ed25519"])
def test_every_usual_kind_of_key_works_on_both_sides(kit, pki, site, outcome, version, kind):
    server = pki.issue("radius", site.root, usages=kit.SERVER, kind=kind)
    using = kit.tls_context(server, {"a": [site.root]})
    assert isinstance(outcome(*kit.alone(pki, site.root, kind=kind), version=version, using=using), PeerAuthenticated)


def test_a_certificate_without_eku_passes_only_where_the_option_says_so(kit, pki, site, outcome):
    lax = kit.tls_context(site.server, {"a": [site.root]}, require_client_auth_eku=False)
    leaf, chain = kit.alone(pki, site.root, usages=())
    assert isinstance(outcome(leaf, chain, using=lax), PeerAuthenticated)
    assert outcome(*kit.alone(pki, site.root, usages=kit.SERVER), using=lax).code == "wrong_eku"


def test_key_usage_with_digital_signature_passes(kit, pki, site, outcome):
    assert isinstance(outcome(*kit.alone(pki, site.root, key_usage=True)), PeerAuthenticated)


# -- anchors --------------------------------------------------------------------------------


@BOTH
def test_an_intermediate_may_be_the_anchor_without_its_root(kit, site, outcome, version):
    using = kit.tls_context(site.server, {"only-sub": [site.sub]})
    done = outcome(site.device, version=version, using=using)
    assert done.anchor == "only-sub"
    assert done.chain == (site.device.der, site.sub.der)


def test_the_nearest_listed_ca_is_the_anchor(kit, site, outcome):
    for cas in ({"root": [site.root], "sub": [site.sub]}, {"sub": [site.sub], "root": [site.root]}):
        done = outcome(site.device, (site.sub, site.root), using=kit.tls_context(site.server, cas))
        assert done.anchor == "sub"


def test_several_cas_in_one_entry_share_its_name(kit, pki, site, outcome):
    second = pki.issue("Second Root", ca=True)
    using = kit.tls_context(site.server, {"both": [site.root, second]})
    assert outcome(*kit.alone(pki, second), using=using).anchor == "both"
    assert outcome(*kit.alone(pki, site.root), using=using).anchor == "both"


def test_two_cas_of_one_name_are_told_apart_by_certificate(kit, pki, site, outcome):
    one, two = pki.issue("Twin", ca=True), pki.issue("Twin", ca=True)
    using = kit.tls_context(site.server, {"one": [one], "two": [two]})
    assert outcome(*kit.alone(pki, one), using=using).anchor == "one"
    assert outcome(*kit.alone(pki, two), using=using).anchor == "two"


def test_two_cas_of_one_name_without_key_identifiers_fail_closed_and_say_why(kit, pki, site, outcome):
    one, two = (pki.issue("Twin", ca=True, identifiers=False) for _ in range(2))
    using = kit.tls_context(site.server, {"one": [one], "two": [two]})
    steps = [outcome(*kit.alone(pki, ca, identifiers=False), using=using) for ca in (one, two)]
    assert [step.anchor for step in steps if isinstance(step, PeerAuthenticated)] in ([], ["one"], ["two"])
    refused = [step for step in steps if isinstance(step, EapFailed)]
    assert refused
    assert all("entries `one`, `two` all have that name" in step.reason for step in refused)


def test_a_renewed_ca_counts_as_the_entry_of_its_older_twin(kit, pki, site, outcome):
    """A device that sends another certificate of a listed sub-CA does not climb to the root's entry."""
    twin = pki.issue("Contoso Devices", site.root, ca=True, key=site.sub.key)
    using = kit.tls_context(site.server, {"root": [site.root], "sub": [site.sub]})
    assert outcome(site.device, (twin, site.root), using=using).anchor == "sub"


def test_an_anchor_expired_by_now_accepts_nothing(kit, pki, site, outcome):
    brief = pki.issue("Brief", ca=True, end=kit.NOW + timedelta(days=1))
    using = kit.tls_context(site.server, {"brief": [brief]})
    leaf, chain = kit.alone(pki, brief)
    assert isinstance(outcome(leaf, chain, using=using), PeerAuthenticated)
    failed = outcome(leaf, chain, using=using, moment=kit.NOW + timedelta(days=2))
    assert failed.code == "certificate_expired"
    assert "CN=Brief" in failed.reason


# -- the context ----------------------------------------------------------------------------


def options(site, **more):
    fields = {
        "certificate_chain_pem": site.server.pem,
        "private_key_pem": Secret(site.server.key_pem),
        "client_cas": (TrustAnchor(name="root", pem=site.root.pem),),
    }
    return TlsOptions(**(fields | more))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"certificate_chain_pem": b"nothing"}, "eap.certificate: no readable PEM certificate"),
        ({"private_key_pem": Secret(b"nothing")}, "no readable PEM private key"),
        ({"client_cas": ()}, "client_cas is empty"),
        ({"min_version": "1.1"}, "TLS versions `1.1` to `1.3`"),
        ({"min_version": "1.3", "max_version": "1.2"}, "TLS versions `1.3` to `1.2`"),
        ({"ciphers": "NOSUCH"}, "no TLS cipher matches `NOSUCH`"),
    ],
)
def test_a_context_that_cannot_work_is_refused_in_words(site, wrong, words):
    with pytest.raises(ValueError, match=words):
        TlsContext(options(site, **wrong))


def test_a_key_of_another_certificate_is_refused(pki, site):
    for kind in ("p256", "rsa2048"):
        with pytest.raises(ValueError, match=r"does not belong to server certificate `CN=radius\.contoso\.test`"):
            TlsContext(options(site, private_key_pem=Secret(pki.issue("other", kind=kind).key_pem)))


def test_a_weak_server_certificate_is_refused(kit, pki, site):
    weak = pki.issue("weak", site.root, kind="rsa1024", usages=kit.SERVER)
    with pytest.raises(ValueError, match="refuses server certificate `CN=weak`"):
        kit.tls_context(weak, {"a": [site.root]})


def test_our_chain_is_sent_in_order_and_without_the_root(kit, pki, site, supplicant):
    sub = pki.issue("Servers", site.root, ca=True)
    server = pki.issue("radius", sub, usages=kit.SERVER)
    context = kit.tls_context(server, {"a": [site.root]}, chain=(site.root, sub))
    peer = supplicant(site.device, (site.sub,), version="1.2", trust=[site.root])
    assert isinstance(kit.login(kit.conversations(context), peer)[-1], PeerAuthenticated)
    assert bytes(peer.received).index(server.der) < bytes(peer.received).index(sub.der)
    assert site.root.der not in peer.received


def test_client_cas_do_not_leak_into_our_own_chain(kit, site, supplicant, context):
    peer = supplicant(site.device, (site.sub,), version="1.2")
    kit.login(kit.conversations(context), peer)
    assert site.root.der not in peer.received


# -- the engine by itself -------------------------------------------------------------------


def pump(engine, client, inward, outward, now):
    """Flights between the engine and a bare ``ssl`` client until the engine is done or dead."""
    while True:
        with suppress(ssl.SSLWantReadError):
            client.do_handshake()
        result = engine.feed(outward.read(), now)
        if not isinstance(result, TlsWants):
            return result
        inward.write(result.outbound)


@pytest.fixture
def pair(site, supplicant, context):
    def make(version, identity=site.device, chain=(site.sub,)):
        peer = supplicant(identity, chain, version=version)
        return TlsEngine(context, client_hello.ClientHello(versions=(f"TLS {version}",))), peer

    return make


@BOTH
def test_after_the_end_nothing_but_failure_can_come(kit, pair, version):
    engine, peer = pair(version)
    done = pump(engine, peer.tls, peer.inward, peer.outward, kit.instant())
    assert isinstance(done, TlsDone)
    peer.inward.write(done.outbound)
    peer.tls.do_handshake()
    assert engine.feed(b"", kit.instant()) == TlsWants(outbound=b"")
    peer.tls.write(b"hello")
    spoken = engine.feed(peer.outward.read(), kit.instant())
    assert isinstance(spoken, TlsFailed)
    assert "application data" in spoken.failure.reason


def test_tls13_is_not_done_before_the_finished_of_the_client(kit, pair):
    """All of the client's last flight but its last octet: certificate and proof are there, Finished is not."""
    engine, peer = pair("1.3")
    with pytest.raises(ssl.SSLWantReadError):
        peer.tls.do_handshake()
    peer.inward.write(engine.feed(peer.outward.read(), kit.instant()).outbound)
    peer.tls.do_handshake()
    flight = peer.outward.read()
    assert isinstance(engine.feed(flight[:-1], kit.instant()), TlsWants)
    assert isinstance(engine.feed(flight[-1:], kit.instant()), TlsDone)


def test_a_certificate_without_its_key_proves_nothing(kit, site, pair):
    """TLS 1.2 shows its messages in the clear, so the signature can be spoilt on the way."""
    engine, peer = pair("1.2")
    with pytest.raises(ssl.SSLWantReadError):
        peer.tls.do_handshake()
    peer.inward.write(engine.feed(peer.outward.read(), kit.instant()).outbound)
    with pytest.raises(ssl.SSLWantReadError):
        peer.tls.do_handshake()
    flight = bytearray(peer.outward.read())
    proof = bytes(flight).index(b"\x0f\x00\x00", bytes(flight).index(site.sub.der) + len(site.sub.der))
    flight[proof + 40] ^= 1
    failed = engine.feed(bytes(flight), kit.instant())
    assert failed.failure.code == "proof_failed"
    assert "certificate `CN=laptop-7`" in failed.failure.reason
    assert failed.outbound


def test_a_cancelled_login_is_called_so(kit, pair):
    engine, peer = pair("1.2")
    done = pump(engine, peer.tls, peer.inward, peer.outward, kit.instant())
    peer.inward.write(done.outbound)
    peer.tls.do_handshake()
    with pytest.raises(ssl.SSLWantReadError):
        peer.tls.unwrap()
    failed = engine.feed(peer.outward.read(), kit.instant())
    assert failed.failure.code == "supplicant_cancelled"


def test_trouble_of_one_peer_stays_with_that_peer(kit, pki, site, outcome):
    """pyOpenSSL keeps what callbacks raise for the next caller; ours raise nothing."""
    for _ in range(3):
        assert isinstance(outcome(kit.alone(pki, None)[0]), EapFailed)
        assert isinstance(outcome(site.device, (site.sub,)), PeerAuthenticated)


def test_the_openssl_calls_without_a_public_name_are_there():
    assert {"SSL_get0_param", "X509_VERIFY_PARAM_set_time", "SSL_get_verify_result", "SSL_session_reused"} <= set(
        dir(SSL._lib)
    )
