"""`nacd profiles`: every profile against every vendor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nacd.config.load import vendors


@pytest.fixture
def listed(nacd: Any, site: Any) -> dict[str, dict[str, Any]]:
    done = nacd("profiles", "--config", site.config, "--json")
    assert done.exit_code == 0
    return {each["profile"]: {one["vendor"]: one for one in each["vendors"]} for each in json.loads(done.output)}


def test_each_profile_stands_against_each_vendor_that_there_is(listed: Any) -> None:
    assert set(listed) == {"corporate", "quarantine", "printers"}
    assert all(set(found) == set(vendors()) for found in listed.values())


def test_what_can_be_said_in_full_in_part_and_not_at_all(listed: Any) -> None:
    assert listed["corporate"]["cisco-ios"] == {
        "vendor": "cisco-ios",
        "in_use": True,
        "can": True,
        "omitted": [],
        "cannot": [],
    }
    assert listed["quarantine"]["cisco-ios"]["omitted"] == ["group_policy"]
    assert listed["printers"]["strongswan"]["cannot"] == ["vlan"]
    assert not listed["printers"]["strongswan"]["in_use"]


def test_people_read_who_can_and_who_is_in_use(nacd: Any, site: Any) -> None:
    text = nacd("profiles", "--config", site.config).output
    corporate = text.partition("corporate\n")[2].partition("quarantine\n")[0]
    assert "says         vlan, session_timeout" in corporate
    assert "aruba*," in corporate
    assert "not to       " in corporate
    assert "strongswan (vlan)" in corporate
    assert "cisco-ios* (without group_policy)" in text


def test_a_profile_that_fills_too_much_is_told_so(nacd: Any, site: Any, other_policy: Any) -> None:
    lines = "".join(f"      - permit ip any host 10.0.0.{number} log time-range {'x' * 40}\n" for number in range(60))
    config = other_policy(f"profiles:\n  big:\n    dacl:\n{lines}rules: []\n")
    found = json.loads(nacd("profiles", "--config", config, "--json").output)
    by_vendor = {each["vendor"]: each for each in found[0]["vendors"]}
    assert by_vendor["cisco-ios"]["cannot"] == ["its octets"]


def test_a_configuration_that_cannot_be_read_is_said_with_its_place(nacd: Any, tmp_path: Path) -> None:
    assert nacd("profiles", "--config", tmp_path / "nowhere.yaml").exit_code == 1


def test_a_policy_without_profiles(nacd: Any, site: Any, other_policy: Any) -> None:
    done = nacd("profiles", "--config", other_policy("rules: []\n"))
    assert (done.exit_code, done.output) == (0, "the policy has no profiles\n")
