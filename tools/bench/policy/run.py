"""How long a policy takes to load, and a decision by it. ``python -m tools.bench --only policy``.

Knows: nacd's own loading and evaluation, from inside one process. Refuses to know: the mix, and what is said of it.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from nacd.config.load import load
from nacd.policy.evaluate import evaluate
from nacd.policy.model import Policy as Rules
from nacd.server.assembly import assemble
from nacd.server.clock import instant
from nacd.values import Facts
from tools.bench.policy import mix
from tools.bench.policy.figures import Policy

FULL = (200, 10_000)
QUICK = (200,)
_LOGINS = 2_000
_ROUNDS = 5


def measure(folder: Path, sizes: Sequence[int], say: Callable[[str], None]) -> list[Policy]:
    """In ``folder``, made here."""
    folder.mkdir()
    found = []
    for count in sizes:
        file = mix.write(folder / str(count), count)
        load_s = [_load_s(file) for _ in range(3)]
        rules = load(file).policy
        took = [_decide(rules, mix.logins(_LOGINS)) for _ in range(_ROUNDS)]
        best = sorted(map(min, zip(*took, strict=True)))
        found.append(
            Policy(
                rules=count,
                load_s=load_s,
                mean_ns=[sum(each) / len(each) for each in took],
                p99_ns=best[int(len(best) * 0.99)],
                worst_ns=best[-1],
            )
        )
        say(f"policy  {count:,} rules: load {min(load_s):.2f} s, a decision {min(found[-1].mean_ns) / 1000:.1f} us")
    return found


def _load_s(file: Path) -> float:
    began = time.process_time()
    assemble(load(file), instant())
    return time.process_time() - began


def _decide(rules: Rules, logins: Sequence[Facts]) -> list[int]:
    """Nanoseconds of each; what a NAS's first login costs is paid before."""
    for facts in logins:
        evaluate(rules, facts, asked=True)
    took = []
    gc.disable()
    for facts in logins:
        began = time.perf_counter_ns()
        evaluate(rules, facts, asked=True)
        took.append(time.perf_counter_ns() - began)
    gc.enable()
    return took
