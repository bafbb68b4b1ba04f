"""A small site in a folder (two NASes, a PKI, a policy), and the command line to ask about it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from nacd.cli.main import app
from nacd.server.control import Control
from nacd.sim.nas import Nas
from nacd.sim.pki import Authority, DemoPki, write_demo_pki

SECRETS = {"switch": "switch-secret-of-24-chars", "vpn": "another-secret-of-24-char", "app": "app-secret"}
PRINTER = "00-11-85-AA-BB-CC"

CONFIG = """\
server: {auth: "127.0.0.1:0", accounting: "127.0.0.1:0"}
clients:
  - {name: switch, network: 10.1.0.0/24, secret: "file:switch.secret", vendor: cisco-ios, groups: [wired]}
  - {name: vpn, network: 10.2.0.1, secret: "file:vpn.secret", vendor: aruba, authentication: done_by_nas,
     message_authenticator: accept}
eap:
  certificate: pki/server.pem
  private_key: file:pki/server.key
  client_cas:
    - {file: pki/devices-ca.pem, may_assert: [intune_id]}
    - {file: pki/users-ca.pem, may_assert: []}
intune:
  cloud: custom
  tenant: contoso.example
  client_id: 00000000-0000-0000-0000-00000000000a
  credential: {secret: "file:app.secret"}
  authority: https://localhost:9
  graph: https://localhost:9
  resource: https://api.manage.microsoft.com/
  host_suffixes: [.manage.microsoft.com]
  allowed_hosts: ["localhost:9"]
policy: policy.yaml
audit: {file: audit.jsonl}
state: state
"""
POLICY = """\
profiles:
  corporate: {vlan: 120, session_timeout: 8h}
  quarantine: {vlan: 999, optional: {group_policy: SLOW}}
  printers: {vlan: 140}
rules:
  - {name: healthy, when: {access: dot1x, identity: certificate, compliance: compliant}, then: corporate}
  - {name: office, when: {access: dot1x, ssid: office}, then: corporate}
  - {name: printers, when: {access: mab, mac_in: printers.csv}, then: printers}
  - {name: known mac, when: {identity: mac, compliance: compliant}, then: quarantine}
  - {name: broken, when: {access: dot1x, compliance: [noncompliant, unavailable]}, then: quarantine}
"""


@dataclass(frozen=True, slots=True)
class Site:
    """One configuration on disk. devices: the CA that names devices."""

    config: Path
    pki: DemoPki
    devices: Authority

    @property
    def folder(self) -> Path:
        return self.config.parent


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("site")
    pki = write_demo_pki(folder / "pki")
    devices = Authority.root("our devices")
    with pki.devices_ca.open("ab") as file:
        file.write(devices.root_pem)
    for name, secret in SECRETS.items():
        file = folder / f"{name}.secret"
        file.touch(mode=0o600)
        file.write_text(secret)
    (folder / "nacd.yaml").write_text(CONFIG)
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "printers.csv").write_text(f"mac,note\n{PRINTER},third floor\n")
    return Site(folder / "nacd.yaml", pki, devices)


Nacd = Callable[..., Any]


@pytest.fixture
def nacd() -> Nacd:
    """``nacd("check", "--config", path)``: exit code and output, in this process."""

    def run(*words: object) -> Any:
        done = CliRunner().invoke(app, [str(word) for word in words])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    return run


@pytest.fixture
def explain(nacd: Nacd, site: Site) -> Nacd:
    """``explain("--mac", ...)`` about the site."""

    def run(*words: object) -> Any:
        return nacd("explain", "--config", site.config, *words)

    return run


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Callable[[Mapping[str, Any]], Path]]:
    """``door({"cache.show": show})``: the state folder of a daemon that knows these orders and nothing else."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    opened: list[Control] = []

    def open_door(orders: Mapping[str, Any]) -> Path:
        opened.append(Control(tmp_path, orders))
        asyncio.run_coroutine_threadsafe(opened[-1].open(), loop).result(10)
        return tmp_path

    yield open_door
    for each in opened:
        asyncio.run_coroutine_threadsafe(each.close(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.fixture
def sent() -> Callable[..., bytes]:
    """``sent(lambda nas: nas.mab(...))``: the octets a simulated NAS sends; nobody hears them."""

    def ask(question: Callable[[Nas], object], name: str = "switch", **more: object) -> bytes:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
            deaf.bind(("127.0.0.1", 0))
            port = deaf.getsockname()[1]
            secret = SECRETS[name].encode()
            with Nas(server="127.0.0.1", secret=secret, port=port, timeout_s=0.01, tries=1, **more) as nas:  # type: ignore[arg-type]
                question(nas)
                return nas.last_octets

    return ask
