"""Counted by rule, answer and site, in a room that does not grow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from nacd.replay.answer import Difference
from nacd.replay.candidate import Differs, NotCompared, Same, Why
from nacd.replay.differences import MOST_DEVICES, OTHER, Differences, Table
from nacd.replay.record import Outcome
from nacd.values import Effect, Nas
from tests.replay.conftest import Login


@pytest.fixture
def differs(login: Callable[..., Login]) -> Callable[..., Differs]:
    def build(rule: str = "all", whose: str = "pc", second: int = 0, **nas: Any) -> Differs:
        where = Nas(**({"name": "n1", "vendor": "generic"} | nas))
        return Differs(
            difference=Difference(before="`corp`", after="refused"),
            live=Outcome(Effect.ALLOW, "good", "corp"),
            live_reasons=("it is good",),
            shadow=Outcome(Effect.DENY, rule, ""),
            shadow_reasons=("it is not",),
            facts=replace(login().facts, nas=where),
            whose=whose,
            time=f"2026-11-22T10:00:{second:02}.000Z",
        )

    return build


def test_what_is_the_same_and_what_is_not_compared_is_counted_too(differs: Callable[..., Differs]) -> None:
    counts = Differences(5.0)
    for each in (
        Same(renamed=False),
        Same(renamed=True),
        differs(),
        NotCompared(why=Why.ABOVE_POLICY),
        NotCompared(why=Why.UNDECIDABLE, detail="good"),
    ):
        counts.add(each)
    assert (counts.since, counts.compared, counts.same, counts.renamed, counts.different) == (5.0, 3, 2, 1, 1)
    assert counts.not_compared == {Why.ABOVE_POLICY: 1, Why.UNDECIDABLE: 1}
    assert counts.undecidable == {"good": 1}


def test_a_difference_counts_for_its_rules_its_answer_its_nas_each_group_and_the_location(
    differs: Callable[..., Differs],
) -> None:
    counts = Differences(0.0)
    counts.add(differs(second=5, groups=frozenset({"wired", "campus"}), location="berlin/b7"))
    counts.add(differs(second=2, name="n2"))
    way = ("`corp`", "refused")
    (answer, both) = counts.by_answer.rows()[0]
    assert (answer, both.logins, both.devices) == (way, 2, {"pc"})
    assert (both.first[-7:-5], both.last[-7:-5]) == ("02", "05")
    assert [key for key, _ in counts.by_rule.rows()] == [("good", "all", *way)]
    assert [key for key, _ in counts.by_nas.rows()] == [("n1", *way), ("n2", *way)]
    assert [key for key, _ in counts.by_group.rows()] == [("campus", *way), ("wired", *way)]
    assert [key for key, _ in counts.by_location.rows()] == [("berlin/b7", *way)]
    assert counts.by_location.rows()[0][1].example.time.endswith("05.000Z")


def test_the_row_with_the_most_devices_comes_first(differs: Callable[..., Differs]) -> None:
    table = Table()
    for _ in range(9):
        table.add(("noisy",), differs())
    for whose in ("a", "b"):
        table.add(("fleet",), differs(whose=whose))
    assert [(key, row.logins, len(row.devices)) for key, row in table.rows()] == [
        (("fleet",), 2, 2),
        (("noisy",), 9, 1),
    ]


def test_what_there_is_no_row_for_is_counted_as_other(differs: Callable[..., Differs]) -> None:
    table = Table(most=2)
    for number in range(10):
        table.add((f"rule {number}", "all"), differs(rule=f"rule {number}"))
    table.add(("rule 0", "all"), differs())
    assert [(key, row.logins) for key, row in table.rows()] == [
        (("rule 0", "all"), 2),
        (("rule 1", "all"), 1),
        ((OTHER, OTHER), 8),
    ]


def test_devices_are_told_apart_up_to_a_number(differs: Callable[..., Differs]) -> None:
    table = Table()
    for number in range(MOST_DEVICES + 50):
        table.add(("k",), differs(whose=str(number)))
    ((_, row),) = table.rows()
    assert (row.logins, len(row.devices)) == (MOST_DEVICES + 50, MOST_DEVICES)


def test_rules_that_ask_for_compliance_are_bounded_too() -> None:
    counts = Differences(0.0, most=2)
    for number in range(5):
        counts.add(NotCompared(why=Why.UNDECIDABLE, detail=f"rule {number}"))
    assert counts.undecidable == {"rule 0": 1, "rule 1": 1, OTHER: 3}


def test_an_empty_table_has_no_rows() -> None:
    assert Table().rows() == []
