"""Who has an open session, and how often he is to be asked about."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.compliance.present import NOBODY, Present


def test_a_device_is_here_from_its_first_session_to_the_end_of_its_last() -> None:
    present = Present()
    number = present.begins(1, "guid:a", 300.0)
    assert present.begins(2, "guid:a", 300.0) == number
    assert (present.number("guid:a"), present.key(number), len(present), present.sessions) == (number, "guid:a", 1, 2)
    assert sorted(present.sessions_of(number)) == [1, 2]
    assert present.leaves(1) == number
    assert present.is_here(number)
    assert present.sessions_of(number) == (2,)
    assert present.leaves(2) == number
    assert not present.is_here(number)
    assert (present.number("guid:a"), present.of_session(2), len(present), present.sessions) == (NOBODY, NOBODY, 0, 0)


def test_the_most_watchful_session_says_how_often() -> None:
    present = Present()
    number = present.begins(1, "guid:a", 300.0)
    present.begins(2, "guid:a", 60.0)
    present.begins(3, "guid:a", 120.0)
    found = [present.interval_s(number)]
    for session in (2, 3):
        present.leaves(session)
        found.append(present.interval_s(number))
    assert found == [60.0, 120.0, 300.0]


def test_a_session_that_is_told_of_twice_is_one() -> None:
    present = Present()
    number = present.begins(1, "guid:a", 300.0)
    present.begins(1, "guid:a", 60.0)
    assert (present.sessions, present.interval_s(number)) == (1, 60.0)
    present.leaves(1)
    assert present.leaves(1) == NOBODY
    assert len(present) == 0


def test_a_session_cannot_be_of_two_devices() -> None:
    present = Present()
    present.begins(1, "guid:a", 300.0)
    present.begins(2, "guid:b", 300.0)
    for key in ("guid:b", "guid:c"):
        with pytest.raises(ValueError, match="session 1 is another device's"):
            present.begins(1, key, 300.0)
    assert (present.sessions, len(present)) == (2, 2)


def test_the_number_of_one_that_left_is_given_to_the_next() -> None:
    present = Present()
    for each in range(1_000):
        assert present.begins(each, f"guid:{each}", 300.0) == 0
        present.leaves(each)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(1, 6), st.sampled_from("abc"), st.sampled_from([60.0, 120.0, 300.0])),
        max_size=60,
    )
)
def test_it_is_what_a_plain_list_of_sessions_says(steps: list[tuple[bool, int, str, float]]) -> None:
    present, plain = Present(), dict[int, tuple[str, float]]()
    for begins, session, key, interval_s in steps:
        if not begins or (session in plain and plain[session][0] != key):
            number = present.leaves(session)
            assert (number == NOBODY) == (session not in plain)
            plain.pop(session, None)
            assert number == NOBODY or present.is_here(number) == (present.key(number) != "")
        else:
            present.begins(session, key, interval_s)
            plain[session] = (key, interval_s)
        assert present.sessions == len(plain)
        assert len(present) == len({key for key, _ in plain.values()})
        for each in "abc":
            wanted = {session: interval for session, (key, interval) in plain.items() if key == each}
            number = present.number(each)
            assert (number == NOBODY) == (not wanted)
            if wanted:
                assert present.key(number) == each
                assert set(present.sessions_of(number)) == set(wanted)
                assert present.interval_s(number) == min(wanted.values())
                assert all(present.of_session(session) == number for session in wanted)
