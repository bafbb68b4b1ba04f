"""The blind engine: fast, and it needs nothing but Python. The one led by coverage is ``guided``.

Knows: rounds, processes, what is kept of a finding, memory. Refuses to know: what is tried. A round is 10,000
executions, shared out between the targets; round and seed number say which inputs, whoever works on them. A
finding is kept as the octets that made it, with the inputs that went before it in the same process. Nothing of
nacd is imported here but by ``target``, so that atheris can instrument it first.
"""

from __future__ import annotations

import ctypes
import gc
import hashlib
import importlib
import multiprocessing
import os
import signal
import sys
import time
import traceback
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path, PurePath
from random import Random
from typing import Any, Final

from tools.fuzz.wire import Finding, check

ROUND: Final = 10_000
SHARES: Final[Mapping[str, int]] = {
    "packet": 4_700,
    "door": 1_500,
    "intune": 1_300,
    "certificate": 800,
    "capture": 650,
    "eap": 600,
    "tls": 250,
    "yaml": 200,
}
"""Executions of each target in one round."""
WARM_UP_ROUNDS: Final = 100
"""After so many, nearly all that nacd remembers of strangers (spellings of 8,192 MACs, say) is as full as it gets."""
MEMORY_BOUND_MIB: Final = 32
LEAST_PAST_SIGNATURE: Final = 0.5
_BEFORE_KEPT: Final = 200
_SAME_KEPT: Final = 3


class Target:
    """What the engines want of a target; ``rest`` is asked once at the end, ``close`` takes everything down."""

    name = ""
    stages: tuple[str, ...] = ()

    def seeds(self) -> list[bytes]:
        """Inputs to begin with; a target that is heavier on some gives them more than once."""
        raise NotImplementedError

    def mutate(self, seed: bytes, chance: Random) -> bytes:
        """One of them, broken; all chance comes from ``chance``."""
        raise NotImplementedError

    def execute(self, octets: bytes) -> int:
        """Try one input; the stages reached, as bits. Raises Finding, or whatever nacd should not let out."""
        raise NotImplementedError

    def mend(self, octets: bytes) -> bytes:
        """Input that was broken blindly, made right where it would not come far otherwise."""
        return octets

    def rest(self) -> None:
        """What must hold when all is over. Raises Finding."""

    def close(self) -> None:
        """Give back folders, threads and files."""


def target(name: str) -> Target:
    """Set one target up. Imported only here, so that an engine can instrument nacd before it is loaded."""
    from tools.fuzz import documents, door, rooms, tls

    made: dict[str, Callable[[], Target]] = {
        "packet": rooms.Packets,
        "door": door.Door,
        "intune": documents.Answers,
        "certificate": rooms.Certificates,
        "eap": tls.Sequences,
        "capture": rooms.Captures,
        "yaml": documents.Configurations,
        "tls": tls.Handshakes,
    }
    return made[name]()


@dataclass(frozen=True, slots=True)
class Found:
    """One finding. file: the octets, ``""`` where a process died of them; code: ``source`` or ``compiled``."""

    target: str
    words: str
    file: str
    round: int
    code: str = "source"


