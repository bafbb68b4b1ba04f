"""Counts in bounded memory."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from nacd.audit.asking.report.counters import Counted


def test_few_names_are_counted_exactly() -> None:
    counted = Counted(3)
    for name in ["a", "b", "a", "c"]:
        counted.add(name)
    counted.add("b", 5)
    assert counted.most(2) == [("b", 6), ("a", 2)]
    assert (counted["c"], counted["nobody"], counted.total, counted.others, counted.error) == (1, 0, 9, 0, 0)


@given(st.lists(st.tuples(st.sampled_from("abcdefghijklmnop"), st.integers(1, 9)), max_size=200))
def test_memory_is_bounded_and_no_count_lacks_more_than_is_told(added: list[tuple[str, int]]) -> None:
    counted, exact = Counted(3), Counter[str]()
    for name, count in added:
        counted.add(name, count)
        exact[name] += count
        assert counted.names() <= 6
    assert counted.total == sum(exact.values()) == counted.others + sum(counted[name] for name in counted)
    for name in exact:
        assert counted[name] <= exact[name] <= counted[name] + counted.error
