"""One NAS of every shipped vendor, some that are configured in their own way, and sessions at them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from nacd.config.load import load, vendors
from nacd.server.assembly import Assembled, assemble
from nacd.sessions import Grounds, Names, Pending, Phase, Place, Session, Standing
from nacd.values import NOT_ASKED, AccessKind, CertificateFacts, Effect, Instant, Nas, Secret, Unidentified

NOW = 1_000_000.0
DIGEST = "of-the-policy-in-force"
VENDORS = sorted(name for name, rows in vendors().items() if "dynauth" in rows)
PROFILES = """\
profiles:
  staff:    {session_timeout: 8h, attributes: {Filter-Id: STAFF}, optional: {vlan: 120}}
  fix:      {session_timeout: 10m, termination: end, attributes: {Filter-Id: FIX}, optional: {vlan: 120}}
  far:      {attributes: {Filter-Id: FAR}, optional: {vlan: 999, group_policy: FAR}}
  bare:     {optional: {vlan: 120}}
  marked:   {attributes: {Filter-Id: M, Class: "CLASSIFIED"}, optional: {vlan: 120}}
  split:    {attributes: {Filter-Id: S, Cisco-AVPair: ["url-redirect=https://x.example/", "ip:inacl#1=permit ip"]}}
  joined:   {attributes: {Filter-Id: J, Cisco-AVPair: ["url-redirect=https://y.example/"]}}
rules:
  - {name: all, when: {access: [dot1x, vpn]}, then: staff}
"""
OWN = """\
  - {name: controller, network: 10.1.0.0/16, secret: "env:NAS", vendor: cisco-ios,
     dynauth: {port: 3799, secret: "env:DAS", address: 192.0.2.99, source: 192.0.2.1, rate: 7, concurrent: 2}}
  - {name: mute, network: 10.2.0.0/16, secret: "env:NAS", vendor: cisco-ios}
  - {name: both, network: [10.3.0.0/16, "2001:db8::/32"], secret: "env:NAS", vendor: generic,
     dynauth: {source: 192.0.2.1}}
"""
ENVIRONMENT = {"NAS": "the-secret-of-all-nases-here", "DAS": "another-secret-for-the-das"}
NAS_SECRET, DAS_SECRET = (Secret(word.encode()) for word in ENVIRONMENT.values())


def configured(folder: Path) -> Assembled:
    clients = [
        f'  - {{name: {name}, network: 10.0.{number}.0/24, secret: "env:NAS", vendor: {name}, dynauth: {{}}}}\n'
        for number, name in enumerate(VENDORS)
    ]
    text = "clients:\n" + "".join(clients) + OWN + "policy: policy.yaml\naudit: {file: audit.jsonl}\nstate: state\n"
    (folder / "nacd.yaml").write_text(text)
    (folder / "policy.yaml").write_text(PROFILES)
    loaded = load(folder / "nacd.yaml", ENVIRONMENT)
    return assemble(replace(loaded, digest=DIGEST), Instant(wall=NOW, monotonic=0.0))


def place(name: str, source: str = "") -> Place:
    return Place(
        nas=name,
        source=source or f"10.0.{VENDORS.index(name)}.7",
        nas_identifier="sw1",
        nas_address="10.0.0.7",
        port="50101",
        port_id="GigabitEthernet1/0/1",
        port_type="Ethernet",
        calling_station_id="AA-BB-CC-00-11-22",
        framed_address="198.51.100.7",
    )


def session(name: str, source: str = "", access: AccessKind = AccessKind.DOT1X, **change: Any) -> Session:
    made = Session(
        id=1,
        place=place(name, source),
        names=Names(
            acct_session_id="00000042",
            acct_multi_session_id="5F3A",
            audit_session_id="0A0000FD0000002715B8C2",
            user_name="host/pc1.example",
        ),
        phase=Phase.LIVE,
        authorized_at=NOW,
        standing=standing("staff"),
        grounds=Grounds(access=access, nas=Nas(name=name, vendor=name), identity=Unidentified(reason="a test")),
    )
    return replace(made, **change)


def standing(profile: str, timeout_s: int = 0, at: float = NOW, digest: str = DIGEST) -> Standing:
    return Standing(
        effect=Effect.ALLOW if profile else Effect.DENY,
        rule="r",
        profile=profile,
        policy_digest=digest,
        compliance=NOT_ASKED,
        at=at,
        session_timeout_s=timeout_s,
    )


def pending(profile: str, timeout_s: int = 0, at: float = NOW, asked_at: float = 0.0) -> Pending:
    wanted = standing(profile, timeout_s, at)
    return Pending(wanted=wanted, since=at, asked_at=asked_at)


def certificate(not_after: float) -> CertificateFacts:
    return CertificateFacts(
        subject="CN=pc1", issuer="CN=ca", serial="1", fingerprint="0", not_before=0.0, not_after=not_after
    )
