"""What a profile may hold before any vendor is asked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.values import Attribute, VlanList
from nacd.vendor.profile import INTENTIONS, Profile, Redirect


def test_a_bare_profile_wants_nothing() -> None:
    assert Profile(name="plain").wanted == ()


def test_intentions_are_wanted_in_reply_order() -> None:
    profile = Profile(
        name="all",
        session_timeout_s=60,
        group_policy="G",
        role="R",
        sgt=2,
        redirect=Redirect(url="http://portal.example"),
        dacl=("deny ip any any",),
        acl="A",
        voice_vlan="*",
        vlan="1",
    )
    assert profile.wanted == INTENTIONS


@pytest.mark.parametrize(
    "url",
    [
        "https://portal.example/{mac}/{device_id}/{reason}?s={session}",
        "https://portal.example?m={mac}",
        "http://[2001:db8::1]:8443/#/fix?s={session}",
        "https://portal.example/{mac}{mac}",
    ],
)
def test_a_redirect_can_name_facts_of_the_request(url: str) -> None:
    pieces = Redirect(url=url).pieces
    assert "".join(f"{{{piece}}}" if number % 2 else piece for number, piece in enumerate(pieces)) == url
    assert set(pieces[1::2]) <= {"mac", "device_id", "session", "reason"}


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (
            "https://portal.example/{user}",
            "there is no `{user}` to fill into a redirect url: there is `{mac}`, `{device_id}`",
        ),
        ("https://portal.example/{}", "there is no `{}`"),
        ("https://portal.example/{MAC}", "there is no `{MAC}`"),
        ("https://portal.example/{mac:x}", "there is no `{mac:x}`"),
        ("https://{mac}.portal.example/", "`{mac}` stands where the host is told"),
        ("https://portal.example{reason}/", "where the host is told"),
        ("https://portal.example:{session}/", "where the host is told"),
        ("{reason}://portal.example/", "where the host is told"),
        ("https://portal.example/{session}/x", "`{session}` must stand behind a `?`"),
        ("https://portal.example/{mac", "characters that a url cannot hold"),
        ("https://portal.example/mac}", "characters that a url cannot hold"),
        ("https://portal.example/{{mac}}", "characters that a url cannot hold"),
        ("https://user@portal.example/{mac}", "user name or password"),
        ("ftp://portal.example/{mac}", "must begin with `http://`"),
    ],
)
def test_what_cannot_be_filled_in_is_refused_in_words(url: str, words: str) -> None:
    with pytest.raises(ValueError) as refusal:
        Redirect(url=url)
    assert words in str(refusal.value)


def test_vlans_by_device_must_be_vlans_and_leave_nobody_out() -> None:
    rows = {"AA-BB-CC-00-11-22": "4095"}
    with pytest.raises(ValueError, match="vlan `4095` is outside 1 to 4094"):
        Profile(name="p", vlan="120", vlans=VlanList(rows=rows, otherwise="120"))
    with pytest.raises(ValueError, match="vlan needs a default"):
        Profile(name="p", vlans=VlanList(rows={"AA-BB-CC-00-11-22": "120"}, otherwise="120"))


def test_what_is_asked_on_quarantine_is_no_intention() -> None:
    assert Profile(name="q", on_quarantine=("sync", "notify")).wanted == ()


@pytest.mark.parametrize("vlan", ["1", "4094", "STAFF", "3rd floor", "Büro"])
def test_vlan_numbers_and_names_are_taken(vlan: str) -> None:
    assert Profile(name="p", vlan=vlan).sets("vlan")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"vlan": "0"}, "vlan `0` is outside 1 to 4094"),
        ({"vlan": "4095"}, "outside 1 to 4094"),
        ({"vlan": "0120"}, "begins with a zero"),
        ({"vlan": "١٢٠"}, "outside 1 to 4094"),
        ({"vlan": " 120"}, "white space"),
        ({"acl": "A\nB"}, "control characters"),
        ({"role": "A\u202eB"}, "control characters"),
        ({"group_policy": "CORP "}, "white space"),
        ({"redirect": Redirect(url="https://x.example", acl="A\0B")}, "redirect.acl"),
        ({"dacl": ("permit ip any any", "  ")}, "line 2 of dacl"),
        ({"dacl": ("permit ip any any\ndeny ip any any",)}, "line 1 of dacl"),
        ({"sgt": 1}, "sgt `1` is outside 2 to 65519"),
        ({"sgt": 65520}, "outside 2 to 65519"),
        ({"sgt": -3}, "outside"),
        ({"session_timeout_s": -1}, "session_timeout"),
        ({"session_timeout_s": 2**31}, "session_timeout"),
        ({"raw": (Attribute(name="Message-Authenticator", value=b"x"),)}, "nacd sets it by itself"),
        ({"raw": (Attribute(name="session-timeout", value=60),)}, "nacd sets it by itself"),
        ({"raw": (Attribute(name="Tunnel-Type", value="VLAN", tag=32),)}, "outside 0 to 31"),
        ({"optional": frozenset({"acl"})}, "optional names `acl`"),
        ({"optional": frozenset({"colour"})}, "optional names `colour`"),
        ({"name": ""}, "needs a name"),
        ({"on_quarantine": ("wipe",)}, "on_quarantine is a list out of sync, notify"),
        ({"on_quarantine": ("sync", "sync")}, "each once"),
    ],
)
def test_what_is_wrong_at_every_vendor_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError) as refusal:
        Profile(**{"name": "p", **wrong})
    assert words in str(refusal.value)


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(ValueError) as refusal:
        Profile(name="p", vlan="5000", sgt=1, dacl=("",))
    assert len(str(refusal.value).splitlines()) == 3


@pytest.mark.parametrize(
    "url",
    [
        "http://portal.example",
        "https://portal.example:8443/index?a=b&c=%20#top",
        "https://[2001:db8::5]/portal",
        "HTTPS://portal.example/",
    ],
)
def test_plain_http_and_https_urls_are_taken(url: str) -> None:
    assert Redirect(url=url).url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "portal.example/index",
        "ftp://portal.example/",
        "javascript:alert(1)",
        "https://",
        "https:///index",
        "https://portal.example/a b",
        'https://portal.example/"',
        "https://portal.example/<x>",
        "https://portal.example/\r\nX",
        "https://pörtal.example/",
        "https://user:word@portal.example/",
        "https://portal.example:99999/",
        "https://[2001:db8::5/portal",
    ],
)
def test_what_is_no_plain_http_or_https_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        Redirect(url=url)


@given(vlan=st.integers(min_value=0, max_value=10**6) | st.integers(min_value=4090, max_value=4100))
@settings(max_examples=60)
def test_a_vlan_number_is_taken_exactly_from_1_to_4094(vlan: int) -> None:
    if 1 <= vlan <= 4094:
        assert Profile(name="p", vlan=str(vlan)).vlan == str(vlan)
    else:
        with pytest.raises(ValueError):
            Profile(name="p", vlan=str(vlan))


@given(url=st.text(max_size=40).map("https://".__add__))
@settings(max_examples=100)
def test_no_url_that_is_taken_can_break_out_of_its_attribute(url: str) -> None:
    try:
        taken = Redirect(url=url).url
    except ValueError:
        return
    assert taken.isascii()
    assert taken.isprintable()
    assert not set(taken) & set(" \"'<>\\^`{|}")
