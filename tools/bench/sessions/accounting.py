"""Accounting that is on the disk before it is answered: nacd beside FreeRADIUS and its SQLite session database.

Knows: the load, what must be in the databases afterwards, and how it is counted that disks were waited for. Refuses to
know: how results are shown.

Both write with ``PRAGMA synchronous = FULL``: every commit is synced before its answer. FreeRADIUS commits each record
by itself, nacd all that came meanwhile. nacd's sessions were logged in before, by MAB, and their records repeat the
Class of their Accept; those logins are not counted.
"""

from __future__ import annotations

import re
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tools.bench import cases, load, site
from tools.bench.cases import WrongAnswerError
from tools.bench.compliance import daemon
from tools.bench.compliance.daemon import Place
from tools.bench.radius import ACCOUNTING_RESPONSE
from tools.bench.servers.server import Server
from tools.bench.sessions import records, sql_server
from tools.bench.sessions.figures import SQLITE_ROLLBACK, SQLITE_WAL, Syncs
from tools.bench.sessions.logging_in import log_in
from tools.bench.sessions.records import Station

SIDES: Final = (cases.NACD, SQLITE_WAL, SQLITE_ROLLBACK)
WINDOWS: Final = (64, 8)
DATABASE: Final = "sessions.sqlite"
POLICY: Final[dict[str, Any]] = {
    "profiles": {"corporate": {"vlan": int(daemon.CORPORATE)}},
    "rules": [{"name": "on the list", "when": {"access": "mab", "mac": ["00-11-85-*"]}, "then": "corporate"}],
}
_JOURNALS: Final = {SQLITE_WAL: "WAL", SQLITE_ROLLBACK: "DELETE"}
_LIKE_OURS: Final = b"nacd:0123456789abcdef"
_TRACED_SESSIONS: Final = 200
_ATTACHED_WITHIN_S: Final = 10.0
_CALLS: Final = re.compile(r"^\s*\S+\s+\S+\s+\S+\s+(\d+)\s+(?:\d+\s+)?f(?:data)?sync$", re.MULTILINE)


