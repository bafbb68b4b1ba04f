"""Our own rules for a chain, without TLS."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from nacd.eap.chain import Accepted, Anchors, TrustAnchor, examine, quoted, usage_failure
from nacd.eap.tls.certificate import Failure, date_text, name_of


@pytest.fixture
def judge(kit):
    """Examine certificates, leaf first, against entries by name."""

    def look(certificates, entries, moment=kit.NOW, strict=True):
        anchors = Anchors([TrustAnchor(name=name, pem=one.pem) for name, one in entries.items()])
        chain = [one.cert for one in certificates]
        return examine(chain, anchors, moment.timestamp(), require_client_auth_eku=strict)

    return look


def ders(*certificates):
    return tuple(one.cert.public_bytes(Encoding.DER) for one in certificates)


def test_a_good_chain_is_accepted_up_to_its_anchor(site, judge):
    verdict = judge([site.device, site.sub, site.root], {"root": site.root})
    assert verdict == Accepted(anchor="root", chain=ders(site.device, site.sub, site.root))
    verdict = judge([site.device, site.sub, site.root], {"root": site.root, "sub": site.sub})
    assert verdict == Accepted(anchor="sub", chain=ders(site.device, site.sub))


def test_no_chain_and_a_chain_to_nowhere_are_refused(site, judge):
    assert judge([], {"root": site.root}).code == "no_client_certificate"
    assert judge([site.device, site.sub], {"root": site.root}).code == "unknown_ca"


def test_a_ca_certificate_is_no_client_of_itself(site, judge):
    assert judge([site.root], {"root": site.root}).code == "unknown_ca"


def test_every_certificate_of_the_chain_must_be_valid_now(kit, pki, site, judge):
    day = timedelta(days=1)
    for place in range(3):
        ends = [kit.NOW + 9 * day] * 3
        ends[place] = kit.NOW + day
        root = pki.issue("r", ca=True, end=ends[2])
        sub = pki.issue("s", root, ca=True, end=ends[1])
        leaf = pki.issue("l", sub, usages=kit.CLIENT, end=ends[0])
        assert isinstance(judge([leaf, sub, root], {"r": root}, kit.NOW + day), Accepted)
        late = judge([leaf, sub, root], {"r": root}, kit.NOW + day + timedelta(seconds=1))
        assert late.code == "certificate_expired"
        assert late.subject == "CN=" + "lsr"[place]
        assert judge([leaf, sub, root], {"r": root}, kit.NOW - 40 * day).code == "certificate_not_yet_valid"


@pytest.mark.parametrize("kind", ["rsa1024", "p224"])
def test_a_weak_key_below_the_anchor_is_refused(kit, pki, site, judge, kind):
    weak = pki.issue("weak", site.root, ca=True, kind=kind)
    leaf = pki.issue("leaf", weak, usages=kit.CLIENT)
    assert judge([leaf, weak, site.root], {"r": site.root}).code == "weak_key"


def test_a_failure_names_the_certificate(kit, pki, site, judge):
    leaf = pki.issue("laptop", site.root)
    failure = judge([leaf, site.root], {"r": site.root})
    assert isinstance(failure, Failure)
    assert str(name_of(leaf.cert)) in failure.reason
    assert f"serial {leaf.cert.serial_number:x}" in failure.reason


def test_a_missing_eku_matters_only_when_required(site, pki):
    leaf = pki.issue("laptop", site.root).cert
    assert usage_failure(leaf, require_client_auth_eku=True).code == "wrong_eku"
    assert usage_failure(leaf, require_client_auth_eku=False).code == ""


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (lambda pki, site: [("a", b"")], "entry `a`: no readable PEM"),
        (lambda pki, site: [("a", site.root.pem + b"-----BEGIN CERTIFICATE-----\nxx\n")], "entry `a`"),
        (lambda pki, site: [("a", site.device.pem)], "`CN=laptop-7` .* is not a CA certificate"),
        (lambda pki, site: [("a", site.root.pem), ("b", site.sub.pem + site.root.pem)], "entry `a` and in `b`"),
        (lambda pki, site: [("a", site.root.pem), ("a", site.sub.pem)], "the same name"),
        (lambda pki, site: [("a", pki.issue("w", ca=True, kind="rsa1024").pem)], "RSA key of 1024 bits"),
    ],
)
def test_entries_that_cannot_be_trusted_clearly_are_refused(pki, site, entries, words):
    with pytest.raises(ValueError, match=words):
        Anchors([TrustAnchor(name=name, pem=pem) for name, pem in entries(pki, site)])


def test_one_ca_twice_in_one_entry_is_no_trouble(site):
    assert Anchors([TrustAnchor(name="a", pem=site.root.pem * 2)]).entry_of(site.root.cert) == "a"


def test_dates_and_lists_are_short():
    assert date_text(0) == "1970-01-01 00:00:00 UTC"
    assert quoted(["a", "b"]) == "`a`, `b`"
    assert quoted(list("abcdefg")) == "`a`, `b`, `c`, `d`, `e` and 2 more"
