"""When it is said that something ends."""

from hypothesis import given
from hypothesis import strategies as st

from nacd.server.rotation.due import Reminders

DAY_S = 86_400.0
END = 1_900_000_000.0


def days_said(*, every_s: float = 3_600.0, begins_days: float = 40.0, until_days: float = -2.5) -> list[int]:
    reminders, said, now = Reminders(), [], END - begins_days * DAY_S
    while now < END - until_days * DAY_S:
        if reminders.due("it", END, now):
            said.append(int((END - now) // DAY_S))
        now += every_s
    return said


def test_it_is_said_at_thirty_days_and_then_each_day_of_the_last_week_and_after() -> None:
    assert days_said() == [30, 7, 6, 5, 4, 3, 2, 1, 0, -1, -2]


def test_whoever_starts_late_is_told_at_once_and_once() -> None:
    assert days_said(begins_days=20.0, until_days=8.0) == [20]


def test_an_end_that_nobody_knows_is_never_said() -> None:
    assert not Reminders().due("it", 0.0, END)


@given(st.lists(st.floats(min_value=-40 * DAY_S, max_value=40 * DAY_S), min_size=1, max_size=60))
def test_never_twice_within_a_day_as_long_as_the_clock_goes_on(moments: list[float]) -> None:
    reminders, last = Reminders(), float("-inf")
    for moment in sorted(moments):
        if reminders.due("it", END, END + moment):
            assert moment - last >= DAY_S
            last = moment


def test_another_thing_is_said_by_itself_and_what_is_gone_is_forgotten() -> None:
    reminders = Reminders()
    assert reminders.due("one", END, END)
    assert reminders.due("two", END, END)
    reminders.keep(["two"])
    assert reminders.due("one", END, END)
    assert not reminders.due("two", END, END)
