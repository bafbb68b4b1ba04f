"""Phones: what a profile gives them, and that they are known as such afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from nacd.config.load import vendors as shipped
from nacd.vendor.dynauth import marks_voice
from nacd.vendor.dynauth_model import parse_dynauth
from nacd.vendor.profile import PORTS_OWN, Profile
from nacd.vendor.render import spell

ASKABLE = {name: parse_dynauth(name, rows) for name, rows in shipped().items() if "dynauth" in rows}


@pytest.mark.parametrize("name", sorted(ASKABLE))
@pytest.mark.parametrize("vlan", [PORTS_OWN, "300"])
def test_whoever_is_given_a_voice_vlan_is_known_as_a_phone(name: str, vlan: str, vendors: Any) -> None:
    said = spell(Profile(name="p", voice_vlan=vlan), vendors[name]).said
    if "voice_vlan" in said:
        assert marks_voice(ASKABLE[name], said["voice_vlan"].attributes)


def test_every_vendor_that_has_words_for_phones_takes_one_of_the_two_ways(vendors: Any) -> None:
    able = {name for name, vendor in vendors.items() if "voice_vlan" in vendor.wordings}
    assert able == {"aruba-cx", "cisco-ios", "fortinet", "generic", "hpe-aos-s", "juniper", "meraki"}
    for name in able:
        ways = [spell(Profile(name="p", voice_vlan=vlan), vendors[name]) for vlan in (PORTS_OWN, "300")]
        assert any("voice_vlan" in way.said for way in ways)
