"""``nacd whatif``: what would have changed, had this policy been in force?

Knows: which logs are read, how far it has come, and the exit code. Refuses to know: what a record means and what is
counted (``nacd.replay``), and how the counts are shown (``shown``). Changes nothing and asks nobody.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from nacd.audit.blocks import timestamp
from nacd.cli.replay import records, shown
from nacd.cli.replay.records import CannotRead, Reader
from nacd.config.fields import duration
from nacd.config.load import load
from nacd.errors import ConfigError
from nacd.replay.answer import Answers
from nacd.replay.record import Aside
from nacd.replay.tally import Replay
from nacd.server.assembly import Assembled, assemble
from nacd.server.clock import instant

USUAL_SINCE: Final = "24h"
SAME, CHANGES, CANNOT = 0, 1, 2
"""Exit codes."""
_EVERY_S: Final = {True: 0.2, False: 5.0}
_STRIDE: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """policy: what is tried out. since: a duration, ``""``: the usual one, or all of the files that are named."""

    policy: Path
    since: str = ""
    files: tuple[Path, ...] = ()
    examples: int = 10
    as_json: bool = False


def run(config: Path, question: Question) -> int:
    """Replay. Returns 0 nothing would change, 1 something would, 2 it cannot be said."""
    try:
        tried = assemble(load(config, policy_path=question.policy), instant(), allow_demo=True)
        reader = _reader(tried, question)
        replay = Replay(
            tried.loaded.policy,
            _present(config, tried).loaded.policy,
            Answers(tried.rendered),
            graph_tenants=tried.graph_tenants,
            examples=question.examples,
        )
        _replay(reader, replay, sys.stderr)
    except ConfigError as refused:
        for problem in refused.problems:
            print(problem, file=sys.stderr)
        print(f"{refused.count}; nacd serve would refuse this policy", file=sys.stderr)
        return CANNOT
    except CannotRead as cannot:
        print(cannot, file=sys.stderr)
        return CANNOT
    report = shown.Report(tally=replay.tally, tried=tried, files=reader.files, since=reader.since)
    if question.as_json:
        print(json.dumps(shown.as_json(report), indent=2, ensure_ascii=False))
    else:
        shown.tell(report)
    if not replay.tally.replayed.logins:
        print("no decision could be replayed, so nothing can be said", file=sys.stderr)
        return CANNOT
    return CHANGES if replay.tally.changed.logins else SAME


def _present(config: Path, tried: Assembled) -> Assembled:
    """The policy in force; when it cannot be read there is nothing to verify with, and that is said."""
    try:
        return assemble(load(config), instant(), allow_demo=True)
    except ConfigError as refused:
        print(f"the policy in force cannot be read ({refused.count}): nothing is verified with it", file=sys.stderr)
        return tried


def _reader(tried: Assembled, question: Question) -> Reader:
    """Raises CannotRead."""
    since = question.since or ("" if question.files else USUAL_SINCE)
    try:
        earliest = instant().wall - duration(since).total_seconds() if since else 0.0
    except ValueError as wrong:
        raise CannotRead(f"--since: {wrong}") from None
    files = question.files or records.beside(tried.loaded.settings.audit.file, earliest)
    if not files:
        raise CannotRead(f"`{tried.loaded.settings.audit.file}` has no records of the last {since}")
    return Reader(files, since=timestamp(earliest) if since else "")


def _replay(reader: Reader, replay: Replay, to: TextIO) -> None:
    progress = _Progress(reader, to)
    taken = 0
    gc.disable()  # records hold no cycles, and there are a great many of them
    try:
        for line in reader:
            if isinstance(line, Aside):
                replay.aside(line)
            else:
                replay.take(line[0], suspect=line[1])
            taken += 1
            if taken % _STRIDE == 0:
                progress.at(taken)
    finally:
        gc.enable()
    progress.end(taken)


class _Progress:
    """How far it has come: one line that is written over on a terminal, now and then a line elsewhere."""

    def __init__(self, reader: Reader, to: TextIO) -> None:
        self._reader, self._to = reader, to
        self._terminal = to.isatty()
        self._began = self._said = time.monotonic()

    def at(self, taken: int) -> None:
        now = time.monotonic()
        if now - self._said < _EVERY_S[self._terminal]:
            return
        self._said = now
        percent = 100 * self._reader.done // max(1, self._reader.total)
        end = "\r" if self._terminal else "\n"
        print(f"{percent:3} %  {taken:,} lines", end=end, file=self._to, flush=True)

    def end(self, taken: int) -> None:
        took_s = time.monotonic() - self._began
        rate = f", {taken / took_s:,.0f} a second" if took_s > 0 else ""
        print(f"{taken:,} lines in {took_s:.1f} s{rate}", file=self._to)
