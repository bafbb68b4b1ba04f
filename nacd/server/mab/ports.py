"""One MAC on two ports at once by MAB: one of them shows a MAC that is not its own.

Knows: where each MAC that came by MAB is, by what NASes account for, and when two places are one too many. Refuses to
know: which of the two is the right one, and what is done about it: nobody is refused for it.

Theory. A machine that moves is in two places for a moment, because the end of its old session comes late, or is lost.
So a second place alone says nothing. What says it is the old place that is heard of again, a good while after the new
one has begun, by an Interim or another login; and then both still stand when their ends have had time to come. Both
must be accounted for: of a session that its NAS never tells of, nobody hears the end. By air a MAC wanders among the
radios of one controller, so all of a NAS is one place. This costs a look into a dictionary for each change of a session
that came by MAB, and nothing for others; the database is asked before an alarm alone.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Container
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from nacd.audit.mab import events
from nacd.server.log import logger
from nacd.server.mab.watch import Reads
from nacd.server.recorder import Recorder
from nacd.sessions import Accounted, Authorized, Change, Grounds, Phase, Place, Session
from nacd.store.live.outcome import Applied
from nacd.store.sessions import SessionStore
from nacd.values import AccessKind, Instant

WAIT_S: Final = 60.0
"""So long after a new place began the old one must be heard of; and so long both must stand afterwards."""
AGAIN_S: Final = 3_600.0
"""Of one MAC there is one alarm in this time."""
MOST_AN_HOUR: Final = 100
"""Records; beyond them alarms are counted."""
MOST_PLACES: Final = 16
"""Of one MAC: a MAC that is shown at every port must not make each record dearer than the one before."""
_MOST: Final = 100_000
_MOST_SUSPECTED: Final = 1_000

Spot: TypeAlias = tuple[str, ...]


@dataclass(slots=True)
class _Seen:
    """A session at a place. began, heard: seconds since the epoch."""

    session: int
    began: float
    heard: float


class Ports:
    """For one event loop. shared: MACs that wander between machines, of which nothing is told."""

    def __init__(self, *, read: Reads, recorder: Recorder, shared: Container[str], alarm: bool = True) -> None:
        self.alarm = alarm
        self.shared = shared
        self.alarms = 0
        """Since the start."""
        self._read = read
        self._recorder = recorder
        self._places: OrderedDict[str, dict[Spot, _Seen]] = OrderedDict()
        self._suspected: dict[str, float] = {}
        self._told: OrderedDict[str, float] = OrderedDict()
        self._written: deque[float] = deque(maxlen=MOST_AN_HOUR)
        self._work: asyncio.Task[None] | None = None

    def applied(self, change: Change, applied: Applied) -> None:
        """A change is on the disk: a listener of the book."""
        session = applied.session
        if not self.alarm or not isinstance(session, Session) or not isinstance(session.grounds, Grounds):
            return
        mac = session.grounds.mac
        if session.grounds.access is not AccessKind.MAB or not mac or mac in self.shared:
            return
        if session.phase in (Phase.ENDED, Phase.AGED):
            self._gone(mac, session.id)
        elif session.phase is Phase.LIVE and isinstance(change, Authorized | Accounted):
            at = change.at if isinstance(change, Authorized) else min(change.happened_at, change.at)
            self._heard(mac, session, at)

    def tick(self, now: Instant) -> None:
        """Once a second or so."""
        due = [mac for mac, since in self._suspected.items() if since and now.monotonic >= since + WAIT_S]
        self._suspected.update({mac: now.monotonic for mac, since in self._suspected.items() if not since})
        if due and (self._work is None or self._work.done()):
            self._work = asyncio.get_running_loop().create_task(self._confirm(due, now), name="two ports")
            self._work.add_done_callback(_ended)

    async def close(self) -> None:
        """Look at nothing more."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait({self._work})

    def _heard(self, mac: str, session: Session, at: float) -> None:
        spot = _spot(session.place)
        there = self._places.get(mac)
        if there is None:
            there = self._places[mac] = {}
            if len(self._places) > _MOST:
                self._places.popitem(last=False)
        seen = there.get(spot)
        if seen is None or seen.session != session.id:
            began = max(session.started_at, session.authorized_at)
            seen = there[spot] = _Seen(session=session.id, began=began, heard=at)
            if len(there) > MOST_PLACES:
                del there[next(iter(there))]
        else:
            seen.heard = max(seen.heard, at)
        again = any(
            other.session != seen.session and seen.began <= other.began and at >= other.began + WAIT_S
            for other in there.values()
        )
        if again and len(self._suspected) < _MOST_SUSPECTED:
            self._suspected.setdefault(mac, 0.0)

    def _gone(self, mac: str, session: int) -> None:
        there = self._places.get(mac)
        if there is None:
            return
        for spot in [spot for spot, seen in there.items() if seen.session == session]:
            del there[spot]
        if not there:
            del self._places[mac]
        if len(there) < 2:
            self._suspected.pop(mac, None)

    async def _confirm(self, macs: list[str], now: Instant) -> None:
        for mac in macs:
            self._suspected.pop(mac, None)
            for seen in tuple(self._places.get(mac, {}).values()):
                found = await self._read(partial(SessionStore.session, id=seen.session))
                if not isinstance(found, Session) or found.phase is not Phase.LIVE:
                    self._gone(mac, seen.session)
                else:
                    self._still(mac, found)
            self._tell(mac, now)

    def _still(self, mac: str, session: Session) -> None:
        """It may have moved on since: where it is now is what counts."""
        there = self._places.get(mac, {})
        for spot, seen in tuple(there.items()):
            if seen.session == session.id and spot != _spot(session.place):
                del there[spot]
                there.setdefault(_spot(session.place), seen)

    def _tell(self, mac: str, now: Instant) -> None:
        there = self._places.get(mac, {})
        last = self._told.get(mac)
        if len(there) < 2 or (last is not None and now.monotonic < last + AGAIN_S):
            return
        self._told.pop(mac, None)
        self._told[mac] = now.monotonic
        if len(self._told) > _MOST:
            self._told.popitem(last=False)
        self.alarms += 1
        ports = [_port(spot, seen) for spot, seen in there.items()]
        event = events.two_ports(mac=mac, ports=ports, now=now)
        if len(self._written) < MOST_AN_HOUR or now.monotonic >= self._written[0] + 3_600.0:
            self._written.append(now.monotonic)
            self._recorder.take((event,), now)
        self._recorder.warn_seldom("mab two ports", str(event.fields["why"]), now)


def _spot(place: Place) -> Spot:
    """NAS, its address, its name for itself, port. By air all of a NAS is one place."""
    if place.port_type.startswith("Wireless"):
        return (place.nas, "", "", "")
    return (place.nas, place.source, place.nas_identifier or place.nas_address, place.port_id or place.port)


def _port(spot: Spot, seen: _Seen) -> events.Port:
    nas, source, _, port = spot
    return events.Port(nas=nas, source=source, port=port, session=seen.session, began=seen.began, heard=seen.heard)


def _ended(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (bug := task.exception()) is not None:
        logger("mab").error("looking for one MAC on two ports has failed by an error in nacd itself", exc_info=bug)
