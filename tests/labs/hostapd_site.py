"""A switch port of hostapd in one namespace, a laptop with wpa_supplicant in another, and nacd here.

Knows: what each is told, and how the laptop is made to log in again. Refuses to know: who may come in, and with what.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.labs.uplink import Uplink, lay
from tests.peers.wire import SECRET, SERVER_NAME

DAS_PORT = 3799

HOSTAPD = """\
interface={port}
driver=wired
ctrl_interface={folder}/hostapd
ieee8021x=1
use_pae_group_addr=1
eap_reauth_period=0
eapol_version=2
own_ip_addr={its}
nas_identifier=lab-port
auth_server_addr={auth[0]}
auth_server_port={auth[1]}
auth_server_shared_secret={secret}
acct_server_addr={accounting[0]}
acct_server_port={accounting[1]}
acct_server_shared_secret={secret}
radius_acct_interim_interval=60
radius_das_port={das_port}
radius_das_client={own} {secret}
radius_das_time_window=300
radius_das_require_event_timestamp=1
radius_das_require_message_authenticator=1
logger_stdout=-1
logger_stdout_level=0
"""

SUPPLICANT = """\
ctrl_interface={folder}/supplicant
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
    phase1="tls_disable_tlsv1_3=0"
}}
"""

AUTHORIZED, REFUSED = "CTRL-EVENT-EAP-SUCCESS", "CTRL-EVENT-EAP-FAILURE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a program wrote, and waiting for more of it."""

    file: Path

    @property
    def text(self) -> str:
        return self.file.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, *words: str, after: int = 0, within_s: float = 15.0) -> str:
        """Until one of these is in what came after so many letters; the first of them that is."""
        deadline = time.monotonic() + within_s
        while True:
            text = self.text[after:]
            found = [word for word in words if word in text]
            if found:
                return found[0]
            if time.monotonic() > deadline:
                pytest.fail(f"none of {words} within {within_s:.0f} s in {self.file.name}:\n{text[-4000:]}")
            time.sleep(0.02)


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """The switch port. mac: of the laptop on it."""

    said: Said
    control: Any
    folder: Path
    interface: str
    mac: str

    def stations(self) -> str:
        """What hostapd knows of whoever is on the port."""
        done = self.control.run(["-p", self.folder / "hostapd", "-i", self.interface, "all_sta"])
        return str(done.stdout)

    def is_open(self) -> bool:
        """Whether the laptop is authorized (IEEE 802.1X: the controlled port)."""
        return "dot1xPaePortStatus" not in self.stations() and "AUTHORIZED" in re.findall(
            r"\[(AUTHORIZED)\]", self.stations()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Laptop:
    """The laptop's supplicant."""

    said: Said
    control: Any
    folder: Path
    card: str

    def tell(self, *words: str) -> str:
        """One command of wpa_cli."""
        done = self.control.run(["-p", self.folder / "supplicant", "-i", self.card, *words])
        return str(done.stdout + done.stderr)

    def log_in_again(self, within_s: float = 15.0) -> str:
        """As a person who pulls the cable and plugs it in again; how it ended."""
        before = len(self.said.text)
        assert "OK" in self.tell("logoff")
        assert "OK" in self.tell("logon")
        assert "OK" in self.tell("reassociate")
        return self.said.wait_for(AUTHORIZED, REFUSED, after=before, within_s=within_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Two namespaces and their cables, before anything runs there."""

    uplink: Uplink
    switch: Any
    laptop: Any
    port: str
    card: str


def ground(netns: Any) -> Ground:
    """Lay the cables."""
    switch, laptop = netns.namespace(), netns.namespace()
    uplink = lay(netns, switch)
    port, card = netns.cable(switch, laptop)
    return Ground(uplink=uplink, switch=switch, laptop=laptop, port=port, card=card)


class Lab:
    """Starts both ends; the ``peer`` and ``netns`` fixtures end them."""

    def __init__(self, peer: Callable[[str], Any], folder: Path, certificates: Any) -> None:
        self._peer = peer
        self._folder = folder
        self._certificates = certificates

    def open_port(self, on: Ground, nacd: Any, who: str = "compliant-p256") -> tuple[Port, Laptop]:
        """The port asks nacd, and the laptop is plugged in and let in when this returns."""
        port = self._port(on, nacd)
        laptop = self._laptop(on, who)
        assert laptop.said.wait_for(AUTHORIZED, REFUSED) == AUTHORIZED, laptop.said.text[-3000:]
        mac = re.search(r"STA ([0-9a-f:]{17}) IEEE 802\.1X: authorizing port", self._waited(port))
        assert mac is not None
        return Port(said=port.said, control=port.control, folder=port.folder, interface=on.port, mac=mac[1]), laptop

    @staticmethod
    def _waited(port: Port) -> str:
        port.said.wait_for("IEEE 802.1X: authorizing port")
        return port.said.text

    def _port(self, on: Ground, nacd: Any) -> Port:
        config, log = self._folder / "hostapd.conf", self._folder / "hostapd.log"
        config.write_text(
            HOSTAPD.format(
                port=on.port,
                folder=self._folder,
                own=on.uplink.own,
                its=on.uplink.its,
                auth=nacd.address(),
                accounting=nacd.address(accounting=True),
                das_port=DAS_PORT,
                secret=SECRET,
            )
        )
        with log.open("w") as output:
            self._peer("hostapd").inside(on.switch).popen(["-d", config], stdout=output)
        said = Said(file=log)
        said.wait_for("AP-ENABLED")
        control = self._peer("hostapd_cli").inside(on.switch)
        return Port(said=said, control=control, folder=self._folder, interface=on.port, mac="")

    def _laptop(self, on: Ground, who: str) -> Laptop:
        credential = self._certificates.client(who)
        config, log = self._folder / "supplicant.conf", self._folder / "supplicant.log"
        config.write_text(
            SUPPLICANT.format(
                folder=self._folder,
                trusted=self._certificates.folder / "server-ca.pem",
                name=SERVER_NAME,
                chain=credential.chain,
                key=credential.key,
            )
        )
        with log.open("w") as output:
            words = ["-d", "-D", "wired", "-i", on.card, "-c", config]
            self._peer("wpa_supplicant").inside(on.laptop).popen(words, stdout=output)
        control = self._peer("wpa_cli").inside(on.laptop)
        return Laptop(said=Said(file=log), control=control, folder=self._folder, card=on.card)
