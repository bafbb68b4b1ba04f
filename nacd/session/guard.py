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

A hold in which nobody waits any more is over: it would stop the next one for a reason that is gone. What a guard knows
outlives a restart (``Memory``), or whatever ends the daemon often would let as many through each time. Of a past that
cannot be known it is taken that all that may has gone: for one window nothing else goes unless it is confirmed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

_ROUNDING: Final = 1e-6

# What is held is on the disk with its reason, and known again by that after a restart.
TOO_MANY: Final = "more sessions would change at once than the guard allows"
ITS_TURN: Final = "many sessions change at once; this one is confirmed and waits its turn"
DISCARDED: Final = "an admin has discarded it"
NO_INTUNE: Final = "Intune cannot be reached, and what is known is old"
REASONS: Final = frozenset({TOO_MANY, ITS_TURN, DISCARDED, NO_INTUNE})


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
    for_intune: those of them that wait for Intune to be reached, which is no hold. holding_until: when the hold runs
    out, 0.0 if there is none."""

    passed: int
    limit: int
    held: int
    holding_until: float
    for_intune: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What has to outlive a restart. Times are seconds of the owner's clock, 0.0 for none.

    held_until: end of the hold. discarded, released: sessions. passed: session and when it went. unknown_until: for so
    long it is not known how many have gone.
    """

    held_until: float = 0.0
    discarded_until: float = 0.0
    unknown_until: float = 0.0
    discarded: tuple[int, ...] = ()
    released: tuple[int, ...] = ()
    passed: tuple[tuple[int, float], ...] = ()

    def on_clock(self, ahead_s: float) -> Memory:
        """The same on a clock that is this far ahead."""
        return replace(
            self,
            held_until=self.held_until and self.held_until + ahead_s,
            discarded_until=self.discarded_until and self.discarded_until + ahead_s,
            unknown_until=self.unknown_until and self.unknown_until + ahead_s,
            passed=tuple([(id, at + ahead_s) for id, at in self.passed]),
        )


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
        self._for_intune: dict[int, None] = {}
        self._unknown_until = 0.0
        self._resuming = False
        self.changes = 0
        """Goes up whenever ``memory`` has changed."""
        self.let_go = 0
        """How many went with the end of the last hold."""

    def go_by(self, other: Guard) -> None:
        """The limits of the other one count from now on; what has gone and what is held stays."""
        self._max_flips = other._max_flips
        self._max_flip_percent = other._max_flip_percent
        self._window_s = other._window_s
        self._hold_s = other._hold_s
        self._confirmed_per_s = other._confirmed_per_s
        self._burst = other._burst
        self._tokens = min(self._tokens, other._burst)

    def ask(self, flip: Flip, live_sessions: int, now: float, *, trouble: bool = False) -> Ruling:
        """Whether this one may go. live_sessions: all there are, for the percentage.

        trouble: it rests on older knowledge, and Intune cannot be reached just now; it waits, and does not count.
        """
        return self.ask_all((flip,), live_sessions, now, trouble=trouble)[0]

    def ask_all(
        self, flips: Sequence[Flip], live_sessions: int, now: float, *, trouble: bool = False
    ) -> tuple[Ruling, ...]:
        """As ``ask``, for what one poll or one list wants: if all of it is too much, none of it goes first."""
        self._advance(now)
        self._limit = self._limit_of(live_sessions) if now >= self._unknown_until else 0
        if not self._held_until:
            new = {each.id for each in flips if self._counts(each, trouble)}
            if len(self._passed.keys() | new) > self._limit and new:
                self._held_until = now + self._hold_s
                self._released.clear()
                self.changes += 1
        rulings = tuple([self._rule(each, trouble, now) for each in flips])
        self._end_if_empty()
        return rulings

    def release(self) -> int:
        """Let go what is held, when it is asked about next: how many."""
        stopped = {*self._held, *self._for_intune}
        self._released |= stopped
        self._open(len(stopped))
        return len(stopped)

    def discard(self) -> int:
        """What is held, or was let go and has not gone yet, is not to happen for as long as a hold lasts, unless a live
        answer confirms it: how many."""
        stopped = {*self._held, *self._for_intune, *self._released}
        self._discarded |= stopped
        self._discarded_until = max(self._held_until, self._counted_at + self._hold_s)
        self._released.clear()
        self._open(0)
        return len(stopped)

    def forget(self, id: int) -> None:
        """The session is over, or nothing is wanted of it any more."""
        self._held.pop(id, None)
        self._for_intune.pop(id, None)
        self._released.discard(id)
        self._discarded.discard(id)
        self._end_if_empty()

    def held(self) -> tuple[int, ...]:
        """Ids of the sessions that wait, in the order they came."""
        return (*self._held, *self._for_intune)

    def count(self, now: float) -> Count:
        """How things are."""
        self._advance(now)
        return Count(
            passed=len(self._passed),
            limit=self._limit,
            held=len(self._held) + len(self._for_intune),
            holding_until=self._held_until,
            for_intune=len(self._for_intune),
        )

    # -- over a restart --------------------------------------------------------------------------

    def memory(self) -> Memory:
        """What ``resume`` needs, on the clock of ``now``."""
        return Memory(
            held_until=self._held_until,
            discarded_until=self._discarded_until if self._discarded else 0.0,
            unknown_until=self._unknown_until,
            discarded=tuple(self._discarded),
            released=tuple(self._released),
            passed=tuple(self._passed.items()),
        )

    def resume(self, known: Memory | None, waiting: Mapping[int, str], now: float) -> None:
        """Go on after a restart, before anything is asked; ``resumed`` ends that.

        known: on the clock of ``now``, None if it is lost. waiting: what was held by this guard, with its reason. No
        time of it lies further away than it can: the clock may have been set back meanwhile.
        """
        self._counted_at = max(self._counted_at, now)
        self._tokens = 0.0
        self._resuming = True
        self.changes += 1
        waits = {id: None for id, why in waiting.items() if why in (TOO_MANY, ITS_TURN)}
        if known is None:
            self._unknown_until = now + self._window_s
            self._held = waits
            self._held_until = now + self._hold_s if waits else 0.0
            return
        self._unknown_until = min(known.unknown_until, now + self._window_s)
        passed = sorted([(min(at, now), id) for id, at in known.passed])
        self._passed = OrderedDict((id, at) for at, id in passed)
        self._discarded = waiting.keys() & set(known.discarded)
        self._discarded_until = min(known.discarded_until, now + self._hold_s)
        self._released = waiting.keys() & set(known.released)
        if known.held_until:
            self._held_until = min(known.held_until, now + self._hold_s)
            self._held = {id: None for id in waits if id not in self._discarded and id not in self._released}

    def resumed(self) -> None:
        """All that was held has been asked about again."""
        self._resuming = False
        self._end_if_empty()

    # -- parts -----------------------------------------------------------------------------------

    def _open(self, let_go: int) -> None:
        self._held.clear()
        self._for_intune.clear()
        self.changes += 1
        self.let_go = let_go
        if self._held_until:
            # What a person let go is no reason to stop the next one.
            self._passed.clear()
            self._held_until = self._unknown_until = 0.0

    def _end_if_empty(self) -> None:
        """What went before the hold still counts: nobody has said that it was right."""
        if self._held_until and not self._held and not self._resuming:
            self._held_until = 0.0
            self.let_go = 0
            self.changes += 1

    def _rule(self, flip: Flip, trouble: bool, now: float) -> Ruling:
        self._for_intune.pop(flip.id, None)
        if flip.id in self._released:
            self._released.discard(flip.id)
            return GO
        if not flip.confirmed_live:
            if flip.id in self._discarded:
                return Hold(why=DISCARDED, until=self._discarded_until)
            if trouble:
                self._held.pop(flip.id, None)
                self._for_intune[flip.id] = None
                return Hold(why=NO_INTUNE, until=now + self._window_s)
        if self._held_until:
            return self._rule_in_a_hold(flip, now)
        self._discarded.discard(flip.id)
        self._passed[flip.id] = now
        self._passed.move_to_end(flip.id)
        self.changes += 1
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
            return Hold(why=ITS_TURN, until=now + wait_s)
        return Hold(why=TOO_MANY, until=self._held_until)

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
            # No time of the guard's lets go what waits for Intune.
            for_intune = dict(self._for_intune)
            self._released.update(self._held)
            self._open(len(self._held))
            self._for_intune = for_intune
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
