"""When which word is due: starting, ready, alive, loading anew, stopping."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator

import pytest

from nacd.server.service import standing as standing_module
from nacd.server.service.notify import Notify
from nacd.server.service.standing import Standing, in_words


class Supervisor:
    """Hears with a socket of its own."""

    def __init__(self) -> None:
        self.address = f"@nacd-test-{uuid.uuid4().hex}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{self.address[1:]}")
        self._socket.setblocking(False)

    def heard(self) -> list[str]:
        """All lines of all that came meanwhile."""
        lines: list[str] = []
        while True:
            try:
                lines += self._socket.recv(65536).decode().split("\n")
            except BlockingIOError:
                return lines

    def hears(self, word: str, patience_s: float = 5.0) -> list[str]:
        """What is heard until this word begins a line."""
        lines: list[str] = []
        until = time.monotonic() + patience_s
        while not any(line.startswith(word) for line in lines):
            assert time.monotonic() < until, f"no {word} among {lines}"
            lines += self.heard()
            time.sleep(0.005)
        return lines

    async def feels(self, count: int) -> None:
        """Until it was fed that often, while the loop turns."""
        fed = 0
        async with asyncio.timeout(10):
            while fed < count:
                await asyncio.sleep(0.001)
                fed += self.heard().count("WATCHDOG=1")

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    made = Supervisor()
    yield made
    made.close()


def run(work: Callable[[], object], lasts_s: float = 0.0) -> None:
    async def on_loop() -> None:
        work()
        await asyncio.sleep(lasts_s)

    asyncio.run(on_loop())


def nobody_asks() -> None:
    """Whoever asks for more time has ended, or does so now."""
    for each in threading.enumerate():
        if each.name == "nacd-starting":
            each.join(10)
            assert not each.is_alive()


def wedge() -> None:
    """The loop does not turn."""
    time.sleep(0.2)


def test_a_long_start_asks_for_more_time_until_it_is_ready(supervisor: Supervisor) -> None:
    standing = Standing(Notify(supervisor.address))
    standing.starting(every_s=0.01)
    supervisor.hears("EXTEND_TIMEOUT_USEC=30000000")
    run(lambda: standing.ready(lambda: "serving"))
    supervisor.hears("READY=1")
    nobody_asks()
    standing.over()


def test_a_start_that_hangs_is_not_covered_for_ever(supervisor: Supervisor) -> None:
    standing = Standing(Notify(supervisor.address))
    standing.starting(every_s=0.01, at_most_s=1.0)
    supervisor.hears("EXTEND_TIMEOUT_USEC")
    nobody_asks()
    standing.over()


def test_ready_comes_with_a_line_about_what_is_served(supervisor: Supervisor) -> None:
    run(lambda: Standing(Notify(supervisor.address)).ready(lambda: in_words(3, 1, 1234)))
    assert supervisor.heard() == ["READY=1", "STATUS=serving: configuration 3, 1 NAS, 1,234 live sessions"]


def test_the_watchdog_is_fed_by_the_loop_and_starves_with_it(supervisor: Supervisor) -> None:
    standing = Standing(Notify(supervisor.address, watchdog_s=0.04))

    async def story() -> None:
        standing.ready(lambda: "serving")
        await supervisor.feels(3)
        wedge()
        assert supervisor.heard() == []
        await supervisor.feels(1)

    asyncio.run(story())


def test_a_bug_in_the_status_does_not_starve_the_watchdog(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing_module, "_STATUS_EVERY_S", 0.01)
    standing = Standing(Notify(supervisor.address, watchdog_s=0.04))
    bugs: list[object] = []
    told = iter(["serving"])

    async def story() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: bugs.append(context["exception"]))
        standing.ready(lambda: next(told))
        while len(bugs) < 2:  # noqa: ASYNC110  nobody sets an event for a bug
            await asyncio.sleep(0.001)
        supervisor.heard()
        await supervisor.feels(2)

    asyncio.run(asyncio.wait_for(story(), 10))


def test_a_reload_is_told_with_its_time_and_ends_in_ready(supervisor: Supervisor) -> None:
    standing = Standing(Notify(supervisor.address))
    before_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000

    def story() -> None:
        standing.ready(lambda: "serving")
        supervisor.heard()
        standing.reloading(True)
        standing.reloading(False)

    run(story)
    begun, at, _, over, _ = supervisor.heard()
    assert (begun, over) == ("RELOADING=1", "READY=1")
    name, _, value = at.partition("=")
    assert name == "MONOTONIC_USEC"
    assert before_us <= int(value) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000


def test_a_reload_that_ends_while_nacd_stops_does_not_make_it_ready_again(supervisor: Supervisor) -> None:
    standing = Standing(Notify(supervisor.address))

    def story() -> None:
        standing.ready(lambda: "serving")
        standing.stopping("SIGTERM")
        supervisor.heard()
        standing.reloading(False)

    run(story)
    assert supervisor.heard() == []


def test_stopping_is_told_and_asks_for_time(supervisor: Supervisor) -> None:
    standing = Standing(Notify(supervisor.address))

    def story() -> None:
        standing.ready(lambda: "serving")
        supervisor.heard()
        standing.stopping("SIGTERM")

    run(story)
    stopping, status, more = supervisor.heard()
    assert stopping == "STOPPING=1"
    assert "SIGTERM" in status
    assert more.startswith("EXTEND_TIMEOUT_USEC=")


def test_without_a_supervisor_nothing_is_started(recwarn: pytest.WarningsRecorder) -> None:
    standing = Standing(Notify())
    standing.starting()
    run(lambda: standing.ready(lambda: "serving"))
    standing.over()
    assert standing._timers == {}  # type: ignore[attr-defined]


def test_sessions_nobody_has_counted_are_not_told_as_none() -> None:
    assert in_words(1, 2, None) == "serving: configuration 1, 2 NASes"
