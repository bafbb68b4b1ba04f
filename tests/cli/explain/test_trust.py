"""Chains, good and bad, each against the trust anchors alone."""

from __future__ import annotations

import time
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from nacd.cli.explain.trust import NotCertificate, certificates_of, judge
from nacd.eap.chain import Accepted, Anchors, TrustAnchor
from nacd.eap.tls.certificate import Failure
from nacd.sim.pki import Authority, Issued

ROOT = Authority.root("ours")


def verdict(pem: bytes, *listed: bytes, strict: bool = True) -> Accepted | Failure:
    anchors = Anchors([TrustAnchor(name=f"ca{i}", pem=one) for i, one in enumerate(listed or (ROOT.root_pem,))])
    return judge(certificates_of(pem), anchors, time.time(), require_client_auth_eku=strict)


def failure(pem: bytes, *listed: bytes) -> Failure:
    found = verdict(pem, *listed)
    assert isinstance(found, Failure)
    return found


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_a_chain_leads_up_over_its_intermediates(depth: int) -> None:
    found = verdict(ROOT.intermediates(depth).issue_client().chain_pem)
    assert isinstance(found, Accepted)
    assert (found.anchor, len(found.chain)) == ("ca0", depth + 2)


def test_the_order_of_intermediates_does_not_matter() -> None:
    chain = certificates_of(ROOT.intermediates(3).issue_client().chain_pem)
    turned = b"".join(one.public_bytes(Encoding.PEM) for one in (chain[0], *reversed(chain[1:])))
    assert isinstance(verdict(turned), Accepted)


def test_the_nearest_listed_ca_is_the_anchor() -> None:
    issuing = ROOT.intermediate()
    found = verdict(issuing.issue_client().chain_pem, ROOT.root_pem, issuing.certificate_pem)
    assert isinstance(found, Accepted)
    assert found.anchor == "ca1"


def test_a_missing_intermediate_is_named() -> None:
    issued = ROOT.intermediate("the issuing one").issue_client()
    found = failure(issued.certificate_pem)
    assert found.code == "unknown_ca"
    assert "was issued by `CN=the issuing one" in found.reason
    assert "append it" in found.reason


def test_a_chain_that_stops_halfway_says_where() -> None:
    stranger = Authority.root("theirs").intermediate("their issuing one")
    found = failure(stranger.issue_client("laptop").chain_pem)
    assert "CN=their issuing one" in found.subject
    assert "ends the chain" in found.reason


def test_a_ca_of_the_same_name_with_another_key_is_no_anchor() -> None:
    found = failure(Authority.root("ours").issue_client().chain_pem)
    assert "it has another key" in found.reason


def test_a_self_signed_certificate_leads_nowhere() -> None:
    assert "is self-signed" in failure(Authority.root("alone").certificate_pem).reason


def test_a_client_certificate_issues_no_other() -> None:
    middle = ROOT.issue_client("no ca")
    pretender = Authority(middle.certificate, _key(middle), (middle.certificate,))
    found = failure(pretender.issue_client().certificate_pem + middle.certificate_pem)
    assert found.code == "bad_chain"
    assert "is no CA certificate" in found.reason


def _key(issued: Issued) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return load_pem_private_key(issued.key_pem, None)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"starts_s": -7200.0, "lasts_s": 3600.0}, "certificate_expired"),
        ({"starts_s": 7200.0, "lasts_s": 3600.0}, "certificate_not_yet_valid"),
        ({"eku": []}, "wrong_eku"),
        ({"key": "rsa1024"}, "weak_key"),
    ],
)
def test_dates_usage_and_strength_are_judged_as_at_a_login(more: dict[str, Any], code: str) -> None:
    assert failure(ROOT.issue_client(**more).chain_pem).code == code


def test_a_missing_eku_can_be_allowed() -> None:
    assert isinstance(verdict(ROOT.issue_client(eku=[]).chain_pem, strict=False), Accepted)


def test_der_is_read_too() -> None:
    issued = ROOT.issue_client()
    assert certificates_of(issued.certificate.public_bytes(Encoding.DER)) == (issued.certificate,)


@pytest.mark.parametrize("octets", [b"", b"hello", b"\x30\x03abc", ROOT.issue_client().key_pem])
def test_what_is_no_certificate_is_refused(octets: bytes) -> None:
    with pytest.raises(NotCertificate, match="no certificate that can be read"):
        certificates_of(octets)


def test_a_leaf_with_broken_extensions_is_told_not_raised() -> None:
    issued = ROOT.issue_client(eku=[], extra=[("2.5.29.37", b"\x30\x05\x86")])
    assert isinstance(issued.certificate, x509.Certificate)
    assert failure(issued.chain_pem).code == "unreadable_certificate"
