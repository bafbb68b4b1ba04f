"""What ``nacd sim ...`` does, as plain functions: they print what was sent and what came back, and return an exit code.

Knows: how to tell people. Refuses to know: command line syntax. Secrets and keys are never printed.
Exit codes: 0 the expected answer (Accept, Accounting-Response), 1 another answer or none, 2 wrong input.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from nacd.sim.intune import BANNER, IntuneSimulator
from nacd.sim.microsoft.state import CLIENT_ID, CLIENT_SECRET, TENANT, App
from nacd.sim.nas import Nas
from nacd.sim.nas_reply import Reply, Value
from nacd.sim.pki import COMPLIANT_GUID, NONCOMPLIANT_GUID, ORGANIZATION, write_demo_pki
from nacd.sim.supplicant import Behaviour, LoginResult, Supplicant, TlsChoice, login

Say: TypeAlias = Callable[[str], None]
Question: TypeAlias = Literal["mab", "vpn", "accounting", "status"]

_HIDDEN = ("MS-MPPE-Send-Key", "MS-MPPE-Recv-Key", "Message-Authenticator", "EAP-Message", "State")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The RADIUS server to ask. secret: the shared secret itself, already read from where it is kept."""

    server: str = "127.0.0.1"
    secret: bytes = field(repr=False)
    port: int = 1812
    accounting_port: int = 1813
    timeout_s: float = 3.0
    tries: int = 3
    nas_identifier: str = "sim-nas"
    nas_address: str = ""
    source: str = ""
    message_authenticator: Literal["first", "last", "absent", "wrong"] = "first"

    def nas(self, *, ssid: str = "", framed_mtu: int = 0) -> Nas:
        """A NAS that asks this server."""
        return Nas(
            server=self.server,
            secret=self.secret,
            port=self.port,
            accounting_port=self.accounting_port,
            timeout_s=self.timeout_s,
            tries=self.tries,
            name=self.nas_identifier,
            address=self.nas_address,
            source=self.source,
            message_authenticator=self.message_authenticator,
            ssid=ssid,
            framed_mtu=framed_mtu,
        )


def run_pki(folder: Path, *, say: Say = print) -> int:
    """Write the demo PKI into ``folder``."""
    try:
        demo = write_demo_pki(folder)
    except OSError as refused:
        say(str(refused))
        return 2
    say(f"wrote a PKI into {demo.folder} ({ORGANIZATION})")
    for path, what in (
        (demo.server, "RADIUS server certificate with its chain; its root is server-ca.pem"),
        (demo.devices_ca, "root of the device certificates: what the RADIUS server trusts"),
        (demo.users_ca, "root of the user certificates"),
        (demo.compliant, f"laptop, Intune device {COMPLIANT_GUID}"),
        (demo.noncompliant, f"laptop, Intune device {NONCOMPLIANT_GUID}"),
        (demo.expired, "laptop whose certificate has expired"),
        (demo.user, "a person's certificate, which names no device"),
        (demo.web, "certificate of the simulated Microsoft; its root is web-ca.pem"),
        (demo.app, "certificate of the app registration, for token requests"),
    ):
        say(f"  {path.name:18} {what}")
    return 0


def run_intune(
    *,
    folder: Path | None = None,
    port: int = 8443,
    management_port: int = 8444,
    second_port: int = 8445,
    host: str = "127.0.0.1",
    force: bool = False,
    public_host: str = "localhost",
    tenant: str = TENANT,
    client_id: str = CLIENT_ID,
    devices: Path | None = None,
    say: Say = print,
    stop: threading.Event | None = None,
) -> int:
    """Run the simulated Microsoft until ``stop`` is set or Ctrl-C. devices: a JSON list of devices to begin with."""
    try:
        wanted = json.loads(devices.read_text()) if devices else []
        simulator = IntuneSimulator(
            folder,
            port=port,
            management_port=management_port,
            second_port=second_port,
            host=host,
            force=force,
            public_host=public_host,
            tenant=tenant,
            app=App(client_id=client_id),
        )
        for device in wanted:
            simulator.state.put_device(**device)
        simulator.start()
    except (OSError, ValueError, TypeError) as refused:
        say(f"not started: {refused}")
        return 2
    try:
        simulator.change_app(certificates=[(simulator.folder / "app.pem").read_bytes()])
        _describe(simulator, say)
        _follow(simulator, say, stop or threading.Event())
    except KeyboardInterrupt:
        say("stopped; everything is forgotten")
    finally:
        simulator.stop()
    return 0


def _describe(simulator: IntuneSimulator, say: Say) -> None:
    say(BANNER)
    say(f"  login, Graph and Intune  {simulator.base_url}")
    say(f"  orders, JSON             {simulator.management_url}  (GET / lists the faults)")
    say(f"  hosts to allow           {', '.join(simulator.unit_hosts)}")
    say(f"  trust this root          {simulator.ca_file}")
    say(f"  tenant                   {simulator.tenant} ({simulator.tenant_id})")
    say(f"  client id                {simulator.client_id}")
    say(f"  client secret            {CLIENT_SECRET}, or the certificate {simulator.folder / 'app.pem'}")
    say(f"  devices                  {len(simulator.state.devices())}")


