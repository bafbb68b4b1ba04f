"""How a trail is written."""

from nacd.store.trail.writing.options import NEVER, Options
from nacd.values import Secret


def test_a_checkpoint_is_due_after_so_many_records_or_only_in_time_or_never() -> None:
    assert Options(checkpoint_records=10).due_after(5) == 15
    assert 10**12 < Options(checkpoint_s=60.0).due_after(5) < NEVER
    assert Options().due_after(5) == NEVER


def test_a_file_is_full_by_its_size_or_its_age_or_never() -> None:
    assert not Options().is_full(1 << 50, 1e12)
    assert Options(rotate_octets=10).is_full(10, 0.0)
    assert not Options(rotate_octets=10).is_full(9, 1e12)
    assert Options(rotate_s=60.0).is_full(1, 60.0)
    assert not Options(rotate_s=60.0).is_full(1 << 50, 59.9)


def test_keys_are_silent() -> None:
    assert "4711" not in repr(Options(key=Secret(b"word-4711")))
