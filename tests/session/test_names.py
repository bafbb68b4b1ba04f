"""What names and places say of each other."""

from __future__ import annotations

import pytest

from nacd.session.names import (
    agree,
    has_same_own_name,
    is_of_another_endpoint,
    is_one_count,
    is_same_nas,
    may_be_one_endpoint,
    merged,
)
from nacd.sessions import Names
from tests.session.making import MAC, OTHER_MAC, OTHER_TOKEN, TOKEN, T, after, authorized, interim, place


def test_who_says_nothing_contradicts_nobody() -> None:
    assert agree("", "a")
    assert agree("a", "")
    assert agree("a", "a")
    assert not agree("a", "b")


@pytest.mark.parametrize("other", [MAC, "0200.0000.0001", "020000000001", "02:00:00:00:00:01", "", "198.51.100.1"])
def test_spellings_of_a_mac_and_what_is_none_are_no_other_endpoint(other: str) -> None:
    assert may_be_one_endpoint(place(), place(calling_station_id=other))


def test_another_mac_is_another_endpoint_unless_the_session_is_named() -> None:
    session = after(authorized(names=Names(token=TOKEN)))
    there = place(calling_station_id=OTHER_MAC)
    assert not may_be_one_endpoint(place(), there)
    assert is_of_another_endpoint(session, interim(T, place=there))
    assert not is_of_another_endpoint(session, interim(T, place=there, names=Names(token=TOKEN)))


def test_a_session_is_named_by_our_token_anywhere_and_by_its_nas_there() -> None:
    session = after(authorized(names=Names(token=TOKEN, audit_session_id="0A")))
    elsewhere = place("another")
    assert has_same_own_name(session, interim(T, place=elsewhere, names=Names(token=TOKEN)))
    assert has_same_own_name(session, interim(T, names=Names(token=OTHER_TOKEN, audit_session_id="0A")))
    for other in (elsewhere, place(source="192.0.2.9")):
        assert not has_same_own_name(session, interim(T, place=other, names=Names(audit_session_id="0A")))
    assert not has_same_own_name(after(authorized(names=Names())), interim(T, names=Names()))


def test_a_number_counts_on_one_nas_by_its_address_or_its_own_word() -> None:
    session = after(authorized(place=place(nas_identifier="sw1"), names=Names(acct_session_id="1")))
    assert is_one_count(session, interim(T))
    assert not is_one_count(session, interim(T, names=Names(acct_session_id="2")))
    assert not is_one_count(session, interim(T, place=place(source="192.0.2.9")))
    assert is_one_count(session, interim(T, place=place(source="192.0.2.9", nas_identifier="sw1")))


def test_a_number_counts_on_both_halves_of_a_pair_with_our_token() -> None:
    session = after(authorized(names=Names(acct_session_id="1", token=TOKEN)))
    other_half = place(source="192.0.2.9")
    names = Names(acct_session_id="1", token=TOKEN)
    assert is_one_count(session, interim(T, place=other_half, names=names))
    assert not is_one_count(session, interim(T, place=other_half, names=Names(token=TOKEN)))
    assert not is_one_count(session, interim(T, place=place("another", source="192.0.2.9"), names=names))


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({}, True),
        ({"nas_identifier": "sw1"}, True),
        ({"nas_identifier": "sw2"}, False),
        ({"nas_address": "10.0.0.2"}, False),
        ({"source": "192.0.2.9"}, False),
        ({"nas": "another"}, False),
    ],
)
def test_a_nas_is_its_client_its_address_and_what_it_calls_itself(other: dict[str, str], same: bool) -> None:
    here = place(nas_identifier="sw1", nas_address="10.0.0.1")
    assert is_same_nas(here, place(**other)) is same


def test_the_newer_word_counts_and_an_older_one_fills_in() -> None:
    known, said = Names(acct_session_id="1", token=TOKEN), Names(acct_session_id="2", user_name="ada")
    assert merged(known, said, newer=True) == Names(acct_session_id="2", token=TOKEN, user_name="ada")
    assert merged(known, said, newer=False) == Names(acct_session_id="1", token=TOKEN, user_name="ada")
    assert merged(known, Names(token=TOKEN), newer=True) is known
