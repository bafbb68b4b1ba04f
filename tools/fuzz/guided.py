"""The engine that is led by coverage: atheris, which is libFuzzer for Python.

Knows: how atheris is called. Refuses to know: what is tried. Nothing of nacd is imported before it can be instrumented.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Final

from tools.fuzz.engine import target

_TELL_EVERY: Final = 500
_LONGEST: Final = 8_192


def run(name: str, seconds: int, runs: int, seed: int, findings: Path) -> None:
    """Fuzz one target until ``seconds`` or ``runs`` (0: no limit) are over. Does not return.

    A finding is written to ``findings`` and ends the process with another status than 0. Raises ImportError
    where there is no atheris.
    """
    atheris = _library()
    warnings.simplefilter("ignore")
    with atheris.instrument_imports(include=["nacd"], exclude=["nacd.sim"]):
        one = target(name)
    reached: Counter[int] = Counter()

    def mutate(octets: bytes, longest: int, number: int) -> bytes:
        chance = Random(number)
        if chance.random() < 0.6:
            return one.mutate(octets, chance)[:longest]
        broken = bytes(atheris.Mutate(octets, len(octets) + 32))
        return (one.mend(broken) if chance.random() < 0.8 else broken)[:longest]

    def execute(octets: bytes) -> None:
        try:
            reached[one.execute(octets)] += 1
        except BaseException:
            kept = findings / f"{name}-crash-{hashlib.sha1(octets).hexdigest()}"
            print(f"FINDING {name}\n  python -m tools.fuzz --repeat {name} {kept}", flush=True)
            raise
        if not reached.total() % _TELL_EVERY:
            print(_line(name, one.stages, reached), flush=True)

    findings.mkdir(parents=True, exist_ok=True)
    corpus = tempfile.mkdtemp(prefix="nacd-fuzz-corpus-")
    for number, octets in enumerate(one.seeds()):
        Path(corpus, f"seed-{number}").write_bytes(octets)
    limits = [f"-max_total_time={seconds}"] + ([f"-runs={runs}"] if runs else [])
    flags = [f"-seed={seed}", f"-max_len={_LONGEST}", f"-artifact_prefix={findings}/{name}-", "-verbosity=1"]
    atheris.Setup([sys.argv[0], corpus, *flags, *limits], execute, custom_mutator=mutate)
    atheris.Fuzz()


def _line(name: str, stages: tuple[str, ...], reached: Counter[int]) -> str:
    total = reached.total()
    parts = [
        f"{stage} {sum(count for bits, count in reached.items() if bits >> bit & 1) / total:.0%}"
        for bit, stage in enumerate(stages)
    ]
    return f"{name}: {total}; {', '.join(parts)}"


def _library() -> ModuleType:
    import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]

    module: ModuleType = atheris
    return module
