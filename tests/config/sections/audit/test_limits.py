"""Sizes and times that may also be none."""

from __future__ import annotations

from datetime import timedelta

import pytest

from nacd.config.sections.audit import limits


@pytest.mark.parametrize("written", ["256MiB", "1GiB", "700KiB", "never"])
def test_a_size_is_read_and_told_again_in_the_same_words(written: str) -> None:
    assert limits.size_in_words(limits.size_or_never(written)) == written


@pytest.mark.parametrize("written", ["1d", "1m30s", "never"])
def test_a_time_is_read_and_told_again_in_the_same_words(written: str) -> None:
    assert limits.duration_in_words(limits.duration_or_never(written)) == written


def test_never_is_none() -> None:
    assert limits.size_or_never("never") is None
    assert limits.duration_or_never("never") is None
    assert limits.duration_or_never("1d") == timedelta(days=1)


@pytest.mark.parametrize("written", ["256", 256, "0MiB", "Never", None])
def test_anything_else_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="unit"):
        limits.size_or_never(written)
