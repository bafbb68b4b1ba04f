from __future__ import annotations

import pytest

from nacd.policy.words import any_of, or_nothing, span


def test_words_for_a_choice() -> None:
    assert any_of(["a"]) == "`a`"
    assert any_of(["a", "b", "c"]) == "`a`, `b` or `c`"


def test_what_is_absent_is_called_absent() -> None:
    assert or_nothing("Windows", "os") == "os is `Windows`"
    assert or_nothing("", "os") == "there is no os"


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0.0, "0s"), (59.0, "59s"), (14_400.0, "4h"), (15_300.0, "4h15m"), (93_784.0, "1d2h3m4s"), (604_800.0, "7d")],
)
def test_a_span_of_time_is_written_as_an_admin_writes_it(seconds: float, written: str) -> None:
    assert span(seconds) == written


def test_what_is_over_a_limit_by_a_blink_does_not_look_like_the_limit() -> None:
    assert span(14_400.001) == "4h1s"
