"""The Dynamic Authorization Client (RFC 5176): asks NASes and says what became of it.

Knows: when each request leaves, is repeated, answered or given up. Refuses to know: sessions, verbs and what follows
from an outcome.

Theory: every address has a lane with its own pace and its own places, so one that is silent holds up only itself; ports
and Identifiers come from one pool (``paths.py``). Nothing here waits: a datagram or a timer moves one request on.
What proves nothing is counted and otherwise not there: the real answer may still come.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from nacd.radius.dynauth import schedule, transaction
from nacd.radius.dynauth.schedule import Timing
from nacd.radius.dynauth.transaction import Ignored
from nacd.server.dac import paths, sockets
from nacd.server.dac.lanes import NO_OVERLAP, Asking, Flight, Lane, LaneStatus, Overlap, Target
from nacd.server.dac.paths import Group, Limits, Path, Paths, Slot
from nacd.server.dac.sockets import Address
from nacd.sessions import Meaning, Outcome
from nacd.values import Instant, Secret

__all__ = ["LaneStatus", "Sender", "Target"]

_DRAIN_AT_ONCE: Final = 64
_WAITING_PER_LANE: Final = 10_000
_WAITING: Final = 100_000
_PORTS_AGAIN_S: Final = 1.0
_LANE_KEPT_S: Final = 60.0
_TRIES_BEFORE_OTHER: Final = 3
"""Transmissions with the first of two secrets; the other one then has all that there are."""

STOPPING: Final = "stopping"

Report = Callable[[str, str, str, Instant], None]
"""(NAS, reason, source address, now), as ``Drops.add`` takes it."""


class Sender:
    """Must be used from the loop's own thread. Outcomes that were never sent have ``tries`` 0."""

    def __init__(
        self,
        clock: Callable[[], Instant],
        random: Callable[[int], bytes],
        report: Report,
        *,
        timing: Timing = schedule.DEFAULT,
        limits: Limits = paths.DEFAULT,
    ) -> None:
        """random: octets for jitter and first Identifiers."""
        self._clock = clock
        self._random = random
        self._report = report
        self._timing = timing
        self._paths = Paths(self._drain, random, limits)
        self._lanes: dict[tuple[str, Address], Lane] = {}
        self._by_key: dict[str, deque[Asking]] = {}
        """The first of each is in its lane; the others wait for it."""
        self._in_flight: dict[Slot, Flight] = {}
        self._sweeper: asyncio.TimerHandle | None = None
        self._asked = 0
        self._closed = False

    @property
    def waiting(self) -> int:
        """Requests without an outcome yet."""
        return self._asked

    def status(self) -> tuple[LaneStatus, ...]:
        """Every address that was asked lately."""
        return tuple(
            LaneStatus(
                nas=lane.nas,
                host=lane.peer.host,
                port=lane.peer.port,
                waiting=len(lane.waiting),
                in_flight=lane.in_flight,
                unanswered=lane.unanswered,
            )
            for lane in self._lanes.values()
        )

    def ask(
        self,
        target: Target,
        code: int,
        attributes: bytes,
        secret: Secret,
        key: str,
        leaves: Callable[[], None] = lambda: None,
        overlap: Overlap = NO_OVERLAP,
    ) -> asyncio.Future[Outcome]:
        """Ask a NAS; the future never fails, and cancelling it takes back what was not sent yet.

        key: what the request is about. Of one key one request is under way at a time, in the order they came; the same
        request once more while the first has no outcome is that first one. leaves: called right before it is sent for
        the first time, and never if it is not. overlap: another secret to try where this one proves nothing. Raises
        BadValue for octets that cannot be sent, ValueError for a host that is no IP address.
        """
        loop = asyncio.get_running_loop()
        code = transaction.check(code, attributes)
        peer = sockets.address(target.host, target.port)
        queue = self._by_key.get(key, ())
        for one in queue:
            if one.is_same(target, code, attributes) and not one.future.done():
                return one.future
        future: asyncio.Future[Outcome] = loop.create_future()
        lane = self._lanes.get((target.source, peer))
        full = self._asked >= _WAITING or (lane is not None and len(lane.waiting) >= _WAITING_PER_LANE)
        if self._closed or full:
            detail = STOPPING if self._closed else "too many requests wait already"
            future.set_result(Outcome(meaning=Meaning.UNANSWERED, detail=detail, tries=0))
            return future
        asking = Asking(
            target=target,
            peer=peer,
            code=code,
            attributes=attributes,
            secret=secret,
            key=key,
            future=future,
            leaves=leaves,
            overlap=overlap,
        )
        self._asked += 1
        self._by_key.setdefault(key, deque()).append(asking)
        if not queue:
            self._pump(self._lined_up(asking))
        return future

    def close(self) -> None:
        """Send nothing more and close every socket; whatever has no outcome is ``unanswered``, ``stopping``."""
        self._closed = True
        for lane in self._lanes.values():
            lane.wake_not()
        if self._sweeper is not None:
            self._sweeper.cancel()
        for flight in self._in_flight.values():
            if flight.timer is not None:
                flight.timer.cancel()
        for asking in [asking for queue in self._by_key.values() for asking in queue]:
            if not asking.future.done():
                took_s = self._took_s(asking.flight) if asking.flight else 0.0
                asking.future.set_result(
                    Outcome(meaning=Meaning.UNANSWERED, detail=STOPPING, tries=asking.tries, took_s=took_s)
                )
        self._by_key.clear()
        self._lanes.clear()
        self._in_flight.clear()
        self._asked = 0
        self._paths.close()

    # -- what leaves

    def _lined_up(self, asking: Asking) -> Lane:
        """Put it into the lane of its address."""
        name = (asking.target.source, asking.peer)
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = Lane(nas=asking.target.nas, source=asking.target.source, peer=asking.peer)
        lane.waiting.append(asking)
        return lane

    def _pump(self, lane: Lane) -> None:
        """Send what may leave now; for the rest a timer, or the end of what is under way, comes back here."""
        lane.wake_not()
        while not self._closed and lane.waiting:
            asking = lane.waiting[0]
            if asking.future.done():  # taken back
                lane.waiting.popleft()
                self._ended(asking)
                continue
            if lane.in_flight >= asking.target.concurrent:
                return
            now = self._clock()
            wait_s = lane.wait_s(asking.target, now.monotonic)
            if wait_s > 0:
                self._wake(lane, wait_s)
                return
            try:
                slot = self._slot(lane, asking.target, now)
            except OSError as error:
                lane.waiting.popleft()
                self._report(asking.target.nas, "coa_no_socket", asking.target.source, now)
                detail = f"cannot send from `{asking.target.source or 'any address'}`: {_reason(error)}"
                self._settle(asking, Outcome(meaning=Meaning.UNANSWERED, detail=detail, tries=0))
                continue
            if slot is None:
                self._report(asking.target.nas, "coa_ports_used_up", asking.peer.host, now)
                self._wake(lane, _PORTS_AGAIN_S)
                return
            lane.waiting.popleft()
            self._begin(lane, asking, slot, now)
        if lane.idle and not self._closed:
            self._wake(lane, max(0.0, lane.due - self._clock().monotonic) + _LANE_KEPT_S)

    def _wake(self, lane: Lane, delay_s: float) -> None:
        lane.timer = asyncio.get_running_loop().call_later(delay_s, self._woken, lane)

    def _woken(self, lane: Lane) -> None:
        lane.timer = None
        if not lane.idle:
            self._pump(lane)
            return
        del self._lanes[lane.source, lane.peer]

    def _slot(self, lane: Lane, target: Target, now: Instant) -> Slot | None:
        group = Group(lane.source, sockets.family(target.host), lane.peer if lane.apart else None)
        return self._paths.take(group, target.nas, lane.peer, now.monotonic)

    def _begin(self, lane: Lane, asking: Asking, slot: Slot, now: Instant) -> None:
        target = asking.target
        request = transaction.sign(
            asking.code,
            asking.attributes,
            identifier=slot.identifier,
            secret=asking.secret.reveal(),
            event_timestamp=None if target.omit_event_timestamp else int(now.wall),
            message_authenticator=not target.omit_message_authenticator,
        )
        attempt = schedule.first(self._timing, now.monotonic, self._jitter())
        flight = asking.flight = Flight(asking=asking, lane=lane, request=request, slot=slot, attempt=attempt)
        lane.in_flight += 1
        self._in_flight[slot] = flight
        asking.leaves()
        self._transmit(flight, now)

    def _transmit(self, flight: Flight, now: Instant) -> None:
        target = flight.asking.target
        flight.lane.charge(target, now.monotonic)
        try:
            sockets.send(flight.slot.path.sock, flight.request.octets, target.host, target.port)
        except OSError as error:
            # As good as lost on the way: the schedule goes on, and the outcome says it.
            flight.trouble = _reason(error)
            self._report(target.nas, "coa_not_sent", flight.slot.peer.host, now)
        delay_s = max(0.0, flight.attempt.next_at - now.monotonic)
        flight.timer = asyncio.get_running_loop().call_later(delay_s, self._again, flight)

    def _again(self, flight: Flight) -> None:
        """No answer came in time: once more, or the end."""
        now = self._clock()
        if flight.asking.has_other and flight.attempt.number >= _TRIES_BEFORE_OTHER:
            self._turn(flight, now)
            return
        following = schedule.following(self._timing, flight.attempt, now.monotonic, self._jitter())
        if following is not None and not flight.asking.future.done():
            flight.attempt = following
            self._transmit(flight, now)
            return
        if following is None and flight.asking.has_other:
            self._turn(flight, now)
            return
        if following is None:
            flight.lane.unanswered += 1
        self._finish(flight, flight.unanswered(self._took_s(flight)), now, answered=False)

    def _jitter(self) -> float:
        """RAND of RFC 5080: evenly from -0.1 to 0.1."""
        return (int.from_bytes(self._random(2)) / 65_535 - 0.5) / 5

    # -- what comes back

    def _drain(self, path: Path) -> None:
        for _ in range(_DRAIN_AT_ONCE):
            if path.sock.fileno() < 0:
                return
            try:
                datagram, peer = sockets.receive(path.sock)
            except BlockingIOError:
                break
            except OSError:
                continue  # an ICMP error; the queue below tells whose
            self._received(path, datagram, peer)
        for sent, to in sockets.refusals(path.sock):
            self._refused(path, sent, to)

    def _received(self, path: Path, datagram: bytes, peer: Address) -> None:
        now = self._clock()
        slot = path.slots.get(datagram[1]) if len(datagram) > 1 else None
        flight = self._in_flight.get(slot) if slot is not None else None
        if slot is None:
            self._junk(path, "", "coa_unasked", peer, now)
        elif slot.peer != peer:
            # Replies come from the address and port that were asked (RFC 2865 section 3).
            nas = slot.nas if slot.peer.host == peer.host else ""
            self._junk(path, nas, "coa_other_address", slot.peer if nas else peer, now)
        elif flight is None:
            self._junk(path, slot.nas, "coa_duplicate" if slot.answered else "coa_late", peer, now)
        else:
            self._answered(flight, datagram, now)

    def _answered(self, flight: Flight, datagram: bytes, now: Instant) -> None:
        answer = transaction.read(datagram, flight.request, flight.asking.secret.reveal(), now.wall)
        if answer is Ignored.RESPONSE_AUTHENTICATOR and flight.asking.has_other:
            other = flight.asking.overlap.other.reveal()
            if not isinstance(transaction.read(datagram, flight.request, other, now.wall), Ignored):
                self._turn(flight, now)  # it says so itself: it has the other one, and cannot have read ours
                return
        if isinstance(answer, Ignored):
            flight.ignored += 1
            flight.ignored_last = answer
            self._junk(flight.slot.path, flight.slot.nas, f"coa_{answer}", flight.slot.peer, now)
            return
        flight.lane.unanswered = 0
        flight.asking.overlap.answered(flight.asking.secret)
        outcome = replace(answer, tries=flight.asking.tries, took_s=self._took_s(flight))
        self._finish(flight, outcome, now, answered=True)

    def _junk(self, path: Path, nas: str, reason: str, peer: Address, now: Instant) -> None:
        """Count what proves nothing, also against the lane it came from."""
        self._report(nas, reason, peer.host, now)
        lane = self._lanes.get((path.group.source, peer))
        if lane is not None:
            lane.junk += 1

    def _refused(self, path: Path, sent: bytes, to: Address) -> None:
        """ICMP can be forged and a NAS may be starting: it ends nothing, but an admin wants to know."""
        slot = path.slots.get(sent[1]) if len(sent) > 1 else None
        flight = self._in_flight.get(slot) if slot is not None and slot.peer == to else None
        if flight is not None:
            flight.trouble = "nothing listens there"
            self._report(flight.slot.nas, "coa_refused", to.host, self._clock())

    # -- outcomes

    def _took_s(self, flight: Flight) -> float:
        return self._clock().monotonic - flight.attempt.began

    def _turn(self, flight: Flight, now: Instant) -> None:
        """Ask the same with the other secret, before anything else that waits for this address."""
        self._land(flight, now, answered=False)
        flight.asking.turn()
        flight.lane.waiting.appendleft(flight.asking)
        self._pump(flight.lane)

    def _finish(self, flight: Flight, outcome: Outcome, now: Instant, *, answered: bool) -> None:
        """The end of what was under way; its place goes to the next one."""
        self._land(flight, now, answered=answered)
        self._settle(flight.asking, outcome)
        self._pump(flight.lane)

    def _land(self, flight: Flight, now: Instant, *, answered: bool) -> None:
        if flight.timer is not None:
            flight.timer.cancel()
        del self._in_flight[flight.slot]
        self._paths.release(flight.slot, now.monotonic, answered=answered)
        self._sweep_later(now)
        flight.lane.in_flight -= 1

    def _settle(self, asking: Asking, outcome: Outcome) -> None:
        if not asking.future.done():
            asking.future.set_result(outcome)
        self._ended(asking)

    def _ended(self, asking: Asking) -> None:
        """Its key is free for the next request about the same."""
        self._asked -= 1
        queue = self._by_key[asking.key]
        queue.popleft()
        if not queue:
            del self._by_key[asking.key]
            return
        # Not at once: a long queue of one key would call itself as deep as it is long.
        asyncio.get_running_loop().call_soon(self._pump, self._lined_up(queue[0]))

    def _sweep_later(self, now: Instant) -> None:
        """Sockets that nobody uses any more are closed even if nothing is asked again."""
        due = self._paths.free_at()
        if self._sweeper is None and due is not None and not self._closed:
            delay_s = max(_PORTS_AGAIN_S, due - now.monotonic)
            self._sweeper = asyncio.get_running_loop().call_later(delay_s, self._sweep)

    def _sweep(self) -> None:
        self._sweeper = None
        now = self._clock()
        self._paths.sweep(now.monotonic)
        self._sweep_later(now)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
