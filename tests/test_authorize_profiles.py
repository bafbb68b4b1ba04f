"""What an Accept says that is each request's own: the facts in a redirect URL, and the VLAN of one device."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nacd.authorize import Authorizer
from nacd.config.load import load as read
from nacd.radius.dictionary import load
from nacd.server.assembly import assemble
from nacd.server.clock import instant
from nacd.sim.pki import COMPLIANT_GUID
from nacd.steps import Answer, NeedCompliance
from nacd.values import AccessRequest, Compliance, ComplianceSource, ComplianceState, Nas, NoCredential, ReplyCode
from tests.server.house import PRINTER_MAC, Pki, Site
from tests.server.house import spine as authorizer
from tests.test_authorize import DOT1X, converse

POLICY = """\
profiles:
  listed: {vlan: {list: vlans.csv, default: 999}, session_timeout: 10m}
  fix:
    vlan: 7
    redirect: {url: "https://portal.example/fix?m={mac}&d={device_id}&s={session}&r={reason}", acl: REDIRECT}
rules:
  - {name: compliant, when: {access: dot1x, compliance: compliant}, then: listed}
  - {name: broken,    when: {access: dot1x, compliance: noncompliant}, then: fix}
  - {name: portal,    when: {access: mab, mac_in: printers.csv}, then: fix}
  - {name: machines,  when: {access: mab, identity: mac}, then: listed}
"""
MACHINE = "24-11-85-00-00-01"


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki.make()


@pytest.fixture
def spine(tmp_path: Path, pki: Pki) -> Authorizer:
    site = Site(tmp_path, pki)
    site.write("policy.yaml", POLICY)
    site.write("vlans.csv", f"device,vlan\n{COMPLIANT_GUID},140\n{MACHINE},STAFF\n")
    return authorizer(site.assemble())


def mab(mac: str, **names: object) -> AccessRequest:
    return AccessRequest(
        nas=Nas(name="switch", vendor="cisco-ios", groups=frozenset({"wired"})),
        source="127.0.0.1",
        source_port=40_000,
        user_name=mac,
        service_type="Call-Check",
        calling_station_id=mac,
        credential=NoCredential(),
        **names,  # type: ignore[arg-type]
    )


def said(answer: object, name: str) -> list[object]:
    """What the Accept carries of an attribute that is filled in; its record says the same."""
    assert isinstance(answer, Answer)
    assert answer.reply.code is ReplyCode.ACCEPT
    found = [each.value for each in answer.reply.attributes if each.name == name]
    reply = answer.event.fields["reply"]
    assert isinstance(reply, dict)
    shown = reply["attributes"]
    assert isinstance(shown, list)
    recorded = [each["value"] for each in shown if isinstance(each, dict) and each["name"] == name]
    assert [value for value in recorded if value in found] == found
    encode = load().encode
    assert all(encode(each) for each in answer.reply.attributes)
    return found


def by_certificate(spine: Authorizer, pki: Pki, state: ComplianceState, **names: object) -> object:
    need = converse(spine, pki.supplicant(), replace(DOT1X, **names))[-1]  # type: ignore[arg-type]
    assert isinstance(need, NeedCompliance)
    return spine.decide(need, Compliance(state=state, as_of=instant().wall, source=ComplianceSource.LIVE), instant())


def test_a_device_gets_the_vlan_of_its_row(spine: Authorizer, pki: Pki) -> None:
    answer = by_certificate(spine, pki, ComplianceState.COMPLIANT)
    assert said(answer, "Tunnel-Private-Group-Id") == ["140"]
    assert said(answer, "Session-Timeout") == [600]


def test_an_endpoint_gets_the_vlan_of_its_mac_and_a_stranger_the_default(spine: Authorizer) -> None:
    assert said(spine.identify(mab(MACHINE), instant()), "Tunnel-Private-Group-Id") == ["STAFF"]
    assert said(spine.identify(mab("24-11-85-00-00-02"), instant()), "Tunnel-Private-Group-Id") == ["999"]


def test_a_device_is_not_given_the_vlan_of_the_mac_that_it_shows(spine: Authorizer, pki: Pki, tmp_path: Path) -> None:
    (tmp_path / "vlans.csv").write_text(f"device,vlan\n{MACHINE},STAFF\n")
    other = authorizer(assemble(read(tmp_path / "nacd.yaml"), instant(), allow_demo=True))
    answer = by_certificate(other, pki, ComplianceState.COMPLIANT, calling_station_id=MACHINE)
    assert said(answer, "Tunnel-Private-Group-Id") == ["999"]


def test_the_facts_of_the_request_stand_in_its_url(spine: Authorizer, pki: Pki) -> None:
    pairs = ("audit-session-id=0A01",)
    answer = by_certificate(spine, pki, ComplianceState.NONCOMPLIANT, cisco_av_pairs=pairs, acct_session_id="42")
    mac = DOT1X.calling_station_id
    assert said(answer, "Cisco-AVPair") == [
        f"url-redirect=https://portal.example/fix?m={mac}&d={COMPLIANT_GUID}&s=0A01&r=noncompliant"
    ]


def test_what_is_not_known_is_empty_and_what_a_nas_words_stays_one_value(spine: Authorizer) -> None:
    odd = mab(PRINTER_MAC, acct_session_id="1/../&d=evil#\r\nurl-redirect=http://evil/")
    assert said(spine.identify(odd, instant()), "Cisco-AVPair") == [
        f"url-redirect=https://portal.example/fix?m={PRINTER_MAC}&d="
        "&s=1%2F..%2F%26d%3Devil%23%0D%0Aurl-redirect%3Dhttp%3A%2F%2Fevil%2F&r="
    ]
    plain = said(spine.identify(mab(PRINTER_MAC, acct_session_id="x" * 97), instant()), "Cisco-AVPair")
    assert plain == [f"url-redirect=https://portal.example/fix?m={PRINTER_MAC}&d=&s=&r="]
