"""nacd as a process of its own, configured for the benchmark's site, with a simulated Intune beside it.

Knows: how an admin would write the site down for nacd. Refuses to know: nacd from inside.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml

from nacd.sim.intune import IntuneSimulator
from nacd.sim.microsoft.state import CLIENT_SECRET
from nacd.sim.pki import write_private
from tools.bench import meter, site
from tools.bench.servers.server import Server, environment, interpreter, launch


def start(
    stack: ExitStack,
    folder: Path,
    credentials: site.Credentials,
    microsoft: IntuneSimulator,
    cores: meter.Cores,
    name: str,
    *,
    is_compiled: bool,
) -> Server:
    """Start nacd in ``folder``, to be ended with ``stack``. name: the server's. Raises NotUpError."""
    folder.mkdir(parents=True)
    (folder / "state").mkdir()
    config = _config(folder, credentials, microsoft)
    (folder / "nacd.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    (folder / "policy.yaml").write_text(yaml.safe_dump(_policy(), sort_keys=False), encoding="utf-8")
    ready, log = folder / "ready.json", folder / "nacd.log"
    words = [interpreter(), "-m", "nacd", "serve", "--config", str(folder / "nacd.yaml"), "--demo"]
    process = launch(
        stack,
        [*words, "--log-format", "json", "--log-level", "error"],
        cores=cores,
        environment={**environment(is_compiled=is_compiled), "NACD_READY_FILE": str(ready)},
        output=log,
        is_ready=ready.is_file,
    )
    said = json.loads(ready.read_text(encoding="utf-8"))
    server = Server(
        name=name,
        process=process,
        auth_port=int(said["auth"][0][1]),
        acct_port=int(said["accounting"][0][1]),
        log=log,
        audit=folder / "audit.jsonl",
        accounting=folder / "audit.jsonl",
    )
    server.settle()
    return server


def enrol(microsoft: IntuneSimulator) -> None:
    """Enrol every endpoint of the site, compliant."""
    for number in range(site.ENDPOINTS):
        microsoft.put_device(guid=site.guid(number), macs=[site.mac(number)], compliant=True, name=f"device-{number}")


def _secret(folder: Path, name: str, octets: bytes) -> str:
    write_private(folder / name, octets)
    return f"file:{folder / name}"


def _config(folder: Path, credentials: site.Credentials, microsoft: IntuneSimulator) -> dict[str, Any]:
    secret = _secret(folder, "radius.secret", site.SECRET)
    base = microsoft.base_url
    elsewhere = sorted({rule.group for rule in site.rules() if rule.group})
    return {
        "server": {"auth": "127.0.0.1:0", "accounting": "127.0.0.1:0"},
        "clients": [
            {
                "name": site.NAS_NAME,
                "network": "127.0.0.1/32",
                "secret": secret,
                "vendor": "generic",
                "groups": list(site.NAS_GROUPS),
            },
            {
                "name": "other-sites",
                "network": "198.18.0.0/15",
                "secret": _secret(folder, "other.secret", site.SECRET[::-1]),
                "vendor": "generic",
                "groups": elsewhere,
            },
        ],
        "eap": {
            "certificate": str(credentials.server_chain),
            "private_key": f"file:{credentials.server_key}",
            "client_cas": [{"file": str(credentials.client_ca), "may_assert": ["intune_id"]}],
            "fragment_size": site.EAP_PACKET_OCTETS,
            # Wide enough for the measurement of memory: one NAS, many conversations that nobody ends.
            "conversations": {
                "max_waiting": 50_000,
                "max_handshakes": 20_000,
                "max_per_nas": 50_000,
                "memory": "4GiB",
                "lifetime": "5m",
            },
        },
        # Each endpoint asks dozens of times a second here, which no port does.
        "overload": {"port_rate": 10_000, "port_burst": 100_000},
        "intune": {
            "cloud": "custom",
            "tenant": microsoft.tenant,
            "client_id": microsoft.client_id,
            "credential": {"secret": _secret(folder, "app.secret", CLIENT_SECRET.encode())},
            "authority": base,
            "graph": base,
            "resource": "https://api.manage.microsoft.com/",
            "host_suffixes": [".manage.example.test"],
            "allowed_hosts": [base.removeprefix("https://")],
            "ca_file": microsoft.ca_file,
        },
        # Verdicts stay fresh for the whole run: what is measured is a decision over a cached verdict.
        "compliance": {"lookup_deadline": "10s", "lifetimes": {"compliant": "7d"}},
        "policy": "policy.yaml",
        "audit": {"file": str(folder / "audit.jsonl")},
        "state": str(folder / "state"),
    }


def _policy() -> dict[str, Any]:
    rules = []
    for rule in site.rules():
        when: dict[str, Any] = {"access": list(rule.access)}
        if rule.group:
            when["group"] = rule.group
        if rule.mac_prefixes:
            when["mac"] = [f"{prefix}*" for prefix in rule.mac_prefixes]
        if rule.identity:
            when["identity"] = rule.identity
        if rule.states:
            when["compliance"] = list(rule.states)
        rules.append({"name": rule.name, "when": when, "then": rule.then})
    timeout = f"{site.SESSION_TIMEOUT_S}s"
    return {
        "profiles": {
            "corporate": {"vlan": site.VLAN, "session_timeout": timeout},
            "quarantine": {"vlan": 999, "session_timeout": "10m"},
        },
        "rules": rules,
    }
