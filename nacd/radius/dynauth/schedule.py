"""When an unanswered request is sent again, and when it is given up (RFC 5080 section 2.2.1).

Knows: the back-off with its jitter. Refuses to know: clocks, random sources, sockets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_JITTER_MAX: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The four numbers of RFC 5080, under its names: irt_s first wait, mrt_s longest wait, mrc most transmissions,
    mrd_s how long all of it may take, seconds."""

    irt_s: float = 2.0
    mrt_s: float = 16.0
    mrc: int = 5
    mrd_s: float = 30.0

    def __post_init__(self) -> None:
        if min(self.irt_s, self.mrt_s, self.mrd_s) <= 0 or self.mrc < 1:
            raise ValueError("the times and the number of transmissions are positive")


DEFAULT: Final = Timing()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One transmission. number: counts from 1. wait_s: for an answer to it. began: when the first one left.

    next_at: when there is something to do again. last: nothing but giving up is left then. Times are seconds of the
    caller's clock.
    """

    number: int
    wait_s: float
    began: float
    next_at: float
    last: bool


def first(timing: Timing, now: float, jitter: float) -> Attempt:
    """The first transmission, at ``now``. jitter: RAND of RFC 5080, from -0.1 to 0.1, new each time."""
    return _attempt(timing, 1, timing.irt_s * (1 + _checked(jitter)), began=now, now=now)


def following(timing: Timing, before: Attempt, now: float, jitter: float) -> Attempt | None:
    """The transmission after ``before``, at ``now``; None: give up."""
    if before.last or now >= before.began + timing.mrd_s:
        return None
    wait_s = before.wait_s * (2 + _checked(jitter))
    if wait_s > timing.mrt_s:
        wait_s = timing.mrt_s * (1 + jitter)
    return _attempt(timing, before.number + 1, wait_s, began=before.began, now=now)


def _attempt(timing: Timing, number: int, wait_s: float, *, began: float, now: float) -> Attempt:
    ends_at = began + timing.mrd_s
    next_at = min(now + wait_s, ends_at)
    last = number >= timing.mrc or next_at >= ends_at
    return Attempt(number=number, wait_s=wait_s, began=began, next_at=next_at, last=last)


def _checked(jitter: float) -> float:
    if not -_JITTER_MAX <= jitter <= _JITTER_MAX:
        raise ValueError("jitter is within -0.1 and 0.1")
    return jitter
