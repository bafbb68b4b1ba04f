"""Columns for people: what is cut, what is left out, and what never is."""

from __future__ import annotations

import pytest

from nacd.cli.control.table import fitted, print_table

TITLES = ("ID", "NAME", "NOTE", "EMPTY", "WHERE")
ROWS = (("1", "n" * 20, "o" * 30, "", "w" * 10), ("4711", "n", "o", "", "w"))
WHOLE = ("ID",)
LEAST = ("WHERE", "NAME")


def columns(room: int) -> dict[str, int]:
    return {TITLES[at]: width for at, width in fitted(TITLES, ROWS, room, whole=WHOLE, least=LEAST)}


def test_with_room_enough_everything_is_there_as_wide_as_it_is() -> None:
    assert columns(77) == {"ID": 4, "NAME": 20, "NOTE": 30, "EMPTY": 5, "WHERE": 10}


def test_a_column_with_nothing_in_it_goes_first() -> None:
    assert columns(76) == {"ID": 4, "NAME": 20, "NOTE": 30, "WHERE": 10}


def test_then_letters_of_the_widest_go() -> None:
    assert columns(69) == {"ID": 4, "NAME": 20, "NOTE": 29, "WHERE": 10}


def test_then_the_least_columns_go_in_their_order() -> None:
    assert columns(51) == {"ID": 4, "NAME": 20, "NOTE": 23}
    assert columns(30) == {"ID": 4, "NOTE": 24}


@pytest.mark.parametrize("room", range(1, 90))
def test_the_width_is_kept_wherever_it_can_be_and_the_whole_is_whole(room: int) -> None:
    found = columns(room)
    assert found["ID"] == 4
    assert sum(found.values()) + 2 * (len(found) - 1) <= max(room, 14)


def test_into_a_pipe_everything_goes_whole(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(TITLES, ROWS, whole=WHOLE, least=LEAST)
    first, second, third = capsys.readouterr().out.splitlines()
    assert first.split() == list(TITLES)
    assert second.split() == [cell for cell in ROWS[0] if cell]
    assert third.index("w") == first.index("WHERE")


def test_wide_letters_count_twice(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("A", "B"), [("日本", "x"), ("abcd", "y")])
    assert capsys.readouterr().out.splitlines() == ["A     B", "日本  x", "abcd  y"]
