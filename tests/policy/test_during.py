"""Rules for some hours of the week: the clock on the wall counts, in the time zone of the site."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.policy.during import ALWAYS, DAY, During, Hours
from nacd.policy.evaluate import evaluate, explain
from nacd.policy.model import Policy, Rule
from nacd.values import AccessKind, Facts, Nas, Unidentified

BERLIN = ZoneInfo("Europe/Berlin")
WEEKDAYS, EVERY_DAY = frozenset(range(5)), frozenset(range(7))


def during(*hours: Hours, zone: str = "Europe/Berlin") -> During:
    return During(hours=hours, zone=ZoneInfo(zone), zone_name=zone)


def span(days: frozenset[int], begins: str, ends: str) -> Hours:
    def minutes(text: str) -> int:
        return int(text[:2]) * 60 + int(text[3:])

    return Hours(days=days, begins=minutes(begins), ends=minutes(ends))


OFFICE = span(WEEKDAYS, "07:00", "19:00")


def facts(at: float) -> Facts:
    return Facts(
        access=AccessKind.MAB, nas=Nas(name="sw", vendor="generic"), identity=Unidentified(reason="none"), at=at
    )


def berlin(text: str, fold: int = 0) -> Facts:
    return facts(datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold).timestamp())


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ("2026-11-20T06:59:59", False),  # a Friday
        ("2026-11-20T07:00:00", True),
        ("2026-11-20T18:59:59", True),
        ("2026-11-20T19:00:00", False),
        ("2026-11-21T12:00:00", False),  # Saturday
        ("2026-11-22T12:00:00", False),
        ("2026-11-23T07:00:00", True),
    ],
)
def test_office_hours_begin_and_end_to_the_minute(when: str, holds: bool) -> None:
    assert during(OFFICE).test()(berlin(when)) is holds


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ("2026-11-22T21:59", False),  # a Sunday
        ("2026-11-22T22:00", True),
        ("2026-11-23T04:59", True),
        ("2026-11-23T05:00", False),
        ("2026-11-23T23:00", False),
    ],
)
def test_hours_over_midnight_belong_to_the_day_on_which_they_begin(when: str, holds: bool) -> None:
    assert during(span(frozenset({6}), "22:00", "05:00")).test()(berlin(when)) is holds


def test_of_several_any_will_do() -> None:
    test = during(OFFICE, span(frozenset({5}), "09:00", "12:00")).test()
    assert [test(berlin(f"2026-11-{day}T11:00")) for day in (20, 21, 22)] == [True, True, False]


def test_what_ends_when_it_begins_is_a_whole_day() -> None:
    saturday = span(frozenset({5}), "00:00", "00:00")
    assert saturday.minutes().bit_count() == DAY
    assert during(span(EVERY_DAY, "07:00", "07:00")).minutes() == ALWAYS
    assert during(span(EVERY_DAY, "00:00", "24:00")).minutes() == ALWAYS


def test_the_clock_on_the_wall_counts_in_summer_and_in_winter() -> None:
    test = during(OFFICE).test()
    assert test(facts(datetime(2026, 7, 1, 5, 0, tzinfo=UTC).timestamp()))  # 07:00 in summer
    assert not test(facts(datetime(2026, 1, 7, 5, 0, tzinfo=UTC).timestamp()))  # 06:00 in winter
    assert during(OFFICE, zone="Asia/Kolkata").test()(facts(datetime(2026, 1, 7, 1, 30, tzinfo=UTC).timestamp()))


def lasts(hours: Hours, day: datetime) -> int:
    """Minutes for which it holds within a day and a half from here."""
    test, begins = during(hours).test(), day.timestamp()
    return sum(test(facts(begins + minute * 60)) for minute in range(36 * 60))


def test_a_night_in_which_clocks_change_is_longer_or_shorter() -> None:
    saturday_night = span(frozenset({5}), "22:00", "05:00")
    spring, autumn, other = (
        datetime(2026, month, day, 12, tzinfo=BERLIN) for month, day in ((3, 28), (10, 24), (11, 21))
    )
    assert [lasts(saturday_night, day) // 60 for day in (spring, autumn, other)] == [6, 8, 7]


def test_what_the_clock_leaps_over_does_not_come_and_what_it_shows_twice_comes_twice() -> None:
    early = span(frozenset({6}), "02:00", "03:00")
    spring, autumn = datetime(2026, 3, 28, 12, tzinfo=BERLIN), datetime(2026, 10, 24, 12, tzinfo=BERLIN)
    assert (lasts(early, spring), lasts(early, autumn)) == (0, 120)
    assert all(during(early).test()(berlin("2026-10-25T02:30", fold)) for fold in (0, 1))


@pytest.mark.parametrize("at", [0.0, -1.0, 1e300, float("inf"), float("nan")])
def test_a_time_that_is_none_never_holds(at: float) -> None:
    always = during(span(EVERY_DAY, "00:00", "24:00"))
    assert not always.test()(facts(at))
    assert always.seen(facts(at)) == "the time is not known"


def test_what_is_wanted_and_what_was_seen_are_said_in_the_clock_of_the_site() -> None:
    saturday = span(frozenset({5, 6}), "22:00", "05:30")
    condition = during(OFFICE, saturday, span(EVERY_DAY, "00:00", "24:00"))
    wanted = "`mon-fri 07:00 to 19:00` or `sat, sun 22:00 to 05:30` or `00:00 to 24:00` in Europe/Berlin"
    assert condition.wanted() == wanted
    assert condition.seen(berlin("2026-11-22T14:05:59")) == "it is `sun 14:05` in Europe/Berlin"
    assert str(span(frozenset({0, 2, 3, 4, 6}), "01:00", "02:00")) == "mon, wed-fri, sun 01:00 to 02:00"


@pytest.mark.parametrize(
    ("days", "begins", "ends"), [([], 0, 1), ([7], 0, 1), ([0], -1, 1), ([0], DAY, 1), ([0], 0, DAY + 1), ([0], 0, -1)]
)
def test_hours_that_are_none_cannot_be_made(days: list[int], begins: int, ends: int) -> None:
    with pytest.raises(ValueError, match="hours begin"):
        Hours(days=frozenset(days), begins=begins, ends=ends)


def counted(days: frozenset[int], begins: int, ends: int, wall: datetime) -> bool:
    """By counting from each beginning, with what the clock on the wall shows."""
    midnight = wall.replace(hour=0, minute=0, second=0, microsecond=0)
    for back in (0, 1):
        day = midnight - timedelta(days=back)
        start = day + timedelta(minutes=begins)
        end = day + timedelta(minutes=ends if ends > begins else ends + DAY)
        if day.weekday() in days and start <= wall < end:
            return True
    return False


def european(at: datetime) -> datetime:
    """What a clock in Berlin shows at this time of UTC, by the rule itself (directive 2000/84/EC): summer time is from
    the last Sunday of March, 01:00 UTC, to the last Sunday of October, 01:00 UTC."""

    def change(month: int) -> datetime:
        last = datetime(at.year, month, 31, 1)
        return last - timedelta(days=(last.weekday() + 1) % 7)

    summer = change(3) <= at < change(10)
    return at + timedelta(hours=2 if summer else 1)


DAYS_OF_THE_WEEK = st.frozensets(st.integers(0, 6), min_size=1)
MINUTE = st.integers(0, DAY - 1)


@given(DAYS_OF_THE_WEEK, MINUTE, st.integers(0, DAY), st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)))
def test_it_is_what_counting_from_each_beginning_says(
    days: frozenset[int], begins: int, ends: int, now: datetime
) -> None:
    holds = during(Hours(days=days, begins=begins, ends=ends), zone="Etc/GMT-3").test()
    at = now.replace(tzinfo=ZoneInfo("Etc/GMT-3")).timestamp()
    assert holds(facts(at)) is counted(days, begins, ends, now)


@given(
    DAYS_OF_THE_WEEK,
    MINUTE,
    st.integers(0, DAY),
    st.integers(2000, 2037),
    st.sampled_from([(3, 31), (10, 31)]),
    st.integers(-9 * DAY, 2 * DAY),
)
def test_so_it_is_on_days_on_which_clocks_change(
    days: frozenset[int], begins: int, ends: int, year: int, last: tuple[int, int], minutes: int
) -> None:
    """Within nine days of the end of March or October, and the change is among them."""
    now = datetime(year, *last) + timedelta(minutes=minutes)
    holds = during(Hours(days=days, begins=begins, ends=ends)).test()
    assert holds(facts(now.replace(tzinfo=UTC).timestamp())) is counted(days, begins, ends, european(now))


@given(
    DAYS_OF_THE_WEEK,
    MINUTE,
    st.integers(0, DAY),
    st.sampled_from(["Australia/Lord_Howe", "America/St_Johns", "Africa/Casablanca", "Pacific/Apia", "Asia/Kathmandu"]),
    st.datetimes(datetime(2010, 1, 1), datetime(2037, 1, 1)),
)
def test_a_zone_with_odd_habits_is_read_as_its_clocks_show(
    days: frozenset[int], begins: int, ends: int, zone: str, now: datetime
) -> None:
    """Half an hour of summer, no summer in Ramadan, a Friday that never was."""
    holds = during(Hours(days=days, begins=begins, ends=ends), zone=zone).test()
    at = now.replace(tzinfo=UTC)
    wall = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert holds(facts(at.timestamp())) is counted(days, begins, ends, wall)


def test_explain_says_in_words_whose_clock_shows_what() -> None:
    """What `nacd explain` prints of each rule."""
    open_hours = Rule(name="office", line=1, conditions=(during(OFFICE),), then="corp")
    policy = Policy(rules=(open_hours,), digest="d")
    wanted = "`mon-fri 07:00 to 19:00` in Europe/Berlin"
    late, _ = explain(policy, berlin("2026-11-20T19:00"))
    assert (late.matched, late.detail) == (False, f"it is `fri 19:00` in Europe/Berlin, the rule wants {wanted}")
    (early,) = explain(policy, berlin("2026-11-20T07:00"))
    assert (early.matched, early.detail) == (True, "it is `fri 07:00` in Europe/Berlin")
    assert evaluate(policy, berlin("2026-11-20T07:00")).reasons == ("it is `fri 07:00` in Europe/Berlin",)
