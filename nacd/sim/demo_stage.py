"""The stage of the demo: demo PKI and secrets, configuration, simulated Microsoft, the daemon, its NASes.

Knows: what stands where, and how it is set up and taken down. Refuses to know: the story. Keys and secrets are
made anew in the state folder and go nowhere else; the secrets begin with ``nacd-demo-``, so that no real
daemon takes them.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nacd.sim.das import Endpoint, Switch
from nacd.sim.intune import IntuneSimulator
from nacd.sim.microsoft.state import CLIENT_SECRET
from nacd.sim.nas import Nas
from nacd.sim.nas_reply import Reply
from nacd.sim.pki import COMPLIANT_GUID, NEWCOMER_GUID, NONCOMPLIANT_GUID, SERVER_NAME, DemoPki, write_demo_pki
from nacd.sim.supplicant import LoginResult, Supplicant, login

PRINTER = "00-11-85-AA-BB-CC"
LAPTOPS = {"compliant": COMPLIANT_GUID, "noncompliant": NONCOMPLIANT_GUID, "newcomer": NEWCOMER_GUID}
SWITCH, CONCENTRATOR = "127.0.0.1", "127.0.0.2"
_READY_WITHIN_S = 30.0
_RECORD_WITHIN_S = 5.0
_CHANGED_WITHIN_S = 30.0

_CONFIG = """\
# Written by `nacd demo`. For trials on loopback only: `nacd serve` takes it with --demo alone.
server: {{auth: "127.0.0.1:{auth}", accounting: "127.0.0.1:{accounting}"}}
clients:
  - {{name: demo-switch, network: {switch}, secret: "file:secrets/switch", vendor: cisco-ios,
     groups: [campus, wired], dynauth: {{port: {dynauth}}}}}
  - {{name: demo-vpn, network: {concentrator}, secret: "file:secrets/vpn", vendor: cisco-asa, groups: [remote],
     authentication: done_by_nas}}
eap:
  certificate: pki/server.pem
  private_key: file:pki/server.key
  client_cas:
    - {{file: pki/devices-ca.pem, may_assert: [intune_id]}}
    - {{file: pki/users-ca.pem, may_assert: []}}
intune:
  cloud: custom
  tenant: {tenant}
  client_id: {client_id}
  credential: {{secret: "file:secrets/app"}}
  authority: {base}
  graph: {base}
  resource: https://api.manage.microsoft.com/
  host_suffixes: [.manage.microsoft.com]
  allowed_hosts: [{hosts}]
  ca_file: pki/web-ca.pem
policy: policy.yaml
# A real site asks every 5 minutes, not every 2 seconds.
compliance: {{poll: {{interval: 2s}}}}
audit: {{file: audit.jsonl}}
state: demo-state
"""

_POLICY = """\
profiles:
  corporate:  {vlan: 120, session_timeout: 8h}
  quarantine: {vlan: 999, session_timeout: 10m, optional: {acl: QUARANTINE}}
  remote:     {group_policy: CORP, session_timeout: 8h}
  printers:   {vlan: 140, acl: PRINTERS}
rules:
  - {name: compliant device,   when: {access: dot1x, identity: certificate, compliance: compliant}, then: corporate}
  - {name: compliant vpn,      when: {access: vpn, group: remote, identity: [certificate, vpn], compliance: compliant},
     then: remote}
  - {name: known printers,     when: {access: mab, group: wired, mac_in: printers.csv}, then: printers}
  - {name: intune unreachable, when: {access: dot1x, identity: certificate, compliance: unavailable}, then: quarantine}
  - {name: fix your device,    when: {access: dot1x, compliance: [noncompliant, unknown, not_managed]},
     then: quarantine}
