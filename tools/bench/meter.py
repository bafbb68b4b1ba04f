"""What a server costs: CPU time and memory of its whole tree of processes and threads.

Knows: ``/proc`` and the kernel's CPU clocks. Refuses to know: what the server did meanwhile.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

_CPU_CLOCK = 2  # CPUCLOCK_SCHED: nanoseconds of the scheduler, all threads together, ended ones too


def tree(pid: int) -> tuple[int, ...]:
    """That process and every descendant alive."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended while we looked
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [pid]
    for one in found:
        found += parents.get(one, ())
    return tuple(found)


def cpu_ns(pids: tuple[int, ...]) -> int:
    """CPU time of these processes so far, user and system. Raises OSError if one has ended."""
    # How clock_getcpuclockid(3) makes the clock of another process out of its number.
    return sum(time.clock_gettime_ns((~pid << 3) | _CPU_CLOCK) for pid in pids)


def resident_octets(pids: tuple[int, ...]) -> int:
    """Resident memory (RSS) of these processes together."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Rss:"):
                total += int(line.split()[1]) * 1024
    return total


class Cores:
    """One core for the server and another for the load, where there are two: less noise, the same for both sides."""

    def __init__(self) -> None:
        every = os.sched_getaffinity(0)
        cores = sorted(every)
        self.server = {cores[0]} if len(cores) > 1 else every
        self.load = {cores[1]} if len(cores) > 1 else every

    def for_server(self) -> None:
        """Whatever this thread starts now runs on the server's core."""
        os.sched_setaffinity(0, self.server)

    def for_load(self) -> None:
        """This thread, and what it starts now, runs on the load's core."""
        os.sched_setaffinity(0, self.load)


class Bystanders:
    """How much of the machine other programs use from now on: figures of a busy machine are worth less."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._before = self._others_s()

    def share(self) -> float:
        """0..1 of all cores. To be asked when our children have ended, or theirs counts as others'."""
        all_s = (time.monotonic() - self._began) * (os.cpu_count() or 1)
        return max(0.0, self._others_s() - self._before) / all_s

    @staticmethod
    def _others_s() -> float:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
        # user, nice, system, and the two kinds of interrupts (proc_stat(5))
        busy_s = sum(int(fields[place]) for place in (1, 2, 3, 6, 7)) / os.sysconf("SC_CLK_TCK")
        mine = os.times()
        return busy_s - (mine.user + mine.system + mine.children_user + mine.children_system)
