"""Whether a change that is wanted may be asked for now: the NAS's words, the maintenance window, the guard.

Knows: the order of the three, and when each is worth asking again. Refuses to know: what is asked and how it ends.

The window comes before the guard: what cannot happen now must not count as if it happened now. Orders of an admin pass
both. What is held by the guard waits in memory and is asked again together, so that a batch stays a batch. What
the guards know is kept before anybody acts on a ruling, so that no restart makes them forget.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final, Protocol, TypeAlias

from nacd.server.sessions.loop.telling import Telling
from nacd.session.guard import GO, Count, Flip, Guard, Guards, Hold, Memory, Ruling
from nacd.session.windows import Windows
from nacd.values import Instant

DIRECTIONS: Final = ("down", "up")
LocalMinutes: TypeAlias = Callable[[float], int]
"""From seconds since the epoch to minutes since Monday, 00:00, local time."""
_DRIFT_S: Final = 5.0


class Keeping(Protocol):
    """Where the guards' memory outlives this process, by direction, on the clock of the wall."""

    def read(self) -> Mapping[str, Memory] | None:
        """None: there is none."""

    def write(self, known: Mapping[str, Memory]) -> bool:
        """Whether it is kept."""


class Nowhere:
    """For whoever needs no restart."""

    def read(self) -> Mapping[str, Memory] | None:
        """Nothing is known, and nothing has happened."""
        return {}

    def write(self, known: Mapping[str, Memory]) -> bool:
        """It is not."""
        del known
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One change. id: of the session. tenant: whose word it rests on. old: that word is stale, or a
    list's. cannot: why its NAS cannot be asked at all."""

    id: int
    down: bool
    tenant: str = ""
    ordered: bool = False
    confirmed: bool = False
    old: bool = False
    cannot: str = ""


