"""Everything that is measured of the audit log, one after the other.

Knows: the order of things and their sizes. Refuses to know: how each is measured, and how it is told.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.bench import cases, meter, site
from tools.bench.audit import down
from tools.bench.audit.figures import RECORDS_A_SECOND, Audit, Decision, Sustained
from tools.bench.compliance.daemon import Place
from tools.bench.servers.server import HOME, environment, interpreter
from tools.scenarios.microsoft import Microsoft


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """records, rounds: of decisions. seconds: of one writer at its pace."""

    records: int
    rounds: int
    seconds: float
    down: down.Plan


FULL = Sizes(records=20_000, rounds=7, seconds=60.0, down=down.Plan(turns=6, seconds=5.0))
QUICK = Sizes(records=400, rounds=1, seconds=0.5, down=down.Plan(turns=1, seconds=0.3))


def measure(
    folder: Path, credentials: site.Credentials, cores: meter.Cores, sizes: Sizes, say: Callable[[str], None]
) -> Audit:
    """All of it, in ``folder``. Raises NotUpError, WrongAnswerError."""
    folder.mkdir()
    found, figures = Audit(), _inside(folder / "inside", sizes, cores)
    found.decision = Decision(records=sizes.records, **figures["decision"])
    found.sustained.append(Sustained(rate=RECORDS_A_SECOND, **figures["sustained"]))
    say(f"audit  a decision: {min(found.decision.whole()) / 1000:.1f} us at least")
    with ExitStack() as stack:
        microsoft = Microsoft(folder, [])
        stack.callback(microsoft.stop)
        dead = stack.enter_context(down.dead_ends())

        def place(name: str, **change: object) -> Place:
            at = folder / name
            return Place(
                folder=at, state=at / "state", microsoft=microsoft, credentials=credentials, cores=cores, change=change
            )

        found.down = down.measure(stack, place("alone"), place("down", audit={"forward": dead}), sizes.down)
        say(f"audit  destinations down: {found.down.added_ms:.2f} ms more at p99, {found.down.missing} missing")
    return found


def _inside(folder: Path, sizes: Sizes, cores: meter.Cores) -> Any:
    folder.mkdir()
    words = ["tools.bench.audit.inside", str(folder), str(sizes.records), str(sizes.rounds), str(sizes.seconds)]
    cores.for_server()
    try:
        said = subprocess.run(
            [interpreter(), "-m", *words],
            cwd=HOME,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        cores.for_load()
    if said.returncode:
        raise cases.WrongAnswerError(f"`{words[0]}` failed:\n{said.stderr[-1500:]}")
    return json.loads(said.stdout)
