"""Growing pauses."""

from __future__ import annotations

from nacd.intune.graph.backoff import BackOff


def test_pauses_double_up_to_a_minute_and_none_is_shorter_than_half() -> None:
    row = BackOff()
    for longest_s in (1, 2, 4, 8, 16, 32, 60, 60, 60):
        assert longest_s / 2 <= row.next_s() <= longest_s


def test_an_answer_begins_the_row_anew() -> None:
    row = BackOff()
    for _ in range(5):
        row.next_s()
    row.eased()
    assert row.next_s() <= 1


def test_pauses_differ_from_one_daemon_to_the_next() -> None:
    assert len({BackOff().next_s() for _ in range(50)}) > 10
