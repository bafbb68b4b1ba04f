"""A push carries what the Accept of this very session carried, and is left out where it cannot change that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nacd.config.load import load
from nacd.server.assembly import assemble
from nacd.server.sessions.targets import Asked, Targets
from nacd.sessions import Grounds, NotOurs, Pending, Session, Verb
from nacd.values import (
    AccessKind,
    Assurance,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Device,
    DeviceId,
    IdentitySource,
    Instant,
)
from tests.server.sessions.nases import DIGEST, ENVIRONMENT, NOW, place, session, standing

GUID = "11111111-2222-3333-4444-55555555abcd"
MAC = "AA-BB-CC-00-11-22"
OTHER = "11111111-2222-3333-4444-55555555abce"
POLICY = """\
profiles:
  listed: {vlan: {list: vlans.csv, default: 120}, attributes: {Filter-Id: A}}
  plain:  {vlan: 140, attributes: {Filter-Id: B}}
  fix:
    vlan: 140
    attributes: {Filter-Id: C}
    redirect: {url: "https://portal.example/?m={mac}&d={device_id}&s={session}&r={reason}", acl: R}
rules:
  - {name: all, when: {access: vpn}, then: listed}
"""
VERDICT = Compliance(state=ComplianceState.NONCOMPLIANT, as_of=NOW, source=ComplianceSource.LIVE)


@pytest.fixture(scope="module")
def asa(tmp_path_factory: pytest.TempPathFactory) -> Targets:
    folder: Path = tmp_path_factory.mktemp("filled")
    client = '  - {name: cisco-asa, network: 10.0.0.0/16, secret: "env:NAS", vendor: cisco-asa, dynauth: {}}\n'
    (folder / "nacd.yaml").write_text(
        f"clients:\n{client}policy: policy.yaml\naudit: {{file: audit.jsonl}}\nstate: state\n"
    )
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "vlans.csv").write_text(f"device,vlan\n{GUID},140\n")
    loaded = load(folder / "nacd.yaml", ENVIRONMENT)
    return Targets(assemble(replace(loaded, digest=DIGEST), Instant(wall=NOW, monotonic=0.0)))


def tunnel(guid: str, before: str, wanted: str = "") -> Session:
    """The session of a device, under one profile and perhaps on its way to another."""
    made = session("cisco-asa", source="10.0.0.7", access=AccessKind.VPN, standing=standing(before))
    assert isinstance(made.grounds, Grounds)
    device = Device(id=DeviceId(guid=guid), source=IdentitySource.VPN, assurance=Assurance.VPN)
    made = replace(made, grounds=replace(made.grounds, identity=device, mac=MAC), place=place("cisco-asa", "10.0.0.7"))
    if wanted:
        aim = replace(standing(wanted), compliance=VERDICT)
        made = replace(made, wish=Pending(wanted=aim, since=NOW))
    return made


def verbs(targets: Targets, asked: Session, before: str, after: str) -> list[str]:
    return [rung.verb for rung in targets.rungs(asked, before, after)]


def pushed(targets: Targets, asked: Session, after: str) -> dict[str, list[object]]:
    push = targets.rungs(asked, "plain", after)[0]
    assert push.verb is Verb.PUSH
    said = targets.request(push, asked, after)
    assert isinstance(said, Asked)
    assert said.attributes
    found: dict[str, list[object]] = {}
    for each in said.shown:
        found.setdefault(each.name, []).append(each.value)
    return found


def test_a_push_fills_in_the_facts_of_its_session(asa: Targets) -> None:
    asked = pushed(asa, tunnel(GUID, "plain", "fix"), "fix")
    assert asked["Cisco-AVPair"][-1] == (
        f"url-redirect=https://portal.example/?m={MAC}&d={GUID}&s=0A0000FD0000002715B8C2&r=noncompliant"
    )


def test_a_listed_vlan_that_is_the_old_one_is_no_reason_against_a_push(asa: Targets) -> None:
    """An ASA keeps its VLAN as long as the tunnel stands: for one device both profiles say 140, for the other not."""
    assert verbs(asa, tunnel(GUID, "listed"), "listed", "plain") == [Verb.PUSH, Verb.DISCONNECT]
    assert verbs(asa, tunnel(OTHER, "listed"), "listed", "plain") == [Verb.DISCONNECT]
    assert verbs(asa, tunnel(GUID, "plain"), "plain", "listed") == [Verb.PUSH, Verb.DISCONNECT]
    assert verbs(asa, tunnel(OTHER, "plain"), "plain", "listed") == [Verb.DISCONNECT]


def test_what_a_push_cannot_take_away_is_seen_through_its_facts(asa: Targets) -> None:
    assert verbs(asa, tunnel(GUID, "fix"), "fix", "plain") == [Verb.DISCONNECT]
    [left] = [each for each in asa.left_out(tunnel(GUID, "fix"), "fix", "plain") if each.verb is Verb.PUSH]
    assert left.reason == "push cannot take Cisco-AVPair away"


def test_a_session_of_which_no_facts_are_known_is_not_pushed(asa: Targets) -> None:
    stranger = replace(tunnel(GUID, "plain"), grounds=NotOurs())
    assert verbs(asa, stranger, "plain", "fix") == [Verb.DISCONNECT]
