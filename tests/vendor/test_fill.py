"""What is filled into an answer for one request, and that it stays text."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.values import (
    NOT_ASKED,
    Assurance,
    Attribute,
    Blank,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Device,
    DeviceId,
    IdentitySource,
    Rendered,
    Unidentified,
    VlanList,
)
from nacd.vendor.fill import LONGEST, Told, encoded, fill, shown, told, widest
from nacd.vendor.profile import Profile, Redirect
from nacd.vendor.render import render

GUID = "11111111-2222-3333-4444-555555555555"
MAC = "AA-BB-CC-00-11-22"
LAPTOP = Device(id=DeviceId(guid=GUID), source=IdentitySource.CERTIFICATE, assurance=Assurance.CERTIFICATE)
NOBODY = Unidentified(reason="a test")
BROKEN = Compliance(state=ComplianceState.NONCOMPLIANT, as_of=1.0, source=ComplianceSource.LIVE)
URL = "https://portal.example/fix?m={mac}&d={device_id}&s={session}&r={reason}"
UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"


def blank(*pieces: str, **more: Any) -> Blank:
    return Blank(name="X", pieces=pieces, **more)


def rendered(*blanks: Blank, vlans: VlanList | None = None) -> Rendered:
    more = {} if vlans is None else {"vlans": vlans}
    return Rendered(profile="p", vendor="v", attributes=(), octets=b"", blanks=blanks, **more)


def test_the_facts_are_those_of_the_request() -> None:
    assert told(LAPTOP, MAC, BROKEN, "0A01", "42") == Told(
        mac=MAC, device_id=GUID, session="0A01", reason="noncompliant"
    )


def test_a_fact_that_is_not_known_is_empty() -> None:
    assert told(NOBODY, "", NOT_ASKED, "", "") == Told()
    assert told(NOBODY, "", NOT_ASKED) == Told()
    [only] = fill(rendered(blank("url?m=", "mac", "&r=", "reason", "")), Told())
    assert only.value == "url?m=&r="


def test_the_second_name_of_the_session_counts_when_the_first_is_not_there() -> None:
    assert told(NOBODY, "", NOT_ASKED, "", "42").session == "42"


def test_a_profile_without_blanks_fills_nothing() -> None:
    assert fill(rendered(), told(LAPTOP, MAC, BROKEN, "42")) == ()


def test_blanks_keep_their_tag_and_their_number() -> None:
    vlans = VlanList(rows={GUID: "120"}, otherwise="999")
    made = fill(rendered(blank("", "vlan", "", tag=1), blank("", "vlan", "", number=True), vlans=vlans), Told())
    assert made == (Attribute(name="X", value="999", tag=1), Attribute(name="X", value=999))


def test_a_vlan_is_looked_up_by_the_device_and_for_want_of_one_by_its_mac() -> None:
    vlans = VlanList(rows={GUID: "120", MAC: "140"}, otherwise="999")

    def vlan(known: Told) -> object:
        return fill(rendered(blank("", "vlan", ""), vlans=vlans), known)[0].value

    assert vlan(Told(device_id=GUID, mac="02-00-00-00-00-01")) == "120"
    assert vlan(Told(mac=MAC)) == "140"
    assert vlan(Told(mac="02-00-00-00-00-01")) == "999"
    assert vlan(Told()) == "999"


def test_a_device_that_shows_the_mac_of_another_row_does_not_get_its_vlan() -> None:
    vlans = VlanList(rows={MAC: "140"}, otherwise="999")
    [made] = fill(rendered(blank("", "vlan", ""), vlans=vlans), Told(device_id=GUID, mac=MAC))
    assert made.value == "999"


def test_people_see_the_names_of_the_facts() -> None:
    assert shown(blank("url?m=", "mac", "&x")) == "url?m={mac}&x"


@given(fact=st.text(max_size=40), limit=st.integers(0, 200))
@settings(max_examples=300)
def test_an_encoded_fact_holds_nothing_but_unreserved_characters_and_percent(fact: str, limit: int) -> None:
    text = encoded(fact, limit)
    assert set(text) <= {*UNRESERVED, "%"}
    assert len(text) <= limit
    if not text.count("%"):
        assert text in (fact, "")


@pytest.mark.parametrize("fact", ["a b", "é", "\udcff", "\0", "x\r\nurl-redirect=https://evil.example/", "%41", "a;b"])
def test_what_a_stranger_writes_is_encoded_and_never_fails(fact: str) -> None:
    text = encoded(fact, 200)
    assert text
    assert set(text) <= {*UNRESERVED, "%"}


def test_a_fact_that_is_too_long_counts_as_not_there() -> None:
    assert encoded("x" * 96, 96) == "x" * 96
    assert encoded("x" * 97, 96) == ""
    assert encoded("/" * 33, 96) == ""


@pytest.mark.parametrize("name", ["cisco-ios", "aruba-cx", "juniper", "mist"])
@given(
    session=st.text(max_size=60),
    mac=st.sampled_from(["", MAC]),
    known=st.sampled_from([NOBODY, LAPTOP]),
    state=st.sampled_from(list(ComplianceState)),
)
@settings(max_examples=80)
def test_no_fact_can_change_what_the_url_is(
    name: str, session: str, mac: str, known: Any, state: ComplianceState, vendors: Any
) -> None:
    profile = Profile(name="p", redirect=Redirect(url=URL, acl="REDIRECT"), optional=frozenset({"redirect"}))
    made = render(profile, vendors[name], lambda attribute: str(attribute.value).encode())
    compliance = Compliance(state=state, as_of=1.0, source=ComplianceSource.LIVE)
    [attribute] = fill(made, told(known, mac, compliance, session))
    text = str(attribute.value)
    before, _, url = text.rpartition("https://")
    assert before in ("", "url-redirect=")
    parts = urlsplit("https://" + url)
    assert (parts.netloc, parts.path, parts.fragment) == ("portal.example", "/fix", "")
    found = parse_qs(parts.query, keep_blank_values=True)
    assert set(found) == {"m", "d", "s", "r"}
    assert all(len(values) == 1 for values in found.values())
    assert found["m"] == [mac]
    assert found["d"] == [GUID if known is LAPTOP else ""]
    assert text.isascii()
    if encoded(session, LONGEST["session"]):
        assert found["s"] == [session]
    assert len(text.encode()) <= len(str(widest(made.blanks[0], "").value).encode())
