"""The request that a NAS would send."""

from __future__ import annotations

from typing import Any

import pytest

from nacd.cli.explain.judgement import WrongUsage
from nacd.cli.explain.logins import chosen, kind_of, request_of
from nacd.cli.explain.sheet import Sheet
from nacd.config.load import load
from nacd.identity.access_kind import Refused
from nacd.server.assembly import Assembled, assemble
from nacd.server.clock import instant
from nacd.values import AccessKind

MAC = "00-50-56-C0-FF-EE"


@pytest.fixture
def assembled(site: Any) -> Assembled:
    return assemble(load(site.config), instant(), allow_demo=True)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ({"mac": MAC}, AccessKind.MAB),
        ({"mac": MAC, "has_eap": True}, AccessKind.DOT1X),
        ({"has_eap": True}, AccessKind.DOT1X),
    ],
)
def test_what_it_carries_makes_its_kind(assembled: Assembled, words: dict[str, Any], kind: AccessKind) -> None:
    request = request_of(chosen(assembled, "switch"), "dot1x", "office", **words)
    assert kind_of(request, Sheet()) is kind
    assert (request.ssid, request.source, request.nas_port_type) == ("office", "10.1.0.0", "Wireless-802.11")


def test_a_vpn_client_says_its_mac_itself(assembled: Assembled) -> None:
    request = request_of(chosen(assembled, "vpn"), "vpn", "", mac=MAC)
    assert request.cisco_av_pairs == (f"mdm-tlv=device-mac={MAC}",)
    assert kind_of(request, Sheet()) is AccessKind.VPN


def test_a_refusal_before_the_rules_is_told_to_people_and_programs(
    assembled: Assembled, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = Sheet()
    assert isinstance(kind_of(request_of(chosen(assembled, "vpn"), "dot1x", "", mac=MAC), sheet), Refused)
    assert "Access-Reject before any rule is tried (service_type)" in capsys.readouterr().out
    assert sheet.document["refused"] == "service_type"
    assert sheet.document["decision"]["effect"] == "deny"


@pytest.mark.parametrize(
    ("wanted", "said"), [("", "say --nas with one of: switch, vpn"), ("swich", "no NAS is called")]
)
def test_who_would_ask_has_to_be_said_where_several_could(assembled: Assembled, wanted: str, said: str) -> None:
    with pytest.raises(WrongUsage, match=said):
        chosen(assembled, wanted)
