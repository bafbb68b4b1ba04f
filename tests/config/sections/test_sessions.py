from __future__ import annotations

from datetime import timedelta

import pytest

from nacd.config.sections.sessions import Sessions


def test_sessions_defaults(section) -> None:
    kept = section(Sessions, "bounce: true\n")
    assert (kept.silent_for, kept.keep) == (timedelta(days=1), timedelta(days=7))
    assert (kept.policy_changes, kept.bounce) == ("ignore", True)
    assert kept.seen_within.reauthenticate == timedelta(seconds=30)
    assert (kept.seen_within.disconnect, kept.seen_within.bounce) == (timedelta(seconds=60), timedelta(seconds=90))
    assert (kept.windows.down, kept.windows.up) == ((), ())
    assert (kept.overrides.quarantine, kept.overrides.allow) == (None, None)


def test_losing_access_is_guarded_more_closely_than_gaining_it(section) -> None:
    guard = section(Sessions, "guard: {down: {max_flips: 10}}\n").guard
    assert (guard.down.max_flips, guard.down.max_flip_percent, guard.down.confirmed_per_s) == (10, 5, 5)
    assert (guard.up.max_flips, guard.up.max_flip_percent, guard.up.confirmed_per_s) == (200, 25, 20)
    for one in (guard.down, guard.up):
        assert (one.window, one.hold) == (timedelta(minutes=5), timedelta(hours=1))


def test_a_percentage_may_be_broken(section) -> None:
    assert section(Sessions, "guard: {up: {max_flip_percent: 0.5}}\n").guard.up.max_flip_percent == 0.5
    assert section(Sessions, "guard: {up: {max_flip_percent: 100}}\n").guard.up.max_flip_percent == 100


def test_one_window_or_several_for_each_direction(section) -> None:
    windows = section(
        Sessions,
        'windows: {down: {from: "01:00", to: "05:00"}, up: [{from: "01:00", to: "02:00"}, {days: sat, from: "00:00",'
        ' to: "00:00"}]}\n',
    ).windows
    assert [(one.begins, one.ends) for one in windows.down] == [(60, 300)]
    assert [one.days[0] for one in windows.up] == ["mon", "sat"]
    assert section(Sessions, "windows: {down: [], up: []}\n").windows.down == ()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("silent_for: 9m", "1:13: this duration is outside `10m` to `30d`"),
        ("keep: 30m", "1:7: this duration is outside `1h` to `366d`"),
        ("keep: 7", "1:7: `7` has no unit: write `7s`, `7m` or `7h`"),
        ("policy_changes: reasess", "1:17: `reasess` is not known here, did you mean `reassess`?"),
        ("seen_within: {disconnect: 2h}", "1:27: this duration is outside `1s` to `1h`"),
        ("bounce: never", "1:9: `true` or `false` is wanted here"),
        ("guard: {down: {max_flips: 0}}", "1:27: `0` is too small: at least 1"),
        ("guard: {down: {max_flip_percent: 0}}", "1:34: `0` is too small: at least 0.1"),
        ("guard: {up: {max_flip_percent: 101}}", "1:32: `101` is too large: at most 100"),
        ("guard: {up: {max_flip_percent: 5%}}", "1:32: a number is wanted here"),
        ("guard: {up: {max_flip_percent: true}}", "1:32: a number is wanted here"),
        ("guard: {up: {hold: 8d}}", "1:20: this duration is outside `1s` to `7d`"),
        ("guard: {sideways: {}}", "1:9: `sideways` is no key here: there is `down`, `up`"),
        ("windows: {down: always}", "1:17: `key: value` pairs are wanted here"),
        ("overrides: {block: x}", "1:13: `block` is no key here: there is `allow`, `quarantine`"),
    ],
)
def test_what_is_wrong_is_told_in_words(section, line: str, said: str) -> None:
    assert section(Sessions, line + "\n") == [said]
