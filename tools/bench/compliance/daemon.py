"""nacd as these measurements need it: a switch, eight VPN concentrators, four rules, and an Intune beside it.

Knows: how an admin would write it down, and how orders are given on the command line. Refuses to know: what is
measured. All limits and lifetimes are nacd's own defaults unless a measurement says otherwise.
"""

from __future__ import annotations

import json
import socket
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from nacd.sim.microsoft.state import CLIENT_SECRET
from nacd.sim.pki import write_private
from tools.bench import meter, site
from tools.bench.servers.server import HOME, Server, environment, interpreter, launch
from tools.scenarios.microsoft import Microsoft

TENANT = "intune"
CORPORATE, QUARANTINE = "120", "999"
_ORDER_WITHIN_S = 60.0

POLICY: dict[str, Any] = {
    "profiles": {"corporate": {"vlan": int(CORPORATE)}, "quarantine": {"vlan": int(QUARANTINE)}},
    "rules": [
        {"name": "on the list", "when": {"access": "mab", "mac": ["00-11-85-01-*"]}, "then": "corporate"},
        {
            "name": "managed by mac",
            "when": {"access": "mab", "mac": ["00-11-85-02-*"], "compliance": "compliant"},
            "then": "corporate",
        },
        {"name": "vpn by verdict", "when": {"access": "vpn", "compliance": "compliant"}, "then": "corporate"},
        {"name": "vpn without", "when": {"access": "vpn", "compliance": "unavailable"}, "then": "quarantine"},
    ],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a daemon runs. folder: its own, made here. state: its state folder. change: sections put in over ours;
    a list takes the place of ours. policy: in the place of ours."""

    folder: Path
    state: Path
    microsoft: Microsoft
    credentials: site.Credentials
    cores: meter.Cores
    change: dict[str, Any] = field(default_factory=dict)
    policy: dict[str, Any] = field(default_factory=lambda: POLICY)

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.folder / "nacd.yaml"

    @property
    def audit(self) -> Path:
        """The audit file."""
        return self.folder / "audit.jsonl"

    @property
    def log(self) -> Path:
        """What it says on its terminal."""
        return self.folder / "nacd.log"

    @property
    def ready(self) -> Path:
        """Written when it serves."""
        return self.folder / "ready.json"

    @property
    def words(self) -> list[str]:
        """Its command line."""
        said = ["--demo", "--log-format", "json", "--log-level", "error"]
        return [interpreter(), "-m", "nacd", "serve", "--config", str(self.config), *said]

    @property
    def environment(self) -> dict[str, str]:
        """Its environment."""
        return {**environment(), "NACD_READY_FILE": str(self.ready)}

    def order(self, *words: str) -> Any:
        """What ``nacd WORDS --json`` says of the running daemon. Raises CalledProcessError."""
        command = [interpreter(), "-m", "nacd", *words, "--json", "--config", str(self.config)]
        said = subprocess.run(
            command, cwd=HOME, env=self.environment, capture_output=True, check=True, timeout=_ORDER_WITHIN_S
        )
        return json.loads(said.stdout)

    def records(self) -> list[dict[str, Any]]:
        """Every line of the audit file about a decision."""
        lines = (json.loads(line) for line in self.audit.read_bytes().splitlines())
        return [line for line in lines if "compliance" in line]


def furnish(place: Place, *, auth_port: int = 0) -> None:
    """Write everything down that the daemon reads."""
    place.folder.mkdir(parents=True)
    place.state.mkdir(exist_ok=True)
    config = _config(place, auth_port)
    for section, keys in place.change.items():
        config[section] = {**config.get(section, {}), **keys} if isinstance(keys, dict) else keys
    place.config.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    (place.folder / "policy.yaml").write_text(yaml.safe_dump(place.policy, sort_keys=False), encoding="utf-8")


def start(stack: ExitStack, place: Place, name: str = "nacd") -> Server:
    """Furnish it and start it, to be ended with ``stack``. Raises NotUpError."""
    furnish(place)
    process = launch(
        stack,
        place.words,
        cores=place.cores,
        environment=place.environment,
        output=place.log,
        is_ready=lambda: place.ready.is_file() and bool(place.ready.read_text(encoding="utf-8").strip()),
    )
    said = json.loads(place.ready.read_text(encoding="utf-8"))
    server = Server(
        name=name,
        process=process,
        auth_port=int(said["auth"][0][1]),
        acct_port=int(said["accounting"][0][1]),
        log=place.log,
        audit=place.audit,
        accounting=place.audit,
    )
    server.settle()
    return server


def free_port() -> int:
    """A UDP port that nobody had a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _private(path: Path, octets: bytes) -> str:
    write_private(path, octets)
    return f"file:{path}"


def _config(place: Place, auth_port: int) -> dict[str, Any]:
    folder, microsoft, credentials = place.folder, place.microsoft, place.credentials
    nas = {"secret": _private(folder / "radius.secret", site.SECRET), "vendor": "generic"}
    base = microsoft.base_url
    return {
        "server": {"auth": f"127.0.0.1:{auth_port}", "accounting": "127.0.0.1:0"},
        "clients": [
            {"name": "switch", "network": "127.0.0.1/32", "groups": ["wired"], **nas},
            {"name": "vpn", "network": "127.1.0.0/24", "groups": ["vpns"], "authentication": "done_by_nas", **nas},
        ],
        "eap": {
            "certificate": str(credentials.server_chain),
            "private_key": f"file:{credentials.server_key}",
            "client_cas": [{"file": str(credentials.client_ca), "may_assert": ["intune_id"]}],
        },
        TENANT: {
            "cloud": "custom",
            "tenant": microsoft.tenant,
            "client_id": microsoft.client_id,
            "credential": {"secret": _private(folder / "app.secret", CLIENT_SECRET.encode())},
            "authority": base,
            "graph": base,
            "resource": "https://api.manage.microsoft.com/",
            "host_suffixes": [".manage.example.test"],
            "allowed_hosts": [base.removeprefix("https://")],
            "ca_file": str(microsoft.ca_file),
        },
        "compliance": {},
        "policy": "policy.yaml",
        "audit": {"file": str(place.audit)},
        "state": str(place.state),
    }
