"""``nacd audit index``: the indexes that are missing, made by hand.

Knows: which files have none that may be believed. Refuses to know: how one is made (``nacd.store.trail_index``).

The daemon's keeper does this by itself when a file is full; by hand it is wanted for an archive that was brought back,
or after an update that looks for more than before.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nacd.cli.audit.search import CANNOT, DEFAULT_CONFIG, FOUND, Audit, Config

if TYPE_CHECKING:
    from nacd.store.trail.reading import TrailFile


def index(
    anew: Annotated[bool, typer.Option("--anew", help="Also in place of those that are there and sound.")] = False,
    audit: Audit = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Make the indexes that searches go by, for each full file that has none.

    A search without them finds the same, by reading everything. Exit code 0: all are there; 2: one could not be made.
    """
    raise typer.Exit(run(config, files=tuple(audit or ()), anew=anew))


def run(config: Path, *, files: tuple[Path, ...], anew: bool) -> int:
    """Make them, the newest first. Returns the exit code."""
    from nacd.audit.asking.rows import visible
    from nacd.cli.audit.finding.where import NoTrail, chosen

    try:
        full = [file for file in chosen(config, files) if not file.live and file.first_seq]
    except NoTrail as wrong:
        print(visible(str(wrong)), file=sys.stderr)
        return CANNOT
    missing = [file for file in reversed(full) if anew or _lacks(file)]
    made = 0
    for number, file in enumerate(missing, start=1):
        made += _made(file, f"file {number} of {len(missing)}, {visible(file.path.name)}")
    print(f"{len(full)} full files, {len(full) - len(missing)} had an index, {made} made")
    return FOUND if made == len(missing) else CANNOT


def _lacks(file: TrailFile) -> bool:
    from nacd.store.trail_index.index import NoIndex, opened

    try:
        with contextlib.closing(opened(file)):
            return False
    except NoIndex:
        return True


def _made(file: TrailFile, what: str) -> bool:
    from nacd.audit.asking.rows import visible
    from nacd.cli.audit.finding.progress import Progress
    from nacd.store.trail.reading import Unreadable
    from nacd.store.trail_index.building import CannotBuild, build

    progress = Progress(what)
    try:
        path = build(file, told=lambda at: progress(at / max(1, file.size)))
    except (CannotBuild, OSError, Unreadable) as trouble:
        progress.clear()
        print(visible(f"no index for `{file.path.name}`: {trouble}"), file=sys.stderr)
        return False
    progress.clear()
    print(visible(f"{path.name}  {path.stat().st_size / 1e6:,.1f} MB in {progress.took_s:.1f} s"), flush=True)
    return True