class Gate:
    """For one thread. A ``Hold.until`` is on the monotonic clock, infinite for what no time ends."""

    def __init__(
        self,
        *,
        guards: Guards,
        down: Windows,
        up: Windows,
        local_minutes: LocalMinutes,
        trouble: Callable[[str], bool],
        telling: Telling,
        keeping: Keeping | None = None,
    ) -> None:
        """down, up: windows of each direction. trouble: whether a tenant's Intune cannot be reached just now."""
        self._guards = guards
        self._windows = {"down": down, "up": up}
        self._local_minutes = local_minutes
        self._trouble = trouble
        self._telling = telling
        self._keeping = keeping or Nowhere()
        self._kept: tuple[int, ...] = ()
        self._ahead_s = 0.0
        self._holding: dict[str, int] = {}
        self.live_sessions = 0
        """How many there are, as was counted last."""

    def renew(self, guards: Guards, down: Windows, up: Windows) -> None:
        """Go by these limits and windows from now on; what has gone and what is held stays."""
        self._guards.down.go_by(guards.down)
        self._guards.up.go_by(guards.up)
        self._windows = {"down": down, "up": up}

    def ask(self, changes: Sequence[Wanted], now: Instant) -> list[Ruling]:
        """What may go, in the order of the changes. All of a batch are judged together."""
        rulings: dict[int, Ruling] = {}
        batches: dict[tuple[str, bool], list[Wanted]] = {}
        for each in changes:
            if each.cannot:
                rulings[each.id] = Hold(why=each.cannot, until=inf)
            elif each.ordered:
                self._guards.forget(each.id)
                rulings[each.id] = GO
            elif isinstance(closed := self.window(each, now), Hold):
                rulings[each.id] = closed
            else:
                trouble = each.old and self._trouble(each.tenant)
                batches.setdefault((_direction(each), trouble), []).append(each)
        for (direction, trouble), batch in batches.items():
            flips = [Flip(id=each.id, down=each.down, confirmed_live=each.confirmed) for each in batch]
            ruled = self._guard(direction).ask_all(flips, self.live_sessions, now.monotonic, trouble=trouble)
            rulings |= dict(zip((each.id for each in batch), ruled, strict=True))
        self._say(now)
        self._keep(now)
        return [rulings[each.id] for each in changes]

    def window(self, change: Wanted, now: Instant) -> Ruling:
        """Whether its direction has an open window."""
        windows = self._windows[_direction(change)]
        minutes = self._local_minutes(now.wall)
        if change.ordered or windows.is_open(minutes):
            return GO
        opens_in_s = windows.opens_in(minutes) * 60 - now.wall % 60
        return Hold(why="its maintenance window is closed", until=now.monotonic + max(1.0, opens_in_s))

    def release(self, direction: str, by: str, now: Instant) -> int:
        """Let go what is held, when it is asked about next. direction: ``""`` for both."""
        count = sum(self._guard(each).release() for each in _named(direction))
        self._forget_holds(direction)
        self._keep(now)
        self._telling.guard_released(direction, count, by, now)
        return count

    def discard(self, direction: str, by: str, now: Instant) -> int:
        """What is held is not to happen for as long as a hold lasts. direction: ``""`` for both."""
        count = sum(self._guard(each).discard() for each in _named(direction))
        self._forget_holds(direction)
        self._keep(now)
        self._telling.guard_discarded(direction, count, by, now)
        return count

    def forget(self, id: int) -> None:
        """Nothing is wanted of this session any more."""
        self._guards.forget(id)

    def counts(self, now: Instant) -> Mapping[str, Count]:
        """How each guard stands."""
        return {each: self._guard(each).count(now.monotonic) for each in DIRECTIONS}

    # -- over a restart --------------------------------------------------------------------------

    def resume(self, waiting: Mapping[str, Mapping[int, str]], now: Instant, *, is_new: bool) -> None:
        """Go on with what was known before a restart, ahead of the first question; ``resumed`` ends that.

        waiting: by direction, the sessions that are held on the disk, with the reason. is_new: there never was a
        session, so nothing can have been forgotten.
        """
        kept = self._keeping.read()
        for direction in DIRECTIONS:
            known = Memory() if is_new else None
            if kept is not None:
                known = kept.get(direction, Memory()).on_clock(now.monotonic - now.wall)
            self._guard(direction).resume(known, waiting.get(direction, {}), now.monotonic)
            if known is not None and (held := self._guard(direction).held()):
                self._holding[direction] = len(held)  # its beginning was told of
        self._keep(now)

    def resumed(self, now: Instant) -> None:
        """All that was held has been asked about again."""
        for direction in DIRECTIONS:
            self._guard(direction).resumed()
        self._keep(now)

    def _keep(self, now: Instant) -> None:
        """Also when the wall's clock was set: what is kept is on that one."""
        ahead_s = now.wall - now.monotonic
        changes = tuple(self._guard(each).changes for each in DIRECTIONS)
        if changes == self._kept and abs(ahead_s - self._ahead_s) < _DRIFT_S:
            return
        known = {each: self._guard(each).memory().on_clock(ahead_s) for each in DIRECTIONS}
        if self._keeping.write(known):
            self._kept, self._ahead_s = changes, ahead_s

    def _say(self, now: Instant) -> None:
        """Tell of a hold once when it begins, and when it has run out."""
        for direction, count in self.counts(now).items():
            before = self._holding.get(direction, 0)
            held = count.held - count.for_intune
            if count.holding_until and held and not before:
                until = now.wall + count.holding_until - now.monotonic
                self._telling.guard_held(direction, held, count.limit, until, now)
            elif before and not count.holding_until:
                self._telling.guard_released(direction, self._guard(direction).let_go, "", now)
            self._holding[direction] = held if count.holding_until else 0

    def _forget_holds(self, direction: str) -> None:
        for each in _named(direction):
            self._holding[each] = 0

    def _guard(self, direction: str) -> Guard:
        return self._guards.down if direction == "down" else self._guards.up


def _direction(change: Wanted) -> str:
    return "down" if change.down else "up"


def _named(direction: str) -> tuple[str, ...]:
    if direction and direction not in DIRECTIONS:
        raise ValueError(f"`{direction}` is neither `down` nor `up`")
    return (direction,) if direction else DIRECTIONS
