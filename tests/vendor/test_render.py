"""Promises, optional intentions, quarrels between them, and the room in a packet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.errors import BadValue, CannotExpress, UnknownAttribute
from nacd.values import Attribute, Blank, VlanList
from nacd.vendor.model import VendorData, parse
from nacd.vendor.profile import Profile, Redirect
from nacd.vendor.render import FIXED_OCTETS, Remark, render, spell


def row(name: str, value: str, **more: Any) -> dict[str, Any]:
    return {"attributes": [{"name": name, "value": value}], "source": "a page", "standing": "documented", **more}


VENDOR: VendorData = parse(
    "made-up",
    {
        "title": "the made-up vendor",
        "intentions": {
            "vlan": {
                "attributes": [{"name": "Tunnel-Private-Group-Id", "value": "{value}", "tag": 1}],
                "source": "a page",
                "standing": "documented",
            },
            "acl": row("Filter-Id", "{value}", excludes=["role", "dacl"]),
            "dacl": row("Line", "{line}", language="cisco", lines=200),
            "role": row("Filter-Id", "{value}"),
            "session_timeout": {"source": "a page", "standing": "documented"},
        },
        "cannot": {
            "voice_vlan": "has no phones",
            "redirect": "takes no redirect",
            "sgt": "has no tags",
            "group_policy": "has no group policies",
        },
    },
)


def encode(attribute: Attribute) -> bytes:
    return f"[{attribute.name}:{attribute.tag}:{attribute.value}]".encode()


def refusal_of(profile: Profile, vendor: VendorData = VENDOR) -> list[str]:
    with pytest.raises(CannotExpress) as refusal:
        render(profile, vendor, encode)
    return str(refusal.value).splitlines()


def test_attributes_stand_in_reply_order_and_raw_ones_last() -> None:
    profile = Profile(
        name="p",
        vlan="120",
        acl="A",
        session_timeout_s=60,
        reauthenticate=False,
        raw=(Attribute(name="Reply-Message", value="hello"),),
    )
    rendered = render(profile, VENDOR, encode)
    assert [attribute.name for attribute in rendered.attributes] == [
        "Tunnel-Private-Group-Id",
        "Filter-Id",
        "Reply-Message",
    ]
    assert rendered.octets == b"[Tunnel-Private-Group-Id:1:120][Filter-Id:0:A][Reply-Message:0:hello]"
    assert (rendered.profile, rendered.vendor) == ("p", "made-up")
    assert (rendered.session_timeout_s, rendered.reauthenticate, rendered.omitted) == (60, False, ())


def test_a_profile_that_wants_nothing_fills_nothing() -> None:
    rendered = render(Profile(name="permit"), VENDOR, encode)
    assert (rendered.attributes, rendered.octets, rendered.session_timeout_s) == ((), b"", 0)


def test_a_broken_promise_names_profile_vendor_intention_and_the_way_out() -> None:
    [said] = refusal_of(Profile(name="remote", group_policy="CORP"))
    assert said == (
        "profile `remote` for vendor `made-up`: group_policy cannot be expressed: the made-up vendor has no group "
        "policies; move it under `optional:`, or give the attribute itself under `attributes:`"
    )


def test_every_broken_promise_is_told_at_once() -> None:
    said = refusal_of(Profile(name="p", sgt=5, group_policy="G", acl="A B", vlan="STAFF"))
    assert len(said) == 4
    assert [line.split(": ")[1].split(" ")[0] for line in said] == ["vlan", "acl", "sgt", "group_policy"]


def test_what_is_optional_is_left_out_and_listed_in_reply_order() -> None:
    profile = Profile(
        name="p",
        vlan="STAFF",
        sgt=5,
        redirect=Redirect(url="https://portal.example/"),
        optional=frozenset({"sgt", "redirect", "vlan"}),
    )
    rendered = render(profile, VENDOR, encode)
    assert rendered.omitted == ("vlan", "redirect", "sgt")
    assert rendered.attributes == ()


def test_a_mistake_stays_a_mistake_when_it_is_optional() -> None:
    [said] = refusal_of(Profile(name="p", acl="A B", optional=frozenset({"acl"})))
    assert "acl: `A B` may hold only" in said


def test_a_session_timeout_that_the_vendor_does_not_take_is_a_broken_promise_or_left_out() -> None:
    wordings = {name: wording for name, wording in VENDOR.wordings.items() if name != "session_timeout"}
    cannot = {**VENDOR.cannot, "session_timeout": "ends no session by time"}
    vendor = VendorData(name="endless", title="the endless vendor", wordings=wordings, cannot=cannot)
    [said] = refusal_of(Profile(name="p", session_timeout_s=60), vendor)
    assert "session_timeout cannot be expressed: the endless vendor ends no session by time" in said
    rendered = render(Profile(name="p", session_timeout_s=60, optional=frozenset({"session_timeout"})), vendor, encode)
    assert (rendered.session_timeout_s, rendered.omitted) == (0, ("session_timeout",))


@pytest.mark.parametrize(
    ("optional", "kept", "omitted"),
    [
        ({"acl"}, "the-role", ("acl",)),
        ({"role"}, "the-acl", ("role",)),
        ({"acl", "role"}, "the-acl", ("role",)),
    ],
)
def test_of_two_that_exclude_each_other_the_optional_one_gives_way(
    optional: set[str], kept: str, omitted: tuple[str, ...]
) -> None:
    profile = Profile(name="p", acl="the-acl", role="the-role", optional=frozenset(optional))
    rendered = render(profile, VENDOR, encode)
    assert [attribute.value for attribute in rendered.attributes] == [kept]
    assert rendered.omitted == omitted


def test_two_promises_that_exclude_each_other_are_refused() -> None:
    [said] = refusal_of(Profile(name="p", acl="A", role="B"))
    assert "role cannot be expressed: the made-up vendor cannot have it beside acl in one reply" in said


def test_one_that_gave_way_already_no_longer_excludes_another() -> None:
    profile = Profile(name="p", acl="A", dacl=("deny ip any any",), role="R", optional=frozenset({"acl"}))
    rendered = render(profile, VENDOR, encode)
    assert [attribute.name for attribute in rendered.attributes] == ["Line", "Filter-Id"]
    assert rendered.omitted == ("acl",)


@pytest.mark.parametrize("error", [UnknownAttribute("no such attribute"), BadValue("not a number")])
def test_what_the_dictionaries_refuse_is_told_with_the_profile(error: Exception) -> None:
    def refuse(attribute: Attribute) -> bytes:
        raise error

    profile = Profile(name="p", raw=(Attribute(name="Colour", value="red"),))
    with pytest.raises(CannotExpress) as refusal:
        render(profile, VENDOR, refuse)
    assert str(refusal.value) == f"profile `p` for vendor `made-up`: attribute `Colour`: {error}"


def test_a_raw_attribute_must_not_fight_with_an_intention_over_a_tag() -> None:
    raw = (Attribute(name="tunnel-private-group-id", value="7", tag=1),)
    [said] = refusal_of(Profile(name="p", vlan="120", raw=raw))
    assert "tag 1 is already set by an intention" in said
    other = (Attribute(name="Tunnel-Private-Group-Id", value="7", tag=2),)
    assert len(render(Profile(name="p", vlan="120", raw=other), VENDOR, encode).attributes) == 2


def test_a_profile_leaves_room_for_what_a_request_adds() -> None:
    full = tuple(Attribute(name="X", value="") for _ in range(FIXED_OCTETS // 32))
    assert len(render(Profile(name="p", raw=full), VENDOR, lambda _: bytes(32)).octets) == FIXED_OCTETS
    with pytest.raises(CannotExpress, match="it fills 3104 octets of the reply, at most 3072"):
        render(Profile(name="p", raw=(*full, full[0])), VENDOR, lambda _: bytes(32))


def test_what_is_filled_in_later_is_kept_apart_and_has_its_room() -> None:
    vlans = VlanList(rows={"AA-BB-CC-00-11-22": "A-LONG-NAME"}, otherwise="120")
    named = parse_names_too()
    rendered = render(Profile(name="p", vlan="120", vlans=vlans, acl="A"), named, encode)
    assert [each.name for each in rendered.attributes] == ["Filter-Id"]
    assert rendered.blanks == (Blank(name="Tunnel-Private-Group-Id", pieces=("", "vlan", ""), tag=1),)
    assert rendered.vlans is vlans
    asked: list[object] = []
    render(Profile(name="p", vlan="120", vlans=vlans), named, lambda each: asked.append(each.value) or b"")  # type: ignore[func-returns-value]
    assert asked == ["A-LONG-NAME"]


def test_a_raw_attribute_must_not_take_the_tag_of_what_is_filled_in() -> None:
    vlans = VlanList(rows={"AA-BB-CC-00-11-22": "7"}, otherwise="120")
    raw = (Attribute(name="Tunnel-Private-Group-Id", value="7", tag=1),)
    [said] = refusal_of(Profile(name="p", vlan="120", vlans=vlans, raw=raw))
    assert "tag 1 is already set by an intention" in said


def parse_names_too() -> VendorData:
    """The made-up vendor, which now knows VLANs by name."""
    wordings = {**VENDOR.wordings, "vlan": replace(VENDOR.wordings["vlan"], names=True)}
    return replace(VENDOR, wordings=wordings)


def test_a_spelling_keeps_apart_what_is_said_left_out_and_refused() -> None:
    profile = Profile(name="p", vlan="120", sgt=5, group_policy="G", optional=frozenset({"sgt"}))
    spelling = spell(profile, VENDOR)
    assert [each.value for each in spelling.said["vlan"].attributes] == ["120"]
    assert spelling.left_out == (Remark(intention="sgt", why="the made-up vendor has no tags"),)
    assert [each.intention for each in spelling.problems] == ["group_policy"]


_WANTS = st.fixed_dictionaries(
    {},
    optional={
        "vlan": st.sampled_from(["1", "4094", "STAFF"]),
        "acl": st.just("A"),
        "dacl": st.just(("permit ip any any",)),
        "redirect": st.just(Redirect(url="https://portal.example/", acl="R")),
        "sgt": st.integers(2, 65519),
        "role": st.just("R"),
        "group_policy": st.just("G"),
        "session_timeout_s": st.integers(1, 86400),
    },
)


@given(wants=_WANTS, name=st.sampled_from(["generic", "cisco-ios", "cisco-asa", "aruba", "juniper", "meraki"]))
@settings(max_examples=150)
def test_every_wanted_intention_is_said_left_out_or_refused_and_nothing_else(
    wants: dict[str, Any], name: str, vendors: dict[str, VendorData]
) -> None:
    bare = Profile(name="p", **wants)
    eased = Profile(name="p", **wants, optional=frozenset(bare.wanted))
    rendered = render(eased, vendors[name], encode)
    assert set(rendered.omitted) - {"redirect.acl"} <= set(bare.wanted)
    said = len(bare.wanted) - len(set(rendered.omitted) - {"redirect.acl"})
    assert (said > 0) == bool(rendered.attributes or rendered.session_timeout_s)
    if set(rendered.omitted) - {"redirect.acl"}:
        with pytest.raises(CannotExpress):
            render(bare, vendors[name], encode)
    else:
        assert render(bare, vendors[name], encode) == rendered
