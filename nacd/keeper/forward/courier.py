"""One destination: takes records from the trail, sends them, and remembers how far it came. A thread of its own.

Knows: the order of things (read, choose, send, settle, keep), and what is done when it goes wrong. Refuses to know:
protocols (``doors/``), formats, files of the trail (``following``).

Theory: the trail is the queue. Nothing is held here but one batch, so memory is bounded however long a destination is
away, and nothing the daemon does waits for any of this. The place that is kept moves only behind what a door calls
settled; whatever happens in between, the next start goes on from there, and sends some records twice.

A record that is refused by itself is passed over only when a later one is taken: a destination that refuses
everything (a wrong URL, another index) loses nothing by that.
"""

from __future__ import annotations

import random
import threading
import time
import traceback
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Final, TypeAlias

from nacd.audit.mapping.formats import FORMATS
from nacd.audit.mapping.record import CHECKPOINT
from nacd.config.sections.audit.forwarding import Destination
from nacd.keeper.forward.cursor import Cursor, Kept
from nacd.keeper.forward.doors.door import Door, Event, Refused, Trouble
from nacd.keeper.forward.following import Follower, newest
from nacd.keeper.forward.pace import Backoff, Pace
from nacd.keeper.pipe import Closed

Say: TypeAlias = Callable[[str, Mapping[str, str | int | float]], None]

