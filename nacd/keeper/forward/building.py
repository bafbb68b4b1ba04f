"""All destinations together: the one object that the keeper runs.

Knows: which door belongs to which URL, and how the couriers begin, change and end. Refuses to know: what they do.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Final

from nacd.audit.mapping.syslog import FACILITIES, Shape
from nacd.config.sections.audit.forwarding import Destination
from nacd.keeper.forward.courier import Courier, Say
from nacd.keeper.forward.doors.datagram import Datagrams
from nacd.keeper.forward.doors.door import Door
from nacd.keeper.forward.doors.stream import Stream
from nacd.keeper.hosting import Queue
from nacd.keeper.pipe import Closed
from nacd.keeper.settings import Wanted

FOLDER = Path("audit/forward")
"""Where cursors lie, in the state folder."""
HEAD: Final = Path("audit")
"""Where the daemon keeps ``head.json``, in the state folder."""


@dataclass(frozen=True, slots=True)
class _Running:
    courier: Courier
    thread: threading.Thread


class Forwarder:
    """As ``keeper.hosting.Forwarding``."""

    def __init__(self, wanted: Wanted, say: Say) -> None:
        self._wanted = wanted
        self._say = say
        self._running: dict[str, _Running] = {}
        self._lock = threading.Lock()

    def begin(self) -> None:
        with self._lock:
            self._match()

    def renew(self, wanted: Wanted) -> None:
        """Destinations that are as they were go on undisturbed."""
        with self._lock:
            self._wanted = wanted
            self._match()

    def queues(self) -> tuple[Queue, ...]:
        with self._lock:
            running = list(self._running.values())
        return tuple(_queue(each.courier) for each in running)

    def unsent(self, first_seq: int, last_seq: int) -> Mapping[str, int]:
        """Counted by number: also those that the destination did not ask for."""
        with self._lock:
            running = list(self._running.values())
        found = {}
        for each in running:
            place = each.courier.standing().kept.place
            missing = last_seq - max(first_seq - 1, place.seq if place is not None else 0)
            if missing > 0 and last_seq > 0:
                found[each.courier.name] = missing
        return found

    def close(self, patience_s: float) -> None:
        until = time.monotonic() + patience_s
        with self._lock:
            running = list(self._running.values())
            self._running.clear()
        for each in running:
            each.courier.stop()
        for each in running:
            each.thread.join(max(0.0, until - time.monotonic()))

    def _match(self) -> None:
        """Run the couriers that are wanted, and no others."""
        wanted = {each.name: each for each in self._wanted.audit.forward}
        stopped = []
        for name, running in list(self._running.items()):
            if running.courier.destination != wanted.get(name):
                running.courier.stop()
                stopped.append(running.thread)
                del self._running[name]
        for thread in stopped:
            thread.join(2.0)
        for name, destination in wanted.items():
            if name not in self._running:
                self._running[name] = self._start(destination)

    def _start(self, destination: Destination) -> _Running:
        courier = Courier(
            destination,
            live=self._wanted.audit.file,
            folder=self._wanted.state / FOLDER,
            door=door(destination),
            say=self._say,
            version=own_version(),
            head=self._wanted.state / HEAD,
        )
        thread = threading.Thread(target=_serve, args=(courier,), name=f"forward-{destination.name}", daemon=True)
        thread.start()
        return _Running(courier, thread)


def build(wanted: Wanted, say: Say) -> Forwarder | None:
    """What the keeper runs; None when nothing is to be forwarded."""
    return Forwarder(wanted, say) if wanted.audit.forward else None


def door(destination: Destination) -> Door:
    """The way to a destination; opens nothing yet."""
    if destination.scheme.startswith("http"):
        from nacd.keeper.forward.doors.posted import Posted  # requests is half a second of every start

        return Posted(destination, own_version())
    shape = shape_of(destination)
    return Datagrams(destination, shape) if destination.scheme == "syslog+udp" else Stream(destination, shape)


def shape_of(destination: Destination) -> Shape:
    """What its syslog messages look like."""
    syslog = destination.syslog
    return Shape(
        facility=FACILITIES[syslog.facility],
        hostname=syslog.hostname or socket.gethostname(),
        enterprise=syslog.enterprise,
        longest=syslog.longest or (8_192 if destination.scheme == "syslog+udp" else 65_536),
        version=own_version(),
    )


def own_version() -> str:
    """Of nacd, as it is installed."""
    try:
        return version_of("nacd")
    except PackageNotFoundError:
        return "0"


def _serve(courier: Courier) -> None:
    try:
        courier.run()
    except Closed:
        courier.stop()  # the daemon is gone, and the keeper ends


def _queue(courier: Courier) -> Queue:
    standing = courier.standing()
    kept = standing.kept
    waiting = max(0, standing.newest - (kept.place.seq if kept.place is not None else 0))
    since = standing.oldest_waiting_at
    return Queue(
        destination=courier.name,
        waiting=waiting,
        oldest_s=max(0.0, time.time() - since) if waiting and since else 0.0,
        sent=standing.sent,
        lost=standing.lost,
        problem=kept.problem,
    )
