"""A real switch port: hostapd's wired authenticator asks nacd, wpa_supplicant is on the other end of a cable."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nacd.sim.pki import COMPLIANT_GUID, NONCOMPLIANT_GUID
from tests.peers.wire import SECRET, SERVER_NAME

pytestmark = [pytest.mark.peer, pytest.mark.netns, pytest.mark.slow]

HOSTAPD = """\
interface={port}
driver=wired
ieee8021x=1
use_pae_group_addr=1
eap_reauth_period=0
eapol_version=2
own_ip_addr=127.0.0.1
nas_identifier=lab-port
auth_server_addr={auth[0]}
auth_server_port={auth[1]}
auth_server_shared_secret={secret}
acct_server_addr={accounting[0]}
acct_server_port={accounting[1]}
acct_server_shared_secret={secret}
radius_acct_interim_interval=60
logger_stdout=-1
logger_stdout_level=0
"""

SUPPLICANT = """\
ap_scan=0
network={{
    key_mgmt=IEEE8021X
    eap=TLS
    eapol_flags=0
    identity="host/laptop-one"
    ca_cert="{trusted}"
    domain_match="{name}"
    client_cert="{chain}"
    private_key="{key}"
    phase1="{phase1}"
}}
"""


@pytest.fixture
def login(
    nacd: Any, netns: Any, peer: Callable[[str], Any], certificates: Any, tmp_path: Path
) -> Callable[..., tuple[str, str]]:
    """``login("compliant-p256", done)`` plugs a laptop in and waits until either log has ``done``; both logs."""

    def plug_in(who: str, *done: str, tls13: bool = True, within_s: float = 15.0) -> tuple[str, str]:
        laptop = netns.namespace()
        port, card = netns.cable(netns.host(), laptop)
        switch_config, laptop_config = tmp_path / "hostapd.conf", tmp_path / "supplicant.conf"
        switch_config.write_text(
            HOSTAPD.format(port=port, auth=nacd.address(), accounting=nacd.address(accounting=True), secret=SECRET)
        )
        credential = certificates.client(who)
        laptop_config.write_text(
            SUPPLICANT.format(
                trusted=certificates.folder / "server-ca.pem",
                name=SERVER_NAME,
                chain=credential.chain,
                key=credential.key,
                phase1=f"tls_disable_tlsv1_3={0 if tls13 else 1}",
            )
        )
        logs = tmp_path / "hostapd.log", tmp_path / "supplicant.log"
        with logs[0].open("w") as switch_log, logs[1].open("w") as laptop_log:
            peer("hostapd").popen(["-d", switch_config], stdout=switch_log)
            wait_for(logs[0], ("AP-ENABLED",), within_s)
            on_laptop = peer("wpa_supplicant").inside(laptop)
            on_laptop.popen(["-d", "-D", "wired", "-i", card, "-c", laptop_config], stdout=laptop_log)
            wait_for(logs[1], done, within_s)
        return logs[0].read_text(errors="replace"), logs[1].read_text(errors="replace")

    return plug_in


def wait_for(log: Path, words: tuple[str, ...], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not any(word in (text := log.read_text(errors="replace")) for word in words):
        if time.monotonic() > deadline:
            pytest.fail(f"none of {words} within {within_s} s in {log.name}:\n{text[-4000:]}")
        time.sleep(0.05)


@pytest.mark.parametrize("tls13", [False, True])
def test_a_compliant_laptop_comes_up_on_a_real_port_and_the_accept_on_the_wire_has_its_profile(
    nacd: Any, login: Any, tap: Any, tls13: bool
) -> None:
    seen = len(nacd.audit())
    wire, running = tap.start(nacd.ports)
    switch, laptop = login("compliant-p256", "CTRL-EVENT-EAP-SUCCESS", "CTRL-EVENT-EAP-FAILURE", tls13=tls13)
    assert "CTRL-EVENT-EAP-SUCCESS" in laptop, laptop[-3000:]
    assert re.search(r"AP-STA-CONNECTED|authorizing port|STA .* IEEE 802\.1X: authorizing port", switch), switch[-3000:]
    started = nacd.recorded({"code": "A2001I", "nas.identifier": "lab-port"}, since=seen)
    tap.stop(running)
    assert started["endpoint"]["user_name"] == "host/laptop-one"
    wanted = {"identity.id": COMPLIANT_GUID, "decision.rule": "compliant device", "decision.profile": "corporate"}
    accept = nacd.recorded({"code": "A1001I", "nas.identifier": "lab-port", **wanted}, since=seen)
    assert accept["eap"]["tls_version"] == ("TLSv1.3" if tls13 else "TLSv1.2")
    assert accept["endpoint"]["mac"] == started["endpoint"]["mac"]
    # hostapd's wired driver moves nobody into a VLAN: what it was told is on the wire.
    accepts = wire.fields("radius.code == 2", "radius.Tunnel_Private_Group_Id", "radius.Session_Timeout")
    assert accepts == [["120", "28800"]]
    assert wire.faults() == []


def test_a_noncompliant_laptop_gets_the_quarantine_profile_on_the_wire(nacd: Any, login: Any, tap: Any) -> None:
    seen = len(nacd.audit())
    wire, running = tap.start(nacd.ports)
    _, laptop = login("noncompliant", "CTRL-EVENT-EAP-SUCCESS", "CTRL-EVENT-EAP-FAILURE")
    tap.stop(running)
    assert "CTRL-EVENT-EAP-SUCCESS" in laptop, laptop[-3000:]
    accepts = wire.fields("radius.code == 2", "radius.Tunnel_Private_Group_Id", "radius.Session_Timeout")
    assert accepts == [["999", "600"]]
    assert wire.faults() == []
    wanted = {"identity.id": NONCOMPLIANT_GUID, "compliance.state": "noncompliant", "decision.profile": "quarantine"}
    nacd.recorded({"code": "A1001I", "nas.identifier": "lab-port", **wanted}, since=seen)


def test_a_laptop_with_an_expired_certificate_stays_outside(nacd: Any, login: Any) -> None:
    seen = len(nacd.audit())
    switch, laptop = login("expired", "CTRL-EVENT-EAP-SUCCESS", "CTRL-EVENT-EAP-FAILURE")
    assert "CTRL-EVENT-EAP-FAILURE" in laptop, laptop[-3000:]
    assert "AP-STA-CONNECTED" not in switch
    wanted = {"code": "A1003W", "nas.identifier": "lab-port", "eap.failure": "certificate_expired"}
    nacd.recorded({**wanted, "certificate.subject": "CN=laptop-old"}, since=seen)