@dataclass(slots=True)
class Tally:
    """What happened so far. reached: target -> (stages as bits -> executions); seconds: of work, per target."""

    reached: dict[str, Counter[int]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    findings: list[Found] = field(default_factory=list)
    growth_mib: float = 0.0
    peak_mib: float = 0.0

    def add(self, name: str, reached: Counter[int], seconds: float) -> None:
        self.reached.setdefault(name, Counter()).update(reached)
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds

    def executions(self, name: str = "") -> int:
        """Of one target, or of all."""
        names = [name] if name else list(self.reached)
        return sum(sum(self.reached.get(one, Counter()).values()) for one in names)

    def share(self, name: str, bit: int) -> float:
        """The part of a target's executions that reached a stage."""
        counted = self.reached.get(name, Counter())
        total = sum(counted.values())
        return sum(count for bits, count in counted.items() if bits >> bit & 1) / total if total else 0.0


class Bench:
    """Targets set up once in this process, and the work on them round by round."""

    def __init__(self, names: Iterable[str], seed: int, findings: Path, code: str = "source") -> None:
        warnings.simplefilter("ignore")  # cryptography remarks on odd certificates; there are millions here
        self.targets = {name: target(name) for name in names}
        self._seeds = {name: one.seeds() for name, one in self.targets.items()}
        self.before = {name: deque[bytes](maxlen=_BEFORE_KEPT) for name in self.targets}
        self._seed = seed
        self._folder = findings
        self._code = code
        self._same: Counter[str] = Counter()
        self.findings: list[Found] = []

    def work(self, name: str, number: int, executions: int) -> Counter[int]:
        """One target's part of one round."""
        chance = Random(f"{self._seed}/{name}/{number}")
        one, seeds, before = self.targets[name], self._seeds[name], self.before[name]
        reached: Counter[int] = Counter()
        for _ in range(executions):
            octets = one.mutate(seeds[int(chance.random() * len(seeds))], chance)
            if chance.random() < 0.1:
                octets = one.mutate(octets, chance)
            try:
                reached[one.execute(octets)] += 1
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:  # noqa: BLE001 - a panic of a Rust library is no Exception
                reached[0] += 1
                self._keep(one, octets, error, number)
            before.append(octets)
        return reached

    def rest(self, name: str) -> None:
        """What must hold at the end."""
        try:
            self.targets[name].rest()
        except Exception as error:  # noqa: BLE001
            self._keep(self.targets[name], b"", error, -1)

    def close(self) -> None:
        for one in self.targets.values():
            one.close()

    def _keep(self, one: Target, octets: bytes, error: BaseException, number: int) -> None:
        words = _in_words(error)
        self._same[words] += 1
        if self._same[words] > _SAME_KEPT:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / f"{one.name}-{hashlib.sha256(words.encode() + octets).hexdigest()[:12]}"
        file.write_bytes(octets)
        before = b"".join(len(each).to_bytes(4) + each for each in self.before[one.name])
        file.with_suffix(".before").write_bytes(before)
        file.with_suffix(".txt").write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        self.findings.append(Found(one.name, words, str(file), number, self._code))


def _in_words(error: BaseException) -> str:
    if isinstance(error, Finding):
        return str(error)[:300]
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "nowhere"
    return f"{type(error).__name__} at {where}: {str(error)[:200]}"


def again(name: str, number: int, seed: int, findings: Path, code: str) -> int:
    """One target's part of one round, in this process; how many findings. For a round that a process died of."""
    bench = Bench([name], seed, findings, code)
    bench.work(name, number, SHARES[name])
    bench.close()
    return len(bench.findings)


def repeat(name: str, file: Path) -> None:
    """Try one finding again, after the inputs that went before it if they were kept. Raises what it finds."""
    warnings.simplefilter("ignore")
    one = target(name)
    before = file.with_suffix(".before")
    octets = before.read_bytes() if before.exists() else b""
    while octets:
        size = int.from_bytes(octets[:4])
        try:
            one.execute(octets[4 : 4 + size])
        except Exception as error:  # noqa: BLE001 - a finding among those before is not the one asked for
            print(f"before: {_in_words(error)}")
        octets = octets[4 + size :]
    reached = one.execute(file.read_bytes())
    print("reached:", ", ".join(stage for bit, stage in enumerate(one.stages) if reached >> bit & 1) or "nothing")


def held_mib() -> float:
    """Resident memory of this process without what is free already and only kept for the next allocation."""
    gc.collect()
    # After broken policies the C library kept 24 MiB of freed pieces: room to reuse, which a leak is not.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's own; others give back by themselves
    if trim is not None:
        trim(0)
    return memory_mib()


def memory_mib() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


# -- processes ------------------------------------------------------------------------------------


def take_nacd_from(copy: Path | None) -> None:
    """Have nacd imported from a compiled copy; None: as its source is. To be said before anything of it is imported."""
    if copy is not None:
        sys.path.insert(0, str(copy))
        found = importlib.import_module("nacd.radius.packet").__file__ or ""
        check(Path(found).is_relative_to(copy) and found.endswith(".so"), f"nacd comes from {found}, not from {copy}")


def code_of(copy: Path | None) -> str:
    """What is tried: ``source``, or ``compiled`` where nacd is taken from a copy."""
    return "source" if copy is None else "compiled"


def _child(
    pipe: Connection, names: list[str], rounds: range, seed: int, findings: Path, scale: float, copy: Path | None
) -> None:
    """One process: its rounds in order, telling after each part what came of it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    take_nacd_from(copy)
    bench = Bench(names, seed, findings, code_of(copy))
    warm = 0.0
    for place, number in enumerate(rounds):
        for name in names:
            pipe.send(("begin", name, number))
            began = time.process_time()
            reached = bench.work(name, number, max(1, round(SHARES[name] * scale)))
            pipe.send(("done", name, reached, time.process_time() - began))
        while bench.findings:
            pipe.send(("found", bench.findings.pop()))
        peak, held = memory_mib(), held_mib()
        if place == min(WARM_UP_ROUNDS, len(rounds) // 3):
            warm = held
        pipe.send(("memory", peak, max(0.0, held - warm) if warm else 0.0))
        if pipe.poll():
            break
    for name in names:
        bench.rest(name)
    bench.close()
    for found in bench.findings:
        pipe.send(("found", found))
    pipe.send(("end",))


class Run:
    """Several processes over a number of rounds. ``tell`` is called now and then with the tally.

    copies: for each process the compiled copy from which it takes nacd, or None for its source.
    """

    def __init__(self, names: list[str], total: int, copies: Sequence[Path | None], seed: int, findings: Path) -> None:
        processes = len(copies)
        in_round = sum(SHARES[name] for name in names)
        self.rounds = max(processes, -(-total // in_round))
        # A short run has short rounds, so that each target has its part in it.
        scale = min(1.0, total / (self.rounds * in_round))
        context = multiprocessing.get_context("spawn")
        self.tally = Tally()
        self.total = total
        self.began = time.monotonic()
        self._doing: dict[Connection, tuple[str, int]] = {}
        self._children: dict[Connection, Any] = {}
        for number, copy in enumerate(copies):
            mine, theirs = context.Pipe()
            rounds = range(number, self.rounds, processes)
            words = (theirs, names, rounds, seed, findings, scale, copy)
            child = context.Process(name=code_of(copy), target=_child, args=words)
            child.start()
            theirs.close()
            self._children[mine] = child

    def follow(self, tell: Callable[[Run], None], every_s: float = 60.0) -> Tally:
        """Wait for the end. A process that dies is a finding."""
        due = time.monotonic() + every_s
        while self._children:
            for pipe in wait(list(self._children), timeout=max(0.1, due - time.monotonic())):
                if isinstance(pipe, Connection):
                    self._hear(pipe)
            if time.monotonic() >= due:
                tell(self)
                due = time.monotonic() + every_s
        return self.tally

    def stop(self) -> None:
        """Ask every process to end after its round."""
        for pipe in self._children:
            pipe.send("stop")

    def _hear(self, pipe: Connection) -> None:
        try:
            message = pipe.recv()
        except EOFError:
            self._died(pipe)
            return
        match message:
            case ("begin", name, number):
                self._doing[pipe] = (name, number)
            case ("done", name, reached, seconds):
                self.tally.add(name, reached, seconds)
            case ("found", found):
                self.tally.findings.append(found)
            case ("memory", now_mib, growth_mib):
                self.tally.peak_mib = max(self.tally.peak_mib, now_mib)
                self.tally.growth_mib = max(self.tally.growth_mib, growth_mib)
            case _:
                self._children.pop(pipe).join()

    def _died(self, pipe: Connection) -> None:
        child = self._children.pop(pipe)
        child.join()
        name, number = self._doing.get(pipe, ("start", 0))
        words = f"the process ended with {child.exitcode} in round {number}"
        self.tally.findings.append(Found(name, words, "", number, child.name))


def verdict(tally: Tally) -> None:
    """What a run must show. Raises Finding."""
    check(not tally.findings, f"{len(tally.findings)} findings: {tally.findings[:3]}")
    if tally.executions("door"):
        share = tally.share("door", 1)
        check(share >= LEAST_PAST_SIGNATURE, f"only {share:.0%} came past the Message-Authenticator")
    check(
        tally.growth_mib <= MEMORY_BOUND_MIB,
        f"memory grew by {tally.growth_mib:.0f} MiB after the warm-up, {MEMORY_BOUND_MIB} are allowed",
    )
