"""When certificates end."""

from __future__ import annotations

from dataclasses import replace

from nacd.server.metrics.health.expiry import TABLE, Expiry
from nacd.values import Instant
from tests.server.house import Site


def test_our_own_certificate_and_every_client_ca_are_shown(site: Site) -> None:
    eap = site.assemble().eap
    assert eap is not None
    expiry = Expiry()
    samples = list(expiry.read(eap))
    assert {sample.metric for sample in samples} == set(TABLE)
    shown = {sample.labels: sample.value for sample in samples}
    assert shown["server", "eap.certificate"] == eap.sent[0].not_after
    assert ("client_ca", eap.anchors[0].name) in shown
    assert expiry.over(eap, Instant(wall=0.0, monotonic=0.0)) == ()
    late = Instant(wall=eap.sent[0].not_after + 1, monotonic=0.0)
    assert "server `eap.certificate`" in expiry.over(eap, late)


def test_certificates_are_read_once_for_each_configuration(site: Site) -> None:
    eap = site.assemble().eap
    assert eap is not None
    expiry = Expiry()
    assert expiry.ends(eap) is expiry.ends(eap)
    assert expiry.ends(replace(eap, anchors=())) != expiry.ends(eap)


def test_there_is_nothing_without_eap() -> None:
    assert list(Expiry().read(None)) == []
