"""How long files stay."""

from __future__ import annotations

from nacd.store.full_files.folder import Full
from nacd.store.full_files.retention import Keep, due

DAY = 86_400.0


def files(count: int, octets: int = 100) -> tuple[Full, ...]:
    """One a day, each written to until the next began."""
    return tuple(
        Full(name=f"{number}", begun=number * DAY, first_seq=number * 10 + 1, packed=octets, changed=(number + 1) * DAY)
        for number in range(count)
    )


def gone(found: tuple[Full, ...], keep: Keep, now: float) -> list[str]:
    return [one.full.name for one in due(found, keep, now)]


def test_a_file_is_as_old_as_its_last_record() -> None:
    keep = Keep(age_s=10 * DAY, age_words="10d")
    assert gone(files(20), keep, now=11 * DAY) == []
    assert gone(files(20), keep, now=11 * DAY + 1) == ["0"]
    assert due(files(20), keep, 11 * DAY + 1)[0].why == "audit.keep.for: 10d"
    assert gone(files(20), keep, now=13 * DAY + 1) == ["0", "1", "2"]


def test_the_newest_full_file_always_stays() -> None:
    assert gone(files(5), Keep(age_s=1.0), now=1e9) == ["0", "1", "2", "3"]
    assert gone(files(5), Keep(octets=1), now=0.0) == ["0", "1", "2", "3"]
    assert gone(files(1), Keep(age_s=1.0, octets=1), now=1e9) == []
    assert gone((), Keep(age_s=1.0, octets=1), now=1e9) == []


def test_size_counts_all_full_files_and_takes_the_oldest() -> None:
    assert gone(files(5), Keep(octets=500), now=0.0) == []
    assert gone(files(5), Keep(octets=499), now=0.0) == ["0"]
    assert gone(files(5), Keep(octets=250, octets_words="250KiB"), now=0.0) == ["0", "1", "2"]
    assert due(files(5), Keep(octets=250, octets_words="x"), 0.0)[0].why == "audit.keep.size: x"


def test_both_rules_together() -> None:
    assert gone(files(5), Keep(octets=350, age_s=DAY), now=2 * DAY + 1) == ["0", "1"]


def test_without_rules_nothing_goes() -> None:
    assert gone(files(50), Keep(), now=1e12) == []


def test_a_file_that_was_touched_stays_longer_and_so_does_what_is_newer() -> None:
    one, two, *rest = files(10)
    touched = Full(name="1", begun=two.begun, first_seq=two.first_seq, packed=100, changed=50 * DAY)
    assert gone((one, touched, *rest), Keep(age_s=DAY), now=40 * DAY) == ["0"]


def test_a_clock_that_stands_still_deletes_nothing() -> None:
    assert gone(files(10), Keep(age_s=DAY), now=0.0) == []
