"""Work that blocks, in threads that hold up nobody's end."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from nacd.server.lookups.threads import Threads


def test_no_more_threads_than_allowed_and_no_more_than_needed() -> None:
    async def story() -> None:
        pool, gate, seen = Threads(3, "counted"), threading.Event(), set[str]()

        def work() -> str:
            seen.add(threading.current_thread().name)
            gate.wait(5)
            return threading.current_thread().name

        async def are_at_it(count: int) -> None:
            async with asyncio.timeout(10):
                while len(seen) < count:  # noqa: ASYNC110  it is in threads that it shows
                    await asyncio.sleep(0.001)
            assert len([each for each in threading.enumerate() if each.name.startswith("counted-")]) == count

        first = pool.run(work)
        await are_at_it(1)
        others = [pool.run(work) for _ in range(9)]
        await are_at_it(3)
        gate.set()
        assert len(set(await asyncio.gather(first, *others))) <= 3
        pool.close()

    asyncio.run(story())


def test_an_error_reaches_whoever_waits_and_the_thread_goes_on() -> None:
    async def story() -> None:
        pool = Threads(1, "test")
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await pool.run(lambda: 1 // 0)
        assert await pool.run(lambda: "still here") == "still here"
        pool.close()

    asyncio.run(story())


def test_what_was_called_off_before_its_turn_is_not_done() -> None:
    async def story() -> None:
        pool, gate, done = Threads(1, "test"), threading.Event(), []
        first = pool.run(lambda: gate.wait(5))
        second = pool.run(lambda: done.append(1))
        second.cancel()
        gate.set()
        await first
        await pool.run(lambda: None)
        assert done == []
        pool.close()

    asyncio.run(story())


def test_a_thread_that_hangs_does_not_hold_up_the_end_of_the_process() -> None:
    program = (
        "import asyncio, threading\n"
        "from nacd.server.lookups.threads import Threads\n"
        "async def story():\n"
        "    pool = Threads(1, 'test')\n"
        "    pool.run(lambda: threading.Event().wait(600))\n"
        "    await asyncio.sleep(0.05)\n"
        "asyncio.run(story())\n"
        "print('ended')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ended\n", "")
