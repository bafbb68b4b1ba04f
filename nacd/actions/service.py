"""The small service: requests come in by the door, two kinds of action go out to Graph, everything is recorded.

Knows: the order of checks, the queues, the threads. Refuses to know: HTTP, JSON, RADIUS, and every action but sync and
notify.

Theory: a request passes sender, form, `once per device and verb`, and room in its tenant's queue (each tenant has its
share: one that hangs leaves the others theirs); the time of the next one is on disk before it waits. Then a thread of
its tenant (a broken tenant must not slow another) waits for a slot of the common rate, records, acts, records. What
surely was not done may be asked again after some minutes; what perhaps was done holds for the whole time, because
`at most once` is the promise.
"""

from __future__ import annotations

import queue
import select
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from nacd.actions.asked import Asked, Key
from nacd.actions.door import Arrival, Door, Senders
from nacd.actions.journal import DONE, FAILED, REFUSED, REPEATED, REQUESTED, UNKNOWN, Deed, Journal, who
from nacd.actions.pace import Few, Pace
from nacd.actions.request import Request, Unreadable, read
from nacd.errors import AuditRefused
from nacd.intune.graph.actions import CALL_S, Outcome, Verb, Verdict

THREADS_PER_TENANT: Final = 2
AFTER_FAILURE_S: Final = 300.0
"""How long a device rests after an action that surely was not done."""
LONGEST_PAUSE_S: Final = 900.0
REFUSALS_PER_MINUTE: Final = 20
_AT_ONCE: Final = 64
_TICK_S: Final = 30.0
CODES: Final = {Verdict.DONE: DONE, Verdict.FAILED: FAILED, Verdict.UNKNOWN: UNKNOWN}
"""How each end of an action is recorded."""


