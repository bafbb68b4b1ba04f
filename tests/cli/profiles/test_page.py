"""`nacd profiles show`: one profile in one vendor's words, with its sources."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import nacd.vendor
from nacd.config.load import vendors

DATA = Path(nacd.vendor.__file__).parent / "profiles"
POLICY = """\
profiles:
  everything:
    vlan: 999
    session_timeout: 10m
    termination: end
    attributes: {Reply-Message: hello}
    optional:
      acl: QUARANTINE
      redirect: {url: "https://portal.example/", acl: REDIRECT}
      sgt: 16
      group_policy: SLOW
  promise: {group_policy: SLOW}
  unknown: {attributes: {No-Such-Attribute: x}}
  nothing: {}
  phones: {voice_vlan: true}
  fetched: {dacl: {name: GUESTS, lines: [permit ip any any]}}
  filled:
    vlan: {list: vlans.csv, default: 120}
    redirect: {url: "https://portal.example/?m={mac}&s={session}", acl: REDIRECT}
rules: []
"""


@pytest.fixture
def show(nacd: Any, other_policy: Any, tmp_path: Path) -> Any:
    (tmp_path / "vlans.csv").write_text("device,vlan\nAA-BB-CC-DD-EE-01,140\nAA-BB-CC-DD-EE-02,STAFF\n")
    config = other_policy(POLICY)
    return lambda *words: nacd("profiles", "show", *words, "--config", config)


@pytest.fixture
def shown(show: Any) -> Any:
    return lambda *words: json.loads(show(*words, "--json").output)


def test_every_attribute_names_the_intention_the_row_of_the_data_and_the_page(shown: Any) -> None:
    page = shown("everything", "--vendor", "cisco-ios")
    assert [each["intention"] for each in page["said"]] == [
        "vlan",
        "acl",
        "redirect",
        "sgt",
        "session_timeout",
        "attributes",
    ]
    vlan, acl, redirect = page["said"][:3]
    assert vlan["place"] == "policy.yaml:3:11"
    assert acl["place"] == "policy.yaml:8:12"
    assert [each["octets"] for each in vlan["attributes"]] == ["40060100000d", "410601000006", "510601393939"]
    assert vlan["standing"] == "documented"
    assert "IEEE 802.1x Authentication with VLAN Assignment" in vlan["source"]
    assert [each["value"] for each in redirect["attributes"]] == [
        "url-redirect-acl=REDIRECT",
        "url-redirect=https://portal.example/",
    ]


@pytest.mark.parametrize("vendor", sorted(vendors()))
def test_the_place_of_a_row_is_the_line_where_its_attribute_stands(vendor: str, shown: Any) -> None:
    lines = (DATA / f"{vendor}.yaml").read_text().splitlines()
    page = shown("everything", "--vendor", vendor)
    seen = 0
    for each in page["said"]:
        for row in each["attributes"]:
            file, line = row["place"].split(":")[:2]
            if file == f"{vendor}.yaml":
                seen += 1
                wanted = "session_timeout" if each["intention"] == "session_timeout" else f"name: {row['name']}"
                assert wanted in lines[int(line) - 1]
    assert seen


@pytest.mark.parametrize("vendor", sorted(vendors()))
def test_sources_are_those_of_the_data_word_for_word(vendor: str, shown: Any) -> None:
    rows = yaml.safe_load((DATA / f"{vendor}.yaml").read_text())["intentions"]
    for each in shown("everything", "--vendor", vendor)["said"]:
        if each["intention"] != "attributes":
            assert each["source"] == rows[each["intention"]]["source"]
            assert each["standing"] == rows[each["intention"]]["standing"]


def test_the_timeout_is_shown_as_an_answer_carries_it(show: Any) -> None:
    text = show("everything", "--vendor", "cisco-ios").output
    assert re.search(r"Session-Timeout = 600 +cisco-ios\.yaml:\d+\n", text)
    assert "Termination-Action = Default" in text
    assert "shorter where the certificate ends first" in text


def test_what_is_filled_in_for_each_request_is_shown_in_braces(show: Any, shown: Any) -> None:
    text = show("filled", "--vendor", "cisco-ios").output
    assert "  Tunnel-Private-Group-Id:1 = {vlan} " in text
    assert "{vlan} is looked up among 2 devices; all others get 120" in text
    assert "  Cisco-AVPair = url-redirect=https://portal.example/?m={mac}&s={session}  cisco-ios.yaml" in text
    assert "what stands in braces is filled in for each request, percent-encoded" in text
    vlan, redirect = shown("filled", "--vendor", "cisco-ios")["said"]
    assert [each["filled_in"] for each in vlan["attributes"]] == [False, False, True]
    # in front 8 octets of the attribute, then its word, the URL as it stands, a MAC and a session
    assert len(redirect["attributes"][1]["octets"]) == 2 * (8 + 13 + 26 + 3 + 17 + 96)


def test_a_list_that_is_downloaded_names_its_row_and_its_page(show: Any, shown: Any) -> None:
    [said] = shown("fetched", "--vendor", "cisco-ios")["said"]
    [row] = said["attributes"]
    assert row["value"].startswith("ACS:CiscoSecure-Defined-ACL=#ACSACL#-IP-GUESTS-")
    line = int(row["place"].split(":")[1])
    assert "attribute: {name: Cisco-AVPair" in (DATA / "cisco-ios.yaml").read_text().splitlines()[line - 1]
    assert "Downloadable ACLs" in said["source"]
    assert "the NAS fetches the 1 lines by this name" in show("fetched", "--vendor", "cisco-ios").output


def test_the_voice_vlan_of_the_port_has_rows_of_its_own(shown: Any) -> None:
    [voice] = shown("phones", "--vendor", "cisco-ios")["said"]
    line = int(voice["attributes"][0]["place"].split(":")[1])
    assert "own:" in (DATA / "cisco-ios.yaml").read_text().splitlines()[line - 1]


def test_what_is_left_out_is_told_with_its_reason(show: Any) -> None:
    done = show("everything", "--vendor", "cisco-ios")
    assert done.exit_code == 0
    assert "left out: group_policy: Cisco IOS and IOS XE has no group policies" in done.output
    aruba = show("everything", "--nas", "vpn").output
    assert "left out: redirect.acl: Aruba has no use for it" in aruba


def test_a_promise_that_cannot_be_kept_is_told_and_is_no_success(show: Any) -> None:
    done = show("promise", "--vendor", "cisco-ios")
    assert done.exit_code == 1
    assert "cannot be said: profile `promise` for vendor `cisco-ios`: group_policy cannot be expressed" in done.output


def test_a_raw_attribute_that_no_dictionary_has(show: Any, shown: Any) -> None:
    done = show("unknown", "--vendor", "cisco-ios")
    assert done.exit_code == 1
    assert "No-Such-Attribute" in done.output.partition("cannot be said: ")[2]
    assert shown("unknown", "--vendor", "cisco-ios")["said"][0]["attributes"][0]["octets"] == ""


def test_a_profile_that_says_nothing(show: Any) -> None:
    assert "  no attributes\n" in show("nothing", "--vendor", "cisco-ios").output


def test_what_each_answer_adds_depends_on_the_vendor(shown: Any) -> None:
    assert "Class with a token of nacd" in shown("nothing", "--vendor", "cisco-ios")["added"]
    assert "Class with a token of nacd" not in shown("nothing", "--vendor", "strongswan")["added"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("everythin", "--vendor", "cisco-ios"), "there is no profile `everythin`, did you mean `everything`?"),
        (("everything", "--vendor", "cisco-oss"), "there is no vendor `cisco-oss`, did you mean"),
        (("everything", "--nas", "swich"), "there is no NAS `swich`, did you mean `switch`?"),
        (("everything", "--nas", "switch", "--vendor", "aruba"), "NAS `switch` is of vendor `cisco-ios`, not `aruba`"),
        (("everything",), "said to whom? give --nas, or --vendor with one of: aruba, cisco-ios"),
    ],
)
def test_wrong_usage_names_the_way_out(words: Any, says: str, show: Any) -> None:
    done = show(*words)
    assert done.exit_code == 2
    assert says in done.output


def test_a_configuration_that_cannot_be_read(nacd: Any, tmp_path: Path) -> None:
    done = nacd("profiles", "show", "x", "--config", tmp_path / "nowhere.yaml")
    assert done.exit_code == 1
    assert "cannot be read" in done.output
