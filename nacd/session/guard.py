"""How many sessions may change at once before a person has to look.

Knows: how many flips there were lately, what is held and since when. Refuses to know: what a flip is made of, and
clocks. One guard is for one direction: taking access away and giving it have settings of their own.

Theory. One device that fails a check is a fact about that device. A thousand at once is a fact about Intune, a policy
or nacd, and a site that is thrown off its network for it is worse off than with a few bad devices for another hour. So
flips are counted over a window, and when there would be too many, all that are left wait: for ``release``, for
``discard``, or until the hold runs out, for a hold that nobody looks at must not last. What a live answer about this
one device says is the best knowledge there is, so it passes even then, but slowly, since Intune can be wrong at length.

    state    a flip that fits    one too many    release, or time up    discard
    OPEN     Go                  -> HELD, Hold   -                      -
    HELD     Hold (live: Go)     Hold            -> OPEN, held ones Go  -> OPEN, held ones Hold for as long again
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

_ROUNDING: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """A session would get another decision. id: of the session. down: it loses access by it. confirmed_live: Intune
    was just asked about this one device."""

    id: int
    down: bool
    confirmed_live: bool = False


@dataclass(frozen=True, slots=True)
class Go:
    """It may be asked of the NAS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Not now. why: in words. until: when it is worth asking again, on the clock of ``now``."""

    why: str
    until: float


Ruling: TypeAlias = Go | Hold
GO: Final = Go()


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """For the admin. passed: flips within the window. limit: how many may be, by the last look. held: how many wait.
    holding_until: when the hold runs out, 0.0 if nothing is held."""

    passed: int
    limit: int
    held: int
    holding_until: float


class Guard:
    """One direction. For one thread; ``now`` is seconds of a clock that never jumps.

    max_flips: in one window. max_flip_percent: of the sessions there are, over 0, at least one flip. window_s: how long
    a flip counts. hold_s: how long a hold lasts. confirmed_per_s: live answers that pass during a hold.
    """

    def __init__(
        self, max_flips: int, max_flip_percent: float, window_s: float, hold_s: float, confirmed_per_s: float
    ) -> None:
        if max_flips < 1 or not 0 < max_flip_percent <= 100 or min(window_s, hold_s, confirmed_per_s) <= 0:
            raise ValueError("the limits of a guard are positive, and a percentage is at most 100")
        self._max_flips = max_flips
        self._max_flip_percent = max_flip_percent
        self._window_s = window_s
        self._hold_s = hold_s
        self._confirmed_per_s = confirmed_per_s
        self._burst = max(1.0, confirmed_per_s)
        self._tokens = self._burst
        self._counted_at = 0.0
        self._passed: OrderedDict[int, float] = OrderedDict()  # id -> when, oldest first
        self._held: dict[int, None] = {}
        self._held_until = 0.0
        self._released: set[int] = set()
        self._discarded: set[int] = set()
        self._discarded_until = 0.0
        self._limit = max_flips

    def ask(self, flip: Flip, live_sessions: int, now: float, *, trouble: bool = False) -> Ruling:
        """Whether this one may go. live_sessions: all there are, for the percentage.

        trouble: Intune cannot be reached just now; what rests on older knowledge waits, and does not count.
        """
        return self.ask_all((flip,), live_sessions, now, trouble=trouble)[0]

    def ask_all(
        self, flips: Sequence[Flip], live_sessions: int, now: float, *, trouble: bool = False
    ) -> tuple[Ruling, ...]:
        """As ``ask``, for what one poll or one list wants: if all of it is too much, none of it goes first."""
        self._advance(now)
        self._limit = self._limit_of(live_sessions)
        if not self._held_until:
            new = {each.id for each in flips if self._counts(each, trouble)}
            if len(self._passed.keys() | new) > self._limit and new:
                self._held_until = now + self._hold_s
                self._released.clear()
        return tuple([self._rule(each, trouble, now) for each in flips])

    def release(self) -> int:
        """Let go what is held, when it is asked about next: how many."""
        self._released.update(self._held)
        return self._open()

    def discard(self) -> int:
        """What is held, or was let go and has not gone yet, is not to happen for as long as a hold lasts, unless a live
        answer confirms it: how many."""
        stopped = {*self._held, *self._released}
        self._discarded |= stopped
        self._discarded_until = max(self._held_until, self._counted_at + self._hold_s)
        self._released.clear()
        self._open()
        return len(stopped)

    def forget(self, id: int) -> None:
        """The session is over, or nothing is wanted of it any more."""
        self._held.pop(id, None)
        self._released.discard(id)
        self._discarded.discard(id)

    def held(self) -> tuple[int, ...]:
        """Ids of the sessions that wait, in the order they came."""
        return tuple(self._held)

    def count(self, now: float) -> Count:
        """How things are."""
        self._advance(now)
        return Count(passed=len(self._passed), limit=self._limit, held=len(self._held), holding_until=self._held_until)

    def _open(self) -> int:
        held = len(self._held)
        self._held.clear()
        self._held_until = 0.0
        # What a person let go is no reason to stop the next one.
        self._passed.clear()
        return held

    def _rule(self, flip: Flip, trouble: bool, now: float) -> Ruling:
        if flip.id in self._released:
            self._released.discard(flip.id)
            return GO
        if not flip.confirmed_live:
            if flip.id in self._discarded:
                return Hold(why="an admin has discarded it", until=self._discarded_until)
            if trouble:
                return Hold(why="Intune cannot be reached, and what is known is old", until=now + self._window_s)
        if self._held_until:
            return self._rule_in_a_hold(flip, now)
        self._discarded.discard(flip.id)
        self._passed[flip.id] = now
        self._passed.move_to_end(flip.id)
        return GO

    def _rule_in_a_hold(self, flip: Flip, now: float) -> Ruling:
        if flip.confirmed_live and self._tokens >= 1.0 - _ROUNDING:
            self._tokens -= 1.0
            self._held.pop(flip.id, None)
            self._discarded.discard(flip.id)
            return GO
        self._held[flip.id] = None
        if flip.confirmed_live:
            wait_s = (1.0 - self._tokens) / self._confirmed_per_s
            return Hold(
                why="many sessions change at once; this one is confirmed and waits its turn", until=now + wait_s
            )
        return Hold(why="more sessions would change at once than the guard allows", until=self._held_until)

    def _counts(self, flip: Flip, trouble: bool) -> bool:
        if flip.id in self._released:
            return False
        return flip.confirmed_live or not (trouble or flip.id in self._discarded)

    def _limit_of(self, live_sessions: int) -> int:
        by_percent = max(1, int(live_sessions * self._max_flip_percent / 100 + _ROUNDING))
        return min(self._max_flips, by_percent)

    def _advance(self, now: float) -> None:
        passed_s = max(0.0, now - self._counted_at)
        self._counted_at = max(self._counted_at, now)
        self._tokens = min(self._burst, self._tokens + passed_s * self._confirmed_per_s)
        while self._passed and next(iter(self._passed.values())) <= now - self._window_s:
            self._passed.popitem(last=False)
        if self._held_until and now >= self._held_until:
            self.release()
        if now >= self._discarded_until:
            self._discarded.clear()


class Guards:
    """Both directions."""

    def __init__(self, *, down: Guard, up: Guard) -> None:
        self.down = down
        self.up = up

    def of(self, flip: Flip) -> Guard:
        """The one that is asked about this."""
        return self.down if flip.down else self.up

    def ask(self, flip: Flip, live_sessions: int, now: float, *, trouble: bool = False) -> Ruling:
        """As ``Guard.ask``."""
        return self.of(flip).ask(flip, live_sessions, now, trouble=trouble)

    def forget(self, id: int) -> None:
        """As ``Guard.forget``."""
        self.down.forget(id)
        self.up.forget(id)
