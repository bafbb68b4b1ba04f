"""``nacd keeper``: what the daemon runs beside itself for full audit files.

Knows: its options. Refuses to know: what it does (``keeper/``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def keeper(
    config: Annotated[
        Path, typer.Option("--config", "-c", help="The configuration file.", envvar="NACD_CONFIG", dir_okay=False)
    ] = Path("/etc/nacd/nacd.yaml"),
    once: Annotated[bool, typer.Option("--once", help="Do what is due now, and end.")] = False,
) -> None:
    """Compress and index full audit files, and delete those whose time has come.

    The daemon runs one of these by itself. [b]--once[/] is for a host on which it does not run: what is due is
    compressed and indexed; nothing is deleted, for only the daemon can record that. Exit code 0: done; 1: bad
    configuration; 3: something could not be done.
    """
    from nacd.keeper import run

    raise typer.Exit(run.once(config) if once else run.minded(config))
