"""Rows of verdicts: what lies there comes back as it was, and there is a limit to everything."""

from __future__ import annotations

import gc
import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.compliance.shelf import Shelf
from nacd.values import Compliance, ComplianceSource, ComplianceState, DeviceFacts

LIVE = ComplianceSource.LIVE
FACTS = DeviceFacts(
    name="LAPTOP-7Q",
    operating_system="Windows",
    os_version="10.0.26100",
    owner="company",
    user="a@b.example",
    last_sync=9.5,
    in_groups=("g-1", "g-2"),
    outside_groups=("g-3",),
    groups_doubt="graph is failing (status 500)",
)
SAID = Compliance(
    state=ComplianceState.IN_GRACE,
    as_of=1_800_000_000.5,
    source=LIVE,
    detail="until tuesday",
    provider="graph",
    grace_until=1_800_003_600.25,
    device=FACTS,
)


def put(shelf: Shelf, *keys: str, fresh_until: float = 100.0, epoch: int = 1, gone_before: float = 0.0) -> None:
    for key in keys:
        shelf.put(key, SAID, epoch=epoch, fresh_until=fresh_until, gone_before=gone_before)


def test_what_was_laid_there_comes_back_as_it_was() -> None:
    shelf = Shelf(3)
    row = shelf.put("a", SAID, epoch=7, fresh_until=12.0, gone_before=0.0)
    assert shelf.places == {"a": row}
    assert shelf.compliance(row, LIVE) == SAID
    assert shelf.compliance(row, ComplianceSource.STALE) == replace(SAID, source=ComplianceSource.STALE)
    assert (shelf.key(row), shelf.state(row), shelf.source(row), shelf.as_of(row)) == (
        "a",
        SAID.state,
        LIVE,
        SAID.as_of,
    )
    assert (shelf.fresh_until[row], shelf.epochs[row]) == (12.0, 7)


def test_a_newer_one_takes_the_same_row_and_nothing_of_the_older_is_left() -> None:
    shelf = Shelf(3)
    put(shelf, "a")
    bare = Compliance(state=ComplianceState.COMPLIANT, as_of=5.0, source=LIVE)
    row = shelf.put("a", bare, epoch=2, fresh_until=1.0, gone_before=0.0)
    assert shelf.compliance(row, LIVE) == bare
    assert len(shelf) == shelf.rows == 1


def test_a_row_that_was_emptied_is_used_again() -> None:
    shelf = Shelf(3)
    put(shelf, "a", "b")
    row = shelf.places["a"]
    shelf.drop("a")
    assert shelf.key(row) == ""
    put(shelf, "c")
    assert shelf.places["c"] == row
    assert shelf.rows == 2


def test_without_room_the_one_that_came_first_goes_and_its_epoch_is_remembered() -> None:
    shelf = Shelf(3)
    for epoch, key in enumerate("abcd", start=1):
        put(shelf, key, epoch=epoch)
    assert set(shelf.places) == set("bcd")
    assert shelf.evicted_epoch == 1


def test_what_was_looked_at_or_renewed_is_spared_once() -> None:
    shelf = Shelf(3)
    put(shelf, "a", "b", "c")
    shelf.touched[shelf.places["a"]] = 1
    put(shelf, "b")
    put(shelf, "d")
    assert set(shelf.places) == set("abd")
    put(shelf, "e")
    assert set(shelf.places) == set("bde"), "nobody looked at `a` again"


def test_what_is_past_its_time_goes_first_and_its_epoch_says_nothing() -> None:
    shelf = Shelf(2)
    put(shelf, "old", fresh_until=10.0, epoch=5)
    shelf.touched[0] = 1
    put(shelf, "new", fresh_until=100.0, epoch=6)
    put(shelf, "newer", gone_before=10.0)
    assert set(shelf.places) == {"new", "newer"}
    assert shelf.evicted_epoch == 0


def test_a_search_for_room_ends_when_everything_was_looked_at() -> None:
    shelf = Shelf(1000)
    put(shelf, *(str(number) for number in range(1000)))
    shelf.touched[:] = b"\1" * 1000
    put(shelf, "one more")
    assert sum(shelf.touched) >= 1000 - 64 - 1
    assert len(shelf) == 1000


def test_a_shelf_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="one at least"):
        Shelf(0)


def test_words_that_never_repeat_are_not_collected() -> None:
    shelf = Shelf(10)
    for number in range(10_000):
        shelf.put("a", replace(SAID, detail=f"{number}"), epoch=number, fresh_until=0.0, gone_before=-1.0)
    assert len(shelf._words) <= 4096
    assert len(shelf._details) == 1
    assert shelf.compliance(shelf.places["a"], LIVE).detail == "9999"


def test_a_device_name_with_a_separator_in_it_stays_one_name() -> None:
    shelf = Shelf(1)
    said = replace(SAID, device=replace(FACTS, name="a\x1fLinux", user="b\n\x00ü"))
    row = shelf.put("a", said, epoch=1, fresh_until=1.0, gone_before=0.0)
    assert shelf.compliance(row, LIVE).device == replace(FACTS, name="a Linux", user="b\n\x00ü")


@pytest.mark.slow
def test_a_verdict_takes_little_room_and_the_garbage_collector_does_not_see_it() -> None:
    shelf = Shelf(5_000)
    keys = [f"guid:{number:036x}" for number in range(5_000)]
    gc.collect()
    seen = len(gc.get_objects())
    tracemalloc.start()
    try:
        for number, key in enumerate(keys):
            device = replace(FACTS, name=f"LAPTOP-{number:08}", user=f"somebody.{number}@contoso.example")
            shelf.put(key, replace(SAID, device=device), epoch=number, fresh_until=number + 0.5, gone_before=-1.0)
        octets = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    gc.collect()
    assert octets / len(keys) < 360
    assert len(gc.get_objects()) - seen < 100


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["put", "put", "drop"])), min_size=5, max_size=60))
def test_whatever_comes_and_goes_each_key_has_its_own_row(steps: list[tuple[str, str]]) -> None:
    shelf = Shelf(4)
    laid: dict[str, float] = {}
    for number, (key, what) in enumerate(steps):
        if what == "put":
            shelf.put(key, replace(SAID, as_of=number), epoch=number, fresh_until=1.0, gone_before=0.0)
            laid[key] = number
        elif key in shelf.places:
            shelf.drop(key)
        assert len(shelf) <= shelf.rows <= 4
        assert len(set(shelf.places.values())) == len(shelf.places)
        for each, row in shelf.places.items():
            assert (shelf.key(row), shelf.as_of(row)) == (each, laid[each])
        if what == "put":
            assert key in shelf.places
