"""Every shipped vendor against pages typed by hand, and against tshark's own dictionaries."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from nacd.errors import CannotExpress
from nacd.radius.dictionary import Dictionary, load
from nacd.values import Attribute
from nacd.vendor.model import STANDARD_OCTETS, VENDOR_OCTETS
from nacd.vendor.profile import INTENTIONS
from nacd.vendor.render import render

PAGES = {
    path.stem: yaml.safe_load(path.read_text())
    for path in sorted((Path(__file__).resolve().parent / "golden").glob("*.yaml"))
}
# tshark 4.0 has no name for these numbers yet; FreeRADIUS has (test_dictionaries).
YOUNGER_THAN_TSHARK = {"Aruba-NAS-Filter-Rule", "Aruba-Captive-Portal-URL", "HP-User-Role", "Juniper-CWA-Redirect"}
RENDERED = [
    pytest.param(name, case, id=f"{name}-{case['profile']['name']}")
    for name, page in PAGES.items()
    for case in page["rendered"]
]
REFUSED = [
    pytest.param(name, case, id=f"{name}-{case['profile']['name']}")
    for name, page in PAGES.items()
    for case in page["refused"]
]


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return load()


def by_name(attribute: Attribute) -> bytes:
    """An encoder for those who look at names only."""
    return attribute.name.encode()


def test_each_shipped_vendor_has_a_golden_page_and_each_page_a_vendor(vendors: Any) -> None:
    assert set(PAGES) == set(vendors)
    assert all(page["vendor"] == name for name, page in PAGES.items())


@pytest.mark.parametrize("name", PAGES)
def test_the_golden_page_says_every_intention_that_the_vendor_claims(name: str, vendors: Any, profile_of: Any) -> None:
    said = set()
    for case in PAGES[name]["rendered"]:
        said |= set(profile_of(case["profile"]).wanted) - set(case.get("omitted", ()))
    assert said == set(vendors[name].wordings)


@pytest.mark.parametrize("name", PAGES)
def test_the_golden_page_refuses_something(name: str) -> None:
    assert PAGES[name]["refused"]


def test_a_template_leaves_the_room_that_its_attribute_has(vendors: Any, dictionary: Dictionary) -> None:
    for vendor in vendors.values():
        for template in (each for wording in vendor.wordings.values() for each in (*wording.attributes, *wording.own)):
            found = dictionary.definition(template.name)
            room = VENDOR_OCTETS if found.vendor else STANDARD_OCTETS
            assert template.name == found.name
            assert bool(template.tag) == found.tagged
            assert template.number == (found.type == "integer" and bool(template.slots))
            assert template.octets == (4 if template.number else room - bool(template.tag))


@pytest.mark.parametrize(("name", "case"), RENDERED)
def test_a_profile_becomes_what_the_vendor_page_says(
    name: str, case: Any, vendors: Any, profile_of: Any, golden: Any
) -> None:
    expected = [golden(row) for row in case["attributes"]]
    listed = [golden(row) for row in case.get("downloads", {}).get("lines", ())]
    by_hand = {each.attribute: each.octets for each in (*expected, *listed)}
    rendered = render(profile_of(case["profile"]), vendors[name], lambda attribute: by_hand[attribute])
    assert rendered.attributes == tuple(each.attribute for each in expected)
    assert rendered.octets == b"".join(each.octets for each in expected)
    assert [each.name for each in rendered.access_lists] == ([case["downloads"]["called"]] if listed else [])
    for each in rendered.access_lists:
        assert each.pages == (b"".join(line.octets for line in listed),)
        assert sorted(each.asked_with) == case["downloads"]["asked_with"]
    assert list(rendered.omitted) == case.get("omitted", [])
    assert rendered.session_timeout_s == case.get("session_timeout_s", 0)
    assert rendered.reauthenticate == case.get("reauthenticate", True)
    assert (rendered.profile, rendered.vendor) == (case["profile"]["name"], name)


@pytest.mark.parametrize(("name", "case"), REFUSED)
def test_a_promise_that_the_vendor_cannot_keep_is_refused_in_words(
    name: str, case: Any, vendors: Any, profile_of: Any
) -> None:
    with pytest.raises(CannotExpress) as refusal:
        render(profile_of(case["profile"]), vendors[name], by_name)
    for words in case["says"]:
        assert words in str(refusal.value)


@pytest.mark.parametrize("intention", INTENTIONS)
@pytest.mark.parametrize("name", PAGES)
def test_what_a_vendor_cannot_say_can_be_made_optional(
    name: str, intention: str, vendors: Any, profile_of: Any
) -> None:
    values: dict[str, Any] = {
        "vlan": "120",
        "voice_vlan": "300",
        "acl": "LIST",
        "dacl": ["permit ip any any"],
        "redirect": {"url": "https://portal.example/", "acl": "REDIRECT"},
        "sgt": 16,
        "role": "staff",
        "group_policy": "CORP",
    }
    key, value = ("session_timeout_s", 60) if intention == "session_timeout" else (intention, values[intention])
    rendered = render(profile_of({"name": "p", key: value, "optional": [intention]}), vendors[name], by_name)
    assert (intention in rendered.omitted) != bool(rendered.attributes or rendered.session_timeout_s)


@pytest.mark.parametrize(("name", "case"), RENDERED)
def test_nacds_dictionaries_encode_the_golden_attributes_to_the_octets_made_by_hand(
    name: str, case: Any, golden: Any, dictionary: Dictionary
) -> None:
    for row in (*case["attributes"], *case.get("downloads", {}).get("lines", ())):
        expected = golden(row)
        assert dictionary.encode(expected.attribute) == expected.octets


@pytest.mark.peer
@pytest.mark.parametrize("name", PAGES)
def test_tshark_reads_the_golden_accepts_as_they_were_meant(
    name: str, golden: Any, decode_by_tshark: Callable[..., Any]
) -> None:
    cases = PAGES[name]["rendered"]
    pages = [case["attributes"] for case in cases] + [
        case["downloads"]["lines"] for case in cases if "downloads" in case
    ]
    accepts = [[golden(row) for row in page] for page in pages]
    shown, text = decode_by_tshark(*(b"".join(each.octets for each in accept) for accept in accepts))
    assert "Malformed" not in text
    for theirs, ours in zip(shown, (each for accept in accepts for each in accept), strict=True):
        meant = (ours.attribute.name, ours.attribute.tag, ours.shows)
        unnamed = ("Unknown-Attribute", 0, str(ours.attribute.value).encode().hex())
        assert theirs == meant or (ours.attribute.name in YOUNGER_THAN_TSHARK and theirs == unnamed), text
