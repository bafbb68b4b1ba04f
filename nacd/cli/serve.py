"""``nacd serve``: read, check, run."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from nacd.config.load import load
from nacd.errors import AuditRefused, ConfigError
from nacd.server import log
from nacd.server.assembly import assemble
from nacd.server.clock import instant
from nacd.server.daemon import run as run_daemon


def run(config: Path, *, allow_demo: bool, log_format: str, log_level: str) -> int:
    """Serve until told to stop. Returns the exit code: 1 bad configuration, 2 bad usage, 3 cannot start."""
    if log_format not in ("console", "json") or log_level not in ("debug", "info", "warning", "error"):
        print("--log-format is console or json; --log-level is debug, info, warning or error", file=sys.stderr)
        return 2
    log.start(as_json=log_format == "json", level=log_level)
    try:
        assembled = assemble(load(config), instant(), allow_demo=allow_demo)
    except ConfigError as refused:
        for problem in refused.problems:
            print(problem, file=sys.stderr)
        of_demo = any("of the demo: " in problem.message for problem in refused.problems)
        hint = "; a demo configuration needs --demo" if of_demo else ""
        print(f"not started: {refused.count} in the configuration{hint}", file=sys.stderr)
        return 1
    try:
        asyncio.run(run_daemon(assembled, allow_demo=allow_demo))
    except (AuditRefused, OSError) as cannot:
        reason = cannot.strerror if isinstance(cannot, OSError) and cannot.strerror else str(cannot)
        print(f"not started: {reason}", file=sys.stderr)
        return 3
    return 0
