"""``nacd serve``: read, check, run."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Final

from nacd.cli.check import first_one
from nacd.config.load import load
from nacd.errors import AuditRefused, ConfigError
from nacd.server import log
from nacd.server.assembly import assemble
from nacd.server.clock import instant
from nacd.server.daemon import run as run_daemon
from nacd.server.logs.levels import WrongLevels, read
from nacd.server.service.notify import from_environment
from nacd.server.service.standing import Standing

BROKEN: Final = 70
"""EX_SOFTWARE of sysexits(3): whoever minds the daemon starts it anew."""


def run(config: Path, *, allow_demo: bool, log_format: str, log_level: str) -> int:
    """Serve until told to stop. Returns the exit code: 1 bad configuration, 2 bad usage, 3 cannot start, 70 a bug."""
    try:
        read(log_level)
    except WrongLevels as wrong:
        print(f"--log-level: {wrong}; by area too, as in `info,lookup=debug`", file=sys.stderr)
        return 2
    if log_format not in ("console", "json"):
        print("--log-format is console or json", file=sys.stderr)
        return 2
    log.start(as_json=log_format == "json", level=log_level)
    standing = Standing(from_environment(os.environ))
    standing.starting()
    try:
        assembled = assemble(load(config), instant(), allow_demo=allow_demo)
    except ConfigError as refused:
        for problem in refused.problems:
            print(problem, file=sys.stderr)
        of_demo = any("of the demo: " in problem.message for problem in refused.problems)
        hint = "; a demo configuration needs --demo" if of_demo else ""
        print(f"not started: {refused.count} in the configuration{hint}", file=sys.stderr)
        if first := first_one(config):
            print(first, file=sys.stderr)
        return 1
    try:
        asyncio.run(run_daemon(assembled, allow_demo=allow_demo, standing=standing))
    except (AuditRefused, OSError) as cannot:
        reason = cannot.strerror if isinstance(cannot, OSError) and cannot.strerror else str(cannot)
        print(f"not started: {reason}", file=sys.stderr)
        return 3
    except Exception as bug:  # noqa: BLE001 - as 1 it would say that a configuration was refused: no other start then
        log.logger("daemon").error("ended by an error in nacd itself", exc_info=bug)
        return BROKEN
    finally:
        standing.over()
    return 0
