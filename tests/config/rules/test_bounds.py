from __future__ import annotations

from datetime import timedelta

import pytest

from nacd.config.rules.bounds import Left, VersionBound


def test_what_is_left_is_at_least_or_below(section) -> None:
    left = section(Left, "at_least: 7d\n")
    assert (left.at_least, left.below) == (timedelta(days=7), None)
    assert section(Left, "below: 7d\n").below == timedelta(days=7)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "write one of `at_least` and `below`, as in `{at_least: 7d}`"),
        ("{at_least: 7d, below: 9d}", "write one of `at_least` and `below`"),
        ("{at_most: 7d}", "`at_most` is no key here: write `below`"),
        ("{over: 7d}", "`over` is no key here: write `at_least`"),
        ("{at_least: 7}", "`7` has no unit"),
    ],
)
def test_what_is_left_by_another_word_or_none(section, text: str, said: str) -> None:
    assert said in section(Left, text + "\n")[0]


def test_a_version_is_at_least_or_below(section) -> None:
    assert section(VersionBound, 'below: "4.10"\n').below == "4.10"
    assert "is no version" in section(VersionBound, "below: 4.x\n")[0]
