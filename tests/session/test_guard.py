"""When many sessions would change at once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from nacd.session.guard import GO, Flip, Go, Guard, Guards, Hold

WINDOW, HOLD = 600.0, 3600.0


def guard(max_flips: int = 10, percent: float = 100.0, confirmed: float = 1.0) -> Guard:
    return Guard(max_flips, percent, WINDOW, HOLD, confirmed)


def down(id: int, **more: Any) -> Flip:
    return Flip(id=id, down=True, **more)


def downs(first: int, last: int) -> list[Flip]:
    return [down(id) for id in range(first, last + 1)]


def why(ruling: Go | Hold) -> str:
    return ruling.why if isinstance(ruling, Hold) else ""


def test_as_many_as_allowed_go_and_one_more_is_held() -> None:
    tight = guard()
    assert all(tight.ask(each, 1000, 0.0) == GO for each in downs(1, 10))
    assert "guard" in why(tight.ask(down(11), 1000, 1.0))
    assert tight.count(1.0).held == 1


def test_of_one_list_that_is_too_much_nothing_goes_first() -> None:
    tight = guard()
    assert all(isinstance(each, Hold) for each in tight.ask_all(downs(1, 11), 1000, 0.0))
    assert tight.held() == tuple(range(1, 12))
    assert all(each == GO for each in guard().ask_all(downs(1, 10), 1000, 0.0))


def test_a_percentage_of_what_there_is_counts_too_but_one_may_always_go() -> None:
    tight = guard(max_flips=1000, percent=5)
    assert all(each == GO for each in tight.ask_all(downs(1, 5), 100, 0.0))
    assert isinstance(tight.ask(down(6), 100, 0.0), Hold)
    assert guard(percent=5).ask(down(1), 3, 0.0) == GO
    assert guard(percent=5).ask(down(1), 0, 0.0) == GO


def test_the_same_session_counts_once() -> None:
    tight = guard(max_flips=1)
    assert all(tight.ask(down(1), 100, float(second)) == GO for second in range(5))


def test_what_is_past_the_window_counts_no_more() -> None:
    tight = guard()
    tight.ask_all(downs(1, 10), 1000, 0.0)
    assert tight.ask(down(11), 1000, WINDOW) == GO


def test_released_ones_go_once_and_are_no_reason_to_stop_the_next() -> None:
    tight = guard()
    tight.ask_all(downs(1, 500), 1000, 0.0)
    assert tight.release() == 500
    assert all(each == GO for each in tight.ask_all(downs(1, 500), 1000, 1.0))
    assert tight.ask(down(501), 1000, 2.0) == GO
    assert isinstance(tight.ask_all(downs(1, 500), 1000, 3.0)[0], Hold), "a second time is another matter"


def test_a_hold_that_nobody_looks_at_runs_out() -> None:
    tight = guard()
    tight.ask_all(downs(1, 500), 1000, 0.0)
    held = tight.ask(down(1), 1000, HOLD - 1)
    assert isinstance(held, Hold)
    assert held.until == HOLD
    assert all(each == GO for each in tight.ask_all(downs(1, 500), 1000, HOLD))
    assert tight.count(HOLD).holding_until == 0.0


def test_what_was_discarded_does_not_go_for_as_long_as_a_hold_lasts() -> None:
    tight = guard()
    tight.ask_all(downs(1, 500), 1000, 0.0)
    assert tight.discard() == 500
    assert "discarded" in why(tight.ask(down(1), 1000, 1.0))
    assert tight.ask(down(501), 1000, 1.0) == GO, "others may"
    assert tight.ask(down(1), 1000, HOLD) == GO


def test_what_was_let_go_and_has_not_gone_yet_can_be_discarded() -> None:
    tight = guard()
    tight.ask_all(downs(1, 500), 1000, 0.0)
    tight.release()
    tight.ask_all(downs(1, 100), 1000, 1.0)
    assert tight.discard() == 400
    assert "discarded" in why(tight.ask(down(101), 1000, 2.0))


def test_a_live_answer_passes_a_hold_at_a_rate() -> None:
    tight = guard(confirmed=0.5)
    tight.ask_all(downs(1, 500), 1000, 0.0)
    assert tight.ask(down(1, confirmed_live=True), 1000, 10.0) == GO
    slow = tight.ask(down(2, confirmed_live=True), 1000, 10.0)
    assert isinstance(slow, Hold)
    assert slow.until == pytest.approx(12.0)
    assert tight.ask(down(2, confirmed_live=True), 1000, slow.until) == GO
    assert 2 not in tight.held()


def test_a_live_answer_counts_so_that_intune_cannot_empty_a_site() -> None:
    tight = guard()
    ruled = tight.ask_all([down(id, confirmed_live=True) for id in range(500)], 1000, 0.0)
    assert ruled.count(GO) == 1


def test_a_live_answer_goes_against_what_was_discarded() -> None:
    tight = guard()
    tight.ask_all(downs(1, 500), 1000, 0.0)
    tight.discard()
    assert tight.ask(down(1, confirmed_live=True), 1000, 1.0) == GO


def test_trouble_reaching_intune_holds_only_what_rests_on_older_knowledge() -> None:
    tight = guard()
    assert "Intune" in why(tight.ask(down(1), 1000, 0.0, trouble=True))
    assert tight.ask(down(2, confirmed_live=True), 1000, 0.0, trouble=True) == GO
    assert (tight.count(0.0).held, tight.count(0.0).holding_until) == (0, 0.0), "it does not set off the guard"
    assert tight.ask(down(1), 1000, 1.0) == GO


def test_what_is_over_is_held_no_more() -> None:
    tight = guard()
    tight.ask_all(downs(1, 11), 1000, 0.0)
    tight.forget(11)
    assert tight.release() == 10


def test_downgrades_and_upgrades_have_limits_of_their_own() -> None:
    both = Guards(down=guard(max_flips=1), up=guard(max_flips=2))
    assert both.ask(down(1), 1000, 0.0) == GO
    assert isinstance(both.ask(down(2), 1000, 0.0), Hold)
    assert both.ask(Flip(id=2, down=False), 1000, 0.0) == GO
    both.forget(2)
    assert (both.down.held(), both.up.held()) == ((), ())


@pytest.mark.parametrize(
    "wrong", [(0, 5, 1, 1, 1), (1, 0, 1, 1, 1), (1, 101, 1, 1, 1), (1, 5, 0, 1, 1), (1, 5, 1, 1, 0)]
)
def test_limits_that_are_none_are_refused(wrong: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="guard"):
        Guard(int(wrong[0]), *wrong[1:])


class AnyDay(RuleBasedStateMachine):
    """In any window, without a person, at most the limit goes, and what is confirmed at its rate."""

    LIMIT, RATE = 5, 0.1

    def __init__(self) -> None:
        super().__init__()
        self.guard = Guard(self.LIMIT, 100.0, WINDOW, HOLD, self.RATE)
        self.now = 0.0
        self.gone: list[tuple[float, int, bool]] = []
        self.pardoned: set[int] = set()
        self.person_at = float("-inf")

    @rule(ids=st.lists(st.integers(1, 30), max_size=12, unique=True), live=st.booleans(), trouble=st.booleans())
    def many_flip(self, ids: list[int], live: bool, trouble: bool) -> None:
        flips = [down(id, confirmed_live=live) for id in ids]
        rulings = self.guard.ask_all(flips, 100, self.now, trouble=trouble)
        holding = bool(self.guard.count(self.now).holding_until)
        for flip, ruling in zip(flips, rulings, strict=True):
            if ruling == GO and flip.id in self.pardoned:
                self.pardoned.discard(flip.id)
            elif ruling == GO:
                self.gone.append((self.now, flip.id, holding))
            else:
                assert isinstance(ruling, Hold)
                assert ruling.until > self.now

    @rule(seconds=st.sampled_from([0.0, 1.0, 30.0, 300.0, 4000.0]))
    def time_passes(self, seconds: float) -> None:
        held = set(self.guard.held())
        self.now += seconds
        if self.guard.count(self.now).holding_until == 0.0 and held:
            self.pardon(held)

    @rule()
    def a_person_releases(self) -> None:
        self.pardon(set(self.guard.held()))
        self.guard.release()

    @rule()
    def a_person_discards(self) -> None:
        self.pardoned.clear()
        self.guard.discard()
        self.person_at = self.now

    def pardon(self, ids: set[int]) -> None:
        self.pardoned |= ids
        self.person_at = self.now

    @invariant()
    def no_window_has_more_than_the_limit(self) -> None:
        since = max(self.now - WINDOW, self.person_at)
        free = {id for at, id, held in self.gone if at > since and not held}
        assert len(free) <= self.LIMIT

    @invariant()
    def a_hold_lets_little_through(self) -> None:
        through = [at for at, _, held in self.gone if held]
        for first in through:
            assert sum(first <= at <= first + 100 for at in through) <= 100 * self.RATE + 2

    @invariant()
    def what_is_held_is_counted(self) -> None:
        assert self.guard.count(self.now).held == len(self.guard.held())


AnyDay.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestAnyDay = AnyDay.TestCase
