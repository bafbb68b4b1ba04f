"""Rules for some hours of the week: the clock on the wall counts, in the time zone of the site."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.policy.during import ALWAYS, DAY, During, Hours
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


@given(
    st.frozensets(st.integers(0, 6), min_size=1),
    st.integers(0, DAY - 1),
    st.integers(0, DAY),
    st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)),
)
def test_it_is_what_counting_from_each_beginning_says(
    days: frozenset[int], begins: int, ends: int, now: datetime
) -> None:
    holds = during(Hours(days=days, begins=begins, ends=ends), zone="Etc/GMT-3").test()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    expected = False
    for back in (0, 1):
        day = midnight - timedelta(days=back)
        start = day + timedelta(minutes=begins)
        end = day + timedelta(minutes=ends if ends > begins else ends + DAY)
        expected = expected or (day.weekday() in days and start <= now < end)
    assert holds(facts(now.replace(tzinfo=ZoneInfo("Etc/GMT-3")).timestamp())) is expected
