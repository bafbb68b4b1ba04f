"""Refusals of one user are written up to a budget, and then counted."""

from __future__ import annotations

from nacd.server.people import denials
from nacd.server.people.denials import Denials


def test_so_many_a_minute_are_written_and_the_next_one_says_how_many_were_not() -> None:
    door = Denials()
    assert [door.admit(1000, 7.0) for _ in range(denials._MOST)] == [0] * denials._MOST
    assert [door.admit(1000, 66.9) for _ in range(5)] == [-1] * 5
    assert door.admit(1000, 67.0) == 5
    assert door.admit(1000, 67.0) == 0


def test_what_one_user_does_costs_no_other_his_record() -> None:
    door = Denials()
    for _ in range(1000):
        door.admit(1000, 0.0)
    assert door.admit(1001, 0.0) == 0


def test_so_many_users_are_known_and_no_more() -> None:
    door = Denials()
    for uid in range(denials._MOST_UIDS + 50):
        assert door.admit(uid, 0.0) == 0
    assert len(door) == denials._MOST_UIDS
