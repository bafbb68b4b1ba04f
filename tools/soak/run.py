"""One run of the soak from the first process to the verdict.

Knows: in which order things begin and end. Refuses to know: how any of it is done.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
import traceback
import urllib.error
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tools.scenarios.loop import Loop
from tools.soak import scene
from tools.soak.judge import Evidence, Finding, Judge
from tools.soak.load import Load
from tools.soak.records import complaints, read_audit
from tools.soak.scene import PROFILES, TERMS, Device
from tools.soak.stage import Stage
from tools.soak.trouble import Director, Fleet, Played, Story
from tools.soak.truth import Answers, Clock, Past, Windows, past_of

_WARM_S = 3.0
_TAIL_S = 6.0
_DRAIN_S = 20.0
_TELL_EVERY_S = 5.0
_GROWTH, _GROWTH_OCTETS = 1.25, 24 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """seconds: of load. rate: requests a second. keep: a folder to leave everything in, else it goes."""

    seconds: float = 600.0
    rate: float = 200.0
    seed: int = 1
    keep: Path | None = None


@dataclass(slots=True, kw_only=True)
class Memory:
    """Resident octets of the daemon: (seconds into the run, which start, octets)."""

    samples: list[tuple[float, int, int]] = field(default_factory=list)

    def growth(self, seconds: float) -> tuple[int, int]:
        """At a quarter of the run and at its end; of the daemon's last life alone once that is longer."""
        settled = [octets for at, _, octets in self.samples if octets and at >= seconds / 4]
        return (settled[0], settled[-1]) if settled else (0, 0)

    @property
    def flat(self) -> bool:
        """Whether no life of the daemon grew from its first quarter to its end by more than a quarter and 24 MiB."""
        lives: dict[int, list[int]] = {}
        for _, life, octets in self.samples:
            if octets:
                lives.setdefault(life, []).append(octets)
        return all(one[-1] <= one[len(one) // 4] * _GROWTH + _GROWTH_OCTETS for one in lives.values())


@dataclass(slots=True, kw_only=True)
class Outcome:
    """Everything that is told of a run."""

    options: Options
    load: Load
    story: Story
    finding: Finding
    memory: Memory
    without_excuse_s: float
    answers: int
    files: int
    """Of the audit trail."""
    lag_s: float


def run(options: Options, say: Callable[[str], None]) -> Outcome:
    """Set the stage, let it all happen, judge."""
    with tempfile.TemporaryDirectory(prefix="nacd-soak-") as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        return _Run(options, folder, say).outcome()


class _Run:
    def __init__(self, options: Options, folder: Path, say: Callable[[str], None]) -> None:
        self._options = options
        self._folder = folder
        self._say = say
        self._devices = scene.devices()
        self._story = Story()
        self._memory = Memory()

    def outcome(self) -> Outcome:
        began = time.time()
        with Stage(self._folder, self._devices) as stage:
            self._story.restarts.append((began, time.time()))
            loop = Loop()
            load = Load(loop, stage.server, stage.accounting, self._devices, stage.contexts, self._options.seed)
            fleet = Fleet(stage, self._devices, self._story, self._options.seed + 1)
            self._play(stage, loop, load, fleet)
            fleet.look()
            past = Past(_pasts(stage, self._devices))
            alive = stage.alive
            load.close()
        answers = Answers(fleet.told)
        windows = Windows(self._story.played, self._story.restarts, well=answers.well())
        problems = [*complaints(self._folder / "nacd.log")]
        problems += [] if alive else ["nacd was gone at the end"]
        lost = load.accounted.given_up
        problems += [f"{lost} accounting records were never answered"] if lost else []
        problems += [self._story.broken] if self._story.broken else []
        problems += [] if self._memory.flat else [f"memory grew: {self._memory.samples[-1]}"]
        audit = read_audit(self._folder / "audit.jsonl")
        evidence = Evidence(
            audit=audit,
            asked=load.asked,
            past=past,
            answers=answers,
            clock=Clock(steps=tuple(self._story.steps)),
            windows=windows,
            terms=TERMS,
            begin=began,
            restarts=self._story.restarts,
            complaints=problems,
        )
        return Outcome(
            options=self._options,
            load=load,
            story=self._story,
            finding=Judge(evidence).finding(),
            memory=self._memory,
            without_excuse_s=windows.without_s(began, time.time()),
            answers=len(answers),
            files=audit.files,
            lag_s=max(loop.lag, default=0.0),
        )

    def _play(self, stage: Stage, loop: Loop, load: Load, fleet: Fleet) -> None:
        """The load on this thread, what goes wrong on another, what changes on a third."""
        options = self._options
        begin = time.monotonic() + 0.2
        end = begin + options.seconds
        load.run(options.rate, begin, end)
        over, calm = threading.Event(), threading.Event()
        director = Director(stage, self._devices, self._story, options.seed + 2, options.seconds)

        def direct() -> None:
            if not calm.wait(_WARM_S):
                director.run(calm)

        threads = [
            threading.Thread(target=self._guarded, args=(direct,)),
            threading.Thread(target=self._guarded, args=(lambda: fleet.run(over),)),
        ]
        for thread in threads:
            thread.start()
        self._tell(stage, loop, load, begin)
        try:
            loop.run(end - min(_TAIL_S, options.seconds / 4))
            calm.set()
            loop.run(end)
            drained = time.monotonic() + _DRAIN_S
            while load.open and time.monotonic() < drained:
                loop.run(time.monotonic() + 0.1)
        finally:
            calm.set()
            over.set()
            for thread in threads:
                thread.join(60)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (OSError, RuntimeError, ValueError, urllib.error.HTTPError):
            self._story.broken = f"the soak itself: {traceback.format_exc()}"
            print(self._story.broken, file=sys.stderr)

    def _tell(self, stage: Stage, loop: Loop, load: Load, begin: float) -> None:
        at_s = time.monotonic() - begin
        self._memory.samples.append((at_s, stage.starts, stage.resident_octets()))
        vlans = {vlan: profile for profile, vlan in PROFILES.items()}
        seen = ", ".join(f"{vlans.get(vlan, vlan)} {count}" for vlan, count in sorted(load.vlans.items()))
        story = self._story
        self._say(
            f"{max(0.0, at_s):5.0f} s  {len(load.asked)} asked, {load.open} open, {load.traffic.retransmissions} again;"
            f" {len(story.played)} troubles, {stage.starts - 1} restarts; now: {story.now}; {seen}"
        )
        loop.at(time.monotonic() + _TELL_EVERY_S, lambda: self._tell(stage, loop, load, begin))


def _pasts(stage: Stage, devices: list[Device]) -> dict[str, list[tuple[float, str]]]:
    """The history of every device that was ever enrolled, by the key of nacd's records."""
    found = {}
    for device in devices:
        if device.enrolled:
            history = stage.microsoft.order("GET", f"/devices/{device.guid}/history")
            found[device.key.lower()] = past_of(history)
    return found


__all__ = ["Memory", "Options", "Outcome", "Played", "run"]
