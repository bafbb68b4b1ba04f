"""Moments as people write them, in a zone that is not UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from nacd.audit.asking.moments import NoMoment, made_ms, moment, shown

ZONE = timezone(timedelta(hours=2))
NOW = datetime(2026, 11, 22, 19, 30)


def local(naive: datetime) -> float:
    return naive.replace(tzinfo=ZONE).timestamp()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("now", "2026-11-22 17:30:00Z"),
        ("2h", "2026-11-22 15:30:00Z"),
        ("90 min ago", "2026-11-22 16:00:00Z"),
        ("7d", "2026-11-15 17:30:00Z"),
        ("today", "2026-11-21 22:00:00Z"),
        ("yesterday", "2026-11-20 22:00:00Z"),
        ("Yesterday 14:00", "2026-11-21 12:00:00Z"),
        ("14:00", "2026-11-22 12:00:00Z"),
        ("9:05", "2026-11-22 07:05:00Z"),
        ("20:00", "2026-11-21 18:00:00Z"),
        ("2026-11-01", "2026-10-31 22:00:00Z"),
        ("2026-11-01 14:00", "2026-11-01 12:00:00Z"),
        ("2026-11-01 14:00 UTC", "2026-11-01 14:00:00Z"),
        ("2026-11-01T14:00:00Z", "2026-11-01 14:00:00Z"),
        ("2026-11-01T14:00:00.5+05:00", "2026-11-01 09:00:00Z"),
        ("yesterday utc", "2026-11-21 00:00:00Z"),
    ],
)
def test_a_moment_is_read_in_the_zone_of_whoever_asks_unless_it_says_another(written: str, expected: str) -> None:
    assert shown(moment(written, NOW, local)) == expected


@pytest.mark.parametrize(
    "written", ["", "soon", "25:00", "2026-13-01", "2h 3m", "-2h", "999999w", "2026-11-01 14:00 CET"]
)
def test_what_is_no_moment_is_told_with_examples(written: str) -> None:
    with pytest.raises(NoMoment, match="yesterday"):
        moment(written, NOW, local)


def test_when_a_record_was_made_is_told_in_milliseconds() -> None:
    assert made_ms({"time": "1970-01-01T00:00:01.500Z"}) == 1_500
    assert made_ms({"time": "1970-01-01T00:00:01"}) == 1_000
    for odd in ({}, {"time": 3}, {"time": "yesterday"}, {"time": ""}):
        assert made_ms(odd) is None


def test_dates_beyond_calendars_are_told_in_words() -> None:
    assert shown(1e18) == "a date beyond all calendars"
    assert shown(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) == "2026-01-01 00:00:00Z"
