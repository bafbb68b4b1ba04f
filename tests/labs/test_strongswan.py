"""A real IKEv2 gateway: strongSwan asks nacd by EAP-RADIUS, a strongSwan client answers with EAP-TLS inside IKE."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nacd.sim.pki import COMPLIANT_GUID, NONCOMPLIANT_GUID, intune_uri
from tests.labs.long_name import long_named
from tests.labs.strongswan import POOLS, Charon, Lab
from tests.labs.vpn_site import Site, build

pytestmark = [pytest.mark.peer, pytest.mark.netns, pytest.mark.slow]

VPN_POLICY = {
    "profiles": {
        "remote": {"session_timeout": "8h", "attributes": {"Class": "corp"}},
        "remote-quarantine": {"session_timeout": "10m", "attributes": {"Class": "quarantine"}},
    },
    "rules": [
        {
            "name": "compliant vpn",
            "when": {"access": "vpn", "identity": "certificate", "compliance": "compliant"},
            "then": "remote",
        },
        {
            "name": "fix your device",
            "when": {"access": "vpn", "identity": "certificate", "compliance": "noncompliant"},
            "then": "remote-quarantine",
        },
    ],
}


def vpn(config: dict[str, Any], policy: dict[str, Any]) -> None:
    del config
    policy.clear()
    policy.update(VPN_POLICY)


@pytest.fixture
def site(netns: Any, launch: Any) -> Site:
    return build(netns, launch, vpn)


@pytest.fixture
def lab(peer: Callable[[str], Any], tmp_path: Path, certificates: Any) -> Lab:
    return Lab(peer, tmp_path, certificates)


def connect(site: Site, lab: Lab, credential: Any, name: str) -> tuple[Charon, Charon, str]:
    """Start both ends and dial: the gateway, the laptop, and what the laptop said."""
    gateway = lab.gateway(site)
    laptop = lab.laptop(site, credential, f"CN={name}")
    done = laptop.tell("--initiate", "--child", "home")
    return gateway, laptop, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("who", "name", "guid", "rule", "group", "timeout_s"),
    [
        ("compliant-p256", "laptop-one", COMPLIANT_GUID, "compliant vpn", "corp", 28800),
        ("noncompliant", "laptop-two", NONCOMPLIANT_GUID, "fix your device", "quarantine", 600),
    ],
    ids=["compliant", "noncompliant"],
)
def test_the_class_in_the_accept_decides_which_group_of_the_gateway_a_laptop_lands_in(
    site: Site,
    lab: Lab,
    certificates: Any,
    tap: Any,
    who: str,
    name: str,
    guid: str,
    rule: str,
    group: str,
    timeout_s: int,
) -> None:
    wire, running = tap.start(site.nacd.ports, site.cable)
    gateway, laptop, said = connect(site, lab, certificates.client(who), name)
    # Both ends have used the MSK by now: IKE's AUTH payload is made of it (RFC 7296 section 2.16).
    assert "initiate completed successfully" in said, said + site.nacd.log_text
    established = gateway.tell("--list-sas").stdout
    assert re.search(rf"^{group}: #\d+, ESTABLISHED", established, re.MULTILINE), established
    address = f"{POOLS[group]}.1"
    assert f"[{address}]" in established
    assert re.search(rf"^  {group}: #\d+, reqid \d+, INSTALLED", established, re.MULTILINE), established
    # Session-Timeout became IKE's AUTH_LIFETIME (RFC 4478), less the gateway's minute.
    assert f"received AUTH_LIFETIME of {timeout_s - 60}s" in said
    ended = laptop.tell("--terminate", "--ike", "home")
    assert "completed successfully" in ended.stdout, ended.stdout + ended.stderr
    accept = site.nacd.recorded({"code": "A1001I", "nas.name": "gateway", "access": "vpn", "decision.rule": rule})
    started = site.nacd.recorded({"code": "A2001I", "endpoint.framed_address": address})
    stopped = site.nacd.recorded({"code": "A2003I", "session.terminate_cause": "User-Request"})
    tap.stop(running)
    assert (accept["identity"]["id"], accept["identity"]["source"]) == (guid, "certificate")
    assert accept["eap"]["tls_version"] == "TLSv1.2"
    sessions = {record["session"]["acct_session_id"] for record in (accept, started, stopped)}
    assert len(sessions) == 1, "the login and its accounting are told apart"
    assert wire.fields("radius.code == 2", "radius.Class") == [[group.encode().hex()]]
    assert len(wire.fields("radius.code == 5", "radius.id")) == 2
    assert wire.faults() == []


def test_a_user_name_of_binary_der_is_no_hindrance_and_its_record_can_be_read(
    netns: Any, launch: Any, lab: Lab, tap: Any, tmp_path: Path
) -> None:
    """An EAP identity that is a distinguished name goes out as its encoding (RFC 7296 section 3.5), and becomes the
    User-Name as it is (RFC 3579 section 2.1): here with octets that are no UTF-8."""
    laptop_cert = long_named(tmp_path, intune_uri(COMPLIANT_GUID))
    with pytest.raises(UnicodeDecodeError):
        laptop_cert.subject.decode()

    def trusting(config: dict[str, Any], policy: dict[str, Any]) -> None:
        config["eap"]["client_cas"].append({"file": str(laptop_cert.ca), "may_assert": ["intune_id"]})
        vpn(config, policy)

    site = build(netns, launch, trusting)
    wire, running = tap.start(site.nacd.ports, site.cable)
    lab.gateway(site)
    laptop = lab.laptop(site, laptop_cert, f"asn1dn:#{laptop_cert.subject.hex()}")
    done = laptop.tell("--initiate", "--child", "home")
    assert "initiate completed successfully" in done.stdout, done.stdout + done.stderr + site.nacd.log_text
    laptop.tell("--terminate", "--ike", "home")
    accept = site.nacd.recorded({"code": "A1001I", "identity.id": COMPLIANT_GUID})
    started = site.nacd.recorded({"code": "A2001I"})
    site.nacd.recorded({"code": "A2003I"})
    tap.stop(running)
    assert accept["endpoint"]["user_name"] == laptop_cert.subject.decode("utf-8", "backslashreplace")
    assert "Zentralstelle für Geräteverwaltung" in accept["endpoint"]["user_name"]
    assert "Zentralstelle für Geräteverwaltung" in accept["certificate"]["subject"]
    # In its accounting the gateway writes the same name as text.
    assert "CN=laptop-one.devices.example.test" in started["endpoint"]["user_name"]
    subject = ":".join(f"{octet:02x}" for octet in laptop_cert.subject)
    assert wire.fields(f"radius.code == 1 && radius contains {subject}", "radius.id")
    octets = site.nacd.audit_file.read_bytes().replace(b"\n", b"")
    assert min(octets) >= 0x20, "a raw control character in the audit file"
    assert wire.faults() == []


def test_a_laptop_that_intune_does_not_know_is_refused(site: Site, lab: Lab, certificates: Any, tap: Any) -> None:
    wire, running = tap.start(site.nacd.ports, site.cable)
    gateway, _, said = connect(site, lab, certificates.client("unknown"), "laptop-new")
    tap.stop(running)
    assert "received EAP_FAILURE, EAP authentication failed" in said, said
    assert "initiate completed" not in said
    assert "ESTABLISHED" not in gateway.tell("--list-sas").stdout
    wanted = {"code": "A1002I", "access": "vpn", "compliance.state": "not_managed", "decision.rule": "default-deny"}
    site.nacd.recorded(wanted)
    assert site.nacd.audit("A2001I") == []
    assert len(wire.fields("radius.code == 3", "radius.id")) == 1
    assert wire.faults() == []
