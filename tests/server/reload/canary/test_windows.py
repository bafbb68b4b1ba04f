"""What each group was answered in the last hour."""

from __future__ import annotations

from nacd.server.reload.canary.windows import BUCKET_S, MOST, Windows

START_S = 1_000_000.0 - 1_000_000.0 % BUCKET_S


def test_answers_are_kept_by_group_and_outcome() -> None:
    windows = Windows()
    windows.add(("wired", "campus"), "rejected", 2, START_S)
    windows.add(("wired",), "profile corporate", 3, START_S + 1)
    assert windows.last("wired", 600, START_S + 2) == {"rejected": 2, "profile corporate": 3}
    assert windows.last("campus", 600, START_S + 2) == {"rejected": 2}
    assert windows.last("nobody", 600, START_S + 2) == {}


def test_only_the_last_minutes_count() -> None:
    windows = Windows()
    for minute in range(10):
        windows.add(("wired",), f"profile {minute}", 1, START_S + minute * BUCKET_S)
    now_s = START_S + 9 * BUCKET_S + 30
    assert set(windows.last("wired", 2 * BUCKET_S, now_s)) == {"profile 7", "profile 8", "profile 9"}
    assert len(windows.last("wired", 3600, now_s)) == 10


def test_an_hour_is_kept_and_no_more() -> None:
    windows = Windows()
    for minute in range(1_000):
        windows.add(("wired",), "rejected", 1, START_S + minute * BUCKET_S)
    assert windows.last("wired", 1e9, START_S + 1_000 * BUCKET_S)["rejected"] == MOST
    assert len(windows._buckets) == MOST
