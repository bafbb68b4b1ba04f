"""The stage of a scenario: certificates, the simulated Intune, and nacd as a process of its own.

Knows: nacd's configuration file and command line, and what the kernel says of its processes. Refuses to
know: nacd's code, and RADIUS. Everything lives in one folder and ends with the stage.
"""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import yaml

from nacd.sim.microsoft.state import CLIENT_SECRET
from nacd.sim.pki import SERVER_NAME, Authority, intune_uri
from tools.scenarios.microsoft import Microsoft
from tools.scenarios.supplicant import client_context

HOME = Path(__file__).resolve().parents[2]
SECRET = b"scenario-secret-of-thirty-two-xx"
SWITCHES = 50
CORPORATE, PRINTERS, MANAGED, QUARANTINE = "120", "140", "150", "999"

POLICY: dict[str, Any] = {
    "profiles": {
        "corporate": {"vlan": 120, "session_timeout": "8h"},
        "printers": {"vlan": 140},
        "managed": {"vlan": 150},
        "quarantine": {"vlan": 999, "session_timeout": "10m"},
    },
    "rules": [
        {
            "name": "compliant device",
            "when": {"access": "dot1x", "identity": "certificate", "compliance": "compliant"},
            "then": "corporate",
        },
        {"name": "known printers", "when": {"access": "mab", "mac_in": "printers.csv"}, "then": "printers"},
        {"name": "managed by mac", "when": {"access": "mab", "compliance": "compliant"}, "then": "managed"},
        {
            "name": "intune unreachable",
            "when": {"identity": "certificate", "compliance": "unavailable"},
            "then": "quarantine",
        },
    ],
}


def mac(kind: int, number: int) -> str:
    """A globally administered MAC: kind 0 printers, 1 laptops, 2 managed by MAC, 3 newcomers, 4 hostile, 5 hanging."""
    digits = f"{(0x001BA9, 0x00163E, 0x005056, 0x3C5282, 0x000C29, 0x0021CC)[kind]:06X}{number:06X}"
    return "-".join(digits[at : at + 2] for at in range(0, 12, 2))


def guid(number: int) -> str:
    """The Intune device id of the n-th device."""
    return f"5ca1ab1e-0000-4000-8000-{number:012x}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much of everything there shall be. newcomers: certificates beyond the pool, enrolled at Intune.

    managed: endpoints without certificate whose MAC Intune knows. config: keys of ``nacd.yaml`` to
    put in over the stage's own, section by section.
    """

    certificates: int
    printers: int
    managed: int = 0
    newcomers: int = 0
    config: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What nacd's processes have used so far, by the kernel's books. peak_octets: resident, of all of them.

    waited_s: how long their main threads were ready to run and had no core, which is the machine's fault.
    """

    cpu_s: float
    waited_s: float
    peak_octets: int

    def since(self, before: Usage, lasted_s: float) -> str:
        """CPU and waiting between the two, in words."""
        cpu_s = self.cpu_s - before.cpu_s
        waited = (self.waited_s - before.waited_s) / lasted_s
        return f"{cpu_s:.1f} s ({cpu_s / lasted_s:.0%}), waited for a core {waited:.0%}"


