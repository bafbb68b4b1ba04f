"""An even rate, and few records a minute."""

from __future__ import annotations

from nacd.actions.pace import Few, Pace


def test_slots_follow_each_other_at_the_rate() -> None:
    pace = Pace(per_s=5)
    assert [round(pace.slot(100.0), 3) for _ in range(4)] == [100.0, 100.2, 100.4, 100.6]


def test_a_quiet_time_saves_nothing_up() -> None:
    pace = Pace(per_s=5)
    pace.slot(100.0)
    assert [round(pace.slot(900.0), 3) for _ in range(2)] == [900.0, 900.2]


def test_few_are_let_through_each_minute_and_the_others_counted() -> None:
    few = Few(per_minute=3)
    assert [few.admit(10.0 + number) for number in range(5)] == [True, True, True, False, False]
    assert few.take_held_back() == 2
    assert few.take_held_back() == 0
    assert few.admit(70.0)
