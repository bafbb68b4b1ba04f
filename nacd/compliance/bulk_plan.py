"""When the list of all noncompliant devices may be asked for.

Knows: Microsoft's rule for that list, and when it was tried before. Refuses to know: the list, the call, the disk.

Theory. The first call for the list opens a window of four hours. Calls in its first hour are free, calls in the
other three are refused with 503. So a run that fails is repeated within the first hour, with growing pauses, and
after that nothing is asked until the window is surely over. What is kept must survive a restart, so it is wall time,
and it is kept *before* the call: a daemon that dies in the call, again and again, is then no worse than one whose
calls fail. Whether a call that failed has reached Microsoft is unknown, so the window is taken to be as bad as it can
be at either end: the free hour counts from our first try in it, the four hours from our last. A refusal may be about
a window that somebody else opened, so it counts a whole interval.

A clock that was set back leaves times that lie ahead, and what happened since then is anybody's guess. Such a window
is taken to be opened and used up just now (``settled``): a true window cannot end later than that, so none is burnt,
and the wait ends after one interval, so it does not stop for ever. A clock set forward cannot be told from time that
passed, nor one set back by less than the daemon was down: it may cost one refusal, and with it one interval. Nothing
worse follows from either.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

WINDOW_S: Final = 4 * 3600.0
"""How long a window lasts, by Microsoft's count."""
INTERVAL_S: Final = WINDOW_S + 15 * 60.0
"""From one run to the next. More than a window: the two clocks and the way to Microsoft take their part."""
SHORTEST_INTERVAL_S: Final = WINDOW_S + 5 * 60.0
"""A shorter interval would be refused each time; it is raised to this."""

RUN_S: Final = 10 * 60.0
"""How long a run may take: 60,000 devices come in 600 pages, one after the other."""

# The end of the free hour is for the pages of a run that began before it.
_LAST_START_S: Final = 3600.0 - RUN_S
# (this long into the window at most, so long a pause)
_PAUSES_S: Final = ((60.0, 60.0), (180.0, 120.0), (480.0, 300.0), (1080.0, 600.0), (2280.0, 1200.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkWindow:
    """What is known of one tenant's window; each a wall time in seconds, 0.0 for never.

    opened_at: the first try in the window, whether or not it arrived. last_try_at: the last one, or the moment that
    it failed. last_success_at: the last whole list. last_quota_at: when the quota was last used up, because Microsoft
    said so, or because a clock that was set back leaves us to suppose it.
    """

    opened_at: float = 0.0
    last_try_at: float = 0.0
    last_success_at: float = 0.0
    last_quota_at: float = 0.0


def next_run(window: BulkWindow, now_wall: float, interval_s: float = INTERVAL_S) -> float:
    """Wall time of the next try; one that is not after ``now_wall`` means at once.

    interval_s: at least ``SHORTEST_INTERVAL_S``, and raised to it. Times that lie ahead of ``now_wall`` give one
    interval from now; keep ``settled`` first, or that interval begins anew with each look.
    """
    interval_s = max(interval_s, SHORTEST_INTERVAL_S)
    window = settled(window, now_wall)
    if not window.last_try_at and not window.last_quota_at:
        return now_wall
    pause_s = _pause_s(window)
    # Who was not there when it was due may find the free hour over.
    if pause_s and max(window.last_try_at + pause_s, now_wall) <= window.opened_at + _LAST_START_S:
        return window.last_try_at + pause_s
    return max(window.last_try_at, window.last_quota_at) + interval_s


def settled(window: BulkWindow, now_wall: float) -> BulkWindow:
    """The same window, unless a time in it lies ahead: then one that is used up just now. Keep it when it differs."""
    if max(window.opened_at, window.last_try_at, window.last_success_at, window.last_quota_at) <= now_wall:
        return window
    return BulkWindow(
        opened_at=now_wall,
        last_try_at=min(window.last_try_at, now_wall),
        last_success_at=min(window.last_success_at, now_wall),
        last_quota_at=now_wall,
    )


def tried(window: BulkWindow, now_wall: float) -> BulkWindow:
    """A run begins now. To be kept before the first call is made."""
    window = settled(window, now_wall)
    # Only four hours after the last try is it sure that whichever of them opened the window, it is over.
    over = now_wall >= window.last_try_at + WINDOW_S and now_wall >= window.last_quota_at + WINDOW_S
    return replace(window, opened_at=now_wall if over else window.opened_at, last_try_at=now_wall)


def succeeded(window: BulkWindow, now_wall: float) -> BulkWindow:
    """Every page is here."""
    return replace(settled(window, now_wall), last_success_at=now_wall)


def failed(window: BulkWindow, now_wall: float) -> BulkWindow:
    """The run ended without the whole list, for any reason but the quota. The pause counts from here."""
    return replace(settled(window, now_wall), last_try_at=now_wall)


def refused_for_quota(window: BulkWindow, now_wall: float) -> BulkWindow:
    """Microsoft answered 503: somebody has had this window's list already."""
    return replace(settled(window, now_wall), last_quota_at=now_wall)


def _pause_s(window: BulkWindow) -> float:
    """Seconds from the last try to its repetition in the free hour; 0.0 when it is not to be repeated there."""
    if window.last_success_at >= window.last_try_at or window.last_quota_at >= window.opened_at:
        return 0.0
    into_s = window.last_try_at - window.opened_at
    for until_s, pause_s in _PAUSES_S:
        if into_s < until_s:
            return pause_s
    return 0.0
