"""Sockets on the event loop, and the one place where a bug in the request path ends.

Knows: readiness, draining, slices of work, the tasks of requests that wait. Refuses to know: what is in a datagram.

Theory: a socket's queue in the kernel is short and knows no order, so it is drained into the worker's own before
anything is worked on. Then a slice of work is done, and the sockets are looked at again: what continues a
conversation overtakes what came before it.
"""

from __future__ import annotations

import asyncio
import socket
import traceback
from collections.abc import Callable
from pathlib import PurePath
from time import perf_counter

from nacd.audit import events
from nacd.radius.admission import Role
from nacd.server import sockets
from nacd.server.log import logger
from nacd.server.logs import requests
from nacd.server.recorder import Recorder
from nacd.server.worker import Waiting, Worker
from nacd.values import Instant

# One wake-up drains this many datagrams, then works for this long; then timers and answers from Intune have their turn.
_DRAIN_AT_ONCE = 256
_SLICE_S = 0.003
_LATE_EVERY_S = 0.05
# An endpoint answers within milliseconds; one that has not within this is slow, or gone.
_SILENCE_S = 0.5
_LOOK_S = 0.01


class Listener:
    """Reads every socket of one role or another and hands datagrams to the worker."""

    def __init__(self, *, worker: Worker, recorder: Recorder, clock: Callable[[], Instant]) -> None:
        self._worker = worker
        self._recorder = recorder
        self._clock = clock
        self._open: list[tuple[socket.socket, sockets.Receive, Role]] = []
        self._heard = 0.0
        self._waiting: set[asyncio.Task[None]] = set()
        self._goes_on = False
        self._late = False
        self._closed = False
        self._log = logger("listener")

    @property
    def serving(self) -> bool:
        """Whether any socket is read."""
        return bool(self._open) and not self._worker.leaving

    def listen(self, sock: socket.socket, role: Role) -> None:
        """Start reading this socket."""
        receive = sockets.receiver(sock)
        self._open.append((sock, receive, role))
        asyncio.get_running_loop().add_reader(sock.fileno(), self._drain, sock, receive, role)

    async def close(self, patience_s: float, unfinished: Callable[[], int] = int) -> None:
        """Begin no conversation more, stop reading, give requests under way time to be answered, then close.

        patience_s: seconds for all of it; half of them for conversations. unfinished: how many there are.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + patience_s
        self._worker.leaving = True
        self._heard = loop.time()
        # While somebody speaks: of those who have gone away nobody will hear. Nobody could set an event for silence.
        while (  # noqa: ASYNC110
            unfinished() and loop.time() < min(until - patience_s / 2, self._heard + _SILENCE_S)
        ):
            await asyncio.sleep(_LOOK_S)
        for sock, receive, role in self._open:
            loop.remove_reader(sock.fileno())
            # What had arrived by then has been received; what comes later finds whoever comes after us.
            while self._drain(sock, receive, role) and loop.time() < until:  # noqa: ASYNC110  it works in between
                await asyncio.sleep(0)
        while self._worker.waiting and loop.time() < until:
            self._work()
            await asyncio.sleep(0)
        if self._waiting:
            _, late = await asyncio.wait(self._waiting, timeout=max(0.0, until - loop.time()))
            for task in late:
                task.cancel()
            # Nobody answers or records after this: what they would need is closed next.
            await asyncio.gather(*late, return_exceptions=True)
        self._flush(hurry=True)
        await self._worker.settle(max(1.0, until - loop.time()))
        self._closed = True
        for sock, _, _ in self._open:
            sock.close()
        self._open.clear()

    def _drain(self, sock: socket.socket, receive: sockets.Receive, role: Role) -> bool:
        """Take in what has arrived, and work for a while. Whether there may be more."""
        self._heard = asyncio.get_running_loop().time()
        more = True
        for _ in range(_DRAIN_AT_ONCE):
            try:
                datagram, path = receive(sock)
            except BlockingIOError:
                more = False
                break
            except OSError as error:
                # An ICMP error about an earlier answer is reported on the next read; nothing was lost.
                self._log.debug("socket", error=str(error))
                continue
            try:
                self._worker.receive(datagram, path, role)
            except Exception as bug:
                self._ended(bug, path.source)
        if not self._goes_on:
            self._work()
        return more

    def _work(self) -> None:
        """One slice of work; what is left goes on after the sockets were looked at again."""
        if self._closed:
            return
        loop = asyncio.get_running_loop()
        until = loop.time() + _SLICE_S
        try:
            while self._worker.waiting and loop.time() < until:
                self._answer_next()
            self._flush()
        finally:
            # Whatever went wrong, somebody comes back for what still waits.
            self._goes_on = bool(self._worker.waiting)
            if self._goes_on:
                loop.call_soon(self._work)
            if self._worker.late and not self._late:
                self._late = True
                loop.call_later(_LATE_EVERY_S, self._send_late)

    def _answer_next(self) -> None:
        queued = self._worker.next()
        waiting: Waiting | None = None
        began = perf_counter()
        requests.begin()
        try:
            waiting = self._worker.answer(queued)
        except Exception as bug:
            self._ended(bug, queued.nas)
        self._worker.counts.worked(queued.lane, queued.work.fresh.packet, perf_counter() - began)
        if waiting is not None:
            task = asyncio.get_running_loop().create_task(self._wait(waiting, queued.nas))
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)
        requests.end()

    def _flush(self, *, hurry: bool = False) -> None:
        try:
            self._worker.flush(hurry=hurry)
        except Exception as bug:
            self._ended(bug, "")

    def _send_late(self) -> None:
        if self._closed:
            return
        try:
            self._flush()
        finally:
            self._late = self._worker.late > 0
            if self._late:
                asyncio.get_running_loop().call_later(_LATE_EVERY_S, self._send_late)

    async def _wait(self, waiting: Waiting, source: str) -> None:
        try:
            await waiting
        except Exception as bug:
            self._ended(bug, source)

    def _ended(self, error: Exception, source: str) -> None:
        """Silence and an audit event, never an Accept."""
        self._worker.counts.bugs += 1
        now = self._clock()
        kind, where = type(error).__name__, _where(error)
        event = events.bug(kind=kind, where=where, nas="", source=source, now=now)
        self._recorder.take((requests.marked(event),), now)
        # Whoever found out how to cause it could fill the journal: the traceback once in ten minutes.
        if self._recorder.warn_seldom(f"bug {kind} {where}", "bug in the request path", now, source=source):
            self._log.error("its traceback", exc_info=error)


def _where(error: Exception) -> str:
    """Where a bug showed. Not its text: that may hold octets of the request."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{PurePath(frames[-1].filename).name}:{frames[-1].lineno} {frames[-1].name}" if frames else "(unknown)"