@dataclass(slots=True, kw_only=True)
class Sides:
    """The servers of these cases, each started when it is first needed and ended with ``stack``.

    place: of nacd; see ``settings``. sessions: in one run.
    """

    stack: ExitStack
    place: Place
    sessions: int
    _servers: dict[str, Server] = field(default_factory=dict)
    _ended: dict[str, int] = field(default_factory=dict)
    _begun: int = 0

    def run(self, side: str, window: int) -> float:
        """CPU ns a record."""
        server, requests = self._prepared(side, self.sessions)
        with cases.spent(server) as bill:
            outcome = load.closed(requests, server.acct_port, site.SECRET, ACCOUNTING_RESPONSE, window)
        self._demand(side, outcome, self.sessions)
        return bill.cpu_ns / outcome.answered

    def syncs(self, window: int) -> Iterator[Syncs]:
        """How often each side waits for its disk, by strace; nothing where there is none."""
        sessions = min(_TRACED_SESSIONS, self.sessions)
        for side in SIDES if shutil.which("strace") else ():
            server, requests = self._prepared(side, sessions)
            said = self.place.folder.with_name("strace.txt")
            with _traced(server, said):
                outcome = load.closed(requests, server.acct_port, site.SECRET, ACCOUNTING_RESPONSE, window)
            self._demand(side, outcome, sessions)
            calls = sum(int(found) for found in _CALLS.findall(said.read_text(encoding="utf-8")))
            yield Syncs(side=side, window=window, records=len(requests), syncs=calls)

    def _prepared(self, side: str, sessions: int) -> tuple[Server, list[bytes]]:
        """The server, and all records of so many new sessions."""
        numbers = range(self._begun, self._begun + sessions)
        self._begun += sessions
        if side not in self._servers:
            self._servers[side], self._ended[side] = self._start(side), 0
        server = self._servers[side]
        if side == cases.NACD:
            stations = log_in(server, numbers)
        else:
            stations = [Station(number=number, mac=records.mac(number), classes=(_LIKE_OURS,)) for number in numbers]
        return server, [
            records.accounting(load.identifier(position), station, kind, elapsed_s, site.SECRET)
            for position, (station, kind, elapsed_s) in enumerate(records.in_turn(stations, live=sessions // 2))
        ]

    def _start(self, side: str) -> Server:
        if side == cases.NACD:
            return daemon.start(self.stack, self.place)
        durability = sql_server.Durability(journal_mode=_JOURNALS[side])
        folder = self.place.folder.with_name(f"freeradius-{_JOURNALS[side].lower()}")
        return sql_server.start(self.stack, folder, self.place.cores, durability)

    def _demand(self, side: str, outcome: load.Outcome, sessions: int) -> None:
        """Raises WrongAnswerError unless all is answered, and every session of it is in the database, and ended."""
        server = self._servers[side]
        cases.demand(server, "accounting", outcome)
        self._ended[side] += sessions
        counted = _counted(self.place.state / DATABASE) if side == cases.NACD else sql_server.counted(server.accounting)
        if counted != (self._ended[side], self._ended[side]):
            said = f"{counted[0]} sessions are in its database and {counted[1]} of them have ended"
            raise WrongAnswerError(f"{server.name}: {said}, of {self._ended[side]}")


def settings(folder: Path) -> dict[str, Any]:
    """What is put in over the usual configuration of a daemon in ``folder``: a switch that returns Class."""
    switch = {
        "name": site.NAS_NAME,
        "network": "127.0.0.1/32",
        "secret": f"file:{folder / 'radius.secret'}",
        "vendor": "cisco-ios",
        "groups": list(site.NAS_GROUPS),
    }
    # One switch has all ports of the site here, and nobody is in a hurry but the benchmark.
    return {"clients": [switch], "overload": {"port_rate": 10_000, "port_burst": 100_000}}


def every_case(sides: Callable[[], Sides]) -> Iterator[cases.Case]:
    """One for each number of records under way."""

    def case(window: int) -> cases.Case:
        return cases.Case(
            name=f"accounting-{window}",
            title=f"accounting, in the session database first, {window} under way",
            sides=SIDES,
            run=lambda side: sides().run(side, window),
        )

    yield from map(case, WINDOWS)


def _counted(database: Path) -> tuple[int, int]:
    """Sessions in nacd's database, and those of them that were authorized and have ended."""
    try:
        reading = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
        try:
            (found,) = reading.execute(
                "SELECT count(*), coalesce(sum(phase = 'ended' AND authorized_at > 0.0), 0) FROM sessions"
            ).fetchall()
        finally:
            reading.close()
    except sqlite3.Error as error:
        raise WrongAnswerError(f"nacd: `{database.name}`: {error}") from error
    return int(found[0]), int(found[1])


@contextmanager
def _traced(server: Server, said: Path) -> Iterator[None]:
    """Have strace count what the block makes the server sync. Raises WrongAnswerError if it cannot."""
    words = ["strace", "-f", "-c", "-e", "trace=fsync,fdatasync", "-o", str(said), "-p", str(server.process.pid)]
    log = said.with_suffix(".log")
    with log.open("wb") as output, subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=output) as tracing:
        deadline = time.monotonic() + _ATTACHED_WITHIN_S
        while "attached" not in log.read_text(errors="replace"):
            if tracing.poll() is not None or time.monotonic() > deadline:
                tracing.kill()
                raise WrongAnswerError(f"strace does not attach: {log.read_text(errors='replace')[-300:]}")
            time.sleep(0.02)
        try:
            yield
        finally:
            tracing.send_signal(signal.SIGINT)
            tracing.wait(_ATTACHED_WITHIN_S)
