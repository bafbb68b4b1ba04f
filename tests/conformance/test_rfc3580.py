"""RFC 3580, IEEE 802.1X RADIUS Usage Guidelines."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nacd.errors import ConfigError
from tests.conformance.octets import ACCEPT, PRINTER, REJECT, mab, request
from tests.conformance.wire import Talk, Wire
from tests.server.house import House, Pki, Site

SPELLINGS = (
    "00-11-85-AA-BB-CC",
    "00-11-85-aa-bb-cc",
    "00:11:85:AA:BB:CC",
    "00:11:85:aa:bb:cc",
    "0011.85aa.bbcc",
    "001185aabbcc",
    "001185AABBCC",
    "001185-aabbcc",
)


@pytest.mark.clause("RFC 3580 section 3.31", "Tunnel-Type = VLAN (13)")
def test_the_tunnel_is_a_vlan(wire: Wire) -> None:
    assert wire.ask(mab()).first(64)[1:] == (13).to_bytes(3)


@pytest.mark.clause("RFC 3580 section 3.31", "Tunnel-Medium-Type = 802 (6)")
def test_the_medium_is_802(wire: Wire) -> None:
    assert wire.ask(mab()).first(65)[1:] == (6).to_bytes(3)


@pytest.mark.clause("RFC 3580 section 3.31", "Tunnel-Private-Group-ID = VLAN id as a decimal string")
def test_the_group_is_the_vlan_in_decimal_digits(wire: Wire) -> None:
    assert wire.ask(mab()).first(81)[1:] == b"140"


@pytest.mark.clause("RFC 3580 section 3.31", "a VLAN id is between 1 and 4094")
@pytest.mark.parametrize("vlan", ["0", "4095", "-1", "65536"])
def test_a_vlan_that_no_switch_has_is_refused_at_load(site: Site, vlan: str) -> None:
    site.change("printers:   {vlan: 140}", f"printers:   {{vlan: {vlan}}}", file="policy.yaml")
    with pytest.raises(ConfigError, match="vlan"):
        site.assemble()


@pytest.mark.clause("RFC 3580 section 3.21", "Calling-Station-Id: the MAC as AA-BB-CC-DD-EE-FF; other spellings occur")
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_of_a_mac_names_the_same_endpoint(wire: Wire, spelling: str) -> None:
    octets = request((1, spelling.encode()), (31, spelling.encode()), (6, (10).to_bytes(4)))
    assert wire.ask(octets).code == ACCEPT


@pytest.mark.clause("RFC 3580 section 3.21", "what is no MAC is not taken for one")
@pytest.mark.parametrize("text", ["00-11-85-AA-BB", "00-11-85-AA-BB-CG", "198.51.100.7", "", "00-11-85-AA-BB-CC-DD"])
def test_what_is_no_mac_opens_nothing(wire: Wire, text: str) -> None:
    assert wire.ask(request((1, text.encode()), (31, text.encode()), (6, (10).to_bytes(4)))).code == REJECT


@pytest.mark.clause("RFC 3580 section 3.20", "Called-Station-Id of an access point: BSSID, a colon, the SSID")
@pytest.mark.parametrize(
    ("called", "ssid"),
    [
        ("00-10-A4-23-19-C0:corp", "corp"),
        ("00-10-A4-23-19-C0:a:b c", "a:b c"),
        ("0010a42319c0:corp", "corp"),
        ("00-10-A4-23-19-C0", ""),
        ("corp", ""),
    ],
)
def test_the_ssid_is_read_out_of_the_called_station(house: House, wire: Wire, called: str, ssid: str) -> None:
    user = f"ssid of {called}"
    wire.ask(request((1, user.encode()), (30, called.encode())))
    (record,) = [r for r in house.records() if r.get("endpoint", {}).get("user_name") == user]
    assert record["endpoint"]["ssid"] == ssid


@pytest.mark.clause(
    "RFC 3580 section 3.17", "Session-Timeout with Termination-Action RADIUS-Request: authenticate anew"
)
def test_a_session_that_ends_is_authenticated_anew(house: House, pki: Pki, talk: Callable[..., Talk]) -> None:
    last = talk(house, pki.supplicant()).last
    assert (last.first("Session-Timeout"), last.first("Termination-Action")) == (28_800, "RADIUS-Request")


@pytest.mark.clause("RFC 3580 section 3.17", "Session-Timeout with Termination-Action Default: the session ends")
def test_a_session_may_be_made_to_end(site: Site, build: Callable[..., House], plug: Callable[..., Wire]) -> None:
    site.change(
        "printers:   {vlan: 140}", "printers:   {vlan: 140, session_timeout: 1h, termination: end}", file="policy.yaml"
    )
    got = plug(build()).ask(mab())
    assert (got.first(27), got.first(29)) == ((3600).to_bytes(4), bytes(4))


@pytest.mark.clause("RFC 3580 section 3.17", "without Session-Timeout there is no Termination-Action")
def test_a_profile_without_a_timeout_says_nothing_of_its_end(wire: Wire) -> None:
    got = wire.ask(mab(PRINTER))
    assert not got.all(27)
    assert not got.all(29)