IDLE_S: Final = 0.5
KEEP_EVERY_S: Final = 1.0
_MOST_REFUSED: Final = 10
"""Refused one after the other, none taken between: it is the destination that is wrong, not the records."""
_LOOK_S: Final = 10.0
_HELD_S: Final = 90.0
"""So long a checkpoint may wait for the disk: `sync_every` is a minute at most."""
_MOST_LOOKS: Final = 1_000
_SET_ASIDE: Final = "forward.set_aside"
_MOST_REMEMBERED: Final = 1_000
_SEVERITIES: Final = ("information", "warning", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one destination stands. newest: number of the newest record of the trail, when it was last looked at."""

    kept: Kept
    newest: int
    oldest_waiting_at: float
    sent: int
    lost: int


class Courier:
    """Serves one destination from ``run``, in a thread; ``standing`` and ``stop`` are for others."""

    def __init__(
        self,
        destination: Destination,
        *,
        live: Path,
        folder: Path,
        door: Door,
        say: Say,
        version: str,
        head: Path | None = None,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """live: the live log. folder: where cursors lie. say: as ``keeper.hosting.Say``. head: as ``Follower``."""
        self._to = destination
        self._live = live
        self._door = door
        self._say = say
        self._version = version
        self._wall, self._monotonic = wall, monotonic
        self._cursor = Cursor(folder, destination.name)
        self._kept = self._cursor.read()
        start = "oldest" if self._kept.note else destination.start
        self._follower = Follower(live, self._kept.place, start=start, head=head)
        self._held = (0, 0.0)
        self._event = FORMATS[destination.format]
        self._wants = lru_cache(maxsize=1_024)(self._asked_for)
        self._pace = Pace(destination.pace, monotonic())
        self._backoff = Backoff(random.random)
        self._stop = threading.Event()
        self._refused: list[tuple[Event, str]] = []
        self._kept_at = -1e9
        self._place_kept = self._kept.place
        told_s = self._kept.at - self._kept.since if self._kept.problem else 0.0
        self._told_down = told_s >= destination.down_after.total_seconds()
        self._looked_at, self._newest = -1e9, 0
        self._began = (self._kept.sent, self._kept.lost)
        self._oldest_waiting_at = 0.0
        self._looks: deque[tuple[int, float]] = deque()
        self._lost_to = 0
        self._aside: OrderedDict[object, None] = OrderedDict()

    # -- for others ----------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        return self._to.name

    @property
    def destination(self) -> Destination:
        return self._to

    def standing(self) -> Standing:
        """How it stands now."""
        kept, began = self._kept, self._began
        return Standing(
            kept=kept,
            newest=self._newest,
            oldest_waiting_at=self._oldest_waiting_at,
            sent=kept.sent - began[0],
            lost=kept.lost - began[1],
        )

    def stop(self) -> None:
        """End soon."""
        self._stop.set()

    # -- the thread ----------------------------------------------------------------------------------

    def run(self) -> None:
        """Serve until told to stop."""
        if self._kept.note:
            self._say("forward.begun_anew", {"destination": self.name, "problem": self._kept.note, "seq": 0})
        while not self._stop.is_set():
            self._stop.wait(self.round())
        self._door.close()
        self._settle(at_once=True)

    def round(self) -> float:
        """One batch, or a look whether there is one. Returns how long to wait before the next, seconds."""
        try:
            went = self._batch()
            self._door.tend()
            self._settle()
        except Trouble as trouble:
            return self._failed(trouble)
        except OSError as trouble:
            return self._failed(Trouble(f"the trail cannot be read: {(trouble.strerror or 'error').lower()}"))
        except Closed:
            raise
        except Exception as bug:  # noqa: BLE001 - else the thread ends, and the destination looks as if all were well
            traceback.print_exc(chain=False)  # what caused it may quote a header, with what is secret in it
            return self._failed(Trouble(f"a bug in nacd, see the log: {type(bug).__name__}"))
        self._look()
        return self._pace.wait_s() if went else IDLE_S

    def _batch(self) -> bool:
        room = min(self._to.batch.records, self._pace.room(self._monotonic()))
        if room < 1:
            return True
        taken = self._follower.take(room, self._to.batch.size)
        self._remark()
        self._note_held()
        if not taken:
            return False
        self._pace.went(len(taken))
        events = []
        for record, place in taken:
            if record is None:
                self._passed_over("a line is no record", 0, place)
            elif self._wants(record.name, record.code, record.severity):
                events.append(Event(self._event(record, self._version), record, place))
        if events:
            self._hand_over(events)
        if not self._refused:
            self._door.passed(taken[-1].place)
        return True

    def _asked_for(self, name: str, code: str, severity: str) -> bool:
        if code == CHECKPOINT:
            return True
        if _SEVERITIES.index(severity) < _SEVERITIES.index(self._to.min_severity):
            return False
        return any(fnmatchcase(name, pattern) for pattern in self._to.events)

    def _hand_over(self, events: Sequence[Event]) -> None:
        """Send them; what is refused is sent in halves, down to the record that is to blame. Raises Trouble."""
        waiting = [events]
        while waiting:
            part = waiting.pop()
            try:
                self._door.send(part)
            except Refused as refused:
                if len(part) > 1:
                    middle = len(part) // 2
                    waiting += [part[middle:], part[:middle]]
                    continue
                self._refuse(part[0], str(refused))
                continue
            self._kept = replace(self._kept, sent=self._kept.sent + len(part))
            for event, why in self._refused:
                self._passed_over(why, event.record.seq, event.place, is_said=event.record.name != _SET_ASIDE)
            self._refused.clear()
            self._door.passed(part[-1].place)

    def _refuse(self, event: Event, why: str) -> None:
        self._refused.append((event, why))
        if self._to.when_refused == "wait" or len(self._refused) >= _MOST_REFUSED:
            raise Trouble(f"{why}; {len(self._refused)} one after the other" if len(self._refused) > 1 else why)

    def _passed_over(self, why: str, seq: int, which: object, *, is_said: bool = True) -> None:
        """Said once, however often the same place is come by. A record that says just that is only counted: to say it
        would make the next one that is refused, and so on without end."""
        if which in self._aside:
            return
        self._aside[which] = None
        if len(self._aside) > _MOST_REMEMBERED:
            self._aside.popitem(last=False)
        self._kept = replace(self._kept, set_aside=self._kept.set_aside + 1)
        if is_said:
            self._say(_SET_ASIDE, {"destination": self.name, "problem": why, "seq": seq})

    def _remark(self) -> None:
        """Say what the reader found missing."""
        follower = self._follower
        if follower.base is not None and (self._kept.place is None or follower.anew):
            self._kept = replace(self._kept, place=follower.base)
            self._lost_to = 0
        for missing in follower.missing:
            if missing.last_seq <= self._lost_to:
                continue  # counted before a trouble made it be read again
            self._lost_to = missing.last_seq
            count = missing.last_seq - missing.first_seq + 1
            self._kept = replace(self._kept, lost=self._kept.lost + count)
            told: dict[str, str | int | float] = {"destination": self.name, "problem": missing.problem, "lost": count}
            self._say("forward.lost", {**told, "first_seq": missing.first_seq, "last_seq": missing.last_seq})
        for why in follower.anew:
            seq = follower.base.first_seq if follower.base is not None else 0
            self._say("forward.begun_anew", {"destination": self.name, "problem": why, "seq": seq})
        for what in follower.unreadable:
            self._passed_over(f"a part of the trail cannot be read: {what}", 0, what)
        for found in (follower.missing, follower.anew, follower.unreadable):
            found.clear()

    # -- well and not well ---------------------------------------------------------------------------

    def _settle(self, *, at_once: bool = False) -> None:
        """Keep how far it is, at most once a second."""
        settled = self._door.settled()
        if self._is_held():
            self._complain(f"checkpoint {self._held[0]} waits: `head.json` does not tell that the disk has it")
        elif self._door.sound():
            self._well()
        if settled is not None:
            self._kept = replace(self._kept, place=settled)
        due = self._monotonic() >= self._kept_at + KEEP_EVERY_S
        if (due or at_once) and self._kept.place != self._place_kept:
            self._keep()

    def _well(self) -> None:
        self._backoff.reset()
        kept = self._kept
        if not kept.problem:
            return
        self._kept = replace(kept, problem="", since=0.0)
        if self._told_down:
            self._told_down = False
            self._look(now=True)
            told = {"waiting": self._waiting(), "down_s": max(0.0, self._wall() - kept.since)}
            self._say("forward.resumed", {"destination": self.name, **told})
        self._place_kept = None if self._kept.place is not None else self._place_kept  # keep it, with no problem

    def _failed(self, trouble: Trouble) -> float:
        """Go back to what is settled, and wait."""
        settled = self._door.settled()  # of this very batch a part may have been taken: it is not sent at every try
        if settled is not None:
            self._kept = replace(self._kept, place=settled)
        self._door.forget()
        self._refused.clear()
        self._follower.rewind(self._kept.place)
        self._complain(str(trouble))
        return self._backoff.wait_s(trouble.wait_s)

    def _note_held(self) -> None:
        """Since when a checkpoint waits for the disk."""
        if self._follower.holds != self._held[0]:
            self._held = (self._follower.holds, self._monotonic())

    def _is_held(self) -> bool:
        """For longer than a disk that works needs."""
        seq, since = self._held
        return seq > 0 and self._monotonic() - since >= _HELD_S

    def _complain(self, problem: str) -> None:
        now = self._wall()
        since = self._kept.since if self._kept.problem else now
        is_new = problem != self._kept.problem
        self._kept = replace(self._kept, problem=problem, since=since)
        self._look()
        if not self._told_down and now - since >= self._to.down_after.total_seconds():
            self._told_down = True
            told: dict[str, str | int | float] = {"problem": problem, "waiting": self._waiting(), "since": since}
            self._say("forward.down", {"destination": self.name, **told})
            is_new = True  # kept, so that a restart does not say it again
        if is_new:
            self._keep()

    def _keep(self) -> None:
        self._kept = replace(self._kept, at=self._wall())
        try:
            self._cursor.keep(self._kept)
        except OSError as trouble:
            # The next start sends more twice; sending goes on.
            words = f"`{self._cursor.path}` cannot be written: {(trouble.strerror or 'error').lower()}"
            self._kept = replace(self._kept, problem=words, since=self._kept.since or self._wall())
        self._kept_at, self._place_kept = self._monotonic(), self._kept.place

    def _look(self, *, now: bool = False) -> None:
        """How long the trail is by now: not often, it means reading its end."""
        if now or self._monotonic() >= self._looked_at + _LOOK_S:
            self._looked_at = self._monotonic()
            self._newest = newest(self._live)
            # What came between two looks counts from the later one. A destination that always lags a little is not
            # behind since it began to.
            self._looks.append((self._newest, self._wall()))
            sent_to = self._kept.place.seq if self._kept.place is not None else 0
            while self._looks and self._looks[0][0] <= sent_to:
                self._looks.popleft()
            if len(self._looks) > _MOST_LOOKS:
                self._looks = deque([each for number, each in enumerate(self._looks) if number % 2 == 0])
            self._oldest_waiting_at = self._looks[0][1] if self._looks else 0.0

    def _waiting(self) -> int:
        return max(0, self._newest - (self._kept.place.seq if self._kept.place is not None else 0))
