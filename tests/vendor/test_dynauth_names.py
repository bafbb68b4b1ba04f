"""Whoever logs in chooses the User-Name, and some NASes are asked by it: it says neither more nor less than it did."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nacd.radius.dictionary import Dictionary, load
from nacd.sessions import Names, Session
from nacd.values import Attribute
from nacd.vendor.dynauth import LeftOut, Request, plan, render
from tests.vendor.test_dynauth import BARE, SESSIONS, VENDORS, WIRED


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return load()


def called(octets: bytes, session: Session = SESSIONS["tunnel"]) -> Session:
    """As the reader of requests writes a name down."""
    names = Names(user_name=octets.decode("utf-8", "backslashreplace"), user_name_octets=octets.hex())
    return replace(session, names=names)


def request(vendor: str, session: Session, *, namesake: bool = False) -> Request:
    (rung,) = plan(VENDORS[vendor], session, namesake=namesake).rungs
    said = render(rung, session, namesake=namesake)
    assert isinstance(said, Request)
    return said


@pytest.mark.parametrize("octets", [b"caf\xe9", b"al\\x41ice", b"\\xff\xff", b"\\x5cxff", b"\xed\xb3\xbf", b"\\x\xe9"])
def test_a_name_that_holds_or_only_looks_like_odd_octets_is_said_as_it_came(
    octets: bytes, dictionary: Dictionary
) -> None:
    (name,) = request("strongswan", called(octets)).attributes
    assert name.name == "User-Name"
    assert dictionary.encode(name) == bytes([1, len(octets) + 2]) + octets


def test_two_names_that_read_alike_are_told_apart(dictionary: Dictionary) -> None:
    odd, plain = called(b"\xe9"), called(b"\\xe9")
    assert odd.names.user_name == plain.names.user_name
    said = [dictionary.encode(request("strongswan", each).attributes[0]) for each in (odd, plain)]
    assert said == [b"\x01\x03\xe9", b"\x01\x06\\xe9"]


def test_octets_of_an_older_name_are_not_those_of_the_one_that_counts() -> None:
    session = called(b"caf\xe9")
    session = replace(session, names=replace(session.names, user_name="alex"))
    assert request("strongswan", session).attributes == (Attribute(name="User-Name", value="alex"),)
    session = replace(session, names=replace(session.names, user_name="al\\x41ice"))
    (left_out,) = plan(VENDORS["strongswan"], session).left_out
    assert "held octets that are no text" in left_out.reason


def test_a_name_of_too_many_odd_octets_is_left_out() -> None:
    (left_out,) = plan(VENDORS["strongswan"], called(b"\xe9" * 254)).left_out
    assert "octets" in left_out.reason


def test_a_name_that_somebody_else_there_has_too_is_not_asked_by_alone() -> None:
    tunnel = SESSIONS["tunnel"]
    (left_out,) = plan(VENDORS["strongswan"], tunnel, namesake=True).left_out
    assert (
        left_out.reason == "another session at this NAS has the same User-Name, and nothing else tells this one from it"
    )
    (rung,) = plan(VENDORS["strongswan"], tunnel).rungs
    assert isinstance(render(rung, tunnel, namesake=True), LeftOut)


def test_what_else_the_nas_takes_tells_two_of_one_name_apart() -> None:
    said = request("mikrotik", WIRED, namesake=True).attributes
    assert [each.name for each in said] == ["User-Name", "Acct-Session-Id"]
    unaccounted = replace(WIRED, names=replace(WIRED.names, acct_session_id=""))
    said = request("mikrotik", unaccounted, namesake=True).attributes
    assert [each.name for each in said] == ["User-Name", "Framed-IP-Address"]
    assert [each.name for each in request("mikrotik", unaccounted).attributes] == ["User-Name"]
    bare = replace(unaccounted, place=BARE)
    assert plan(VENDORS["mikrotik"], bare, namesake=True).rungs == ()


@pytest.mark.parametrize("vendor", sorted(VENDORS))
def test_only_a_nas_that_may_be_asked_by_the_name_alone_leaves_anything_out_for_it(vendor: str) -> None:
    for session in SESSIONS.values():
        alone, among = (plan(VENDORS[vendor], session, namesake=namesake) for namesake in (False, True))
        gone = {each.number for each in alone.rungs} - {each.number for each in among.rungs}
        by_name = {row.number for row in VENDORS[vendor].ladder if row.may_name_by_user_alone}
        assert gone <= by_name
