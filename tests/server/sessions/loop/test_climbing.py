"""One session of which something is wanted, where it is, and who else may be there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nacd.server.sessions.loop.climbing import Climbing, Spots, Where, climbing, how, is_alone, is_confirmed
from nacd.session.ladder import State, Terms
from nacd.session.table import apply
from nacd.session.tie import tie
from nacd.sessions import (
    Authorized,
    Gone,
    Grounds,
    Meaning,
    Names,
    Outcome,
    Pending,
    Phase,
    Place,
    Session,
    Settled,
    Standing,
    Verb,
)
from nacd.store.sessions import SessionStore
from nacd.values import AccessKind, AccessRequest, Nas
from tests.server.sessions.nases import NOW, pending, session, standing
from tests.server.sessions.wired import compliance

NAME = "cisco-ios"
TERMS = Terms()


def one(id: int = 1, wish: Pending | None = None, **where: Any) -> Climbing:
    """where: of its place."""
    access = where.pop("access", AccessKind.DOT1X)
    names = Names(user_name=where.pop("user_name", "host/pc1.example"))
    at = session(NAME, access=access, id=id, names=names)
    assert isinstance(at.grounds, Grounds)
    at = replace(at, grounds=replace(at.grounds, ssid=where.pop("ssid", "")))
    there = replace(at, place=replace(at.place, **where))
    return climbing(replace(there, wish=wish or pending("fix")), wish or pending("fix"), TERMS)


def sends(each: Climbing, **other: Any) -> AccessRequest:
    place = each.session.place
    request = AccessRequest(
        nas=Nas(name=place.nas, vendor=NAME),
        source=place.source,
        source_port=1,
        user_name=each.session.names.user_name,
        nas_identifier=place.nas_identifier,
        nas_port=place.port,
        nas_port_id=place.port_id,
        nas_port_type=place.port_type,
        calling_station_id=place.calling_station_id,
    )
    return replace(request, **other)


# -- what is confirmed ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "age_s", "confirmed"),
    [("live", 0.0, True), ("cache", 59.0, True), ("cache", 61.0, False), ("stale", 1.0, False), ("bulk", 0.0, False)],
)
def test_only_what_intune_was_just_asked_about_this_device_is_confirmed(
    source: str, age_s: float, confirmed: bool
) -> None:
    wanted = replace(standing("fix"), compliance=compliance("noncompliant", NOW - age_s, source))
    assert is_confirmed(wanted) is confirmed


def test_a_verdict_of_before_the_clock_was_set_back_is_not_one_of_just_now() -> None:
    wanted = replace(standing("fix"), compliance=compliance("noncompliant", NOW + 3_600.0, "cache"))
    assert not is_confirmed(wanted)


# -- what the disk is told when nobody goes on -------------------------------------------------------


def left_over(where: Where, wish: Pending, on_disk: Pending | Settled | None = None) -> Pending | None:
    each = one(wish=wish)
    each.where, each.session = where, replace(each.session, wish=on_disk or wish)
    return each.left_over()


def test_a_request_on_its_way_to_the_disk_was_no_try() -> None:
    asked = replace(pending("fix", asked_at=NOW), verb=Verb.DISCONNECT, step=1, tries=2)
    assert left_over(Where.COMMITTING, asked) == replace(asked, tries=1, asked_at=0.0)


def test_the_disk_is_told_what_it_does_not_know_and_nothing_twice() -> None:
    let_go = pending("fix")
    held = replace(let_go, held="the guard")
    assert left_over(Where.WAITING, let_go, held) == let_go
    assert left_over(Where.WAITING, held) is None
    for settled_elsewhere in (Where.EXPECTED, Where.ENDING, Where.ASKED):
        assert left_over(settled_elsewhere, let_go, held) is None


@pytest.mark.parametrize(("tries", "was_no_try"), [(0, True), (1, False)])
def test_what_the_sender_never_sent_was_no_try(tries: int, was_no_try: bool) -> None:
    async def story() -> None:
        asked = replace(pending("fix", asked_at=NOW), verb=Verb.DISCONNECT, tries=1)
        each = one(wish=asked)
        each.where, each.flight = Where.ASKED, asyncio.get_running_loop().create_future()
        assert each.left_over() is None, "it may have been sent"
        each.flight.set_result(Outcome(meaning=Meaning.UNANSWERED, tries=tries))
        assert each.left_over() == (replace(asked, tries=0, asked_at=0.0) if was_no_try else None)

    asyncio.run(story())


def test_one_that_leaves_takes_its_request_back() -> None:
    async def story() -> None:
        each = one()
        flight = each.flight = asyncio.get_running_loop().create_future()
        each.leave()
        assert flight.cancelled()
        assert (each.where, each.flight) == (Where.LEFT, None)

    asyncio.run(story())


def test_what_is_held_begins_anew_and_what_was_asked_is_resumed() -> None:
    asked = replace(pending("fix", asked_at=NOW), verb=Verb.REAUTHENTICATE, tries=1)
    assert one(wish=asked).climb.state is State.RESTING
    assert one(wish=replace(asked, held="the guard")).climb.state is State.READY


# -- places -----------------------------------------------------------------------------------------


def there(spots: Spots, each: Climbing, **other: Any) -> list[int]:
    return [found.session.id for found in spots.of_request(sends(each, **other))]


def test_an_endpoint_is_known_by_its_nas_its_port_and_its_station() -> None:
    each, spots = one(), Spots()
    spots.put(each)
    assert there(spots, each) == [1]
    assert there(spots, each, nas_port="") == [1], "what is not said contradicts nothing"
    for other in (
        {"source": "10.9.9.9"},
        {"nas_port": "50102"},
        {"nas_identifier": "sw2"},
        {"calling_station_id": "AA-BB-CC-00-11-33"},
        {"nas": Nas(name="generic", vendor=NAME)},
    ):
        assert there(spots, each, **other) == [], other
    spots.take(each)
    spots.take(each)
    assert there(spots, each) == []


def test_nobody_is_found_without_a_station() -> None:
    each, spots = one(calling_station_id=""), Spots()
    spots.put(each)
    assert there(spots, each) == []


def test_by_air_the_port_does_not_count() -> None:
    each, spots = one(port_type="Wireless-802.11"), Spots()
    spots.put(each)
    assert there(spots, each, nas_port="7", nas_port_id="wlan7") == [1]


def test_a_vpn_client_that_is_refused_says_nothing_of_the_tunnel_that_it_has() -> None:
    each, spots = one(access=AccessKind.VPN, user_name="anna"), Spots()
    spots.put(each)
    assert there(spots, each) == []


def test_by_air_another_network_is_another_place() -> None:
    corp, guest = (one(id, ssid=name, port_type="Wireless-802.11") for id, name in ((1, "corp"), (2, "guest")))
    spots = Spots()
    spots.put(corp)
    assert there(spots, corp, called_station_id="AA-BB-CC-00-00-01:guest") == []
    assert there(spots, corp, called_station_id="AA-BB-CC-00-00-02:corp") == [1]
    assert there(spots, corp, called_station_id="AA-BB-CC-00-00-02") == [1], "what is not said contradicts nothing"
    assert spots.left_for(guest.session) == []
    assert [each.session.id for each in spots.left_for(one(3, ssid="corp", port_type="Wireless-802.11").session)] == [1]


def test_an_endpoint_has_one_session_at_a_place_and_a_vpn_client_may_have_many() -> None:
    spots = Spots()
    for each in (one(1), one(2), one(3, port="50102"), one(4, access=AccessKind.VPN)):
        spots.put(each)
    assert [each.session.id for each in spots.left_for(one(2).session)] == [1]
    assert spots.left_for(one(9, access=AccessKind.VPN).session) == []


# -- who else is on a port --------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SessionStore]:
    made = SessionStore(tmp_path / "sessions.sqlite", apply=apply, tie=tie, report=print)
    yield made
    made.close()


def login(
    store: SessionStore, station: str, port: str, source: str = "", turn: int = 0, voice: bool = False
) -> Session:
    like = session(NAME)
    assert isinstance(like.standing, Standing)
    place = Place(nas=NAME, source=source or like.place.source, port=port, calling_station_id=station)
    change = Authorized(
        place=place,
        names=Names(
            token=f"{station}{port}{turn or ''}".ljust(32, "0"), audit_session_id=f"{station}{turn}" if turn else ""
        ),
        standing=like.standing,
        grounds=like.grounds,
        at=NOW,
        voice=voice,
    )
    made = store.submit(change).result(10).session
    assert isinstance(made, Session)
    return made


def test_others_are_those_on_the_same_port_of_the_same_switch(store: SessionStore) -> None:
    first = login(store, "aa", "7")
    login(store, "bb", "8")
    login(store, "cc", "7", source="10.9.9.9")
    assert is_alone(first, store)
    second = login(store, "dd", "7")
    assert not is_alone(first, store)
    assert not is_alone(second, store)


def test_a_port_that_nobody_named_is_everybodys(store: SessionStore) -> None:
    first = login(store, "aa", "7")
    login(store, "bb", "")
    assert not is_alone(first, store)


def aged(store: SessionStore, session: Session) -> None:
    store.submit(Gone(id=session.id, phase=Phase.AGED, at=NOW + 1, cause="a test")).result(10)


def test_a_phone_of_which_nothing_was_heard_for_a_day_is_still_on_its_port(store: SessionStore) -> None:
    phone = login(store, "aa", "7")
    aged(store, phone)
    laptop = login(store, "bb", "7")
    assert not is_alone(laptop, store)


def test_what_the_same_endpoint_has_left_on_its_port_is_nobody(store: SessionStore) -> None:
    old, phone = login(store, "aa", "7", "", 1), login(store, "bb", "8", "", 1, voice=True)
    aged(store, old)
    aged(store, phone)
    assert is_alone(old, store), "it may still be there"
    assert is_alone(login(store, "aa", "7", "", 2), store)
    assert not is_alone(login(store, "bb", "8", "", 2), store), "a phone call may be on it"


def test_nobody_is_known_to_be_alone_when_the_database_shows_nobody(store: SessionStore) -> None:
    first = login(store, "aa", "7")
    store.close()
    assert not is_alone(first, store)


# -- by what it was settled -------------------------------------------------------------------------


def test_a_push_a_login_and_a_change_of_mind_settle_in_their_own_words() -> None:
    each = one()
    assert how(each, TERMS) == "", "it has not come about"
    each.session = replace(each.session, standing=standing("fix"))
    assert how(each, TERMS) == "it logged in again and got what is wanted"
    each.climb = replace(each.climb, pending=replace(each.pending, verb=Verb.PUSH))
    assert how(each, TERMS) == "its NAS took what was pushed"
