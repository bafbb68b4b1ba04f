"""Simulated switches around one nacd, each at an address of its own on loopback, with laptops that speak EAP-TLS.

Knows: addresses, who is plugged in where, and what ``clients:`` says of each switch. Refuses to know: what the switches
do when they are asked (``nacd.sim.das``), and nacd from inside.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from nacd.sim.das import Answer, Endpoint, Heard, Session, Switch
from nacd.sim.nas import Nas
from nacd.sim.nas_reply import Reply
from nacd.sim.supplicant import Supplicant, login
from tests.labs.flips import quick
from tests.peers.wire import SECRET, SERVER_NAME

ACCEPT = 2
TRIES = 20
"""As stubborn as a supplicant is: a server that is started anew knows nothing of half a conversation."""

Script = Callable[[Heard], Sequence[Answer] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A switch and its row in ``clients:``."""

    switch: Switch
    client: dict[str, Any]


class Campus:
    """Build the switches, then ``start`` nacd, then plug laptops in."""

    def __init__(self, launch: Any, certificates: Any, stack: ExitStack) -> None:
        self._launch = launch
        self._certificates = certificates
        self._stack = stack
        self._built: list[Built] = []
        self.nacd: Any = None

    def switch(self, name: str, vendor: str = "cisco-ios", script: Script | None = None) -> Switch:
        """One more, listening for requests from now on."""
        # Two runs of the tests at a time must not share addresses.
        host = f"127.88.{os.getpid() % 250 + 1}.{len(self._built) + 1}"
        nas = Nas("127.0.0.1", SECRET.encode(), name=name, source=host, address=host, timeout_s=5.0)
        switch = self._stack.enter_context(Switch(nas, host=host, script=script))
        client = {"name": name, "network": f"{host}/32", "vendor": vendor, "dynauth": {"port": switch.das.port}}
        self._built.append(Built(switch=switch, client=client))
        return switch

    def start(self, change: Callable[[dict[str, Any]], None] = lambda config: None) -> Any:
        """A nacd that knows all of them; every one of them asks it from now on. change(config): may alter it."""

        def changed(config: dict[str, Any], policy: dict[str, Any]) -> None:
            del policy
            pattern = config["clients"][0]
            config["clients"] = [{**pattern, **built.client} for built in self._built]
            quick(config)
            # One device may be all there is, and what Intune has just said of it passes even a hold.
            guard = {"max_flips": 1_000, "max_flip_percent": 100, "confirmed_per_s": 1_000}
            config["sessions"] = {"guard": {"down": dict(guard), "up": dict(guard)}}
            change(config)

        self._use(self._launch(change=changed))
        return self.nacd

    def again(self) -> Any:
        """The nacd that has ended, started once more with the same files; laptops may be logging in meanwhile."""
        self._use(self._launch.again(self.nacd))
        return self.nacd

    def _use(self, nacd: Any) -> None:
        self.nacd = nacd
        for built in self._built:
            # A NAS has a socket for each port it asks.
            built.switch.nas.port = nacd.address()[1]
            built.switch.nas.accounting_port = nacd.address(accounting=True)[1]

    def plug_in(self, switch: Switch, number: int = 1) -> Session:
        """A laptop; number: the end of its MAC."""
        return self.plug_in_all([switch], number)[0]

    def plug_in_all(self, switches: Sequence[Switch], number: int = 1) -> list[Session]:
        """A laptop at each, at all of them at once; number: of the first one's MAC."""
        coming = [switch.plug_in(self._laptop(at)) for at, switch in enumerate(switches, start=number)]
        sessions = [each.result(60) for each in coming]
        assert None not in sessions, [switch.logins for switch in switches]
        return [session for session in sessions if session is not None]

    def _laptop(self, number: int) -> Endpoint:
        mac = f"02-00-5E-10-{number >> 8 & 255:02X}-{number & 255:02X}"
        return Endpoint(mac=mac, login=self._login(mac), user="host/laptop-one")

    def tell(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of nacd's, for the running daemon."""
        command = [sys.executable, "-m", "nacd", *words, "--config", str(self.nacd.folder / "nacd.yaml")]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)

    def _login(self, mac: str) -> Callable[[Nas], Reply]:
        credential = self._certificates.client("compliant-p256")
        trusted = (self._certificates.folder / "server-ca.pem").read_bytes()
        chain, key = credential.chain.read_bytes(), credential.key.read_bytes()

        def log_in(nas: Nas) -> Reply:
            reply = Reply()
            for _ in range(TRIES):
                supplicant = Supplicant(
                    identity="host/laptop-one",
                    ca_pem=trusted,
                    certificate_pem=chain,
                    key_pem=key,
                    server_name=SERVER_NAME,
                )
                reply = login(nas, supplicant, mac=mac).reply
                if reply.code == ACCEPT:
                    break
            return reply

        return log_in


def vlan(session: Session | None) -> str:
    """Where the Accept put it."""
    assert session is not None
    return str(session.reply.first("Tunnel-Private-Group-Id"))


def wait_for_vlan(switch: Switch, mac: str, wanted: str, within_s: float = 25.0) -> Session:
    """Until whoever has this MAC is in that VLAN."""
    deadline = time.monotonic() + within_s
    while (session := switch.session(mac)) is None or vlan(session) != wanted:
        assert time.monotonic() < deadline, f"{mac} is not in {wanted}: {session}"
        assert switch.troubles == []
        time.sleep(0.02)
    return session
