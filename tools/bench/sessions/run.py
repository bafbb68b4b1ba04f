"""Everything that is measured of sessions beside the rounds of accounting, one after the other.

Knows: the order of things and their sizes. Refuses to know: how each is measured, and how it is told.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tools.bench import meter, site
from tools.bench.compliance.daemon import Place
from tools.bench.sessions import accounting, flip
from tools.bench.sessions.figures import Sessions
from tools.bench.sessions.million import Starts
from tools.scenarios.microsoft import Microsoft


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much of everything. records: sessions in one run of accounting. whole_machine: a cold start may empty the
    kernel's memory of all files."""

    records: int
    rows: int
    starts: int
    whole_machine: bool
    flip: flip.Plan


FULL = Sizes(records=1_500, rows=1_000_000, starts=3, whole_machine=True, flip=flip.Plan(sessions=1_000, more=40))
QUICK = Sizes(records=50, rows=2_000, starts=2, whole_machine=False, flip=flip.Plan(sessions=60, more=20))


def sides(
    stack: ExitStack, folder: Path, credentials: site.Credentials, cores: meter.Cores, sizes: Sizes
) -> accounting.Sides:
    """The servers of the cases of accounting, in ``folder``, made here. What they leave ends with ``stack``."""
    folder.mkdir()
    place = _place(folder / "nacd", _nobody(stack, folder), credentials, cores)
    return accounting.Sides(stack=stack, place=place, sessions=sizes.records)


def measure(
    folder: Path, credentials: site.Credentials, cores: meter.Cores, sizes: Sizes, say: Callable[[str], None]
) -> Sessions:
    """All but the cases of accounting, in ``folder``, made here. Raises NotUpError, WrongAnswerError."""
    found = Sessions()
    folder.mkdir()
    with ExitStack() as stack:
        traced = sides(stack, folder / "syncs", credentials, cores, sizes)
        for window in accounting.WINDOWS:
            found.syncs += traced.syncs(window)
    for each in found.syncs:
        say(f"sessions  {each.side}, {each.window} under way: {each.syncs:,} syncs for {each.records:,} records")
    with ExitStack() as stack:
        (folder / "million").mkdir()
        place = _place(folder / "million", _nobody(stack, folder / "million"), credentials, cores)
        starts = Starts(place=place, rows=sizes.rows, times=sizes.starts, whole_machine=sizes.whole_machine)
        found.million = starts.measure()
    answered_s = statistics.median(start.answered_s for start in found.million.starts)
    say(f"sessions  {sizes.rows:,} on disk: {answered_s:.2f} s, {found.million.resident / 1e6:.0f} MB")
    found.flips.append(flip.measure(folder / "flip", cores, sizes.flip, say))
    last = found.flips[-1]
    say(
        f"sessions  {last.sessions:,} changed in {max(last.converged_s):.2f} s, by the database {last.database_s:.2f} s"
    )
    return found


def _nobody(stack: ExitStack, folder: Path) -> Microsoft:
    """An Intune without devices."""
    microsoft = Microsoft(folder, [])
    stack.callback(microsoft.stop)
    return microsoft


def _place(folder: Path, microsoft: Microsoft, credentials: site.Credentials, cores: meter.Cores) -> Place:
    return Place(
        folder=folder,
        state=folder / "state",
        microsoft=microsoft,
        credentials=credentials,
        cores=cores,
        change=accounting.settings(folder),
        policy=accounting.POLICY,
    )
