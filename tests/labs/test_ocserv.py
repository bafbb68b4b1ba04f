"""A real AnyConnect-protocol gateway: ocserv sends PAP by radcli 1.2.11, unsigned, and asks for authorization only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nacd.sim.pki import COMPLIANT_GUID, NONCOMPLIANT_GUID
from tests.labs.ocserv import Lab
from tests.labs.vpn_site import Site, build

pytestmark = [pytest.mark.peer, pytest.mark.netns, pytest.mark.slow]

DECLARED = {"authentication": "done_by_nas"}
UNSIGNED = {"message_authenticator": "accept"}
AUTO = {"message_authenticator": "auto"}
PASSWORD = "open sesame, and be quick"
VPN_POLICY = {
    "profiles": {"remote": {"session_timeout": "8h", "attributes": {"Class": "OU=corp;"}}},
    "rules": [
        {
            "name": "compliant vpn",
            "when": {"access": "vpn", "identity": "vpn", "compliance": "compliant"},
            "then": "remote",
        }
    ],
}


@pytest.fixture
def site(request: pytest.FixtureRequest, netns: Any, launch: Any) -> Site:
    """The parameter of the test is what ``clients:`` says of the gateway beside ``message_authenticator: require``."""

    def vpn(config: dict[str, Any], policy: dict[str, Any]) -> None:
        config["clients"] = [{**config["clients"][0], **request.param}]
        config["identity"] = {"vpn": {"user_name_pattern": "[a-z]+\\.(?P<guid>[0-9a-f-]{36})"}}
        policy.clear()
        policy.update(VPN_POLICY)

    return build(netns, launch, vpn)


@pytest.fixture
def lab(peer: Callable[[str], Any], tmp_path: Path, certificates: Any) -> Lab:
    return Lab(peer, tmp_path, certificates)


@pytest.mark.parametrize("site", [DECLARED | UNSIGNED, DECLARED | AUTO], ids=["accept", "auto"], indirect=True)
def test_a_compliant_device_is_let_in_with_its_group_and_its_time(site: Site, lab: Lab, tap: Any) -> None:
    wire, running = tap.start(site.nacd.ports, site.cable)
    gateway = lab.gateway(site)
    user = f"alice.{COMPLIANT_GUID}"
    client = lab.dial(site, user, PASSWORD)
    given = client.connected()
    client.hang_up()
    wanted = {"access": "vpn", "endpoint.user_name": user, "decision.rule": "compliant vpn"}
    accept = site.nacd.recorded({"code": "A1001I", "nas.identifier": "lab-anyconnect", **wanted})
    started = site.nacd.recorded({"code": "A2001I", "endpoint.user_name": user})
    stopped = site.nacd.recorded({"code": "A2003I", "session.terminate_cause": "User-Request"})
    tap.stop(running)
    assert (accept["identity"]["id"], accept["identity"]["source"]) == (COMPLIANT_GUID, "vpn")
    assert accept["endpoint"]["mac"] == ""
    # What ocserv made of the Accept.
    assert f"auth complete for user '{user}'" in gateway.log
    assert "of group: 'corp'" in gateway.log
    assert "X-CSTP-Session-Timeout: 28800" in client.log
    assert given["INTERNAL_IP4_ADDRESS"] == stopped["endpoint"]["framed_address"]
    assert stopped["session"]["acct_session_id"] == started["session"]["acct_session_id"] != ""
    # It signs nothing itself, and takes a reply that is signed.
    assert wire.fields("radius.code == 1", "radius.Message_Authenticator", "radius.Service_Type") == [["", "8"]]
    (reply,) = wire.fields("radius.code == 2", "radius.avp.type", "radius.Class")
    assert reply[0].startswith("80,")
    assert reply[1] == b"OU=corp;".hex()
    assert wire.faults() == []
    assert PASSWORD not in site.nacd.log_text + site.nacd.audit_file.read_text(encoding="utf-8")


@pytest.mark.parametrize("site", [DECLARED | UNSIGNED], ids=["accept"], indirect=True)
def test_a_device_that_is_not_compliant_and_a_name_without_a_device_are_refused(site: Site, lab: Lab, tap: Any) -> None:
    wire, running = tap.start(site.nacd.ports, site.cable)
    lab.gateway(site)
    for user in (f"bob.{NONCOMPLIANT_GUID}", "mallory"):
        client = lab.dial(site, user, PASSWORD)
        assert client.ended() != 0
        assert not (client.folder / "connect").exists()
    tap.stop(running)
    named = {"code": "A1002I", "access": "vpn", "decision.rule": "default-deny"}
    site.nacd.recorded({**named, "identity.id": NONCOMPLIANT_GUID, "compliance.state": "noncompliant"})
    site.nacd.recorded({**named, "endpoint.user_name": "mallory", "compliance.state": "not_asked"})
    assert site.nacd.audit("A1001I", "A2001I") == []
    assert wire.fields("radius.code == 2", "radius.id") == []
    assert len(wire.fields("radius.code == 3", "radius.id")) >= 2
    assert wire.faults() == []


@pytest.mark.parametrize("site", [UNSIGNED], ids=["undeclared"], indirect=True)
def test_a_gateway_that_nobody_declared_as_one_is_refused_and_the_record_says_how_to_declare_it(
    site: Site, lab: Lab
) -> None:
    """Whoever could say "I have checked the password" by sending no more than a Service-Type would need none."""
    lab.gateway(site)
    user = f"alice.{COMPLIANT_GUID}"
    assert lab.dial(site, user, PASSWORD).ended() != 0
    refused = site.nacd.recorded({"code": "A1004W", "endpoint.user_name": user, "refusal": "service_type"})
    assert "`authentication: done_by_nas`" in refused["why"]
    assert site.nacd.audit("A1001I", "A2001I") == []


@pytest.mark.parametrize("site", [DECLARED], ids=["require"], indirect=True)
def test_where_a_signature_is_required_there_is_no_answer_and_one_warning_that_says_what_to_set(
    site: Site, lab: Lab, tap: Any
) -> None:
    wire, running = tap.start(site.nacd.ports, site.cable)
    lab.gateway(site)
    client = lab.dial(site, f"alice.{COMPLIANT_GUID}", PASSWORD)
    assert client.ended() != 0
    tap.stop(running)
    assert len(wire.fields("radius.code == 1", "radius.id")) >= 2, "radcli asks again"
    assert wire.fields("radius.code != 1", "radius.code") == []
    # Remarks on the configuration stand at its beginning, each with its place in the files.
    warnings = [line for line in site.nacd.log() if line["level"] == "warning"]
    (warning,) = [line for line in warnings if not line["event"].startswith(str(site.nacd.folder))]
    assert warning["nas"] == "gateway"
    assert "without Message-Authenticator" in warning["event"]
    assert "`message_authenticator: " in str(warning)
    assert site.nacd.audit("A1001I", "A1002I") == []
    assert wire.faults() == []