class Tenant(Protocol):
    """What acts; ``GraphActions`` is one."""

    def act(self, verb: Verb, guid: str, body: Mapping[str, object] | None, until: float) -> Outcome:
        """Do it once. until: monotonic seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """once_per_s: seconds between two of the same. rate: actions a second. max_waiting: in all queues together, in
    equal shares."""

    once_per_s: float
    rate: int
    max_waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Errand:
    request: Request
    deed: Deed

    @property
    def key(self) -> Key:
        return Key(verb=self.request.verb, device=self.request.device, tenant=self.request.tenant)


class Service:
    """One run of ``nacd actions``. ``run`` returns after ``stop``, which any thread or signal handler may call."""

    def __init__(
        self,
        *,
        door: Door,
        senders: Senders,
        journal: Journal,
        asked: Asked,
        tenants: Mapping[str, Tenant],
        notification: Mapping[str, object],
        limits: Limits,
        say: Callable[[str], None],
    ) -> None:
        """say: takes a line for the operator. Owns door and asked: they are closed at the end of ``run``."""
        self.counts: Counter[str] = Counter()
        self._door = door
        self._senders = senders
        self._journal = journal
        self._asked = asked
        self._tenants = tenants
        self._bodies: Mapping[str, Mapping[str, object] | None] = {"sync": None, "notify": notification}
        self._limits = limits
        self._say = say
        self._lock = threading.Lock()
        self._pace = Pace(per_s=limits.rate)
        self._few = Few(per_minute=REFUSALS_PER_MINUTE)
        self._quiet_until = 0.0
        self._paused: dict[str, float] = {}
        self._waiting: Counter[str] = Counter()
        self._share = max(1, limits.max_waiting // max(1, len(tenants)))
        self._queues: dict[str, queue.SimpleQueue[_Errand | None]] = {name: queue.SimpleQueue() for name in tenants}
        self._stopping = threading.Event()
        self._broken = False
        self._wake, self._waker = socket.socketpair()
        self._waker.setblocking(False)

    def run(self) -> bool:
        """Serve until told to stop. False when it ended by a bug in one of its threads."""
        names = [name for name in self._queues for _ in range(THREADS_PER_TENANT)]
        threads = [threading.Thread(target=self._thread, args=(name,), name=f"actions-{name}") for name in names]
        for thread in threads:
            thread.start()
        ears: list[Door | socket.socket] = [self._door, self._wake]
        try:
            while not self._stopping.is_set():
                select.select(ears, [], [], _TICK_S)
                self._take_in()
                self._sum_up()
        finally:
            self._stopping.set()
            for name in names:
                self._queues[name].put(None)
            for thread in threads:
                thread.join()
            self._sum_up()
            self._door.close()
            self._asked.close()
            self._wake.close()
            self._waker.close()
        return not self._broken

    def stop(self) -> None:
        """End ``run``: what is under way is finished, what waits is recorded as not done."""
        self._stopping.set()
        try:
            self._waker.send(b"x")
        except OSError:
            return  # woken already, or over

    # -- coming in --------------------------------------------------------------------------

    def _take_in(self) -> None:
        for _ in range(_AT_ONCE):
            arrival = self._door.receive()
            if arrival is None:
                return
            self._consider(arrival)

    def _consider(self, arrival: Arrival) -> None:
        nobody = Deed(verb="", device="", tenant="", who=who(arrival.uid), by="service")
        if not self._senders.allow(arrival.uid, time.monotonic()):
            self._refuse("sender", nobody, "this account may not ask: it is not among `senders`")
            return
        reading = read(arrival.octets, self._tenants) if arrival.whole else Unreadable(reason="longer than 512 octets")
        if isinstance(reading, Unreadable):
            self._refuse("unreadable", nobody, reading.reason)
            return
        deed = Deed(verb=reading.verb, device=reading.device, tenant=reading.tenant, who=nobody.who, by="service")
        errand = _Errand(request=reading, deed=deed)
        with self._lock:
            kind, why = self._admission(errand)
        if kind:
            self._refuse(kind, deed, why)
            return
        self._queues[reading.tenant].put(errand)

    def _admission(self, errand: _Errand) -> tuple[str, str]:
        """Kind and words of a refusal, twice ``""`` when the errand is taken; then its time is on disk."""
        now = time.time()
        if why := self._asked.refusal(errand.key, now):
            return "repeated" if why.startswith("once") else "full", why
        tenant = errand.request.tenant
        if self._waiting[tenant] >= self._share:
            return "full", f"{self._waiting[tenant]} requests of this tenant wait already, the most there may be"
        try:
            self._asked.note(errand.key, now + self._limits.once_per_s)
        except OSError as error:
            return "full", f"the time cannot be kept on disk: {(error.strerror or 'error').lower()}"
        self._waiting[tenant] += 1
        return "", ""

    # -- going out --------------------------------------------------------------------------

    def _thread(self, name: str) -> None:
        """One of a tenant's threads. A bug ends the service, and not this thread alone in silence."""
        ended_well = False
        try:
            while (errand := self._queues[name].get()) is not None:
                with self._lock:
                    self._waiting[name] -= 1
                self._carry_out(errand)
            ended_well = True
        finally:
            if not ended_well:
                self._broken = True
                self.stop()

    def _carry_out(self, errand: _Errand) -> None:
        slot = self._pace.slot(time.monotonic()) if not self._stopping.is_set() else 0.0
        if self._stopping.wait(max(0.0, slot - time.monotonic())):
            self._close(errand, Outcome(verdict=Verdict.FAILED, detail="not done: the service was stopped"), rest_s=0.0)
            return
        with self._lock:
            pause_s = self._paused.get(errand.request.tenant, 0.0) - time.monotonic()
        if pause_s > 0:
            detail = f"not done: Graph has asked for a pause of {round(pause_s)} s more"
            self._close(errand, Outcome(verdict=Verdict.FAILED, detail=detail), rest_s=pause_s)
            return
        try:
            self._journal.write(REQUESTED, errand.deed)
        except AuditRefused as refused:
            self._complain(f"{errand.request.verb} of {errand.request.device} is not done: {refused}")
            self._rest(errand, AFTER_FAILURE_S)
            self._count("failed")
            return
        request = errand.request
        outcome = self._tenants[request.tenant].act(
            Verb(request.verb), request.device, self._bodies[request.verb], time.monotonic() + CALL_S
        )
        self._close(errand, outcome, rest_s=max(AFTER_FAILURE_S, outcome.again_s))

    def _close(self, errand: _Errand, outcome: Outcome, *, rest_s: float) -> None:
        """Record the end, and say how long this device rests when surely nothing was done."""
        if outcome.verdict is Verdict.FAILED:
            self._rest(errand, rest_s)
        if outcome.again_s > 0:
            with self._lock:
                self._paused[errand.request.tenant] = time.monotonic() + min(outcome.again_s, LONGEST_PAUSE_S)
        try:
            self._journal.write(CODES[outcome.verdict], errand.deed, outcome.detail, request_id=outcome.request_id)
        except AuditRefused as refused:
            words = outcome.detail or "done"
            self._complain(f"{errand.request.verb} of {errand.request.device}: {words}; not recorded: {refused}")
        self._count(outcome.verdict.value)

    def _rest(self, errand: _Errand, rest_s: float) -> None:
        with self._lock:
            try:
                self._asked.note(errand.key, time.time() + min(rest_s, self._limits.once_per_s))
            except OSError as error:
                # The longer time that is noted holds: never too often, at worst too seldom.
                self._complain_now(f"the time cannot be kept on disk: {(error.strerror or 'error').lower()}")

    # -- telling ----------------------------------------------------------------------------

    def _refuse(self, kind: str, deed: Deed, why: str) -> None:
        self._count(f"refused_{kind}" if kind != "repeated" else kind)
        if not self._few.admit(time.monotonic()):
            return
        try:
            self._journal.write(REPEATED if kind == "repeated" else REFUSED, deed, why, kind=kind)
        except AuditRefused as refused:
            self._complain(f"a refusal ({why}) is not recorded: {refused}")

    def _sum_up(self) -> None:
        """One record for all refusals that had none of their own."""
        now = time.monotonic()
        if now < self._quiet_until and not self._stopping.is_set():
            return
        self._quiet_until = now + _TICK_S
        if count := self._few.take_held_back():
            deed = Deed(verb="", device="", tenant="", who=who(-1), by="service")
            why = f"{count} more requests were refused or repeated and have no records of their own"
            try:
                self._journal.write(REFUSED, deed, why, kind="summed_up", count=count)
            except AuditRefused as refused:
                self._complain(f"{why}; not recorded: {refused}")

    def _count(self, what: str) -> None:
        with self._lock:
            self.counts[what] += 1

    def _complain(self, words: str) -> None:
        with self._lock:
            self._complain_now(words)

    def _complain_now(self, words: str) -> None:
        self.counts["complaints"] += 1
        self._say(words)
