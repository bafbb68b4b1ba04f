from collections.abc import Callable
from dataclasses import fields, replace

import pytest

from nacd.audit import session_blocks
from nacd.session.overrides import Override
from nacd.sessions import Grounds, Names, NotOurs, Place, Session, Settled, Standing
from nacd.values import Endpoint, Instant, MacAddress, Unidentified

At = Callable[[float], Instant]
NAS = "NAS `campus` (10.20.0.1)"


def test_every_name_and_every_word_of_a_place_is_in_the_record(live: Session, at: At) -> None:
    """A new word of the vocabulary belongs into the record, too."""
    told = replace(live, place=Place(**{each.name: f"~{each.name}" for each in fields(Place)}))
    told = replace(told, names=Names(**{each.name: f"~{each.name}" for each in fields(Names)}))
    shown = str(session_blocks.session(told, at(0)))
    for each in (*fields(Place), *fields(Names)):
        assert f"'~{each.name}'" in shown


def test_every_part_of_an_override_is_in_the_record_but_who_and_its_end(blocked: Override) -> None:
    left = {each.name for each in fields(Override)} - set(session_blocks.override(blocked))
    assert left == {"by", "lifted_at", "lifted_by"}


def test_a_decision_has_all_its_parts_and_a_foreign_one_none(corporate: Standing, at: At) -> None:
    ours, foreign = session_blocks.standing(corporate, at(0)), session_blocks.standing(NotOurs(), at(0))
    assert set(ours) == {each.name for each in fields(Standing)} == set(foreign)
    assert ours["at"] == "2026-09-21T11:26:40.000Z"
    assert [foreign[part] for part in ("effect", "rule", "profile", "policy_digest", "at")] == [""] * 5


@pytest.mark.parametrize(
    ("place", "where"),
    [
        ({"port_id": "Gi1/0/1", "port": "50101", "port_type": "Ethernet"}, f"on port `Gi1/0/1` of {NAS}"),
        ({"port": "50101"}, f"on port `50101` of {NAS}"),
        ({}, f"at {NAS}"),
        ({"port": "7", "port_type": "Virtual"}, f"at {NAS}"),
        (
            {"port": "7", "port_type": "Wireless-802.11", "called_station_id": "AA-BB-CC-DD-EE-FF:corp"},
            f"at `AA-BB-CC-DD-EE-FF:corp` of {NAS}",
        ),
        ({"port": "7", "port_type": "Wireless-802.11"}, f"at {NAS}"),
    ],
)
def test_a_place_is_named_by_what_people_can_find(live: Session, place: dict[str, str], where: str) -> None:
    there = replace(live, place=Place(nas="campus", source="10.20.0.1", **place))
    assert session_blocks.whom(there).endswith(f" {where}")


def test_an_endpoint_is_named_by_the_best_there_is(live: Session) -> None:
    def who(session: Session) -> str:
        return session_blocks.whom(session).partition(" on ")[0].partition(" at ")[0]

    grounds = live.grounds
    assert isinstance(grounds, Grounds)
    mac = replace(grounds, identity=Endpoint(mac=MacAddress("00-1B-44-11-3A-B7")))
    nameless = replace(live, grounds=replace(grounds, identity=Unidentified(reason="two ids")))
    assert who(live) == "device 2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
    assert who(replace(live, grounds=mac)) == "endpoint 00-1B-44-11-3A-B7"
    assert who(nameless) == "endpoint 00-50-B6-AA-BB-CC"
    silent = replace(nameless, place=replace(live.place, calling_station_id=""))
    assert who(silent) == "endpoint host/pc-1"
    assert who(replace(silent, names=Names())) == "endpoint without a name"


def test_what_is_wanted_is_what_the_session_itself_says(live: Session, quarantine: Standing) -> None:
    assert session_blocks.wanted(live) == quarantine
    assert session_blocks.wanted(replace(live, wish=Settled())) == NotOurs()


def test_access_is_a_profile_none_or_not_ours(corporate: Standing, live: Session) -> None:
    assert session_blocks.access(corporate) == "profile `corporate`"
    assert session_blocks.access(NotOurs()) == "an access that nacd did not give"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, "0.000 s"),
        (0.0213, "0.021 s"),
        (1.0, "1.0 s"),
        (119.94, "119.9 s"),
        (120.0, "2 min"),
        (7_199.0, "120 min"),
        (7_200.0, "2 h"),
        (172_800.0, "2 d"),
    ],
)
def test_a_time_is_said_as_people_say_it(seconds: float, said: str) -> None:
    assert session_blocks.lasting(seconds) == said


def test_a_moment_that_never_was_is_empty() -> None:
    assert session_blocks.moment(0.0) == ""
    assert session_blocks.moment(1_790_000_000.0) == "2026-09-21T14:13:20.000Z"
