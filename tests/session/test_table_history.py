"""Any history, told over a network that loses, repeats, delays and reorders, ends in a table that is right."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nacd.sessions import AccountingKind, NasRestarted, NotOurs, Phase, Session, Standing
from tests.session.making import MAC, OTHER_MAC
from tests.session.world import NASES, OPEN, PROFILES, Fate, World

STYLES = {
    "token": frozenset({"token"}),
    "audit": frozenset({"audit"}),
    "number": frozenset({"number"}),
    "all": frozenset({"token", "audit", "number"}),
}

nases, ports = st.sampled_from(NASES), st.integers(1, 2)
HOUR, DAY = 3_600, 86_400
LATE = [0, 0, 1, 30, 400, 2000, 20_000, 30 * HOUR, 8 * DAY, 25 * DAY]
IN_TIME = [0, 0, 1, 30]


def histories_with(delays: list[int], *more: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    fates = st.builds(Fate, st.lists(st.sampled_from(delays), max_size=3).map(tuple))
    steps = st.one_of(
        st.tuples(
            st.just("login"), nases, ports, st.sampled_from([MAC, OTHER_MAC]), st.sampled_from(PROFILES), fates, fates
        ),
        st.tuples(st.just("login again"), nases, ports, st.sampled_from(PROFILES)),
        st.tuples(st.just("interim"), nases, ports, fates),
        st.tuples(st.just("stop"), nases, ports, fates),
        st.tuples(st.just("roam"), nases, ports, ports, fates, fates),
        st.tuples(st.just("reboot"), nases, fates),
        st.tuples(st.just("age")),
        st.tuples(st.just("time"), st.sampled_from([1, 60, 600, 5000, 2 * DAY])),
        st.tuples(st.just("lie"), nases, ports, st.sampled_from(AccountingKind), st.booleans()),
        st.tuples(st.just("lie of a boot"), nases, st.booleans()),
        *more,
    )
    return st.lists(steps, min_size=2, max_size=14)


histories = histories_with(LATE)
set_back = histories_with(IN_TIME, st.tuples(st.just("clock"), st.sampled_from([0, -2 * HOUR, -3 * DAY])))
clocks = st.fixed_dictionaries({nas: st.sampled_from([0.0, 0.0, 26.5 * HOUR, -7.3 * HOUR]) for nas in NASES})

A_START_AFTER_THE_RESTART = [
    ("login", "one", 1, MAC, "corporate", Fate(()), Fate(())),
    ("login", "one", 1, MAC, "corporate", Fate(()), Fate(())),
    ("login", "one", 1, MAC, "corporate", Fate((0, 30)), Fate(())),
    ("login", "one", 1, MAC, "corporate", Fate((0,)), Fate(())),
    ("reboot", "one", Fate((0,))),
]


def live_through(style: str, history: list[Any], behind: dict[str, float], within: float = 30 * DAY) -> World:
    world = World(STYLES[style], behind)
    for what, *words in history:
        there = world.at(*words[:2]) if len(words) >= 2 else None
        if what == "login":
            world.login(*words)
        elif what == "reboot":
            world.reboot(*words)
        elif what == "age":
            world.age()
        elif what == "time":
            world.pass_time(*words)
        elif what == "clock":
            world.set_clock(*words)
        elif what == "lie of a boot":
            world.lie_of_a_boot(words[0], behind_one_proxy=words[1])
        elif there is not None and what == "lie":
            world.lie(there, words[2], behind_one_proxy=words[3])
        elif there is not None and what == "login again":
            world.login_again(there, words[2])
        elif there is not None and what == "interim":
            world.interim(there, words[2])
        elif there is not None and what == "stop":
            world.stop(there, words[2])
        elif there is not None and what == "roam" and "token" in world.style:
            world.roam(there, NASES[words[0] == NASES[0]], *words[2:])
    world.settle(within)
    return world


def check(world: World, *, clock_was_set: bool = False) -> None:
    for true in world.truth:
        rows = world.table.of(true.uid)
        present = [row for row in rows if row.phase in OPEN]
        assert len(present) <= 1, "counted twice"
        if true.end_told:
            # A copy that comes after others have taken its names is a stranger's: shown, never changed, and it ages.
            assert all(isinstance(row.standing, NotOurs) for row in present), "its end was told"
        if true.alive:
            assert [row.phase for row in present] == [Phase.LIVE]
            row = present[0]
            assert isinstance(row.standing, Standing)
            assert row.standing.profile == true.profile, "the decision of its last Accept"
            assert (row.place.nas, row.place.calling_station_id) == (true.nas, true.mac)
            assert row.place.source == true.nas, "who lies is asked nothing"
            if "audit" in world.style and not clock_was_set:  # else a number used again at once looks like the old one
                assert abs(row.started_at - true.started_at) <= 1
    for row in world.table.rows:
        assert clock_was_set or max(row.seen_at, row.started_at, row.ended_at) <= world.now
        assert (row.phase is Phase.ENDED) == (row.ended_at > 0)
        assert isinstance(row.standing, NotOurs) or row.authorized_at > 0


@pytest.mark.parametrize("style", STYLES)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories, clocks)
def test_any_history_ends_in_a_right_table(style: str, history: list[Any], behind: dict[str, float]) -> None:
    check(live_through(style, history, behind))


@pytest.mark.parametrize("style", STYLES)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(set_back, clocks)
def test_so_it_does_when_our_own_clock_is_set_back(style: str, history: list[Any], behind: dict[str, float]) -> None:
    check(live_through(style, history, behind, within=60), clock_was_set=True)


@pytest.mark.parametrize("style", STYLES)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories, clocks)
@example(A_START_AFTER_THE_RESTART, {"one": 0.0, "two": 0.0})
def test_all_of_it_played_back_changes_nothing(style: str, history: list[Any], behind: dict[str, float]) -> None:
    world = live_through(style, history, behind)
    before, strangers = ours(world), {row.id for row in world.table.rows} - {row.id for row in ours(world)}
    roamed = any(what == "roam" for what, *_ in history)
    known = {row.names.user_name for row in world.table.rows}
    for happened, record in list(world.told):
        world.time += 400
        # After roaming, a record may first be heard after the restart that came after it: a second telling of that
        # restart then ends what it should have ended.
        again = not roamed if isinstance(record, NasRestarted) else record.names.user_name in known
        if again:
            world.tell(happened, record)
    assert [row for row in ours(world) if row.id not in strangers] == before


def ours(world: World) -> list[Session]:
    """Without strangers that are up: what comes again of a session whose names another has taken since is theirs, and a
    restart told once more ends those whose beginning came after it."""
    return [row for row in world.table.rows if isinstance(row.standing, Standing) or row.phase is Phase.ENDED]
