"""The audit file, and what may be said to people."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nacd.audit.repeats import Repeats
from nacd.server.drops import Drops
from nacd.server.metrics.tally import Tally
from nacd.server.recorder import Recorder
from nacd.server.sessions.loop.telling import Telling
from nacd.store.trail.log import AuditLog
from tests.records import told


@dataclass
class Desk:
    file: Path
    tally: Tally
    telling: Telling

    def records(self) -> list[dict[str, Any]]:
        return told(self.file.read_text())

    def names(self) -> list[str]:
        return [each["event"] for each in self.records()]


@contextlib.contextmanager
def desk(folder: Path) -> Iterator[Desk]:
    log = AuditLog(folder / "audit.jsonl")
    recorder = Recorder(log=log, repeats=Repeats(), drops=Drops(), continue_when_full=True, warn_at_percent=100)
    tally = Tally()
    try:
        yield Desk(folder / "audit.jsonl", tally, Telling(recorder, tally))
    finally:
        log.close()
