"""One pause for everybody, never shortened by a shorter one."""

from __future__ import annotations

from nacd.intune.nac.pause import Pause


def test_a_pause_counts_down_and_says_why() -> None:
    pause = Pause()
    assert pause.left() == (0.0, "")
    pause.extend(60, "because")
    left_s, why = pause.left()
    assert 59 < left_s <= 60
    assert why == "because"


def test_a_shorter_pause_does_not_shorten_a_longer_one() -> None:
    pause = Pause()
    pause.extend(60, "long")
    pause.extend(5, "short")
    assert pause.left()[1] == "long"
    pause.extend(90, "longer")
    assert pause.left()[1] == "longer"


def test_no_pause_is_longer_than_an_hour() -> None:
    pause = Pause()
    pause.extend(1e9, "for ever")
    assert pause.left()[0] <= 3600


def test_throttles_are_counted() -> None:
    pause = Pause()
    pause.throttle()
    pause.throttle()
    assert pause.throttled == 2
    assert pause.left() == (0.0, "")
