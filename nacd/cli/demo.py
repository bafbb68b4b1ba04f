"""``nacd demo``: where its state goes, and which program it starts as the daemon."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from nacd.sim.demo import play, stay


def run(state: Path | None, *, keep_running: bool) -> int:
    """Play the story (or set the stage and wait). Returns 0 only if every step came out as expected."""
    folder = state or _default_state()
    daemon = (sys.executable, "-m", "nacd", "serve", "--demo", "--config")
    return stay(folder, daemon) if keep_running else play(folder, daemon)


def _default_state() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "nacd" / "demo"