class Stage:
    """``with Stage(folder, plan) as stage``: everything runs, nacd is ready."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder = folder
        self.plan = plan
        self.auth: tuple[str, int] = ("", 0)
        self.accounting: tuple[str, int] = ("", 0)
        self.contexts: list[ssl.SSLContext] = []
        self._running: subprocess.Popen[bytes] | None = None
        self._peak_octets = 0
        devices: list[dict[str, object]] = []
        for number in range(plan.certificates + plan.newcomers):
            devices.append({"guid": guid(number), "compliant": True})
        for number in range(plan.managed):
            hex12 = mac(2, number).replace("-", "")
            devices.append({"guid": guid(1_000_000 + number), "macs": [hex12], "compliant": True})
        self.microsoft = Microsoft(folder, devices)

    def __enter__(self) -> Self:
        try:
            self._certify()
            self._launch()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """nacd's process id."""
        assert self._running is not None
        return self._running.pid

    def usage(self) -> Usage:
        """CPU seconds of nacd and its children; the sum of their peaks in memory."""
        ticks, waited_ns, peak = 0, 0, 0
        for pid in _family(self.pid):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
            ticks += int(fields[11]) + int(fields[12])
            waited_ns += int(Path(f"/proc/{pid}/schedstat").read_text().split()[1])
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    peak += int(line.split()[1]) * 1024
        self._peak_octets = max(self._peak_octets, peak)
        cpu_s = ticks / os.sysconf("SC_CLK_TCK")
        return Usage(cpu_s=cpu_s, waited_s=waited_ns / 1e9, peak_octets=self._peak_octets)

    @property
    def alive(self) -> bool:
        """Whether nacd still runs."""
        return self._running is not None and self._running.poll() is None

    def log_lines(self, event: str) -> int:
        """How many lines of nacd's log have these words in their sentence."""
        lines = (self.folder / "nacd.log").read_text(encoding="utf-8", errors="replace").splitlines()
        return sum(1 for line in lines if line.startswith("{") and event in json.loads(line)["event"])

    def close(self) -> None:
        """End Microsoft, which cuts every call that hangs there, then nacd."""
        self.microsoft.stop()
        if self._running is not None and self._running.poll() is None:
            self._running.send_signal(signal.SIGTERM)
            try:
                self._running.wait(20)
            except subprocess.TimeoutExpired:
                self._running.kill()
                self._running.wait(5)

    # -- setting the stage

    def _certify(self) -> None:
        server_root, devices_root = Authority.root("scenario server root"), Authority.root("scenario devices root")
        devices = devices_root.intermediate("scenario devices issuing")
        (self.folder / "server-ca.pem").write_bytes(server_root.root_pem)
        (self.folder / "devices-ca.pem").write_bytes(devices_root.root_pem)
        server_root.intermediate("scenario server issuing").issue_server(SERVER_NAME).write(self.folder, "server")
        chain = self.folder / "client.pem"
        for number in range(self.plan.certificates + self.plan.newcomers):
            issued = devices.issue_client(f"laptop-{number}", uris=[intune_uri(guid(number))])
            chain.write_bytes(issued.chain_pem + issued.key_pem)
            # A quarter of a real fleet still speaks TLS 1.2.
            self.contexts.append(client_context(self.folder / "server-ca.pem", chain, tls12=number % 4 == 3))
        chain.unlink(missing_ok=True)

    def _launch(self) -> None:
        folder = self.folder
        (folder / "state").mkdir()
        printers = "".join(f"{mac(0, number)}\n" for number in range(self.plan.printers))
        (folder / "printers.csv").write_text(f"mac\n{printers}", encoding="utf-8")
        (folder / "policy.yaml").write_text(yaml.safe_dump(POLICY, sort_keys=False), encoding="utf-8")
        config = self._config()
        for section, keys in self.plan.config.items():
            config[section] = {**config.get(section, {}), **keys}
        (folder / "nacd.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
        ready = folder / "ready.json"
        words = [sys.executable, "-m", "nacd", "serve", "--config", str(folder / "nacd.yaml"), "--demo"]
        with (folder / "nacd.log").open("wb") as log:
            self._running = subprocess.Popen(
                [*words, "--log-format", "json"],
                cwd=HOME,
                env={**os.environ, "NACD_READY_FILE": str(ready)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + 60
        while not ready.is_file() or not ready.read_text(encoding="utf-8").strip():
            if self._running.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"nacd did not start:\n{(folder / 'nacd.log').read_text()[-3000:]}")
            time.sleep(0.02)
        said = json.loads(ready.read_text(encoding="utf-8"))
        self.auth = (str(said["auth"][0][0]), int(said["auth"][0][1]))
        self.accounting = (str(said["accounting"][0][0]), int(said["accounting"][0][1]))

    def _config(self) -> dict[str, Any]:
        folder, base = self.folder, self.microsoft.base_url.rstrip("/")
        secret = _private(folder / "radius.secret", SECRET.decode())
        clients = [
            {"name": f"switch-{number:02}", "network": f"{switch_address(number)}/32", "secret": secret}
            | {"vendor": "generic", "groups": ["wired"], "message_authenticator": "require"}
            for number in range(SWITCHES)
        ]
        (folder / "microsoft-ca.pem").write_bytes(self.microsoft.ca_file.read_bytes())
        return {
            "server": {"auth": "127.0.0.1:0", "accounting": "127.0.0.1:0"},
            "clients": clients,
            "eap": {
                "certificate": str(folder / "server.pem"),
                "private_key": f"file:{folder / 'server.key'}",
                "client_cas": [{"file": str(folder / "devices-ca.pem"), "may_assert": ["intune_id"]}],
            },
            "intune": {
                "cloud": "custom",
                "tenant": self.microsoft.tenant,
                "client_id": self.microsoft.client_id,
                "credential": {"secret": _private(folder / "app.secret", CLIENT_SECRET)},
                "authority": base,
                "graph": base,
                "resource": "https://api.manage.microsoft.com/",
                "host_suffixes": [".manage.example.test"],
                "allowed_hosts": [base.removeprefix("https://")],
                "ca_file": str(folder / "microsoft-ca.pem"),
            },
            "compliance": {"lookup_deadline": "2s"},
            "policy": "policy.yaml",
            "audit": {"file": str(folder / "audit.jsonl")},
            "state": str(folder / "state"),
        }


def switch_address(number: int) -> str:
    """The source address of the n-th switch."""
    return f"127.1.{number}.1"


def _private(path: Path, words: str) -> str:
    path.write_text(words, encoding="utf-8")
    path.chmod(0o600)
    return f"file:{path}"


def _family(pid: int) -> list[int]:
    """The process and whatever it started, as far as it lives."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += _family(int(child))
    return found
