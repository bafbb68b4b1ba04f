"""Certificates that OpenSSL takes and ``cryptography`` cannot read: a refusal in words, never an exception.

They are made by hand: DER taken apart, changed, and signed anew with the CA's key.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nacd.eap import server_certificate
from nacd.eap.chain import Anchors, TrustAnchor, examine, load_readable_pem
from nacd.eap.tls.certificate import UNREADABLE, unreadable
from nacd.values import EapFailed, PeerAuthenticated, Secret

BOTH = pytest.mark.parametrize("version", ["1.2", "1.3"])
VERSION, SERIAL, ISSUER, VALIDITY, SUBJECT, EXTENSIONS = 0, 1, 3, 4, 5, -1


# -- DER by hand ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Crafted:
    """A certificate as octets, for ``cryptography`` may not take it."""

    der: bytes
    key: object

    @property
    def pem(self) -> bytes:
        return ssl.DER_cert_to_PEM_cert(self.der).encode()

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def tlv(tag, body):
    size = len(body)
    length = bytes([size]) if size < 128 else bytes([0x82]) + size.to_bytes(2, "big")
    if 128 <= size < 256:
        length = bytes([0x81, size])
    return bytes([tag]) + length + body


def elements(octets):
    """(tag, body) of each DER element in a row."""
    found = []
    while octets:
        size, start = octets[1], 2
        if size & 0x80:
            start += size & 0x7F
            size = int.from_bytes(octets[2:start], "big")
        found.append((octets[0], octets[start : start + size]))
        octets = octets[start + size :]
    return found


def signed(tbs, like, by):
    """A certificate around ``tbs``. like: a certificate that ``by`` signed, for the name of the algorithm."""
    _, algorithm, _ = elements(elements(like.der)[0][1])
    key = by.key
    if isinstance(key, ed25519.Ed25519PrivateKey):
        signature = key.sign(tbs)
    else:
        signature = key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    return Crafted(der=tlv(0x30, tbs + tlv(*algorithm) + tlv(3, b"\x00" + signature)), key=like.key)


def changed(one, by, place, element):
    """The same certificate with another part, signed anew. element: (tag, body), or what makes one of the old."""
    parts = elements(elements(one.cert.tbs_certificate_bytes)[0][1])
    parts[place] = element(parts[place]) if callable(element) else element
    return signed(tlv(0x30, b"".join(tlv(*part) for part in parts)), one, by)


VERSION_6 = (VERSION, (0xA0, tlv(2, b"\x05")))
NO_YEAR = (VALIDITY, (0x30, tlv(0x18, b"00000101000000Z") + tlv(0x18, b"20360101000000Z")))
NO_MONTH = (VALIDITY, (0x30, tlv(0x17, b"260101000000Z") + tlv(0x17, b"361301000000Z")))
BITS_AS_NAME = (SUBJECT, (0x30, tlv(0x31, tlv(0x30, bytes.fromhex("0603550403") + tlv(3, b"\x00a")))))
EMPTY_SET = (SUBJECT, (0x30, tlv(0x31, b"")))


def with_extension(oid, value):
    def add(part):
        listed = elements(part[1])[0][1]
        return 0xA3, tlv(0x30, listed + tlv(0x30, tlv(6, bytes.fromhex(oid)) + tlv(4, value)))

    return EXTENSIONS, add


X400 = with_extension("551d11", tlv(0x30, tlv(0xA3, b"\x30\x00")))
EDI = with_extension("551d11", tlv(0x30, tlv(0xA5, b"\xa1\x03\x0c\x01a")))
SHORT_ADDRESS = with_extension("551d11", tlv(0x30, tlv(0x87, b"123")))
NOT_ASCII = with_extension("551d11", tlv(0x30, tlv(0x86, b"\xff\xfe")))
JUNK = with_extension("551d11", b"\x01\x02")
TEMPLATE = with_extension("2b0601040182371507", b"\x30\x00")
SAME_TWICE = with_extension("551d13", b"\x30\x00")

CASES = {
    "version 6": (VERSION_6, "cannot be read: `5 is not a valid X509 version`"),
    "bits as common name": (BITS_AS_NAME, "cannot be read: its subject, "),
    "empty set as name": (EMPTY_SET, "cannot be read: its subject, "),
    "year 0": (NO_YEAR, "cannot be read: its start of validity, `year 0 is out of range`"),
    "month 13": (NO_MONTH, "cannot be read: "),
    "x400Address": (X400, "cannot be read: its extensions, "),
    "ediPartyName": (EDI, "cannot be read: its extensions, "),
    "address of 3 octets": (SHORT_ADDRESS, "cannot be read: its extensions, "),
    "URI not ASCII": (NOT_ASCII, "cannot be read: its extensions, "),
    "template": (TEMPLATE, "cannot be read: its extensions, "),
}
NOT_SENT_BY_OPENSSL = {
    "SAN is no sequence": (JUNK, "cannot be read: its extensions, "),
    "extension twice": (SAME_TWICE, "cannot be read: its extensions, "),
}


# -- at a login -----------------------------------------------------------------------------


@pytest.fixture
def refused(outcome):
    def play(leaf, chain=(), **more):
        failed = outcome(leaf, chain, **more)
        assert isinstance(failed, EapFailed), failed
        assert failed.code == "unreadable_certificate", failed.reason
        assert failed.eap[0] == 4
        assert failed.subject in failed.reason
        assert failed.issuer in failed.reason
        return failed

    return play


@BOTH
@pytest.mark.parametrize("case", CASES)
def test_an_unreadable_certificate_of_a_trusted_ca_is_refused(kit, pki, site, refused, version, case):
    (place, element), words = CASES[case]
    leaf, _ = kit.alone(pki, site.root)
    failed = refused(changed(leaf, site.root, place, element), version=version)
    assert words in failed.reason
    assert "CN=Contoso Root" in failed.issuer


@BOTH
@pytest.mark.parametrize("case", CASES)
def test_an_unreadable_certificate_of_a_stranger_is_refused(kit, pki, refused, version, case):
    (place, element), words = CASES[case]
    leaf, _ = kit.alone(pki, None)
    assert words in refused(changed(leaf, leaf, place, element), version=version).reason


@BOTH
def test_a_certificate_that_cannot_be_read_at_all_is_named_in_openssls_words(kit, pki, site, refused, version):
    leaf, _ = kit.alone(pki, site.root)
    failed = refused(changed(leaf, site.root, *VERSION_6), version=version)
    assert (failed.subject, failed.issuer) == ("/CN=laptop", "/CN=Contoso Root")


@BOTH
@pytest.mark.parametrize("case", ["version 6", "x400Address", "year 0"])
def test_an_unreadable_intermediate_is_refused(kit, pki, site, refused, version, case):
    (place, element), words = CASES[case]
    leaf, (ca,) = kit.under(pki, site.root)
    failed = refused(leaf, (changed(ca, site.root, place, element),), version=version)
    assert words in failed.reason
    assert "CN=Odd Devices" in failed.subject


@BOTH
def test_an_unreadable_certificate_beside_the_chain_hinders_no_one(kit, pki, site, outcome, version):
    leaf, _ = kit.alone(pki, site.root)
    odd = changed(kit.under(pki, site.root)[1][0], site.root, *VERSION_6)
    assert isinstance(outcome(leaf, (odd,), version=version), PeerAuthenticated)


@BOTH
def test_a_refused_chain_with_an_unreadable_leaf_names_what_openssl_refused(kit, pki, site, outcome, version):
    ca, stranger = (pki.issue(name, ca=True) for name in ("Odd Devices", "Fabrikam"))
    leaf = changed(pki.issue("laptop", stranger, usages=kit.CLIENT), stranger, *VERSION_6)
    failed = outcome(leaf, (stranger, ca), version=version)
    assert isinstance(failed, EapFailed)
    assert "CN=Fabrikam" in failed.reason


@BOTH
def test_openssls_alert_goes_out_first(kit, pki, site, supplicant, version):
    leaf, _ = kit.alone(pki, None)
    peer = supplicant(changed(leaf, leaf, *VERSION_6), version=version)
    steps = kit.login(kit.conversations(kit.tls_context(site.server, {"a": [site.root]})), peer)
    assert steps[-1].code == "unreadable_certificate"
    assert "unknown ca" in peer.error.lower()


def test_a_serial_number_of_any_length_keeps_the_sentence_short(kit, pki, site, outcome):
    leaf, _ = kit.alone(pki, None)
    failed = outcome(changed(leaf, leaf, SERIAL, (2, b"\x7f" * 5000)))
    assert failed.code == "unknown_ca"
    assert len(failed.reason) < 1500


# -- in our own files -----------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES | NOT_SENT_BY_OPENSSL)
def test_an_unreadable_certificate_in_a_file_is_a_value_error_with_its_name(kit, pki, site, case):
    (place, element), _ = (CASES | NOT_SENT_BY_OPENSSL)[case]
    odd = changed(pki.issue("Odd", ca=True), pki.issue("Odd", ca=True), place, element)
    with pytest.raises(ValueError, match="the file: "):
        load_readable_pem(odd.pem, "the file")
    with pytest.raises(ValueError, match="client_cas entry `a`"):
        Anchors([TrustAnchor(name="a", pem=odd.pem)])
    with pytest.raises(ValueError, match=r"eap\.certificate: "):
        kit.tls_context(odd, {"a": [site.root]})
    (finding,) = server_certificate.inspect(odd.pem, Secret(odd.key_pem), kit.instant())
    assert finding.code == "unreadable_certificate"


# -- any octet ------------------------------------------------------------------------------

DOCUMENTED = frozenset(
    (
        "unreadable_certificate",
        "unknown_ca",
        "bad_signature",
        "certificate_expired",
        "certificate_not_yet_valid",
        "wrong_eku",
        "wrong_key_usage",
        "weak_key",
        "weak_signature",
        "unknown_extension",
        "certificate_refused",
        "not_a_ca",
        "proof_failed",
        "bad_tls",
        "path_too_long",
        "name_constraints",
        "no_client_certificate",
        "supplicant_alert",
    )
)
FLIPS = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=3)


@pytest.fixture(scope="module")
def rich(kit, pki):
    """A CA with signatures of one length, and a certificate of it with many kinds of extensions."""
    ca = pki.issue("Steady Root", ca=True, kind="ed25519")
    leaf = pki.issue("laptop", ca, usages=kit.CLIENT, dns=("a.test",), uris=("urn:x",), key_usage=True)
    more = (
        ("551d1f", "300e300ca00aa0088606" + b"ldap:a".hex()),
        ("551d20", "3006300406022a03"),
        ("2b06010505070101", "3014301206082b060105050730018606" + b"http:a".hex()),
        ("2b0601040182371507", "300706022a03020101"),
        ("551d1e", "300aa00830068204" + b"test".hex()),
        ("2b06010505070118", "3003020105"),
    )
    der = leaf
    for oid, value in more:
        made = changed(der, ca, *with_extension(oid, bytes.fromhex(value)))
        der = SimpleNamespace(der=made.der, key=made.key, cert=x509.load_der_x509_certificate(made.der))
    return ca, der


def test_the_rich_certificate_is_good_by_itself(kit, site, outcome, rich):
    ca, leaf = rich
    done = outcome(Crafted(der=leaf.der, key=leaf.key), using=kit.tls_context(site.server, {"steady": [ca]}))
    assert isinstance(done, PeerAuthenticated), done


def mutant(leaf, ca, flips):
    tbs = bytearray(leaf.cert.tbs_certificate_bytes)
    for where, mask in flips:
        tbs[int(where * len(tbs))] ^= mask
    return signed(bytes(tbs), leaf, ca)


@BOTH
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flips=FLIPS)
@pytest.mark.filterwarnings("ignore")
def test_whatever_a_trusted_ca_signs_the_outcome_is_a_documented_one(
    kit, site, supplicant, rich, steady, version, flips
):
    ca, leaf = rich
    odd = mutant(leaf, ca, flips)
    good = Crafted(der=leaf.der, key=leaf.key)
    try:
        peer = supplicant(odd, version=version)
    except ssl.SSLError:
        # The supplicant's own OpenSSL does not load it; a stranger's TLS may send it all the same. TLS 1.2 lets us
        # put it in on the way.
        peer = supplicant(good, version="1.2")
        outward = peer.outward
        peer.outward = SimpleNamespace(read=lambda: outward.read().replace(good.der, odd.der))
    last = kit.login(kit.conversations(steady), peer)[-1]
    if isinstance(last, PeerAuthenticated):
        assert last.chain[0] == odd.der
        assert unreadable(x509.load_der_x509_certificate(odd.der)).code == ""
    else:
        assert isinstance(last, EapFailed)
        assert last.code in DOCUMENTED, last
        assert last.reason


def test_a_certificate_that_openssl_cannot_decode_is_thought_of_in_words(kit, rich, supplicant, steady):
    leaf = Crafted(der=rich[1].der, key=rich[1].key)
    peer = supplicant(leaf, version="1.2")
    outward = peer.outward
    peer.outward = SimpleNamespace(read=lambda: outward.read().replace(leaf.der, b"\x31" + leaf.der[1:]))
    failed = kit.login(kit.conversations(steady), peer)[-1]
    assert (failed.code, "a certificate that is no DER" in failed.reason) == ("bad_tls", True), failed
    assert "decode error" in peer.error.lower()


@pytest.fixture(scope="module")
def steady(kit, site, rich):
    return kit.tls_context(site.server, {"steady": [rich[0]]})


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flips=FLIPS)
@pytest.mark.filterwarnings("ignore")
def test_our_own_rules_raise_nothing_whatever_openssl_might_let_through(kit, rich, flips):
    ca, leaf = rich
    anchors = Anchors([TrustAnchor(name="steady", pem=ca.pem)])
    der = mutant(leaf, ca, flips).der
    try:
        cert = x509.load_der_x509_certificate(der)
    except UNREADABLE:
        return
    verdict = examine([cert, ca.cert], anchors, kit.NOW.timestamp(), require_client_auth_eku=True)
    assert getattr(verdict, "code", "") in DOCUMENTED | {""}
