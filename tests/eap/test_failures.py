"""What TLS refuses, with real handshakes of both versions, and the sentence that says so."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from nacd.eap import failures
from nacd.eap.chain import Anchors, TrustAnchor
from nacd.eap.tls.certificate import CertificateName
from nacd.values import EapFailed

BOTH = pytest.mark.parametrize("version", ["1.2", "1.3"])

DAY = timedelta(days=1)


def below_a_short_path(kit, pki, site):
    short = pki.issue("Short Path", site.root, ca=True, path_length=0)
    leaf, chain = kit.under(pki, short)
    return leaf, (*chain, short)


def below_a_stranger(kit, pki, *, send_root):
    root = pki.issue("Fabrikam Root", ca=True)
    leaf, chain = kit.under(pki, root)
    return leaf, (*chain, root) if send_root else chain


def below_a_namesake(kit, pki, site):
    root = pki.issue("Contoso Root", ca=True)
    return pki.issue("laptop", root, usages=kit.CLIENT), (root,)


def below_a_leaf(kit, pki, site):
    leaf = pki.issue("Not A CA", site.root)
    return pki.issue("laptop", leaf, usages=kit.CLIENT), (leaf,)


def resigned_with_sha1(kit, leaf, issuer):
    """The same certificate with an sha1WithRSAEncryption signature, made by hand: libraries no longer make one."""
    sha256_oid, sha1_oid = bytes.fromhex("06092a864886f70d01010b"), bytes.fromhex("06092a864886f70d010105")
    tbs = leaf.cert.tbs_certificate_bytes.replace(sha256_oid, sha1_oid)
    numbers = issuer.key.private_numbers()
    modulus = numbers.public_numbers.n
    size = (modulus.bit_length() + 7) // 8
    digest_info = bytes.fromhex("3021300906052b0e03021a05000414") + hashlib.sha1(tbs).digest()
    padded = b"\x00\x01" + b"\xff" * (size - len(digest_info) - 3) + b"\x00" + digest_info
    signature = pow(int.from_bytes(padded, "big"), numbers.d, modulus).to_bytes(size, "big")
    der = leaf.der.replace(leaf.cert.tbs_certificate_bytes, tbs).replace(sha256_oid, sha1_oid)
    der = der[: -len(signature)] + signature
    return kit.Issued(cert=x509.load_der_x509_certificate(der), key=leaf.key)


def signed_with_sha1(kit, pki, site):
    leaf, (ca,) = kit.under(pki, site.root, kind="rsa2048")
    return resigned_with_sha1(kit, leaf, ca), (ca,)


ANY_USAGE = (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)
BAD = {
    "expired": (
        lambda kit, pki, site: kit.alone(pki, site.root, begin=kit.NOW - 9 * DAY, end=kit.NOW - DAY),
        "certificate_expired",
        "expired on 2026-05-31 12:00:00 UTC (it is 2026-06-01 12:00:00 UTC here); renew it",
    ),
    "not yet valid": (
        lambda kit, pki, site: kit.alone(pki, site.root, begin=kit.NOW + DAY),
        "certificate_not_yet_valid",
        "is not valid before 2026-06-02 12:00:00 UTC",
    ),
    "CA expired": (
        lambda kit, pki, site: kit.under(pki, site.root, begin=kit.NOW - 9 * DAY, end=kit.NOW - DAY),
        "certificate_expired",
        "is refused: in its chain, certificate `CN=Odd Devices` (issuer `CN=Contoso Root`, serial",
    ),
    "other CA": (
        lambda kit, pki, site: (below_a_stranger(kit, pki, send_root=False)[0], ()),
        "unknown_ca",
        "was issued by `CN=Odd Devices`, which is neither in client_cas (`devices-ca`) nor was it sent by the device",
    ),
    "other CA, sent": (
        lambda kit, pki, site: below_a_stranger(kit, pki, send_root=False),
        "unknown_ca",
        "was issued by `CN=Fabrikam Root`, which is neither in client_cas",
    ),
    "other CA, sent with root": (
        lambda kit, pki, site: below_a_stranger(kit, pki, send_root=True),
        "unknown_ca",
        "certificate `CN=Fabrikam Root` (issuer `CN=Fabrikam Root`",
    ),
    "sub-CA not sent": (
        lambda kit, pki, site: (site.device, ()),
        "unknown_ca",
        "or have the device send its intermediate certificates",
    ),
    "namesake of our root": (
        below_a_namesake,
        "unknown_ca",
        "is self-signed and not in client_cas; entry `devices-ca` has that name but is another certificate",
    ),
    "self-signed": (
        lambda kit, pki, site: kit.alone(pki, None),
        "unknown_ca",
        "is self-signed and not in client_cas; have it issued by a CA of yours",
    ),
    "issued by a leaf": (below_a_leaf, "not_a_ca", "in its chain, certificate `CN=Not A CA`"),
    "CA for servers only": (
        lambda kit, pki, site: kit.under(pki, site.root, usages=kit.SERVER),
        "ca_wrong_eku",
        "a CA above client certificates has no Extended Key Usage, or one with clientAuth",
    ),
    "path length": (below_a_short_path, "path_too_long", "path length constraint"),
    "no EKU": (
        lambda kit, pki, site: kit.alone(pki, site.root, usages=()),
        "wrong_eku",
        "has no Extended Key Usage; issue it with clientAuth (1.3.6.1.5.5.7.3.2)",
    ),
    "serverAuth": (
        lambda kit, pki, site: kit.alone(pki, site.root, usages=kit.SERVER),
        "wrong_eku",
        "is for serverAuth only; issue it with clientAuth",
    ),
    "any EKU": (
        lambda kit, pki, site: kit.alone(pki, site.root, usages=ANY_USAGE),
        "wrong_eku",
        "is for anyExtendedKeyUsage only",
    ),
    "key usage": (
        lambda kit, pki, site: kit.alone(pki, site.root, key_usage=True, digital_signature=False),
        "wrong_key_usage",
        "has a Key Usage without digitalSignature",
    ),
    "RSA-1024": (
        lambda kit, pki, site: kit.alone(pki, site.root, kind="rsa1024"),
        "weak_key",
        "has an RSA key of 1024 bits; at least 2048 are required; issue it anew",
    ),
    "CA with RSA-1024": (
        lambda kit, pki, site: kit.under(pki, site.root, kind="rsa1024"),
        "weak_key",
        "in its chain, certificate `CN=Odd Devices`",
    ),
    "SHA-1": (signed_with_sha1, "weak_signature", "is signed with SHA1, which can be forged"),
    "critical extension": (
        lambda kit, pki, site: kit.alone(pki, site.root, critical=x509.ObjectIdentifier("1.2.3.4")),
        "unknown_extension",
        "has a critical extension that OpenSSL does not know",
    ),
}


@BOTH
@pytest.mark.parametrize("case", BAD)
def test_a_bad_certificate_is_refused_with_its_name_and_what_to_do(kit, pki, site, outcome, version, case):
    make, code, words = BAD[case]
    leaf, chain = make(kit, pki, site)
    failed = outcome(leaf, chain, version=version)
    assert isinstance(failed, EapFailed), failed
    assert (failed.code, words in failed.reason) == (code, True), failed.reason
    subject, issuer = leaf.cert.subject.rfc4514_string(), leaf.cert.issuer.rfc4514_string()
    assert (failed.subject, failed.issuer) == (subject, issuer)
    assert f"`{subject}` (issuer `{issuer}`, serial {leaf.cert.serial_number:x})" in failed.reason
    assert failed.eap[0] == 4


def test_a_key_that_openssl_stumbles_over_is_still_explained(kit, pki, site, outcome):
    failed = outcome(*kit.alone(pki, site.root, kind="p224"), version="1.2")
    assert failed.code == "weak_key"
    assert "has an EC key of 224 bits (secp224r1); at least 256 are required" in failed.reason


@BOTH
def test_the_alert_goes_out_before_the_eap_failure(kit, pki, site, supplicant, version):
    peer = supplicant(kit.alone(pki, None)[0], version=version)
    steps = kit.login(kit.conversations(kit.tls_context(site.server, {"a": [site.root]})), peer)
    assert "unknown ca" in peer.error.lower()
    assert isinstance(steps[-1], EapFailed)
    assert steps[-1].eap[1] == peer.requests[-1][1]


@BOTH
def test_no_client_certificate_is_refused_and_the_wanted_cas_are_named(outcome, version):
    failed = outcome(None, version=version)
    assert failed.code == "no_client_certificate"
    assert "CN=Contoso Root" in failed.reason


# -- refused: by the supplicant, or for TLS itself -------------------------------------------


@BOTH
def test_a_supplicant_that_distrusts_us_is_explained_by_our_own_certificate(pki, site, outcome, version):
    stranger = pki.issue("Fabrikam Root", ca=True)
    failed = outcome(site.device, (site.sub,), version=version, trust=[stranger])
    assert failed.code == "server_distrusted"
    for words in (
        "`unknown_ca`",
        "CN=radius.contoso.test",
        "install the root of `CN=Contoso Root`",
        "`radius.contoso.test`",
    ):
        assert words in failed.reason
    assert (failed.subject, failed.issuer) == ("CN=radius.contoso.test", "CN=Contoso Root")


def test_a_supplicant_that_finds_our_certificate_expired_is_explained_by_its_date(kit, pki, site, outcome):
    stale = pki.issue(
        "radius", site.root, usages=kit.SERVER, begin=kit.NOW.replace(year=2019), end=kit.NOW.replace(year=2020)
    )
    failed = outcome(site.device, using=kit.tls_context(stale, {"a": [site.root]}), trust=[site.root])
    assert failed.code == "server_certificate_expired"
    assert "2020-06-01" in failed.reason


@pytest.mark.parametrize(("ours", "theirs"), [({"min_version": "1.3"}, "1.2"), ({"max_version": "1.2"}, "1.3")])
def test_versions_that_do_not_meet_are_named(kit, site, outcome, ours, theirs):
    failed = outcome(site.device, version=theirs, using=kit.tls_context(site.server, {"a": [site.root]}, **ours))
    assert failed.code == "version_mismatch"
    assert f"offers TLS {theirs}" in failed.reason


def test_no_shared_cipher_is_named(kit, site, outcome):
    using = kit.tls_context(site.server, {"a": [site.root]}, ciphers="ECDHE-RSA-AES128-GCM-SHA256")
    failed = outcome(site.device, version="1.2", using=using)
    assert failed.code == "no_shared_cipher"


# -- the tables -----------------------------------------------------------------------------

OURS = failures.ServerName(
    name=CertificateName(subject="CN=radius", issuer="CN=root", serial="1f"), dns=(), not_before=0, not_after=100
)


def test_every_alert_of_a_supplicant_has_a_code_and_a_sentence_with_its_name():
    for number in range(256):
        failure = failures.of_peer_alert(number, OURS, 50)
        assert failure.code
        assert f"`{failures.alert_name(number)}`" in failure.reason


def test_every_verification_error_names_the_certificate(site):
    anchors = Anchors((TrustAnchor(name="a", pem=site.root.pem),))
    for error in range(1, 100):
        refusal = failures.Refusal(error=error, depth=0, certificate=site.device.cert)
        failure = failures.of_verification(refusal, (), anchors, 1e9)
        assert failure.code
        assert failure.reason.startswith("certificate `CN=laptop-7` (issuer `CN=Contoso Devices`")
        assert failure.subject == "CN=laptop-7"


def test_every_alert_of_ours_has_a_code_and_a_sentence(site):
    anchors = Anchors((TrustAnchor(name="a", pem=site.root.pem),))
    for number in range(-1, 256):
        with_chain = failures.of_own_alert(number, (site.device.cert,), anchors)
        without = failures.of_own_alert(number, (), anchors)
        at_once = failures.of_hello_alert(number, (), ("1.2", "1.3"))
        assert all(failure.code and failure.reason for failure in (with_chain, without, at_once))


def test_an_expired_server_certificate_explains_any_distrust():
    assert failures.of_peer_alert(46, OURS, 101).code == "server_certificate_expired"
    assert failures.of_peer_alert(46, OURS, 99).code == "server_distrusted"


def test_error_texts_follow_the_house_style(site):
    anchors = Anchors((TrustAnchor(name="a", pem=site.root.pem),))
    for error in range(1, 100):
        refusal = failures.Refusal(error=error, depth=1, certificate=site.device.cert)
        reason = failures.of_verification(refusal, (site.device.cert,), anchors, 1e9).reason
        assert reason[0].islower()
        assert not reason.endswith(".")
        assert reason.isprintable()
