"""What the admin is told about the server's certificate."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import serialization

from nacd.eap.chain import TrustAnchor
from nacd.eap.server_certificate import Severity, inspect, inspect_client_cas, sending_order
from nacd.values import Secret


@pytest.fixture
def found(kit, pki, site):
    """Inspect a certificate made for the case: (severity, code) of every finding."""

    def look(by=None, above=(), key=None, moment=kit.NOW, **leaf):
        cert = pki.issue("radius", by, **({"usages": kit.SERVER, "dns": ("radius.test",)} | leaf))
        chain = b"".join(one.pem for one in (cert, *above))
        findings = inspect(chain, Secret(key if key is not None else cert.key_pem), kit.instant(moment))
        assert all(finding.message for finding in findings)
        return [(finding.severity.value, finding.code) for finding in findings]

    return look


@pytest.fixture
def sub(pki, site):
    return pki.issue("Servers", site.root, ca=True)


def test_a_good_chain_has_no_findings(found, site, sub):
    assert found(sub, (sub,)) == []
    assert found(sub, (sub, site.root)) == []
    assert found(site.root, (site.root,)) == []


@pytest.mark.parametrize(
    ("leaf", "finding"),
    [
        ({"usages": ()}, ("error", "no_server_auth")),
        ({"dns": ()}, ("warning", "no_san")),
        ({"dns": ("*.contoso.test",)}, ("warning", "wildcard")),
        ({"kind": "rsa1024"}, ("error", "weak_key")),
        ({"key": b"nothing"}, ("error", "unreadable_key")),
    ],
)
def test_what_supplicants_refuse_is_said(found, sub, leaf, finding):
    assert found(sub, (sub,), **leaf) == [finding]


def test_dates_are_said_in_time(kit, found, sub):
    for days, expected in ((31, []), (29, [("warning", "expires_soon")]), (-1, [("error", "expired")])):
        assert found(sub, (sub,), end=kit.NOW + timedelta(days=days)) == expected
    assert found(sub, (sub,), begin=kit.NOW + timedelta(days=1)) == [("error", "not_yet_valid")]
    assert found(sub, (sub,), end=kit.NOW + timedelta(days=900)) == [("warning", "long_lifetime")]


def test_a_key_of_another_certificate_is_an_error(pki, found, sub):
    assert found(sub, (sub,), key=pki.issue("other").key_pem) == [("error", "key_mismatch")]


def test_an_encrypted_key_is_an_error(site, sub, found):
    locked = site.server.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    assert found(sub, (sub,), key=locked) == [("error", "encrypted_key")]


def test_a_chain_with_a_hole_a_stranger_or_a_wrong_order_is_said(kit, pki, site, sub, found):
    assert found(sub) == [("warning", "chain_incomplete")]
    stranger = pki.issue("Stranger", ca=True)
    another = pki.issue("Another", stranger, ca=True)
    assert found(sub, (sub, another)) == [("warning", "unused_certificate")]
    namesake = pki.issue("Servers", site.root, ca=True)
    assert found(sub, (namesake,)) == [("error", "broken_chain")]
    top = pki.issue("Top", site.root, ca=True)
    low = pki.issue("Low", top, ca=True)
    assert found(low, (top, low)) == [("warning", "chain_order")]
    assert found() == [("warning", "self_signed")]


def test_a_file_that_begins_with_the_root_is_understood(kit, site, sub, pki):
    leaf = pki.issue("radius", sub, usages=kit.SERVER, dns=("radius.test",))
    findings = inspect(site.root.pem + sub.pem + leaf.pem, Secret(leaf.key_pem), kit.instant())
    assert [finding.code for finding in findings] == ["chain_order"]
    assert sending_order((site.root.cert, sub.cert, leaf.cert)) == (leaf.cert, sub.cert)


def test_a_file_without_certificates_is_an_error(kit, site):
    (finding,) = inspect(b"nothing", Secret(site.server.key_pem), kit.instant())
    assert (finding.severity, finding.code) == (Severity.ERROR, "unreadable_certificate")


def test_client_cas_that_end_soon_are_said_with_their_entry(kit, pki, site):
    brief = pki.issue("Brief", ca=True, end=kit.NOW + timedelta(days=3))
    cas = (
        TrustAnchor(name="good", pem=site.root.pem),
        TrustAnchor(name="brief", pem=brief.pem),
        TrustAnchor(name="empty", pem=b""),
    )
    soon, broken = inspect_client_cas(cas, kit.instant())
    assert (soon.severity, soon.code) == (Severity.WARNING, "expires_soon")
    assert "client_cas entry `brief`: `CN=Brief`" in soon.message
    assert broken.code == "unreadable_certificate"
    late, _ = inspect_client_cas(cas, kit.instant(kit.NOW + timedelta(days=4)))
    assert late.severity is Severity.ERROR
