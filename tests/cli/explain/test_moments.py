"""How people write the moment that they ask about."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from nacd.cli.explain.moments import NoMoment, moment

NOW = 1_790_000_000.0  # 2026-09-21T14:13:20Z


@pytest.fixture(autouse=True)
def in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("written", "after_s"),
    [
        ("2h", 7200.0),
        ("30m", 1800.0),
        ("2026-09-21T14:13:20Z", 0.0),
        ("2026-09-21T16:13:20+02:00", 0.0),
        ("2026-09-21 10:13:20", 0.0),
        ("2026-09-21T10:14", 40.0),
        ("10:14", 40.0),
        ("10:13", 86_380.0),
        ("2026-09-20 10:13:20", -86_400.0),
    ],
)
def test_a_moment_is_read_in_the_zone_of_this_machine_unless_it_says_another(written: str, after_s: float) -> None:
    assert moment(written, NOW) == NOW + after_s


@pytest.mark.parametrize("written", ["", "soon", "25:00", "2026-13-01", "1900-01-01", "9999-12-31 23:59", "0001-01-01"])
def test_what_is_no_moment_is_told_with_examples(written: str) -> None:
    with pytest.raises(NoMoment, match=f"^--at `{written}` is no moment: write as in `2026-11-23 18:30`"):
        moment(written, NOW)