def _follow(simulator: IntuneSimulator, say: Say, stop: threading.Event) -> None:
    told = 0
    while not stop.wait(0.2):
        for one in simulator.history(after=told):
            fault = f"  ({one.fault})" if one.fault else ""
            what = f"{one.verb} {one.value}".strip()
            say(f"{one.service:10} {one.kind:12} {what:38} {one.status or 'cut'}{fault}")
            told = one.number


def run_nas(
    target: Target,
    question: Question,
    *,
    mac: str = "02-00-5E-10-00-02",
    user: str = "alice",
    device_uid: str = "",
    method: Literal["pap", "chap", "none"] = "pap",
    spelling: str = "aabbccddeeff",
    status_type: str = "Start",
    session_id: str = "sim-0001",
    ssid: str = "",
    say: Say = print,
) -> int:
    """Ask one question: ``mab`` (of mac), ``vpn`` (user, device_uid, mac), ``accounting`` or ``status``."""
    try:
        with target.nas(ssid=ssid) as nas:
            if question == "mab":
                say(f"Access-Request: MAB of {mac} by {method}, to {target.server}:{target.port}")
                reply = nas.mab(mac, method=method, spelling=spelling)
            elif question == "vpn":
                say(f"Access-Request: VPN authorize-only of `{user}`, device-uid `{device_uid}`, {mac}")
                reply = nas.vpn(user, device_uid=device_uid, device_mac=mac)
            elif question == "accounting":
                say(f"Accounting-Request: {status_type} of session {session_id} to port {target.accounting_port}")
                reply = nas.accounting(status_type, session_id=session_id, user=user, mac=mac)
            else:
                say(f"Status-Server to {target.server}:{target.port}")
                reply = nas.status()
    except (OSError, ValueError, LookupError) as wrong:
        say(f"not asked: {wrong}")
        return 2
    for line in describe_reply(reply):
        say(line)
    return 0 if reply.code in (2, 5) else 1


def run_supplicant(
    target: Target,
    *,
    identity: str,
    certificate: Path | None,
    key: Path | None,
    ca: Path,
    server_name: str = "",
    mac: str = "02-00-5E-10-00-01",
    tls: TlsChoice = "any",
    fragment_size: int = 1000,
    framed_mtu: int = 0,
    ssid: str = "",
    behaviour: Behaviour | None = None,
    say: Say = print,
) -> int:
    """Log in once by EAP-TLS. certificate holds the chain, leaf first; ca is the server's root."""
    try:
        supplicant = Supplicant(
            identity=identity,
            ca_pem=ca.read_bytes(),
            certificate_pem=certificate.read_bytes() if certificate else b"",
            key_pem=key.read_bytes() if key else b"",
            server_name=server_name,
            tls=tls,
            fragment_size=fragment_size,
            allow_weak=True,
            behaviour=behaviour or Behaviour(),
        )
        say(f"EAP-TLS of `{identity}` from {mac}, to {target.server}:{target.port}")
        with target.nas(ssid=ssid, framed_mtu=framed_mtu) as nas:
            result = login(nas, supplicant, mac=mac)
    except (OSError, ValueError, ssl.SSLError) as wrong:
        say(f"not asked: {wrong}")
        return 2
    for line in describe_login(result):
        say(line)
    return 0 if result.succeeded else 1


def describe_login(result: LoginResult) -> list[str]:
    """A login in lines for people."""
    lines = [f"{result.rounds} rounds, {result.seconds * 1000:.0f} ms, {result.tls_version or 'no TLS session'}"]
    if result.cipher:
        lines[0] += f", {result.cipher}"
    lines.append(f"EAP: {result.eap_outcome}" + (f" ({result.problem})" if result.problem else ""))
    lines += [f"the server strayed from the RFCs: {note}" for note in result.notes]
    lines += describe_reply(result.reply)
    if result.code == 2:
        said = {"match": "the server's keys are ours", "mismatch": "the server's keys are NOT ours"}
        lines.append(f"keys: {said.get(result.keys, 'none came')}")
    return lines


def describe_reply(reply: Reply) -> list[str]:
    """A reply in lines for people, without keys and without what only machines read."""
    head = f"{reply.code_name} after {reply.waited_s * 1000:.0f} ms"
    if reply.tries > 1:
        head += f", {reply.tries} tries"
    if reply.code:
        head += f", Message-Authenticator {reply.message_authenticator}"
    lines = [head]
    lines += [f"  {name} = {_shown(value)}" for name, value in reply.attributes if name not in _HIDDEN]
    lines += [f"  not believed: {why}" for why in reply.discarded]
    return lines


def _shown(value: Value) -> str:
    if isinstance(value, bytes):
        text = value.decode("ascii", "replace")
        return text if value and text.isprintable() and "\ufffd" not in text else f"0x{value.hex()}"
    return str(value)
