"""What goes wrong during the soak, drawn by a seed: the deck of troubles, and who plays it.

Knows: orders for the simulated Microsoft, restarts and clocks, and how long after a trouble nacd may still be without
an answer. Refuses to know: requests and verdicts.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.soak.deck import Trouble, draw
from tools.soak.scene import Device
from tools.soak.stage import HOME, Stage

_CALM_EVERY = 5
_STEPS = (-300, -40, -25, 25, 40, 300)
_FURTHEST_S = 1200
_READY_AFTER_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A trouble that was on, from ``begin`` to ``end`` (seconds since the epoch, machine's clock).

    after_s, excuses: as in ``Trouble``.
    """

    name: str
    begin: float
    end: float
    after_s: float = 0.0
    excuses: bool = True


@dataclass(slots=True)
class Story:
    """Everything that was done to nacd. steps: (when, offset) of its wall clock; restarts: (stopped, ready again)."""

    played: list[Played] = field(default_factory=list)
    restarts: list[tuple[float, float]] = field(default_factory=list)
    steps: list[tuple[float, float]] = field(default_factory=list)
    refreshed: int = 0
    flips: int = 0
    retired: int = 0
    enrolled: int = 0
    now: str = "calm"
    broken: str = ""
    """Why a thread of the soak itself gave up."""


class Fleet:
    """Flips devices and writes down what Intune was asked, until ``ended``. rate: changes a second."""

    def __init__(self, stage: Stage, devices: Sequence[Device], story: Story, seed: int, rate: float = 8.0) -> None:
        self.told: list[dict[str, Any]] = []
        self._stage = stage
        self._devices = [device for device in devices if device.enrolled]
        self._story = story
        self._random = random.Random(seed)
        self._pause_s = 1 / rate
        self._gone: set[str] = set()
        self._bad: set[str] = set()
        self._seen = 0

    def run(self, ended: threading.Event) -> None:
        """Change a device, wait, and so on; a last look at what was asked."""
        asked_at = 0.0
        while not ended.wait(self._pause_s):
            self._change(self._random.choice(self._devices))
            if time.monotonic() - asked_at > 2:
                asked_at = time.monotonic()
                self.look()
        self.look()

    def look(self) -> None:
        """Fetch what Intune was asked since the last look."""
        fresh = self._stage.microsoft.order("GET", f"/history?after={self._seen}")
        self.told += [one for one in fresh if one["kind"] in ("guid", "mac", "bulk")]
        self._seen = max([self._seen, *(int(one["number"]) for one in fresh)])

    def _change(self, device: Device) -> None:
        """About a quarter is noncompliant at any time, a tenth is retired."""
        order, story, drawn = self._stage.microsoft.order, self._story, self._random.random()
        if device.guid in self._gone:
            self._gone.discard(device.guid)
            compliant = drawn < 0.7
            order("PUT", "/devices", **{**device.order, "compliant": compliant})
            story.enrolled += 1
        elif drawn < 0.12:
            self._gone.add(device.guid)
            order("DELETE", f"/devices/{device.guid}")
            story.retired += 1
            return
        else:
            compliant = device.guid in self._bad
            if not compliant and drawn > 0.5:
                return
            order("PUT", "/devices", guid=device.guid, compliant=compliant)
            story.flips += 1
        if compliant:
            self._bad.discard(device.guid)
        else:
            self._bad.add(device.guid)


class Director:
    """Plays the deck until ``until`` (monotonic seconds), then leaves everything well."""

    def __init__(self, stage: Stage, devices: Sequence[Device], story: Story, seed: int, seconds: float) -> None:
        self._stage = stage
        self._story = story
        self._random = random.Random(seed)
        self._short = seconds < 240
        self._deck = draw(self._random, short=self._short)
        self._keys = [device.key for device in devices]
        self._commands: list[subprocess.Popen[bytes]] = []
        self._offset = 0.0

    def run(self, ended: threading.Event) -> None:
        """One trouble after the other, with calm between."""
        turn = 0
        while not ended.wait(self._calm(turn)):
            trouble = self._deck[turn % len(self._deck)]
            self._story.now = trouble.name
            self._play(trouble, ended)
            self._story.now = "calm"
            turn += 1
        for command in self._commands:
            command.wait(60)

    def _calm(self, turn: int) -> float:
        if turn % _CALM_EVERY == _CALM_EVERY - 1:
            return self._random.uniform(8, 10) if self._short else self._random.uniform(12, 20)
        return self._random.uniform(0.8, 2.0) if self._short else self._random.uniform(1, 3.5)

    def _play(self, trouble: Trouble, ended: threading.Event) -> None:
        begin = time.time()
        for method, path, values in trouble.begin:
            self._stage.microsoft.order(method, path, **values)
        self._act(trouble)
        low, high = trouble.lasts
        if not self._short:
            high *= 1.5
        ended.wait(self._random.uniform(low, high))
        for method, path, values in trouble.end:
            self._stage.microsoft.order(method, path, **values)
        self._stage.microsoft.order("DELETE", "/faults")
        played = Played(
            name=trouble.name, begin=begin, end=time.time(), after_s=trouble.after_s, excuses=trouble.excuses
        )
        self._story.played.append(played)

    def _act(self, trouble: Trouble) -> None:
        acts: dict[str, Callable[[], None]] = {
            "": lambda: None,
            "term": lambda: self._restart(signal.SIGTERM),
            "kill": lambda: self._restart(signal.SIGKILL),
            "clock": self._step,
            "refresh": self._refresh,
            "command": self._command,
        }
        acts[trouble.act]()

    def _restart(self, how: signal.Signals) -> None:
        begin = time.time()
        self._stage.stop(how)
        self._stage.launch()
        self._stage.wait_ready()
        self._story.restarts.append((begin, time.time()))

    def _step(self) -> None:
        steps = [step for step in _STEPS if abs(self._offset + step) <= _FURTHEST_S]
        self._offset += self._random.choice(steps)
        self._story.steps.append((time.time(), self._offset))
        self._stage.set_clock(self._offset)

    def _refresh(self) -> None:
        for key in self._random.sample(self._keys, 3):
            self._stage.refresh(key)
            self._story.refreshed += 1

    def _command(self) -> None:
        words = [sys.executable, "-m", "nacd", "cache", "refresh", self._random.choice(self._keys)]
        words += ["--state", str(self._stage.folder / "state")]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._commands.append(subprocess.Popen(words, cwd=HOME, stdin=subprocess.DEVNULL, **quiet))  # type: ignore[call-overload]
        self._story.refreshed += 1