"""


class StageError(Exception):
    """The stage could not be set; the text says what and where."""


@dataclass(slots=True, kw_only=True)
class Stage:
    """Everything up and running."""

    folder: Path
    pki: DemoPki
    microsoft: IntuneSimulator
    process: subprocess.Popen[bytes]
    auth: tuple[str, int]
    accounting: tuple[str, int]
    switch: Nas
    concentrator: Nas
    ports: Switch
    """The same switch with its ports, on which laptops stay."""

    @property
    def audit_file(self) -> Path:
        """Where the daemon writes its records."""
        return self.folder / "audit.jsonl"

    def laptop(self, name: str) -> LoginResult:
        """Plug ``compliant``, ``noncompliant`` or ``newcomer`` into the switch: one EAP-TLS 1.3 login."""
        supplicant = {
            "identity": f"host/{name}",
            "ca_pem": self.pki.server_ca.read_bytes(),
            "certificate_pem": getattr(self.pki, name).read_bytes(),
            "key_pem": getattr(self.pki, f"{name}_key").read_bytes(),
            "server_name": SERVER_NAME,
        }
        mac = _mac(name)
        came: list[LoginResult] = []

        def in_by(nas: Nas) -> Reply:
            came.append(login(nas, Supplicant(tls="1.3", **supplicant), mac=mac))
            return came[-1].reply

        self.ports.plug_in(Endpoint(mac=mac, login=in_by, user=f"host/{name}")).result(_CHANGED_WITHIN_S)
        return came[-1]

    def turns(self, name: str, *, compliant: bool) -> Reply:
        """Intune says otherwise of a laptop from now on: what its switch was told when it has changed its session."""
        before = self._access_of(name)
        self.microsoft.put_device(LAPTOPS[name], compliant=compliant)
        deadline = time.monotonic() + _CHANGED_WITHIN_S
        while self._access_of(name) is before and time.monotonic() < deadline:
            time.sleep(0.02)
        return self._access_of(name)

    def _access_of(self, name: str) -> Reply:
        session = self.ports.session(_mac(name))
        return session.reply if session is not None else Reply()

    def audit(self) -> list[dict[str, Any]]:
        """The whole records so far."""
        text = self.audit_file.read_text(encoding="utf-8") if self.audit_file.exists() else ""
        return [json.loads(line) for line in text.split("\n")[:-1] if line]

    def record_after(self, seen: int, kind: str = "access.", nas: str = "") -> dict[str, Any]:
        """The first record of this kind of event (about this NAS) after ``seen`` records; empty if none came."""
        deadline = time.monotonic() + _RECORD_WITHIN_S
        while time.monotonic() < deadline:
            for record in self.audit()[seen:]:
                about = nas in ("", record.get("nas", {}).get("name"))
                if about and str(record.get("event", "")).startswith(kind):
                    return record
            time.sleep(0.02)
        return {}

    def daemon_runs(self) -> bool:
        """Whether the daemon is still there."""
        return self.process.poll() is None

    def scenery(self) -> list[str]:
        """What stands where, in lines for people."""
        return [
            f"simulated Microsoft  {self.microsoft.base_url} (orders: {self.microsoft.management_url})",
            f"nacd                 {_shown(self.auth)} authentication, {_shown(self.accounting)} accounting",
            f"switch {SWITCH} (takes orders at port {self.ports.das.port}), VPN concentrator {CONCENTRATOR}",
            f"configuration        {self.folder / 'nacd.yaml'}",
        ]

    def suggestions(self) -> list[str]:
        """What to send to it."""
        host, port = self.auth
        pki, secret = self.pki.folder, self.folder / "secrets" / "switch"
        nacd, radius = _command(), f"--port {port} --secret-file {secret}"
        plain = PRINTER.replace("-", "").lower()
        return [
            f"audit file           {self.audit_file}",
            "try, in another terminal:",
            f"  {nacd} sim nas mab {radius} --mac {PRINTER}",
            f"  {nacd} sim nas status {radius}",
            f"  {nacd} sim supplicant host/laptop {radius} --ca {pki}/server-ca.pem --tls 1.3 \\",
            f"      --certificate {pki}/compliant.pem --key {pki}/compliant.key",
            f"  echo 'User-Name={plain},User-Password={plain},Service-Type=Call-Check,Calling-Station-Id={PRINTER},'\\",
            f"      'Message-Authenticator=0x00' | radclient -x {host}:{port} auth \"$(cat {secret})\"",
            "a laptop is online at the switch; look at it, let it fail, and watch it move:",
            f"  {nacd} sessions watch --config {self.folder}/nacd.yaml",
            f"  curl -X PUT {self.microsoft.management_url}/devices \\",
            f'      -d \'{{"guid": "{COMPLIANT_GUID}", "compliant": false}}\'',
            f"  {nacd} explain --config {self.folder}/nacd.yaml --mac {PRINTER} --nas demo-switch",
        ]


@contextlib.contextmanager
def stage(folder: Path, daemon: Sequence[str], *, usual_ports: bool = False) -> Iterator[Stage]:
    """Set everything up, and take it down at the end.

    daemon: the words that start it; the configuration file is added as the last. usual_ports: 1812 and
    1813 if they are free, else (and otherwise) whatever the kernel gives. Raises StageError.
    """
    folder = folder.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        pki = write_demo_pki(folder / "pki")
        keys = _write_secrets(folder / "secrets")
    except OSError as error:
        raise StageError(f"`{folder}`: {error}") from error
    with contextlib.ExitStack() as stack:
        microsoft = stack.enter_context(IntuneSimulator(pki.folder))
        for name, guid in LAPTOPS.items():
            microsoft.put_device(guid, compliant=name != "noncompliant")

        def nas(name: str, source: str) -> Nas:
            made = Nas(
                server="127.0.0.1", secret=keys[name], port=1, accounting_port=1, source=source, name=f"demo-{name}"
            )
            return stack.enter_context(made)

        switch, concentrator, uplink = nas("switch", SWITCH), nas("vpn", CONCENTRATOR), nas("switch", SWITCH)
        ports = stack.enter_context(Switch(uplink, host=SWITCH))
        _write_config(folder, microsoft, ports.das.port, _ports() if usual_ports else (0, 0))
        process, where = _start(folder, daemon)
        stack.callback(_stop, process)
        (host, auth), (_, accounting) = where["auth"][0], where["accounting"][0]
        for one in (switch, concentrator, uplink):
            one.server, one.port, one.accounting_port = host, auth, accounting
        yield Stage(
            folder=folder,
            pki=pki,
            microsoft=microsoft,
            process=process,
            auth=(host, auth),
            accounting=(host, accounting),
            switch=switch,
            concentrator=concentrator,
            ports=ports,
        )


def _write_secrets(folder: Path) -> dict[str, bytes]:
    folder.mkdir(exist_ok=True, mode=0o700)
    made = {name: f"nacd-demo-{secrets.token_urlsafe(18)}".encode() for name in ("switch", "vpn")}
    made["app"] = CLIENT_SECRET.encode()
    for name, secret in made.items():
        path = folder / name
        path.unlink(missing_ok=True)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(secret)
    return made


def _write_config(folder: Path, microsoft: IntuneSimulator, dynauth: int, ports: tuple[int, int]) -> None:
    text = _CONFIG.format(
        auth=ports[0],
        accounting=ports[1],
        dynauth=dynauth,
        switch=SWITCH,
        concentrator=CONCENTRATOR,
        tenant=microsoft.tenant,
        client_id=microsoft.client_id,
        base=microsoft.base_url,
        hosts=", ".join(f'"{host}"' for host in microsoft.unit_hosts),
    )
    (folder / "nacd.yaml").write_text(text, encoding="utf-8")
    (folder / "policy.yaml").write_text(_POLICY, encoding="utf-8")
    (folder / "printers.csv").write_text(f"mac,note\n{PRINTER},third floor\n", encoding="utf-8")
    # Each demo tells its own story: yesterday's records and sessions would only confuse.
    (folder / "audit.jsonl").unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder / "demo-state")


def _start(folder: Path, daemon: Sequence[str]) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    log = folder / "nacd.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*daemon, str(folder / "nacd.yaml")],
            env={**os.environ, "NACD_READY_FILE": str(ready)},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    deadline = time.monotonic() + _READY_WITHIN_S
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            _stop(process)
            raise StageError(f"the daemon did not start:\n{log.read_text(encoding='utf-8', errors='replace')}")
        time.sleep(0.02)
    return process, json.loads(ready.read_text(encoding="utf-8"))


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)


def _ports() -> tuple[int, int]:
    """1812 and 1813 where nobody else has them."""
    free = []
    for port in (1812, 1813):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
                free.append(port)
            except OSError:
                free.append(0)
    return free[0], free[1]


def _mac(name: str) -> str:
    return f"02-00-5E-10-00-{list(LAPTOPS).index(name) + 1:02X}"


def _shown(address: tuple[str, int]) -> str:
    return f"{address[0]}:{address[1]}"


def _command() -> str:
    """How to call nacd from a shell here."""
    return "nacd" if shutil.which("nacd") else f"{sys.executable} -m nacd"
