"""One intention at a time, with values at the edge of what a vendor takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.values import Attribute, Blank, VlanList
from nacd.vendor.model import AttributeTemplate, Characters, RedirectAcl, Standing, Wording
from nacd.vendor.profile import PORTS_OWN, Profile, Redirect
from nacd.vendor.wording import BadValue, NoWords, Said, say


def wording(intention: str, *values: str, **more: Any) -> Wording:
    """A wording whose attributes are all called ``X``."""
    octets = more.pop("octets", 253)
    return Wording(
        intention=intention,
        attributes=tuple(AttributeTemplate(name="X", value=value, octets=octets) for value in values),
        source="a page",
        standing=Standing.DOCUMENTED,
        **more,
    )


def texts(saying: object) -> list[object]:
    assert isinstance(saying, Said), saying
    return [attribute.value for attribute in saying.attributes]


def test_a_url_with_facts_is_kept_in_pieces_and_counted_as_long_as_it_can_get() -> None:
    profile = Profile(name="p", redirect=Redirect(url="https://portal.example/?m={mac}&s={session}"))
    saying = say(profile, wording("redirect", "url-redirect={url};", octets=160))
    assert isinstance(saying, Said)
    assert saying.attributes == ()
    assert saying.blanks == (
        Blank(name="X", pieces=("url-redirect=https://portal.example/?m=", "mac", "&s=", "session", ";")),
    )
    # 43 octets as they stand, 17 of a MAC, 96 of a session
    short = say(profile, wording("redirect", "url-redirect={url};", octets=155))
    assert isinstance(short, BadValue)
    assert "156 octets long when all is filled in, at most 155" in short.reason


def test_braces_that_are_no_part_of_the_url_are_never_filled_in() -> None:
    profile = Profile(name="p", redirect=Redirect(url="https://portal.example/{mac}", acl="{mac}"))
    required = RedirectAcl.REQUIRED
    saying = say(profile, wording("redirect", "acl={acl}", "url={url}", redirect_acl=required))
    assert isinstance(saying, Said)
    assert [each.value for each in saying.attributes] == ["acl={mac}"]
    assert [each.pieces for each in saying.blanks] == [("url=https://portal.example/", "mac", "")]


def test_each_vlan_of_a_list_must_be_one_that_the_vendor_can_be_told() -> None:
    vlans = VlanList(rows={"AA-BB-CC-00-11-22": "STAFF", "AA-BB-CC-00-11-23": "140"}, otherwise="120")
    profile = Profile(name="p", vlan="120", vlans=vlans)
    assert isinstance(say(profile, wording("vlan", "{value}")), NoWords)
    said = say(profile, wording("vlan", "VLAN", "{value}", names=True))
    assert isinstance(said, Said)
    assert said.rows == (Attribute(name="X", value="VLAN"), Blank(name="X", pieces=("", "vlan", "")))


@given(vlan=st.integers(1, 4094))
@settings(max_examples=40)
def test_a_tagged_vlan_is_the_number_that_rfc_4675_makes_of_it(vlan: int) -> None:
    template = AttributeTemplate(name="E", value="{tagged}", number=True, octets=4)
    row = Wording(intention="voice_vlan", attributes=(template,), source="s", standing=Standing.DOCUMENTED)
    saying = say(Profile(name="p", voice_vlan=str(vlan)), row)
    assert isinstance(saying, Said)
    [made] = saying.attributes
    assert isinstance(made.value, int)
    assert made.value.to_bytes(4) == bytes([0x31, 0, vlan >> 8, vlan & 0xFF])


def test_the_voice_vlan_of_the_port_and_one_that_is_named_are_said_apart() -> None:
    own = (AttributeTemplate(name="X", value="voice"),)
    either = wording("voice_vlan", "VLAN", "{value}", names=True, own=own)
    assert texts(say(Profile(name="p", voice_vlan=PORTS_OWN), either)) == ["voice"]
    assert texts(say(Profile(name="p", voice_vlan="300"), either)) == ["VLAN", "300"]
    assert texts(say(Profile(name="p", voice_vlan="PHONES"), either)) == ["VLAN", "PHONES"]
    only_own, only_named = wording("voice_vlan", own=own), wording("voice_vlan", "{value}")
    for row, vlan, words in (
        (only_own, "300", "write `true`"),
        (only_named, PORTS_OWN, "not `true`"),
        (only_named, "PHONES", "VLAN numbers only"),
    ):
        saying = say(Profile(name="p", voice_vlan=vlan), row)
        assert isinstance(saying, NoWords)
        assert words in saying.reason


def test_a_line_with_a_flaw_is_told_with_its_number() -> None:
    lines = ("permit ip any host 10.0.0.1", "permit ip any 10.0.0.0 255.255.255.0")
    row = wording("dacl", "#{index}={line}", language="cisco", lines=9, longest=200, wildcards=True)
    saying = say(Profile(name="p", dacl=lines), row)
    assert isinstance(saying, BadValue)
    assert saying.reason.startswith("line 2 `permit ip any 10.0.0.0 255.255.255.0`: `255.255.255.0` is a netmask")
    assert isinstance(say(Profile(name="p", dacl=lines), replace(row, wildcards=False)), Said)


@given(sgt=st.integers(min_value=2, max_value=65519))
@settings(max_examples=60)
def test_an_sgt_is_written_as_four_hexadecimal_digits(sgt: int) -> None:
    [pair] = texts(say(Profile(name="p", sgt=sgt), wording("sgt", "tag={hex4}-00")))
    assert len(str(pair)) == len("tag=0000-00")
    assert int(str(pair)[4:8], 16) == sgt


def test_a_number_attribute_gets_an_integer() -> None:
    template = AttributeTemplate(name="V", value="{value}", number=True, octets=4)
    vlan = Wording(intention="vlan", attributes=(template,), source="s", standing=Standing.DOCUMENTED)
    saying = say(Profile(name="p", vlan="120"), vlan)
    assert saying == Said(rows=(Attribute(name="V", value=120),))


def test_a_vlan_name_needs_a_vendor_that_takes_names() -> None:
    profile = Profile(name="p", vlan="STAFF")
    assert isinstance(say(profile, wording("vlan", "{value}")), NoWords)
    assert texts(say(profile, wording("vlan", "{value}", names=True))) == ["STAFF"]


@pytest.mark.parametrize(
    ("characters", "name", "taken"),
    [
        (Characters.WORD, "Staff_3.a-b", True),
        (Characters.WORD, "a/b", False),
        (Characters.NAME, "a/b#1", True),
        (Characters.NAME, "a b", False),
        (Characters.NAME, 'a"b', False),
        (Characters.NAME, "a'b", False),
        (Characters.NAME, "a`b", False),
        (Characters.NAME, "Büro", False),
        (Characters.TEXT, "Büro 3", True),
    ],
)
def test_a_name_keeps_to_the_characters_of_the_vendor(characters: Characters, name: str, taken: bool) -> None:
    saying = say(Profile(name="p", role=name), wording("role", "{value}", characters=characters))
    assert isinstance(saying, Said if taken else BadValue)


@pytest.mark.parametrize("intention", ["acl", "role", "group_policy"])
def test_a_name_may_be_as_long_as_the_vendor_takes_in_octets(intention: str) -> None:
    row = wording(intention, "{value}", longest=10, characters=Characters.TEXT)
    assert texts(say(Profile(name="p", **{intention: "ä" * 5}), row)) == ["ä" * 5]
    refusal = say(Profile(name="p", **{intention: "ä" * 6}), row)
    assert isinstance(refusal, BadValue)
    assert "12 octets, at most 10" in refusal.reason


def test_what_the_template_adds_counts_too() -> None:
    refusal = say(Profile(name="p", acl="A" * 245), wording("acl", "{value}.in", octets=247))
    assert isinstance(refusal, BadValue)
    assert "248 octets long, at most 247" in refusal.reason


@pytest.mark.parametrize(("template", "name"), [("{value}.in", "PRINTERS.in"), ("OU={value};", "OU=CORP")])
def test_what_the_vendor_adds_must_not_be_written_by_the_admin(template: str, name: str) -> None:
    refusal = say(Profile(name="p", acl=name), wording("acl", template))
    assert isinstance(refusal, BadValue)
    assert "is added for this vendor" in refusal.reason


def dacl(**more: Any) -> Wording:
    return wording("dacl", "#{index}={line}", **{"language": "cisco", "lines": 3, "longest": 30, **more})


def test_lines_are_numbered_from_one_in_their_order() -> None:
    profile = Profile(name="p", dacl=("permit udp any any eq 53", "deny ip any any"))
    assert texts(say(profile, dacl())) == ["#1=permit udp any any eq 53", "#2=deny ip any any"]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (("permit ip any any",) * 4, "4 lines, at most 3"),
        (("deny ip any any", "permit tcp any host 10.100.100.100"), "line 2 has 34 octets, at most 30"),
        (("deny ip any any", "permit ip any"), "line 2 `permit ip any` is not in this vendor's form"),
    ],
)
def test_lines_that_do_not_fit_are_named(lines: tuple[str, ...], words: str) -> None:
    refusal = say(Profile(name="p", dacl=lines), dacl())
    assert isinstance(refusal, BadValue)
    assert words in refusal.reason


def test_a_line_too_long_with_its_number_is_named() -> None:
    refusal = say(Profile(name="p", dacl=("permit ip any any",)), dacl(octets=18))
    assert isinstance(refusal, BadValue)
    assert "line 1: it makes X 20 octets long" in refusal.reason


def test_lines_of_another_vendors_language_are_no_mistake() -> None:
    saying = say(Profile(name="p", dacl=("permit in ip from any to any",)), dacl())
    assert saying == NoWords(reason="does not read lines in the `ipfilter` form")


def test_joined_rules_have_one_nul_between_them() -> None:
    row = wording("dacl", "{line}", language="ipfilter", lines=9, nul_between=True)
    lines = ("permit in ip from any to any", "deny out ip from any to any")
    assert "".join(str(text) for text in texts(say(Profile(name="p", dacl=lines), row))) == "\0".join(lines)


def redirect(**more: Any) -> Wording:
    return wording("redirect", *more.pop("values", ("acl={acl}", "url={url}")), **more)


def portal(acl: str = "", url: str = "https://portal.example/") -> Profile:
    return Profile(name="p", redirect=Redirect(url=url, acl=acl))


def test_a_redirect_names_its_list_where_the_vendor_needs_one() -> None:
    row = redirect(redirect_acl=RedirectAcl.REQUIRED)
    assert texts(say(portal("R"), row)) == ["acl=R", "url=https://portal.example/"]
    assert isinstance(say(portal(), row), BadValue)
    assert isinstance(say(portal("R 2"), row), BadValue)


def test_a_redirect_falls_back_to_the_vendors_own_list() -> None:
    row = redirect(default_acl="BUILT_IN")
    assert texts(say(portal(), row)) == ["acl=BUILT_IN", "url=https://portal.example/"]
    assert texts(say(portal("R"), row)) == ["acl=R", "url=https://portal.example/"]


def test_a_list_that_the_vendor_has_no_use_for_is_told() -> None:
    row = redirect(values=("{url}",))
    said = say(portal("R"), row)
    assert isinstance(said, Said)
    assert said.unused == "redirect.acl"
    plain = say(portal(), row)
    assert isinstance(plain, Said)
    assert plain.unused == ""


def test_a_url_may_fill_its_attribute_to_the_last_octet() -> None:
    row = redirect(values=("url-redirect={url}",), octets=247)
    room = 247 - len("url-redirect=")
    url = "https://portal.example/".ljust(room, "x")
    assert texts(say(portal(url=url), row)) == [f"url-redirect={url}"]
    refusal = say(portal(url=url + "x"), row)
    assert isinstance(refusal, BadValue)
    assert "248 octets long, at most 247" in refusal.reason


def test_a_session_timeout_is_said_without_attributes() -> None:
    assert say(Profile(name="p", session_timeout_s=60), wording("session_timeout")) == Said(rows=())
