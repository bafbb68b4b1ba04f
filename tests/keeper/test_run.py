"""The keeper as a process: heard, killed wherever it stands, told to end."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.keeper.trails import Trail, check, texts

HOME = Path(__file__).resolve().parents[2]
# The keeper gives way to everybody (its niceness): beside a busy neighbour each of its steps takes seconds.
PATIENCE_S = 60.0


class Running:
    """One keeper, minded by this test. The reader keeps what is not a whole line yet."""

    def __init__(self, config: Path, *, by: tuple[str, ...] = ()) -> None:
        words = [*by, sys.executable, "-P", "-m", "nacd", "keeper", "--config", str(config)]
        environment = {**os.environ, "PYTHONPATH": str(HOME)}
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, cwd="/")
        self._rest = b""

    def until(self, word: str, within_s: float = PATIENCE_S) -> Any:
        """What it says with this word. Fails when it does not come."""
        assert self.process.stdout is not None
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            line, found, rest = self._rest.partition(b"\n")
            if found:
                self._rest = rest
                told = json.loads(line)
                if word in told:
                    return told
                continue
            if select.select([self.process.stdout], [], [], 0.2)[0]:
                octets = os.read(self.process.stdout.fileno(), 65_536)
                assert octets, f"it ended with {self.process.wait(PATIENCE_S)}"
                self._rest += octets
        raise AssertionError(f"nothing with `{word}` within {within_s} s")

    def tell(self, **word: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(word).encode() + b"\n")
        self.process.stdin.flush()

    def end(self) -> int:
        """As when the daemon is gone."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        code = self.process.wait(PATIENCE_S)
        self.process.stdout.close()
        return code

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE_S)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


@pytest.fixture
def config(trail: Trail, tmp_path: Path) -> Path:
    path = tmp_path / "nacd.yaml"
    path.write_text(f"audit: {{file: {trail.live}}}\nstate: state\n")
    return path


@pytest.fixture
def keeper(config: Path, trail: Trail) -> Iterator[Running]:
    trail.living()
    one = Running(config)
    yield one
    one.kill()


def test_it_says_that_it_is_there_works_and_ends_with_the_daemon(keeper: Running, trail: Trail) -> None:
    assert keeper.until("status")["status"]["problem"] == ""
    first = trail.full()
    assert keeper.until("say")["file"] == first
    assert os.getpriority(os.PRIO_PROCESS, keeper.process.pid) == 10
    assert keeper.end() == 0


def test_a_terminals_interrupt_is_for_the_daemon_and_a_sigterm_ends_it(keeper: Running, trail: Trail) -> None:
    keeper.until("status")
    keeper.process.send_signal(signal.SIGINT)
    name = trail.full()
    assert keeper.until("say")["file"] == name
    keeper.process.terminate()
    assert keeper.process.wait(PATIENCE_S) == 0


def test_a_reload_changes_what_is_done_and_a_bad_file_does_not(trail: Trail, config: Path) -> None:
    sound = config.read_text()
    config.write_text(sound.replace("}", ", compress: false}"))
    trail.living()
    name = trail.full()
    keeper = Running(config)
    keeper.until("status")
    config.write_text("audit: nonsense\n")
    keeper.tell(reload=True)
    assert "goes on with the settings before" in keeper.until("warn")["warn"]
    assert (trail.folder / name).exists()
    config.write_text(sound)
    keeper.tell(reload=True)
    assert keeper.until("say")["file"] == name
    assert keeper.end() == 0


def test_it_deletes_what_the_daemon_has_recorded(trail: Trail, config: Path) -> None:
    config.write_text(config.read_text().replace("}", ", keep: {for: 1h}}"))
    full = [trail.full() for _ in range(3)]
    trail.living()
    keeper = Running(config)
    for name in full[:2]:
        wish = keeper.until("retire")["retire"]
        assert wish["file"] == name
        assert any(each.startswith(name) for each in os.listdir(trail.folder))
        keeper.tell(retired=name)
    keeper.until("say")
    assert keeper.end() == 0
    assert [name for name, _ in texts(trail.live)] == [full[2], "audit.jsonl"]
    assert check(trail.live, first=101) == 155


def test_a_configuration_that_is_wrong_is_told(config: Path) -> None:
    config.write_text("state: state\n")
    keeper = Running(config)
    assert "the keeper is not started" in keeper.until("warn")["warn"]
    assert keeper.process.wait(PATIENCE_S) == 1
    keeper.kill()


def test_a_second_one_waits_for_its_turn(keeper: Running, config: Path, trail: Trail) -> None:
    keeper.until("status")
    second = Running(config)
    second.until("status")
    assert "another keeper" in second.until("status")["status"]["problem"]
    keeper.kill()
    name = trail.full()
    assert second.until("say")["file"] == name
    assert second.end() == 0


@pytest.mark.slow
def test_killed_at_random_moments_nothing_is_lost_and_nothing_is_there_twice(trail: Trail, config: Path) -> None:
    chance = random.Random(4711)
    for _ in range(4):
        trail.full(6_000, filler=640)
    trail.live.touch()
    killed = 0
    for number in range(20):
        keeper = Running(config)
        keeper.until("status")
        time.sleep(chance.uniform(0.0, 0.25))
        killed += keeper.process.poll() is None
        keeper.kill()
        assert check(trail.live) == trail.seq, f"after {number + 1} kills"
        if number % 5 == 4:
            trail.full(6_000, filler=640)
    assert killed == 20
    for draft in trail.folder.glob(".*.idx.part"):
        os.utime(draft, (1, 1))  # a fresh one may be that of a person who makes an index by hand
    done = subprocess.run(
        [sys.executable, "-m", "nacd", "keeper", "--once", "--config", str(config)],
        cwd=HOME,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert check(trail.live) == trail.seq
    left = {path.name for path in trail.folder.iterdir()}
    assert left == {f"{name}.gz" for name in trail.texts} | {name.replace(".jsonl", ".idx") for name in trail.texts} | {
        "audit.jsonl"
    }


def test_the_first_status_already_tells_what_there_is(trail: Trail, config: Path) -> None:
    trail.full()
    trail.living()
    keeper = Running(config)
    try:
        status = keeper.until("status")["status"]
        assert status["files"] == 2
        assert status["octets"] > 0
    finally:
        keeper.kill()
