"""Access lists that a NAS fetches by their names: who gets a page, and who gets nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.values import AccessList, AccessRequest, Attribute, Nas, OtherCredential, PapPassword, Rendered, Secret
from nacd.vendor.download import AccessLists, NoPage, Page, is_list_name
from nacd.vendor.profile import Profile
from nacd.vendor.render import FIXED_OCTETS, render

NAME = "#ACSACL#-IP-GUESTS-a4f4ab01"
MARKS = ("aaa:service=ip_admission", "aaa:event=acl-download")
LIST = AccessList(name=NAME, lines=3, pages=(b"one", b"two", b"three"), asked_with=frozenset(MARKS))
LISTS = AccessLists(
    {("guests", "cisco"): Rendered(profile="guests", vendor="cisco", attributes=(), octets=b"", access_lists=(LIST,))}
)
ASKED = AccessRequest(
    nas=Nas(name="sw1", vendor="cisco"),
    source="192.0.2.1",
    source_port=1645,
    user_name=NAME,
    cisco_av_pairs=MARKS,
    signed=True,
)


def pages_of(lists: AccessLists, asked: AccessRequest) -> list[Page]:
    """Every page, each asked for with the State of the one before."""
    pages: list[Page] = []
    while True:
        found = lists.page(asked)
        assert isinstance(found, Page)
        pages.append(found)
        if not found.state:
            return pages
        asked = replace(asked, state=found.state)


def test_a_list_is_given_page_by_page_and_the_last_asks_for_no_more() -> None:
    pages = pages_of(LISTS, ASKED)
    assert [page.octets for page in pages] == [b"one", b"two", b"three"]
    assert len({page.state for page in pages}) == 3
    assert all(page.listed is LIST for page in pages)


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"signed": False}, "list_not_asked_for", "no Message-Authenticator"),
        ({"cisco_av_pairs": ()}, "list_not_asked_for", "aaa:event=acl-download"),
        ({"cisco_av_pairs": MARKS[:1]}, "list_not_asked_for", "aaa:event=acl-download"),
        ({"cisco_av_pairs": MARKS[1:]}, "list_not_asked_for", "aaa:service=ip_admission"),
        ({"has_eap": True}, "list_not_asked_for", "it is EAP"),
        ({"credential": PapPassword(password=Secret(b"x"))}, "list_not_asked_for", "it has a password"),
        ({"credential": OtherCredential(method="MS-CHAP")}, "list_not_asked_for", "it has a password"),
        ({"calling_station_id": "00-11-22-33-44-55"}, "list_not_asked_for", "it tells of an endpoint"),
        ({"user_name": NAME[:-1]}, "list_unknown", "no profile sends"),
        ({"user_name": NAME.lower()}, "list_unknown", "no profile sends"),
        ({"nas": Nas(name="sw1", vendor="other")}, "list_unknown", "to a NAS of this vendor"),
        ({"state": b"nacd-list:3"}, "list_page_unknown", "names no page"),
        ({"state": b"nacd-list:-1"}, "list_page_unknown", "names no page"),
        ({"state": b"nacd-list:"}, "list_page_unknown", "names no page"),
        ({"state": b"nacd-list:\xb2"}, "list_page_unknown", "names no page"),
        ({"state": b"1"}, "list_page_unknown", "names no page"),
        ({"state": b"nacd-list:" + b"1" * 240}, "list_page_unknown", "names no page"),
    ],
)
def test_without_its_marks_its_name_or_its_page_there_is_nothing(change: dict[str, Any], code: str, says: str) -> None:
    found = LISTS.page(replace(ASKED, **change))
    assert isinstance(found, NoPage)
    assert found.code == code
    assert says in found.reason


@given(state=st.binary(max_size=253))
@settings(max_examples=200)
def test_any_state_is_a_page_or_none(state: bytes) -> None:
    found = LISTS.page(replace(ASKED, state=state))
    assert isinstance(found, NoPage) or found.octets in LIST.pages


@pytest.mark.parametrize("name", [NAME, "#ACSACL#", "#acsacl#-x", "  #ACSACL#-IP-X-1"])
def test_such_a_name_is_never_a_users(name: str) -> None:
    assert is_list_name(name)


@pytest.mark.parametrize("name", ["", "alex@example.org", "AA-BB-CC-00-11-22", "x#ACSACL#", "#ACSACL"])
def test_other_names_are(name: str) -> None:
    assert not is_list_name(name)


def test_a_long_list_is_cut_into_pages_that_fit_and_no_line_is_lost(vendors: Any) -> None:
    lines = tuple(f"permit tcp any host 10.{number // 250}.0.{number % 250} eq 443" for number in range(400))
    profile = Profile(name="p", dacl=lines, dacl_name="BIG")

    def encode(attribute: Attribute) -> bytes:
        return str(attribute.value).encode().ljust(59) + b"|"

    rendered = render(profile, vendors["cisco-ios"], encode)
    [listed] = rendered.access_lists
    assert listed.lines == 400
    assert all(len(page) <= FIXED_OCTETS for page in listed.pages)
    assert len(listed.pages) == -(-400 // (FIXED_OCTETS // 60))
    sent = [each.strip() for each in b"".join(listed.pages).decode().split("|")[:-1]]
    assert sent == [f"ip:inacl#{number}={line}" for number, line in enumerate(lines, start=1)]
    assert str(rendered.attributes[0].value).endswith(f"={listed.name}")


def test_with_its_content_a_list_changes_its_name(vendors: Any) -> None:
    def name(*lines: str) -> str:
        profile = Profile(name="p", dacl=lines, dacl_name="GUESTS")
        return render(profile, vendors["cisco-ios"], lambda _: b"x").access_lists[0].name

    assert name("permit ip any any") == name("permit ip any any")
    assert name("permit ip any any") != name("deny ip any any")


def test_where_nothing_is_downloaded_a_named_list_stands_in_the_answer(vendors: Any) -> None:
    profile = Profile(name="p", dacl=("permit in ip from any to any",), dacl_name="GUESTS")
    rendered = render(profile, vendors["aruba-cx"], lambda _: b"x")
    assert rendered.access_lists == ()
    assert [each.value for each in rendered.attributes] == ["permit in ip from any to any"]


def test_a_password_that_is_empty_is_no_endpoints() -> None:
    asked = replace(ASKED, credential=PapPassword(password=Secret(b"")))
    assert isinstance(LISTS.page(asked), Page)


def test_a_nas_reads_the_lists_that_it_may_be_told_of_and_no_others() -> None:
    rendered = {
        ("guests", "cisco"): Rendered(profile="guests", vendor="cisco", attributes=(), octets=b"", access_lists=(LIST,))
    }
    lists = AccessLists(rendered, lambda nas, profile: (nas.name, profile) == ("sw1", "guests"))
    assert isinstance(lists.page(ASKED), Page)
    elsewhere = replace(ASKED, nas=Nas(name="sw2", vendor="cisco"))
    refused = lists.page(elsewhere)
    assert isinstance(refused, NoPage)
    assert refused.code == "list_of_others"
    assert isinstance(lists.page(elsewhere, {"guests"}), Page)  # a person may give it anywhere
