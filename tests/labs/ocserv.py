"""ocserv, a VPN gateway that speaks AnyConnect's protocol and asks RADIUS by radcli, and openconnect, its client.

Knows: what each is told. Refuses to know: nacd (it is an address), and who may come in.
"""

from __future__ import annotations

import stat
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.labs.unpacked import unpacked
from tests.labs.vpn_site import GATEWAY, Site
from tests.peers.wire import SECRET, SERVER_NAME

RADCLI = """\
nas-identifier lab-anyconnect
authserver {auth[0]}:{auth[1]}
acctserver {accounting[0]}:{accounting[1]}
servers {folder}/servers
dictionary {dictionary}
default_realm
radius_timeout 2
radius_retries 1
bindaddr *
"""

OCSERV = """\
auth = "radius[config={folder}/radcli.conf,groupconfig=true]"
acct = "radius[config={folder}/radcli.conf]"
tcp-port = 443
run-as-user = root
run-as-group = root
socket-file = {folder}/s
pid-file = {folder}/pid
isolate-workers = false
use-occtl = false
server-cert = {chain}
server-key = {key}
max-clients = 4
max-ban-score = 0
device = vpns
ipv4-network = 10.67.3.0
ipv4-netmask = 255.255.255.0
route = 10.68.1.0/255.255.255.0
ping-leases = false
try-mtu-discovery = false
cisco-client-compat = true
"""

SCRIPT = """\
#!/bin/sh
env > {folder}/$reason.tmp && mv {folder}/$reason.tmp {folder}/$reason
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ocserv:
    """The gateway. log_file: what it says."""

    log_file: Path

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Openconnect:
    """A client that is dialling, connected or gone."""

    folder: Path
    process: subprocess.Popen[str]

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def connected(self, within_s: float = 15.0) -> dict[str, str]:
        """Wait for the tunnel: what the gateway gave us, by the names that openconnect's scripts know."""
        deadline = time.monotonic() + within_s
        while not (said := self.folder / "connect").exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"openconnect does not connect:\n{self.log[-4000:]}")
            time.sleep(0.05)
        lines = said.read_text(encoding="utf-8", errors="replace").splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def ended(self, within_s: float = 20.0) -> int:
        """Wait until it gives up by itself; its exit code."""
        return self.process.wait(within_s)

    def hang_up(self) -> None:
        """Log out: the session is over at the gateway, too."""
        self.process.send_signal(2)
        self.process.wait(10)


class Lab:
    """Starts them; the ``peer`` fixture ends them."""

    def __init__(self, peer: Callable[[str], Any], folder: Path, certificates: Any) -> None:
        self._ocserv = peer("ocserv")
        self._openconnect = peer("openconnect")
        self._folder = folder
        self._certificates = certificates

    def gateway(self, site: Site) -> Ocserv:
        """The gateway, listening when this returns."""
        folder = self._folder / "o"
        folder.mkdir()
        server = self._certificates.server()
        auth, accounting = site.nacd.address(), site.nacd.address(accounting=True)
        dictionary = unpacked("etc/radcli/dictionary")
        (folder / "servers").write_text(f"{auth[0]} {SECRET}\n")
        (folder / "radcli.conf").write_text(
            RADCLI.format(auth=auth, accounting=accounting, folder=folder, dictionary=dictionary)
        )
        (folder / "ocserv.conf").write_text(OCSERV.format(folder=folder, chain=server.chain, key=server.key))
        log = folder / "log"
        with log.open("w") as output:
            words = ["-f", "-d", "3", "-c", folder / "ocserv.conf"]
            running = self._ocserv.inside(site.gateway).popen(words, stdout=output)
        gateway = Ocserv(log_file=log)
        deadline = time.monotonic() + 10.0
        while "listening (TCP) on" not in gateway.log or not list(folder.glob("s*")):
            if running.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"ocserv does not start:\n{gateway.log[-4000:]}")
            time.sleep(0.05)
        return gateway

    def dial(self, site: Site, user: str, password: str) -> Openconnect:
        """A laptop dials in with that name and password."""
        folder = self._folder / f"c{len(list(self._folder.glob('c*')))}"
        folder.mkdir()
        (folder / "script").write_text(SCRIPT.format(folder=folder))
        (folder / "script").chmod(stat.S_IRWXU)
        (folder / "password").write_text(f"{password}\n")
        words = ["-v", "--protocol=anyconnect", f"--user={user}", "--passwd-on-stdin", "--non-inter", "--no-dtls"]
        words += [f"--cafile={self._certificates.folder / 'server-ca.pem'}", f"--script={folder / 'script'}"]
        words += [f"--resolve={SERVER_NAME}:{GATEWAY}", f"https://{SERVER_NAME}/"]
        with (folder / "log").open("w") as output, (folder / "password").open() as typed:
            running = self._openconnect.inside(site.laptop).popen(words, stdin=typed, stdout=output)
        return Openconnect(folder=folder, process=running)
