"""Fake NASes on loopback, each a thread with a socket: they verify requests with pyrad and answer as badly as told.

Nothing of nacd's own code is in them.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

from pyrad.packet import CoAPacket

from nacd.radius.dynauth.schedule import DEFAULT, Timing
from nacd.radius.packet import attribute
from nacd.server.clock import instant, random_octets
from nacd.server.dac.paths import Limits
from nacd.server.dac.sender import Sender, Target
from nacd.sessions import Outcome
from nacd.values import Instant, Secret

SECRET = b"s3cret-of-the-lab"
BODY = attribute(1, b"nemo")
DISCONNECT, COA = 40, 43
ERROR_CAUSE = 101

QUICK = Timing(irt_s=0.1, mrt_s=0.4, mrd_s=0.75)
"""Four or five transmissions within a second, where no answer is to be waited for."""

PATIENT = Timing(irt_s=0.6, mrt_s=0.6, mrc=4, mrd_s=2.0)
"""Two seconds until it is given up: long enough for others to be answered meanwhile."""

OFTEN = Timing(irt_s=0.3, mrt_s=0.3, mrc=100, mrd_s=30.0)
"""Again and again until there is an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One datagram as it arrived. port: where it came from."""

    octets: bytes
    port: int
    at: float
    valid: bool

    @property
    def identifier(self) -> int:
        return self.octets[1]


Behaviour = Callable[["Box", Heard], list[bytes]]
"""What to send back at once, each as one datagram."""


@dataclass(slots=True, kw_only=True)
class Box:
    """A NAS. does: what it answers. heard: everything it was sent, in order."""

    does: Behaviour
    name: str = "nas"
    heard: list[Heard] = field(default_factory=list)
    sock: socket.socket = field(default_factory=lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    _over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024 * 1024)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.settimeout(0.05)

    @property
    def port(self) -> int:
        return int(self.sock.getsockname()[1])

    def target(self, **more: Any) -> Target:
        return Target(**{"nas": self.name, "host": "127.0.0.1", "port": self.port, **more})

    def serve(self) -> None:
        """Until ``stop``."""
        while not self._over.is_set():
            try:
                octets, peer = self.sock.recvfrom(4096)
            except TimeoutError:
                continue
            packet = CoAPacket(packet=octets, secret=SECRET)
            valid = packet.VerifyCoARequest() and (not packet.message_authenticator or bool(packet.get(80)))
            if packet.message_authenticator:
                valid = valid and packet.verify_message_authenticator()
            heard = Heard(octets=octets, port=peer[1], at=time.monotonic(), valid=valid)
            self.heard.append(heard)
            for answer in self.does(self, heard):
                self.sock.sendto(answer, peer)

    def stop(self) -> None:
        self._over.set()


@contextlib.contextmanager
def boxes(*behaviours: Behaviour) -> Iterator[list[Box]]:
    """One NAS for each behaviour, named ``nas-0`` and so on."""
    running = [Box(does=does, name=f"nas-{number}") for number, does in enumerate(behaviours)]
    threads = [threading.Thread(target=box.serve, daemon=True) for box in running]
    for thread in threads:
        thread.start()
    try:
        yield running
    finally:
        for box in running:
            box.stop()
        for thread, box in zip(threads, running, strict=True):
            thread.join(5)
            box.sock.close()


# -- behaviours ---------------------------------------------------------------------------------


def reply(heard: Heard, *, nak: bool = False, cause: int = 0, signed: bool = True, secret: bytes = SECRET) -> bytes:
    """pyrad's answer to a request."""
    packet = CoAPacket(packet=heard.octets, secret=secret).CreateReply()
    packet.code += nak
    if signed:
        packet.add_message_authenticator()
    if cause:
        packet[ERROR_CAUSE] = [cause.to_bytes(4)]
    return bytes(packet.ReplyPacket())


def acknowledges(_box: Box, heard: Heard) -> list[bytes]:
    return [reply(heard)]


def is_silent(_box: Box, _heard: Heard) -> list[bytes]:
    return []


def refuses(cause: int) -> Behaviour:
    return lambda _box, heard: [reply(heard, nak=True, cause=cause)]


# -- the one who asks ---------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class Counted:
    """What the sender reported."""

    rows: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, nas: str, reason: str, source: str, now: Instant) -> None:
        assert now.wall > 0
        assert isinstance(source, str)
        self.rows.append((nas, reason))

    def count(self, reason: str) -> int:
        return sum(1 for _, found in self.rows if found == reason)


@dataclass(slots=True, kw_only=True)
class Client:
    """A sender and what it said."""

    sender: Sender
    counted: Counted
    _keys: int = 0

    def ask(self, target: Target, code: int = DISCONNECT, attributes: bytes = BODY) -> asyncio.Future[Outcome]:
        """Each about something else."""
        self._keys += 1
        return self.sender.ask(target, code, attributes, Secret(SECRET), f"session-{self._keys}")

    async def all(self, target: Target, count: int, **more: Any) -> list[Outcome]:
        return list(await asyncio.gather(*[self.ask(target, **more) for _ in range(count)]))


def with_client(
    story: Callable[[Client], Coroutine[Any, Any, None]], *, timing: Timing = DEFAULT, limits: Limits | None = None
) -> Counted:
    """Run one story in a loop of its own, then close the sender; what it had counted. A bug in a callback fails it."""
    counted = Counted()
    bugs: list[dict[str, Any]] = []

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: bugs.append(context))
        more = {"limits": limits} if limits else {}
        sender = Sender(instant, random_octets, counted, timing=timing, **more)
        try:
            async with asyncio.timeout(60):
                await story(Client(sender=sender, counted=counted))
        finally:
            sender.close()

    asyncio.run(run())
    assert bugs == []
    return counted


async def until(what: Callable[[], bool], within_s: float = 10.0) -> None:
    """Poll until it is so."""
    deadline = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < deadline, "it did not come about"
        await asyncio.sleep(0.005)
