"""The admin's words become each room's options, none lost on the way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nacd.config.load import load
from nacd.config.settings import Settings
from nacd.intune.options import ManagedIdentity, SecretCredential
from nacd.radius.clients import MessageAuthenticatorRule
from nacd.server import translate
from nacd.values import NO_SECRET, Authentication, IdentitySource, Secret
from tests.server.house import PROBE, SECRET, Site


def settings(site: Site) -> Settings:
    return load(site.config).settings


def test_a_client_keeps_everything_that_was_written_about_it(site: Site) -> None:
    site.change("groups: [wired],", "groups: [wired, b], message_authenticator: auto, eap_md5_mab: true,")
    client = translate.client(settings(site).clients[0])
    assert client.nas.name == "switch"
    assert client.nas.groups == {"wired", "b"}
    assert client.nas.eap_md5_mab
    assert client.secret == Secret(SECRET)
    assert client.message_authenticator is MessageAuthenticatorRule.AUTO
    assert client.probe_users == {PROBE}
    assert [str(network) for network in client.networks] == ["127.0.0.1/32"]


def test_a_concentrator_authenticates_by_itself(site: Site) -> None:
    assert translate.client(settings(site).clients[1]).nas.authentication is Authentication.DONE_BY_NAS


def test_eap_limits_are_taken_over_in_octets_and_seconds(site: Site) -> None:
    site.change(
        "eap:\n",
        "eap:\n  fragment_size: 800\n  path_mtu: 1300\n  conversations: {max_waiting: 11, max_handshakes: 12,"
        " memory: 1MiB, lifetime: 20s, max_rounds: 33}\n",
    )
    eap = settings(site).eap
    assert eap is not None
    options = translate.eap_options(eap)
    assert (options.fragment_size, options.path_mtu) == (800, 1300)
    assert (options.max_waiting, options.max_handshakes, options.max_rounds) == (11, 12, 33)
    assert (options.max_octets, options.lifetime_s) == (1 << 20, 20.0)


def test_tls_options_hold_certificate_key_and_anchors(site: Site) -> None:
    site.change("eap:\n", 'eap:\n  tls_min: "1.3"\n  require_client_auth_eku: false\n')
    eap = settings(site).eap
    assert eap is not None
    anchors = translate.trust_anchors(eap)
    tls = translate.tls_options(eap, anchors)
    assert [anchor.name for anchor in anchors] == ["devices-ca"]
    assert tls.certificate_chain_pem == (site.folder / "server.pem").read_bytes()
    assert (tls.min_version, tls.max_version, tls.require_client_auth_eku) == ("1.3", "1.3", False)


def test_identity_rules_keep_order_cas_and_lists(site: Site) -> None:
    site.change(
        "policy: policy.yaml",
        "identity: {order: [mac, certificate], cn_as_guid: true, entra_forms: ['AADDeviceId://'], random_macs: ask,"
        " shared_macs: [00-50-B6-11-22-33], vpn: {bare_guid: true}}\npolicy: policy.yaml",
    )
    rules = translate.identity_rules(settings(site))
    assert rules.order == (IdentitySource.MAC, IdentitySource.CERTIFICATE)
    assert set(rules.cas) == {"devices-ca"}
    assert rules.cn_as_guid
    assert rules.vpn_bare_guid
    assert rules.ask_random_macs
    assert len(rules.shared_macs) == 1


def test_lifetimes_are_seconds(site: Site) -> None:
    site.change(
        "policy: policy.yaml",
        "compliance: {lifetimes: {compliant: 10m, noncompliant: 4m, not_managed: 3m, unknown: 1m}, stale_for: 2h}\n"
        "policy: policy.yaml",
    )
    lifetimes = translate.lifetimes(settings(site).compliance)
    assert (lifetimes.compliant_s, lifetimes.noncompliant_s) == (600.0, 240.0)
    assert (lifetimes.not_managed_s, lifetimes.unknown_s, lifetimes.stale_for_s) == (180.0, 60.0, 7200.0)


def test_a_custom_cloud_with_a_static_endpoint_is_whole(site: Site) -> None:
    intune = settings(site).intune
    assert intune is not None
    options = translate.intune_options(intune)
    assert options.cloud.login == "https://localhost:9"
    assert options.cloud.resource == "https://localhost:9/"
    assert options.endpoint == "https://localhost:9/nac"
    assert options.allowed_hosts == ("localhost:9",)
    assert options.credentials == (SecretCredential(secret=Secret(b"the-apps-own-word")),)


def test_the_portal_is_a_host_as_the_intune_room_wants_it(site: Site) -> None:
    intune = settings(site).intune
    assert intune is not None
    assert translate.intune_options(intune).cloud.portal == "portal.example.test"


def test_a_secret_keeps_its_day_and_a_second_credential_its_place(site: Site) -> None:
    site.change(
        '  credential: {secret: "file:secrets/app"}\n',
        '  credential: {secret: "file:secrets/app", expires: "2027-05-31"}\n'
        "  next_credential: {managed_identity: system}\n",
    )
    intune = settings(site).intune
    assert intune is not None
    first, second = translate.intune_options(intune).credentials
    assert first == SecretCredential(secret=Secret(b"the-apps-own-word"), expires_at=1_811_721_600.0)
    assert second == ManagedIdentity()


@pytest.mark.parametrize(("kind", "said"), [("pipe", "is a pipe, not a file"), ("large", "is larger than 4 MiB")])
def test_a_certificate_that_is_no_file_of_a_sane_size_is_refused(tmp_path: Path, kind: str, said: str) -> None:
    path = tmp_path / "ca.pem"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.write_bytes(b"x" * ((4 << 20) + 1))
    with pytest.raises(ValueError, match=said):
        translate.pem(path)


def test_two_secrets_that_are_one_are_one(site: Site) -> None:
    site.write("secrets/same", SECRET, 0o600)
    site.write("secrets/other", "another-secret-of-the-nas", 0o600)
    secret = 'secret: "file:secrets/nas"'
    assert site.assemble().clients[0].next_secret is NO_SECRET
    site.change(secret, f'{secret}, next_secret: "file:secrets/other"')
    assert site.assemble().clients[0].next_secret == Secret(b"another-secret-of-the-nas")
    site.change("secrets/other", "secrets/same")
    assert site.assemble().clients[0].next_secret is NO_SECRET
