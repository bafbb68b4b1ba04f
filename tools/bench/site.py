"""The imagined site that both servers serve: endpoints, certificates, two hundred rules, what an Accept carries.

Knows: everything that must be the same on both sides, so that it stands in one place. Refuses to know: how
either server spells it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nacd.sim.pki import SERVER_NAME, Authority, intune_uri

SECRET = b"bench-secret-of-thirty-two-octet"
NAS_NAME = "bench-switch"
NAS_GROUPS = ("bench", "wired")
VLAN = 120
SESSION_TIMEOUT_S = 28_800
RULES = 200
MAB_RULE, DOT1X_RULE = 190, 191
"""The rules (counting from 1) that decide; those before them must all be tried in vain."""
PREFIX_RULE = 186
"""The last that lets in by the beginning of a MAC."""
ENDPOINTS = 256
KINDS = ("p256", "rsa2048")
EAP_PACKET_OCTETS = 1_260
"""The largest EAP packet either server sends: what fits a path MTU of 1,400."""


def mac(number: int) -> str:
    """The MAC of one endpoint, as a switch writes it; globally administered, so that it may name a device."""
    return f"00-11-85-00-{number >> 8:02X}-{number & 0xFF:02X}"


def supplicant(number: int) -> str:
    """The MAC of one that logs in with a certificate: what comes that way needs no MAB."""
    return f"00-11-86-00-{number >> 8 & 0xFF:02X}-{number & 0xFF:02X}"


def newcomer(number: int) -> str:
    """The MAC of one of 65,536 printers of another maker."""
    return f"00-1B-A9-{PREFIX_RULE:02X}-{number >> 8 & 0xFF:02X}-{number & 0xFF:02X}"


def guid(number: int) -> str:
    """The Intune device id of that endpoint."""
    return f"2f6d3c1e-8a41-4b7f-9e05-{number:012x}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. Empty: not asked. mac_prefixes: beginnings of a MAC; states: of compliance; then: profile."""

    name: str
    access: tuple[str, ...]
    group: str = ""
    mac_prefixes: tuple[str, ...] = ()
    identity: str = ""
    states: tuple[str, ...] = ()
    then: str = "corporate"


def rules() -> Iterator[Rule]:
    """The policy: many sites that are not this one, printers of other makers, and near the end who gets in."""
    for number in range(1, RULES + 1):
        group = f"site-{number:03d}"
        if number == MAB_RULE:
            yield Rule(name="managed by mac", access=("mab",), identity="mac", states=("compliant",))
        elif number == DOT1X_RULE:
            yield Rule(name="compliant device", access=("dot1x",), identity="certificate", states=("compliant",))
        elif number % 4 == 0:
            yield Rule(name=f"devices of {group}", access=("dot1x",), group=group, states=("compliant",))
        elif number % 4 == 1:
            yield Rule(name=f"anything at {group}", access=("mab", "dot1x"), group=group, then="quarantine")
        elif number % 4 == 2:
            prefixes = (f"00-1B-A9-{number:02X}-", f"00-1B-AA-{number:02X}-")
            yield Rule(name=f"printers of batch {number}", access=("mab",), mac_prefixes=prefixes)
        else:
            yield Rule(name=f"remote users of {group}", access=("vpn",), group=group, then="quarantine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """One kind of key all the way: roots, issuing CAs and leaves. Files in PEM; ``*_ca`` is a root."""

    server_chain: Path
    server_key: Path
    server_ca: Path
    client_chain: Path
    client_key: Path
    client_ca: Path


def issue(folder: Path, kind: str) -> Credentials:
    """Sign everything for one kind of key (``p256``, ``rsa2048``). The client certificate names endpoint 0."""
    folder.mkdir(parents=True, exist_ok=True)
    servers, devices = Authority.root("bench server root", key=kind), Authority.root("bench devices root", key=kind)
    roots = {"server-ca": servers, "devices-ca": devices}
    for name, root in roots.items():
        (folder / f"{name}.pem").write_bytes(root.root_pem)
    server = servers.intermediate("bench server issuing", key=kind).issue_server(SERVER_NAME, key=kind)
    issuing = devices.intermediate("bench devices issuing", key=kind)
    client = issuing.issue_client(guid(0), uris=[intune_uri(guid(0))], key=kind)
    server_chain, server_key = server.write(folder, "server")
    client_chain, client_key = client.write(folder, "client")
    return Credentials(
        server_chain=server_chain,
        server_key=server_key,
        server_ca=folder / "server-ca.pem",
        client_chain=client_chain,
        client_key=client_key,
        client_ca=folder / "devices-ca.pem",
    )
