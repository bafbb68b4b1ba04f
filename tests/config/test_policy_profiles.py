"""Profiles that differ by device: URLs with facts, and VLANs out of a list."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from nacd.values import VlanList

GUID = "11111111-2222-3333-4444-55555555abcd"
MAC = "AA-BB-CC-DD-EE-01"
RULES = "rules:\n  - {name: a, when: {access: mab}, then: p}\n"
LISTED = "profiles:\n  p:\n    vlan: {list: vlans.csv, default: 120}\n" + RULES


def refused(site: Any, policy: str) -> list[str]:
    site.write("policy.yaml", policy)
    return [said.removeprefix("policy.yaml:") for said in site.problems()]


def test_a_list_becomes_a_vlan_by_device_and_one_for_all_others(site: Any) -> None:
    site.write("vlans.csv", f"device,vlan\n{GUID},140\n{MAC},STAFF\n")
    site.write("policy.yaml", LISTED)
    profile = site.load().profiles["p"]
    assert profile.vlan == "120"
    assert profile.vlans == VlanList(rows={GUID: "140", MAC: "STAFF"}, otherwise="120")


def test_the_list_belongs_to_the_digest_and_its_text_is_kept(site: Any) -> None:
    text = f"device,vlan\n{GUID},140\n"
    site.write("vlans.csv", text)
    site.write("policy.yaml", LISTED)
    loaded = site.load()
    own = hashlib.sha256(text.encode()).hexdigest()
    assert loaded.texts[own] == text
    assert f"{own}  vlans.csv" in loaded.texts[loaded.digest].splitlines()
    site.write("vlans.csv", text.replace("140", "141"))
    assert site.load().digest != loaded.digest


def test_one_list_of_two_profiles_is_read_once(site: Any) -> None:
    site.write("vlans.csv", "device,vlan\nprinter,140\n")
    said = refused(
        site, LISTED.replace("rules:", "  q:\n    optional: {vlan: {list: vlans.csv, default: 7}}\nrules:", 1)
    )
    assert len(said) == 1
    assert said[0].startswith("vlans.csv:2:1: `printer` is no device")


@pytest.mark.parametrize(
    ("vlan", "says"),
    [
        ("{list: nowhere.csv, default: 120}", "3:18: `nowhere.csv`: the list cannot be read"),
        ("{list: vlans.csv}", "3:11: `default` is missing: VLAN of every device that the list does not hold"),
        ("{default: 120}", "3:11: `list` is missing: CSV file beside the policy"),
        ("{list: vlans.csv, default: 4095}", "3:38: `4095` is no VLAN"),
        ("{file: vlans.csv, default: 5}", "3:12: `file` is no key here: write `list`"),
        ("[120, 130]", "3:11: text is wanted here, not a list"),
    ],
)
def test_what_is_wrong_with_a_vlan_by_list_has_its_place(site: Any, vlan: str, says: str) -> None:
    site.write("vlans.csv", f"device,vlan\n{MAC},140\n")
    said = refused(site, LISTED.replace("{list: vlans.csv, default: 120}", vlan))
    assert any(line.startswith(says) for line in said), said


def test_an_empty_list_is_worth_a_note(site: Any) -> None:
    site.write("vlans.csv", "device,vlan\n")
    site.write("policy.yaml", LISTED)
    assert "policy.yaml:3:18: `vlans.csv` holds no device at all" in site.notes()
    assert site.load().profiles["p"].vlan == "120"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (
            "https://portal.example/?m={maci}",
            "3:21: there is no `{maci}` to fill into a redirect url: there is `{mac}`",
        ),
        ("https://{session}/", "3:21: `{session}` stands where the host is told"),
        ("https://portal.example/{session}", "3:21: `{session}` must stand behind a `?`"),
    ],
)
def test_a_fact_that_cannot_be_filled_in_has_its_place(site: Any, url: str, says: str) -> None:
    said = refused(site, f'profiles:\n  p:\n    redirect: {{url: "{url}", acl: R}}\n{RULES}')
    assert any(line.startswith(says) for line in said), said


@pytest.mark.parametrize(("written", "meant"), [("true", "*"), ("300", "300"), ("PHONES", "PHONES")])
def test_a_voice_vlan_is_the_ports_own_or_a_vlan(site: Any, written: str, meant: str) -> None:
    site.write("policy.yaml", f"profiles:\n  p: {{voice_vlan: {written}}}\n{RULES}")
    assert site.load().profiles["p"].voice_vlan == meant


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("false", "2:19: leave `voice_vlan` out where there is none"),
        ("4095", "2:19: `4095` is no VLAN"),
        ('"*"', "2:19: write `true` for the voice VLAN of the port"),
    ],
)
def test_what_is_no_voice_vlan_has_its_place(site: Any, written: str, says: str) -> None:
    said = refused(site, f"profiles:\n  p: {{voice_vlan: {written}}}\n{RULES}")
    assert said[0].startswith(says), said


def test_every_line_of_a_dacl_that_is_wrong_has_its_place(site: Any) -> None:
    lines = ["permit udp any any eq 53", "permit tpc any any", "permitt ip any any", "deny ip any host 10.0.0.256"]
    listed = "".join(f"      - {line}\n" for line in lines)
    said = refused(site, f"profiles:\n  p:\n    dacl:\n{listed}{RULES}")
    assert [line.split(": ", 1)[0] for line in said] == ["5:9", "6:9", "7:9"]
    assert "`permit tpc any any`: `tpc` is no protocol that nacd knows" in said[0]
    assert "it is no line of an access list that nacd knows" in said[1]
    assert "`10.0.0.256` is no address for its destination" in said[2]


def test_a_list_with_a_name_keeps_both(site: Any) -> None:
    site.write("policy.yaml", f"profiles:\n  p: {{dacl: {{name: GUESTS, lines: [permit ip any any]}}}}\n{RULES}")
    profile = site.load().profiles["p"]
    assert (profile.dacl, profile.dacl_name) == (("permit ip any any",), "GUESTS")


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("{name: GUESTS}", "2:13: `lines` is missing"),
        ("{lines: [permit ip any any]}", "2:13: `name` is missing"),
        ("{name: A B, lines: [permit ip any any]}", "2:20: `A B` is no name for a list"),
        ("{name: A, lines: []}", "2:30: this list is empty"),
        ("{name: A, lines: [permit ip any]}", "2:31: `permit ip any`: it is no line"),
        ("permit ip any any", "2:13: a list is wanted here"),
    ],
)
def test_what_is_wrong_with_a_named_list_has_its_place(site: Any, written: str, says: str) -> None:
    said = refused(site, f"profiles:\n  p: {{dacl: {written}}}\n{RULES}")
    assert any(line.startswith(says) for line in said), said


def test_facts_of_a_redirect_stay_as_they_are_until_a_request_is_answered(site: Any) -> None:
    url = "https://portal.example/{device_id}?m={mac}&s={session}&r={reason}"
    site.write("policy.yaml", f'profiles:\n  p:\n    redirect: {{url: "{url}", acl: R}}\n{RULES}')
    assert site.load().profiles["p"].redirect.url == url
