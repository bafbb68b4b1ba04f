"""One configuration that is tried out, until it goes on or is taken back."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

from nacd.server.reload.canary.judging import Limits
from nacd.server.reload.canary.trial import LOOK_EVERY_S, Bad, GoesOn, Good, Trial, Wish
from nacd.values import Instant

BEGAN = Instant(wall=1_800_000_000.0, monotonic=500.0)
WISH = Wish(group="wired", for_s=600.0, limits=Limits(max_change=0.2, min_sample=20))


def trial(before: int = 100) -> Trial:
    prepared = SimpleNamespace(generation=SimpleNamespace(number=2, policy_digest="d" * 64), changes=("a", "b"))
    return Trial(
        prepared=cast(Any, prepared), wish=WISH, before=Counter({"profile corporate": before}), began=BEGAN, by="root"
    )


def later(seconds: float) -> Instant:
    return Instant(wall=BEGAN.wall + seconds, monotonic=BEGAN.monotonic + seconds)


def test_it_goes_on_while_all_is_well_and_is_good_at_its_end() -> None:
    one = trial()
    one.during.update({"profile corporate": 50})
    assert one.find(later(10)) == GoesOn()
    assert one.find(later(599)) == GoesOn()
    assert one.find(later(600)) == Good()


def test_it_is_bad_as_soon_as_that_is_sure() -> None:
    one = trial()
    one.during.update({"rejected": 30})
    found = one.find(later(10))
    assert isinstance(found, Bad)
    assert "rejected: 0% of its answers before, 100% now" in found.reason


def test_it_is_looked_at_now_and_then_only() -> None:
    one = trial()
    assert one.find(later(10)) == GoesOn()
    one.during.update({"rejected": 30})
    assert one.find(later(10 + LOOK_EVERY_S - 0.1)) == GoesOn()
    assert isinstance(one.find(later(10 + LOOK_EVERY_S)), Bad)


def test_with_too_few_answers_at_its_end_it_does_not_go_on() -> None:
    few = trial()
    few.during.update({"profile corporate": 19})
    found = few.find(later(600))
    assert isinstance(found, Bad)
    assert "19 answers now, and 20 are needed to compare" in found.reason
    unknown = trial(before=3)
    unknown.during.update({"profile corporate": 100})
    found = unknown.find(later(600))
    assert isinstance(found, Bad)
    assert "3 answers before" in found.reason


def test_a_clock_that_is_set_neither_ends_nor_lengthens_it() -> None:
    one = trial()
    one.during.update({"profile corporate": 50})
    assert one.find(Instant(wall=BEGAN.wall + 1e6, monotonic=BEGAN.monotonic + 1)) == GoesOn()
    assert one.find(Instant(wall=BEGAN.wall - 1e6, monotonic=BEGAN.monotonic + 600)) == Good()


def test_people_are_told_how_it_stands() -> None:
    told = trial().told(later(60))
    assert (told["group"], told["left_s"], told["until"]) == ("wired", 540.0, BEGAN.wall + 600)
    assert told["before"] == {"profile corporate": 100}
