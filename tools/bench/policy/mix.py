"""Policies of many rules, and who asks: the mix that the figures of the page are about.

Knows: what share of rules asks for what, and what share of logins meets which. Refuses to know: how long it all takes.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from nacd.values import (
    AccessKind,
    Assurance,
    CertificateFacts,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Device,
    DeviceId,
    Endpoint,
    Facts,
    IdentitySource,
    MacAddress,
    Nas,
    NoCertificate,
)
from tools.bench import site

SITES: Final = 50
RULES: Final = (
    "of 20 rules 8 are for a site's group, 4 for MACs by their beginning, 4 for a user, 2 for an SSID, 1 for issuers"
    " by a pattern and 1 for a location"
)
LOGINS: Final = "of 10 logins 6 are devices by certificate, 2 things on a list, 1 a MAC that nobody knows, 1 a VPN user"
_CONFIG: Final = """\
clients:
{clients}
intune:
  tenant: contoso.example
  client_id: 00000000-0000-0000-0000-00000000000a
  credential: {{secret: "file:app.secret"}}
policy: policy.yaml
audit: {{file: audit.jsonl}}
state: state
"""


def write(folder: Path, count: int) -> Path:
    """A configuration with so many rules; its ``nacd.yaml``."""
    folder.mkdir(parents=True)
    clients = "\n".join(
        f'  - {{name: {nas.name}, network: 10.{number}.0.0/24, secret: "file:nas-{number}.secret", vendor: cisco-ios,'
        f" groups: [{', '.join(sorted(nas.groups))}], location: {nas.location}}}"
        for number, nas in enumerate(nases())
    )
    for number in range(SITES):
        _secret(folder / f"nas-{number}.secret", f"a long and random secret of site {number}")
    _secret(folder / "app.secret", "the app's own secret")
    (folder / "nacd.yaml").write_text(_CONFIG.format(clients=clients), encoding="utf-8")
    policy = {"profiles": {"corporate": {"vlan": 120}, "things": {"vlan": 140}}, "rules": list(_rules(count))}
    (folder / "policy.yaml").write_text(json.dumps(policy), encoding="utf-8")  # JSON is YAML
    return folder / "nacd.yaml"


def _secret(file: Path, words: str) -> None:
    file.write_text(words, encoding="utf-8")
    file.chmod(0o600)


def nases() -> list[Nas]:
    """One a site."""
    return [
        Nas(
            name=f"switch-{number}",
            vendor="cisco-ios",
            groups=frozenset({f"site-{number}", "wired"}),
            location=f"building-{number}",
        )
        for number in range(SITES)
    ]


def _rules(count: int) -> Iterator[dict[str, Any]]:
    """The last four let in what none of the others is about."""
    for number in range(count - 4):
        name, when = f"rule {number}", _when(number)
        yield {"name": name, "when": when, "then": "things" if when["access"] == "mab" else "corporate"}
    yield {"name": "things", "when": {"access": "mab", "mac": "00-80-77-*"}, "then": "things"}
    yield {"name": "compliant device", "when": {"access": "dot1x", "compliance": "compliant"}, "then": "corporate"}
    yield {"name": "compliant vpn", "when": {"access": "vpn", "compliance": "compliant"}, "then": "corporate"}
    yield {"name": "the rest", "when": {"access": ["dot1x", "vpn"]}, "then": "deny"}


def _when(number: int) -> dict[str, Any]:
    kind = number % 20
    if kind < 8:  # every site has its own, and nobody here is what they are about
        return {"access": "dot1x", "group": f"site-{number % SITES}", "compliance": "noncompliant"}
    if kind < 12:
        return {"access": "mab", "mac": f"00-1B-{number >> 8 & 0xFF:02X}-{number & 0xFF:02X}-*"}
    if kind < 16:
        return {"access": "vpn", "user": f"user{number}@contoso.example", "compliance": "compliant"}
    if kind < 18:
        return {"access": "dot1x", "ssid": f"net-{number}", "compliance": "compliant"}
    if kind < 19:
        return {"access": "dot1x", "issuer": f"*Issuing {number},*", "compliance": "compliant"}
    return {"access": "dot1x", "location": f"building-{number % SITES}", "compliance": "not_managed"}


def logins(count: int) -> list[Facts]:
    """Whoever asks; always the same."""
    chance, places = random.Random(1), nases()
    verdict = Compliance(
        state=ComplianceState.COMPLIANT, as_of=1_799_999_000.0, source=ComplianceSource.CACHE, provider="nac"
    )
    found = []
    for number in range(count):
        nas, kind = chance.choice(places), number % 10
        octets = f"{number >> 8 & 0xFF:02X}-{number & 0xFF:02X}"
        if kind < 6:
            found.append(_device(number, nas, verdict, AccessKind.DOT1X))
        elif kind < 9:
            mac = f"00-80-77-00-{octets}" if kind < 8 else f"00-C0-FF-00-{octets}"
            identity = Endpoint(mac=MacAddress(mac))
            found.append(Facts(access=AccessKind.MAB, nas=nas, identity=identity, mac=mac, at=1.8e9))
        else:
            found.append(_device(number, nas, verdict, AccessKind.VPN))
    return found


def _device(number: int, nas: Nas, verdict: Compliance, access: AccessKind) -> Facts:
    guid = DeviceId(guid=site.guid(number))
    shown = CertificateFacts(
        subject=f"CN=pc-{number}",
        issuer="CN=Devices CA,O=Contoso",
        serial="1",
        fingerprint="0" * 64,
        not_before=0.0,
        not_after=4e9,
        anchor="devices",
    )
    return Facts(
        access=access,
        nas=nas,
        identity=Device(id=guid, source=IdentitySource.CERTIFICATE, assurance=Assurance.CERTIFICATE),
        certificate=shown if access is AccessKind.DOT1X else NoCertificate(),
        compliance=verdict,
        mac=f"00-11-85-00-{number >> 8 & 0xFF:02X}-{number & 0xFF:02X}",
        user=f"someone{number}@contoso.example",
        tenant="intune",
        at=1.8e9,
    )
