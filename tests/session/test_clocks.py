"""When something happened, by clocks that are right, wrong, or none."""

from __future__ import annotations

from typing import Any

import pytest

from nacd.session.clocks import Clocks, happened_at, said_at
from nacd.session.table import Ignored, apply
from nacd.sessions import Gone, Phase, Session
from nacd.values import AccountingRequest, Nas
from tests.session.making import T, after, authorized, interim, restarted, start, stop

DAY = 86_400
SWITCH = ("campus", "192.0.2.1", "sw1", "")


def request(event: float, delay: int = 0) -> AccountingRequest:
    nas = Nas(name="switch", vendor="generic")
    return AccountingRequest(
        nas=nas, source="192.0.2.1", source_port=1, status_type="Stop", event_timestamp=int(event), delay_s=delay
    )


@pytest.mark.parametrize(
    ("event", "delay", "wanted"),
    [
        (T - 100, 0, T - 100),
        (T - DAY - 1, 7, T - DAY - 1),
        (T - 400 * DAY, 7, T - 400 * DAY),
        (T - 400 * DAY - 1, 7, T - 7),
        (T + 300, 5, T),
        (T + 301, 5, T - 5),
        (0, 7, T - 7),
        (0, 4_294_967_295, T - DAY),
        (0, 0, T),
        (731_000_000, 0, T),
    ],
)
def test_when_it_happened_is_what_can_be_true_of_event_timestamp_and_delay(
    event: float, delay: int, wanted: float
) -> None:
    assert happened_at(request(event, delay), T) == wanted


def test_a_clock_that_was_never_set_says_nothing() -> None:
    assert [said_at(request(event), T) for event in (0, 731_000_000, 4_294_967_295)] == [0.0, 0.0, 0.0]
    assert said_at(request(T - DAY), T) == T - DAY


def slow(clocks: Clocks, behind_s: float, records: int = 11, at: float = T, every_s: float = 400.0) -> float:
    for number in range(records):
        clocks.heard(SWITCH, at + number * every_s - behind_s, at + number * every_s)
    return at + records * every_s


def test_what_is_late_or_played_back_is_as_old_as_it_says() -> None:
    clocks = Clocks()
    for number in range(100):
        at = T + number * 400
        assert clocks.heard(SWITCH, at - 5, at) == at - 5
        assert clocks.heard(SWITCH, at - DAY, at) == at - DAY
    assert clocks.behind_s(SWITCH) == 0.0


def test_a_clock_that_is_slow_for_an_hour_in_all_that_it_says_is_slow() -> None:
    clocks = Clocks()
    assert clocks.heard(SWITCH, T - DAY, T) == T - DAY, "one record shows nothing"
    at = slow(clocks, DAY)
    assert clocks.behind_s(SWITCH) == DAY
    assert clocks.heard(SWITCH, at - DAY, at) == at
    assert clocks.heard(SWITCH, at - DAY - 7200, at) == at - 7200, "and what is late is late"
    assert clocks.behind_s(("campus", "192.0.2.2", "sw1", "")) == 0.0, "of others nothing was learnt"


@pytest.mark.parametrize(("records", "every_s"), [(1_000, 1.0), (9, 800.0)])
def test_a_burst_of_old_records_or_a_few_show_nothing_of_a_clock(records: int, every_s: float) -> None:
    clocks = Clocks()
    slow(clocks, DAY, records, every_s=every_s)
    assert clocks.behind_s(SWITCH) == 0.0


def test_one_record_in_time_shows_that_a_clock_is_right() -> None:
    clocks = Clocks()
    at = slow(clocks, DAY)
    clocks.heard(SWITCH, at, at)
    assert clocks.heard(SWITCH, at - DAY, at) == at - DAY
    assert clocks.learnt == {SWITCH: 0.0}


def test_a_fast_clock_is_known_by_one_record() -> None:
    clocks = Clocks()
    assert clocks.heard(SWITCH, T + 7200, T) == T
    assert clocks.heard(SWITCH, T + 7200 - 1000, T) == T - 1000, "and what is late is late"
    assert clocks.learnt == {SWITCH: -7200.0}


def test_what_was_learnt_before_is_believed() -> None:
    clocks = Clocks()
    clocks.believe(SWITCH, DAY)
    assert clocks.heard(SWITCH, T - DAY, T) == T
    assert clocks.learnt == {}


def test_a_clock_that_is_set_back_further_is_learnt_anew() -> None:
    clocks = Clocks()
    at = slow(clocks, DAY)
    slow(clocks, 3 * DAY, at=at)
    assert clocks.behind_s(SWITCH) == 3 * DAY


def test_memory_is_bounded_however_many_nases_there_are() -> None:
    clocks = Clocks()
    for number in range(10_000):
        clocks.heard(("campus", f"{number}", "", ""), T, T)
    assert len(clocks._known) <= 8_192


# -- ours ----------------------------------------------------------------------------------------


def ignored(session: Any, change: Any) -> str:
    made = apply(session, change)
    assert isinstance(made, Ignored), made
    return made.why


def test_a_restart_of_long_ago_spares_everybody_however_long_ago() -> None:
    live = after(authorized(), start(T + 1))
    for days in (1, 2, 30, 365):
        ignored(live, restarted(T - days * 86_400, at=T + 100))


def test_a_clock_of_ours_that_was_set_back_keeps_nobody() -> None:
    live = after(authorized(T + 3600), start(T + 3600))
    stopped = after(stop(T + 10), of=live)
    assert (stopped.phase, stopped.ended_at) == (Phase.ENDED, T + 10)
    assert after(interim(T + 10), of=live).seen_at == T + 10
    assert after(restarted(T + 10), of=live).phase is Phase.ENDED
    assert after(Gone(id=1, phase=Phase.ENDED, at=T + 10, cause="no such session"), of=live).phase is Phase.ENDED
    assert "older" in ignored(live, stop(T - 3600, at=T + 10)), "a replay is one all the same"


def test_what_ended_before_our_clock_was_set_back_is_over_and_a_new_session_of_its_number_begins() -> None:
    ended = after(authorized(T + 3600), start(T + 3600), stop(T + 3700))
    new = apply(ended, start(T + 10))
    assert isinstance(new, Session)
    assert (new.id, new.phase) == (0, Phase.LIVE)
    assert "over" in ignored(ended, stop(T + 10))
