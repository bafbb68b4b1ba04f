"""What is true of one certificate, whoever looks."""

from __future__ import annotations

import pytest

from nacd.eap.tls.certificate import facts_of, key_weakness, name_of, signature_weakness


@pytest.mark.parametrize("kind", ["rsa2048", "p256", "p384", "ed25519"])
def test_a_strong_key_is_fine(pki, kind):
    assert key_weakness(pki.issue("strong", kind=kind).cert) == ""


@pytest.mark.parametrize("kind", ["rsa1024", "p224"])
def test_a_weak_key_is_named_with_its_size(pki, kind):
    assert key_weakness(pki.issue("weak", kind=kind).cert).startswith("has an ")


def test_a_name_cannot_break_a_sentence(pki):
    assert name_of(pki.issue("a`b\nc").cert).subject.isprintable()
    assert "`" not in name_of(pki.issue("a`b\nc").cert).subject


def test_facts_are_what_each_question_by_itself_answers(kit, pki, site):
    for one in (site.device, site.root, pki.issue("weak", site.root, kind="p224", usages=kit.CLIENT)):
        facts = facts_of(one.cert)
        assert (facts.der, facts.fault.code) == (one.der, "")
        assert (facts.begins, facts.ends) == (
            one.cert.not_valid_before_utc.timestamp(),
            one.cert.not_valid_after_utc.timestamp(),
        )
        assert facts.weak_key == key_weakness(one.cert)
        assert facts.weak_signature == signature_weakness(one.cert)
        assert facts.key.startswith(one.cert.subject.public_bytes())
        assert facts_of(one.cert) is facts
