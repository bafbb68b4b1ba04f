"""When many sessions would change at once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from nacd.session.guard import DISCARDED, GO, NO_INTUNE, TOO_MANY, Flip, Go, Guard, Guards, Hold

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
    count = tight.count(0.0)
    assert (count.held, count.for_intune, count.holding_until) == (1, 1, 0.0), "it does not set off the guard"
    assert tight.ask(down(1), 1000, 1.0) == GO
    assert tight.count(1.0).held == 0


def test_what_waits_for_intune_can_be_released_and_discarded() -> None:
    tight = guard()
    tight.ask_all(downs(1, 3), 1000, 0.0, trouble=True)
    assert tight.release() == 3
    assert tight.ask_all(downs(1, 3), 1000, 1.0, trouble=True) == (GO, GO, GO)
    tight.ask_all(downs(4, 5), 1000, 2.0, trouble=True)
    assert tight.discard() == 2
    assert why(tight.ask(down(4), 1000, 3.0)) == DISCARDED
    assert tight.count(3.0).held == 0


def test_the_end_of_a_hold_does_not_let_go_what_waits_for_intune() -> None:
    tight = guard()
    tight.ask_all(downs(1, 11), 1000, 0.0)
    tight.ask(down(20), 1000, HOLD - 1, trouble=True)
    assert tight.ask(down(1), 1000, HOLD) == GO
    assert why(tight.ask(down(20), 1000, HOLD, trouble=True)) == NO_INTUNE
    assert tight.held() == (20,)


def test_a_hold_in_which_nobody_waits_any_more_is_over_and_what_went_before_it_counts_on() -> None:
    tight = guard()
    tight.ask_all(downs(100, 108), 1000, 0.0)
    tight.ask_all(downs(1, 51), 1000, 1.0)
    for id in range(1, 52):
        tight.forget(id)
    assert tight.count(2.0).holding_until == 0.0
    assert tight.ask(down(99), 1000, 2.0) == GO
    assert why(tight.ask(down(98), 1000, 2.0)) == TOO_MANY, "nine, and one, and one too many"


# -- over a restart -------------------------------------------------------------------------------


def restarted(before: Guard, waiting: dict[int, str], now: float, ahead_s: float = 0.0) -> Guard:
    """Another guard that knows what this one knew; its clock is this far ahead."""
    after = guard()
    after.resume(before.memory().on_clock(ahead_s), waiting, now)
    return after


def test_a_hold_ends_when_it_would_have_ended_without_the_restart() -> None:
    tight = guard()
    tight.ask_all(downs(1, 11), 1000, 0.0)
    for second in (1000.0, 2000.0, HOLD - 1):
        tight = restarted(tight, dict.fromkeys(range(1, 12), TOO_MANY), second)
        assert all(map(why, tight.ask_all(downs(1, 11), 1000, second)))
        tight.resumed()
        assert tight.count(second).holding_until == HOLD
    tight = restarted(tight, dict.fromkeys(range(1, 12), TOO_MANY), HOLD + 1)
    assert all(each == GO for each in tight.ask_all(downs(1, 11), 1000, HOLD + 1))


def test_a_clock_that_was_set_back_does_not_hold_for_ever() -> None:
    tight = guard()
    tight.ask_all(downs(1, 11), 1000, 1e6)
    tight.discard()
    tight.ask_all(downs(21, 31), 1000, 1e6)
    late = restarted(tight, dict.fromkeys([*range(1, 12), *range(21, 32)], TOO_MANY), 100.0)
    ruled = late.ask_all([*downs(1, 11), *downs(21, 31)], 1000, 100.0)
    assert {each.until for each in ruled if isinstance(each, Hold)} == {100.0 + HOLD}


def test_what_went_before_a_restart_counts_within_the_window() -> None:
    tight = guard()
    tight.ask_all(downs(1, 10), 1000, 0.0)
    assert why(restarted(tight, {}, 1.0).ask(down(11), 1000, 1.0)) == TOO_MANY
    assert restarted(tight, {}, WINDOW).ask(down(11), 1000, WINDOW) == GO
    assert why(restarted(tight, {}, -500.0).ask(down(11), 1000, -500.0)) == TOO_MANY, "the clock was set back"


def test_what_was_discarded_or_let_go_is_so_after_a_restart() -> None:
    tight = guard()
    tight.ask_all(downs(1, 11), 1000, 0.0)
    tight.discard()
    after = restarted(tight, {1: DISCARDED, 2: TOO_MANY}, 1.0)
    assert {why(each) for each in after.ask_all(downs(1, 2), 1000, 1.0)} == {DISCARDED}
    assert after.ask(down(3), 1000, 1.0) == GO, "nothing was wanted of it any more"
    tight = guard()
    tight.ask_all(downs(1, 11), 1000, 0.0)
    tight.release()
    after = restarted(tight, dict.fromkeys(range(1, 12), TOO_MANY), 1.0)
    assert all(each == GO for each in after.ask_all(downs(1, 11), 1000, 1.0))


def test_of_a_past_that_is_lost_it_is_taken_that_all_that_may_has_gone() -> None:
    after = guard()
    after.resume(None, {1: TOO_MANY, 2: DISCARDED}, 50.0)
    assert {why(each) for each in after.ask_all(downs(1, 3), 1000, 50.0)} == {TOO_MANY}
    assert (after.count(50.0).limit, after.count(50.0).holding_until) == (0, 50.0 + HOLD)
    quiet = guard()
    quiet.resume(None, {}, 50.0)
    quiet.resumed()
    assert why(restarted(quiet, {}, 51.0).ask(down(1), 1000, 51.0)) == TOO_MANY, "another restart knows no more"
    assert quiet.ask(down(1), 1000, 50.0 + WINDOW) == GO


def test_a_restart_gives_no_new_burst_of_live_answers() -> None:
    tight = guard(max_flips=1)
    tight.ask_all(downs(1, 5), 1000, 0.0)
    assert why(restarted(tight, {1: TOO_MANY}, 0.0).ask(down(9, confirmed_live=True), 1000, 0.0))


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
        free = dict(self.guard.memory().passed)
        for flip, ruling in zip(flips, rulings, strict=True):
            if ruling == GO and flip.id in self.pardoned:
                self.pardoned.discard(flip.id)
            elif ruling == GO:
                self.gone.append((self.now, flip.id, flip.id not in free))
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
    def the_daemon_is_started_again(self) -> None:
        """On another clock, and what was held is asked about again."""
        held = self.guard.held()
        before, self.guard = self.guard, Guard(self.LIMIT, 100.0, WINDOW, HOLD, self.RATE)
        kept = before.memory().on_clock(1e9).on_clock(-1e9)
        self.guard.resume(kept, dict.fromkeys([*held, *before.memory().discarded, *self.pardoned], TOO_MANY), self.now)
        self.many_flip(list(held), live=False, trouble=False)
        self.guard.resumed()

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


def test_new_limits_count_from_now_on_and_what_has_gone_and_is_held_stays() -> None:
    one = guard(max_flips=2)
    assert [why(each) == "" for each in one.ask_all(downs(1, 2), 1000, 0.0)] == [True, True]
    assert why(one.ask(down(3), 1000, 1.0))
    one.go_by(guard(max_flips=100))
    assert one.held()
    assert one.count(2.0).passed == 2
    one.release()
    assert not any(map(why, one.ask_all(downs(3, 60), 1000, 3.0)))
    one.go_by(guard(max_flips=1))
    assert why(one.ask(down(99), 1000, 4.0))
