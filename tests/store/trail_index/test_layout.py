"""Octets of an index: what goes in comes out, and what has changed is noticed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.store.trail_index import layout
from nacd.store.trail_index.layout import BlockRow, Damaged

_TERMS = st.sampled_from(["alice", "bob", "carol", "dave"])


@given(st.sets(st.tuples(_TERMS | st.text(max_size=3), st.integers(0, layout.MOST_BLOCKS - 1)), max_size=600))
def test_every_block_of_a_term_is_in_some_page(pairs: set[tuple[str, int]]) -> None:
    numbers = sorted({layout.key_of("user", name) | block for name, block in pairs})
    pages = list(layout.pages(numbers))
    for name in {name for name, _ in pairs}:
        key = layout.key_of("user", name)
        found = [block for first, page in pages for block in layout.blocks_in(first, page, key)]
        assert set(found) >= {block for each, block in pairs if each == name}


def test_kinds_are_told_apart() -> None:
    assert layout.key_of("user", "x") != layout.key_of("nas", "x")
    assert layout.key_of("mac", "x") & (layout.MOST_BLOCKS - 1) == 0
    assert layout.last_of(layout.key_of("mac", "x")) < 1 << 52


@given(st.integers(0, 2_000), st.integers(0, (1 << 52) - 1), st.binary(max_size=20))
def test_a_row_is_told_by_its_place_and_its_octets(part: int, at: int, octets: bytes) -> None:
    where, held, total = layout.row(part, at, octets)
    assert -(1 << 63) <= where < 1 << 63
    assert layout.checked(where, held, total) == (at, octets)
    for changed in ((where + 1, held, total), (where, held + b"x", total), (where, "text", total)):
        with pytest.raises(Damaged):
            layout.checked(*changed)


def test_rows_of_blocks_come_back_in_parts() -> None:
    rows = [BlockRow(n, n + 1, 100, 3, n * 3, n * 3 + 2, -5, 1 << 45) for n in range(5_000)]
    parts = list(layout.block_parts(rows))
    assert [at for at, _ in parts] == [0, 4_096]
    assert [row for _, part in parts for row in layout.block_rows(part)] == rows
    with pytest.raises(Damaged):
        layout.block_rows(parts[0][1][:-1])
